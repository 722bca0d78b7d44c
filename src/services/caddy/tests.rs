//! What no server can show: hops, what is not known, what a repository lacks, hostile files.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, ReadAs};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree};

const FILE: &str = "etc/caddy/Caddyfile";

fn audit(files: &[(&str, &str)], read_as: ReadAs) -> Found {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = Sources::new();
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service: knowledge.service("caddy").unwrap(),
        hosts: &Hosts::read(&sources, &tree),
        place: PlaceId(0),
        commands: &[],
        read_as,
        only: &[],
    };
    let candidate =
        |(path, _): &(&str, &str)| Candidate { path: PathBuf::from(path), by_place: *path == FILE };
    read(ground, &files.iter().map(candidate).collect::<Vec<_>>())
}

fn root(text: &str) -> Found {
    audit(&[(FILE, text)], ReadAs::Root)
}

fn endpoints(found: &Found) -> Vec<String> {
    found.listeners.iter().map(|listener| listener.endpoint.to_string()).collect()
}

fn hops(found: &Found) -> Vec<String> {
    let listener = found.listeners.first().unwrap();
    listener.hops.iter().map(|hop| hop.to.to_string()).collect()
}

#[test]
fn hops_are_the_upstreams() {
    let found = root(
        ":80 {\n reverse_proxy /api/* 127.0.0.1:9000 app:3000 {\n  to unix//run/app.sock\n  header_up to x:1\n }\n \
         handle {\n  php_fastcgi @php unix//run/php/php-fpm.sock\n  reverse_proxy h2c://grpc:50051 https://far\n }\n \
         reverse_proxy {\n  to 127.0.0.1:9000 {$BACKEND:[::1]:7000} {env.X}:1\n }\n}\n",
    );
    let expected = [
        "127.0.0.1:9000",
        "app:3000",
        "/run/app.sock",
        "/run/php/php-fpm.sock",
        "grpc:50051",
        "far:443",
        "[::1]:7000",
    ];
    assert_eq!(hops(&found), expected);
}

#[test]
fn sites_of_one_address_share_it() {
    let found = root("a.com {\n reverse_proxy a:1\n}\nb.com {\n reverse_proxy b:2\n}\n");
    assert_eq!(endpoints(&found), ["*:443", "*:80", "127.0.0.1:2019"]);
    assert_eq!(hops(&found), ["a:1", "b:2"]);
    assert!(found.listeners.iter().all(|it| it.backlog.value.as_ref().is_some_and(|value| value.get == -1)));
    assert!(found.listeners.iter().all(|it| it.backlog.slot.is_none()));
}

#[test]
fn what_nobody_sets_is_not_known() {
    let found = root("{$GLOBAL}\n:{$PORT} {\n bind {$ADDRESS}\n}\n{$HOST}:8443 {\n tls internal\n}\n");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!(endpoints(&found), ["?", "*:8443", "*:80", "127.0.0.1:2019"]);
    let unknown = found.listeners.first().unwrap();
    assert_eq!(unknown.notes.len(), 1);
}

#[test]
fn newer_releases_redirect_from_every_address() {
    let found = root("{\n admin off\n}\na.com {\n bind 127.0.0.1 [::1]\n}\n:80 {\n bind 127.0.0.2\n}\n");
    let expected = ["127.0.0.1:443", "[::1]:443", "127.0.0.2:80", "127.0.0.1:80", "[::1]:80"];
    assert_eq!(endpoints(&found), expected);
    let wild = root("{\n admin off\n}\na.com {\n}\n:80 {\n bind 127.0.0.2\n}\n");
    assert_eq!(endpoints(&wild), ["*:443", "127.0.0.2:80"]);
}

#[test]
fn inherited_sockets_have_no_backlog_of_ours() {
    let found = root("{\n admin off\n}\n:80 {\n bind fd/3\n}\n");
    let listener = found.listeners.first().unwrap();
    assert_eq!(listener.backlog.value, None);
    assert_eq!(listener.steps.len(), 1);
}

#[test]
fn repositories_lack_what_lies_on_the_machine() {
    let files = [
        (
            "caddy/Caddyfile",
            "import /etc/caddy/snippets.caddyfile\nimport /srv/more\n:80 {\n import hello\n}\n",
        ),
        ("caddy/snippets.caddyfile", "(hello) {\n bind 127.0.0.1\n}\n"),
    ];
    let found = audit(&files, ReadAs::Repo);
    assert_eq!(endpoints(&found), ["127.0.0.1:80", "127.0.0.1:2019"]);
    assert!(found.problems.iter().all(|problem| problem.kind == ProblemKind::Skipped));
}

#[test]
fn imports_that_multiply_end() {
    let mut text = String::from("(a0) {\n log\n}\n");
    for level in 1..12 {
        let twice = format!(" import a{}\n", level - 1).repeat(9);
        text += &format!("(a{level}) {{\n{twice}}}\n");
    }
    text += ":80 {\n import a11\n}\n(own) {\n import own\n}\n";
    let found = root(&text);
    assert_eq!(found.problems.len(), 1);
    assert_eq!(root(":80 {\n import own\n}\n").problems.len(), 1);
    assert_eq!(root("(own) {\n import own\n}\n:80 {\n import own\n}\n").problems.len(), 1);
}

#[test]
fn a_file_that_imports_itself_ends() {
    assert_eq!(root("import Caddyfile\n").problems.len(), 1);
}

proptest! {
    #[test]
    fn nothing_panics(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "{", "}", "\n", "import", "(a)", "a", ":80", "bind", "unix//x", "{$A}", "{$A:1}", "http://a", "https://[::1",
            "[::1]:9", ",", "\"", "`", "<<E", "E", "\\", "tls", "x y", "reverse_proxy", "to", "*", "admin", "http_port",
            "{args[0]}", "{block}", "&(r)", "é",
        ]), 0..40)) {
        root(&words.join(" "));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        root(&String::from_utf8_lossy(&bytes));
    }
}
