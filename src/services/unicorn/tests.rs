use std::fs;
use std::path::PathBuf;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::PlaceId;
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

struct Read {
    sources: Sources,
    found: Found,
}

fn read_at(path: &str, text: &str) -> Read {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    let sources = Sources::new();
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let service = knowledge.service("unicorn").unwrap();
    let hosts = Hosts::read(&sources, &tree);
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service,
        hosts: &hosts,
        place: PlaceId(0),
        commands: &[],
        read_as: ReadAs::Repo,
        only: &[],
    };
    let found = read(ground, &[Candidate { path: PathBuf::from(path), by_place: false }]);
    Read { sources, found }
}

fn configured(text: &str) -> Read {
    read_at("config/unicorn.rb", text)
}

impl Read {
    fn rows(&self) -> Vec<String> {
        let number = |listener: &Listener| {
            listener.backlog.value.as_ref().map_or("?".to_owned(), |value| value.get.to_string())
        };
        let row = |listener: &Listener| format!("{} {}", listener.endpoint, number(listener));
        self.found.listeners.iter().map(row).collect()
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
        ("listen 80", Some("listen 80, backlog: 4096")),
        ("listen(80)", Some("listen(80, backlog: 4096)")),
        ("listen 80, :tcp_nopush => true", Some("listen 80, :tcp_nopush => true, backlog: 4096")),
        ("listen 80, { tcp_nopush: true }", Some("listen 80, { tcp_nopush: true, backlog: 4096 }")),
        ("listen '/a', :backlog => 64", Some("listen '/a', :backlog => 4096")),
        (
            "listen 80, backlog: Integer(ENV['Q'] || 64)",
            Some("listen 80, backlog: Integer(ENV['Q'] || 4096)"),
        ),
        ("listen 80, backlog: 8 * 8", None),
        (
            "listen 80, backlog: 5\nlisten 80, tcp_nopush: true",
            Some("listen 80, backlog: 4096\nlisten 80, tcp_nopush: true"),
        ),
    ] {
        assert_eq!(configured(text).with_4096().as_deref(), patched, "{text}");
    }
}

#[test]
fn what_is_not_known_is_said() {
    let transport = |text: &str| configured(text).found.listeners[0].endpoint.transport().word();
    assert_eq!(configured("listen \"#{dir}/tmp/unicorn.sock\", backlog: 64").rows(), ["? 64"]);
    assert_eq!(transport("listen \"#{dir}/tmp/unicorn.sock\""), "unix");
    assert_eq!(transport("listen ENV['HOME'] + '/unicorn.sock'"), "unix");
    assert_eq!(transport("listen ENV['PORT']"), "tcp");
    assert_eq!(configured("listen 80, backlog: n").rows(), ["0.0.0.0:80 ?"]);
    assert_eq!(
        configured("listen 80 if ENV['A']").found.listeners[0].notes[0].what,
        "it listens only if `ENV['A']`"
    );
    assert_eq!(configured("worker_processes 2").rows(), ["? 1024"]);
}

#[test]
fn a_reload_brings_it_in() {
    let read = configured("listen 80");
    assert_eq!(read.found.listeners[0].apply, Apply::Reload);
    assert_eq!(read_at("config/unicorn/development.rb", "listen 80").rows(), [""; 0]);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn random_files_are_survived(text in "(listen|backlog:|:backlog =>|'/a|\\[::\\]|#\\{|\\}|'|\"|[0-9a-]|:|,|\n| |if|end|ENV|\\[|\\]|~|unix:){0,40}") {
        configured(&text);
    }
}
