//! The only way out is text. Each format is one function from a [`Report`] to a string.

use crate::model::{Finding, Host, Queue};
use crate::plan::Plan;
use crate::rules::Rules;
use crate::text::Sources;

/// Everything that an audit came to, ready to be shown.
#[derive(Debug)]
pub struct Report {
    pub sources: Sources,
    pub host: Host,
    /// One for each listener, in the order of `host.listeners`.
    pub queues: Vec<Queue>,
    /// Sorted by path, place and rule.
    pub findings: Vec<Finding>,
    pub plan: Plan,
    pub rules: Rules,
    /// Files that were read.
    pub files: usize,
    /// Files and folders left out because they are not production.
    pub left_out: usize,
}
