//! What one Apache was told: its Listens, its ListenBacklogs, its virtual hosts and where they pass requests on to.

use std::collections::{BTreeMap, HashSet};

use super::address::{Answers, Host};
use super::hops::Pass;
use crate::model::Problem;
use crate::syntax::directives::Text;
use crate::text::Span;

/// What one Apache was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) listens: Vec<Listen>,
    /// Every ListenBacklog; the last one counts.
    pub(super) backlogs: Vec<Backlog>,
    /// The last ListenCoresBucketsRatio.
    pub(super) ratio: Option<Span>,
    /// The LoadModule of mod_cgid.
    pub(super) cgid: Option<Span>,
    pub(super) hosts: Vec<VirtualHost>,
    /// Outside of any VirtualHost: every one inherits it.
    pub(super) passes: Vec<Pass>,
    pub(super) balancers: BTreeMap<String, Vec<Pass>>,
    pub(super) problems: Vec<Problem>,
}

impl Told {
    /// One Apache that is told the other's, too.
    pub(super) fn take_in(&mut self, other: Told) {
        self.listens.extend(other.listens);
        self.backlogs.extend(other.backlogs);
        self.ratio = other.ratio.or(self.ratio);
        self.cgid = other.cgid.or(self.cgid);
        self.hosts.extend(other.hosts);
        self.passes.extend(other.passes);
        for (name, members) in other.balancers {
            self.balancers.entry(name).or_default().extend(members);
        }
    }

    /// Whether both listen on some port.
    pub(super) fn shares_port(&self, other: &Told) -> bool {
        let port = |listen: &Listen| listen.address.as_ref().ok().map(|(_, port)| *port);
        let own: HashSet<u16> = self.listens.iter().filter_map(port).collect();
        other.listens.iter().filter_map(port).any(|port| own.contains(&port))
    }

    /// A copy of what does not listen.
    pub(super) fn shared(&self) -> Told {
        Told {
            listens: Vec::new(),
            backlogs: self.backlogs.clone(),
            ratio: self.ratio,
            cgid: self.cgid,
            hosts: self.hosts.clone(),
            passes: self.passes.clone(),
            balancers: self.balancers.clone(),
            problems: Vec::new(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Listen {
    /// The directive.
    pub(super) at: Span,
    /// Why the address is not known, where it is not.
    pub(super) address: Result<(Host, u16), String>,
    /// What it depends on that these files do not tell.
    pub(super) only_if: Option<String>,
    /// A line can be put before it: it is a line of a file, once.
    pub(super) room: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Backlog {
    pub(super) at: Span,
    pub(super) word: Text,
    /// What it depends on that these files do not tell.
    pub(super) only_if: Option<String>,
    /// What listen(2) is called with; why that is not known, where it is not.
    pub(super) number: Result<i64, String>,
}

#[derive(Debug, Clone)]
pub(super) struct VirtualHost {
    pub(super) answers: Vec<Answers>,
    pub(super) passes: Vec<Pass>,
}
