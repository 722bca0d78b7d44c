//! What a service unit starts: its `ExecStart=` after all drop-ins, with its variables, its folder and its limit of open files.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::expand;
use super::files::Unit;
use crate::commands::Started;
use crate::commands::follow::follow;
use crate::commands::line::{Base, Form, Line, assignment};
use crate::commands::scene::{Given, Scene};
use crate::model::{self, Problem, ProblemKind, Starter, Value};
use crate::syntax::shell::{Known, Variables};
use crate::syntax::specifiers::Specifiers;
use crate::syntax::unit::{self, Entry, Words};
use crate::text::{HashMap, HashSet, Span, Text};

/// What system.conf says for all units.
#[derive(Debug, Default)]
pub(super) struct Manager {
    open_files: Option<Limits>,
    environment: Vec<Given>,
    hostname: Option<String>,
}

type Limits = (Value<i64>, Value<i64>);

impl Manager {
    pub(super) fn read(scene: &Scene<'_>) -> Self {
        let mut manager = Self::default();
        if !scene.is_machine() {
            return manager;
        }
        let hostname = scene.tree.peek(Path::new("etc/hostname")).ok();
        manager.hostname = hostname.and_then(|text| {
            let text = String::from_utf8_lossy(&text).into_owned();
            let name = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
            Some(name.to_owned())
        });
        let mut files: Vec<PathBuf> = vec!["etc/systemd/system.conf".into()];
        let mut dropins: HashMap<std::ffi::OsString, PathBuf> = HashMap::default();
        for folder in ["etc", "run", "usr/local/lib", "usr/lib", "lib"] {
            let folder = Path::new(folder).join("systemd/system.conf.d");
            for name in scene.tree.list(&folder) {
                dropins.entry(name.clone()).or_insert_with(|| folder.join(name));
            }
        }
        let mut dropins: Vec<_> = dropins.into_iter().collect();
        dropins.sort();
        files.extend(dropins.into_iter().map(|(_, path)| path));
        for path in files {
            let Some(source) = scene.read(&path) else { continue };
            for entry in
                unit::entries(scene.sources, source).iter().filter(|entry| *entry.section == *"Manager")
            {
                match entry.key.as_str() {
                    "DefaultLimitNOFILE" => manager.open_files = limits(entry).or(manager.open_files),
                    "DefaultEnvironment" => {
                        let words = Words::new(&entry.value);
                        manager
                            .environment
                            .extend(words.filter_map(|word| assignment(&word)).map(Given::from));
                    }
                    _ => {}
                }
            }
        }
        manager
    }
}

/// A unit's settings, as far as they matter to what it starts.
#[derive(Default)]
struct Service {
    starts: Vec<Entry>,
    oneshot: bool,
    environment: Vec<Given>,
    environment_files: Vec<Text>,
    /// Variables that come from elsewhere, or go.
    passed: Vec<String>,
    unset: Vec<String>,
    folder: Option<Text>,
    root: Option<Text>,
    open_files: Option<Limits>,
}

pub(super) fn read(scene: &Scene<'_>, manager: &Manager, unit: &Unit, started: &mut Started) {
    let fragment = unit.own.first().filter(|_| scene.is_machine());
    let specifiers = Specifiers::of(&unit.name, manager.hostname.as_deref(), fragment.map(PathBuf::as_path));
    let mut service = Service::default();
    let files = unit.files(scene);
    for path in &files {
        let Some(source) = scene.read(path) else { continue };
        if !scene.spend_on_file(source) {
            return;
        }
        let had = service.environment.len();
        for entry in unit::entries(scene.sources, source) {
            service.take(&specifiers, entry);
        }
        let added = service.environment.get(had..).unwrap_or_default();
        if !scene.spend_on(added.iter().map(Deref::deref)) {
            return;
        }
    }
    let commands: Vec<(Command, Span)> =
        service.starts.iter().flat_map(|entry| commands(entry, &specifiers)).collect();
    if let (Some((_, first)), Some((_, second)), false) = (commands.first(), commands.get(1), service.oneshot)
    {
        started.problems.push(refused(&unit.name, *first, *second));
        return;
    }
    if !scene.spend_on(manager.environment.iter().map(Deref::deref)) {
        return;
    }
    let (environment, complete) = service.variables(scene, manager);
    let base = Base {
        open_files: service.open_files.clone().or_else(|| manager.open_files.clone()),
        ..Base::new(Starter::Unit, unit.name.clone())
    };
    let folder = service.folder(scene);
    let size = environment.iter().map(|it| it.value.len()).sum();
    let is_whole = files.iter().any(|path| path.extension().is_some_and(|it| it == "service"));
    if commands.is_empty() && !is_whole && scene.spend(size) {
        // The unit of the package may say more than the manager's own limit.
        let base = Base { open_files: service.open_files.clone(), ..base.clone() };
        started.commands.extend(without_words(scene, &base, &environment, &files));
    }
    let by_name = environment.iter().map(|it| (it.name.as_str(), &it.value)).collect();
    let known = |name: &str| service.look_up(scene, &by_name, complete, name);
    for (command, at) in commands.into_iter().take_while(|_| scene.spend(size)) {
        let form = form(scene, &command, &known, &files);
        let expands = command.expands;
        let words = command.words.into_iter();
        let words = words.flat_map(|word| if expands { expand::variables(word, &known) } else { vec![word] });
        let line = Line {
            words: words.collect(),
            environment: environment.clone(),
            folder: folder.clone(),
            form,
            at: Some(at),
        };
        started.commands.extend(follow(scene, &base, line, &Variables::default()));
    }
}

/// What the drop-ins of a unit that is not in the tree give to whatever that one starts.
fn without_words(
    scene: &Scene<'_>,
    base: &Base,
    environment: &[Given],
    files: &[PathBuf],
) -> Option<model::Command> {
    let at = files.iter().find_map(|path| scene.read(path)).map(Span::top)?;
    Some(model::Command {
        starter: base.starter,
        name: base.name.clone(),
        words: Vec::new(),
        environment: environment.iter().map(|variable| scene.variable(variable)).collect(),
        folder: None,
        at,
        room: None,
        open_files: base.open_files.clone(),
        image: None,
    })
}

/// Where further arguments go: at the end of the variable that stands last, if it has a file of its own, which is what such a
/// file is for; else behind the last word.
fn form(scene: &Scene<'_>, command: &Command, known: &dyn Fn(&str) -> Known, files: &[PathBuf]) -> Form {
    let last = command.words.last().filter(|_| command.expands).map_or("", Text::as_str);
    let name = last.strip_prefix('$').filter(|name| is_name(name)).unwrap_or_default();
    let Known::Set(value) = known(name) else { return Form::Plain };
    let end = value.span();
    let path = scene.sources.get(end.source).path();
    let own = path.is_some_and(|path| {
        !files.iter().any(|file| file == path) && path.extension().is_none_or(|it| it != "conf")
    });
    // In quotes of its own a further word would be a part of the last one.
    let next = scene.sources.bytes(end.source).get(end.range().end);
    let ends = next.is_none_or(|next| matches!(next, b'"' | b'\n' | b'\r' | b' '));
    let quoted = matches!(value.bytes().last(), Some(b'"' | b'\''));
    let fits = own && ends && !quoted && value.exact().is_some();
    if fits { Form::Behind(Span { start: end.end, ..end }) } else { Form::Plain }
}

fn refused(name: &str, first: Span, second: Span) -> Problem {
    Problem {
        kind: ProblemKind::Lost,
        service: None,
        message: format!(
            "{name} has more than one ExecStart=, which only Type=oneshot allows: systemd refuses it"
        ),
        help: Some("an empty ExecStart= before the new one drops those before it".into()),
        at: second,
        labels: vec![crate::model::Label { message: "the other one".into(), at: first }],
    }
}

impl Service {
    fn take(&mut self, specifiers: &Specifiers, entry: Entry) {
        if *entry.section != *"Service" {
            return;
        }
        let first = || Some(specifiers.replace(&entry.value));
        let words = || Words::new(&entry.value).map(|word| specifiers.replace(&word));
        let names = || words().map(|word| word.show().into_owned());
        let empty = entry.value.is_empty();
        match entry.key.as_str() {
            "Type" => self.oneshot = entry.value.is("oneshot"),
            "ExecStart" if empty => self.starts.clear(),
            "ExecStart" => self.starts.push(entry),
            "Environment" if empty => self.environment.clear(),
            "Environment" => {
                self.environment.extend(words().filter_map(|word| assignment(&word)).map(Given::from))
            }
            "EnvironmentFile" if empty => self.environment_files.clear(),
            "EnvironmentFile" => self.environment_files.extend(first()),
            "PassEnvironment" => self.passed.extend(names()),
            "UnsetEnvironment" => self.unset.extend(names()),
            "WorkingDirectory" => self.folder = first().filter(|_| !empty),
            "RootDirectory" => self.root = first().filter(|_| !empty),
            "LimitNOFILE" => self.open_files = limits(&entry).or(self.open_files.take()),
            _ => {}
        }
    }

    /// The environment, and whether nothing of it lies outside the tree.
    fn variables(&self, scene: &Scene<'_>, manager: &Manager) -> (Vec<Given>, bool) {
        let mut found = manager.environment.clone();
        found.extend(self.environment.iter().cloned());
        let mut complete = true;
        let files: Vec<&str> = self.environment_files.iter().map(Text::as_str).collect();
        let last: HashMap<&str, usize> = files.iter().enumerate().map(|(nth, text)| (*text, nth)).collect();
        for (nth, text) in files.iter().enumerate() {
            // Of a file that is named again the last reading counts.
            if last.get(text) != Some(&nth) {
                continue;
            }
            let path = text.strip_prefix('-').unwrap_or(text);
            let paths = match crate::text::has_magic(path.as_bytes()) {
                true => scene.tree.glob(path.as_bytes()),
                false => vec![PathBuf::from(path)],
            };
            for path in paths {
                let path = path.strip_prefix("/").unwrap_or(&path);
                match scene.read(path) {
                    Some(source) if !scene.spend(scene.sources.bytes(source).len()) => complete = false,
                    Some(source) => {
                        let variables = scene.environment(source);
                        if !scene.spend_on(variables.iter().map(Deref::deref)) {
                            return (found, false);
                        }
                        found.extend(variables.iter().filter(|given| is_name(&given.name)).cloned());
                    }
                    // A machine has all its files; a repository only its own. One that has to be there will be made.
                    None => complete &= scene.is_machine() && text.starts_with('-'),
                }
            }
        }
        let unset: HashSet<&String> = self.unset.iter().collect();
        found.retain(|given| unset.is_empty() || !unset.contains(&given.name));
        (found, complete)
    }

    fn look_up(
        &self,
        scene: &Scene<'_>,
        environment: &HashMap<&str, &Text>,
        complete: bool,
        name: &str,
    ) -> Known {
        match environment.get(name) {
            Some(value) if scene.spend(value.len()) => Known::of(value),
            Some(_) => Known::Open,
            None if !complete || OWN.contains(&name) || self.passed.iter().any(|passed| passed == name) => {
                Known::Open
            }
            None => Known::Unset,
        }
    }

    fn folder(&self, scene: &Scene<'_>) -> Option<PathBuf> {
        let named = self.folder.as_ref().map_or("/", Text::as_str);
        // One that may be absent is the root then.
        let (named, optional) = named.strip_prefix('-').map_or((named, false), |named| (named, true));
        let open = self.folder.as_ref().is_some_and(Text::is_open);
        if open || named == "~" || self.folder.is_none() && !scene.is_machine() {
            return None;
        }
        if !scene.is_machine() {
            // What a repository is copied to is its top, unless a folder of it has the same name.
            return scene.folder(None, named).or_else(|| Some(PathBuf::new()));
        }
        let root = self.root.as_ref().map_or("", Text::as_str);
        let inside = |named: &str| {
            let path = format!("{root}/{named}");
            path.split('/').filter(|part| !part.is_empty()).collect::<PathBuf>()
        };
        let folder = inside(named);
        let absent = optional && !scene.tree.is_folder(&folder);
        Some(if absent { inside("") } else { folder })
    }
}

/// Variables that systemd itself sets (systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager").
const OWN: [&str; 22] = [
    "PATH",
    "LANG",
    "USER",
    "LOGNAME",
    "HOME",
    "SHELL",
    "INVOCATION_ID",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "MAINPID",
    "MANAGERPID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "JOURNAL_STREAM",
];

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// One command of an `ExecStart=`.
struct Command {
    words: Vec<Text>,
    expands: bool,
}

/// The commands of a line: several stand between lone semicolons.
fn commands(entry: &Entry, specifiers: &Specifiers) -> Vec<(Command, Span)> {
    let mut found = Vec::new();
    let mut words = Words::new(&entry.value);
    loop {
        if words.semicolon() {
            continue;
        }
        let Some(program) = words.next() else { break };
        let (program, Prefixes { expands, renames }) = prefixes(&program);
        let mut all = vec![specifiers.replace(&program)];
        let mut ended = false;
        while !ended {
            ended = words.semicolon();
            if ended {
                break;
            }
            let Some(word) = words.next() else { break };
            all.push(specifiers.replace(&word));
        }
        if words.broken {
            break;
        }
        // With `@` the second word is only what the program calls itself.
        if renames && all.len() > 1 {
            all.remove(1);
        }
        found.push((Command { words: all, expands }, entry.value.whole()));
        if !ended {
            break;
        }
    }
    found
}

struct Prefixes {
    expands: bool,
    renames: bool,
}

/// `@`, `-`, `:`, `+`, `!` and `|` before a program (systemd.service(5), "Special executable prefixes").
fn prefixes(program: &Text) -> (Text, Prefixes) {
    let count = program.bytes().iter().take_while(|byte| b"@-:+!|".contains(byte)).count();
    let (taken, _) = program.bytes().split_at_checked(count).unwrap_or_default();
    let prefixes = Prefixes { expands: !taken.contains(&b':'), renames: taken.contains(&b'@') };
    (program.slice(count..program.len()), prefixes)
}

/// `soft:hard`, or one number for both (rlimit-util.c, rlimit_parse).
fn limits(entry: &Entry) -> Option<Limits> {
    let text = entry.value.show();
    let colon = text.find(':');
    let (soft, hard) = match colon {
        Some(colon) => ((0, colon), (colon + 1, text.len())),
        None => ((0, text.len()), (0, text.len())),
    };
    let limit = |(start, end): (usize, usize)| {
        let get = number(text.get(start..end)?.trim())?;
        let at = entry.value.slice(start..end).span();
        Some(Value::written(get, at))
    };
    let (soft, hard) = (limit(soft)?, limit(hard)?);
    (soft.get <= hard.get).then_some((soft, hard))
}

/// A number as strtoul takes it with base 0; there is no limit above what Linux allows.
fn number(text: &str) -> Option<i64> {
    let read = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().filter(|number| *number >= 0);
    match text {
        "infinity" => Some(i64::MAX),
        _ if text.starts_with("0x") || text.starts_with("0X") => read(text.get(2..)?, 16),
        _ if text.len() > 1 && text.starts_with('0') => read(text.get(1..)?, 8),
        _ => read(text, 10),
    }
}
