use std::fs;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, ReadAs};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

struct Read {
    sources: Sources,
    found: Found,
}

const SERVER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<server xmlns="urn:jboss:domain:20.0">
  <profile>
    <subsystem xmlns="urn:jboss:domain:undertow:14.0">
      <server name="default-server">
        <http-listener name="default" socket-binding="http" redirect-socket="https"/>
        <https-listener name="https" socket-binding="https" enabled="false"/>
        <ajp-listener name="ajp" socket-binding="ajp" tcp-backlog="${ajp.backlog:200}"/>
      </server>
    </subsystem>
  </profile>
  <interfaces>
    <interface name="public"><inet-address value="${jboss.bind.address:127.0.0.1}"/></interface>
    <interface name="all"><any-address/></interface>
    <interface name="nic"><nic name="eth0"/></interface>
  </interfaces>
  <socket-binding-group name="standard-sockets" default-interface="public" port-offset="${jboss.socket.binding.port-offset:0}">
    <socket-binding name="ajp" port="${jboss.ajp.port:8009}" interface="all"/>
    <socket-binding name="http" port="${jboss.http.port:8080}"/>
  </socket-binding-group>
</server>
"#;

fn read_files(files: &[(&str, &str)]) -> Read {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("opt/wildfly").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sources = Sources::new();
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let hosts = Hosts::read(&sources, &tree);
    let configurations = files.iter().filter(|(path, _)| path.ends_with(".xml"));
    let path = |path: &str| Path::new("opt/wildfly").join(path);
    let candidates: Vec<Candidate> =
        configurations.map(|(name, _)| Candidate { path: path(name), by_place: true }).collect();
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service: knowledge.service("wildfly").unwrap(),
        hosts: &hosts,
        place: PlaceId(0),
        commands: &[],
        read_as: ReadAs::Root,
        only: &[],
    };
    let found = read(ground, &candidates);
    Read { sources, found }
}

fn rows_of(text: &str) -> Vec<String> {
    read_files(&[("standalone/configuration/standalone.xml", text)]).rows()
}

impl Read {
    fn rows(&self) -> Vec<String> {
        let number = |listener: &Listener| {
            listener.backlog.value.as_ref().map_or("?".to_owned(), |value| value.get.to_string())
        };
        let all = self.found.listeners.iter();
        all.map(|listener| format!("{} {}", listener.endpoint, number(listener))).collect()
    }
}

#[test]
fn bindings_and_interfaces_make_addresses() {
    assert_eq!(rows_of(SERVER), ["0.0.0.0:8009 200", "127.0.0.1:8080 10000"]);
    let moved =
        SERVER.replace("port-offset:0}", "port-offset:100}").replace("<any-address/>", "<nic name=\"x\"/>");
    assert_eq!(rows_of(&moved), ["? 200", "127.0.0.1:8180 10000"]);
    let fixed = moved.replace("name=\"http\" port", "name=\"http\" fixed-port=\"true\" port");
    assert_eq!(rows_of(&fixed), ["? 200", "127.0.0.1:8080 10000"]);
    assert_eq!(rows_of(&SERVER.replace(":8080}", "}")), ["0.0.0.0:8009 200", "? 10000"]);
    let set = "<server xmlns=\"urn:jboss:domain:20.0\"><system-properties><property name=\"jboss.http.port\" value=\"81\"/></system-properties>";
    let set = SERVER.replace("<server xmlns=\"urn:jboss:domain:20.0\">", set);
    assert_eq!(rows_of(&set), ["0.0.0.0:8009 200", "127.0.0.1:81 10000"]);
}

#[test]
fn the_namespace_tells_the_default() {
    for (version, number) in
        [("14.0", 10000), ("community:14.0", 10000), ("3.0", 10000), ("2.0", 50), ("1.1", 50)]
    {
        let text = SERVER.replace("undertow:14.0", &format!("undertow:{version}"));
        assert_eq!(rows_of(&text)[1], format!("127.0.0.1:8080 {number}"), "{version}");
    }
}

#[test]
fn one_configuration_of_several_is_started() {
    let folder = "standalone/configuration/";
    let (ha, full) = (format!("{folder}standalone-ha.xml"), format!("{folder}standalone-full.xml"));
    let plain = format!("{folder}standalone.xml");
    let read = read_files(&[(&ha, SERVER), (&full, SERVER), (&plain, SERVER)]);
    assert_eq!((read.rows().len(), read.found.left_out), (2, 2));
    assert_eq!(read_files(&[(&ha, SERVER), (&full, SERVER)]).rows().len(), 0);
    assert_eq!(read_files(&[(&ha, SERVER)]).rows().len(), 2);
    let conf = ("bin/standalone.conf", "JAVA_OPTS=\"-Xms64m\"\n");
    assert_eq!(read_files(&[(&plain, SERVER), conf]).rows()[0], "*:8009 200");
}

#[test]
fn a_backlog_can_be_written_where_it_belongs() {
    let read = read_files(&[("standalone/configuration/standalone.xml", SERVER)]);
    let filled = |index: usize| {
        let slot = read.found.listeners[index].backlog.slot.clone().unwrap();
        String::from_utf8(apply(read.sources.bytes(slot.span.source), &[slot.edit(128)])).unwrap()
    };
    assert!(filled(0).contains("tcp-backlog=\"${ajp.backlog:128}\""));
    assert!(filled(1).contains("redirect-socket=\"https\" tcp-backlog=\"128\"/>"));
}

#[test]
fn other_files_are_silent() {
    for text in ["", "<server/>", "<domain xmlns=\"urn:jboss:domain:20.0\"/>"] {
        assert_eq!(rows_of(text), [""; 0]);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_panics(text in "[ -~\n]{0,100}") {
        rows_of(&text);
        rows_of(&SERVER.replace("8080", &text.replace(['<', '&', '"'], "")));
        rows_of(&SERVER.replace("${ajp.backlog:200}", &text.replace(['<', '&', '"'], "")));
    }
}
