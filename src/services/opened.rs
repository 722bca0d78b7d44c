//! The files that a server opens by itself where it is installed, and which of them it begins with.

use std::path::{Path, PathBuf};

use super::Ground;
use crate::knowledge::Candidate;
use crate::text::HashMap;

/// By their real paths.
#[derive(Debug)]
pub(super) struct Opened {
    files: HashMap<PathBuf, File>,
}

#[derive(Debug)]
struct File {
    /// The folder of the name that it is opened by, which may be a link to the real file.
    folder: PathBuf,
    /// The server begins with it; the others are for what a main file includes.
    main: bool,
}

impl Opened {
    /// What lies in the service's places; `is_main` tells those where it begins.
    pub(super) fn of(ground: Ground<'_>, is_main: impl Fn(&str) -> bool) -> Self {
        let mut files = HashMap::default();
        for place in &ground.service.shape.places {
            let main = is_main(place);
            for name in ground.tree.glob(place.as_bytes()) {
                let (Ok(real), Some(folder)) = (ground.tree.resolve(&name), name.parent()) else { continue };
                files.entry(real).or_insert(File { folder: folder.to_owned(), main });
            }
        }
        Self { files }
    }

    /// Whether an installed server begins with it.
    pub(super) fn is_main(&self, candidate: &Candidate) -> bool {
        candidate.by_place && self.files.get(&candidate.path).is_some_and(|file| file.main)
    }

    /// The folder of the name that a file is opened by.
    pub(super) fn folder(&self, candidate: &Candidate) -> PathBuf {
        let own = candidate.path.parent().unwrap_or(Path::new(""));
        self.files.get(&candidate.path).map_or(own, |file| &file.folder).to_owned()
    }
}
