//! The scripts of package.json that start something in production, and those that they run in turn.

use std::path::Path;

use super::Started;
use super::line::{Base, Form, Line, Scene, follow_script};
use crate::knowledge::Candidate;
use crate::model::Starter;
use crate::syntax::letters::Letters;
use crate::syntax::shell::{Variables, Word};
use crate::syntax::yaml::{self, Node};

/// What a script is called that starts a program in production; `start:prod` is one of `start`.
const NAMES: [&str; 5] = ["start", "serve", "server", "prod", "production"];

/// What a part of a script's name says when it is for something else.
const OTHERS: [&str; 12] = [
    "dev",
    "development",
    "debug",
    "test",
    "tests",
    "e2e",
    "watch",
    "build",
    "local",
    "lint",
    "docs",
    "storybook",
];

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    for file in files {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        for (name, script) in scripts(scene, folder) {
            if !is_production(&name) {
                continue;
            }
            let line = Line {
                words: Vec::new(),
                environment: Vec::new(),
                folder: Some(folder.to_owned()),
                form: Form::Plain,
                at: None,
            };
            let base = Base::new(Starter::Script, name);
            started.commands.extend(follow_script(scene, &base, &script, &line, &Variables::default()));
        }
    }
}

fn is_production(name: &str) -> bool {
    let mut parts = name.split([':', '-', '_', '.']);
    let begins = parts.next().is_some_and(|first| NAMES.contains(&first));
    begins && !parts.any(|part| OTHERS.contains(&part))
}

/// The scripts of a folder's package.json. JSON is YAML, but for what nobody writes there.
fn scripts(scene: &Scene<'_>, folder: &Path) -> Vec<(String, Letters)> {
    let source = scene.tree.read_if(scene.sources, &folder.join("package.json"), |_| true);
    let Ok(Some(source)) = source else { return Vec::new() };
    let file = yaml::read(scene.sources, source);
    let scripts = file.documents.first().and_then(|document| document.get("scripts"));
    let scripts = scripts.map(Node::merged).unwrap_or_default().into_iter();
    scripts
        .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.letters(scene.sources)?)))
        .collect()
}

/// The script that a line runs: `npm start`, `npm run x -- --flag`, `yarn x`; with its further arguments.
pub(super) fn run(scene: &Scene<'_>, line: &Line) -> Option<Letters> {
    let program = line.words.first()?.text();
    let is_manager = matches!(program.rsplit('/').next(), Some("npm" | "yarn" | "pnpm" | "bun"));
    let folder = line.folder.as_deref().filter(|_| is_manager)?;
    let mut at = 1;
    while let Some(word) = line.words.get(at).map(Word::text) {
        let value = matches!(
            word.as_str(),
            "--prefix" | "-C" | "--cwd" | "--dir" | "--filter" | "-w" | "--workspace"
        );
        if !word.starts_with('-') && word != "run" && word != "run-script" {
            break;
        }
        at += 1 + usize::from(value);
    }
    let name = line.words.get(at)?.text();
    let (_, mut script) = scripts(scene, folder).into_iter().find(|(script, _)| *script == name)?;
    for argument in line.words.get(at + 1..)?.iter().filter(|word| word.letters.bytes() != b"--") {
        script.push_for(b" ", argument.at);
        script.0.extend(&argument.letters.0);
    }
    Some(script)
}
