use super::*;
use crate::model::{Command, Starter, Text};
use crate::services::{Seen, Trial};
use crate::text::{Origin, SourceId, Sources};

/// A service that a unit starts, unless there is no line, and the files that there are.
fn with_files(service: &'static str, line: &str, files: &[(&str, &str)]) -> Seen {
    let root = Trial::root(service, files);
    let of_unit = |command: &mut Command| {
        command.starter = Starter::Unit;
        command.name = "web.service".into();
        command.folder = Some("srv/app".into());
    };
    if line.is_empty() { root.read() } else { root.started_as(line, of_unit).read() }
}

fn line(service: &'static str, line: &str) -> Seen {
    with_files(service, line, &[])
}

fn with_file(service: &'static str, line: &str, path: &str, text: &str) -> Seen {
    with_files(service, line, &[(path, text)])
}

fn words(source: SourceId, line: &str) -> Vec<Text> {
    let mut at = 0;
    let word = |text: &str| {
        let span = Span::new(source, at..at + text.len());
        at += text.len() + 1;
        Text::written(text, span)
    };
    line.split(' ').map(word).collect()
}

#[test]
fn a_number_is_replaced_where_it_stands() {
    for (service, text, made) in [
        ("gunicorn", "gunicorn --backlog 55 app", "gunicorn --backlog 9 app"),
        ("gunicorn", "gunicorn app --backlog=55", "gunicorn app --backlog=9"),
        ("uvicorn", "UVICORN_BACKLOG=55 uvicorn app", "UVICORN_BACKLOG=9 uvicorn app"),
        ("daphne", "daphne -e tcp:80:backlog=55:x=1 app", "daphne -e tcp:80:backlog=9:x=1 app"),
        (
            "hypercorn",
            "hypercorn -b :80 --backlog 5 --backlog 55 app",
            "hypercorn -b :80 --backlog 5 --backlog 9 app",
        ),
    ] {
        let read = line(service, text);
        assert_eq!(read.set(9).as_deref(), Some(made));
        assert!(read.rows()[0].ends_with(" 55"), "{text}");
    }
}

#[test]
fn arguments_of_a_variable_are_replaced_where_they_stand() {
    let sources = Sources::new();
    let of = |text: &str, exact| {
        let source = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let span = Span::new(source, 0..text.len());
        let value = if exact { Text::written(text, span) } else { Text::meant(text, span) };
        instance::words_of(&value)
    };
    let plain = of("--backlog 55", true).unwrap();
    assert_eq!(plain.iter().map(|word| sources.text(word.span())).collect::<Vec<_>>(), ["--backlog", "55"]);
    let quoted = of("-b 'a b' \\\"x", true).unwrap();
    assert_eq!(quoted.iter().map(|word| word.as_str()).collect::<Vec<_>>(), ["-b", "a b", "\"x"]);
    assert_eq!(quoted.iter().map(|word| word.exact().is_some()).collect::<Vec<_>>(), [true, true, false]);
    assert!(of("--backlog 55", false).unwrap().iter().all(|word| word.exact().is_none()));
    assert_eq!(of("-b '", true), None);
}

#[test]
fn a_number_is_added_where_it_belongs() {
    for (service, text, made) in [
        ("gunicorn", "gunicorn -b :80 app", "gunicorn -b :80 app --backlog 9"),
        ("granian", "granian app", "granian app --backlog 9"),
        // Options end at the application.
        ("waitress", "waitress-serve --port=80 app", "waitress-serve --backlog=9 --port=80 app"),
        ("waitress", "python3 -m waitress app", "python3 -m waitress --backlog=9 app"),
    ] {
        assert_eq!(line(service, text).set(9).as_deref(), Some(made));
    }
    assert_eq!(line("daphne", "daphne app").set(9), None);
}

#[test]
fn files_take_a_number_too() {
    let path = "etc/web/gunicorn.conf.py";
    let of = |text| with_file("gunicorn", "", path, text);
    assert_eq!(of("bind = ':80'\nbacklog = 55\n").set(9).as_deref(), Some("bind = ':80'\nbacklog = 9\n"));
    assert_eq!(of("backlog = 5 * 11\n").set(9), None);
    assert_eq!(of("workers = 1").set(9).as_deref(), Some("workers = 1\nbacklog = 9\n"));
    let toml = |text| with_file("hypercorn", "", "etc/web/hypercorn.toml", text);
    assert_eq!(toml("backlog = 55\n[a]\nb = 1\n").set(9).as_deref(), Some("backlog = 9\n[a]\nb = 1\n"));
    assert_eq!(toml("bind = ':80'\n").set(9).as_deref(), Some("backlog = 9\nbind = ':80'\n"));
    assert_eq!(toml("bind = ':80'\n").rows(), ["0.0.0.0:80 100"]);
}

#[test]
fn a_file_round_which_something_else_is_started_is_not_used() {
    let read =
        with_file("gunicorn", "gunicorn -c /etc/g.py app", "srv/app/x/gunicorn.conf.py", "backlog = 5");
    assert_eq!(read.rows(), Vec::<String>::new());
    assert!(read.problems()[0].ends_with("there is no /etc/g.py"), "{:?}", read.problems());
    let read = with_file("gunicorn", "gunicorn app", "srv/other/gunicorn.conf.py", "backlog = 5");
    assert_eq!(read.rows(), ["127.0.0.1:8000 2048", "? 5"]);
}

#[test]
fn what_is_not_known_is_not_guessed() {
    let read = line("gunicorn", "gunicorn --backlog $BACKLOG -b 0.0.0.0:$PORT app");
    assert_eq!(read.rows(), ["? ?"]);
    assert!(read.said().contains("the files do not say what `$BACKLOG` is"), "{}", read.said());
    assert!(read.said().contains("0.0.0.0:$PORT"), "{}", read.said());
    assert_eq!(read.set(9), None);
    // Any option may be in it.
    let read = line("gunicorn", "gunicorn $OPTIONS app");
    assert_eq!(read.rows(), ["? ?"]);
    assert!(read.said().contains("$OPTIONS"), "{}", read.said());
    assert_eq!(line("gunicorn", "gunicorn -b :80 --backlog 7 $OPTIONS app").rows(), ["0.0.0.0:80 7"]);
    let read = line("waitress", "waitress-serve --listen=*:{{ port }} --backlog {{ backlog }} app:app");
    assert_eq!((read.rows(), read.found.problems.len()), (vec!["? ?".into()], 0));
    assert!(read.said().contains("a template fills in *:{{"), "{}", read.said());
    // The application.
    assert_eq!(line("gunicorn", "gunicorn $APP").rows(), ["127.0.0.1:8000 2048"]);
    let read = with_file("gunicorn", "", "gunicorn.conf.py", "from base import *\nbind = ':80'\n");
    assert_eq!(read.rows(), ["0.0.0.0:80 ?"]);
    let read =
        with_file("gunicorn", "", "gunicorn.conf.py", "import x\nbacklog = x.y()\nbind = ':%s' % x.z\n");
    assert_eq!(read.rows(), ["? ?"]);
}

#[test]
fn who_runs_a_procfile_chooses_the_port() {
    let read = Trial::root("gunicorn", &[]).started("gunicorn app").read();
    assert_eq!(read.rows(), ["? 2048"]);
    assert!(read.said().contains("who runs the Procfile"), "{}", read.said());
}

#[test]
fn an_open_socket_may_keep_its_queue() {
    assert_eq!(line("daphne", "daphne --fd 3 app").rows(), ["? ?"]);
    assert_eq!(line("uvicorn", "uvicorn --fd 3 app").rows(), ["? 2048"]);
    assert_eq!(line("gunicorn", "gunicorn -b fd://3 --backlog 5 app").rows(), ["? ?"]);
    let unit =
        "[Socket]\nListenStream=/run/old.sock\nListenStream=\nListenStream=8000\nListenStream = [::1]:80\n";
    let read = with_file("gunicorn", "gunicorn app", "etc/systemd/system/web.socket", unit);
    assert_eq!(read.rows(), ["*:8000 2147483647", "[::1]:80 2147483647"]);
}

#[test]
fn what_becomes_of_a_number_is_told() {
    let read = line("uvicorn", "uvicorn --backlog -5 app");
    assert_eq!(
        (read.rows(), read.set(9).as_deref()),
        (vec!["127.0.0.1:8000 0".into()], Some("uvicorn --backlog 9 app"))
    );
    let values: Vec<Option<i64>> = read.found.listeners[0].steps.iter().map(|step| step.value).collect();
    assert_eq!(values, [Some(-5), Some(0)]);
}

#[test]
fn one_option_may_serve_many_settings() {
    let table = "grammar = 'gnu-getopt'\nswitches = ['-F']\n[setting.depth]\noptions = ['-p listen_depth=', 'depth=']\n";
    let keys: Keys = toml::from_str(table).unwrap();
    let sources = Sources::new();
    for (text, value) in [
        ("-F -p listen_depth=77", "77"),
        ("-p thread_pools=2 -plisten_depth=78", "78"),
        ("depth=79", "79"),
        ("-Fp listen_depth=1 -p listen_depth=80", "80"),
    ] {
        let source = sources.add(Origin::Builtin("t".into()), text.as_bytes().to_vec());
        let read = options::read(&keys, &words(source, text));
        let told = read.told.get("depth").unwrap();
        assert_eq!(sources.text(told.at().unwrap()), value, "{text}");
    }
    let wrong: Result<Keys, _> = toml::from_str("[setting.x]\nopshuns = []\n");
    assert!(wrong.is_err());
}

#[test]
fn yaml_and_properties_are_keys_as_well() {
    let sources = Sources::new();
    let yaml =
        sources.add(Origin::Builtin("t".into()), &b"net:\n  listenBacklog: 55\n  bindIp: [a, 'b']\n"[..]);
    let read = file::yaml(&sources, yaml);
    let texts = |key: &str| {
        read.keys
            .get(key)
            .unwrap()
            .iter()
            .map(|value| sources.text(value.at).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (texts("net.listenBacklog"), texts("net.bindIp")),
        (vec!["55".into()], vec!["a".into(), "b".into()])
    );
}

#[test]
fn nothing_panics_and_nothing_takes_long() {
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let parts = [
        "--backlog",
        "=",
        "-b",
        "--",
        "ü",
        "$X",
        "tcp:",
        "\\",
        ":",
        "[",
        "]",
        "unix:",
        "fd://",
        "-1",
        "'",
        "\"",
        "99999999999999999999",
        "-",
        "ß=",
        "port=",
    ];
    for service in ["gunicorn", "uvicorn", "hypercorn", "daphne", "waitress", "granian"] {
        for _ in 0..60 {
            let text: Vec<String> = (0..random(7))
                .map(|_| (0..random(4)).map(|_| parts[random(parts.len())]).collect())
                .collect();
            let program = if service == "waitress" { "waitress-serve" } else { service };
            let _ = line(service, &format!("{program} {}", text.join(" ")));
        }
    }
    let started = std::time::Instant::now();
    let _ = line("gunicorn", &format!("gunicorn {}", "-b :80 --back ".repeat(5_000)));
    let _ = with_file("gunicorn", "", "gunicorn.conf.py", &format!("bind = {}1", "[".repeat(100_000)));
    let _ = with_file("hypercorn", "", "hypercorn.toml", &format!("bind = {}1", "[".repeat(100_000)));
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn a_worker_of_uvicorn_listens_again() {
    let gunicorn = |options: &str, uvicorn: &str| {
        let pins = format!("gunicorn==27.0.1\nuvicorn=={uvicorn}\n");
        let line =
            format!("gunicorn --no-control-socket -k uvicorn.workers.UvicornWorker {options} app:asgi");
        with_file("gunicorn", &line, "srv/app/requirements.txt", &pins).rows()
    };
    assert_eq!(gunicorn("--backlog 777", "0.11.1"), ["127.0.0.1:8000 100"]);
    assert_eq!(gunicorn("--backlog 777", "0.11.2"), ["127.0.0.1:8000 777"]);
    assert_eq!(gunicorn("--backlog 0", "0.38.0"), ["127.0.0.1:8000 2048"]);
    assert_eq!(gunicorn("", "0.38.0"), ["127.0.0.1:8000 2048"]);
    let socket = ("etc/systemd/system/web.socket", "[Socket]\nListenStream=127.0.0.1:81\nBacklog=77\n");
    let line = "gunicorn --no-control-socket --backlog 900 -k uvicorn_worker.UvicornWorker app:asgi";
    assert_eq!(with_files("gunicorn", line, &[socket]).rows(), ["127.0.0.1:81 900"]);
}
