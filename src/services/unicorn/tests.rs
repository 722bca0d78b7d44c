use super::*;
use crate::services::{Seen, Trial};

fn read_at(path: &str, text: &str) -> Seen {
    Trial::repository("unicorn", &[(path, text)]).read()
}

fn configured(text: &str) -> Seen {
    read_at("config/unicorn.rb", text)
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
        assert_eq!(configured(text).set(4096).as_deref(), patched, "{text}");
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
