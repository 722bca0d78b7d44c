//! From what checks want to what is written: wants for one target are merged by maximum, and each target gets one edit.

use crate::model::{Finding, Host, Safety};
use crate::text::Edit;

/// One edit of the plan; several fixes may share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// `e1`, `e2`, ... in the order of files and places.
    pub id: String,
    pub edit: Edit,
    /// The edit is part of the patch: it serves a fix of an allowed safety.
    pub in_patch: bool,
    /// The fixes that it serves: indices of the finding and of the fix in it.
    pub serves: Vec<(usize, usize)>,
}

/// All edits, sorted by file and place. Edits that are in the patch do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub edits: Vec<Planned>,
}

impl Plan {
    /// `allowed`: the least safe kind of fix that goes into the patch.
    pub fn make(_host: &Host, _findings: &[Finding], _allowed: Safety) -> Self {
        Self::default()
    }

    /// The edits that one fix of one finding needs.
    pub fn edits_of(&self, finding: usize, fix: usize) -> impl Iterator<Item = &Planned> {
        self.edits.iter().filter(move |planned| planned.serves.contains(&(finding, fix)))
    }
}
