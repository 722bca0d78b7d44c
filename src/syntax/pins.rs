//! The version of a package that a project is fixed to: requirements and lock files of Python, Ruby and Node. A range fixes
//! nothing but the major version of npm's `^3.1.0`, of which the newest is what npm installs; it knows no service.

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
            Language::Node => &["package-lock.json", "yarn.lock", "pnpm-lock.yaml", "package.json"],
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
        (Language::Node, "yarn.lock") => yarn(text, package),
        (Language::Node, "pnpm-lock.yaml") => agreed(text.lines().filter_map(|line| pnpm(line, package))),
        (Language::Node, "package.json") => wanted(text, package),
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

/// A lock may hold several versions of a package, of which nothing here says which one the project runs.
fn agreed(mut versions: impl Iterator<Item = String>) -> Option<String> {
    let first = versions.next()?;
    versions.all(|other| other == first).then_some(first)
}

/// `[[package]]` tables of poetry and uv.
fn locked(text: &str, package: &str) -> Option<String> {
    let quoted = |line: &str, key: &str| -> Option<String> {
        let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim();
        Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    let mut is_own = false;
    agreed(text.lines().filter_map(|line| {
        let name = quoted(line, "name");
        is_own = name.map_or(is_own && !line.starts_with('['), |name| same(&name, package));
        quoted(line, "version").filter(|_| is_own)
    }))
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

/// `"fastify@^3.0.0":` and below it `version "3.29.5"`, or `version: 3.29.5`.
fn yarn(text: &str, package: &str) -> Option<String> {
    let names = |line: &str| {
        let rest = line.trim_start_matches('"').strip_prefix(package);
        rest.is_some_and(|rest| rest.starts_with('@')) && line.ends_with(':')
    };
    let mut is_own = false;
    agreed(text.lines().filter_map(|line| {
        is_own = if line.starts_with(' ') { is_own } else { names(line) };
        let version = line.strip_prefix("  version").filter(|_| is_own)?;
        Some(version.trim_matches([' ', ':', '"']).to_owned())
    }))
}

/// `  /fastify@3.29.5:`, `  fastify@3.29.5:`, `  /fastify/3.29.5:`.
fn pnpm(line: &str, package: &str) -> Option<String> {
    let key = line.trim_start().trim_start_matches(['\'', '/']).trim_end_matches([':', '\'']);
    let version = key.strip_prefix(package)?.strip_prefix(['@', '/'])?;
    let version = version.split(['(', '_', '\'']).next()?;
    (line.ends_with(':') && version.starts_with(|c: char| c.is_ascii_digit())).then(|| version.to_owned())
}

/// `"3.29.5"` of a project's own package.json; the newest of `^3.29.0`, `~3.29.0` and `3.x`, as far as its numbers go.
fn wanted(text: &str, package: &str) -> Option<String> {
    let project: Json = serde_json::from_str(text).ok()?;
    let range = project.get("dependencies")?.get(package)?.as_str()?.trim();
    let numbers: Vec<&str> = range.trim_start_matches(['^', '~', '=', 'v']).split('.').collect();
    let fixed = match range.chars().next()? {
        '^' if numbers.first() != Some(&"0") => 1,
        '^' | '~' => 2,
        '=' | 'v' | '0'..='9' => 3,
        _ => return None,
    };
    let is_number = |part: &&&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let known: Vec<&str> = numbers.iter().take(fixed).take_while(is_number).copied().collect();
    let newest = known.iter().copied().chain(std::iter::repeat("65535")).take(3);
    (!known.is_empty() && !range.contains([' ', '|', '-'])).then(|| newest.collect::<Vec<_>>().join("."))
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
    fn a_project_of_node_is_fixed_as_far_as_it_says() {
        for (range, fixed) in [
            ("3.29.5", Some("3.29.5")),
            ("^3.29.0", Some("3.65535.65535")),
            ("~3.29.0", Some("3.29.65535")),
            ("^0.5.1", Some("0.5.65535")),
            ("3.x", Some("3.65535.65535")),
            ("3", Some("3.65535.65535")),
            ("*", None),
            (">=3", None),
            ("3.0.0 - 4.0.0", None),
            ("^3 || ^4", None),
            ("latest", None),
            ("^", None),
        ] {
            let text = format!("{{\"dependencies\": {{\"koa\": \"{range}\"}}}}");
            assert_eq!(version(Language::Node, "package.json", &text, "koa").as_deref(), fixed, "{range}");
        }
        let old = "koa-router@^7.0.0:\n  version \"7.4.0\"\n\nkoa@^2.0.0, koa@^2.1.0:\n  version \"2.7.0\"\n";
        let new = "\"koa@npm:^2.0.0\":\n  version: 2.7.0\n  resolution: \"koa@npm:2.7.0\"\n";
        for text in [old, new] {
            assert_eq!(version(Language::Node, "yarn.lock", text, "koa").as_deref(), Some("2.7.0"));
        }
        for key in ["/koa/2.7.0", "/koa@2.7.0(debug@4.0.0)", "koa@2.7.0", "'koa@2.7.0'"] {
            let text = format!("packages:\n\n  /koa-router/7.4.0:\n\n  {key}:\n    resolution: x\n");
            assert_eq!(
                version(Language::Node, "pnpm-lock.yaml", &text, "koa").as_deref(),
                Some("2.7.0"),
                "{key}"
            );
        }
    }

    #[test]
    fn a_lock_of_several_versions_fixes_none() {
        let yarn = "koa@^1.0.0:\n  version \"1.7.0\"\n\nkoa@^2.0.0:\n  version \"2.7.0\"\n";
        let pnpm = "packages:\n\n  /koa@1.7.0:\n    x: y\n\n  /koa@2.7.0:\n    x: y\n";
        for (file, text) in [("yarn.lock", yarn), ("pnpm-lock.yaml", pnpm)] {
            assert_eq!(version(Language::Node, file, text, "koa"), None, "{file}");
            let once = text.replace("1.7.0", "2.7.0");
            assert_eq!(version(Language::Node, file, &once, "koa").as_deref(), Some("2.7.0"), "{file}");
        }
        let poetry = "[[package]]\nname = \"uvicorn-worker\"\nversion = \"0.2.0\"\n\n[package.dependencies]\nversion = \"9\"\n\n";
        assert_eq!(python("uv.lock", poetry).as_deref(), Some("0.2.0"));
        assert_eq!(python("uv.lock", &format!("{poetry}{}", poetry.replace("0.2", "0.3"))), None);
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
