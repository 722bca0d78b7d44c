//! Who starts a service, and with which of its files: those that command lines name, and those that it opens by itself, unless
//! what starts it names others or is switched off. What the other arguments mean is the service's own.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Candidate, Found, Ground};
use crate::model::{Command, Problem, ProblemKind, Starter, Text};
use crate::syntax::argv::{self, Line};
use crate::syntax::unit;
use crate::text::{HashMap, HashSet, Span, has_magic};

/// `[start]` of a service's file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Table {
    arguments: argv::Table,
    /// The option that names its file; of several the last counts.
    file: String,
    /// The option that names the folder which a relative file is relative to.
    folder: Option<String>,
    /// What it reads in that folder where no option names a file, the first that is there.
    within: Vec<PathBuf>,
    /// The folders of which it was built to look in one, where a relative file is not relative to the folder that it is started in.
    built: Vec<PathBuf>,
    /// The options with which it starts nothing that stays.
    ends: Vec<String>,
    /// Where its first word is a command: those that start a server with a file.
    commands: Vec<String>,
    wrapper: Wrapper,
}

/// A script that starts the program with what variables say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wrapper {
    programs: Vec<String>,
    /// The folder of its files.
    folder: String,
    /// Further arguments.
    arguments: String,
}

/// A command line that starts the service.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) command: &'a Command,
    /// What an option says that relative paths start from.
    pub(super) folder: Option<PathBuf>,
    arguments: Cow<'a, [Text]>,
    reads: Reads,
    /// A word may be several, another file's option among them.
    open: bool,
}

/// Which file a server begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reads {
    /// What it was built to read.
    Own,
    Named(Vec<Named>),
    /// One that is not in the tree, as it is written.
    Absent(String, Span),
    /// Nothing in the tree tells.
    Unknown,
}

/// A file by its real path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    /// The folder of the name that it is opened by.
    pub(super) folder: PathBuf,
}

/// A part of a word is not known.
struct Open;

impl Reads {
    fn files(&self) -> impl Iterator<Item = &Path> {
        let named = if let Reads::Named(named) = self { named.as_slice() } else { &[] };
        named.iter().map(|named| named.path.as_path())
    }
}

/// All that starts one service.
pub(super) struct Starts<'a> {
    table: Table,
    ground: Ground<'a>,
    runs: Vec<Run<'a>>,
    /// The runs that name a file, by its path.
    by_file: HashMap<PathBuf, Vec<usize>>,
    /// The files of a machine that the server is built to read.
    own: HashSet<PathBuf>,
    idle: HashSet<PathBuf>,
}

impl<'a> Starts<'a> {
    /// What is wrong with the command lines goes to what was found.
    pub(super) fn of(ground: Ground<'a>, found: &mut Found) -> Self {
        // A test keeps a table out that does not read.
        let table: Table = ground.service.start.clone().try_into().unwrap_or_default();
        let mut runs = Vec::new();
        for (command, arguments) in ground.started() {
            let arguments = table.wrapper.arguments_of(command, arguments);
            let line = table.arguments.read(&arguments);
            let is_command = |word: &&Text| table.commands.iter().any(|known| word.is(known));
            if table.ends.iter().any(|option| line.has(option))
                || !table.commands.is_empty() && !line.rest.first().is_some_and(is_command)
            {
                continue;
            }
            let open = line.rest.iter().any(|word| word.is_open());
            let (folder, reads) = match table.folder(command, &line) {
                Ok(folder) => (folder.clone(), table.reads(ground, command, &line, folder)),
                Err(Open) => (None, Reads::Unknown),
            };
            let reads = if open && reads == Reads::Own { Reads::Unknown } else { reads };
            found.problems.extend(ground.absent(command, &reads));
            runs.push(Run { command, folder, arguments, reads, open });
        }
        let mut by_file: HashMap<PathBuf, Vec<usize>> = HashMap::default();
        for (index, run) in runs.iter().enumerate() {
            run.reads.files().for_each(|file| by_file.entry(file.to_owned()).or_default().push(index));
        }
        let all = runs.iter().map(|run| (run.command, if run.open { &Reads::Unknown } else { &run.reads }));
        let idle = ground.idle(all);
        let own = ground.own_files().into_iter().map(|(_, file)| file).collect();
        Self { table, ground, runs, by_file, own, idle }
    }

    /// The candidates, those first that command lines name.
    pub(super) fn candidates(&self, files: &[Candidate]) -> Vec<Candidate> {
        let named = self.runs.iter().flat_map(|run| run.reads.files());
        let named = named.map(|path| Candidate { path: path.to_owned(), by_place: true });
        let mut known = HashSet::default();
        let all = named.chain(files.iter().cloned());
        all.filter(|file| known.insert(file.path.clone())).collect()
    }

    /// The folder of the name that a command line gives a file.
    pub(super) fn folder(&self, file: &Path) -> Option<&Path> {
        let Reads::Named(named) = &self.naming(file).next()?.reads else { return None };
        named.iter().find(|named| named.path == file).map(|named| named.folder.as_path())
    }

    /// Whether a command line names the file.
    pub(super) fn names(&self, file: &Path) -> bool {
        self.by_file.contains_key(file)
    }

    /// Whether the server would begin with the file by itself, and what starts it names another one or is masked.
    pub(super) fn is_idle(&self, file: &Path) -> bool {
        self.idle.contains(file)
    }

    /// What names a file.
    pub(super) fn naming(&self, file: &Path) -> impl Iterator<Item = &Run<'a>> {
        self.by_file.get(file).into_iter().flatten().filter_map(|index| self.runs.get(*index))
    }

    /// What may begin with a file: those that name it, else those that may be built to read it.
    pub(super) fn reading(&self, file: &Path) -> impl Iterator<Item = &Run<'a>> {
        let unnamed = !self.names(file);
        let others = self.runs.iter().filter(|run| matches!(run.reads, Reads::Own | Reads::Unknown));
        self.naming(file).chain(others.filter(move |_| unnamed))
    }

    /// The commands of those, and what drop-ins give to the unit of a package.
    pub(super) fn commands(&self, file: &Path) -> impl Iterator<Item = &'a Command> {
        self.reading(file).map(|run| run.command).chain(self.ground.packaged(file))
    }

    /// What surely begins with a file, as far as the tree tells: its arguments hold for that one.
    pub(super) fn starting(&self, file: &Path) -> Option<&Run<'a>> {
        let own = || self.runs.iter().find(|run| run.reads == Reads::Own && self.own.contains(file));
        self.naming(file).next().or_else(own)
    }

    /// What a command line says.
    pub(super) fn line<'s>(&'s self, run: &'s Run<'a>) -> Line<'s, 's> {
        self.table.arguments.read(&run.arguments)
    }
}

impl Table {
    /// The folder that the command line names.
    fn folder(&self, command: &Command, line: &Line<'_, '_>) -> Result<Option<PathBuf>, Open> {
        let option = self.folder.as_deref().and_then(|option| line.last(option));
        let variable = || command.variable(&self.wrapper.folder).filter(|_| self.wrapper.starts(command));
        let told = option.map(|value| (value.word, value.text));
        let told = told.or_else(|| variable().map(|it| (&it.value, it.value.as_str())));
        match told {
            Some((word, _)) if word.is_open() => Err(Open),
            Some((_, folder)) => {
                Ok(Some(from_the_top(command.folder.clone().unwrap_or_default().join(folder))))
            }
            None => Ok(None),
        }
    }

    fn reads(
        &self,
        ground: Ground<'_>,
        command: &Command,
        line: &Line<'_, '_>,
        folder: Option<PathBuf>,
    ) -> Reads {
        let told = folder.is_some();
        let file = line.last(&self.file);
        if file.is_some_and(|file| file.word.is_open() || file.text.is_empty()) {
            return Reads::Unknown;
        }
        if file.is_none() && (self.within.is_empty() || !told && !self.built.is_empty()) {
            return Reads::Own;
        }
        let folders = match folder {
            Some(folder) => vec![folder],
            None if self.built.is_empty() => vec![command.folder.clone().unwrap_or_default()],
            None => self.built.clone(),
        };
        let names = match file {
            Some(file) => vec![Path::new(file.text)],
            None => self.within.iter().map(PathBuf::as_path).collect(),
        };
        let mut paths = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
        let named = paths.find_map(|name| {
            let name = from_the_top(name);
            let path = ground.tree.resolve(&name).ok().or_else(|| moved(ground, command, &name))?;
            let folder = name.parent().unwrap_or(Path::new("")).to_owned();
            // A folder is told of by who reads it.
            ground.tree.exists(&path).then_some(Named { path, folder })
        });
        match (named, file) {
            (Some(named), _) => Reads::Named(vec![named]),
            (None, Some(file)) => Reads::Absent(file.text.to_owned(), file.span()),
            (None, None) => Reads::Own,
        }
    }
}

fn from_the_top(path: PathBuf) -> PathBuf {
    path.strip_prefix("/").map(Path::to_owned).unwrap_or(path)
}

/// Where a repository keeps a file that will be copied to an absolute path.
fn moved(ground: Ground<'_>, command: &Command, path: &Path) -> Option<PathBuf> {
    let path = path.to_str().filter(|_| !ground.is_machine())?;
    ground.named_file(command, &format!("/{path}"))
}

impl Wrapper {
    fn starts(&self, command: &Command) -> bool {
        self.programs.iter().any(|program| program == command.program())
    }

    /// The arguments of the program that it starts.
    fn arguments_of<'a>(&self, command: &'a Command, arguments: &'a [Text]) -> Cow<'a, [Text]> {
        let further = command.variable(&self.arguments).filter(|_| self.starts(command));
        let Some(further) = further else { return Cow::Borrowed(arguments) };
        let written = &further.value;
        let mut words: Vec<Text> = Vec::new();
        for text in written.split_ascii_whitespace() {
            words.push(Text::meant(text, written.span()).with_open_of(written));
        }
        words.extend(arguments.iter().cloned());
        Cow::Owned(words)
    }
}

impl Ground<'_> {
    /// A unit of a machine that names a file which is not there: the server does not start, unless the tree is a part of the
    /// machine that may lack it, such as what a repository lays over the packages.
    pub(super) fn absent(&self, command: &Command, reads: &Reads) -> Option<Problem> {
        let Reads::Absent(name, at) = reads else { return None };
        if command.starter != Starter::Unit || !self.is_machine() {
            return None;
        }
        let path = Path::new(name);
        let has_folder = || path.parent().is_some_and(|folder| self.tree.is_folder(folder));
        let is_whole = !path.is_absolute() || unit::has_packages(self.tree) || has_folder();
        let kind = if is_whole { ProblemKind::Lost } else { ProblemKind::Skipped };
        let (unit, title) = (&command.name, &self.service.title);
        let message = format!("{unit} starts {title} with {name}, which is not in this tree");
        // No checker knows of a file that is not here.
        let help = Some("audit the machine or the image that has it".to_owned());
        Some(Problem { help, ..self.problem(kind, message, *at) })
    }

    /// The files of a machine that the server is built to read, by the names that it has for them.
    fn own_files(&self) -> Vec<(PathBuf, PathBuf)> {
        if !self.is_machine() {
            return Vec::new();
        }
        let is_plain =
            |place: &&String| !place.rsplit('/').next().is_some_and(|name| has_magic(name.as_bytes()));
        let places = self.service.shape.places.iter().filter(is_plain);
        let all = places.flat_map(|place| self.tree.glob(place.as_bytes()));
        all.filter_map(|place| self.tree.resolve(&place).ok().map(|file| (place, file))).collect()
    }

    /// The files in /etc that an installed server would read by itself, and that nothing starts it with: its own unit is masked or
    /// names another file, or the tree has all units of the machine and only others start the service.
    pub(super) fn idle<'r>(
        &self,
        runs: impl Iterator<Item = (&'r Command, &'r Reads)> + Clone,
    ) -> HashSet<PathBuf> {
        if runs.clone().any(|(_, reads)| matches!(reads, Reads::Own | Reads::Unknown)) {
            return HashSet::default();
        }
        let units = runs.clone().filter(|(command, _)| command.starter == Starter::Unit);
        let units: HashSet<&str> = units.map(|(command, _)| command.name.as_str()).collect();
        let named: HashSet<&Path> = runs.flat_map(|(_, reads)| reads.files()).collect();
        let is_idle = |(place, file): &(PathBuf, PathBuf)| {
            let asked = self.is_named(&Candidate { path: file.clone(), by_place: true });
            let restart = self.service.apply.restart_at(&place.to_string_lossy());
            let name = restart.strip_prefix("systemctl restart ").filter(|_| place.starts_with("etc"));
            !asked && !named.contains(file.as_path()) && name.is_some_and(|name| self.is_unused(name, &units))
        };
        self.own_files().into_iter().filter(is_idle).map(|(_, file)| file).collect()
    }

    /// Whether the unit of this name does not start the server with its own files: none of those that do is it, and it cannot be
    /// one that nobody sees.
    fn is_unused(&self, name: &str, units: &HashSet<&str>) -> bool {
        let own = format!("{name}.service");
        let elsewhere = || {
            !units.is_empty()
                && unit::has_packages(self.tree)
                && unit::file(self.tree, &own).is_none()
                && !self.tree.exists(&Path::new("etc/init.d").join(name))
        };
        unit::is_masked(self.tree, &own) || units.contains(own.as_str()) || elsewhere()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Trial;
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::text::Sources;

    const OWN: (&str, &str) = ("etc/nginx/nginx.conf", "events {} http { server { listen 80; } }");
    const EDGE: (&str, &str) = ("srv/edge.conf", "events {} http { server { listen 8080; } }");
    const PACKAGED: (&str, &str) = ("usr/lib/systemd/system/other.service", "[Service]\n");

    /// What listens where a unit starts nginx beside these files.
    fn listens(unit: &str, line: &str, files: &[(&str, &str)]) -> String {
        let trial = Trial::root("nginx", &[OWN, EDGE]);
        let trial = files.iter().fold(trial, |trial, (path, text)| trial.with(path, text));
        let starts = |command: &mut Command| {
            command.starter = Starter::Unit;
            command.name = unit.to_owned();
        };
        trial.started_as(line, starts).read().rows().join(" ")
    }

    #[test]
    fn a_file_of_its_own_listens_unless_the_tree_tells_otherwise() {
        let (own, edge, both) = ("0.0.0.0:80 511", "0.0.0.0:8080 511", "0.0.0.0:80 511 0.0.0.0:8080 511");
        let line = "nginx -c /srv/edge.conf";
        assert_eq!(listens("nginx.service", line, &[]), edge);
        assert_eq!(listens("edge.service", line, &[]), both, "its own unit may be a package's");
        assert_eq!(listens("edge.service", line, &[PACKAGED]), edge);
        assert_eq!(listens("edge.service", line, &[PACKAGED, ("etc/init.d/nginx", "")]), both);
        let wrapped = ("usr/lib/systemd/system/nginx.service", "[Service]\nExecStart=/opt/start\n");
        assert_eq!(listens("edge.service", line, &[wrapped]), both, "nobody knows what it starts");
        assert_eq!(
            listens("edge.service", line, &[("etc/systemd/system/nginx.service", "")]),
            edge,
            "masked"
        );
        for other in ["nginx -c $CONF", "nginx -t -c /srv/edge.conf", "nginx -s reload"] {
            assert!(listens("nginx.service", other, &[PACKAGED]).starts_with(own), "{other}");
        }
    }

    #[test]
    fn a_file_that_is_named_has_to_be_there() {
        let seen = Trial::root("nginx", &[OWN]).started_as("nginx -c /etc/nginx/a.conf", |command| {
            command.starter = Starter::Unit;
            command.name = "nginx.service".to_owned();
        });
        let seen = seen.read();
        let message = "Lost: nginx.service starts nginx with /etc/nginx/a.conf, which is not in this tree";
        assert_eq!((seen.rows(), seen.problems()), (vec![], vec![message.to_owned()]));
    }

    #[test]
    fn every_table_reads() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        for service in knowledge.services().filter(|service| !service.start.is_empty()) {
            let table: Table = service.start.clone().try_into().unwrap();
            assert!(!table.file.is_empty(), "{}", service.name);
        }
    }
}
