//! What Linux does: the arithmetic of listen(2), the precedence of sysctl files, the version of the kernel.

use crate::knowledge::Knowledge;
use crate::model::{Kernel, Problem, ReadAs, Sysctls};
use crate::text::{Sources, Span, Tree};

pub mod listen;
pub mod sysctl;
pub mod version;

/// What the command line says about the kernel.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `--kernel`: the release and the flag's own source.
    pub kernel: Option<(String, Span)>,
    /// `--set`: key in the spelling with dots, value, and the flag's own source.
    pub set: Vec<(String, i64, Span)>,
    /// Whether the running machine may be looked at: the root is `/`, and not `--offline`.
    pub live: bool,
}

/// The kernel and the sysctls of a tree's host.
#[derive(Debug)]
pub struct Ruling {
    pub kernel: Kernel,
    pub sysctls: Sysctls,
    pub problems: Vec<Problem>,
}

/// Reads everything that the kernel's behaviour depends on.
pub fn read(sources: &Sources, tree: &Tree, knowledge: &Knowledge, read_as: ReadAs, asked: &Asked) -> Ruling {
    let kernel = version::read(sources, tree, knowledge, read_as, asked);
    let (sysctls, problems) = sysctl::read(sources, tree, knowledge, read_as, asked, &kernel);
    Ruling { kernel, sysctls, problems }
}
