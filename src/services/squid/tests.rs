use proptest::prelude::*;

use super::*;
use crate::services::Trial;

const DEBIAN: &str = "etc/squid/squid.conf";

fn machine(text: &str) -> Trial {
    Trial::root("squid", &[(DEBIAN, text)])
}

fn repository(files: &[(&str, &str)]) -> Trial {
    Trial::repository("squid", files)
}

/// Started by this command line, with these limits of open files.
fn started(trial: Trial, starter: Starter, line: &str, limits: Option<(i64, i64)>) -> Trial {
    trial.started_as(line, |command| {
        let written = |number| Value::written(number, command.at);
        command.open_files = limits.map(|(soft, hard)| (written(soft), written(hard)));
        command.starter = starter;
    })
}

fn unit(trial: Trial, limits: Option<(i64, i64)>) -> Trial {
    started(trial, Starter::Unit, "/usr/sbin/squid --foreground -sYC", limits)
}

#[test]
fn a_quarter_of_the_open_files_is_asked_for() {
    let port = "http_port 3128\n";
    let more = "http_port 3128\nmax_filedescriptors 65536\n";
    for (trial, expected) in [
        (machine(port), Some((256, Kind::Assumed))),
        (unit(machine(port), None), Some((256, Kind::Assumed))),
        (unit(machine(port), Some((16384, 16384))), Some((4096, Kind::Written))),
        (unit(machine(port), Some((1024, 524_288))), Some((256, Kind::Written))),
        (machine(more), Some((16384, Kind::Written))),
        (unit(machine(more), Some((1024, 524_288))), Some((16384, Kind::Written))),
        (unit(machine(more), Some((4096, 8192))), Some((2048, Kind::Written))),
        (machine("http_port 3128\nmax_filedescriptors 600000\n"), Some((131_072, Kind::Assumed))),
        (started(machine(port), Starter::Dockerfile, "squid -N", None), None),
        (started(machine(more), Starter::Dockerfile, "squid -N", None), Some((16384, Kind::Written))),
        (started(unit(machine(port), None), Starter::Compose, "squid", None), Some((256, Kind::Assumed))),
    ] {
        let seen = trial.read();
        let asked = seen.one().backlog.value.as_ref().map(|value| (value.get, value.kind));
        assert_eq!(asked, expected, "{}", seen.said());
    }
    let other =
        started(machine(port), Starter::Unit, "squid -f /etc/squid/other.conf", Some((99, 99))).read();
    assert_eq!((other.rows(), other.problems().len()), (vec!["*:3128 256".to_owned()], 1));
}

#[test]
fn the_ledger_says_where_the_number_is_from() {
    let told = |trial: Trial| {
        let seen = trial.read();
        assert!(seen.said().contains("max_filedescriptors to 4N"));
        seen.one().steps.iter().map(|step| (step.value, step.what.clone())).collect::<Vec<_>>()
    };
    let quarter = |number| (Some(number), "a quarter of them".to_owned());
    let assumed = "open files, assuming systemd's default for a unit";
    assert_eq!(told(machine("http_port 1\n")), [(Some(1024), assumed.into()), quarter(256)]);
    let cut = unit(machine("http_port 1\nmax_filedescriptors 9000\n"), Some((1024, 8000)));
    let cut_to = "limited to the hard limit of open files".to_owned();
    assert_eq!(told(cut), [(Some(9000), "max_filedescriptors".into()), (Some(8000), cut_to), quarter(2000)]);
}

#[test]
fn a_command_line_names_the_file() {
    let trial = Trial::root("squid", &[("srv/proxy.conf", "http_port 3129\n")]);
    let named = started(trial, Starter::Unit, "squid -N -f /srv/proxy.conf", Some((8192, 8192)));
    assert_eq!(named.read().rows(), ["*:3129 2048"]);
    let zero = "http_port 3128\nworkers 0\n";
    assert_eq!(machine(zero).read().found.problems[0].kind, ProblemKind::Lost);
    let alone = started(machine(zero), Starter::Unit, "squid -sYNC", None);
    assert_eq!(alone.read().rows(), ["*:3128 256"]);
}

#[test]
fn peers_are_the_next_hops() {
    let peers = "http_port 3128\ncache_peer 127.0.0.1 parent 8080 0 originserver\n\
        cache_peer origin.example parent 80 0\ncache_peer 127.0.0.1 parent 8080 0 name=again\ncache_peer only two\n";
    assert_eq!(machine(peers).read().hops(), ["*:3128 -> 127.0.0.1:8080, origin.example:80"]);
}

#[test]
fn places_are_those_of_the_words() {
    let text = "http_port \\\n   127.0.0.1:3128 \\\n# x\n  name=é\n  max_filedescriptors 4096 # y\n";
    let seen = machine(text).read();
    assert_eq!(seen.sources.text(seen.one().site), "127.0.0.1:3128");
    assert_eq!(seen.sources.text(seen.one().steps[0].at), "4096");
    let macros = machine("http_port 127.0.0.${process_number}:3128\n").read();
    assert_eq!(macros.rows(), ["127.0.0.1:3128 256"]);
    assert_eq!(macros.sources.text(macros.one().site), "http_port 127.0.0.${process_number}:3128");
}

#[test]
fn a_repository_leaves_open_what_others_fill_in() {
    for (line, expected) in [
        ("http_port {{ squid_port }}", "? 256"),
        ("http_port ${PORT} intercept", "? 256"),
        ("http_port proxy.internal:3128", "? 256"),
        ("http_port 3128 {{ options }}", "*:3128 256"),
        ("http_port 3128\nmax_filedescriptors {{ squid_files }}", "*:3128 256"),
        ("http_port 3128\ninclude /etc/squid/gone.conf", "*:3128 256"),
        ("if {{ proxy }}\nhttp_port 3128\nendif", "*:3128 256"),
    ] {
        let seen = repository(&[("docker/squid.conf", line)]).read();
        assert_eq!(seen.rows(), [expected], "{line}");
        assert_eq!(seen.problems(), [""; 0], "{line}");
    }
    let part = ("files/conf.d/a.conf", "http_port 3129\n");
    let main = ("files/squid.conf", "include /etc/squid/conf.d/*.conf\nhttp_port 3128\n");
    assert_eq!(repository(&[part, main]).read().rows(), ["*:3129 256", "*:3128 256"]);
    let broken = repository(&[("squid.conf", "http_port squid\n")]).read();
    assert_eq!(broken.found.problems[0].kind, ProblemKind::Skipped);
    let silent = repository(&[("squid.conf", "http_access allow all\n")]).read();
    assert_eq!((silent.rows(), silent.problems()), (vec![], vec![]));
}

#[test]
fn an_unknown_number_of_descriptors_is_no_guess() {
    let text = "http_port 3128\nmax_filedescriptors {{ n }}\n";
    let seen = started(repository(&[("squid.conf", text)]), Starter::Compose, "squid", None).read();
    assert_eq!(seen.rows(), ["*:3128 ?"]);
    assert_eq!(seen.one().steps.last().unwrap().value, None);
}

#[test]
fn what_is_lost_is_told() {
    let seen = machine("http_port 3128\ninclude /etc/squid/gone.conf\n").read();
    let message =
        "Lost: it does not start with this: Unable to find configuration file: /etc/squid/gone.conf";
    assert_eq!(seen.problems(), [message]);
    let folder = Trial::root("squid", &[("srv/squid/x", "")]).started("squid -f /srv/squid").read();
    assert_eq!(folder.found.problems[0].kind, ProblemKind::Lost);
}

#[test]
fn what_grows_without_end_ends() {
    let twice = "include /etc/squid/N.conf\n".repeat(4);
    let trial = (0..15).fold(machine("include /etc/squid/0.conf\nhttp_port 1\n"), |trial, n| {
        trial.with(&format!("etc/squid/{n}.conf"), twice.replace('N', &(n + 1).to_string()))
    });
    let problems = trial.with("etc/squid/15.conf", "#\n").read().problems();
    assert!(problems[0].contains("only the first 4096 included files"), "{problems:?}");
    let ports: String = (1..60_000).map(|port| format!("http_port 127.0.0.1:{port}\n")).collect();
    assert_eq!(machine(&ports).read().rows().len(), MAX_PORTS);
    let line = format!("http_port 3128 {}", "\\\n name=x ".repeat(100_000));
    assert_eq!(machine(&line).read().rows().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn no_text_panics(text in "[a-z.=:0-9 #{}$\\[\\]\\\\\n-]{0,100}", bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        for name in ["http_port", "if", "include", "max_filedescriptors", "workers", "cache_peer", ""] {
            machine(&format!("{name} {text}\nhttp_port 3128 {text}\n")).read();
        }
        machine("").with(DEBIAN, bytes).read();
    }
}
