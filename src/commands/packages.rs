//! What package managers run by name: the scripts of package.json.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::line::Line;
use super::scene::{Scene, Scripts};
use crate::syntax::yaml::{self, Node};
use crate::text::{Glob, Text};

/// The scripts of a folder's package.json. JSON is YAML, but for what nobody writes there.
pub(super) fn scripts(scene: &Scene<'_>, folder: &Path) -> Scripts {
    if let Some((_, known)) = scene.scripts.borrow().as_ref().filter(|(known, _)| known == folder) {
        return Rc::clone(known);
    }
    let read = read_scripts(scene, folder);
    scene.scripts.replace(Some((folder.to_owned(), Rc::clone(&read))));
    read
}

fn read_scripts(scene: &Scene<'_>, folder: &Path) -> Scripts {
    let source = scene.read(&folder.join("package.json"));
    let source = source.filter(|source| scene.spend(scene.sources.bytes(*source).len()));
    let Some(source) = source else { return Rc::new([]) };
    let file = yaml::read(scene.sources, source);
    let scripts = file.documents.first().and_then(|document| document.get("scripts"));
    let scripts = scripts.map(Node::merged).unwrap_or_default().into_iter();
    scripts
        .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.placed(scene.sources)?)))
        .collect()
}

/// Options of package managers that are followed by a value; those of the second list name a folder.
const VALUES: [&str; 4] = ["--filter", "-w", "--workspace", "--loglevel"];
const FOLDERS: [&str; 4] = ["--prefix", "-C", "--cwd", "--dir"];

/// The scripts that a line runs, with its further arguments, and the folder in which they run: `npm start`,
/// `npm run x -- --flag`, `yarn x`, `run-p x y`.
pub(super) fn run(scene: &Scene<'_>, line: &Line) -> Option<(Vec<Text>, PathBuf)> {
    let program = line.words.first()?.as_str().rsplit('/').next().unwrap_or_default();
    let mut folder = line.folder.clone()?;
    if let Some(names) = concurrent(program, line) {
        let all = scripts(scene, &folder);
        let is_named =
            |script: &str| names.iter().any(|name| Glob::matches_name(name.as_bytes(), script.as_bytes()));
        let found: Vec<Text> =
            all.iter().filter(|(script, _)| is_named(script)).map(|(_, text)| text.clone()).collect();
        return (!found.is_empty()).then_some((found, folder));
    }
    if !matches!(program, "npm" | "yarn" | "pnpm" | "bun") {
        return None;
    }
    let mut name = None;
    let mut arguments = Vec::new();
    let mut words = line.words.iter().skip(1);
    while let Some(word) = words.next() {
        let text = word.as_str();
        match text {
            "--" => {
                arguments.extend(words);
                break;
            }
            // Behind the name only npm still looks for its own options.
            _ if name.is_some() && (program != "npm" || !text.starts_with('-')) => arguments.push(word),
            _ if FOLDERS.contains(&text) => {
                let named = words.next().map_or("", Text::as_str);
                folder = scene.folder(Some(&folder), named)?;
            }
            _ if VALUES.contains(&text) => drop(words.next()),
            "run" | "run-script" => {}
            _ if text.starts_with('-') => {}
            _ => name = Some(text),
        }
    }
    let name = name?;
    let mut script = scripts(scene, &folder).iter().find(|(script, _)| *script == name)?.1.clone();
    for argument in arguments {
        script.push_for(b" ", argument.whole());
        script.push_part(argument, 0..argument.len());
    }
    Some((vec![script], folder))
}

/// The patterns of scripts that npm-run-all and its kin run.
fn concurrent(program: &str, line: &Line) -> Option<Vec<String>> {
    let is_one = matches!(program, "run-p" | "run-s" | "run-pz" | "npm-run-all" | "npm-run-all2");
    let words = line.words.iter().skip(1).map(Text::as_str).filter(|word| !word.starts_with('-'));
    is_one.then(|| words.map(str::to_owned).collect())
}
