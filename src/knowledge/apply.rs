//! How a change is applied to a service: commands for an administrator, with names of the audited tree filled in.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex_lite::{Captures, Regex};
use serde::Deserialize;

use crate::model::shell;
use crate::text::spelled_out;

/// Commands for an administrator; data for the fixes' `then`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyCommands {
    pub restart: String,
    pub reload: Option<String>,
    /// There is a reload, which leaves every queue as it is.
    #[serde(default, rename = "reload-keeps")]
    pub reload_keeps: bool,
    /// Checks the files without touching the running service.
    pub check: Option<String>,
    /// What a reload does to the backlog, and what it does not, with its source.
    pub source: String,
    #[serde(default)]
    at: Vec<ApplyAt>,
}

/// How a service that is installed at certain places is restarted: the commands with the groups of `path` filled in. What is
/// left out is as everywhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplyAt {
    path: PathPattern,
    restart: String,
    reload: Option<String>,
    check: Option<String>,
}

/// A regular expression, compiled when a fix asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
struct PathPattern {
    text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl From<String> for PathPattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl PathPattern {
    /// `None` for a fault of ours, which a test keeps out.
    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref()
    }
}

impl ApplyCommands {
    /// The command that restarts the service whose file lies at `path` in its tree.
    pub fn restart_at(&self, path: &str) -> String {
        self.own(path, "restart what runs", |at| Some(&at.restart)).unwrap_or_else(|| self.restart.clone())
    }

    /// The command that restarts a service of systemd.
    pub fn restart_unit(name: &str) -> Option<String> {
        unit(name).map(|unit| format!("systemctl restart {unit}"))
    }

    /// The command that restarts a socket unit and what it hands its sockets to; nothing else, if that is called as the unit itself.
    pub fn restart_socket(name: &str, taker: &str) -> Option<String> {
        let mut units = vec![format!("{name}.socket")];
        if !taker.ends_with(".socket") {
            units.push(format!("{taker}.service"));
        }
        let words: Vec<_> = units.iter().map(|unit| shell::word(unit)).collect::<Option<_>>()?;
        let dashes = if units.iter().any(|unit| unit.starts_with('-')) { "-- " } else { "" };
        let is_pattern = units.iter().any(|unit| unit.contains(PATTERN));
        (!is_pattern).then(|| format!("systemctl restart {dashes}{}", words.join(" ")))
    }

    pub fn reload_at(&self, path: &str) -> Option<String> {
        self.own(path, "reload what runs", |at| at.reload.as_ref()).or_else(|| self.reload.clone())
    }

    pub fn check_at(&self, path: &str) -> Option<String> {
        self.own(path, "check", |at| at.check.as_ref()).or_else(|| self.check.clone())
    }

    /// A command of the first place that the path is in; what it would do, where the path makes no sane one.
    fn own<'s>(
        &'s self,
        path: &str,
        what: &str,
        command: impl Fn(&'s ApplyAt) -> Option<&'s String>,
    ) -> Option<String> {
        let mut places = self.at.iter().filter(|_| !path.is_empty());
        let shown = spelled_out(path);
        let (at, groups) = places.find_map(|at| Some((at, at.path.regex()?.captures(&shown)?)))?;
        let template = command(at)?;
        let as_it_is = shown == path || template.starts_with('#') || !template.contains('$');
        let filled = as_it_is.then(|| filled(template, &groups)).flatten();
        Some(filled.unwrap_or_else(|| shell::comment(what, path)))
    }
}

/// The command with the groups of a path in it, each as one word.
fn filled(template: &str, groups: &Captures<'_>) -> Option<String> {
    let is_comment = template.starts_with('#');
    let fill = |word: &str| {
        let mut text = String::new();
        groups.expand(word, &mut text);
        if is_comment { Some(shell::shown(&text)) } else { unit(&text) }
    };
    let words = template.split(' ').map(|word| match word.contains('$') {
        true => fill(word).map(Cow::Owned),
        false => Some(Cow::Borrowed(word)),
    });
    words.collect::<Option<Vec<_>>>().map(|words| words.join(" "))
}

/// What makes a pattern of a name.
const PATTERN: [char; 3] = ['*', '?', '['];

/// A service as systemctl(1) takes it. It matches patterns against the names of all units, and a name that ends as another kind
/// of unit does is that unit: `reboot.target.service` must not be called `reboot.target`.
fn unit(name: &str) -> Option<String> {
    const KINDS: [&str; 11] = [
        ".service",
        ".socket",
        ".device",
        ".mount",
        ".automount",
        ".swap",
        ".target",
        ".path",
        ".timer",
        ".slice",
        ".scope",
    ];
    if name.contains(PATTERN) {
        return None;
    }
    let suffix = if KINDS.iter().any(|kind| name.ends_with(kind)) { ".service" } else { "" };
    shell::argument(&format!("{name}{suffix}")).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::ApplyCommands;
    use crate::knowledge::Knowledge;
    use crate::text::Sources;

    #[test]
    fn a_socket_unit_is_restarted_with_what_takes_it() {
        for (name, taker, command) in [
            ("web", "app", Some("systemctl restart web.socket app.service")),
            ("web@1", "web@1", Some("systemctl restart web@1.socket web@1.service")),
            ("web", "web.socket", Some("systemctl restart web.socket")),
            ("-rf", "$(x)", Some("systemctl restart -- -rf.socket '$(x).service'")),
            ("a*", "app", None),
        ] {
            assert_eq!(ApplyCommands::restart_socket(name, taker).as_deref(), command);
        }
    }

    #[test]
    fn what_is_filled_in_is_a_unit_or_told() {
        let sources = Sources::new();
        let knowledge = Knowledge::load(&sources).unwrap();
        let mut templates = 0;
        for service in knowledge.services() {
            for at in &service.apply.at {
                assert!(at.path.regex().is_some(), "{}: {}", service.name, at.path.text);
                for template in
                    [Some(&at.restart), at.reload.as_ref(), at.check.as_ref()].into_iter().flatten()
                {
                    let filled = template.contains('$');
                    templates += usize::from(filled);
                    assert!(
                        !filled || ["systemctl ", "php-fpm$", "# "].iter().any(|it| template.starts_with(it)),
                        "{template}"
                    );
                }
            }
        }
        assert!(templates > 15, "{templates}");
    }

    #[test]
    fn the_checker_of_php_is_that_of_the_tree() {
        let sources = Sources::new();
        let knowledge = Knowledge::load(&sources).unwrap();
        let apply = &knowledge.service("php-fpm").unwrap().apply;
        for (path, check) in [
            ("etc/php/8.2/fpm/pool.d/www.conf", "php-fpm8.2 -t"),
            ("etc/php5/fpm/pool.d/www.conf", "php5-fpm -t"),
            ("etc/php83/php-fpm.d/www.conf", "php-fpm83 -t"),
            ("etc/php-fpm.d/www.conf", "php-fpm -t"),
        ] {
            assert_eq!(apply.check_at(path).as_deref(), Some(check));
        }
    }

    #[test]
    fn a_name_is_one_word_of_the_command() {
        let sources = Sources::new();
        let knowledge = Knowledge::load(&sources).unwrap();
        let apply = &knowledge.service("gunicorn").unwrap().apply;
        for (name, command) in [
            ("app@1", "systemctl restart app@1"),
            ("$(touch x)", "systemctl restart '$(touch x)'"),
            ("--help", "systemctl restart -- --help"),
            ("reboot.target", "systemctl restart reboot.target.service"),
            ("-.mount", "systemctl restart -- -.mount.service"),
            ("*", "# restart what runs 'etc/systemd/system/*.service'"),
            ("a\nb", r"# restart what runs 'etc/systemd/system/a\nb.service'"),
            ("a\u{fffd}", "# restart what runs 'etc/systemd/system/a\u{fffd}.service'"),
        ] {
            assert_eq!(apply.restart_at(&format!("etc/systemd/system/{name}.service")), command);
        }
        assert_eq!(apply.restart_at("srv/my app/x.py"), "# restart what runs 'srv/my app/x.py'");
        assert_eq!(apply.restart_at("srv/a\nb/x.py"), r"# restart what runs 'srv/a\nb/x.py'");
    }
}
