use std::collections::BTreeMap;
use std::fs;

use super::super::{Seen, Trial};
use super::*;
use crate::model::{Starter, Step};
use crate::text::apply;

const DEBIAN: &str = "etc/tomcat10/server.xml";

fn tomcat(path: &str, xml: impl AsRef<[u8]>) -> Trial {
    Trial::root("tomcat", &[]).with(path, xml)
}

fn connectors(connectors: &str) -> Trial {
    tomcat(DEBIAN, server(connectors))
}

/// Found by name and content in a repository.
fn repository(path: &str, xml: &str) -> Seen {
    Trial::repository("tomcat", &[(path, xml)]).read()
}

fn server(connectors: &str) -> String {
    format!("<Server port=\"-1\"><Service name=\"a\">{connectors}</Service></Server>")
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
        assert_eq!(connectors(connector).read().set(300), Some(server(longer)), "{connector}");
    }
}

#[test]
fn a_number_that_is_ignored_is_where_another_goes() {
    for count in ["0", "-1"] {
        let connector = |count: &str| format!("<Connector port=\"8080\" acceptCount=\"{count}\"/>");
        let seen = connectors(&connector(count)).read();
        assert_eq!(
            (seen.one().backlog.value.as_ref().unwrap().get, seen.set(300)),
            (100, Some(server(&connector("300"))))
        );
    }
}

#[test]
fn what_does_not_spell_the_number_has_no_slot() {
    for count in ["&#50;00", "${queue}", "${queue:-200}", "2${zeros}", "abc", "", " 200", "２００"] {
        let trial = connectors(&format!("<Connector port=\"8080\" acceptCount=\"{count}\"/>"))
            .with("etc/tomcat10/catalina.properties", "queue=2\\\n00\nzeros=00\n");
        assert_eq!(trial.read().set(300), None, "{count}");
    }
    let sixteen: Vec<u8> =
        server("<Connector port=\"8080\"/>").encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(tomcat(DEBIAN, sixteen).read().set(300), None);
}

#[test]
fn a_property_is_changed_in_its_own_file() {
    let seen = connectors("<Connector port=\"8080\" acceptCount=\"${queue}\"/>")
        .with("etc/tomcat10/catalina.properties", "# queue=1\r\nqueue = 50\r\nother=50\r\n")
        .read();
    assert_eq!(seen.set(300).unwrap(), "# queue=1\r\nqueue = 300\r\nother=50\r\n");
    assert_eq!(words(&seen.one().steps), "queue in catalina.properties; used by acceptCount");
}

#[test]
fn an_entity_is_changed_where_it_is_written() {
    let doctype = r#"<!DOCTYPE Server [<!ENTITY c "<Connector port='8080'/>"><!ENTITY d SYSTEM "d.xml">]>"#;
    let seen = tomcat(DEBIAN, format!("{doctype}{}", server("&c;"))).read();
    let longer = doctype.replace("'8080'", "'8080' acceptCount='300'");
    assert_eq!(seen.set(300), Some(format!("{longer}{}", server("&c;"))));
    let seen = tomcat(DEBIAN, format!("{doctype}{}", server("&d;")))
        .with("etc/tomcat10/d.xml", "<Connector port='8080' acceptCount='50'/>")
        .read();
    assert_eq!(seen.set(300).unwrap(), "<Connector port='8080' acceptCount='300'/>");
}

/// Every recorded tree: a number that is put into a slot is what the listener asks for afterwards, and nothing else changes
/// but what the same property feeds.
#[test]
fn every_slot_of_the_recorded_trees_takes_a_number() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/services/tomcat");
    let mut slots = 0;
    for case in fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()) {
        let files = files_of(&case.join("root"));
        let read = |changed: Option<(&Path, &[u8])>| {
            let with = |trial: Trial, (path, bytes): &(String, Vec<u8>)| match changed {
                Some((changed, bytes)) if changed == Path::new(path) => trial.with(path, bytes),
                _ => trial.with(path, bytes),
            };
            files.iter().fold(Trial::root("tomcat", &[]), with).read()
        };
        let before = read(None);
        for listener in &before.found.listeners {
            let Some(slot) = &listener.backlog.slot else { continue };
            let source = before.sources.get(slot.span.source);
            let longer = apply(source.bytes(), &[slot.edit(1234)]);
            let after = read(Some((source.path().unwrap(), &longer)));
            let mut expected = before.rows();
            for (other, row) in before.found.listeners.iter().zip(&mut expected) {
                if other.backlog.slot == listener.backlog.slot {
                    *row = format!("{} 1234", other.endpoint);
                }
            }
            assert_eq!(after.rows(), expected, "{}", case.display());
            assert_eq!(after.problems(), before.problems(), "{}", case.display());
            slots += 1;
        }
    }
    assert!(slots > 80, "{slots} slots");
}

fn files_of(root: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let inner = path.strip_prefix(root).unwrap().to_str().unwrap();
                    files.push((inner.to_owned(), fs::read(&path).unwrap()));
                }
            }
        }
    }
    files
}

#[test]
fn only_tomcats_own_root_is_taken() {
    for xml in [
        "<server><service><connector port='8080'/></service></server>",
        "<server description='Liberty'><httpEndpoint httpPort='9080'/></server>",
        "<t:Server xmlns:t='x'><t:Service><t:Connector port='8080'/></t:Service></t:Server>",
        "<Context><Server><Service><Connector port='8080'/></Service></Server></Context>",
    ] {
        let seen = tomcat(DEBIAN, xml).read();
        assert_eq!([seen.rows(), seen.problems()], [[""; 0]; 2], "{xml}");
    }
    // Another program's Server, met by its name only.
    let other = "<Server port='1'><Listener port='2'/></Server>";
    let seen = tomcat("srv/app/server.xml", other).read();
    assert_eq!([seen.rows(), seen.problems()], [[""; 0]; 2]);
}

#[test]
fn the_shutdown_port_is_fixed() {
    let seen = tomcat(DEBIAN, "<Server port='8005'><Service/></Server>").read();
    let listener = seen.one();
    assert_eq!(seen.rows(), ["127.0.0.1:8005 1"]);
    assert!(listener.internal && listener.backlog.slot.is_none());
    assert_eq!(words(&listener.notes), "assuming that localhost is 127.0.0.1 and ::1");
}

#[test]
fn what_must_fill_first_is_told() {
    let note = |text: &str| {
        let seen = connectors(text).read();
        seen.one().notes.iter().filter_map(|note| note.value).collect::<Vec<_>>()
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
        ("abc", "acceptCount=\"abc\" is not a number to Java: Tomcat ignores it"),
        ("0", "acceptCount=\"0\" is not above 0: Tomcat ignores it"),
    ] {
        let seen = connectors(&format!("<Connector port='8080' acceptCount='{count}'/>")).read();
        let last = seen.one().steps.last().unwrap();
        assert_eq!((last.value, last.what.as_str()), (Some(100), why));
    }
    let seen = connectors("<Connector port='8080' acceptcount='7' backlog='8'/>").read();
    let notes = words(&seen.one().notes);
    assert!(notes.starts_with(
        "acceptcount is not acceptCount: Tomcat ignores it; backlog is not acceptCount: Tomcat ignores it"
    ));
}

#[test]
fn a_connector_that_stays_closed_is_told_and_is_no_fault() {
    for (connector, why) in [
        ("<Connector/>", "it has no port"),
        ("<Connector port='-1'/>", "`-1` is not a port"),
        ("<Connector port='65536'/>", "`65536` is not a port"),
        ("<Connector port='http'/>", "`http` is not a port"),
        ("<Connector port='${http}'/>", "`${http}` is not a port"),
        ("<Connector port='8080' protocol='HTTP/2'/>", "\"HTTP/2\" is not a protocol"),
        (
            "<Connector port='8080' protocol='org.apache.coyote.http11.Http11AprProtocol'/>",
            "\"org.apache.coyote.http11.Http11AprProtocol\" is not part of Tomcat since 10.1",
        ),
        ("<Connector port='8443' SSLEnabled='true'/>", "SSLEnabled without a certificate"),
        ("<Connector unixDomainSocketPath=''/>", "unixDomainSocketPath is empty"),
        (
            "<Connector port='8009' protocol='AJP/1.3' bindOnInit='false'/>",
            "AJP without a secret does not start since February 2020: nobody accepts what waits here",
        ),
    ] {
        let seen = connectors(connector).read();
        assert_eq!(seen.rows(), [""; 0], "{connector}");
        assert_eq!(seen.problems(), [format!("Skipped: {CLOSED}")], "{connector}");
        assert_eq!(seen.found.problems[0].labels[0].message, why);
    }
}

#[test]
fn a_certificate_opens_an_https_connector() {
    let tls = |attributes: &str, inside: &str| {
        format!("<Connector port='8443' SSLEnabled='true' {attributes}>{inside}</Connector>")
    };
    let inside = "<SSLHostConfig><Certificate certificateKeystoreFile='conf/k.jks'/></SSLHostConfig>";
    assert_eq!(connectors(&tls("", inside)).read().rows().len(), 1);
    assert_eq!(connectors(&tls("keystoreFile='k'", "")).read().rows().len(), 0);
    let old = tomcat("etc/tomcat9/server.xml", server(&tls("keystoreFile='k'", "")));
    assert_eq!(old.read().rows().len(), 1);
    let at_home = connectors(&tls("", "")).with("var/lib/tomcat10/.keystore", "");
    assert_eq!(at_home.read().rows().len(), 1);
    assert_eq!(repository("docker/server.xml", &server(&tls("", ""))).rows().len(), 1);
}

#[test]
fn a_socket_that_is_taken_is_a_conflict() {
    let seen = connectors("<Connector port='8080'/><Connector port='8080' address='127.0.0.1'/>").read();
    assert_eq!(seen.rows(), ["*:8080 100"]);
    let message =
        "Conflict: the Connector stays closed: bind() to 127.0.0.1:8080 failed (98: Address already in use)";
    assert_eq!(seen.problems(), [message]);
    assert_eq!(seen.found.problems[0].labels[0].message, "*:8080 is bound here first");
    for apart in [
        "<Connector port='8080' address='127.0.0.1'/><Connector port='8080' address='::1'/>",
        "<Connector port='8080' address='127.0.0.1'/><Connector port='8080' address='127.0.0.2'/>",
        "<Connector port='0'/><Connector port='0'/>",
        "<Connector port='8080' unixDomainSocketPath='/a'/><Connector port='8080' unixDomainSocketPath='/b'/>",
    ] {
        assert_eq!(connectors(apart).read().problems(), [""; 0], "{apart}");
    }
}

#[test]
fn a_repository_leaves_open_what_others_fill_in() {
    for (connector, expected) in [
        ("<Connector port='8080' acceptCount='${queue}'/>", "*:8080 ?"),
        ("<Connector port='8080' acceptCount='{{ queue }}'/>", "*:8080 ?"),
        ("<Connector port='8080' acceptCount='@queue@'/>", "*:8080 ?"),
        ("<Connector port='8080' acceptCount='${queue:-50}'/>", "*:8080 50"),
        ("<Connector port='8080' acceptCount='abc'/>", "*:8080 100"),
        ("<Connector port='8080' acceptCount='ACCEPT_COUNT'/>", "*:8080 ?"),
        ("<Connector port='${http.port}'/>", "? 100"),
        ("<Connector port='HTTP'/>", "? 100"),
        ("<Connector port='8080' address='${host}'/>", "? 100"),
        ("<Connector port='8080' address='app.example.com'/>", "? 100"),
        ("<Connector unixDomainSocketPath='${run}/t.sock'/>", "? 100"),
    ] {
        let seen = repository("docker/server.xml", &server(connector));
        assert_eq!(seen.rows(), [expected], "{connector}");
        let listener = seen.one();
        let told = if expected.ends_with('?') { &listener.steps } else { &listener.notes };
        assert!(!expected.contains('?') || !told.is_empty(), "{connector}");
    }
}

#[test]
fn the_environment_may_fill_in_what_an_installed_tomcat_leaves_open() {
    let trial = connectors("<Connector port='8080' acceptCount='${QUEUE}'/>").with(
        "etc/tomcat10/catalina.properties",
        "org.apache.tomcat.util.digester.PROPERTY_SOURCE=org.apache.tomcat.util.digester.EnvironmentPropertySource\n",
    );
    let seen = trial.read();
    assert_eq!(seen.rows(), ["*:8080 ?"]);
    assert_eq!(words(&seen.one().steps), "unknown backlog: the files do not say what `${QUEUE}` is");
}

#[test]
fn a_script_sets_variables_in_its_order() {
    let rows = |script: &str| {
        let sources = "org.apache.tomcat.util.digester.PROPERTY_SOURCE=\
                       org.apache.tomcat.util.digester.SystemPropertySource,\
                       org.apache.tomcat.util.digester.EnvironmentPropertySource\n";
        let xml = server("<Connector port='8080' acceptCount='${QUEUE}'/>");
        let trial = tomcat("opt/t/conf/server.xml", xml).with("opt/t/bin/setenv.sh", script);
        let trial = trial.with("opt/t/conf/catalina.properties", sources);
        trial
            .started_as("/opt/t/bin/catalina.sh run", |command| command.starter = Starter::Unit)
            .read()
            .rows()
    };
    for (script, row) in [
        ("export QUEUE=1\nexport QUEUE=2\n", "*:8080 2"),
        ("export QUEUE=$OTHER\nexport QUEUE=2\n", "*:8080 2"),
        ("export QUEUE=1\nexport QUEUE=$OTHER\n", "*:8080 ?"),
        ("export QUEUE=1\nQUEUE=2\n", "*:8080 ?"),
        ("QUEUE=2\nexport QUEUE\n", "*:8080 ?"),
        ("QUEUE=2; export QUEUE\n", "*:8080 ?"),
        ("export OTHER=1 QUEUE=2 # all\n", "*:8080 ?"),
        ("export OTHER=\"1 QUEUE\" # QUEUE\n", "*:8080 100"),
        ("QUEUE=2\n", "*:8080 100"),
    ] {
        assert_eq!(rows(script), [row], "{script}");
    }
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
        let seen = tomcat(server_xml, server(connector)).with(options, text).read();
        assert_eq!(seen.rows(), ["*:8080 50"], "{options}");
        assert_eq!(seen.set(300), None);
    }
    let shell = |options: &str| connectors(connector).with("etc/default/tomcat10", options).read().rows();
    assert_eq!(shell("JAVA_OPTS=-Dqueue=$QUEUE\n"), ["*:8080 ?"]);
    assert_eq!(shell("JAVA_OPTS=-Dother=$QUEUE\n"), ["*:8080 100"]);
}

#[test]
fn old_tomcats_differ() {
    let old = |folder: &str, connector: &str| {
        tomcat(&format!("{folder}/conf/server.xml"), server(connector)).read().rows()
    };
    let renamed = "<Connector port='8080' backlog='300'/>";
    assert_eq!(old("opt/apache-tomcat-8.5.100", renamed), ["*:8080 300"]);
    assert_eq!(old("opt/apache-tomcat-9.0.98", renamed), ["*:8080 100"]);
    let ajp = "<Connector port='8009' protocol='AJP/1.3'/>";
    assert_eq!(old("opt/apache-tomcat-9.0.30", ajp), ["*:8009 100"]);
    assert_eq!(old("opt/apache-tomcat-9.0.31", ajp), ["127.0.0.1:8009 100"]);
    assert_eq!(old("opt/apache-tomcat-8.0.53", ajp), ["*:8009 100"]);
    assert_eq!(old("opt/tomcat", ajp), ["127.0.0.1:8009 100"]);
    let told = tomcat("opt/t/conf/server.xml", server(ajp))
        .with("opt/t/RELEASE-NOTES", "                     Apache Tomcat Version 9.0.16\n");
    assert_eq!(told.read().rows(), ["*:8009 100"]);
    let apr = "<Connector port='8080' protocol='org.apache.coyote.http11.Http11AprProtocol'/>";
    assert_eq!(old("opt/apache-tomcat-9.0.98", apr), ["*:8080 100"]);
    assert_eq!(old("opt/apache-tomcat-10.0.27", apr), ["*:8080 100"]);
    assert_eq!(old("opt/apache-tomcat-10.1.5", apr), [""; 0]);
    assert_eq!(old("opt/tomcat", apr), ["*:8080 100"]);
}

#[test]
fn a_file_that_is_lost_is_told() {
    let broken = server("<Connector port='8080'>");
    let seen = tomcat(DEBIAN, &broken).read();
    assert_eq!(seen.found.problems[0].kind, ProblemKind::Lost);
    assert!(seen.problems()[0].contains("it does not start with this server.xml: "), "{seen:?}");
    let seen = repository("conf/server.xml", &broken);
    assert_eq!(seen.found.problems[0].kind, ProblemKind::Skipped);
    let seen = Trial::root("tomcat", &[]).with_length(DEBIAN, 8 << 30).read();
    assert_eq!(seen.found.problems[0].kind, ProblemKind::Lost);
    assert!(seen.problems()[0].contains("8192 MiB"), "{seen:?}");
}

#[test]
fn secrets_appear_nowhere() {
    let seen = connectors(
        "<Connector port='8443' SSLEnabled='true' keystorePass='hunter2' acceptCount='abc'/>\
         <Connector port='8009' protocol='AJP/1.3' secret='hunter2'/><Connector secret='hunter2'/>",
    )
    .read();
    assert!(!format!("{:?}", seen.found).contains("hunter2"));
}

#[test]
fn properties_that_double_each_other_end() {
    let doubling: BTreeMap<usize, String> =
        (0..40).map(|n| (n, format!("a{n}=${{a{}}}${{a{}}}\n", n + 1, n + 1))).collect();
    let text: String = doubling.into_values().collect();
    let trial = connectors("<Connector port='8080' acceptCount='${a0}'/>")
        .with("etc/tomcat10/catalina.properties", text);
    let seen = trial.read();
    assert_eq!((seen.rows(), seen.cuts().len()), (vec!["*:8080 ?".to_owned()], 1));
}

#[test]
fn a_file_of_connectors_ends() {
    let many: String =
        (0..5000).map(|n| format!("<Connector port='1' address='127.0.{}.{}'/>", n >> 8, n & 255)).collect();
    let seen = connectors(&many).read();
    assert_eq!(seen.found.listeners.len(), MAX_CONNECTORS);
    assert_eq!(seen.cuts(), ["the audit reads only the first 4096 Connectors of one Tomcat"]);
}
