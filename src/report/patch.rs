//! The fixes as one unified diff that `patch -p1` and `git apply` both take, byte for byte.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use similar::TextDiff;
use similar::udiff::UnifiedHunkHeader;

use super::Report;
use crate::text::{Edit, Origin, Source, SourceId, apply};

/// Lines that stay around each change, as diff(1) and git have it.
const CONTEXT: usize = 3;

/// All edits that are in the patch; empty if there are none.
pub fn render(report: &Report) -> Vec<u8> {
    let mut by_file: BTreeMap<SourceId, Vec<Edit>> = BTreeMap::new();
    for planned in report.plan.edits.iter().filter(|planned| planned.in_patch) {
        by_file.entry(planned.edit.span.source).or_default().push(planned.edit.clone());
    }
    let mut files: Vec<(PathBuf, &Source, Vec<Edit>)> = by_file
        .into_iter()
        .filter_map(|(id, edits)| {
            let source = report.sources.get(id);
            Some((path(&source.origin)?, source, edits))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    let mut patch = Vec::new();
    for (path, source, edits) in files {
        // Writing to memory does not fail.
        drop(write_file(&mut patch, &path, source, &edits));
    }
    patch
}

/// The file's path below the folder that the patch is applied in: the root, or the working directory if there are several roots.
fn path(origin: &Origin) -> Option<PathBuf> {
    let (Origin::File { root, path } | Origin::Absent { root, path }) = origin else { return None };
    let Some(root) = root else { return Some(path.clone()) };
    let here = std::env::current_dir().ok();
    let root = Path::new(root);
    let below = here.as_deref().and_then(|here| root.strip_prefix(here).ok()).unwrap_or(root);
    let plain = |part: &Component| !matches!(part, Component::CurDir | Component::RootDir);
    Some(below.join(path).components().filter(plain).collect())
}

fn write_file(out: &mut Vec<u8>, path: &Path, source: &Source, edits: &[Edit]) -> io::Result<()> {
    let made = apply(source.bytes(), edits);
    let (old, new) = (lines(source.bytes()), lines(&made));
    // Lines are cut and written by hand: to the crate a lone carriage return ends one too, and what is not UTF-8 is replaced.
    let diff = TextDiff::configure().newline_terminated(true).diff_slices(&old[..], &new[..]);
    let hunks = diff.grouped_ops(CONTEXT);
    if hunks.is_empty() {
        return Ok(());
    }
    match source.is_absent() {
        true => out.extend_from_slice(b"--- /dev/null\n"),
        false => write_name(out, b"--- ", b"a/", path),
    }
    write_name(out, b"+++ ", b"b/", path);
    for ops in hunks {
        writeln!(out, "{}", UnifiedHunkHeader::new(&ops))?;
        for change in ops.iter().flat_map(|op| diff.iter_changes(op)) {
            write!(out, "{}", change.tag())?;
            out.extend_from_slice(change.value());
            if !change.value().ends_with(b"\n") {
                out.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
    Ok(())
}

/// Lines with their line feeds; the last one may have none.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A file name as git writes it (quote.c, `quote_c_style`; diff.c, `emit_rewrite_diff`): in quotes, C escapes and octal if it
/// holds a control character, a quote, a backslash or a byte that is not ASCII; ended by a tab if it holds a blank.
fn write_name(out: &mut Vec<u8>, sign: &[u8], side: &[u8], path: &Path) {
    let name = path.as_os_str().as_bytes();
    out.extend_from_slice(sign);
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if name.iter().all(plain) {
        out.extend_from_slice(side);
        out.extend_from_slice(name);
        if name.contains(&b' ') {
            out.push(b'\t');
        }
    } else {
        out.push(b'"');
        out.extend_from_slice(side);
        name.iter().for_each(|byte| push_quoted(out, *byte));
        out.push(b'"');
    }
    out.push(b'\n');
}

fn push_quoted(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b' '..=b'~' => out.push(byte),
        _ => drop(write!(out, "\\{byte:03o}")),
    }
}
