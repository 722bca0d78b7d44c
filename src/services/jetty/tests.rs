use std::fs;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, Starter, Variable};
use crate::syntax::hosts::Hosts;
use crate::text::{Origin, Sources, Tree, apply};

struct Read {
    sources: Sources,
    found: Found,
}

fn read_with(files: &[(&str, &str)], commands: &[Command], sources: Sources, read_as: ReadAs) -> Read {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let hosts = Hosts::read(&sources, &tree);
    let inis = files.iter().filter(|(path, _)| path.ends_with(".ini"));
    let candidates: Vec<Candidate> =
        inis.map(|(path, _)| Candidate { path: PathBuf::from(path), by_place: true }).collect();
    let service = knowledge.service("jetty").unwrap();
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service,
        hosts: &hosts,
        place: PlaceId(0),
        commands,
        read_as,
        only: &[],
    };
    let found = read(ground, &candidates);
    Read { sources, found }
}

fn read_ini(text: &str) -> Read {
    read_with(&[("etc/jetty9/start.ini", text)], &[], Sources::new(), ReadAs::Root)
}

impl Read {
    fn rows(&self) -> Vec<String> {
        let number = |listener: &Listener| {
            listener.backlog.value.as_ref().map_or("?".to_owned(), |value| value.get.to_string())
        };
        let all = self.found.listeners.iter();
        all.map(|listener| format!("{} {}", listener.endpoint, number(listener))).collect()
    }

    /// The file of the slot once it is filled with 128.
    fn filled(&self) -> Option<String> {
        let slot = self.found.listeners[0].backlog.slot.clone()?;
        let bytes = self.sources.bytes(slot.span.source);
        Some(String::from_utf8(apply(bytes, &[slot.edit(128)])).unwrap())
    }
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
        assert_eq!(read_ini(before).filled().as_deref(), Some(after));
    }
    let sum = read_ini("--module=http\nq=5\njetty.http.acceptQueueSize=1${q}");
    assert_eq!(sum.rows(), ["*:8080 15"]);
    assert!(!sum.filled().is_some_and(|text| text.contains("=1128")));
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
    let files = [
        ("etc/jetty9/start.ini", "--module=https\njetty.ssl.acceptQueueSize=7"),
        ("etc/jetty9/keystore", ""),
    ];
    assert_eq!(read_with(&files, &[], Sources::new(), ReadAs::Root).rows(), ["*:8443 7"]);
    let without = read_with(&files[..1], &[], Sources::new(), ReadAs::Root);
    assert_eq!((without.rows().len(), without.found.problems[0].kind), (0, ProblemKind::Lost));
    assert_eq!(read_with(&files[..1], &[], Sources::new(), ReadAs::Repo).rows(), ["*:8443 7"]);
}

#[test]
fn arguments_win_over_files_and_options_of_the_jvm_lose() {
    let sources = Sources::new();
    let text = "java -Djetty.http.port=81 -Djetty.http.acceptQueueSize=82 -jar /usr/local/jetty/start.jar jetty.http.acceptQueueSize=83";
    let source = sources.add(Origin::File { root: None, path: "etc/unit".into() }, text.as_bytes().to_vec());
    let mut start = 0;
    let words = text.split(' ').map(|word| {
        let at = start..start + word.len();
        start += word.len() + 1;
        Word { text: word.to_owned(), span: Span::new(source, at), exact: true, open: false }
    });
    let command = Command {
        starter: Starter::Unit,
        name: "jetty.service".into(),
        words: words.collect(),
        environment: Vec::<Variable>::new(),
        folder: None,
        at: Span::top(source),
        room: None,
        open_files: None,
        image: None,
    };
    let ini = [("etc/jetty9/start.ini", "--module=http\njetty.http.acceptQueueSize=5\n")];
    let read = read_with(&ini, &[command], sources, ReadAs::Root);
    assert_eq!(read.rows(), ["*:81 83"]);
    assert!(read.filled().unwrap().ends_with("acceptQueueSize=128"));
}

#[test]
fn hostile_files_end_soon() {
    let started = std::time::Instant::now();
    read_ini(&"--module=http\n".repeat(100_000));
    read_ini(&(0..50_000).map(|n| format!("a{n}=${{a{}}}${{a{}}}\n", n + 1, n + 1)).collect::<String>());
    read_ini(&format!("--module=http\njetty.http.port={}\n", "${jetty.http.port}".repeat(10_000)));
    read_ini(&"etc/a.xml\n".repeat(50_000));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(ini in "[ -~\n]{0,100}", xml in "[ -~\n]{0,200}") {
        read_ini(&ini);
        read_ini(&format!("--module=http\njetty.http.port={ini}"));
        let files = [("etc/jetty9/start.ini", "etc/a.xml"), ("etc/jetty9/a.xml", xml.as_str())];
        read_with(&files, &[], Sources::new(), ReadAs::Root);
    }
}
