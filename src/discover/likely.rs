//! What looks as if it were meant for us and is not taken in: templates, files under names that only people know, and what
//! writes one of our sysctls without being a sysctl file. It is told, so that silence means that there was nothing.

use std::borrow::Cow;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::knowledge::{Knowledge, Likely};
use crate::model::key;

/// As much of a file is looked at, in bytes.
pub(super) const GLANCE: u64 = 1 << 20;

/// Files that are looked at for this alone.
pub(super) const MAX_GLANCES: usize = 50_000;

/// Places of one file that may write a sysctl.
pub(super) const MAX_PLACES: usize = 200;

/// Lines above a sysctl in which the table that it stands in is looked for.
const LINES_ABOVE: usize = 12;

/// Lines below the name of a sysctl in which its value is looked for.
const LINES_BELOW: usize = 6;

/// What a file is likely to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// Configuration of a service.
    Config {
        service: String,
        template: bool,
    },
    Sysctl(Mention),
}

/// What a glance at a file came to.
#[derive(Debug, Default)]
pub(super) struct Glanced {
    pub(super) meant: Vec<Meant>,
    /// There are more places than are looked at.
    pub(super) more: bool,
}

/// A line that writes one of our sysctls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// In the spelling with dots.
    pub key: &'static str,
    /// Where it is a literal number.
    pub value: Option<i64>,
    /// It is a container's own.
    pub contained: bool,
    /// Where the key stands.
    pub at: Range<usize>,
}

/// Whether a file is worth a glance, by its name.
pub(super) fn is_worth_it(likely: &Likely, path: &Path, shipped: bool) -> bool {
    let Some(name) = path.file_name().map(OsStrExt::as_bytes) else { return false };
    let end = end_of(name);
    let is = |ends: &[String]| end.is_some_and(|end| ends.iter().any(|it| it.as_bytes() == end));
    let for_people = likely.for_people.iter().any(|start| name.starts_with(start.as_bytes()));
    let aside = is(&likely.aside) || for_people || name.ends_with(b"~");
    let bytes = path.as_os_str().as_bytes();
    match end {
        _ if aside || !shipped && is(&likely.shipped) => false,
        None => true,
        Some(_) => {
            is(&likely.texts)
                || is(&likely.templates)
                || is(&likely.shipped)
                || likely.services_of(bytes).next().is_some()
        }
    }
}

/// What follows the last dot of a name.
fn end_of(name: &[u8]) -> Option<&[u8]> {
    name.get(memchr::memrchr(b'.', name)? + 1..)
}

/// What the name of a template ends in.
pub(super) fn template_end<'p>(likely: &Likely, path: &'p [u8]) -> Option<&'p [u8]> {
    end_of(path).filter(|end| likely.templates.iter().any(|it| it.as_bytes() == *end))
}

/// What a file of this path and content is likely to be: of each sysctl the first line that writes it.
pub(super) fn look(knowledge: &Knowledge, path: &Path, bytes: &[u8]) -> Glanced {
    if memchr::memchr(0, bytes).is_some() || is_report(bytes) {
        return Glanced::default();
    }
    let config = config(knowledge, path.as_os_str().as_bytes(), bytes).into_iter();
    let (found, more) = mentions(bytes);
    Glanced { meant: config.chain(found.into_iter().map(Meant::Sysctl)).collect(), more }
}

/// Whether a file is what this program wrote, or another difference of files: it says again what others say.
fn is_report(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let starts =
        ["--- a/", "--- /dev/null", "diff ", "Audited ", "# After this patch:", "# Written by backlog-audit"];
    let is_ours = || memchr::memmem::find(head, b"backlog-audit").is_some();
    let is_data = || head.trim_ascii_start().starts_with(b"{") || head.starts_with(b"<?xml");
    starts.iter().any(|start| head.starts_with(start.as_bytes())) || is_data() && is_ours()
}

/// Bytes in which a report names its program.
const HEAD: usize = 400;

/// The service whose configuration a file seems to be.
fn config(knowledge: &Knowledge, path: &[u8], bytes: &[u8]) -> Option<Meant> {
    let likely = &*knowledge.likely;
    let end = end_of(path).unwrap_or_default();
    let has = |ends: &[String]| ends.iter().any(|it| it.as_bytes() == end);
    let template = template_end(likely, path).is_some();
    let stripped = path.get(..path.len() - end.len().min(path.len()).saturating_add(1).min(path.len()));
    let made = stripped.filter(|_| template || has(&likely.shipped)).unwrap_or_default();
    let of_made = knowledge.shapes_of(made).into_iter().map(|(name, _)| name);
    let text = without_holes(bytes);
    let fits = |service: &&str| {
        let shape = knowledge.signs_of(service).map(|signs| &signs.shape);
        likely.fits(service, &text) && shape.is_some_and(|shape| shape.looks_right(&text))
    };
    let mut services = of_made.chain(likely.services_of(path)).chain(likely.services_anywhere());
    let service = services.find(fits)?.to_owned();
    Some(Meant::Config { service, template: template || is_filled_in(bytes) })
}

/// A text whose holes are filled in with a word each: `server {{ address }}` opens no block, and `frontend <%= name %>` has a name.
fn without_holes(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(bytes);
    for (open, close) in HOLES {
        let ends = memchr::memmem::Finder::new(close);
        let mut from = 0;
        while let Some(start) = memchr::memmem::find(bytes.get(from..).unwrap_or_default(), open.as_bytes()) {
            let start = from + start;
            let rest = bytes.get(start..bytes.len().min(start + HOLE)).unwrap_or_default();
            // Only comments have lines.
            let line = memchr::memchr(b'\n', rest).filter(|_| open != "{#").unwrap_or(rest.len());
            let rest = rest.get(..line).unwrap_or_default();
            from = start + ends.find(rest).map_or(open.len(), |end| end + close.len());
            let word = if matches!(open, "{%" | "{#" | "<%-") { b' ' } else { b'x' };
            text.to_mut().iter_mut().take(from).skip(start).for_each(|byte| *byte = word);
        }
    }
    text
}

/// No longer hole is looked for, in bytes.
const HOLE: usize = 1_000;

/// How templates open and close what is filled in: Jinja, Go, Mustache; ERB and EPP.
const HOLES: [(&str, &str); 5] = [("{#", "#}"), ("{{", "}}"), ("{%", "%}"), ("<%-", "%>"), ("<%", "%>")];

/// Whether a text has holes that a program fills in.
fn is_filled_in(bytes: &[u8]) -> bool {
    ["{{", "{%", "<%"].iter().any(|hole| memchr::memmem::find(bytes, hole.as_bytes()).is_some())
}

/// The lines that write one of our sysctls, the first of each; and whether there are more places than are looked at.
fn mentions(bytes: &[u8]) -> (Vec<Mention>, bool) {
    let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
    let mut found: Vec<Mention> = Vec::new();
    let Some(keys) = pattern(&KEY, KEYS).filter(|_| has("somaxconn") || has("tcp_")) else {
        return (found, false);
    };
    let mut places = keys.find_iter(bytes).map(|it| it.range());
    for at in places.by_ref().take(MAX_PLACES) {
        let text = bytes.get(at.clone()).unwrap_or_default();
        let Some(key) = key::ALL.into_iter().find(|key| text.ends_with(last_part(key))) else { continue };
        if !found.iter().any(|known| known.key == key)
            && let Some(value) = written(bytes, &at)
        {
            let contained = is_contained(bytes, at.start);
            found.push(Mention { key, value: value.parse().ok(), contained, at });
        }
    }
    (found, places.next().is_some())
}

/// Whether a line is in the sysctls of a container: of compose and of Kubernetes, or options of a command line.
fn is_contained(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(..at).unwrap_or_default();
    let lines = before.rsplit(|byte| *byte == b'\n').take(LINES_ABOVE);
    let names_them = |line: &[u8]| {
        let line = line.trim_ascii();
        let words: [&[u8]; 3] = [b"--sysctl", b"sysctls", b"systemControls"];
        words.iter().any(|word| memchr::memmem::find(line, word).is_some())
    };
    let mut lines = lines.enumerate();
    lines.any(|(above, line)| {
        names_them(line) && (above == 0 || line.trim_ascii().ends_with(b":") || line.ends_with(b"["))
    })
}

fn last_part(key: &str) -> &[u8] {
    key.rsplit('.').next().unwrap_or(key).as_bytes()
}

static KEY: OnceLock<Option<Regex>> = OnceLock::new();
const KEYS: &str =
    r"\bnet[./]core[./]somaxconn\b|\bnet[./]ipv4[./]tcp_(?:max_syn_backlog|syncookies|abort_on_overflow)\b";

/// `= 1024`, `: "1024"`, `=> '1024'`.
static ASSIGNED: OnceLock<Option<Regex>> = OnceLock::new();
const ASSIGNED_BY: &str = r#"^["'`]?[ \t]*(?:=>|:=|=|:)[ \t]*["'`]?([^\s"'`,;})\\]+)"#;

/// `value: 1024`, `"value": "1024"`, `value 1024` of Chef.
static VALUE: OnceLock<Option<Regex>> = OnceLock::new();
const VALUE_BY: &str = r#"\b(?:sysctl_)?val(?:ue)?["']?[ \t]*(?:=>|:|=|[ \t])[ \t]*["']?([^\s"'`,;})]+)"#;

/// What the name of a sysctl follows where its value stands apart: `name:`, `"namespace":`, `sysctl { '`.
static NAMED: OnceLock<Option<Regex>> = OnceLock::new();
const NAMED_BY: &str = r#"(?i)(?:name|namespace|key|sysctl\w*)["']?[ \t]*(?:=>|:|=|\{|\()?[ \t]*["'`\[]?$"#;

/// `echo 1024 >`, `echo 1024 | sudo tee`, before the file of a sysctl.
static ECHOED: OnceLock<Option<Regex>> = OnceLock::new();
const ECHOED_BY: &str = r#"(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?["']?([^\s"'|>]+)[^|>]*(?:>>?|\|.*\btee\b.*)[ \t]*["']?/?[\w./]*$"#;

fn pattern(at: &'static OnceLock<Option<Regex>>, text: &str) -> Option<&'static Regex> {
    // Letters of other scripts beside the words would make it many times as slow.
    at.get_or_init(|| RegexBuilder::new(text).unicode(false).build().ok()).as_ref()
}

/// The value that is given to the sysctl at a place; nothing where it is only read or spoken of.
fn written(bytes: &[u8], key: &Range<usize>) -> Option<String> {
    let start = memchr::memrchr(b'\n', bytes.get(..key.start)?).map_or(0, |at| at + 1);
    let before = bytes.get(start..key.start)?;
    let rest = bytes.get(key.end..)?;
    let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let (after, below) = (rest.get(..end)?, rest.get(end..)?);
    let said = before.trim_ascii_start();
    if ["#", "//", ";", "*", "<!--", "--"].iter().any(|sign| said.starts_with(sign.as_bytes())) {
        return None;
    }
    let before = before.get(before.len().saturating_sub(NEAR)..)?;
    let after = near(after);
    let value = |found: Option<Captures<'_>>| {
        let text = String::from_utf8_lossy(found?.get(1)?.as_bytes()).into_owned();
        let is_value = text.parse::<i64>().is_ok() || text.contains(['$', '{', '<', '@', '%', '.']);
        is_value.then_some(text)
    };
    let assigned = value(pattern(&ASSIGNED, ASSIGNED_BY)?.captures(after));
    let echoed = || value(pattern(&ECHOED, ECHOED_BY)?.captures(before));
    let apart = || {
        if !pattern(&NAMED, NAMED_BY)?.is_match(before) {
            return None;
        }
        let values = pattern(&VALUE, VALUE_BY)?;
        let mut lines = below.split(|byte| *byte == b'\n').skip(1).take(LINES_BELOW);
        // The next entry of a list is another one.
        let own = lines.by_ref().map(near).take_while(|line| !line.trim_ascii_start().starts_with(b"- "));
        value(values.captures(after))
            .or_else(|| own.into_iter().find_map(|line| value(values.captures(line))))
    };
    assigned.or_else(echoed).or_else(apart)
}

/// How far from the name of a sysctl its value stands at most on a line, in bytes.
const NEAR: usize = 512;

fn near(line: &[u8]) -> &[u8] {
    line.get(..NEAR).unwrap_or(line)
}

/// Whether a file is one of those that the kernel's side reads or leaves out for a reason of its own.
pub fn is_sysctl_file(path: &Path) -> bool {
    let folders = ["etc", "run", "usr/local/lib", "usr/lib", "lib"];
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default().as_bytes();
    folders.iter().any(|top| folder.starts_with(Path::new(top).join("sysctl.d")))
        || folder == Path::new("etc") && name.starts_with(b"sysctl.conf")
        || name == b"tuned.conf" && ["etc/tuned", "usr/lib/tuned"].iter().any(|top| folder.starts_with(top))
}

/// A file and what it is likely to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    /// The real path in the tree.
    pub path: PathBuf,
    pub meant: Meant,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Sources;

    fn values(text: &str) -> Vec<(&'static str, Option<i64>)> {
        mentions(text.as_bytes()).0.into_iter().map(|it| (it.key, it.value)).collect()
    }

    #[test]
    fn what_writes_a_sysctl_is_a_mention() {
        let somaxconn = |value| vec![(key::SOMAXCONN, value)];
        for text in [
            "sysctl -w net.core.somaxconn=1024",
            "  - name: net.core.somaxconn\n    value: \"1024\"\n",
            "- sysctl:\n    name: net.core.somaxconn\n    sysctl_set: yes\n    value: 1024\n",
            "- { name: 'net.core.somaxconn', value: 1024 }",
            "sysctl { 'net.core.somaxconn':\n  ensure => present,\n  value => '1024',\n}",
            "sysctl 'net.core.somaxconn' do\n  value 1024\nend",
            "echo 1024 > /proc/sys/net/core/somaxconn",
            "echo 1024 | sudo tee /proc/sys/net/core/somaxconn",
            "echo \"net.core.somaxconn = 1024\" >> /etc/sysctl.conf",
            "{ \"namespace\": \"net.core.somaxconn\", \"value\": \"1024\" }",
            "    sysctls:\n      net.core.somaxconn: 1024\n",
            "docker run --sysctl net.core.somaxconn=1024 redis",
            "\"net.core.somaxconn\" = \"1024\"",
        ] {
            assert_eq!(values(text), somaxconn(Some(1024)), "{text}");
        }
        for text in ["net.core.somaxconn: \"{{ somaxconn }}\"", "sysctl -w net.core.somaxconn=$MAX"] {
            assert_eq!(values(text), somaxconn(None), "{text}");
        }
    }

    #[test]
    fn what_reads_it_or_speaks_of_it_is_none() {
        for text in [
            "# net.core.somaxconn = 1024",
            "cat /proc/sys/net/core/somaxconn",
            "max=$(sysctl -n net.core.somaxconn)",
            "description: net.core.somaxconn: the longest queue",
            "- net.core.somaxconn\n- name: other\n  value: 3\n",
            "- name: net.core.somaxconn\n- name: other\n  value: 3\n",
            "grep -q net.core.somaxconn /etc/sysctl.conf",
            "if [ $(cat /proc/sys/net/core/somaxconn) -lt 512 ]; then",
            "the backlog is cut to somaxconn = 128",
        ] {
            assert_eq!(values(text), [], "{text}");
        }
    }

    #[test]
    fn templates_are_told_by_name_and_content() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        let of = |path: &str, text: &str| match config(&knowledge, path.as_bytes(), text.as_bytes()) {
            Some(Meant::Config { service, .. }) => Some(service),
            _ => None,
        };
        let (server, front) = ("server {\n listen {{ port }};\n}\n", "frontend web\n bind :80\n");
        let vhost = "Listen 8080\n<VirtualHost *:80>\n</VirtualHost>\n";
        for (path, text, service) in [
            ("templates/nginx.conf.j2", server, "nginx"),
            ("templates/site.conf.erb", server, "nginx"),
            ("templates/vhost.j2", server, "nginx"),
            ("nginx.conf.production", server, "nginx"),
            ("templates/haproxy.cfg.erb", front, "haproxy"),
            ("haproxy.cfg-prod", front, "haproxy"),
            ("templates/vhost.erb", vhost, "apache"),
        ] {
            assert_eq!(of(path, text).as_deref(), Some(service), "{path}");
        }
        for (path, text) in [
            ("templates/nginx.conf.j2", "Hello {{ name }}\n"),
            ("templates/site.erb", "<VirtualHost *:80>\n  ServerName <%= name %>\n</VirtualHost>\n"),
            ("application.conf.j2", "http {\n server {\n port = 1\n }\n}\n"),
        ] {
            assert_eq!(of(path, text), None, "{path}");
        }
    }

    #[test]
    fn a_glance_is_for_few() {
        let knowledge = Knowledge::load(&Sources::new()).unwrap();
        let worth = |path: &str, shipped| is_worth_it(&knowledge.likely, Path::new(path), shipped);
        for path in
            ["a/playbook.yml", "run.sh", "Makefile", "nginx.conf.lbu", "nginx.conf.j2", "etc/rc.local"]
        {
            assert!(worth(path, true), "{path}");
        }
        for path in ["README", "README.md", "a.py", "nginx.go", "nginx.conf.orig", "x.png", "nginx.conf~"] {
            assert!(!worth(path, true), "{path}");
        }
        assert!(!worth("etc/nginx/nginx.conf.default", false));
    }
}
