//! Folders of rule files.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::broken;
use crate::knowledge::Broken;
use crate::model::Idle;
use crate::text::tree::Unread;
use crate::text::{Span, Tree};

/// The option that names such folders.
const OPTION: &str = "--rules";

/// A folder of an organisation's rules.
#[derive(Debug, Clone)]
pub struct Folder {
    pub path: PathBuf,
    /// What neither it nor its files lead out of: the real path of a tree whose own policy names it.
    pub within: Option<PathBuf>,
    /// How reports call it.
    pub shown: PathBuf,
    /// What of a policy names it; else an option does.
    pub at: Option<Span>,
}

impl Folder {
    /// One that somebody names by themselves: its links may lead anywhere.
    pub fn given(path: &Path) -> Self {
        Self { path: path.to_owned(), within: None, shown: path.to_owned(), at: None }
    }

    /// Its rule files and what is in them, in order. A FIFO or a device is none: a policy may name a folder of the audited tree.
    pub(super) fn files(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, Broken> {
        let unread = |error: io::Error| self.unread(&error);
        let real = self.path.canonicalize().map_err(unread)?;
        // A folder that cannot be listed is no empty one.
        fs::read_dir(&real).map_err(unread)?;
        let top = self.within.as_deref().unwrap_or(Path::new("/"));
        let tree = Tree::open(top, true).map_err(unread)?;
        let out = |_| broken(&self.shown, "it is outside the audited tree".to_owned());
        let inside = real.strip_prefix(top).map_err(out)?;
        let names = tree.list(inside).into_iter().map(PathBuf::from);
        let names = names.filter(|name| name.extension().is_some_and(|extension| extension == "toml"));
        let read = |name: PathBuf| match tree.peek(&inside.join(&name)) {
            Ok(bytes) => Some(Ok((self.shown.join(name), bytes))),
            Err(Unread::NotAFile(kind)) if kind != Unread::FOLDER => None,
            Err(why) => Some(Err(broken(&self.shown.join(name), why.to_string()))),
        };
        names.filter_map(read).collect()
    }

    /// What to say where it holds no rule: an option that is of no use is a mistake.
    pub(super) fn idle(&self) -> Result<Idle, Broken> {
        let none = "holds no rule file (NAME.toml)";
        let message = format!("{} {none}", self.path.display());
        let at = self.at.ok_or_else(|| Broken { name: OPTION.to_owned(), message, at: None })?;
        let help = "put a rule into it, or remove it".to_owned();
        Ok(Idle { at, said: format!("the folder has no effect: it {none}"), help })
    }

    /// What is wrong with a folder that cannot be listed.
    fn unread(&self, error: &io::Error) -> Broken {
        let shown = self.path.display();
        let message = match self.path.parent().filter(|_| self.path.is_file()) {
            Some(folder) => {
                let folder = if folder == Path::new("") { Path::new(".") } else { folder };
                format!("{shown} is a file; name the folder that holds the rule files: {}", folder.display())
            }
            None if error.kind() == io::ErrorKind::NotFound => format!("there is no folder {shown}"),
            None if error.kind() == io::ErrorKind::PermissionDenied => {
                format!("{shown} cannot be read: permission denied")
            }
            None => format!("{shown} cannot be read: {error}"),
        };
        Broken { name: OPTION.to_owned(), message, at: None }
    }
}
