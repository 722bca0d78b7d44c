use std::fs;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, Starter, Variable, Word};
use crate::syntax::hosts::Hosts;
use crate::text::{Origin, Sources, Tree, apply};

struct Read {
    sources: Sources,
    found: Found,
}

/// Reads files as a repository, with command lines such as `RAILS_ENV=production puma -p 80`.
fn read_all(files: &[(&str, &str)], lines: &[&str]) -> Read {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sources = Sources::new();
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let service = knowledge.service("puma").unwrap();
    let hosts = Hosts::read(&sources, &tree);
    let configs = files.iter().filter(|(path, _)| path.ends_with(".rb"));
    let candidates: Vec<Candidate> =
        configs.map(|(path, _)| Candidate { path: PathBuf::from(path), by_place: false }).collect();
    let commands: Vec<Command> = lines.iter().map(|line| command(&sources, line)).collect();
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service,
        hosts: &hosts,
        place: PlaceId(0),
        commands: &commands,
        read_as: ReadAs::Repo,
        only: &[],
    };
    let found = read(ground, &candidates);
    Read { sources, found }
}

fn command(sources: &Sources, line: &str) -> Command {
    let source = sources.add(Origin::File { root: None, path: "Procfile".into() }, line.as_bytes().to_vec());
    let mut start = 0;
    let mut words = Vec::new();
    let mut environment = Vec::new();
    for text in line.split(' ') {
        let span = Span::new(source, start..start + text.len());
        start += text.len() + 1;
        let word = |text: &str| Word { text: text.into(), span, exact: true, open: text.contains('$') };
        match text.split_once('=').filter(|_| words.is_empty()) {
            Some((name, value)) => environment.push(Variable { name: name.into(), value: word(value) }),
            None => words.push(word(text)),
        }
    }
    Command {
        starter: Starter::Procfile,
        name: "web".into(),
        words,
        environment,
        folder: Some(PathBuf::new()),
        at: Span::new(source, 0..line.len()),
        room: None,
        open_files: None,
        image: None,
    }
}

fn configured(text: &str) -> Read {
    read_all(&[("config/puma.rb", text)], &[])
}

impl Read {
    fn rows(&self) -> Vec<String> {
        let number = |listener: &Listener| {
            listener.backlog.value.as_ref().map_or("?".to_owned(), |value| value.get.to_string())
        };
        let row = |listener: &Listener| format!("{} {}", listener.endpoint, number(listener));
        self.found.listeners.iter().map(row).collect()
    }

    fn says(&self) -> Vec<&str> {
        let notes = self.found.listeners.iter().flat_map(|listener| &listener.notes);
        notes.map(|step| step.what.as_str()).collect()
    }

    fn with_4096(&self) -> Option<String> {
        let edit = self.found.listeners.first()?.backlog.slot.as_ref()?.edit(4096);
        let bytes = apply(self.sources.bytes(edit.span.source), std::slice::from_ref(&edit));
        Some(String::from_utf8(bytes).unwrap())
    }
}

#[test]
fn a_backlog_finds_its_place() {
    for (text, patched) in [
        ("bind 'tcp://0.0.0.0:80'", Some("bind 'tcp://0.0.0.0:80?backlog=4096'")),
        ("bind 'tcp://0.0.0.0:80?backlog=5'", Some("bind 'tcp://0.0.0.0:80?backlog=4096'")),
        ("bind 'unix:///a?umask=0111'", Some("bind 'unix:///a?umask=0111&backlog=4096'")),
        (
            "bind \"tcp://0.0.0.0:#{ENV['P'] || 80}\"",
            Some("bind \"tcp://0.0.0.0:#{ENV['P'] || 80}?backlog=4096\""),
        ),
        ("bind \"tcp://#{h}:80?backlog=5\"", None),
        (
            "h = '1.1.1.1'\nbind \"tcp://#{h}:80?backlog=5\"",
            Some("h = '1.1.1.1'\nbind \"tcp://#{h}:80?backlog=4096\""),
        ),
        ("n = 5\nbind \"tcp://0.0.0.0:80?backlog=#{n}\"", None),
        ("port 80", None),
        (
            "ssl_bind '0.0.0.0', 80, backlog: 5, key: 'k'",
            Some("ssl_bind '0.0.0.0', 80, backlog: 4096, key: 'k'"),
        ),
        ("bind %q(tcp://0.0.0.0:80)", None),
    ] {
        assert_eq!(configured(text).with_4096().as_deref(), patched, "{text}");
    }
    let line = |line: &str| read_all(&[], &[line]).with_4096();
    assert_eq!(line("puma -b tcp://0.0.0.0:80").as_deref(), Some("puma -b tcp://0.0.0.0:80?backlog=4096"));
    assert_eq!(
        line("puma --bind=unix:///a?backlog=5").as_deref(),
        Some("puma --bind=unix:///a?backlog=4096")
    );
    assert_eq!(line("puma -b tcp://0.0.0.0:80?low_latency=true"), None);
    assert_eq!(line("puma -p 80"), None);
}

#[test]
fn what_is_not_known_is_said() {
    let read = configured(
        "if ENV['SOCKET']\n  bind \"unix://#{ENV['SOCKET']}\"\nelse\n  port ENV.fetch('PORT', 3000)\nend",
    );
    assert_eq!(read.rows(), ["? 1024", "0.0.0.0:3000 1024"]);
    assert_eq!(read.found.listeners[0].endpoint.transport().word(), "unix");
    assert!(read.says().contains(&"it listens only if `ENV['SOCKET']`"), "{:?}", read.says());
    assert!(read.says().contains(&"it listens unless `ENV['SOCKET']`"));
    assert!(read.says().contains(&"it is another address if PORT is set in the environment"));
    let read = configured("dir = File.expand_path('../..', __FILE__)\nbind \"unix://#{dir}/a.sock\"");
    assert_eq!(read.rows(), ["? 1024"]);
    assert_eq!(read.found.listeners[0].endpoint.transport().word(), "unix");
    assert_eq!(configured("bind url").rows(), ["? 1024"]);
    assert_eq!(configured("bind \"tcp://0.0.0.0:80?backlog=#{n}\"").rows(), ["? ?"]);
    assert_eq!(read_all(&[], &["puma -p $PORT"]).rows(), ["? 1024"]);
}

#[test]
fn rails_server_starts_it() {
    let rails = |files: &[(&str, &str)], line: &str| read_all(files, &[line]).rows();
    let config = [("config/puma.rb", "port ENV.fetch('PORT', 3000)")];
    let both = ["127.0.0.1:3000 1024", "[::1]:3000 1024"];
    assert_eq!(rails(&config, "bin/rails server"), both);
    assert_eq!(rails(&[], "rails s"), both);
    assert_eq!(rails(&config, "RAILS_ENV=production bin/rails server"), ["0.0.0.0:3000 1024"]);
    assert_eq!(rails(&config, "rails server -b 0.0.0.0 -p 4000"), ["0.0.0.0:4000 1024"]);
    assert_eq!(rails(&config, "rails server -e production"), ["0.0.0.0:3000 1024"]);
    assert_eq!(rails(&config, "RAILS_ENV=production PORT=80 rails s"), ["0.0.0.0:80 1024"]);
    let bound = [("config/puma.rb", "bind 'tcp://0.0.0.0:1?backlog=5'")];
    assert_eq!(rails(&bound, "rails s"), ["0.0.0.0:1 5"]);
    assert_eq!(rails(&[("Gemfile", "gem 'webrick'")], "rails s"), [""; 0]);
    assert_eq!(rails(&[], "rails db:migrate"), [""; 0]);
    assert_eq!(rails(&[], "rails s -u webrick"), [""; 0]);
}

#[test]
fn the_file_that_counts_is_read() {
    let files = [
        ("config/puma.rb", "port 1"),
        ("config/puma/production.rb", "port 2"),
        ("config/puma/development.rb", "port 3"),
        ("other/config/puma.rb", "port 4"),
    ];
    let rows = |lines: &[&str]| read_all(&files, lines).rows();
    assert_eq!(rows(&[]), ["0.0.0.0:1 1024", "0.0.0.0:2 1024", "0.0.0.0:4 1024"]);
    assert_eq!(rows(&["puma -e production"]), ["0.0.0.0:2 1024", "0.0.0.0:4 1024"]);
    assert_eq!(rows(&["RACK_ENV=production puma"]), ["0.0.0.0:2 1024", "0.0.0.0:4 1024"]);
    assert_eq!(rows(&["puma -C /app/other/config/puma.rb"]), ["0.0.0.0:4 1024"]);
    assert_eq!(rows(&["puma --version"]).len(), 3);
}

#[test]
fn the_control_server_is_internal() {
    let read = configured("port 80\nactivate_control_app 'tcp://127.0.0.1:9293'");
    let internal: Vec<bool> = read.found.listeners.iter().map(|listener| listener.internal).collect();
    assert_eq!(internal, [false, true]);
    assert_eq!(configured("activate_control_app").rows(), ["? 1024", "? 1024"]);
    assert_eq!(configured("threads {{A}}\nworkers 2").rows(), [""; 0]);
}

#[test]
fn a_new_puma_may_take_another_address() {
    let sources = Sources::new();
    let (host, note) = default_host(Some(Version::new(8, 0, 2)));
    assert_eq!(host, "0.0.0.0");
    assert!(note.is_some() && default_host(None).1.is_none() && sources.all().next().is_none());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn random_files_are_survived(text in "(bind|port|'tcp://|unix://|\\?backlog=|#\\{|\\}|'|\"|[0-9a-]|:|,|\n| |if|end|ENV|\\[|\\]|ssl_bind){0,40}") {
        configured(&text);
        read_all(&[], &[&format!("puma {}", text.replace('\n', " "))]);
    }
}
