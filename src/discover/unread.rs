//! Where a running program that no reader knows keeps its configuration, by the name that packages give it in /etc.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::text::Tree;

/// What a program's name may end in where its folder does not: `sshd` has `ssh`, `redis-server` `redis`.
const ENDINGS: [&str; 4] = ["-server", "-daemon", "_server", "d"];
/// How configuration is called.
const SUFFIXES: [&str; 9] = ["conf", "cfg", "cnf", "ini", "json", "toml", "xml", "yaml", "yml"];
/// A shorter name says too little.
const SHORTEST: usize = 3;

/// The file in the tree's /etc that a program of one of these names most likely reads.
pub fn configuration_of(tree: &Tree, names: &[&str]) -> Option<PathBuf> {
    let etc = Path::new("etc");
    let entries = tree.list(etc);
    let stems = names.iter().flat_map(|name| {
        let shorter = ENDINGS.iter().filter_map(|ending| name.strip_suffix(ending));
        std::iter::once(*name).chain(shorter).filter(|name| name.len() >= SHORTEST)
    });
    stems.into_iter().find_map(|stem| {
        let is_its = |entry: &&OsString| {
            let rest = entry.to_str().and_then(|entry| entry.strip_prefix(stem));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
        };
        entries.iter().filter(is_its).find_map(|entry| file_at(tree, &etc.join(entry), names, stem))
    })
}

/// A file itself, or the one of a folder that is called as the program is, else its first.
fn file_at(tree: &Tree, path: &Path, names: &[&str], stem: &str) -> Option<PathBuf> {
    let is_configuration = |path: &PathBuf| {
        let suffix = path.extension().and_then(|suffix| suffix.to_str());
        suffix.is_some_and(|suffix| SUFFIXES.contains(&suffix)) && !tree.is_folder(path)
    };
    if !tree.is_folder(path) {
        return Some(path.to_owned()).filter(is_configuration);
    }
    let is_named = |file: &PathBuf, names: &[&str]| {
        let file = file.file_name().and_then(|name| name.to_str());
        file.is_some_and(|file| names.iter().any(|name| file.starts_with(name)))
    };
    let files: Vec<PathBuf> = tree.list(path).iter().map(|name| path.join(name)).collect();
    let named = |names: &[&str]| files.iter().find(|file| is_named(file, names));
    let first = || files.iter().find(|file| is_configuration(file));
    named(names).or_else(|| named(&[stem])).or_else(first).cloned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_s_file_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "etc/clickhouse-server/config.xml",
            "etc/clickhouse-server/users.d/README",
            "etc/ssh/moduli",
            "etc/ssh/ssh_config",
            "etc/ssh/sshd_config",
            "etc/redis/redis.conf",
            "etc/redis/other.conf",
            "etc/ntp.conf",
            "etc/dictionary/a.conf",
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let tree = Tree::open(folder.path(), true).unwrap();
        let found = |names: &[&str]| configuration_of(&tree, names).map(|path| path.display().to_string());
        assert_eq!(found(&["clickhouse"]).as_deref(), Some("etc/clickhouse-server/config.xml"));
        assert_eq!(
            found(&["clickhouse-serv", "clickhouse"]).as_deref(),
            Some("etc/clickhouse-server/config.xml")
        );
        assert_eq!(found(&["sshd"]).as_deref(), Some("etc/ssh/sshd_config"));
        assert_eq!(found(&["redis-server"]).as_deref(), Some("etc/redis/redis.conf"));
        assert_eq!(found(&["ntpd"]).as_deref(), Some("etc/ntp.conf"));
        for name in ["dict", "nt", "nginx", "", "../x"] {
            assert_eq!(found(&[name]), None, "{name}");
        }
    }
}
