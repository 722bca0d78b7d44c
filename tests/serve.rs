//! `live` for Prometheus, as the program is called: a file for a collector, a port for a scraper, and what is a mistake.
#![cfg(target_os = "linux")]

mod common;

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

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
    let mistakes: [&[&str]; 10] = [
        &["--format", "prometheus"],
        &["--format", "prometheus=x.prom", "etc"],
        &["live", "--format", "prometheus", "--format", "json"],
        &["live", "--format", "prometheus=nowhere/x.prom", "."],
        &["live", "--serve", "."],
        &["live", "--serve", "web1:9798"],
        &["live", ".", "--serve", "--format", "json"],
        &["live", ".", "--serve-name", "web1"],
        &["live", ".", "--serve", "--serve-name", "web1:9798"],
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
        Self::of(program(folder, &["live", ".", "--serve", "127.0.0.1:0"]))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
        let address =
            said.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        Self { address: address.to_owned(), child }
    }

    fn get(&self, path: &str, headers: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.address))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
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

/// Connections that are held, as many as this process may have; most servers must bear a thousand.
fn held(address: &str, most: usize) -> Vec<TcpStream> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let room = getrlimit(Resource::Nofile).current.map_or(most, |files| (files as usize).saturating_sub(200));
    if room < most {
        eprintln!("only {room} of {most} connections: that is the hard limit of open files here");
    }
    (0..most.min(room)).map_while(|_| TcpStream::connect(address).ok()).collect()
}

/// The fastest of a few scrapes, all of which are answered: the machine has other work too.
fn scraped(server: &Server) -> Duration {
    let scrape = |_| {
        let began = Instant::now();
        let said = server.get("/metrics", "");
        assert!(
            said.starts_with("HTTP/1.1 200 OK\r\n") && said.contains("backlog_audit_build_info"),
            "{said}"
        );
        began.elapsed()
    };
    (0..4).map(scrape).min().unwrap()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_thousand_silent_clients_keep_nobody_waiting() {
    let scratch = small("serve-silent");
    let server = Server::start(&scratch.0);
    let silent = held(&server.address, 1000);
    let took = scraped(&server);
    assert!(took < SECOND, "{took:?} beside {} silent ones", silent.len());
}

#[test]
fn slow_clients_keep_nobody_waiting() {
    let scratch = small("serve-slow");
    // Many rows, so that an answer does not fit into what the kernel keeps.
    let _many: Vec<TcpListener> = (0..600).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let server = Server::start(&scratch.0);
    assert!(server.get("/metrics", "").len() > 300_000);
    let mut slow = held(&server.address, 600);
    let ask = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    for stream in &mut slow {
        // Who had to make room hears of it here.
        drop(stream.write_all(ask));
    }
    let took = scraped(&server);
    assert!(took < SECOND, "{took:?} beside those who take nothing");
    drop(slow);
    let mut slow = held(&server.address, 600);
    let end = Instant::now() + 2 * SECOND;
    let mut took = SECOND * 60;
    while Instant::now() < end {
        slow.iter_mut().for_each(|stream| drop(stream.write_all(b"G")));
        took = took.min(scraped(&server));
    }
    assert!(took < SECOND, "{took:?} beside those who ask a letter at a time");
}

#[test]
fn a_flood_of_clients_keeps_nobody_waiting() {
    let scratch = small("serve-flood");
    let server = Server::start(&scratch.0);
    let (ended, flooded) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for held in [0, 100] {
            let (address, ended, flooded) = (&server.address, &ended, &flooded);
            scope.spawn(move || {
                let mut kept = VecDeque::new();
                while !ended.load(Ordering::Relaxed) {
                    kept.extend(TcpStream::connect(address).ok());
                    flooded.fetch_add(1, Ordering::Relaxed);
                    if kept.len() > held {
                        kept.pop_front();
                    }
                }
            });
        }
        let end = Instant::now() + 3 * SECOND;
        let mut took = Vec::new();
        while Instant::now() < end {
            took.push(scraped(&server));
        }
        ended.store(true, Ordering::Relaxed);
        let fastest = took.iter().min().unwrap();
        assert!(*fastest < SECOND, "{took:?} beside {flooded:?} clients");
    });
    assert!(flooded.load(Ordering::Relaxed) > 200, "{flooded:?} are no flood");
}

#[test]
fn few_files_are_enough_and_nothing_spins() {
    let scratch = small("serve-files");
    let mut command = Command::new("sh");
    let line = "ulimit -n 24; exec \"$0\" live . --serve 127.0.0.1:0";
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_backlog-audit")])
        .current_dir(&scratch.0)
        .stdin(Stdio::null());
    let server = Server::of(command);
    let silent = held(&server.address, 300);
    let answered = server.get("/metrics", "");
    assert!(
        answered.starts_with("HTTP/1.1 200 OK\r\n") || answered.starts_with("HTTP/1.1 500 "),
        "{answered}"
    );
    let spent = || -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", server.child.id())).unwrap();
        let words: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        words[11].parse::<u64>().unwrap() + words[12].parse::<u64>().unwrap()
    };
    let before = spent();
    thread::sleep(SECOND);
    // Hundredths of a second.
    assert!(spent() - before < 40, "it spins beside {} clients", silent.len());
    drop(silent);
    assert!(server.get("/", "").contains("href=\"/metrics\""));
}

#[test]
fn only_this_machine_is_answered_for() {
    let scratch = small("serve-names");
    let server = Server::of(program(
        &scratch.0,
        &["live", ".", "--serve", "127.0.0.1:0", "--serve-name", "a.example.org", "--serve-name", "b"],
    ));
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let answered = |hosts: &str| server.ask(&format!("GET /metrics HTTP/1.1\r\n{hosts}\r\n"));
    for ours in [
        &*server.address,
        "127.0.0.1",
        "[::1]:9798",
        "localhost",
        "x.localhost:1",
        "A.example.org:80",
        "b",
        host.trim(),
    ] {
        let said = answered(&format!("Host: {ours}\r\n"));
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{ours}: {said}");
    }
    for theirs in ["rebound.example.org", "rebound.example.org:9798", "c"] {
        let said = answered(&format!("Host: {theirs}\r\n"));
        let name = theirs.split(':').next().unwrap();
        assert!(said.starts_with("HTTP/1.1 421 Misdirected Request\r\n"), "{said}");
        assert!(
            said.ends_with(&format!("--serve-name {name}\n")) && !said.contains("backlog_audit_"),
            "{said}"
        );
    }
    for twisted in ["", "Host: b\r\nHost: b\r\n"] {
        assert!(answered(twisted).starts_with("HTTP/1.1 400 "), "{twisted}");
    }
    assert!(server.ask("GET /metrics HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(server.ask("GET http://c/metrics HTTP/1.1\r\nHost: b\r\n\r\n").starts_with("HTTP/1.1 421 "));
}
