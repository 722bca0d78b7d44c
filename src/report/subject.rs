//! Findings as other programs are told of them: the file that each stands in, its words, and what tells it from others.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{Report, plain, secrets};
use crate::model::{Finding, Label, Safety, Step};
use crate::text::{HashMap, Source, SourceId, Span};

/// Lines with findings, as fingerprints see them: thousands of findings may stand on one.
type Lines = HashMap<(SourceId, usize), Vec<u8>>;

/// A longer line takes part in fingerprints by a hash of its own, in bytes.
const LONG: usize = 4096;

/// A report's files by the paths that a pipeline knows them by: from the working directory, where they lie below it.
pub(super) struct Paths<'a> {
    report: &'a Report,
    here: Option<PathBuf>,
}

impl<'a> Paths<'a> {
    pub(super) fn from_root(report: &'a Report) -> Self {
        Self { report, here: None }
    }

    pub(super) fn of(report: &'a Report) -> Self {
        let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
        Self { report, here }
    }

    /// The path of an audited file. One that does not lie below the working directory is told from its root, whose name
    /// stands before it if there are several.
    pub(super) fn path(&self, source: &Source) -> Option<PathBuf> {
        let path = source.path()?;
        Some(self.below_here(source).unwrap_or_else(|| match source.root() {
            Some(root) => plain_path(&Path::new(root).join(path)),
            None => path.to_owned(),
        }))
    }

    /// The path of an audited file that lies below the working directory.
    pub(super) fn below_here(&self, source: &Source) -> Option<PathBuf> {
        let path = source.path()?;
        let here = self.here.as_ref()?;
        if path.is_absolute() {
            return path.strip_prefix(here).ok().map(Path::to_owned);
        }
        let place = self.report.host.places.iter().find(|place| place.root.as_deref() == source.root())?;
        Some(plain_path(&place.top.strip_prefix(here).ok()?.join(path)))
    }

    /// What a source is called, without a character that could do harm.
    pub(super) fn name(&self, source: &Source) -> String {
        match self.path(source) {
            Some(path) => plain::inline(&path.to_string_lossy()),
            None => plain::inline(&source.name()),
        }
    }

    /// `etc/nginx/nginx.conf:12`.
    pub(super) fn spot(&self, span: Span) -> String {
        let name = self.name(self.report.sources.get(span.source));
        format!("{name}:{}", self.report.sources.position(span).line)
    }

    /// All findings, in the order of the report.
    pub(super) fn subjects(&self) -> Vec<Subject<'_>> {
        let mut twins: HashMap<u64, usize> = HashMap::default();
        let mut lines = Lines::default();
        let findings = self.report.findings.iter().enumerate();
        let subject = |(index, finding): (usize, &'a Finding)| {
            let mut subject = Subject { paths: self, report: self.report, finding, index, print: (0, 0) };
            let print = subject.hash(&mut lines);
            let twin = twins.entry(print).or_default();
            *twin += 1;
            subject.print = (print, *twin);
            subject
        };
        findings.map(subject).collect()
    }
}

/// A path without `..` where that can be: a policy may lie above what is audited.
fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let above = matches!(plain.components().next_back(), None | Some(Component::ParentDir));
        match part {
            Component::ParentDir if !above => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

/// One finding and where it stands in its report.
pub(super) struct Subject<'a> {
    pub(super) paths: &'a Paths<'a>,
    pub(super) report: &'a Report,
    pub(super) finding: &'a Finding,
    pub(super) index: usize,
    /// The hash, and the how-manieth with it this is: even findings that are alike are told apart.
    print: (u64, usize),
}

impl Subject<'_> {
    /// The line that a viewer opens: the finding's own if it lies in an audited file, else the first that does.
    pub(super) fn home(&self) -> Span {
        let finding = self.finding;
        let in_file = |span: &Span| self.report.sources.get(span.source).path().is_some();
        let site = finding.listener.and_then(|at| self.report.host.listeners.get(at)).map(|it| it.site);
        let mut spans =
            std::iter::once(finding.at).chain(finding.labels.iter().map(|label| label.at)).chain(site);
        spans.find(in_file).unwrap_or(finding.at)
    }

    /// The source of [`home`](Self::home).
    pub(super) fn source(&self) -> &Source {
        self.report.sources.get(self.home().source)
    }

    /// The name of the file that it stands in, and whether that is an audited file at all.
    pub(super) fn file(&self) -> (String, bool) {
        let source = self.source();
        (self.paths.name(source), source.path().is_some())
    }

    /// The message, on one line.
    pub(super) fn message(&self) -> String {
        plain::said(&self.finding.message)
    }

    pub(super) fn help(&self) -> Option<String> {
        self.finding.all_help("; ").as_deref().map(plain::said)
    }

    /// The steps by which the listener's number came about.
    pub(super) fn steps(&self) -> &[Step] {
        let queue = self.finding.listener.and_then(|at| self.report.queues.get(at));
        queue.map_or(&[], |queue| &queue.steps)
    }

    /// The lines that take part and about which something is said.
    pub(super) fn labels(&self) -> impl Iterator<Item = &Label> {
        self.finding.labels.iter().filter(|label| !label.message.is_empty())
    }

    /// Where something stands, unless that is the line of the finding itself.
    pub(super) fn elsewhere(&self, at: Span) -> Option<String> {
        let place = self.paths.spot(at);
        (place != self.paths.spot(self.home())).then_some(place)
    }

    /// What there is to read below the message, line by line: the ledger of the number, other lines that take part, what
    /// to do.
    pub(super) fn details(&self) -> Vec<String> {
        let step = |step: &Step| {
            let number = step.value.map_or("?".to_owned(), |value| value.to_string());
            format!("{number} {} ({})", plain::said(&step.what), self.paths.spot(step.at))
        };
        let mut lines: Vec<String> = self.steps().iter().map(step).collect();
        if lines.is_empty() {
            let said = |label: &Label| {
                let message = plain::said(&label.message);
                self.elsewhere(label.at).map_or(message.clone(), |place| format!("{place}: {message}"))
            };
            lines.extend(self.labels().map(said));
        }
        for (index, fix) in self.finding.fixes.iter().enumerate() {
            let safety = if fix.safety == Safety::Safe { "safe" } else { "unsafe" };
            lines.push(format!("fix: {} ({safety})", plain::said(&fix.title)));
            let then = self.report.then_of(self.index, index);
            lines.extend(then.iter().map(|command| format!("then: {command}")));
        }
        lines.extend(self.help().map(|help| format!("help: {help}")));
        lines
    }

    /// `5d41402abc4b2a76:1`: the same for as long as the finding is the same, wherever its line moves to.
    pub(super) fn fingerprint(&self) -> String {
        let (print, twin) = self.print;
        format!("{print:016x}:{twin}")
    }

    /// Made of the rule, the listener, the file and the text of the line. Blanks do not count, and secrets are not told.
    fn hash(&self, lines: &mut Lines) -> u64 {
        let span = self.home();
        let source = self.source();
        let listener = self.finding.listener.and_then(|at| self.report.host.listeners.get(at));
        let (service, address) = match listener {
            Some(listener) => (listener.service.as_str(), listener.address().unwrap_or_default()),
            None => ("", String::new()),
        };
        let path = in_root(source);
        let line = source.line_of(span.start);
        let line = lines.entry((span.source, line)).or_insert_with(|| printed(source, line));
        let parts = [self.finding.rule.as_bytes(), service.as_bytes(), address.as_bytes(), &path, line];
        fnv1a(&parts.join(&b'\n'))
    }
}

/// The text of a line without regard to blanks and without secrets.
fn printed(source: &Source, line: usize) -> Vec<u8> {
    let line = secrets::without_secrets(source, line);
    let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    let line = words.join(&b' ');
    if line.len() > LONG { format!("{:016x}", fnv1a(&line)).into_bytes() } else { line }
}

/// A file's path from its root, with the name of the root if there are several: the same wherever the audit is run.
fn in_root(source: &Source) -> Vec<u8> {
    match (source.path(), source.root()) {
        (Some(path), Some(root)) => Path::new(root).join(path).into_os_string().into_encoded_bytes(),
        (Some(path), None) => path.as_os_str().as_bytes().to_vec(),
        (None, _) => source.name().as_bytes().to_vec(),
    }
}

/// FNV-1a, 64 bits: a hash that stays the same from release to release.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
