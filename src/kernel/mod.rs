//! What Linux does: the arithmetic of listen(2), the precedence of sysctl files, the version of the kernel.

use std::path::PathBuf;

use crate::knowledge::Knowledge;
use crate::model::{Kernel, Problem, ReadAs, Sysctls};
use crate::text::{Sources, Span, Tree};

pub mod listen;
pub mod live;
pub mod sysctl;
pub mod version;

/// What the command line says about the kernel.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `--kernel`: the release and the flag's own source.
    pub kernel: Option<(String, Span)>,
    /// `--set`: key in the spelling with dots, value, and the flag's own source.
    pub set: Vec<(String, i64, Span)>,
    /// Sysctl files that a repository holds beside its etc/ folder.
    pub files: Vec<PathBuf>,
    /// Whether the running machine may be looked at: the root is `/`, and not `--offline`.
    pub live: bool,
}

/// The kernel and the sysctls of a tree's host.
#[derive(Debug)]
pub struct Ruling {
    pub kernel: Kernel,
    pub sysctls: Sysctls,
    pub problems: Vec<Problem>,
    /// What was to be assumed and the kernel would not take (EINVAL): which flag or line, and what it takes.
    pub refused: Option<(Span, String)>,
}

/// Reads everything that the kernel's behaviour depends on.
pub fn read(sources: &Sources, tree: &Tree, knowledge: &Knowledge, read_as: ReadAs, asked: &Asked) -> Ruling {
    let kernel = version::read(sources, tree, knowledge, read_as, asked);
    let (sysctls, problems) = sysctl::read(sources, tree, knowledge, read_as, asked, &kernel);
    let refused = refused(knowledge, &kernel, asked);
    Ruling { kernel, sysctls, problems, refused }
}

fn refused(knowledge: &Knowledge, kernel: &Kernel, asked: &Asked) -> Option<(Span, String)> {
    asked.set.iter().find_map(|(key, value, at)| {
        let range = knowledge.kernel.range(key, kernel);
        let is_taken = (range.min..=range.max).contains(value);
        let what = || {
            format!(
                "Linux {} refuses {key} = {value}: it accepts {} to {}",
                kernel.release, range.min, range.max
            )
        };
        (!is_taken).then(|| (*at, what()))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::text::Tree;

    static COUNT: AtomicUsize = AtomicUsize::new(0);

    /// A small root filesystem that goes away again.
    pub(crate) struct Scratch(PathBuf);

    impl Scratch {
        pub(crate) fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let nth = COUNT.fetch_add(1, Ordering::Relaxed);
            let top = std::env::temp_dir().join(format!("backlog-audit-{name}-{}-{nth}", std::process::id()));
            let _ = fs::remove_dir_all(&top);
            fs::create_dir_all(&top).unwrap();
            for (path, text) in files {
                let path = top.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(top)
        }

        pub(crate) fn tree(&self) -> Tree {
            Tree::open(&self.0, true).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
