//! Network namespaces: where listeners live, and where sysctls are decided.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Idle, Ignore, Kind, Listener, Minimum, NotRead, Problem, Sysctls, Value, ids};
use crate::text::Sources;

/// A Linux version, as far as behaviour depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
    /// The stable release; 0 where it is not given.
    pub patch: u16,
}

impl Version {
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    /// The version that a release starts with, and what follows it: `5.15.0-91-generic` is 5.15.0 and `-91-generic`.
    pub fn parse(release: &str) -> Option<(Self, &str)> {
        let (major, rest) = number(release)?;
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        let (patch, rest) = rest.strip_prefix('.').and_then(number).unwrap_or((0, rest));
        Some((Self { major, minor, patch }, rest))
    }
}

fn number(text: &str) -> Option<(u16, &str)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            0 => write!(f, "{}.{}", self.major, self.minor),
            patch => write!(f, "{}.{}.{patch}", self.major, self.minor),
        }
    }
}

/// The kernel that a place runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    pub version: Value<Version>,
    /// The release as written, e.g. `5.15.0-91-generic`.
    pub release: String,
    /// A vendor's kernel may carry fixes that its version does not tell of.
    pub vendor: bool,
    /// Others that the distribution's release comes with.
    pub also: Vec<Version>,
    /// The distribution's release that it is of: `Ubuntu 18.04`.
    pub of: Option<String>,
    /// What sets a vendor's kernel apart from others of its version, where its release does not say it: `el7`.
    pub build: Option<String>,
}

impl Kernel {
    /// A kernel that somebody named.
    pub fn named(version: Value<Version>, release: &str, vendor: bool) -> Self {
        Self { version, release: release.to_owned(), vendor, also: Vec::new(), of: None, build: None }
    }

    /// Whether it was taken for an older one, the newest that is known.
    pub fn is_newer_than_known(&self) -> bool {
        Version::parse(self.release.trim()).is_some_and(|(version, _)| version > self.version.get)
    }

    /// The other kernels of its distribution's release, in words: `Ubuntu 18.04 also comes with 4.15`.
    pub fn others(&self) -> String {
        let mut others: Vec<String> = self.also.iter().map(Version::to_string).collect();
        let last = others.pop().unwrap_or_default();
        let all = if others.is_empty() { last } else { format!("{} and {last}", others.join(", ")) };
        format!("{} also comes with {all}", self.of.as_deref().unwrap_or("its distribution"))
    }

    /// Whether it is of a vendor's kind of kernels, such as `el7`.
    pub fn is_build(&self, build: &str) -> bool {
        self.build.as_deref() == Some(build) || self.release.contains(&format!(".{build}"))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlaceKind {
    Host,
    Container,
    Pod,
}

impl PlaceKind {
    pub fn word(self) -> &'static str {
        match self {
            PlaceKind::Host => "host",
            PlaceKind::Container => "container",
            PlaceKind::Pod => "pod",
        }
    }
}

/// How a PATH was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReadAs {
    Root,
    Etc,
    Repo,
    File,
}

impl ReadAs {
    pub fn word(self) -> &'static str {
        match self {
            ReadAs::Root => "root",
            ReadAs::Etc => "etc",
            ReadAs::Repo => "repo",
            ReadAs::File => "file",
        }
    }
}

/// A place by its index in [`Host::places`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PlaceId(pub usize);

/// A network namespace: it has sysctls of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `host`, or what reports call the container or pod.
    pub name: String,
    pub kind: PlaceKind,
    pub read_as: ReadAs,
    /// The folder of this machine that holds the tree: paths are relative to it.
    pub top: PathBuf,
    /// The audited tree, when there are several.
    pub root: Option<String>,
    pub kernel: Kernel,
    pub sysctls: Sysctls,
    /// OpenRC starts its services, not systemd.
    pub openrc: bool,
}

impl Place {
    /// Where a sysctl's value comes from that no file of the place writes and no kernel said.
    pub fn unwritten(&self, value: &Value<i64>) -> String {
        let kernel = &self.kernel;
        let mut defaults = self.sysctls.by_key.values().filter_map(|sysctl| sysctl.default.as_ref());
        let assumed = value.kind == Kind::Assumed;
        match defaults.any(|default| default.span == value.span) {
            false if assumed => "assuming tuned's default profile on this release".to_owned(),
            false => "set by tuned's active profile".to_owned(),
            true if assumed && kernel.also.is_empty() => "assuming the default of a modern Linux".to_owned(),
            true if assumed => {
                let own = kernel.version.get;
                format!("assuming the default of Linux {own} ({})", kernel.others())
            }
            true => format!("the default of Linux {}", kernel.version.get),
        }
    }

    /// What tells it from the other places of a report: its root, when there are several, and its target.
    pub fn label(&self) -> Option<String> {
        let target = Some(self.name.as_str()).filter(|name| *name != "host");
        match (&self.root, target) {
            (Some(root), Some(target)) => Some(format!("{root}:{target}")),
            (root, target) => root.as_deref().or(target).map(str::to_owned),
        }
    }
}

/// All that was read: the facts that queues are resolved from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    pub places: Vec<Place>,
    pub listeners: Vec<Listener>,
    pub problems: Vec<Problem>,
    /// What is likely ours and was not taken in.
    pub not_read: Vec<NotRead>,
    /// What a policy wants of the listeners.
    pub minimums: Vec<Minimum>,
    /// What was to be left out of the report, once that is done.
    pub ignores: Vec<Ignore>,
    /// What of the policy, of rules and of the baseline has no effect.
    pub idle: Vec<Idle>,
    /// Rules and the listeners about which they have nothing more to say: somebody decided to live with it.
    pub settled: BTreeSet<(String, usize)>,
}

impl Host {
    pub fn place(&self, id: PlaceId) -> Option<&Place> {
        self.places.get(id.0)
    }

    /// The ids of the listeners in reports, in their order.
    pub fn listener_ids(&self, sources: &Sources) -> Vec<String> {
        let before = |listener: &Listener| {
            let label = self.place(listener.place).and_then(Place::label);
            label.map_or(String::new(), |label| format!("{label}:"))
        };
        ids(self.listeners.iter().map(|listener| (before(listener), listener)), sources)
    }

    /// The listeners of one place, with their indices.
    pub fn listeners_in(&self, id: PlaceId) -> impl Iterator<Item = (usize, &Listener)> {
        self.listeners.iter().enumerate().filter(move |(_, listener)| listener.place == id)
    }
}
