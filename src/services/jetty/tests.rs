use std::sync::Arc;

use super::super::{Seen, Trial};
use super::*;
use crate::model::Variable;

const INI: &str = "etc/jetty9/start.ini";

fn read_ini(text: &str) -> Seen {
    Trial::root("jetty", &[(INI, text)]).read()
}

#[test]
fn a_size_can_be_written_where_it_belongs() {
    for (before, after) in [
        ("--module=http\njetty.http.acceptQueueSize=5\n", "--module=http\njetty.http.acceptQueueSize=128\n"),
        (
            "q=5\n--module=http\njetty.http.acceptQueueSize=${q}",
            "q=128\n--module=http\njetty.http.acceptQueueSize=${q}",
        ),
        ("--module=http,jsp\r\n# end\r\n", "--module=http,jsp\njetty.http.acceptQueueSize=128\r\n# end\r\n"),
        ("--module=http", "--module=http\njetty.http.acceptQueueSize=128"),
    ] {
        assert_eq!(read_ini(before).set(128).as_deref(), Some(after));
    }
    let sum = read_ini("--module=http\nq=5\njetty.http.acceptQueueSize=1${q}");
    assert_eq!(sum.rows(), ["*:8080 15"]);
    assert!(!sum.set(128).is_some_and(|text| text.contains("=1128")));
}

#[test]
fn what_is_set_elsewhere_is_not_known() {
    assert_eq!(read_ini("--module=http\njetty.http.acceptQueueSize=${x}\n").rows(), ["*:8080 ?"]);
    assert_eq!(read_ini("--module=http\njetty.http.port=${x}\n").rows(), ["? 50"]);
    assert_eq!(read_ini("--module=http\njetty.http.host=app.internal\n").rows(), ["? 50"]);
    assert_eq!(read_ini("--module=http\na=${b}\nb=${a}\njetty.http.port=${a}\n").rows(), ["? 50"]);
    assert_eq!(read_ini("--module=unixdomain-http\n").rows(), ["? 50"]);
    assert_eq!(read_ini("--module=unixsocket-http\n").rows(), ["/tmp/jetty.sock ?"]);
    assert_eq!(read_ini("--module=server,deploy\njetty.http.port=8080\n").rows(), [""; 0]);
}

#[test]
fn a_keystore_makes_tls_start() {
    let files = [(INI, "--module=https\njetty.ssl.acceptQueueSize=7"), ("etc/jetty9/keystore", "")];
    assert_eq!(Trial::root("jetty", &files).read().rows(), ["*:8443 7"]);
    let without = Trial::root("jetty", &files[..1]).read();
    assert_eq!((without.rows().len(), without.found.problems[0].kind), (0, ProblemKind::Lost));
    assert_eq!(Trial::repository("jetty", &files[..1]).read().rows(), ["*:8443 7"]);
}

#[test]
fn arguments_win_over_files_and_options_of_the_jvm_lose() {
    let line = "java -Djetty.http.port=81 -Djetty.http.acceptQueueSize=82 -jar /usr/local/jetty/start.jar \
                jetty.http.acceptQueueSize=83";
    let ini = [(INI, "--module=http\njetty.http.acceptQueueSize=5\n")];
    let seen = Trial::root("jetty", &ini).started(line).read();
    assert_eq!(seen.rows(), ["*:81 83"]);
    assert!(seen.set(128).unwrap().ends_with("acceptQueueSize=128"));
}

#[test]
fn arguments_in_a_variable_are_several() {
    let trial = Trial::root("jetty", &[(INI, "--module=http\n")]);
    let seen = trial.started_as("java -jar /usr/local/jetty/start.jar", |command| {
        let value = Text::meant("jetty.http.port=81 jetty.http.acceptQueueSize=82", command.at);
        command.environment.push(Arc::new(Variable { name: "JETTY_ARGS".into(), value }));
    });
    assert_eq!(seen.read().rows(), ["*:81 82"]);
}

#[test]
fn what_is_added_comes_behind() {
    assert_eq!(read_ini("--module=http\na=8\na+=1\njetty.http.port=${a}\n").rows(), ["*:81 50"]);
}

#[test]
fn hostile_files_end_soon() {
    let started = std::time::Instant::now();
    read_ini(&"--module=http\n".repeat(100_000));
    read_ini(&(0..50_000).map(|n| format!("a{n}=${{a{}}}${{a{}}}\n", n + 1, n + 1)).collect::<String>());
    read_ini(&format!("--module=http\njetty.http.port={}\n", "${jetty.http.port}".repeat(10_000)));
    let empty =
        (0..7).map(|n| format!("a{n}={}\n", format!("${{a{}}}", n + 1).repeat(60))).collect::<String>();
    let seen = read_ini(&format!("--module=http\njetty.http.port=${{a0}}\n{empty}a7=\n"));
    assert_eq!(seen.rows(), ["? 50"]);
    read_ini(&format!("--module=http\na={}\n{}", "x".repeat(250_000), "a+=y\n".repeat(100_000)));
    read_ini(&"etc/a.xml\n".repeat(50_000));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(ini in "[ -~\n]{0,100}", xml in "[ -~\n]{0,200}") {
        read_ini(&ini);
        read_ini(&format!("--module=http\njetty.http.port={ini}"));
        Trial::root("jetty", &[(INI, "etc/a.xml"), ("etc/jetty9/a.xml", xml.as_str())]).read();
    }
}
