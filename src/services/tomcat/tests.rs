use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, ReadAs, Step};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

const DEBIAN: &str = "etc/tomcat10/server.xml";

/// A tree with a Tomcat in it.
struct Machine {
    folder: TempDir,
    sources: Sources,
    /// The server.xml.
    path: PathBuf,
    by_place: bool,
    read_as: ReadAs,
}

impl Machine {
    fn new(path: &str, xml: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let machine = Self {
            folder,
            sources: Sources::new(),
            path: path.into(),
            by_place: true,
            read_as: ReadAs::Root,
        };
        machine.with(path, xml)
    }

    fn connectors(connectors: &str) -> Self {
        Self::new(DEBIAN, server(connectors))
    }

    /// Found by name and content in a repository.
    fn repository(connectors: &str) -> Self {
        Self { by_place: false, read_as: ReadAs::Repo, ..Self::new("docker/server.xml", server(connectors)) }
    }

    fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    fn read(&self) -> Found {
        let tree = Tree::open(self.folder.path(), true).unwrap();
        let knowledge = Knowledge::load(&self.sources).unwrap();
        let ground = Ground {
            sources: &self.sources,
            tree: &tree,
            service: knowledge.service("tomcat").unwrap(),
            hosts: &Hosts::read(&self.sources, &tree),
            place: PlaceId::default(),
            commands: &[],
            read_as: self.read_as,
            only: &[],
        };
        read(ground, &[Candidate { path: self.path.clone(), by_place: self.by_place }])
    }

    fn listener(&self) -> Listener {
        let mut found = self.read();
        assert_eq!(found.listeners.len(), 1, "{found:?}");
        found.listeners.remove(0)
    }

    /// The file with `number` put into the first listener's slot; `None` where there is no slot.
    fn set(&self, number: i64) -> Option<String> {
        let slot = self.read().listeners.first()?.backlog.slot.clone()?;
        let bytes = apply(self.sources.bytes(slot.span.source), &[slot.edit(number)]);
        Some(String::from_utf8(bytes).unwrap())
    }
}

fn server(connectors: &str) -> String {
    format!("<Server port=\"-1\"><Service name=\"a\">{connectors}</Service></Server>")
}

fn limits(found: &Found) -> Vec<(String, Option<i64>)> {
    let number = |listener: &Listener| listener.backlog.value.as_ref().map(|value| value.get);
    found.listeners.iter().map(|listener| (listener.endpoint.to_string(), number(listener))).collect()
}

fn problems(found: &Found) -> Vec<(ProblemKind, &str)> {
    found.problems.iter().map(|problem| (problem.kind, problem.message.as_str())).collect()
}

fn words(steps: &[Step]) -> String {
    steps.iter().map(|step| step.what.as_str()).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_number_is_put_where_it_stands_or_after_the_last_attribute() {
    for (connector, longer) in [
        (r#"<Connector port="8080" acceptCount="50"/>"#, r#"<Connector port="8080" acceptCount="300"/>"#),
        (r#"<Connector port="8080" acceptCount = '50'/>"#, r#"<Connector port="8080" acceptCount = '300'/>"#),
        (r#"<Connector AcceptCount="50" port="8080"/>"#, r#"<Connector AcceptCount="300" port="8080"/>"#),
        ("<Connector port='8080'\n/>", "<Connector port='8080' acceptCount=\"300\"\n/>"),
        (
            r#"<Connector acceptcount="50" port="8080"></Connector>"#,
            r#"<Connector acceptcount="50" port="8080" acceptCount="300"></Connector>"#,
        ),
        (
            r#"<Connector port="8080" acceptCount="5" AcceptCount="6"/>"#,
            r#"<Connector port="8080" acceptCount="5" AcceptCount="300"/>"#,
        ),
    ] {
        assert_eq!(Machine::connectors(connector).set(300), Some(server(longer)), "{connector}");
    }
}

#[test]
fn what_does_not_spell_the_number_has_no_slot() {
    for count in ["&#50;00", "${queue}", "${queue:-200}", "2${zeros}", "0", "-1", "abc", "", " 200", "２００"]
    {
        let machine = Machine::connectors(&format!("<Connector port=\"8080\" acceptCount=\"{count}\"/>"))
            .with("etc/tomcat10/catalina.properties", "queue=2\\\n00\nzeros=00\n");
        assert_eq!(machine.set(300), None, "{count}");
    }
    let sixteen: Vec<u8> =
        server("<Connector port=\"8080\"/>").encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(Machine::new(DEBIAN, sixteen).set(300), None);
}

#[test]
fn a_property_is_changed_in_its_own_file() {
    let machine = Machine::connectors("<Connector port=\"8080\" acceptCount=\"${queue}\"/>")
        .with("etc/tomcat10/catalina.properties", "# queue=1\r\nqueue = 50\r\nother=50\r\n");
    assert_eq!(machine.set(300).unwrap(), "# queue=1\r\nqueue = 300\r\nother=50\r\n");
    let listener = machine.listener();
    assert_eq!(words(&listener.steps), "queue in catalina.properties; acceptCount takes it");
}

#[test]
fn an_entity_is_changed_where_it_is_written() {
    let doctype = r#"<!DOCTYPE Server [<!ENTITY c "<Connector port='8080'/>"><!ENTITY d SYSTEM "d.xml">]>"#;
    let machine = Machine::new(DEBIAN, format!("{doctype}{}", server("&c;")));
    let longer = doctype.replace("'8080'", "'8080' acceptCount='300'");
    assert_eq!(machine.set(300), Some(format!("{longer}{}", server("&c;"))));
    let machine = Machine::new(DEBIAN, format!("{doctype}{}", server("&d;")))
        .with("etc/tomcat10/d.xml", "<Connector port='8080' acceptCount='50'/>");
    assert_eq!(machine.set(300).unwrap(), "<Connector port='8080' acceptCount='300'/>");
}

/// Every recorded tree: a number that is put into a slot is what the listener asks for afterwards, and nothing else changes
/// but what the same property feeds.
#[test]
fn every_slot_of_the_recorded_trees_takes_a_number() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/services/tomcat");
    let mut slots = 0;
    for case in fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()) {
        let before = machine_of(&case).read();
        for index in 0..before.listeners.len() {
            let machine = machine_of(&case);
            let Some(slot) = machine.read().listeners[index].backlog.slot.clone() else { continue };
            let source = machine.sources.get(slot.span.source);
            let longer = apply(source.bytes(), &[slot.edit(1234)]);
            fs::write(machine.folder.path().join(source.path().unwrap()), longer).unwrap();
            let after = Machine { sources: Sources::new(), ..machine }.read();
            let mut expected = limits(&before);
            for (other, limit) in before.listeners.iter().zip(&mut expected) {
                if other.backlog.slot == before.listeners[index].backlog.slot {
                    limit.1 = Some(1234);
                }
            }
            assert_eq!(limits(&after), expected, "{}", case.display());
            assert_eq!(problems(&after), problems(&before), "{}", case.display());
            slots += 1;
        }
    }
    assert!(slots > 80, "{slots} slots");
}

fn machine_of(case: &Path) -> Machine {
    let opt = "opt/tomcat/conf/server.xml";
    let path = if case.join("root").join(opt).exists() { opt } else { DEBIAN };
    let mut machine = Machine::new(path, "");
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(case.join("root").join(&folder)).unwrap().map(Result::unwrap) {
            let inner = folder.join(entry.file_name());
            match entry.path().is_dir() {
                true => folders.push(inner),
                false => machine = machine.with(inner.to_str().unwrap(), fs::read(entry.path()).unwrap()),
            }
        }
    }
    machine
}

#[test]
fn only_tomcats_own_root_is_taken() {
    for xml in [
        "<server><service><connector port='8080'/></service></server>",
        "<server description='Liberty'><httpEndpoint httpPort='9080'/></server>",
        "<t:Server xmlns:t='x'><t:Service><t:Connector port='8080'/></t:Service></t:Server>",
        "<Context><Server><Service><Connector port='8080'/></Service></Server></Context>",
    ] {
        let found = Machine::new(DEBIAN, xml).read();
        assert_eq!((found.listeners.len(), found.problems.len()), (0, 0), "{xml}");
    }
    // Another program's Server, met by its name only.
    let other = "<Server port='1'><Listener port='2'/></Server>";
    let found = Machine { by_place: false, ..Machine::new("srv/app/server.xml", other) }.read();
    assert_eq!((found.listeners.len(), found.problems.len()), (0, 0));
}

#[test]
fn the_shutdown_port_is_fixed() {
    let listener = Machine::new(DEBIAN, "<Server port='8005'><Service/></Server>").listener();
    assert_eq!(listener.endpoint.to_string(), "127.0.0.1:8005");
    assert!(listener.internal && listener.backlog.slot.is_none());
    assert_eq!(listener.backlog.value.unwrap().get, 1);
    assert_eq!(words(&listener.notes), "assumed: localhost is 127.0.0.1");
}

#[test]
fn what_must_fill_first_is_told() {
    let note = |connectors: &str| {
        let notes = Machine::connectors(connectors).listener().notes;
        notes.iter().filter_map(|note| note.value).collect::<Vec<_>>()
    };
    assert_eq!(note("<Connector port='8080'/>"), [8192, 200]);
    assert_eq!(note("<Connector port='8080' maxConnections='10' maxThreads='5'/>"), [10, 5]);
    assert_eq!(note("<Connector port='8080' maxConnections='-1' maxThreads='x'/>"), [200]);
    assert_eq!(
        note("<Executor name='e' maxThreads='7'/><Connector port='8080' executor='e' maxThreads='5'/>"),
        [8192, 7]
    );
    assert_eq!(note("<Executor name='e' maxThreads='7'/><Connector port='8080' executor='f'/>"), [8192, 200]);
}

#[test]
fn a_number_that_is_refused_is_explained() {
    for (count, why) in [
        ("abc", "acceptCount=\"abc\" is no number to Java: Tomcat ignores it"),
        ("0", "acceptCount=\"0\" is not above 0: Tomcat ignores it"),
    ] {
        let listener =
            Machine::connectors(&format!("<Connector port='8080' acceptCount='{count}'/>")).listener();
        let last = listener.steps.last().unwrap();
        assert_eq!((last.value, last.what.as_str()), (Some(100), why));
    }
    let listener = Machine::connectors("<Connector port='8080' acceptcount='7' backlog='8'/>").listener();
    let notes = words(&listener.notes);
    assert!(notes.starts_with(
        "acceptcount is not acceptCount: Tomcat ignores it; backlog is not acceptCount: Tomcat ignores it"
    ));
}

#[test]
fn a_connector_that_stays_closed_is_told_and_is_no_fault() {
    for (connector, why) in [
        ("<Connector/>", "it has no port"),
        ("<Connector port='-1'/>", "-1 is no port"),
        ("<Connector port='65536'/>", "65536 is no port"),
        ("<Connector port='http'/>", "\"http\" is no port"),
        ("<Connector port='${http}'/>", "\"${http}\" is no port"),
        ("<Connector port='8080' protocol='HTTP/2'/>", "\"HTTP/2\" is no protocol"),
        (
            "<Connector port='8080' protocol='org.apache.coyote.http11.Http11AprProtocol'/>",
            "\"org.apache.coyote.http11.Http11AprProtocol\" is not part of Tomcat since 10.1",
        ),
        ("<Connector port='8443' SSLEnabled='true'/>", "SSLEnabled, and no certificate is given"),
        ("<Connector unixDomainSocketPath=''/>", "unixDomainSocketPath is empty"),
        (
            "<Connector port='8009' protocol='AJP/1.3' bindOnInit='false'/>",
            "AJP without a secret does not start since February 2020: nobody accepts what waits here",
        ),
    ] {
        let found = Machine::connectors(connector).read();
        assert!(found.listeners.is_empty(), "{connector}");
        assert_eq!(problems(&found), [(ProblemKind::Skipped, CLOSED)], "{connector}");
        assert_eq!(found.problems[0].labels[0].message, why);
    }
}

#[test]
fn a_certificate_opens_an_https_connector() {
    let tls = |attributes: &str, inside: &str| {
        format!("<Connector port='8443' SSLEnabled='true' {attributes}>{inside}</Connector>")
    };
    let inside = "<SSLHostConfig><Certificate certificateKeystoreFile='conf/k.jks'/></SSLHostConfig>";
    assert_eq!(limits(&Machine::connectors(&tls("", inside)).read()).len(), 1);
    assert_eq!(limits(&Machine::connectors(&tls("keystoreFile='k'", "")).read()).len(), 0);
    let old = Machine::new("etc/tomcat9/server.xml", server(&tls("keystoreFile='k'", "")));
    assert_eq!(limits(&old.read()).len(), 1);
    let at_home = Machine::connectors(&tls("", "")).with("var/lib/tomcat10/.keystore", "");
    assert_eq!(limits(&at_home.read()).len(), 1);
    assert_eq!(limits(&Machine::repository(&tls("", "")).read()).len(), 1);
}

#[test]
fn a_socket_that_is_taken_is_a_conflict() {
    let found =
        Machine::connectors("<Connector port='8080'/><Connector port='8080' address='127.0.0.1'/>").read();
    assert_eq!(limits(&found), [("*:8080".into(), Some(100))]);
    let message = "the Connector on 127.0.0.1:8080, for the address is in use already";
    assert_eq!(problems(&found), [(ProblemKind::Conflict, message)]);
    assert_eq!(found.problems[0].labels[0].message, "*:8080 is bound here first");
    for apart in [
        "<Connector port='8080' address='127.0.0.1'/><Connector port='8080' address='::1'/>",
        "<Connector port='8080' address='127.0.0.1'/><Connector port='8080' address='127.0.0.2'/>",
        "<Connector port='0'/><Connector port='0'/>",
        "<Connector port='8080' unixDomainSocketPath='/a'/><Connector port='8080' unixDomainSocketPath='/b'/>",
    ] {
        assert_eq!(problems(&Machine::connectors(apart).read()), [], "{apart}");
    }
}

#[test]
fn a_repository_leaves_open_what_others_fill_in() {
    for (connector, expected) in [
        ("<Connector port='8080' acceptCount='${queue}'/>", ("*:8080", None)),
        ("<Connector port='8080' acceptCount='{{ queue }}'/>", ("*:8080", None)),
        ("<Connector port='8080' acceptCount='@queue@'/>", ("*:8080", None)),
        ("<Connector port='8080' acceptCount='${queue:-50}'/>", ("*:8080", Some(50))),
        ("<Connector port='8080' acceptCount='abc'/>", ("*:8080", Some(100))),
        ("<Connector port='8080' acceptCount='ACCEPT_COUNT'/>", ("*:8080", None)),
        ("<Connector port='${http.port}'/>", ("?", Some(100))),
        ("<Connector port='HTTP'/>", ("?", Some(100))),
        ("<Connector port='8080' address='${host}'/>", ("?", Some(100))),
        ("<Connector port='8080' address='app.example.com'/>", ("?", Some(100))),
        ("<Connector unixDomainSocketPath='${run}/t.sock'/>", ("?", Some(100))),
    ] {
        let machine = Machine::repository(connector);
        assert_eq!(limits(&machine.read()), [(expected.0.into(), expected.1)], "{connector}");
        let listener = machine.listener();
        let told = if expected.1.is_none() { &listener.steps } else { &listener.notes };
        assert!(expected.0 == "*:8080" && expected.1.is_some() || !told.is_empty(), "{connector}");
    }
}

#[test]
fn the_environment_may_fill_in_what_an_installed_tomcat_leaves_open() {
    let machine = Machine::connectors("<Connector port='8080' acceptCount='${QUEUE}'/>").with(
        "etc/tomcat10/catalina.properties",
        "org.apache.tomcat.util.digester.PROPERTY_SOURCE=org.apache.tomcat.util.digester.EnvironmentPropertySource\n",
    );
    let listener = machine.listener();
    assert_eq!(listener.backlog.value, None);
    assert_eq!(words(&listener.steps), "acceptCount=\"${QUEUE}\" is filled in elsewhere");
}

#[test]
fn options_come_from_where_each_kind_of_installation_keeps_them() {
    let connector = "<Connector port='8080' acceptCount='${queue}'/>";
    for (server_xml, options, text) in [
        (DEBIAN, "etc/default/tomcat10", "#JAVA_OPTS=-Dqueue=9\nJAVA_OPTS=\"-Xmx1g -Dqueue=50\"\n"),
        (
            DEBIAN,
            "etc/systemd/system/tomcat10.service.d/x.conf",
            "[Service]\nEnvironment='JAVA_OPTS=-Da=b -Dqueue=50'\n",
        ),
        ("etc/tomcat/server.xml", "etc/tomcat/tomcat.conf", "CATALINA_OPTS=\"-Dqueue=50\"\n"),
        ("etc/tomcat/server.xml", "etc/sysconfig/tomcat", "CATALINA_OPTS=\"-Dqueue=50\"\n"),
        (
            "opt/t/conf/server.xml",
            "opt/t/bin/setenv.sh",
            "export CATALINA_OPTS=\"$CATALINA_OPTS -Dqueue=50\"\n",
        ),
    ] {
        let machine = Machine::new(server_xml, server(connector)).with(options, text);
        assert_eq!(limits(&machine.read()), [("*:8080".into(), Some(50))], "{options}");
        assert_eq!(machine.set(300), None);
    }
    let shell =
        Machine::new(DEBIAN, server(connector)).with("etc/default/tomcat10", "JAVA_OPTS=-Dqueue=$QUEUE\n");
    assert_eq!(limits(&shell.read()), [("*:8080".into(), None)]);
    let other =
        Machine::new(DEBIAN, server(connector)).with("etc/default/tomcat10", "JAVA_OPTS=-Dother=$QUEUE\n");
    assert_eq!(limits(&other.read()), [("*:8080".into(), Some(100))]);
}

#[test]
fn old_tomcats_differ() {
    let old = |folder: &str, connector: &str| {
        limits(&Machine::new(&format!("{folder}/conf/server.xml"), server(connector)).read())
    };
    let row = |address: &str, limit| vec![(address.to_owned(), Some(limit))];
    let renamed = "<Connector port='8080' backlog='300'/>";
    assert_eq!(old("opt/apache-tomcat-8.5.100", renamed), row("*:8080", 300));
    assert_eq!(old("opt/apache-tomcat-9.0.98", renamed), row("*:8080", 100));
    let ajp = "<Connector port='8009' protocol='AJP/1.3'/>";
    assert_eq!(old("opt/apache-tomcat-9.0.30", ajp), row("*:8009", 100));
    assert_eq!(old("opt/apache-tomcat-9.0.31", ajp), row("127.0.0.1:8009", 100));
    assert_eq!(old("opt/apache-tomcat-8.0.53", ajp), row("*:8009", 100));
    assert_eq!(old("opt/tomcat", ajp), row("127.0.0.1:8009", 100));
    let told = Machine::new("opt/t/conf/server.xml", server(ajp))
        .with("opt/t/RELEASE-NOTES", "                     Apache Tomcat Version 9.0.16\n");
    assert_eq!(limits(&told.read()), row("*:8009", 100));
    let apr = "<Connector port='8080' protocol='org.apache.coyote.http11.Http11AprProtocol'/>";
    assert_eq!(old("opt/apache-tomcat-9.0.98", apr), row("*:8080", 100));
    assert_eq!(old("opt/apache-tomcat-10.0.27", apr), row("*:8080", 100));
    assert_eq!(old("opt/apache-tomcat-10.1.5", apr), []);
    assert_eq!(old("opt/tomcat", apr), row("*:8080", 100));
}

#[test]
fn a_file_that_is_lost_is_told() {
    let broken = server("<Connector port='8080'>");
    let found = Machine::new(DEBIAN, &broken).read();
    assert_eq!(found.problems[0].kind, ProblemKind::Lost);
    assert!(found.problems[0].message.starts_with("this server.xml keeps it from starting: "), "{found:?}");
    let found = Machine { by_place: false, ..Machine::new("conf/server.xml", &broken) }.read();
    assert_eq!(found.problems[0].kind, ProblemKind::Skipped);
    let machine = Machine::new(DEBIAN, "");
    fs::File::create(machine.folder.path().join(DEBIAN)).unwrap().set_len(8 << 30).unwrap();
    let found = machine.read();
    assert_eq!(found.problems[0].kind, ProblemKind::Lost);
    assert!(found.problems[0].message.contains("8192 MiB"), "{found:?}");
}

#[test]
fn secrets_appear_nowhere() {
    let found = Machine::connectors(
        "<Connector port='8443' SSLEnabled='true' keystorePass='hunter2' acceptCount='abc'/>\
         <Connector port='8009' protocol='AJP/1.3' secret='hunter2'/><Connector secret='hunter2'/>",
    )
    .read();
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[test]
fn properties_that_double_each_other_end() {
    let doubling: BTreeMap<usize, String> =
        (0..40).map(|n| (n, format!("a{n}=${{a{}}}${{a{}}}\n", n + 1, n + 1))).collect();
    let text: String = doubling.into_values().collect();
    let machine = Machine::connectors("<Connector port='8080' acceptCount='${a0}'/>")
        .with("etc/tomcat10/catalina.properties", text);
    assert_eq!(limits(&machine.read()), [("*:8080".into(), Some(100))]);
}

#[test]
fn a_file_of_connectors_ends() {
    let connectors: String =
        (0..5000).map(|n| format!("<Connector port='1' address='127.0.{}.{}'/>", n >> 8, n & 255)).collect();
    let found = Machine::connectors(&connectors).read();
    assert_eq!(found.listeners.len(), MAX_CONNECTORS);
    assert_eq!(
        problems(&found),
        [(ProblemKind::Skipped, "the Connectors after the first 4096 were not read")]
    );
}
