//! What a minifier made. Its lines are not read: they are a browser's code, or were built from a source that is read. Where a
//! package has nothing else, that is told.

use std::path::Path;

use super::program::Program;
use crate::model::Listener;
use crate::text::Tree;

/// The longest line that somebody wrote, in bytes: a call on a longer one was put there by a minifier.
pub(super) const LONGEST_LINE: usize = 1_000;

pub(super) fn is_on_a_short_line(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(LONGEST_LINE)..at).unwrap_or_default();
    let after = text.get(at..text.len().min(at + LONGEST_LINE)).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(before.len(), |newline| before.len() - newline - 1);
    let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
    start + end < LONGEST_LINE
}

/// Tells of the calls that make servers where no server is known of the same package, and counts the other files.
pub(super) fn tell(program: &Program<'_>, known: &[Listener]) -> usize {
    let sources = program.ground.sources;
    let mut others = 0;
    for (_, at) in &program.minified {
        let package = sources.get(at.source).path().map(|path| package(program.ground.tree, path));
        let path_of = |listener: &Listener| sources.get(listener.site.source).path();
        let is_known =
            known.iter().filter_map(path_of).any(|path| package.is_some_and(|it| path.starts_with(it)));
        if !is_known && program.servers.may_be_made_in(sources.bytes(at.source)) {
            let what = format!("the audit skips calls on lines over {LONGEST_LINE} bytes, by a minifier");
            sources.not_followed(*at, what);
        } else {
            others += 1;
        }
    }
    others
}

/// The folder with the package.json that a file belongs to, or its own.
fn package<'p>(tree: &Tree, path: &'p Path) -> &'p Path {
    let mut folders = path.ancestors().skip(1);
    let own = folders.find(|folder| tree.exists(&folder.join("package.json")));
    own.or_else(|| path.parent()).unwrap_or(path)
}
