//! sysctl.d: which files are applied, in which order, and what comes of every line, at boot (systemd-sysctl) and by hand (procps).

use super::Asked;
use crate::knowledge::Knowledge;
use crate::model::{Kernel, Problem, ReadAs, Sysctls};
use crate::text::{Sources, Tree};

/// The sysctls of a tree's host.
pub fn read(
    _sources: &Sources,
    _tree: &Tree,
    _knowledge: &Knowledge,
    _read_as: ReadAs,
    _asked: &Asked,
    _kernel: &Kernel,
) -> (Sysctls, Vec<Problem>) {
    (Sysctls::default(), Vec::new())
}
