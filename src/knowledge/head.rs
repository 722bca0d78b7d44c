//! Which part of a file of ours has to be parsed: TOML's tables are cut apart at the lines that open them, so that what only
//! some audits need is left until then.

use std::sync::LazyLock;

/// Parsed when it is asked for.
pub type Lazy<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

pub fn lazy<T>(parse: impl FnOnce() -> T + Send + 'static) -> Lazy<T> {
    LazyLock::new(Box::new(parse))
}

/// A text before and from its first table that is none of these. No line of a longer string may look as if it opened one.
pub(super) fn split<'t>(text: &'t str, tables: &[&str]) -> (&'t str, &'t str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let opened = line.strip_prefix('[').map(|name| name.trim_start_matches('['));
        let name = opened.and_then(|name| name.split(['.', ']']).next());
        if name.is_some_and(|name| !tables.contains(&name)) {
            break;
        }
        at += line.len();
    }
    text.split_at_checked(at).unwrap_or((text, ""))
}
