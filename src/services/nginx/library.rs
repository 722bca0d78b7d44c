//! The files of nginx's that were read, each once, however often it is included, and what every include leads to.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::super::Ground;
use super::file::File;
use crate::model::ReadAs;
use crate::syntax::argv::Value;
use crate::syntax::blocks::Word;
use crate::text::tree::Unread;
use crate::text::{HashMap, HashSet, SourceId, Span, has_magic};

/// A file by its index in [`Library::files`].
pub(super) type FileId = usize;

pub(super) struct Library<'a> {
    pub(super) ground: Ground<'a>,
    files: Vec<File<'a>>,
    known: HashMap<SourceId, FileId>,
}

/// Where one include leads.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As nginx would open it.
    pub(super) path: PathBuf,
    pub(super) file: Result<FileId, Unread>,
}

/// Where the includes of one nginx lead: by their argument, relative to the folder of the main file.
#[derive(Debug, Default)]
pub(super) struct Includes<'a> {
    targets: HashMap<Cow<'a, [u8]>, Vec<Target>>,
    /// Arguments that lead out of the repository.
    outside: HashSet<Cow<'a, [u8]>>,
    /// Files that decide nothing, by themselves or by what they include.
    quiet: HashSet<FileId>,
}

impl Includes<'_> {
    pub(super) fn of(&self, word: &Word<'_>) -> &[Target] {
        self.targets.get(&*word.value()).map_or(&[], Vec::as_slice)
    }

    /// Whether an include leads to files that the repository does not have.
    pub(super) fn leads_out(&self, word: &Word<'_>) -> bool {
        self.outside.contains(&*word.value())
    }

    /// Whether it makes no difference how often a file is read.
    pub(super) fn is_quiet(&self, file: FileId) -> bool {
        self.quiet.contains(&file)
    }

    /// Where all of them lead.
    pub(super) fn all(&self) -> impl Iterator<Item = &Target> {
        self.targets.values().flatten()
    }

    /// All files that are included.
    pub(super) fn files(&self) -> impl Iterator<Item = FileId> {
        self.all().filter_map(|target| target.file.clone().ok())
    }
}

impl<'a> Library<'a> {
    pub(super) fn new(ground: Ground<'a>) -> Self {
        Self { ground, files: Vec::new(), known: HashMap::default() }
    }

    pub(super) fn file(&self, id: FileId) -> Option<&File<'a>> {
        self.files.get(id)
    }

    /// A file's path, for people.
    pub(super) fn name(&self, id: FileId) -> String {
        let source = self.files.get(id).map(|file| self.ground.sources.get(file.source).name());
        source.map_or_else(String::new, Cow::into_owned)
    }

    /// Reads and parses at once what is not known yet.
    pub(super) fn add_all(&mut self, paths: &[PathBuf]) -> Vec<Result<FileId, Unread>> {
        let Ground { tree, sources, .. } = self.ground;
        let known = &self.known;
        let read = tree.read_all(paths, |path| {
            let source = tree.read(sources, path)?;
            let file = (!known.contains_key(&source)).then(|| File::read(source, sources.bytes(source)));
            Ok((source, file))
        });
        read.into_iter().map(|read| read.map(|(source, file)| self.keep(source, file))).collect()
    }

    /// The directives of a `-g` on a command line.
    pub(super) fn add_argument(&mut self, value: Value<'_>) -> FileId {
        let sources = self.ground.sources;
        let Span { source, start, end } = value.exact().unwrap_or_else(|| sources.flag("-g", value.text));
        let text = sources.bytes(source).get(..end as usize).unwrap_or_default();
        self.files.push(File::read_from(source, text, start as usize));
        self.files.len() - 1
    }

    fn keep(&mut self, source: SourceId, file: Option<File<'a>>) -> FileId {
        let next = self.files.len();
        let id = *self.known.entry(source).or_insert(next);
        if id == next {
            self.files.extend(file);
        }
        id
    }

    /// Reads everything that these files include, and what that includes.
    pub(super) fn follow(&mut self, files: Vec<FileId>, folder: &Path) -> Includes<'a> {
        let mut includes = Includes::default();
        let mut followed = HashSet::from_iter(files.iter().copied());
        let mut level = files;
        while !level.is_empty() {
            let mut asked: Vec<Cow<'a, [u8]>> = level.iter().flat_map(|id| self.asked(*id)).collect();
            asked.sort_unstable();
            asked.dedup();
            asked.retain(|word| !includes.targets.contains_key(word));
            level = self.lead(asked, folder, &mut includes);
            level.retain(|id| followed.insert(*id));
        }
        includes.quiet = self.quiet(followed, &includes);
        includes
    }

    /// The files that are neither loud themselves nor include one that is.
    fn quiet(&self, mut files: HashSet<FileId>, includes: &Includes<'a>) -> HashSet<FileId> {
        let mut includers: HashMap<FileId, Vec<FileId>> = HashMap::default();
        let mut loud = Vec::new();
        for (id, file) in files.iter().filter_map(|id| Some((*id, self.files.get(*id)?))) {
            let targets = || file.includes().flatten().flat_map(|word| includes.of(word));
            if file.is_loud() || targets().any(|target| target.file.is_err()) {
                loud.push(id);
            }
            for included in targets().filter_map(|target| target.file.clone().ok()) {
                includers.entry(included).or_default().push(id);
            }
        }
        while let Some(id) = loud.pop() {
            if files.remove(&id) {
                loud.extend(includers.get(&id).into_iter().flatten());
            }
        }
        files
    }

    /// What the includes of one file ask for.
    fn asked(&self, id: FileId) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.files.get(id).into_iter().flat_map(|file| file.includes().flatten().map(Word::value))
    }

    /// Finds and reads what each word leads to.
    fn lead(&mut self, asked: Vec<Cow<'a, [u8]>>, folder: &Path, includes: &mut Includes<'a>) -> Vec<FileId> {
        let paths: Vec<Vec<PathBuf>> = asked.iter().map(|word| self.paths(word, folder)).collect();
        let mut files = self.add_all(&paths.concat()).into_iter();
        let mut read = Vec::new();
        for (word, paths) in asked.into_iter().zip(paths) {
            let targets: Vec<Target> =
                paths.into_iter().zip(&mut files).map(|(path, file)| Target { path, file }).collect();
            read.extend(targets.iter().filter_map(|target| target.file.clone().ok()));
            let is_missing = |target: &Target| target.file == Err(Unread::Missing);
            if targets.iter().all(is_missing) && self.leads_out(&word, folder) {
                includes.outside.insert(word.clone());
            }
            includes.targets.insert(word, targets);
        }
        read
    }

    /// The paths that an include means (ngx_conf_include in src/core/ngx_conf_file.c).
    fn paths(&self, word: &[u8], folder: &Path) -> Vec<PathBuf> {
        let plain = self.matching(folder.join(OsStr::from_bytes(word)));
        let is_there = |paths: &[PathBuf]| paths.iter().any(|path| self.ground.tree.entry(path).is_ok());
        match self.moved(word, folder) {
            Some(moved) if !is_there(&plain) => {
                Some(self.matching(moved)).filter(|moved| is_there(moved)).unwrap_or(plain)
            }
            _ => plain,
        }
    }

    fn matching(&self, path: PathBuf) -> Vec<PathBuf> {
        match has_magic(path.as_os_str().as_bytes()) {
            true => self.ground.tree.glob(path.as_os_str().as_bytes()),
            false => vec![path],
        }
    }

    /// Where a path below the folder that nginx is installed in lies in a repository: its main file will be put there.
    fn moved(&self, word: &[u8], folder: &Path) -> Option<PathBuf> {
        if self.ground.is_machine() {
            return None;
        }
        let path = Path::new(OsStr::from_bytes(word)).strip_prefix("/").ok()?;
        let mains = self.ground.service.shape.places.iter().filter(|place| !has_magic(place.as_bytes()));
        let mut homes = mains.filter_map(|main| Path::new(main).parent());
        homes.find_map(|home| path.strip_prefix(home).ok()).map(|rest| folder.join(rest))
    }

    /// Whether files that are not there are somewhere else: a pattern's folder is absent, or they are nginx's own.
    fn leads_out(&self, word: &[u8], folder: &Path) -> bool {
        let path = Path::new(OsStr::from_bytes(word));
        if self.ground.read_as != ReadAs::Repo || !path.is_absolute() {
            return false;
        }
        let moved = self.moved(word, folder);
        match has_magic(word) {
            true => !moved.iter().map(PathBuf::as_path).chain([path]).any(|path| self.has_folder(path)),
            false => moved.is_some(),
        }
    }

    /// Whether the folder that a pattern begins with is there.
    fn has_folder(&self, pattern: &Path) -> bool {
        let plain = pattern.ancestors().find(|path| !has_magic(path.as_os_str().as_bytes()));
        plain.is_some_and(|folder| self.ground.tree.is_folder(folder))
    }
}
