//! The shell scripts of the tree that command lines call.

use std::path::{Path, PathBuf};

use super::line::{Base, Line};
use super::scene::{Scene, ends};
use crate::text::{SourceId, Span, Text, larger};

/// The largest script that is read, in bytes.
const MAX_SCRIPT: usize = 256 << 10;

/// Folders of a machine in which programs are those of packages, not of whoever set it up.
const PROGRAMS: [&str; 8] =
    ["bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/lib/", "lib/", "usr/libexec/", "usr/share/"];

/// The script that a shell is told to run.
pub(super) fn called(scene: &Scene<'_>, base: &Base, line: &Line, file: &Text) -> Option<Text> {
    let paths = if file.is_open() { Vec::new() } else { candidates(scene, base, line, &file.show()) };
    let source = paths.iter().find_map(|path| read(scene, path, |bytes| !bytes.contains(&0)))?;
    Some(whole(scene, source))
}

/// The script that a program is, if a shell runs it.
pub(super) fn program(scene: &Scene<'_>, base: &Base, line: &Line, program: &Text) -> Option<Text> {
    let name = program.show();
    let is_copied = base.copies.iter().any(|(there, _)| ends_in(there, &name));
    let is_script = is_copied || (name.ends_with(".sh") || name.contains('/')) && !is_installed(&name);
    let paths =
        if program.is_open() || !is_script { Vec::new() } else { candidates(scene, base, line, &name) };
    let source = paths.iter().find_map(|path| read(scene, path, is_shell))?;
    Some(whole(scene, source))
}

fn is_installed(name: &str) -> bool {
    name.strip_prefix('/').is_some_and(|path| PROGRAMS.iter().any(|folder| path.starts_with(folder)))
}

/// Whether a path of an image is the one that a command names, in a folder of its `PATH` or by a relative path.
fn ends_in(there: &str, name: &str) -> bool {
    let name = name.trim_start_matches("./");
    there == name || there.strip_suffix(name).is_some_and(|folder| folder.ends_with('/'))
}

/// Where the file may lie in the tree.
fn candidates(scene: &Scene<'_>, base: &Base, line: &Line, name: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    found.extend(base.copies.iter().filter(|(there, _)| ends_in(there, name)).map(|(_, path)| path.clone()));
    found.extend(base.copies.iter().filter_map(|(there, path)| {
        let inside = name.strip_prefix(there.trim_end_matches('/'))?.strip_prefix('/')?;
        Some(path.join(inside))
    }));
    let folder = line.folder.as_deref().unwrap_or(Path::new(""));
    match name.strip_prefix('/') {
        Some(absolute) if scene.is_machine() => found.push(PathBuf::from(absolute)),
        Some(absolute) => found.extend(ends(absolute).map(|end| folder.join(end))),
        None => found.push(folder.join(name)),
    }
    found
}

/// A script that may be called at many places: that it is too large is told of itself.
fn read(scene: &Scene<'_>, path: &Path, is_script: impl Fn(&[u8]) -> bool) -> Option<SourceId> {
    let mut size = 0;
    let keep = |bytes: &[u8]| {
        let is_one = is_script(bytes);
        size = if is_one { bytes.len() } else { 0 };
        is_one && size <= MAX_SCRIPT
    };
    let read = scene.tree.read_if(scene.sources, path, keep).ok().flatten();
    if size > MAX_SCRIPT {
        let real = scene.tree.resolve(path).unwrap_or_else(|_| path.to_owned());
        scene.tree.cut_off(real, larger("scripts", MAX_SCRIPT, size));
    }
    read
}

/// `#!/bin/sh -e`, `#!/usr/bin/env bash`: a name that ends with `sh`.
fn is_shell(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(line) = line.strip_prefix(b"#!") else { return false };
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_ascii_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    words.any(|word| matches!(word, "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh"))
}

fn whole(scene: &Scene<'_>, source: SourceId) -> Text {
    let end = scene.sources.bytes(source).len();
    Text::plain(scene.sources, Span::new(source, 0..end))
}
