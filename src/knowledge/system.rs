//! The systems that kernels run: how a tree tells which release of a distribution it is, the kernels and the C library that
//! each ships, and what tuned sets there. It does not know which sysctl files there are.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::table::{Broken, Lazy, Part, lazy};
use crate::model::{Kind, Value, Version};
use crate::text::{Sources, Tree};

/// Files of os-release(5), the one that counts first.
const OS_RELEASE: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DistributionsFile {
    distribution: Vec<DistributionEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DistributionEntry {
    id: Vec<String>,
    version: String,
    kernel: Spanned<String>,
    #[serde(default)]
    also: Vec<Spanned<String>>,
    build: Option<String>,
    codename: Option<String>,
    libc: Option<String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SystemFile {
    release: ReleaseFiles,
    libc: Vec<LibcEntry>,
    tuned: TunedEntry,
    newest: NewestEntry,
}

/// What names a release where os-release does not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseFiles {
    files: Vec<String>,
    names: Vec<(String, String)>,
    numbers: BTreeMap<String, String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LibcEntry {
    name: String,
    since: Option<Spanned<String>>,
    somaxconn: i64,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TunedEntry {
    profiles: Vec<String>,
    key: String,
    at_least: Spanned<i64>,
    releases: Vec<(String, String)>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewestEntry {
    kernel: Spanned<String>,
    #[serde(rename = "source")]
    _source: String,
}

/// A release of a distribution, as a tree names itself: the ID and VERSION_ID of os-release(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub id: String,
    pub version: String,
}

/// What a release ships.
#[derive(Debug)]
pub struct Distribution {
    ids: Vec<String>,
    version: String,
    pub kernel: Value<Version>,
    /// Others that it comes with.
    pub also: Vec<Version>,
    /// What sets its kernel apart from others of the version.
    pub build: Option<String>,
    codename: Option<String>,
    /// The version of glibc, or `musl`.
    pub libc: Option<String>,
}

/// What tuned(8) sets by the profiles that come with it.
#[derive(Debug)]
pub struct Tuned {
    pub profiles: Vec<String>,
    pub key: String,
    /// The least that the key is then.
    pub at_least: Value<i64>,
    releases: Vec<(String, String)>,
}

impl Tuned {
    /// Whether it is installed and runs on a release unless somebody took it away.
    pub fn runs_on(&self, release: &Release) -> bool {
        self.releases.iter().any(|(id, version)| *id == release.id && *version == release.version)
    }
}

#[derive(Debug)]
struct System {
    release: ReleaseFiles,
    libc: Vec<(String, Option<Version>, i64)>,
    tuned: Tuned,
    newest: Value<Version>,
}

/// All that is known of systems.
#[derive(Debug)]
pub struct Systems {
    /// The text of each release, and what it says.
    pub(super) distributions: Vec<(&'static str, Lazy<Option<Distribution>>)>,
    system: Lazy<Option<System>>,
}

impl Systems {
    pub(super) fn new(distributions: Part, system: Part) -> Self {
        let tables = distributions.tables();
        let read = |table: Part| (table.text(), lazy(move || distribution(table).ok().flatten()));
        Self { distributions: tables.map(read).collect(), system: lazy(move || read_system(system).ok()) }
    }

    /// What a release ships; `8` stands for `8.9` too.
    pub fn distribution(&self, release: &Release) -> Option<&Distribution> {
        let is = |known: &&Distribution| {
            let rest = release.version.strip_prefix(known.version.as_str());
            known.ids.contains(&release.id)
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.naming(&release.id).find(is)
    }

    /// `Ubuntu 18.04`, of our own words.
    pub fn name(&self, known: &Distribution, release: &Release) -> String {
        let id = known.ids.iter().find(|id| **id == release.id).map_or("", String::as_str);
        let names = self.system.as_ref().map_or(&[][..], |system| &system.release.names);
        let title = names.iter().find(|(_, of)| of == id).map_or(id, |(title, _)| title);
        format!("{title} {}", known.version)
    }

    /// The release that a word of an image's tag names: `buster` of `python:3.7-buster`.
    pub fn codenamed(&self, word: &str) -> Option<&Distribution> {
        self.naming(word).find(|known| known.codename.as_deref() == Some(word))
    }

    fn naming<'s>(&'s self, word: &str) -> impl Iterator<Item = &'s Distribution> {
        let named = format!("\"{word}\"");
        let named = self.distributions.iter().filter(move |(text, _)| text.contains(&named));
        named.filter_map(|(_, known)| known.as_ref())
    }

    /// What a tree says it is. A copy of /etc has no os-release, which is a link into /usr: then the files of before say it.
    pub fn release(&self, sources: &Sources, tree: &Tree) -> Option<Release> {
        let read = |path: &str| {
            let source = tree.read(sources, Path::new(path)).ok()?;
            Some(String::from_utf8_lossy(sources.bytes(source)).into_owned())
        };
        if let Some(text) = OS_RELEASE.iter().find_map(|path| read(path)) {
            let field = |name| field(&text, name).map(str::to_owned);
            return Some(Release { id: field("ID")?, version: field("VERSION_ID")? });
        }
        let files = &self.system.as_ref()?.release;
        files.files.iter().find_map(|path| files.named(path, &read(path)?))
    }

    /// The SOMAXCONN of a C library: of a version of glibc, or of `musl`.
    pub fn somaxconn(&self, libc: &str) -> Option<i64> {
        let version = Version::parse(libc).map(|(version, _)| version);
        let name = if version.is_some() { "glibc" } else { libc };
        let old_enough = |since: &Option<Version>| since.is_none_or(|since| version >= Some(since));
        let mut known = self.system.as_ref()?.libc.iter();
        known.find(|(known, since, _)| known == name && old_enough(since)).map(|(_, _, number)| *number)
    }

    pub fn tuned(&self) -> Option<&Tuned> {
        self.system.as_ref().map(|system| &system.tuned)
    }

    /// The newest kernel that is known.
    pub fn newest(&self) -> Option<&Value<Version>> {
        self.system.as_ref().map(|system| &system.newest)
    }
}

impl ReleaseFiles {
    /// `Ubuntu 16.04.3 LTS`: a name, and the first number behind it.
    fn named(&self, path: &str, text: &str) -> Option<Release> {
        if let Some(id) = self.numbers.get(path) {
            let text = text.trim();
            return text
                .starts_with(|c: char| c.is_ascii_digit())
                .then(|| number(text))
                .flatten()
                .map(|version| Release { id: id.clone(), version });
        }
        self.names.iter().find_map(|(name, id)| {
            let (_, rest) = text.split_once(name.as_str())?;
            Some(Release { id: id.clone(), version: number(rest)? })
        })
    }
}

/// The first number of a text; SUSE's service packs are what stands behind the point elsewhere.
fn number(text: &str) -> Option<String> {
    let text = text.get(text.find(|c: char| c.is_ascii_digit())?..)?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(end)?;
    let pack = rest.strip_prefix(" SP").or_else(|| rest.split_once("PATCHLEVEL = ").map(|(_, level)| level));
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    match pack.map(digits).filter(|pack| !pack.is_empty() && pack != "0") {
        Some(pack) => Some(format!("{number}.{pack}")),
        None => Some(number.trim_end_matches('.').to_owned()),
    }
}

/// os-release(5): shell assignments, quoted or not.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim_matches(['"', '\'']))
}

fn distribution(table: Part) -> Result<Option<Distribution>, Broken> {
    let file: DistributionsFile = table.parse()?;
    let one = |entry: DistributionEntry| {
        let get = table.version(&entry.kernel)?;
        let kernel = Value { get, span: table.span(entry.kernel.span()), kind: Kind::Default };
        let also = entry.also.iter().map(|also| table.version(also)).collect::<Result<_, _>>()?;
        let DistributionEntry { id: ids, version, build, codename, libc, .. } = entry;
        Ok(Distribution { ids, version, kernel, also, build, codename, libc })
    };
    file.distribution.into_iter().next().map(one).transpose()
}

fn read_system(part: Part) -> Result<System, Broken> {
    let SystemFile { release, libc, tuned, newest } = part.parse()?;
    let libc = libc.into_iter().map(|entry| {
        let since = entry.since.map(|since| part.version(&since)).transpose()?;
        Ok((entry.name, since, entry.somaxconn))
    });
    let span = part.span(tuned.at_least.span());
    let at_least = Value { get: tuned.at_least.into_inner(), span, kind: Kind::Default };
    let TunedEntry { profiles, key, releases, .. } = tuned;
    let span = part.span(newest.kernel.span());
    Ok(System {
        release,
        libc: libc.collect::<Result<_, Broken>>()?,
        tuned: Tuned { profiles, key, at_least, releases },
        newest: Value { get: part.version(&newest.kernel)?, span, kind: Kind::Default },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;

    fn released(id: &str, version: &str) -> Release {
        Release { id: id.into(), version: version.into() }
    }

    #[test]
    fn a_release_of_a_distribution_stands_for_its_points() {
        let systems = Knowledge::load(&Sources::new()).unwrap().kernel.systems;
        let kernel = |id: &str, version: &str| {
            let found = systems.distribution(&released(id, version));
            found.map(|found| found.kernel.get.to_string())
        };
        assert_eq!(kernel("almalinux", "9.4").as_deref(), Some("5.14"));
        assert_eq!(kernel("debian", "12").as_deref(), Some("6.1"));
        assert_eq!(kernel("ubuntu", "24.04").as_deref(), Some("6.8"));
        assert_eq!(kernel("ol", "9.5").as_deref(), Some("5.15"));
        assert_eq!(kernel("ol", "9.6").as_deref(), Some("6.12"));
        assert_eq!(kernel("amzn", "2").as_deref(), Some("5.10"));
        assert_eq!(kernel("debian", "1"), None);
        assert_eq!(kernel("alpine", "3.2"), None);
        assert_eq!(kernel("arch", ""), None);
    }

    #[test]
    fn every_part_reads_where_it_stands() {
        let sources = Sources::new();
        let systems = Knowledge::load(&sources).unwrap().kernel.systems;
        let reads = |known: &Option<Distribution>| {
            known.as_ref().is_some_and(|it| sources.text(it.kernel.span).starts_with('"'))
        };
        assert!(!systems.distributions.is_empty());
        assert!(systems.distributions.iter().all(|(_, known)| reads(known)));
        assert!(systems.system.is_some());
        assert_eq!(sources.text(systems.tuned().unwrap().at_least.span), "2048");
    }

    #[test]
    fn the_constant_of_the_c_library_is_that_of_its_version() {
        let systems = Knowledge::load(&Sources::new()).unwrap().kernel.systems;
        for (libc, number) in [("2.28", 128), ("2.30", 128), ("2.31", 4096), ("2.41", 4096), ("musl", 128)] {
            assert_eq!(systems.somaxconn(libc), Some(number), "{libc}");
        }
        assert_eq!(systems.codenamed("buster").unwrap().libc.as_deref(), Some("2.28"));
        assert!(systems.codenamed("debian").is_none());
    }

    /// As the packages of the distributions have them.
    #[test]
    fn files_of_before_os_release_name_the_release() {
        let systems = Knowledge::load(&Sources::new()).unwrap().kernel.systems;
        let files = &systems.system.as_ref().unwrap().release;
        for (path, text, id, version) in [
            (
                "etc/lsb-release",
                "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=16.04\nDISTRIB_CODENAME=xenial\n",
                "ubuntu",
                "16.04",
            ),
            ("etc/issue", "Ubuntu 16.04.3 LTS \\n \\l\n", "ubuntu", "16.04.3"),
            ("etc/issue", "Debian GNU/Linux 10 \\n \\l\n", "debian", "10"),
            ("etc/debian_version", "10.13\n", "debian", "10.13"),
            ("etc/alpine-release", "3.19.1\n", "alpine", "3.19.1"),
            ("etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n", "centos", "7.9.2009"),
            (
                "etc/redhat-release",
                "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n",
                "rhel",
                "6.10",
            ),
            ("etc/redhat-release", "Rocky Linux release 8.9 (Green Obsidian)\n", "rocky", "8.9"),
            ("etc/system-release", "Amazon Linux release 2 (Karoo)\n", "amzn", "2"),
            ("etc/system-release", "Amazon Linux AMI release 2018.03\n", "amzn", "2018.03"),
            (
                "etc/issue",
                "\nWelcome to SUSE Linux Enterprise Server 15 SP4 (x86_64) - Kernel \\r (\\l).\n",
                "sles",
                "15.4",
            ),
            (
                "etc/SuSE-release",
                "SUSE Linux Enterprise Server 12 (x86_64)\nVERSION = 12\nPATCHLEVEL = 5\n",
                "sles",
                "12.5",
            ),
        ] {
            assert_eq!(files.named(path, text), Some(released(id, version)), "{path}: {text}");
        }
        for (path, text) in [
            ("etc/debian_version", "stretch/sid\n"),
            ("etc/issue", "\\S\nKernel \\r on an \\m\n"),
            ("etc/issue", ""),
        ] {
            assert_eq!(files.named(path, text), None, "{path}");
        }
    }
}
