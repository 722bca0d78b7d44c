//! The command lines that files write, as the programs that read these files take them: systemd, supervisord and the shell are
//! asked; Dockerfiles, compose files and the like are recorded as they are read here.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::rc::Rc;

use backlog_audit::commands::{self, Started};
use backlog_audit::discover;
use backlog_audit::knowledge::Knowledge;
use backlog_audit::model::{Command, ReadAs, Starter};
use backlog_audit::syntax::shell::{self, Known, Simple, Variables};
use backlog_audit::text::{Edit, Origin, Sources, Span, Text, apply};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a tree starts.
fn started(sources: &Sources, root: &Path, read_as: ReadAs) -> Started {
    let knowledge = Knowledge::load(sources).unwrap();
    let mut sites = discover::sites(&[root.to_owned()], Some(read_as)).unwrap();
    let site = sites.remove(0);
    let found = discover::find(sources, &site, &knowledge, false, &[]);
    let started = commands::read(sources, &site.tree, &knowledge, site.read_as, &found.files);
    started.commands.iter().for_each(|command| hold(sources, command));
    started
}

/// What is true of every command.
fn hold(sources: &Sources, command: &Command) {
    let variables = command.environment.iter().map(|variable| &variable.value);
    for word in command.words.iter().chain(variables) {
        assert!(
            word.exact().is_none() || sources.text(word.span()) == word.as_str(),
            "{word:?} is {:?}",
            sources.text(word.span())
        );
        assert!(word.span().end as usize <= sources.bytes(word.span().source).len());
        assert!(!(word.exact().is_some() && word.is_open()), "{word:?}");
    }
    assert!(!command.words.is_empty() && !sources.text(command.at).is_empty(), "{command:?}");
}

#[test]
fn units_start_what_systemd_starts() {
    let cases = common::cases("commands/unit");
    assert!(cases.len() >= 11);
    let mut recorded = 0;
    for case in cases {
        let truth = common::json(&case.join("truth.json"));
        let sources = Sources::new();
        let started = started(&sources, &case.join("root"), ReadAs::Root);
        let mut by_unit: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for command in started.commands.iter().filter(|command| command.starter == Starter::Unit) {
            by_unit.entry(command.name.clone()).or_default().push(as_started(command));
        }
        for (unit, rows) in truth["units"].as_object().unwrap() {
            let rows = rows.as_array().unwrap();
            let ours = by_unit.remove(unit).unwrap_or_default();
            let shown: Vec<Value> =
                rows.iter().filter(|row| is_main(row)).map(|row| known(row, &ours)).collect();
            assert_eq!(ours, shown, "{} {unit}", common::name(&case));
            recorded += shown.len();
        }
        assert_eq!(by_unit, BTreeMap::new(), "{}: systemd starts none of these", common::name(&case));
    }
    assert!(recorded >= 60, "{recorded}");
}

#[test]
fn supervisord_starts_the_same() {
    let cases = common::cases("commands/supervisor");
    assert!(cases.len() >= 6);
    for case in cases {
        let truth = common::json(&case.join("truth.json"));
        let sources = Sources::new();
        let started = started(&sources, &case.join("root"), ReadAs::Root);
        let mut by_name: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for command in started.commands.iter().filter(|command| command.starter == Starter::Supervisor) {
            let mut row = as_started(command);
            row.as_object_mut().unwrap().remove("open_files");
            by_name.entry(command.name.clone()).or_default().push(row);
        }
        let rows = |rows: &Value| rows.as_array().unwrap().clone();
        let programs = truth["programs"].as_object().unwrap();
        let shown = programs.iter().map(|(name, all)| (name.clone(), rows(all))).collect();
        assert_eq!(by_name, shown, "{}", common::name(&case));
        assert_eq!(truth["refused"].is_string(), !started.problems.is_empty(), "{}", common::name(&case));
    }
}

/// Dockerfiles, compose files, Procfiles and scripts have no single program that could be asked: what is read is recorded.
#[test]
fn files_are_read_as_recorded() {
    for case in common::cases("commands/files") {
        let sources = Sources::new();
        let started = started(&sources, &case.join("root"), ReadAs::Repo);
        let mut text: String = started.commands.iter().map(|command| screen(&sources, command)).collect();
        for problem in &started.problems {
            text.push_str(&format!("{:?}: {}\n", problem.kind, problem.message));
        }
        common::snapshot::same(&case.join("commands.txt"), text.as_bytes());
    }
}

/// A command as a person reads it: `~` is a word that does not stand in the file as it is, `?` one that is not known.
fn screen(sources: &Sources, command: &Command) -> String {
    let mark = |word: &Text| {
        let quoted = if word.is_empty() || word.contains(' ') {
            format!("{:?}", word.as_str())
        } else {
            word.as_str().to_owned()
        };
        format!(
            "{}{}{quoted}",
            if word.exact().is_some() { "" } else { "~" },
            if word.is_open() { "?" } else { "" }
        )
    };
    let words: Vec<String> = command.words.iter().map(mark).collect();
    let mut text = format!("{:?} {}: {}\n", command.starter, command.name, words.join(" "));
    let at = sources.position(command.at);
    text.push_str(&format!("  at {}:{}", sources.get(command.at.source).name(), at.line));
    if let Some(folder) = &command.folder {
        text.push_str(&format!(", in {:?}", folder.display().to_string()));
    }
    if let Some(image) = &command.image {
        text.push_str(&format!(", image {} ({})", image.get, sources.text(image.span)));
    }
    for variable in &command.environment {
        text.push_str(&format!("\n  {}={}", variable.name, mark(&variable.value)));
    }
    if let Some(room) = &command.room {
        let slot = room.slot(&["-p"], "n=");
        let inserted = slot.edit(12).text;
        text.push_str(&format!("\n  room {inserted:?} behind {:?}", behind(sources, room.at)));
    }
    text + "\n"
}

/// The end of the line up to a place.
fn behind(sources: &Sources, at: Span) -> String {
    let text = String::from_utf8_lossy(&sources.bytes(at.source)[..at.start as usize]).into_owned();
    text.lines()
        .next_back()
        .unwrap_or_default()
        .chars()
        .rev()
        .take(20)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

/// In every case, a number that is put where there is room for arguments is the last word when the file is read again; and
/// what is written over a word is the word then.
#[test]
fn what_is_written_is_read_again() {
    let mut tried = 0;
    for (kind, read_as) in [("files", ReadAs::Repo), ("unit", ReadAs::Root), ("supervisor", ReadAs::Root)] {
        for case in common::cases(&format!("commands/{kind}")) {
            let root = case.join("root");
            let sources = Sources::new();
            let before = started(&sources, &root, read_as).commands;
            for (index, command) in before.iter().enumerate() {
                let words: Vec<String> = command.words.iter().map(|word| word.as_str().to_owned()).collect();
                if let Some(room) = &command.room {
                    let edit = room.slot(&["-p"], "--n=").edit(12);
                    let mut expected = words.clone();
                    expected.extend(["-p".to_owned(), "--n=12".to_owned()]);
                    assert_eq!(
                        again(&sources, &root, read_as, &edit, index),
                        expected,
                        "{}: {edit:?}",
                        common::name(&case)
                    );
                    tried += 1;
                }
                for (at, word) in
                    command.words.iter().enumerate().filter(|(at, word)| *at > 0 && word.exact().is_some())
                {
                    let mut expected = words.clone();
                    expected[at] = "77".into();
                    let edit = Edit { span: word.span(), text: "77".into() };
                    let found = again(&sources, &root, read_as, &edit, index);
                    // A variable may stand for other words as well.
                    let there = if command.at.contains(word.span()) {
                        found.get(at)
                    } else {
                        found.iter().find(|it| *it == "77")
                    };
                    assert_eq!(there, expected.get(at), "{}: {edit:?}", common::name(&case));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

/// The words of one command after an edit.
fn again(sources: &Sources, root: &Path, read_as: ReadAs, edit: &Edit, index: usize) -> Vec<String> {
    let scratch = tempfile::tempdir().unwrap();
    copy(root, scratch.path());
    let source = sources.get(edit.span.source);
    let path: PathBuf = scratch.path().join(source.path().unwrap());
    fs::write(path, apply(source.bytes(), std::slice::from_ref(edit))).unwrap();
    let sources = Sources::new();
    let commands = started(&sources, scratch.path(), read_as).commands;
    commands
        .get(index)
        .map_or_else(Vec::new, |command| command.words.iter().map(|word| word.as_str().to_owned()).collect())
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What the recorder would have said of our command.
fn as_started(command: &Command) -> Value {
    let environment: BTreeMap<&str, &str> =
        command.environment.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    json!({
        "argv": command.words.iter().map(|word| word.as_str()).collect::<Vec<_>>(),
        "environment": environment,
        "folder": command.folder.as_ref().map(|folder| format!("/{}", folder.display())),
        "open_files": command.open_files.as_ref().map(|(soft, hard)| [soft.get, hard.get]),
    })
}

/// A row without what a unit leaves to others: its own `ExecStartPre=` and the limits that it has from outside.
fn known(row: &Value, ours: &[Value]) -> Value {
    let mut row = row.clone();
    if ours.iter().all(|ours| ours["open_files"].is_null()) {
        row["open_files"] = Value::Null;
    }
    row
}

/// Cases name what is no `ExecStart=` so that it can be told.
fn is_main(row: &Value) -> bool {
    !matches!(row["argv"][1].as_str(), Some("pre" | "post" | "reload" | "stop"))
}

/// Files that are made to take long end soon.
#[test]
fn hostile_files_end_soon() {
    let long = |unit: &str| unit.repeat(250_000 / unit.len());
    let exports = (0..400).map(|n| format!("export A{n}={}\n", "x".repeat(600))).collect::<String>()
        + &"gunicorn $A1\n".repeat(2_000);
    let mut doubling = "A0=xxxxxxxxxxxxxxxx\n".to_owned();
    (1..40).for_each(|n| doubling.push_str(&format!("A{n}=$A{0}$A{0}\n", n - 1)));
    doubling.push_str("gunicorn $A39\n");
    let texts = [
        long("$("),
        long("${a:-"),
        long("\"$x"),
        long("'\""),
        long("\\\n"),
        long("a\\ "),
        long("<<X "),
        long("<< X\n"),
        long("case x in "),
        long("((a"),
        long("a=("),
        long("sh -c '"),
        long("`"),
        long("a;"),
        long("npm start;"),
        long("CMD a\n"),
        long("ENV a=$a$a\n"),
        long("COPY a b\n"),
        long("FROM a\n"),
        long("[\"a\","),
        long("- &a [*a]\n"),
        long("  a: {command: [x]}\n"),
        long("\\u0041"),
        long("ExecStart=/a $B ${B}\n"),
        long("Environment=B=a\n"),
        long("%(ENV_A)s"),
        long("numprocs=9999\n"),
        long("[program:a]\ncommand=a\n"),
        exports,
        doubling,
        // What refers to much, often.
        format!("A={}\n", "x".repeat(100_000)) + &"web: a $A\n".repeat(20_000),
        format!("ENV A={}\n", "x".repeat(100_000)) + &"ENV B=$A\n".repeat(20_000),
        format!("ENV A={}\n", "x".repeat(100_000)) + &"FROM a AS b\n".repeat(20_000),
        format!("x\nEnvironment=A={}\nType=oneshot\n", "x".repeat(100_000))
            + &"ExecStart=/a ${A} $A\n".repeat(10_000),
        format!("x\nenvironment=A=\"{}\"\nnumprocs=64\ncommand=a ", "x".repeat(100_000))
            + &"%(ENV_A)s ".repeat(20_000),
        (0..20_000).map(|n| format!("ENV A{n}=x\n")).collect::<String>() + "CMD a $A1\n",
        format!("A={}\n", "x".repeat(100_000)) + &"export A\na\n".repeat(15_000),
        format!("A={}\n", "x".repeat(100_000)) + &"export A\n".repeat(15_000),
        format!("A='{}'\na ", " ".repeat(100_000)) + &"$A ".repeat(50_000),
        // What all parts of it share, many times.
        format!("A={}", "$A ".repeat(80_000)),
        format!("x\n[{}]\n", "x".repeat(100_000)) + &"a=\n".repeat(50_000),
        (0..20_000)
            .map(|n| format!("  a{n}:\n    command: a\n    extends: a{}\n", n + 1))
            .collect::<String>(),
    ];
    for text in texts {
        let scratch = tempfile::tempdir().unwrap();
        for (path, begins) in FILES {
            let path = scratch.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{begins}{text}")).unwrap();
        }
        let script: String = text.chars().take(250_000).collect();
        fs::write(scratch.path().join("start.sh"), format!("#!/bin/sh\n{script}")).unwrap();
        fs::write(scratch.path().join("Procfile"), format!("web: ./start.sh\n{text}")).unwrap();
        let begun = std::time::Instant::now();
        started(&Sources::new(), scratch.path(), ReadAs::Repo);
        let taken = begun.elapsed();
        assert!(taken.as_secs() < 15, "{taken:?}: {}", text.chars().take(20).collect::<String>());
    }
}

/// The commands of a script that is called with arguments, as words.
fn called(script: &str, arguments: &[&str]) -> Vec<Vec<String>> {
    let sources = Sources::new();
    let written = |text: &str| {
        let file = sources.add(Origin::Builtin("script".into()), text.as_bytes().to_vec());
        Text::plain(&sources, Span::new(file, 0..text.len()))
    };
    let mut variables = Variables::default();
    variables.set("U", Known::Unset);
    variables.arguments = Some(arguments.iter().map(|argument| Rc::new(written(argument))).collect());
    let words = |simple: Simple| simple.words.iter().map(|word| word.show().into_owned()).collect();
    shell::commands(&written(script), &mut variables).into_iter().map(words).collect()
}

#[test]
fn arguments_are_as_many_words() {
    for (script, words) in [
        ("exec \"$@\" x", &["exec", "a", "b", "c", "x"][..]),
        ("exec ${U:-$@}", &["exec", "a", "b", "c"]),
        ("exec ${U:-x $@ y} z", &["exec", "x", "a", "b", "c", "y", "z"]),
        ("exec \"x${U:-$@}y\"", &["exec", "xa", "b", "cy"]),
    ] {
        assert_eq!(called(script, &["a", "b", "c"]), [words]);
    }
}

#[test]
fn many_arguments_many_times_end_soon() {
    let begun = std::time::Instant::now();
    for script in ["$@ ", "\"$@\" ", "${U:-$@} ", "$1 "] {
        called(&format!("a {}", script.repeat(20_000)), &["a"; 20_000]);
        called(&format!("a {}", script.repeat(20_000)), &["x".repeat(100_000).as_str(); 2]);
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn a_unit_that_is_refused_is_a_problem() {
    let sources = Sources::new();
    let started = started(&sources, Path::new("tests/cases/commands/unit/several/root"), ReadAs::Root);
    let mut refused: Vec<&str> =
        started.problems.iter().map(|problem| problem.message.split(' ').next().unwrap()).collect();
    refused.sort_unstable();
    assert_eq!(refused, ["forgotten.service", "refused.service"]);
    let help = started.problems[0].help.as_deref();
    assert_eq!(help, Some("an empty ExecStart= before the new one drops those before it"));
}

/// The commands named `show` of a script, as words.
fn shown(script: &str, set: &[(&str, &str)]) -> Vec<Vec<String>> {
    let sources = Sources::new();
    let written = |text: &str| {
        let file = sources.add(Origin::Builtin("script".into()), text.as_bytes().to_vec());
        Text::plain(&sources, Span::new(file, 0..text.len()))
    };
    let mut variables = Variables::default();
    for (name, value) in set {
        variables.set(name, Known::of(&written(value)));
    }
    for name in ["U", "V", "a", "x", "aa", "ax", "xa", "xx", "aax", "aaa"] {
        variables.set(name, Known::Unset);
    }
    let text = written(script);
    let commands = shell::commands(&text, &mut variables);
    let word = |word: &Text| {
        assert!(word.exact().is_none_or(|at| sources.text(at) == word.as_str()));
        word.show().into_owned()
    };
    let words = |simple: &Simple| simple.words.iter().map(word).collect::<Vec<_>>();
    let is_show = |words: &Vec<String>| words.first().is_some_and(|first| first == "show");
    commands.iter().map(words).filter(is_show).map(|words| words[1..].to_vec()).collect()
}

/// What the shell of this machine shows for a script; nothing where it does not take it.
fn sh(script: &str, set: &[(&str, &str)]) -> Option<Vec<Vec<String>>> {
    let show =
        "show() { printf '%s' \"$#\"; for a in \"$@\"; do printf '\\036%s' \"$a\"; done; printf '\\035'; }\n";
    let mut process = Process::new("/bin/sh");
    process.args(["-f", "-c", &format!("{show}{script}"), "sh"]).env_clear().envs(set.iter().copied());
    let done = process.output().unwrap();
    let lines = String::from_utf8_lossy(&done.stdout).into_owned();
    let words = |line: &str| line.split('\u{1e}').skip(1).map(str::to_owned).collect();
    let parsed = done.status.success() && done.stderr.is_empty();
    parsed.then(|| lines.split_terminator('\u{1d}').map(words).collect())
}

const SET: [(&str, &str); 4] = [("A", "one"), ("B", "two words"), ("E", ""), ("Q", "a  \"b c\"")];

#[test]
fn words_are_those_of_the_shell() {
    for script in [
        "show a  b\tc",
        "show 'a b' \"c d\" e'f'\"g\"h '' \"\"",
        "show a\\ b \\\" \\' \"\\$A \\\" \\x \\\\\" '\\x'",
        "show $A ${A} \"$A\" '$A' x$A$B \"$B\" $B ${B}x \"${B}x\"",
        "show $U [$U] \"$U\" \"$U\"x $E \"$E\" ''$U",
        "show ${U:-d} ${U-d} ${E:-d} [${E-d}] ${A:-d} \"${U:-d e}\" ${U:-d e} ${U:-\"d e\"} ${U:-'d e'}",
        "show ${A:+x} ${U:+x} ${E:+x} ${E+x} \"${A:+x y}\" ${A:+x y}",
        "show ${U:-${V:-deep}} ${U:-$A} ${U:=set} $U",
        "show a; show b && show c || show d; show e | cat; show f & wait",
        "show a # comment\nshow b#c '#d'",
        "show a \\\n  b\nshow c",
        "show a > /dev/null; show b 2>&1; show c 2> /dev/null < /dev/null d; show >/dev/null e",
        "cat <<EOF > /dev/null\nshow no\nEOF\nshow a",
        "cat <<-'EOF' > /dev/null; show b\n\tshow no\n\tEOF\nshow a",
        "(show a; show b); { show c; }",
        "if true; then show a; fi; while false; do :; done; for x in 1; do show b; done",
        "f() { show in; }; f; show out",
        "case x in a|b) : ;; (c) : ;; *) show d ;; esac; show e",
        "A=1 show $A; A=2; show $A; X=\"$A b\"; show $X \"$X\"",
        "X=$B; show \"$X\"; export Y=$X; show $Y",
        "exec 3>&1; show a 3>&-",
        "show {a,b} ~x *.nothing a=b $A=c",
        "! show a; time=1; show $time",
        "show \"a\nb\" 'c\nd'",
        "show $Q \"$Q\"",
        "set -- x 'y z'; show a",
        "show a;show b;;",
        "show \"$A\"'$A'\\$A",
        "show a\"\"b \"\"\"\" x\"$U\"",
        "true && { show a; } || show b",
        "show 1>/dev/null 2; show 12 >/dev/null; show a1>/dev/null",
    ] {
        if let Some(real) = sh(script, &SET) {
            let mut ours = shown(script, &SET);
            // Of two branches both are read here.
            ours.retain(|words| {
                real.contains(words) || words.iter().all(|word| !matches!(word.as_str(), "d" | "b" | "c"))
            });
            assert!(
                real.iter().all(|words| ours.contains(words)),
                "{script:?}\n  sh: {real:?}\nours: {ours:?}"
            );
        }
    }
}

const PARTS: &[&str] = &[
    "a", " ", "'", "\"", "\\a", "\\ ", "\\'", "\\\"", "\\\\", "$A.", "$B ", "$E ", "$U-", "${A}", "${B}",
    "${U:-", "${E:-", "${E-", "${A:+", "${U+", "}", "{", "\\$", "=", "x=", "#", " #", "\n", "\\\n", "]", "%",
    "$.", "~",
];

/// One file of each kind, with what makes it one.
const FILES: [(&str, &str); 8] = [
    ("Dockerfile", "FROM a\n"),
    ("Procfile", "web: a\n"),
    ("compose.yml", "services:\n  a:\n    command: "),
    ("etc/supervisor/conf.d/a.conf", "[program:a]\ncommand="),
    ("etc/systemd/system/a.service", "[Service]\nExecStart=/a "),
    ("etc/default/a", "A="),
    ("package.json", "{\"scripts\":{\"start\":"),
    (".env", "A="),
];

const FILE_PARTS: &[&str] = &[
    "CMD ",
    "ENTRYPOINT ",
    "COPY ",
    "ENV ",
    "FROM a AS b\n",
    "RUN <<X\n",
    "[",
    "]",
    "\"",
    "'",
    ", ",
    "\\",
    "\n",
    " ",
    "a",
    "sh -c ",
    "npm start",
    "./Procfile",
    "$A",
    "${A:-",
    "}",
    "{",
    "%(ENV_A)s",
    "%i",
    "- ",
    "  ",
    "&x ",
    "*x",
    "|\n",
    ">\n    ",
    ": ",
    "environment=",
    "EnvironmentFile=-/etc/default/a\n",
    "ExecStart=",
    "=",
    ";",
    "#",
    "@-",
    "exec ",
    "env A=b ",
    "<<",
    "(",
    ")",
    "&& ",
    "é",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words_are_those_of_the_shell(parts in prop::collection::vec(prop::sample::select(PARTS), 0..9)) {
        let script = format!("show {}", parts.concat());
        // A default is split here as a whole or not at all.
        let mixed = script.contains("${U:-") || script.contains("${E") || script.contains("${A:+");
        let real = sh(&script, &SET).filter(|_| !(mixed && script.contains(['\\', '"', '\''])));
        if let Some(real) = real {
            prop_assert_eq!(shown(&script, &SET), real, "{}", script);
        }
    }

    #[test]
    fn any_files_are_read(bytes in prop::collection::vec(any::<u8>(), 0..60), parts in prop::collection::vec(prop::sample::select(FILE_PARTS), 0..30)) {
        let scratch = tempfile::tempdir().unwrap();
        let mut text = parts.concat().into_bytes();
        text.extend(bytes);
        for (path, begins) in FILES {
            let path = scratch.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, [begins.as_bytes(), &text].concat()).unwrap();
        }
        started(&Sources::new(), scratch.path(), ReadAs::Repo);
    }

    #[test]
    fn any_script_is_read(text in "[a \\\\'\"$(){}<>;&|=#`\n@*]{0,80}") {
        shown(&text, &SET);
    }
}
