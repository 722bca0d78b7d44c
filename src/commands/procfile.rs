//! Procfiles: a process type, a colon and a shell's command line on each line.

use super::Started;
use super::follow::follow_script;
use super::line::{Base, Form, Line};
use super::scene::Scene;
use crate::knowledge::Candidate;
use crate::model::Starter;
use crate::syntax::shell::Variables;
use crate::text::{SourceId, Span, Text};

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    for file in scene.in_production(files) {
        let Some(source) = scene.read(&file.path) else { continue };
        let folder = file.path.parent().map(std::path::Path::to_owned);
        for (name, at) in processes(scene.sources.bytes(source), source) {
            let script = Text::plain(scene.sources, at);
            let line = Line {
                words: Vec::new(),
                environment: Vec::new(),
                folder: folder.clone(),
                form: Form::Plain,
                at: None,
            };
            let base = Base::new(Starter::Procfile, name);
            started.commands.extend(follow_script(scene, &base, &script, &line, &Variables::default()));
        }
    }
}

/// Lines as Heroku and foreman read them: `^([A-Za-z0-9_-]+):\s*(.+)$` (foreman, lib/foreman/procfile.rb).
fn processes(bytes: &[u8], source: SourceId) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let begun = start;
        start += line.len() + 1;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = line.get(..colon).unwrap_or_default();
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || !name.iter().all(is_name) {
            continue;
        }
        let range = begun + colon + 1..begun + line.len();
        found.push((String::from_utf8_lossy(name).into_owned(), Span::new(source, range)));
    }
    found
}
