//! The version of a package that a project is fixed to: requirements and lock files of Python, Ruby and Node. A range fixes
//! nothing; it knows no service.

use serde_json::Value as Json;

/// The languages whose packages are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Python,
    Ruby,
    Node,
}

impl Language {
    /// The files of a project's folder that fix versions, the most exact first.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Language::Python => &[
                "poetry.lock",
                "uv.lock",
                "Pipfile.lock",
                "requirements.txt",
                "requirements/production.txt",
                "requirements/prod.txt",
                "requirements/base.txt",
                "requirements-prod.txt",
            ],
            Language::Ruby => &["Gemfile.lock"],
            Language::Node => &["package-lock.json"],
        }
    }
}

/// The version that a file of a project fixes a package to, as written.
pub fn version(language: Language, file: &str, text: &str, package: &str) -> Option<String> {
    match (language, file.rsplit('/').next().unwrap_or(file)) {
        (Language::Python, "poetry.lock" | "uv.lock") => locked(text, package),
        (Language::Python, "Pipfile.lock") => pipfile(text, package),
        (Language::Python, _) => text.lines().find_map(|line| required(line, package)),
        (Language::Ruby, _) => text.lines().find_map(|line| bundled(line, package)),
        (Language::Node, _) => npm(text, package),
    }
}

/// Names of PyPI are compared without regard to case, and `-`, `_` and `.` are one (PEP 503).
fn same(name: &str, package: &str) -> bool {
    let plain = |byte: u8| if matches!(byte, b'_' | b'.') { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == package.len() && name.bytes().map(plain).eq(package.bytes().map(plain))
}

/// `gunicorn==20.1.0`, `gunicorn[gevent]==20.1.0 ; python_version > "3"`; `~=20.1` fixes the series.
fn required(line: &str, package: &str) -> Option<String> {
    let line = line.split(['#', ';']).next()?.trim();
    let name = line.split(['[', '=', '~', '<', '>', '!', ' ', '(', '@']).next()?;
    let rest = line.strip_prefix(name).filter(|_| same(name, package))?.trim_start();
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
    let rest = rest.trim_start();
    let version = ["===", "==", "~="].iter().find_map(|operator| rest.strip_prefix(operator))?;
    // A second condition follows a comma, hashes follow a blank.
    let version = version.trim_start().split([',', ' ', '\\', ')']).next()?;
    (!version.is_empty() && !version.contains('*')).then(|| version.to_owned())
}

/// `[[package]]` tables of poetry and uv.
fn locked(text: &str, package: &str) -> Option<String> {
    let quoted = |line: &str, key: &str| -> Option<String> {
        let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
        Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    let mut lines = text.lines();
    lines.find(|line| quoted(line, "name").is_some_and(|name| same(&name, package)))?;
    lines.take_while(|line| !line.starts_with('[')).find_map(|line| quoted(line, "version"))
}

fn pipfile(text: &str, package: &str) -> Option<String> {
    let lock: Json = serde_json::from_str(text).ok()?;
    let packages = lock.get("default")?.as_object()?;
    let (_, entry) = packages.iter().find(|(name, _)| same(name, package))?;
    Some(entry.get("version")?.as_str()?.trim_start_matches('=').to_owned())
}

/// `    puma (5.6.5)` below `specs:`.
fn bundled(line: &str, package: &str) -> Option<String> {
    let (name, version) = line.strip_prefix("    ")?.split_once(" (")?;
    let version = version.strip_suffix(')').filter(|_| name == package)?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

fn npm(text: &str, package: &str) -> Option<String> {
    let lock: Json = serde_json::from_str(text).ok()?;
    let by_path = lock.get("packages").and_then(|all| all.get(format!("node_modules/{package}")));
    let by_name = || lock.get("dependencies").and_then(|all| all.get(package));
    Some(by_path.or_else(by_name)?.get("version")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(file: &str, text: &str) -> Option<String> {
        version(Language::Python, file, text, "uvicorn-worker")
    }

    #[test]
    fn requirements_fix_a_version_or_its_series() {
        for (line, fixed) in [
            ("uvicorn-worker==0.2.0", Some("0.2.0")),
            ("Uvicorn_Worker[standard]==0.2.0  # why", Some("0.2.0")),
            ("uvicorn.worker == 0.2.0 ; python_version > '3'", Some("0.2.0")),
            ("uvicorn-worker==0.2.0 --hash=sha256:00", Some("0.2.0")),
            ("uvicorn-worker~=0.2", Some("0.2")),
            ("uvicorn-worker>=0.2", None),
            ("uvicorn-worker==0.*", None),
            ("uvicorn-worker", None),
            ("uvicorn==0.2", None),
            ("", None),
        ] {
            let text = format!("-r base.txt\n\n{line}\n");
            assert_eq!(python("requirements.txt", &text).as_deref(), fixed, "{line}");
        }
    }

    #[test]
    fn lock_files_name_what_is_installed() {
        let poetry = "[[package]]\nname = \"a\"\nversion = \"9\"\n\n[[package]]\nname = \"uvicorn-worker\"\nversion = \"0.3.0\"\n";
        assert_eq!(python("poetry.lock", poetry).as_deref(), Some("0.3.0"));
        let pipfile = r#"{"default": {"uvicorn-worker": {"version": "==0.4.0"}}}"#;
        assert_eq!(python("Pipfile.lock", pipfile).as_deref(), Some("0.4.0"));
        let gems = "GEM\n  specs:\n    nio4r (2.5.8)\n    puma (5.6.5)\n      nio4r (~> 2.0)\n";
        assert_eq!(version(Language::Ruby, "Gemfile.lock", gems, "puma").as_deref(), Some("5.6.5"));
        assert_eq!(version(Language::Ruby, "Gemfile.lock", "      puma (~> 5)\n", "puma"), None);
        let new = r#"{"packages": {"node_modules/koa": {"version": "2.1.0"}}}"#;
        let old = r#"{"dependencies": {"koa": {"version": "2.0.0"}}}"#;
        assert_eq!(version(Language::Node, "package-lock.json", new, "koa").as_deref(), Some("2.1.0"));
        assert_eq!(version(Language::Node, "package-lock.json", old, "koa").as_deref(), Some("2.0.0"));
    }
}
