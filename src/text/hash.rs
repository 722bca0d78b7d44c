//! The tables of an audit. Their order is another one in each run, so it must never reach a report.

use foldhash::fast::RandomState;

/// Keys come from whoever wrote the audited tree, so the seed is drawn anew in each run, as that of the standard library is.
#[expect(clippy::disallowed_types, reason = "the one place that names them")]
pub type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

#[expect(clippy::disallowed_types, reason = "the one place that names them")]
pub type HashSet<T> = std::collections::HashSet<T, RandomState>;
