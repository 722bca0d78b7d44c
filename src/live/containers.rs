//! Names of containers, where a runtime keeps them in files; no runtime is spoken to.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

/// Where Docker keeps a container's `Name`, below a folder of its whole id.
const DOCKER: &str = "/var/lib/docker/containers";

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "Name")]
    name: String,
}

/// The name of the container whose id starts so.
pub(super) fn name(id: &str) -> Option<String> {
    let mut folders = fs::read_dir(DOCKER).ok()?.flatten();
    let folder = folders.find(|entry| entry.file_name().to_string_lossy().starts_with(id))?;
    named(folder.path())
}

fn named(folder: PathBuf) -> Option<String> {
    let text = fs::read(folder.join("config.v2.json")).ok()?;
    let config: Config = serde_json::from_slice(&text).ok()?;
    Some(config.name.trim_start_matches('/').to_owned())
}
