//! Who starts a service, and with which of its files: those that command lines name, and those that it opens by itself, unless
//! what starts it names others or is switched off. What the other arguments mean is the service's own.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Candidate, Ground};
use crate::model::{Command, Problem, ProblemKind, ReadAs, Starter, Text};
use crate::syntax::argv::{self, Line};
use crate::syntax::unit;
use crate::text::{HashSet, Span, has_magic};

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

/// A file, or a folder of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Its real path.
    pub(super) path: PathBuf,
    /// The folder of the name that it is opened by.
    pub(super) folder: PathBuf,
}

/// A part of a word is not known.
struct Open;

impl Reads {
    fn names(&self, file: &Path) -> bool {
        matches!(self, Reads::Named(named) if named.iter().any(|named| file.starts_with(&named.path)))
    }

    /// Whether it may be a file that the server is built to read.
    fn may_be_own(&self, file: &Path) -> bool {
        match self {
            Reads::Own | Reads::Unknown => true,
            Reads::Named(_) => self.names(file),
            Reads::Absent(..) => false,
        }
    }
}

/// All that starts one service.
#[derive(Debug)]
pub(super) struct Starts<'a> {
    table: Table,
    runs: Vec<Run<'a>>,
    idle: HashSet<PathBuf>,
}

impl<'a> Starts<'a> {
    pub(super) fn of(ground: Ground<'a>) -> Self {
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
            let (folder, reads) = match table.folder(command, &line) {
                Ok(folder) => (folder.clone(), table.reads(ground, command, &line, folder)),
                Err(Open) => (None, Reads::Unknown),
            };
            runs.push(Run { command, folder, arguments, reads });
        }
        let idle = ground.idle(runs.iter().map(|run| (run.command, &run.reads)));
        Self { table, runs, idle }
    }

    /// The candidates, those first that command lines name.
    pub(super) fn candidates(&self, files: &[Candidate]) -> Vec<Candidate> {
        let named = self.named().map(|named| Candidate { path: named.path.clone(), by_place: true });
        let mut known = HashSet::default();
        let all = named.chain(files.iter().cloned());
        all.filter(|file| known.insert(file.path.clone())).collect()
    }

    fn named(&self) -> impl Iterator<Item = &Named> {
        self.runs.iter().flat_map(|run| match &run.reads {
            Reads::Named(named) => named.as_slice(),
            _ => &[],
        })
    }

    /// The folder of the name that a command line gives a file.
    pub(super) fn folder(&self, file: &Path) -> Option<&Path> {
        self.named().find(|named| named.path == file).map(|named| named.folder.as_path())
    }

    /// Whether a command line names the file.
    pub(super) fn names(&self, file: &Path) -> bool {
        self.runs.iter().any(|run| run.reads.names(file))
    }

    /// Whether the server would begin with the file by itself, and what starts it names another one or is masked.
    pub(super) fn is_idle(&self, file: &Path) -> bool {
        self.idle.contains(file)
    }

    /// What may begin with a file: those that name it, else those that name none.
    pub(super) fn reading<'s>(&'s self, file: &'s Path) -> impl Iterator<Item = &'s Run<'a>> {
        let named = self.names(file);
        self.runs.iter().filter(move |run| match run.reads {
            Reads::Named(_) => run.reads.names(file),
            Reads::Own => !named,
            Reads::Absent(..) => false,
            Reads::Unknown => true,
        })
    }

    /// What is wrong with the command lines: on a whole machine a file that a unit names has to be there.
    pub(super) fn problems(&self, ground: Ground<'_>) -> impl Iterator<Item = Problem> {
        let is_unit =
            move |run: &&Run<'_>| run.command.starter == Starter::Unit && ground.read_as == ReadAs::Root;
        self.runs.iter().filter(is_unit).filter_map(move |run| {
            let Reads::Absent(name, at) = &run.reads else { return None };
            let top = name.trim_start_matches('/').split('/').next().unwrap_or_default();
            if name.starts_with('/') && !ground.tree.is_folder(Path::new(top)) {
                return None;
            }
            let (unit, title) = (&run.command.name, &ground.service.title);
            let message = format!("{unit} starts {title} with {name}, which is not in this tree");
            Some(ground.problem(ProblemKind::Lost, message, *at))
        })
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
                let path = command.folder.clone().unwrap_or_default().join(folder);
                Ok(Some(path.strip_prefix("/").map(Path::to_owned).unwrap_or(path)))
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
        let folders = match folder {
            Some(folder) => vec![folder],
            None if self.built.is_empty() => vec![command.folder.clone().unwrap_or_default()],
            None => self.built.clone(),
        };
        let names: Vec<&Path> = match line.last(&self.file) {
            Some(value) if value.word.is_open() => return Reads::Unknown,
            Some(value) => vec![Path::new(value.text)],
            None if !told && !self.built.is_empty() || self.within.is_empty() => return Reads::Own,
            None => self.within.iter().map(PathBuf::as_path).collect(),
        };
        let paths = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
        let find = |name: PathBuf| {
            let name = name.strip_prefix("/").map(Path::to_owned).unwrap_or(name);
            let path = ground.tree.resolve(&name).ok().or_else(|| moved(ground, command, &name))?;
            // A folder is told of by who reads it.
            ground
                .tree
                .exists(&path)
                .then(|| Named { path, folder: name.parent().unwrap_or(Path::new("")).to_owned() })
        };
        match paths.filter_map(find).next() {
            Some(named) => Reads::Named(vec![named]),
            None => match line.last(&self.file) {
                Some(value) => Reads::Absent(value.text.to_owned(), value.span()),
                None => Reads::Own,
            },
        }
    }
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
    /// The files that an installed server would read by itself, and that nothing starts it with: its own unit is masked or names
    /// another file, or the tree has all units of the machine and only others start the service.
    pub(super) fn idle<'r>(
        &self,
        runs: impl Iterator<Item = (&'r Command, &'r Reads)> + Clone,
    ) -> HashSet<PathBuf> {
        let mut idle = HashSet::default();
        if !self.is_machine() {
            return idle;
        }
        let units = || runs.clone().filter(|(command, _)| command.starter == Starter::Unit);
        let is_plain =
            |place: &&String| !place.rsplit('/').next().is_some_and(|name| has_magic(name.as_bytes()));
        let places = self.service.shape.places.iter().filter(is_plain);
        for place in places.flat_map(|place| self.tree.glob(place.as_bytes())) {
            let Ok(file) = self.tree.resolve(&place) else { continue };
            let named = self.is_named(&Candidate { path: file.clone(), by_place: true });
            if named || runs.clone().any(|(_, reads)| reads.may_be_own(&file)) {
                continue;
            }
            let restart = self.service.apply.restart_at(&place.to_string_lossy());
            let Some(name) = restart.strip_prefix("systemctl restart ") else { continue };
            let own = format!("{name}.service");
            let is_own = |(command, _): (&Command, _)| command.name == own;
            let elsewhere = || {
                unit::has_packages(self.tree)
                    && unit::file(self.tree, &own).is_none()
                    && !self.tree.exists(&Path::new("etc/init.d").join(name))
                    && units().next().is_some()
            };
            if unit::is_masked(self.tree, &own) || units().any(is_own) || elsewhere() {
                idle.insert(file);
            }
        }
        idle
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
