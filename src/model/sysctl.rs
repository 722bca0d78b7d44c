//! The sysctls of a network namespace: who assigns them, who wins, and what came of every line.

use std::collections::BTreeMap;
use std::path::Path;

use super::Value;
use crate::text::{Edit, Slot, Sources, Span};

/// The keys that decide a queue, in the spelling with dots.
pub mod key {
    pub const SOMAXCONN: &str = "net.core.somaxconn";
    pub const MAX_SYN_BACKLOG: &str = "net.ipv4.tcp_max_syn_backlog";
    pub const SYNCOOKIES: &str = "net.ipv4.tcp_syncookies";
    pub const ABORT_ON_OVERFLOW: &str = "net.ipv4.tcp_abort_on_overflow";
    pub const SYNACK_RETRIES: &str = "net.ipv4.tcp_synack_retries";
    pub const NETDEV_MAX_BACKLOG: &str = "net.core.netdev_max_backlog";
    /// All that are computed.
    pub const ALL: [&str; 6] =
        [SOMAXCONN, MAX_SYN_BACKLOG, SYNCOOKIES, ABORT_ON_OVERFLOW, SYNACK_RETRIES, NETDEV_MAX_BACKLOG];

    /// A key in the spelling with dots. The first separator decides, as in sysctl.d(5).
    pub fn dotted(key: &str) -> String {
        let key = key.trim();
        match key.find(['.', '/']).and_then(|at| key.get(at..=at)) {
            Some("/") => key.replace('/', "."),
            _ => key.to_owned(),
        }
    }
}

/// What became of a line that assigns a key, when systemd-sysctl applies all files at boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is the value in force.
    Wins,
    /// A later line assigns the same key.
    Overridden { by: Span },
    /// Its file is replaced on purpose by another of its name: a link to /dev/null, a file without assignments, or one that
    /// assigns one of its keys.
    Masked { by: Option<Span> },
    /// The kernel refuses the value (EINVAL), and why, in a few words.
    Invalid { why: String },
    /// The line or its file is not applied at boot, and why, in a few words. `by` is what keeps it out (the file that masks
    /// it, the exclusion), if something in the tree does.
    NotApplied { why: String, by: Option<Span> },
}

/// One line that assigns a key, or that was meant to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The key as it counts, in the spelling with dots.
    pub key: String,
    /// The key as written.
    pub key_at: Span,
    /// The value as written, without the blanks around it.
    pub value_at: Span,
    /// The number that the kernel would store; `None` if it refuses the text.
    pub value: Option<i64>,
    /// Written with a leading zero, so that C reads it as octal; what its author will have meant, in decimal.
    pub octal_meant: Option<i64>,
    pub fate: Fate,
    /// Stands in /etc/sysctl.conf, and nothing links to it from sysctl.d; or in what Debian 13 made of that file.
    pub in_sysctl_conf: bool,
    /// The name that it is applied by at boot, where that is a link to its file: `etc/sysctl.d/99-sysctl.conf`.
    pub link: Option<String>,
    /// The number can be changed here.
    pub slot: Option<Slot>,
    /// What would make the line take effect as it was meant to, if that is one change: a key spelled right, octal as decimal.
    pub mend: Option<Edit>,
}

impl Assignment {
    /// The number that the line gives, or would give once it is mended.
    pub fn gives(&self) -> Option<i64> {
        self.value.or_else(|| {
            let mend = self.mend.as_ref().filter(|mend| self.value_at.contains(mend.span))?;
            mend.text.parse().ok()
        })
    }
}

/// A key that the kernel does not know, a small edit away from one that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub key_at: Span,
    pub value_at: Span,
    pub meant: String,
    pub value: Option<i64>,
    pub mend: Option<Edit>,
}

/// A sysctl.d file that does not count as a whole: masked by another of its name, or its name does not end in `.conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredFile {
    pub at: Span,
    pub by: Option<Span>,
    pub why: String,
}

/// One key in one network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sysctl {
    pub key: String,
    /// In force when a service starts after boot: `--set`, else the files, else live, else the kernel's default.
    /// `None` where the default depends on the machine's memory.
    pub value: Option<Value<i64>>,
    /// What systemd-sysctl writes at boot; `None` if no line of the files takes effect.
    pub boot: Option<Value<i64>>,
    /// What `sysctl --system` (procps) leaves behind when an administrator runs it.
    pub system: Option<Value<i64>>,
    /// What says that tuned applies the files of /etc again when it starts, /etc/sysctl.conf last.
    pub again: Option<Span>,
    pub live: Option<Value<i64>>,
    /// The kernel's own, for the version of the place.
    pub default: Option<Value<i64>>,
    /// Every line that assigns the key, in the order in which systemd-sysctl reads the files; lines that are not applied too.
    pub assignments: Vec<Assignment>,
    /// Where a number is put so that it counts at boot: the winning line if it lies under etc/, else a new drop-in that
    /// sorts after every file that assigns the key. `None` where there is no machine to configure (a repository without sysctl files).
    pub slot: Option<Slot>,
}

impl Sysctl {
    /// The number in force, for arithmetic.
    pub fn number(&self) -> Option<i64> {
        self.value.as_ref().map(|value| value.get)
    }

    /// The line that decides the value at boot.
    pub fn winner(&self) -> Option<&Assignment> {
        self.assignments.iter().find(|line| line.fate == Fate::Wins)
    }

    /// The number in /etc/sysctl.conf that `sysctl --system` ends at while the boot ends elsewhere: procps reads that file
    /// last, so no other line changes what it leaves.
    pub fn by_hand(&self, sources: &Sources) -> Option<&Slot> {
        let system = self.system.as_ref().filter(|system| self.boot.as_ref() != Some(system))?;
        let path = sources.get(system.span.source).path()?;
        let slots = self.assignments.iter().filter_map(|line| line.slot.as_ref());
        let mut here = slots.filter(|slot| slot.span.contains(system.span));
        here.find(|_| path == Path::new("etc/sysctl.conf"))
    }

    pub fn is_written(&self) -> bool {
        self.value.as_ref().is_some_and(|value| value.kind == super::Kind::Written)
    }
}

/// All sysctls of a place that matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sysctls {
    /// By key in the spelling with dots; every key of [`key::ALL`] is present.
    pub by_key: BTreeMap<String, Sysctl>,
    pub suspects: Vec<Suspect>,
    pub ignored: Vec<IgnoredFile>,
}

impl Sysctls {
    pub fn get(&self, key: &str) -> Option<&Sysctl> {
        self.by_key.get(key)
    }

    pub fn number(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(Sysctl::number)
    }
}
