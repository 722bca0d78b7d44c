use super::*;
use crate::services::{Seen, Trial};

/// A repository's files, and command lines such as `RAILS_ENV=production puma -p 80`.
fn read_all(files: &[(&str, &str)], lines: &[&str]) -> Seen {
    let repository = Trial::repository("puma", files);
    lines.iter().fold(repository, |trial, line| trial.started(line)).read()
}

fn configured(text: &str) -> Seen {
    read_all(&[("config/puma.rb", text)], &[])
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
        assert_eq!(configured(text).set(4096).as_deref(), patched, "{text}");
    }
    let line = |line: &str| read_all(&[], &[line]).set(4096);
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
    for note in [
        "it listens only if `ENV['SOCKET']`",
        "it listens unless `ENV['SOCKET']`",
        "it is another address if PORT is set in the environment",
    ] {
        assert!(read.said().contains(note), "{}", read.said());
    }
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
    assert_eq!(rows(&[]), ["0.0.0.0:2 1024", "0.0.0.0:1 1024", "0.0.0.0:4 1024"]);
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
    let (host, note) = default_host(Some(Version::new(8, 0, 2)));
    assert_eq!(host, "0.0.0.0");
    assert!(note.is_some() && default_host(None).1.is_none());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn random_files_are_survived(text in "(bind|port|'tcp://|unix://|\\?backlog=|#\\{|\\}|'|\"|[0-9a-]|:|,|\n| |if|end|ENV|\\[|\\]|ssl_bind){0,40}") {
        configured(&text);
        read_all(&[], &[&format!("puma {}", text.replace('\n', " "))]);
    }
}

#[test]
fn what_is_not_read_is_told_once() {
    let seen = configured(&format!("port 80\n#{}\n", "x".repeat(1 << 20)));
    assert_eq!((seen.problems(), seen.sources.cuts().len()), (vec![], 1));
}

#[test]
fn sockets_that_systemd_opens_keep_their_queues() {
    let socket = "[Socket]\nListenStream=127.0.0.1:81\nListenStream=127.0.0.1:83\nBacklog=77\n";
    let rows = |line: &str, config: &str| {
        let files = [("etc/systemd/system/app.socket", socket), ("srv/app/config/puma.rb", config)];
        let of_unit = |command: &mut Command| {
            command.starter = Starter::Unit;
            command.name = "app.service".into();
            command.folder = Some("srv/app".into());
        };
        Trial::root("puma", &files).started_as(line, of_unit).read().rows()
    };
    let binds = "bind 'tcp://127.0.0.1:81'\nbind 'tcp://127.0.0.1:82?backlog=5'\n";
    assert_eq!(rows("puma", binds), ["127.0.0.1:82 5", "127.0.0.1:81 77"]);
    let both = format!("{binds}bind_to_activated_sockets\n");
    assert_eq!(rows("puma", &both), ["127.0.0.1:82 5", "127.0.0.1:81 77", "127.0.0.1:83 77"]);
    let only = format!("{binds}bind_to_activated_sockets 'only'\n");
    assert_eq!(rows("puma", &only), ["127.0.0.1:81 77", "127.0.0.1:83 77"]);
    assert_eq!(rows("puma --bind-to-activated-sockets=only", binds), ["127.0.0.1:81 77", "127.0.0.1:83 77"]);
}

#[test]
fn a_unix_socket_of_an_old_puma_has_no_backlog() {
    let lock = |version: &str| format!("GEM\n  specs:\n    puma ({version})\n");
    let rows = |version: &str| {
        let config = "bind 'unix:///run/a.sock?backlog=5'\nbind 'tcp://0.0.0.0:80'\n";
        read_all(&[("config/puma.rb", config), ("Gemfile.lock", &lock(version))], &[]).rows()
    };
    assert_eq!(rows("3.11.1"), ["/run/a.sock 5", "0.0.0.0:80 1024"]);
    assert_eq!(rows("3.11.0"), ["/run/a.sock ?", "0.0.0.0:80 1024"]);
}
