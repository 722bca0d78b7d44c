use super::super::{Seen, Trial};

const FOLDER: &str = "opt/wildfly/standalone/configuration/";

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

/// Configurations side by side.
fn side_by_side(names: &[&str]) -> Trial {
    let trial = Trial::root("wildfly", &[]);
    names.iter().fold(trial, |trial, name| trial.with(&format!("{FOLDER}{name}.xml"), SERVER))
}

fn read_one(text: &str) -> Seen {
    Trial::root("wildfly", &[]).with(&format!("{FOLDER}standalone.xml"), text).read()
}

fn rows_of(text: &str) -> Vec<String> {
    read_one(text).rows()
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
fn an_old_one_has_no_backlog_to_set() {
    let of = |version: &str| read_one(&SERVER.replace("undertow:14.0", &format!("undertow:{version}")));
    let old = of("1.0");
    assert_eq!(old.rows(), ["0.0.0.0:8009 ?", "127.0.0.1:8080 50"]);
    assert_eq!(old.set_in(old.at("127.0.0.1:8080"), 128), None);
    let steps = &old.at("127.0.0.1:8080").steps;
    assert_eq!(
        steps.last().unwrap().what,
        "tcp-backlog can be set since undertow:1.1 (WildFly 8.1), and this is undertow:1.0"
    );
    let newer = of("1.1");
    assert!(newer.set_in(newer.at("127.0.0.1:8080"), 128).is_some());
}

#[test]
fn one_configuration_of_several_is_started() {
    let seen = side_by_side(&["standalone-ha", "standalone-full", "standalone"]).read();
    assert_eq!((seen.rows().len(), seen.found.left_out), (2, 2));
    assert_eq!(side_by_side(&["standalone-ha", "standalone-full"]).read().rows(), [""; 0]);
    assert_eq!(side_by_side(&["standalone-ha"]).read().rows().len(), 2);
    let conf = "JAVA_OPTS=\"-Xms64m\"\n";
    let seen = side_by_side(&["standalone"]).with("opt/wildfly/bin/standalone.conf", conf).read();
    assert_eq!(seen.rows()[0], "*:8009 200");
}

#[test]
fn a_backlog_can_be_written_where_it_belongs() {
    let seen = read_one(SERVER);
    let filled = |address: &str| seen.set_in(seen.at(address), 128).unwrap();
    assert!(filled("0.0.0.0:8009").contains("tcp-backlog=\"${ajp.backlog:128}\""));
    assert!(filled("127.0.0.1:8080").contains("redirect-socket=\"https\" tcp-backlog=\"128\"/>"));
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
