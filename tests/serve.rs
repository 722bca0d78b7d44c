//! `live` for Prometheus, as the program is called: a file for a collector, a port for a scraper, and what is a mistake.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use common::scratch::Scratch;
use common::snapshot;

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    for name in ["NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn small(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("etc/nginx/nginx.conf", "events {}\nhttp { server { listen 127.9.9.9:80; } }\n");
    scratch
}

#[test]
fn a_mistake_is_answered_with_what_to_type_instead() {
    let scratch = small("serve-mistakes");
    let mistakes: [&[&str]; 8] = [
        &["--format", "prometheus"],
        &["--format", "prometheus=x.prom", "etc"],
        &["live", "--format", "prometheus", "--format", "json"],
        &["live", "--format", "prometheus=nowhere/x.prom", "."],
        &["live", "--serve", "."],
        &["live", "--serve", "web1:9798"],
        &["live", ".", "--serve", "--format", "json"],
        &["live", ".", "--serve", "192.0.2.1:9798"],
    ];
    let mut all = String::new();
    for arguments in mistakes {
        let output = run(&scratch.0, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let program = env!("CARGO_BIN_EXE_backlog-audit");
        let said = text(&output.stderr).replace(program, "backlog-audit");
        all.push_str(&format!("$ backlog-audit {}\n{said}\n", arguments.join(" ")));
    }
    snapshot::same(Path::new("tests/screens/prometheus-mistakes.txt"), all.as_bytes());
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap();
    let output = run(&scratch.0, &["live", ".", "--serve", &taken.to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains(&format!("ss -lntp 'sport = :{}'", taken.port())), "{said}");
}

#[test]
fn a_collector_finds_the_file_whole() {
    let scratch = small("serve-file");
    let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    let write = |name: &str| {
        let format = format!("prometheus={name}");
        let output = run(&scratch.0, &["live", ".", "-f", &format, "--quiet", "--fail-on", "never"]);
        assert_eq!(
            (output.status.code(), text(&output.stdout), text(&output.stderr)),
            (Some(0), "".into(), "".into())
        );
    };
    scratch.write("old.prom", "old\n");
    let before = fs::metadata(scratch.0.join("old.prom")).unwrap().ino();
    for name in ["new.prom", "old.prom"] {
        write(name);
        assert!(read(name).contains("\nbacklog_audit_look_window_seconds 0\n"), "a single look");
        assert!(read(name).contains("address=\"127.9.9.9:80\",service=\"nginx\"} 0\n"));
    }
    let after = fs::metadata(scratch.0.join("old.prom")).unwrap();
    assert_ne!(before, after.ino(), "it is another file in the old one's place");
    assert_eq!(after.mode() & 0o044, 0o044, "the collector is another user");
    scratch.write("folder/kept", "");
    symlink("folder/behind.prom", scratch.0.join("link.prom")).unwrap();
    scratch.write("folder/behind.prom", "old\n");
    write("link.prom");
    assert!(fs::symlink_metadata(scratch.0.join("link.prom")).unwrap().is_symlink());
    assert!(read("folder/behind.prom").contains("backlog_audit_build_info"));
    let mut left: Vec<String> = fs::read_dir(&scratch.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["etc", "folder", "link.prom", "new.prom", "old.prom"]);
    write("/dev/null");
}

/// A server of ours, ended when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut command = program(folder, &["live", ".", "--serve", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        let address =
            said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        Self { address: address.to_owned(), child }
    }

    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n").unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_scraper_is_answered_until_a_signal_comes() {
    let scratch = small("serve-port");
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&scratch.0);
        // One who says nothing keeps nobody waiting.
        let _silent = TcpStream::connect(&server.address).unwrap();
        let plain = server.get("/metrics", "");
        assert!(plain.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4;"), "{plain}");
        let row = |address: &str| {
            format!(
                "backlog_audit_listener_sockets{{namespace=\"host\",transport=\"tcp\",address=\"{address}\",service=\"\"}} 1\n"
            )
        };
        assert!(plain.contains(&row(&here.local_addr().unwrap().to_string())), "{plain}");
        assert!(!plain.contains(&row(&server.address)), "it does not tell of itself: {plain}");
        let open = server.get("/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\n");
        assert!(
            open.contains("application/openmetrics-text; version=1.0.0") && open.ends_with("\n# EOF\n"),
            "{open}"
        );
        assert!(server.get("/", "").contains("href=\"/metrics\""));
        assert!(server.get("/nothing", "").starts_with("HTTP/1.1 404 "));
        let sent =
            Command::new("kill").args([&format!("-{signal}"), &server.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}
