//! The bar of a long audit: on a terminal, never in a pipe, and nothing of it stays.

mod common;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use common::scratch::Scratch;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A terminal: the side that shows, and the side that a program writes to.
fn terminal() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .open(Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())));
    (File::from(master), slave.unwrap())
}

/// What a terminal is sent on standard error.
fn sent(folder: &Path, term: &str, arguments: &[&str]) -> String {
    let (mut master, slave) = terminal();
    let mut child = Command::new(env!("CARGO_BIN_EXE_backlog-audit"))
        .args(arguments)
        .current_dir(folder)
        .env("TERM", term)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(slave)
        .spawn()
        .unwrap();
    let mut bytes = Vec::new();
    // Reading ends with an error when the last writer has gone (EIO).
    let _ = master.read_to_end(&mut bytes);
    assert_ne!(child.wait().unwrap().code(), Some(2));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Programs that take well over half a second to read, on two cores and without optimisation.
fn long(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let line = "app.get('/a', (request, answer) => answer.send([1, 2, 3].map((x) => ({ x, y: x * 2 }))));\n";
    let body = line.repeat(2400);
    for number in 0..14 {
        scratch.write(
            format!("src/server{number}.js"),
            format!(
                "const http = require('http');\n{body}http.createServer(app).listen(3000, '::1', 600);\n"
            ),
        );
    }
    scratch
}

#[test]
fn a_long_audit_shows_how_far_it_is() {
    let scratch = long("progress-long");
    let shown = sent(&scratch.0, "xterm", &["."]);
    assert!(shown.contains("Auditing") && shown.contains('━'), "{shown:?}");
    assert!(shown.ends_with("\r\u{1b}[2K") || shown.ends_with("\u{1b}[2K\r"), "nothing stays: {shown:?}");
    for (term, arguments) in [("xterm", &["--quiet", "."][..]), ("dumb", &["."])] {
        assert_eq!(sent(&scratch.0, term, arguments), "", "{term} {arguments:?}");
    }
    let piped = Command::new(env!("CARGO_BIN_EXE_backlog-audit")).current_dir(&scratch.0).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&piped.stderr), "");
    assert!(!String::from_utf8_lossy(&piped.stdout).contains("Auditing"));
}

#[test]
fn a_short_audit_shows_nothing() {
    let scratch = Scratch::new("progress-short");
    scratch.write("nginx.conf", "events {}\nhttp { server { listen 80; } }\n");
    assert_eq!(sent(&scratch.0, "xterm", &["."]), "");
}
