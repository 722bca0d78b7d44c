//! Compose files: which command each service starts, in place of or after what its image says (the Compose specification;
//! compose-go's interpolation and loader).

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Started;
use super::dockerfile::{Run, Stage, joined, stage};
use super::line::{Base, Form};
use super::scene::{Given, Scene};
use crate::knowledge::Candidate;
use crate::model::{Problem, ProblemKind, Starter, Value};
use crate::syntax::dotenv;
use crate::syntax::shell::{self, Assignment};
use crate::syntax::yaml::{self, Node, NodeKind};
use crate::text::{HashMap, Text, deeper, over};

/// How deep services may extend each other, and `${a:-${b}}` nest.
const MAX_DEPTH: u32 = 8;

/// How many bytes a text may come to before nothing more is filled in: each word of a command line takes many times its length.
const MAX_FILLED: usize = 1 << 18;

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    for file in scene.in_production(files) {
        let Some(source) = scene.read(&file.path) else { continue };
        let yaml = yaml::read(scene.sources, source);
        if let Some(broken) = yaml.fault().filter(|_| !is_template(scene.sources.bytes(source))) {
            started.problems.push(Problem {
                kind: ProblemKind::Skipped,
                service: None,
                message: format!("cannot read {}: {}", file.path.display(), broken.message),
                help: None,
                at: broken.at,
                labels: Vec::new(),
            });
        }
        let Some(document) = yaml.documents.first() else { continue };
        let project = Project::of(scene, &file.path);
        let services = document.get("services").map(Node::merged).unwrap_or_default();
        let by_name = by_name(&services);
        for (name, service) in &services {
            if !scene.has_left() {
                break;
            }
            let Some(name) = name.text() else { continue };
            let service = project.service(&by_name, &file.path, service, 0);
            started.commands.extend(project.commands(name, &service));
        }
    }
}

/// The services of a file.
type Services<'n> = HashMap<&'n str, &'n Node>;

fn by_name<'n>(services: &[(&'n Node, &'n Node)]) -> Services<'n> {
    services.iter().filter_map(|(name, service)| Some((name.text()?, *service))).collect()
}

/// A file that something else will make a compose file of: its braces are no YAML.
fn is_template(bytes: &[u8]) -> bool {
    [&b"{{"[..], b"{%", b"<%"].iter().any(|mark| memchr::memmem::find(bytes, mark).is_some())
}

/// A service's settings, each as the last file has it that sets it.
#[derive(Default, Clone)]
struct Service {
    command: Option<Node>,
    entrypoint: Option<Node>,
    image: Option<Node>,
    build: Option<Node>,
    working_dir: Option<Node>,
    environment: Vec<Node>,
    env_file: Vec<(PathBuf, Node)>,
}

/// The folder of a compose file, and the variables that it may refer to.
struct Project<'a> {
    scene: &'a Scene<'a>,
    folder: PathBuf,
    variables: Vec<Assignment>,
}

impl<'a> Project<'a> {
    fn of(scene: &'a Scene<'a>, path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let file = scene.read(&folder.join(".env"));
        let variables = file.map(|file| dotenv::read(scene.sources, file)).unwrap_or_default();
        Self { scene, folder, variables }
    }

    /// A service with what it extends.
    fn service(&self, services: &Services<'_>, path: &Path, node: &Node, depth: u32) -> Service {
        let mut service = self.extended(services, path, node, depth).unwrap_or_default();
        let set = |slot: &mut Option<Node>, key: &str| {
            if let Some(value) = node.get(key) {
                *slot = Some(value.clone());
            }
        };
        set(&mut service.command, "command");
        set(&mut service.entrypoint, "entrypoint");
        set(&mut service.image, "image");
        set(&mut service.build, "build");
        set(&mut service.working_dir, "working_dir");
        service.environment.extend(node.get("environment").cloned());
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        service.env_file.extend(node.get("env_file").map(|files| (folder, files.clone())));
        service
    }

    fn extended(&self, services: &Services<'_>, path: &Path, node: &Node, depth: u32) -> Option<Service> {
        let extends = node.get("extends")?;
        if depth >= MAX_DEPTH {
            self.scene.sources.cut_off(extends.span, deeper("services that extend each other", MAX_DEPTH));
            return None;
        }
        let name = extends.word().or_else(|| extends.get("service")?.word())?;
        let find = |services: &Services<'_>, path: &Path| {
            let base = services.get(name)?;
            Some(self.service(services, path, base, depth + 1))
        };
        let Some(file) = extends.get("file").and_then(Node::word) else { return find(services, path) };
        let path = path.parent().unwrap_or(Path::new("")).join(file);
        let source = self.scene.read(&path)?;
        self.scene.spend(self.scene.sources.bytes(source).len()).then_some(())?;
        let other = yaml::read(self.scene.sources, source);
        let services = other.documents.first()?.get("services").map(Node::merged).unwrap_or_default();
        find(&by_name(&services), &path)
    }

    fn commands(&self, name: &str, service: &Service) -> Vec<crate::model::Command> {
        // What an image runs by itself is read where it is written.
        if service.command.is_none() && service.entrypoint.is_none() {
            return Vec::new();
        }
        let built = service.build.as_ref().and_then(|build| self.built(build));
        let (mut stage, context) = built.unwrap_or_else(|| {
            let image = service.image.as_ref().and_then(|image| self.image(image));
            (Stage::of(image), self.folder.clone())
        });
        if let Some(entrypoint) = &service.entrypoint {
            // A new entrypoint drops the image's command.
            (stage.entrypoint, stage.command) = (self.run(entrypoint), None);
        }
        if let Some(command) = &service.command {
            stage.command = self.run(command);
        }
        if let Some(folder) = service.working_dir.as_ref().and_then(Node::word) {
            stage.workdir = joined(&stage.workdir, folder);
        }
        let Some(environment) = self.environment(service) else { return Vec::new() };
        stage.environment.extend(environment.into_iter().map(Given::from));
        stage.commands(self.scene, Base::new(Starter::Compose, name), &context)
    }

    /// The image that is built, and the folder that it is built from.
    fn built(&self, build: &Node) -> Option<(Stage, PathBuf)> {
        let text = |node: &Node| {
            self.scalar(node).filter(|word| !word.is_open()).map(|word| word.show().into_owned())
        };
        let part = |key: &str| build.get(key).and_then(text);
        let context = text(build).or_else(|| part("context")).unwrap_or_else(|| ".".into());
        let context = self.folder.join(context);
        let file = context.join(part("dockerfile").unwrap_or_else(|| "Dockerfile".into()));
        let source = self.scene.read(&file)?;
        self.scene.spend(self.scene.sources.bytes(source).len()).then_some(())?;
        let stage = stage(self.scene, source, part("target").as_deref())?;
        let context = self.scene.tree.resolve(&context).ok()?;
        Some((stage, context))
    }

    fn image(&self, node: &Node) -> Option<Value<String>> {
        let word = self.scalar(node).filter(|word| !word.is_open() && !node.is_null())?;
        Some(Value::written(word.show().into_owned(), node.span))
    }

    /// A command or an entrypoint: words in a list, or a line whose quotes count and nothing else.
    fn run(&self, node: &Node) -> Option<Run> {
        match &node.kind {
            NodeKind::List(members) => {
                let words: Vec<Text> = members.iter().filter_map(|member| self.scalar(member)).collect();
                let form = self.form(node, members)?;
                Some(Run::Words(words, form))
            }
            NodeKind::Scalar(..) if !node.is_null() => {
                let word = self.scalar(node)?;
                let mut words = shell::split(&word)?;
                words.iter_mut().for_each(|part| part.open_by(&word, b'$'));
                Some(Run::Words(words, Form::Plain))
            }
            _ => None,
        }
    }

    /// How a further member of a list is written.
    fn form(&self, list: &Node, members: &[Node]) -> Option<Form> {
        if list.flow {
            return Some(Form::json());
        }
        let last = members.last()?.written();
        let source = self.scene.sources.get(last.source);
        let start = source.start_of(source.line_of(last.start));
        let before = source.bytes().get(start..last.range().start)?;
        let before = std::str::from_utf8(before).ok()?;
        let is_item = before.trim_start().trim_end() == "-";
        let end = if source.bytes().get(..start).is_some_and(|text| text.ends_with(b"\r\n")) {
            "\r\n"
        } else {
            "\n"
        };
        Some(match is_item {
            true => Form::Members { before: format!("{end}{before}\""), after: "\"".into() },
            false => Form::None,
        })
    }

    /// A scalar with its variables.
    fn scalar(&self, node: &Node) -> Option<Text> {
        let written = node.placed(self.scene.sources)?;
        Some(self.interpolated(&written, 0).with_whole(node.written()))
    }

    /// `$NAME`, `${NAME:-default}` and the like (compose-go, template.go); `$$` is a dollar.
    fn interpolated(&self, written: &Text, depth: u32) -> Text {
        let bytes = written.bytes();
        let mut text = Text::nothing(written.whole());
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let reference = match (byte, bytes.get(at + 1).copied()) {
                (b'$', Some(b'$')) => {
                    text.push_escaped(written, at);
                    at += 2;
                    continue;
                }
                (b'$', Some(b'{')) => match braces(bytes, at) {
                    // Without an end to it, what follows is no reference either.
                    None => {
                        put_open(&mut text, written, at..bytes.len());
                        return text;
                    }
                    reference => reference,
                },
                (b'$', Some(byte)) if is_name(byte) && !byte.is_ascii_digit() => {
                    let rest = bytes.get(at + 1..).unwrap_or_default();
                    let length = rest.iter().take_while(|byte| is_name(**byte)).count();
                    Some((at + 1..at + 1 + length, at + 1 + length))
                }
                _ => None,
            };
            let Some((inner, end)) = reference else {
                let length = written.stretch(at, |byte| byte == b'$');
                text.push_part(written, at..at + length);
                at += length;
                continue;
            };
            match self.filled(&written.slice(inner), text.len(), depth) {
                Some(value) => text.push_text(&value),
                None => put_open(&mut text, written, at..end),
            }
            at = end;
        }
        text
    }

    /// What a reference comes to, in a text that has this length before it.
    fn filled(&self, inner: &Text, length: usize, depth: u32) -> Option<Text> {
        if length < MAX_FILLED {
            return self.value(inner, depth);
        }
        let what = over("KiB of values that are filled in", MAX_FILLED >> 10);
        self.scene.sources.cut_off(inner.span(), what);
        None
    }

    /// What a reference comes to: a name, an operator and a word.
    fn value(&self, inner: &Text, depth: u32) -> Option<Text> {
        let bytes = inner.bytes();
        let length = bytes.iter().take_while(|byte| is_name(**byte)).count();
        let (name, rest) = bytes.split_at_checked(length)?;
        let colon = rest.first() == Some(&b':');
        let operator = rest.get(usize::from(colon));
        let word = || inner.slice(length + usize::from(colon) + 1..bytes.len());
        let known = self.variables.iter().rev().find(|variable| variable.name.as_bytes() == name);
        let set = known.filter(|known| !(colon && known.value.is_empty()));
        let size = known.map_or(0, |known| known.value.len());
        if let Some(first) = inner.place(0..1).filter(|_| depth >= MAX_DEPTH) {
            self.scene.sources.cut_off(first, deeper("nested references", MAX_DEPTH));
        }
        match (operator, set) {
            _ if depth >= MAX_DEPTH || !self.scene.spend(size) => None,
            (Some(b'-'), None) => Some(self.interpolated(&word(), depth + 1)),
            (Some(b'+'), Some(_)) => Some(self.interpolated(&word(), depth + 1)),
            (None | Some(b'-' | b'?'), Some(known)) => Some(known.value.clone()),
            _ => None,
        }
    }

    /// What a service adds to the variables of its image; nothing where that is more than is looked at.
    fn environment(&self, service: &Service) -> Option<Vec<Assignment>> {
        let mut found = Vec::new();
        for (folder, files) in &service.env_file {
            let files = match &files.kind {
                NodeKind::List(files) => files.as_slice(),
                _ => std::slice::from_ref(files),
            };
            for file in files {
                let path = file.word().or_else(|| file.get("path")?.word());
                let source = path.and_then(|path| self.scene.read(&folder.join(path)));
                let Some(source) = source else { continue };
                self.scene.spend_on_file(source).then_some(())?;
                let variables = dotenv::read(self.scene.sources, source);
                self.scene.spend_on(&variables).then_some(())?;
                found.extend(variables);
            }
        }
        for node in &service.environment {
            match &node.kind {
                NodeKind::List(members) => {
                    found.extend(members.iter().filter_map(|member| self.member(member)))
                }
                _ => found.extend(node.merged().into_iter().filter_map(|(name, value)| {
                    let mut word = self.scalar(value)?;
                    // Without a value it is that of whoever runs compose.
                    if value.is_null() {
                        word.set_open(name.text()?);
                    }
                    Some(Assignment { name: name.text()?.to_owned(), value: word })
                })),
            }
        }
        Some(found)
    }

    /// `NAME=value` or only `NAME` in a list.
    fn member(&self, member: &Node) -> Option<Assignment> {
        let word = self.scalar(member)?;
        super::line::assignment(&word).or_else(|| {
            let name = word.show().into_owned();
            let value = Text::nothing(word.whole()).with_open(&name);
            Some(Assignment { name, value })
        })
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Puts in what is not known, as it is written.
fn put_open(text: &mut Text, written: &Text, part: Range<usize>) {
    let part = written.slice(part);
    text.set_open(&part.show());
    text.push_text(&part);
}

/// What stands in `${...}`, and where it ends.
fn braces(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let mut depth = 0_u32;
    for (index, byte) in text.iter().enumerate().skip(at + 1) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return Some((at + 2..index, index + 1)),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}
