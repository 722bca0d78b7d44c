//! The commands that a report suggests, run by a shell: whatever the names of a tree are, each does what it says and no more.

mod common;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backlog_audit::model::{Running, shell};
use backlog_audit::report::human::{self, Again};
use backlog_audit::report::{Screen, prometheus};
use serde_json::Value;

/// Names that a shell, an option, a pattern, a terminal or a reader could take for something else.
const NAMES: [&str; 69] = [
    "app",
    "app@1",
    "a.b-c_d",
    "$(touch x)",
    "`touch x`",
    "; touch x",
    "| touch x",
    "& touch x",
    "&& touch x",
    "|| touch x",
    "x; touch x #",
    "';touch x;'",
    "\";touch x;\"",
    "'$(touch x)'",
    "\"$(touch x)\"",
    "\\'; touch x",
    "\\",
    "a\\",
    "'",
    "\"",
    "''",
    "\\x2d",
    "a b",
    " a",
    "a ",
    "*",
    "?",
    "[a]",
    "[!a]*",
    "~",
    "~root",
    "!",
    "!!",
    "!x",
    "#",
    "# x",
    "%n",
    "%1",
    "$HOME",
    "${HOME}",
    "$$",
    "$1",
    "{a,b}",
    "=x",
    "x=y",
    "PATH=x",
    ">x",
    "> x",
    "2>x",
    "<x",
    "(touch x)",
    "$'\\x41'",
    "-",
    "--",
    "-rf",
    "--help",
    "-x y",
    "--root=x",
    "..a",
    "a\nb",
    "\ntouch x\n",
    "a\rb",
    "\u{1b}[2Jx",
    "a\tb",
    "é",
    "a\u{202e}b",
    "a\u{200b}b",
    "reboot.target",
    "a.service",
];

fn names() -> Vec<OsString> {
    let mut names: Vec<OsString> = NAMES.into_iter().map(OsString::from).collect();
    names.push(OsString::from_vec(b"a\xffb".to_vec()));
    names.push(OsString::from_vec(b"$(touch x)\xc3".to_vec()));
    names.push(OsString::from("a".repeat(200)));
    names.push(OsString::from(format!("$(touch x){}", "b".repeat(180))));
    names
}

/// Whether a reader can see what he runs.
fn is_sane(name: &OsStr) -> bool {
    let misleads = |c: char| c.is_control() || ('\u{2000}'..='\u{206f}').contains(&c);
    name.to_str().is_some_and(|name| !name.contains(misleads))
}

/// A folder in which commands are run: nothing on the path but stand-ins, which write down what they are called with.
struct Bench(tempfile::TempDir);

impl Bench {
    const PROGRAMS: [&str; 17] = [
        "systemctl",
        "sysctl",
        "ss",
        "grep",
        "patch",
        "git",
        "nginx",
        "ip",
        "nsenter",
        "journalctl",
        "docker",
        "kill",
        "touch",
        "rm",
        "backlog-audit",
        "apachectl",
        "haproxy",
    ];

    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        for folder in ["bin", "here", "calls"] {
            fs::create_dir(bench.0.path().join(folder)).unwrap();
        }
        // Two in a pipe write at the same time.
        let script = format!(
            "#!/bin/sh\nfor word in \"${{0##*/}}\" \"$@\"; do printf '%s\\0' \"$word\"; done >> '{}/'$$\n",
            bench.calls().display()
        );
        for program in Self::PROGRAMS {
            let path = bench.0.path().join("bin").join(program);
            // What must not run leaves a mark.
            let mark = if matches!(program, "touch" | "rm") { ": > x\n" } else { "" };
            fs::write(&path, format!("{script}{mark}")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        bench
    }

    fn here(&self) -> PathBuf {
        self.0.path().join("here")
    }

    fn calls(&self) -> PathBuf {
        self.0.path().join("calls")
    }

    /// What the lines call, each a program and its words.
    fn run(&self, shell: &str, lines: &[String]) -> Vec<Vec<OsString>> {
        fs::remove_dir_all(self.calls()).and_then(|()| fs::create_dir(self.calls())).unwrap();
        let alone = Command::new("unshare").args(["-n", "true"]).stderr(Stdio::null()).status();
        let mut words = vec!["timeout", "20"];
        // Where that is not allowed, the stand-ins are all that there is.
        if alone.is_ok_and(|status| status.success()) {
            words.extend(["unshare", "-n"]);
        }
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["env", "-i"])
            .arg(format!("PATH={}", self.0.path().join("bin").display()));
        // Each line by itself, as if it were typed.
        command.args([shell, "-c", "for line; do \"$0\" -c \"$line\"; done", shell]).args(lines);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(self.here());
        assert_ne!(command.status().unwrap().code(), Some(124), "{lines:#?} do not end");
        let left: Vec<PathBuf> = fs::read_dir(self.here()).unwrap().map(|it| it.unwrap().path()).collect();
        assert!(left.is_empty(), "{lines:#?} leave {left:?}");
        let mut calls: Vec<Vec<OsString>> = Vec::new();
        for file in fs::read_dir(self.calls()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let words = bytes.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
            let mut words: Vec<OsString> = words.collect();
            words.pop();
            calls.push(words);
        }
        calls.sort();
        calls
    }
}

fn shells() -> Vec<&'static str> {
    ["/bin/sh", "/bin/bash"].into_iter().filter(|shell| Path::new(shell).exists()).collect()
}

/// A tree in which a unit, a folder, a program, a socket and the folder of the sysctls have this name.
fn tree(root: &Path, name: &OsStr) {
    let with = |end: &str| [name.as_bytes(), end.as_bytes()].concat();
    let write = |folder: &Path, name: &[u8], text: &str| {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(OsStr::from_bytes(name)), text).unwrap();
    };
    let unit = "[Service]\nExecStart=/usr/bin/gunicorn -b 127.0.0.1:8000 --backlog 4096 app:app\n";
    write(&root.join("etc/systemd/system"), &with(".service"), unit);
    let dropped = "[Service]\nExecStart=\nExecStart=/usr/bin/uvicorn --port 8001 --backlog 4096 app:app\n";
    write(&root.join("etc/systemd/system"), b"other.service", "[Service]\nExecStart=/bin/true\n");
    write(&root.join("etc/systemd/system/other.service.d"), &with(".conf"), dropped);
    let socket = "[Socket]\nListenStream=8002\nBacklog=4096\n";
    write(&root.join("etc/systemd/system"), &with("-s.socket"), socket);
    let socket = serde_json::to_string(&format!("/run/{}.sock", name.to_string_lossy())).unwrap();
    let relative = serde_json::to_string(&format!("{}.sock", name.to_string_lossy())).unwrap();
    let program = format!(
        "const net = require('net');\nnet.createServer().listen({{port: 3000, backlog: 4096}});\n\
         net.createServer().listen({{path: {socket}, backlog: 4096}});\n\
         net.createServer().listen({{path: {relative}, backlog: 4096}});\n"
    );
    write(&root.join("srv").join(name), b"server.js", &program);
    write(
        &root.join("srv/app"),
        &with(".js"),
        "require('net').createServer().listen({port: 3001, backlog: 4096});\n",
    );
    fs::create_dir_all(root.join("etc/kept").join(name)).unwrap();
    let mut inside = OsString::from("kept/");
    inside.push(name);
    symlink(inside, root.join("etc/sysctl.d")).unwrap();
}

const FORMATS: [&str; 9] =
    ["json", "ndjson", "sarif", "github", "gitlab", "junit", "checkstyle", "markdown", "human"];

/// The reports of a tree, by format, and what is said on standard output.
fn reports(folder: &Path, root: &OsStr) -> Vec<(&'static str, String)> {
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new("timeout");
    command.arg("60").arg(env!("CARGO_BIN_EXE_backlog-audit")).current_dir(folder);
    command.args([
        "--as",
        "root",
        "--offline",
        "--kernel",
        "5.3",
        "--fail-on",
        "never",
        "--verbose",
        "--unsafe-fixes",
    ]);
    let file = |format: &str| out.path().join(format);
    for format in FORMATS {
        command.args(["--format", &format!("{format}={}", file(format).display())]);
    }
    let output = command.arg("--").arg(root).output().unwrap();
    assert!(output.status.success(), "{root:?}: {}", String::from_utf8_lossy(&output.stderr));
    let read = |format: &'static str| (format, String::from_utf8(fs::read(file(format)).unwrap()).unwrap());
    FORMATS.into_iter().map(read).collect()
}

/// Every text in a JSON value.
fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
        Value::Object(all) => all.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// The commands of a report for machines: lists called `then`, and lines that begin so.
fn commands_of(format: &str, text: &str) -> Vec<String> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.trim_start().strip_prefix("then: ")?.to_owned())).collect()
    };
    let of_value = |value: &Value| {
        let mut found = Vec::new();
        texts(value, &mut found);
        let mut all: Vec<String> = found.into_iter().flat_map(lines).collect();
        let fixes = value.pointer("/fixes").into_iter().chain(value.pointer("/findings"));
        let mut stack: Vec<&Value> = fixes.collect();
        while let Some(value) = stack.pop() {
            match value {
                Value::Array(values) => stack.extend(values),
                Value::Object(object) => {
                    let then = object.get("then").and_then(Value::as_array).into_iter().flatten();
                    all.extend(then.map(|command| command.as_str().unwrap().to_owned()));
                    stack.extend(object.values());
                }
                _ => {}
            }
        }
        all
    };
    let unescaped = |text: &str| {
        let pairs = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&apos;", "'"),
            ("&#10;", "\n"),
            ("&amp;", "&"),
        ];
        pairs.into_iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
    };
    match format {
        "json" | "sarif" | "gitlab" => of_value(&serde_json::from_str(text).unwrap()),
        "ndjson" => text.lines().flat_map(|line| of_value(&serde_json::from_str(line).unwrap())).collect(),
        "github" => lines(&text.replace("%0A", "\n").replace("%25", "%")),
        "junit" | "checkstyle" => lines(&unescaped(text)),
        "markdown" => {
            let mut fenced = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
            let mut all = Vec::new();
            fenced.by_ref().for_each(|block| all.extend(block.lines().map(str::to_owned)));
            all
        }
        _ => of_people(text),
    }
}

/// The commands of the report for people: behind `then`, and below `Next`.
fn of_people(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut within = false;
    for line in text.lines() {
        match (line.strip_prefix("  then    "), line.strip_prefix("          ")) {
            (Some(command), _) => (within, _) = (true, all.push(command.to_owned())),
            (None, Some(command)) if within => all.push(command.to_owned()),
            _ => within = false,
        }
    }
    let next = text.split("\nNext, ").nth(1).and_then(|next| next.lines().nth(2));
    all.extend(next.map(|command| command.trim_start().to_owned()));
    all
}

/// What may be called for a tree with this name, and nothing else.
fn meant(name: &str) -> Vec<Vec<String>> {
    let call = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let kinds = [".service", ".target"];
    let unit = if kinds.iter().any(|kind| name.ends_with(kind)) {
        format!("{name}.service")
    } else {
        name.to_owned()
    };
    let (socket, relative) = (format!("/run/{name}.sock"), format!("{name}.sock"));
    let mut all = vec![
        call(&["systemctl", "restart", &unit]),
        call(&["systemctl", "restart", "--", &unit]),
        call(&["systemctl", "restart", &format!("{name}-s.socket"), &format!("{name}-s.service")]),
        call(&["systemctl", "restart", "--", &format!("{name}-s.socket"), &format!("{name}-s.service")]),
        call(&["systemctl", "restart", "other"]),
        call(&["systemctl", "daemon-reload"]),
        call(&["sysctl", "-p", &format!("/etc/kept/{name}/90-backlog-audit.conf")]),
        call(&["ss", "-lx"]),
        call(&["ss", "-lnt"]),
        call(&["grep", "-F", &socket]),
        call(&["grep", "-F", &relative]),
        call(&["grep", "-F", "--", &relative]),
    ];
    for port in [3000, 3001, 8000, 8001, 8002] {
        all.push(call(&["ss", "-lnt", &format!("sport = :{port}")]));
    }
    all
}

fn as_text(call: &[OsString]) -> Vec<String> {
    call.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

#[test]
fn suggested_commands_do_what_they_say() {
    let bench = Bench::new();
    for name in names() {
        let scratch = tempfile::tempdir().unwrap();
        tree(&scratch.path().join("root"), &name);
        let mut all = BTreeSet::new();
        for (format, text) in reports(scratch.path(), OsStr::new("root")) {
            let found = commands_of(format, &text);
            // These show what to change, and where.
            let tells = !matches!(format, "sarif" | "gitlab" | "checkstyle");
            assert_eq!(tells, found.iter().any(|it| it.contains("ss -lnt")), "{format}: {text}");
            all.extend(found);
        }
        let mut lines: Vec<String> = all.into_iter().collect();
        assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{name:?}: {lines:#?}");
        // The program itself: what follows is one of the next tests.
        lines.retain(|line| !line.contains("--patch fix.patch"));
        for shell in shells() {
            let calls = bench.run(shell, &lines);
            let shown = name.to_string_lossy();
            let meant = meant(&shown);
            for call in calls.iter().map(|call| as_text(call)) {
                assert!(meant.contains(&call), "{name:?}: {call:?} of {lines:#?}");
            }
            let restarts = calls.iter().any(|call| {
                call.first().is_some_and(|it| it == "systemctl")
                    && call.last().is_some_and(|last| last.as_bytes().starts_with(name.as_bytes()))
            });
            let is_pattern = shown.contains(['*', '?', '[']);
            assert_eq!(restarts, is_sane(&name) && !is_pattern, "{name:?}: {lines:#?}");
        }
    }
}

#[test]
fn the_next_command_audits_the_same_again() {
    let bench = Bench::new();
    // `-` is standard input.
    for name in names().into_iter().filter(|name| name != "-") {
        let scratch = tempfile::tempdir().unwrap();
        tree(&scratch.path().join(&name), OsStr::new("app"));
        let call = |extra: &[&str]| {
            let mut command = Command::new("timeout");
            command.args(["60", "backlog-audit"]).current_dir(scratch.path());
            let folder = Path::new(env!("CARGO_BIN_EXE_backlog-audit")).parent().unwrap();
            let path = std::env::var_os("PATH").unwrap_or_default();
            let paths = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
            command.env("PATH", std::env::join_paths(paths).unwrap());
            command.args(["--as", "root", "--offline", "--kernel", "5.3", "--fail-on", "never"]).args(extra);
            let output = command.arg("--").arg(&name).output().unwrap();
            assert!(output.status.success(), "{name:?}: {}", String::from_utf8_lossy(&output.stderr));
            let said = String::from_utf8(output.stdout).unwrap();
            let next = said.split("\nNext, ").nth(1).and_then(|next| next.lines().nth(2)).unwrap();
            next.trim_start().to_owned()
        };
        let again = call(&[]);
        let patched = call(&["--patch", &scratch.path().join("fix.patch").to_string_lossy()]);
        let dashed = call(&["--patch=-x.patch"]);
        for shell in shells() {
            let run = |line: &str| {
                let calls = bench.run(shell, &[line.replace(" < -x.patch", " < /dev/null")]);
                calls.iter().map(|call| as_text(call)).collect::<Vec<_>>()
            };
            let [first, second, third] = [run(&again), run(&patched), run(&dashed)];
            let Some(name) = name.to_str().filter(|_| is_sane(&name)) else {
                assert!(
                    first.is_empty() && second.is_empty() && third.is_empty(),
                    "{name:?}: {again} {patched}"
                );
                continue;
            };
            let path = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
            let words = ["backlog-audit", "--as", "root", "--kernel", "5.3", "--offline"];
            let mut expected: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            expected.extend([path.clone(), "--patch".to_owned(), "fix.patch".to_owned()]);
            assert_eq!(first, [expected], "{again}");
            let applied: Vec<String> =
                ["patch", "-p1", "-d", &path].iter().map(|word| (*word).to_owned()).collect();
            assert_eq!((second, third), (vec![applied.clone()], vec![applied]), "{patched}");
        }
    }
}

/// Processes, units, containers, namespaces and sockets of a running machine may be called anything too.
#[test]
fn commands_of_a_running_machine_do_what_they_say() {
    let bench = Bench::new();
    for case in ["raised-somaxconn", "raised-by-hand"].map(|case| Path::new("tests/cases/live").join(case)) {
        let mut request = common::request(&case);
        let recorded: Running = request.running.take().unwrap();
        for name in names().iter().map(|name| name.to_string_lossy()) {
            let mut value = serde_json::to_value(&recorded).unwrap();
            for socket in value["sockets"].as_array_mut().unwrap() {
                let owner = &mut socket["owner"];
                if owner.is_object() {
                    for what in ["name", "unit", "container"] {
                        owner[what] = Value::from(&*name);
                    }
                }
            }
            request.running = Some(serde_json::from_value(value).unwrap());
            let report = common::audit(&request);
            let again = Again {
                program: format!("./{name}"),
                command: "backlog-audit live".into(),
                ..Again::default()
            };
            let said = human::render(&report, &Screen::plain(), &again, None);
            let json = backlog_audit::report::json::render(&report);
            assert!(!prometheus::render(&report, prometheus::Exposition::Text).is_empty());
            let mut lines = commands_of("json", &json);
            lines.extend(of_people(&said));
            lines.sort();
            lines.dedup();
            lines.retain(|line| !line.contains("'sport = :"));
            for shell in shells() {
                for call in bench.run(shell, &lines).iter().map(|call| as_text(call)) {
                    let known = ["systemctl", "sysctl", "ss", "grep", "nginx"].contains(&call[0].as_str());
                    assert!(
                        known && call.iter().all(|word| !word.contains("touch")),
                        "{name:?}: {call:?} of {lines:#?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_word_is_what_the_shell_makes_of_it() {
    let bench = Bench::new();
    for name in names() {
        let Some(name) = name.to_str() else { continue };
        for shell in shells() {
            let lines = [
                shell::command(&["ip", "netns", "exec", name]),
                shell::argument(name)
                    .map_or_else(|| shell::comment("restart", name), |word| format!("systemctl {word}")),
                shell::comment("restart what runs", name),
            ];
            let calls: Vec<Vec<String>> = bench.run(shell, &lines).iter().map(|call| as_text(call)).collect();
            let dashes: &[&str] =
                if name.starts_with('-') { &["systemctl", "--", name] } else { &["systemctl", name] };
            let expected = [vec!["ip", "netns", "exec", name], dashes.to_vec()];
            // In the order of the programs' names.
            let expected = if is_sane(OsStr::new(name)) { &expected[..] } else { &[] };
            assert_eq!(calls, expected, "{name:?}: {lines:#?}");
        }
    }
}
