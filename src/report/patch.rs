//! The fixes as one unified diff that `patch -p1` and `git apply` both take, byte for byte.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use similar::udiff::UnifiedHunkHeader;

use super::Report;
use crate::model::Place;
use crate::text::{Edit, Origin, Source, SourceId, apply};

/// Lines that stay around each change, as diff(1) and git have it.
const CONTEXT: usize = 3;

/// All edits that are in the patch; empty if there are none.
pub fn render(report: &Report) -> Vec<u8> {
    let mut by_file: BTreeMap<SourceId, Vec<Edit>> = BTreeMap::new();
    for planned in report.plan.edits.iter().filter(|planned| planned.in_patch) {
        by_file.entry(planned.edit.span.source).or_default().push(planned.edit.clone());
    }
    let folder = folder(&report.host.places);
    let mut files: Vec<(PathBuf, &Source, Vec<Edit>)> = by_file
        .into_iter()
        .filter_map(|(id, edits)| {
            let source = report.sources.get(id);
            Some((path(&source.origin, &report.host.places, &folder)?, source, edits))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    let mut patch = if files.is_empty() { Vec::new() } else { head(report) };
    for (path, source, edits) in files {
        // Writing to memory does not fail.
        drop(write_file(&mut patch, &path, source, &edits));
    }
    patch
}

/// What to run once the patch is applied, in lines that patch(1) and git pass over: no word of a tree begins one.
fn head(report: &Report) -> Vec<u8> {
    let commands = report.then_of_patch();
    let line = |command: &String| format!("# {}\n", command.replace(['\n', '\r'], " "));
    let lines: String = commands.iter().map(line).collect();
    if lines.is_empty() { Vec::new() } else { format!("# After this patch:\n{lines}").into_bytes() }
}

/// Where `patch -p1` is to be called: the audited root, or the nearest folder above all of them.
pub fn folder(places: &[Place]) -> PathBuf {
    let mut tops = places.iter().map(|place| place.top.as_path());
    let Some(first) = tops.next() else { return PathBuf::from(".") };
    tops.fold(first, nearest_above_both).to_owned()
}

fn nearest_above_both<'a>(one: &'a Path, other: &Path) -> &'a Path {
    one.ancestors().find(|above| other.starts_with(above)).unwrap_or(one)
}

/// The file's path below the folder that the patch is applied in.
fn path(origin: &Origin, places: &[Place], folder: &Path) -> Option<PathBuf> {
    let (Origin::File { root, path } | Origin::Absent { root, path }) = origin else { return None };
    let place = places.iter().find(|place| place.root == *root);
    let root = place.and_then(|place| place.top.strip_prefix(folder).ok());
    Some(root.unwrap_or(Path::new("")).join(path))
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
/// holds a control character, a quote, a backslash or a byte that is not ASCII; ended by a tab if it holds a blank. In quotes too is
/// what ends in a blank: patch(1) does not see that otherwise.
fn write_name(out: &mut Vec<u8>, sign: &[u8], side: &[u8], path: &Path) {
    let name = path.as_os_str().as_bytes();
    out.extend_from_slice(sign);
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if name.iter().all(plain) && !name.ends_with(b" ") {
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
