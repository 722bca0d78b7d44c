use proptest::prelude::*;

use super::*;
use crate::model::Kind;
use crate::services::{Seen, Trial};
use crate::text::Text;

/// A unit with these words after the program's name; of words in which a `$` stands a part is not known.
fn unit(line: &str) -> Trial {
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let trial = Trial::root("varnish", &[]);
    trial.started_as(&format!("/usr/sbin/varnishd {}", words.join(" ")), |command| {
        command.starter = Starter::Unit;
        command.folder = None;
        let empty = command.words.iter_mut().filter(|word| word.as_str() == "''");
        empty.for_each(|word| *word = Text::nothing(word.span()));
    })
}

fn read(line: &str) -> Seen {
    unit(line).read()
}

/// The file with a number put into the slot of the first port.
fn set(seen: &Seen) -> Option<String> {
    let mut listeners = seen.found.listeners.iter();
    let port = listeners.find(|listener| listener.backlog.slot.is_some())?;
    Some(seen.set_in(port, 300)?.replacen("/usr/sbin/varnishd ", "", 1))
}

#[test]
fn debians_unit_listens_on_both_families() {
    let seen = unit(
        "-j unix,user=vcache -F -a :6081 -T localhost:6082 -f /etc/varnish/default.vcl -S /etc/varnish/secret -s malloc,256m",
    )
    .with("etc/varnish/default.vcl", "vcl 4.1;\nbackend default { .host = \"127.0.0.1\"; .port = \"8080\"; }\n")
    .read();
    assert_eq!(seen.rows(), ["127.0.0.1:6082 10", "[::1]:6082 10", "0.0.0.0:6081 1024", "[::]:6081 1024"]);
    assert_eq!(seen.problems(), [""; 0]);
    let internal: Vec<bool> = seen.found.listeners.iter().map(|listener| listener.internal).collect();
    assert_eq!(internal, [true, true, false, false]);
    assert_eq!(seen.found.listeners[2].backlog.value.as_ref().unwrap().kind, Kind::Default);
    assert_eq!(seen.hops()[2], "0.0.0.0:6081 -> 127.0.0.1:8080");
}

#[test]
fn a_number_is_put_where_it_stands_or_as_a_last_argument() {
    for (before, after) in [
        ("-a :80 -b none -T none", "-a :80 -b none -T none -p listen_depth=300"),
        ("-a :80 -b none -p listen_depth=5 -T none", "-a :80 -b none -p listen_depth=300 -T none"),
        ("-plisten_depth=5 -a :80 -b none", "-plisten_depth=300 -a :80 -b none"),
        (
            "-p listen_depth=5 -a :80 -b none -p listen_depth=6",
            "-p listen_depth=5 -a :80 -b none -p listen_depth=300",
        ),
    ] {
        assert_eq!(set(&read(before)).as_deref(), Some(after));
        let listeners = read(after).found.listeners;
        let mut ports = listeners.iter().filter(|listener| !listener.internal);
        assert!(ports.all(|port| port.backlog.value.as_ref().unwrap().get == 300));
    }
    for fixed in ["-a :80 -b none -r listen_depth", "-a :80 -b none -p listen_depth=0x10"] {
        assert_eq!(set(&read(fixed)), None, "{fixed}");
    }
    let two = read("-a :80 -b none -T none").found.listeners;
    assert_eq!(two.iter().filter(|listener| listener.backlog.slot.is_some()).count(), 1);
}

#[test]
fn a_number_in_the_file_of_commands_is_put_there() {
    let seen = unit("-a 127.0.0.1:80 -T none -b none -I /etc/varnish/start.cli")
        .with("etc/varnish/start.cli", "param.set thread_pools 2\nparam.set listen_depth \"5\"\n")
        .read();
    assert_eq!(seen.rows(), ["127.0.0.1:80 5"]);
    assert_eq!(set(&seen).unwrap(), "param.set thread_pools 2\nparam.set listen_depth \"300\"\n");
}

#[test]
fn what_is_not_known_is_no_guess() {
    for (line, expected) in [
        ("-a $ADDRESS -b none -T none", &["? 1024"][..]),
        ("-a 127.0.0.1:80 -b none -T none -p listen_depth=$DEPTH", &["127.0.0.1:80 ?"]),
        ("-a web:80 -b none -T none", &["? 1024"]),
        ("-a 127.0.0.1:web -b none -T none", &["? 1024"]),
        ("$DAEMON_OPTS", &["? 10", "? 1024"]),
    ] {
        let seen = read(line);
        assert_eq!(
            (seen.rows(), seen.problems()),
            (expected.iter().map(ToString::to_string).collect(), vec![])
        );
        let listener = seen.found.listeners.last().unwrap();
        assert!(
            listener.notes.iter().chain(&listener.steps).any(|step| step.what.contains("the files do not s"))
        );
    }
}

#[test]
fn backends_are_the_next_hops() {
    let vcl = "vcl 4.1;\n// backend x { .host = \"no\"; }\ninclude \"more.vcl\";\nbackend none_of_these none;\n\
        backend a {\n  .host = \"10.0.0.1:81\"; /* .port = \"1\" */\n  .probe = { .request = \"GET / .host\"; .url = \"/\"; }\n}\n\
        backend b { .path = \"/run/app.sock\"; }\nsub vcl_recv { set req.http.host = \"x\"; }\n";
    let seen = unit("-a 127.0.0.1:80 -T none -f default.vcl")
        .with("etc/varnish/default.vcl", vcl)
        .with(
            "etc/varnish/more.vcl",
            "backend c { .host = \"origin\"; .port = \"http\"; }\ninclude \"default.vcl\";\n",
        )
        .read();
    assert_eq!(seen.hops(), ["127.0.0.1:80 -> 10.0.0.1:81, /run/app.sock, origin:80"]);
    let seen = read("-a 127.0.0.1:80 -T none -b localhost:8080");
    assert_eq!(seen.hops(), ["127.0.0.1:80 -> 127.0.0.1:8080"]);
}

#[test]
fn nothing_listens_before_there_is_a_vcl() {
    let files = "-a 127.0.0.1:80 -T 127.0.0.1:81 -f ''";
    assert_eq!(read(files).rows(), ["127.0.0.1:81 10"]);
    assert_eq!(read("-C -b none").rows(), [""; 0]);
    assert_eq!(read("-d -T 127.0.0.1:81").rows(), ["127.0.0.1:81 10"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_text_panics(text in "[-a-zFT0-9=:/,.\\[\\]@ '$]{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        unit(&text).with("etc/varnish/a.cli", &bytes).with("etc/varnish/a.vcl", &bytes).read();
        read(&format!("-a {text} -b none"));
        unit("-f a.vcl -I a.cli").with("etc/varnish/a.cli", &bytes).with("etc/varnish/a.vcl", bytes).read();
    }
}
