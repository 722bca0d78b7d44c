//! The scripts of package.json that start something in production.

use std::path::Path;

use super::Started;
use super::follow::follow_script;
use super::line::{Base, Form, Line};
use super::packages::scripts;
use super::scene::Scene;
use crate::knowledge::Candidate;
use crate::model::Starter;
use crate::syntax::shell::Variables;

pub(super) fn read(scene: &Scene<'_>, files: &[Candidate], started: &mut Started) {
    for file in files {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        for (name, script) in scripts(scene, folder).iter() {
            if !is_production(scene, name) {
                continue;
            }
            let line = Line {
                words: Vec::new(),
                environment: Vec::new(),
                folder: Some(folder.to_owned()),
                form: Form::Plain,
                at: None,
            };
            let base = Base::new(Starter::Script, name.clone());
            started.commands.extend(follow_script(scene, &base, script, &line, &Variables::default()));
        }
    }
}

/// Whether a script starts something in production: `start` and `start:prod` do, `start:dev` does not.
fn is_production(scene: &Scene<'_>, name: &str) -> bool {
    let first = name.split([':', '-', '_', '.']).next().unwrap_or_default();
    scene.lines.production.iter().any(|production| production == first) && scene.is_production(name)
}
