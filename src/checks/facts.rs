//! What a check looks at: the places and listeners in the scope of one rule, and how messages name them.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::knowledge::{Knowledge, Service};
use crate::model::{
    Finding, Host, Kind, Link, Listener, Minimum, Minimums, NotRead, Place, PlaceId, Problem, Queue, Seen,
    Severity, Step, Sysctl, Transport, Value,
};
use crate::text::{HashMap, HashSet, Origin, Sources, Span};

/// The somaxconn of Linux since 5.4, the most that any version has by itself.
const KERNELS_OWN: i64 = 4096;

/// As long as any queue is made without a policy that wants more: what waits behind thousands is served too late for its client
/// (php/php-src#731 had 65535, at 5000 a second 13 seconds, and went back to 511).
pub(super) const LONG_ENOUGH: i64 = KERNELS_OWN;

/// Everything that one rule is judged on.
pub struct Facts<'a> {
    pub rule: &'a str,
    pub severity: Severity,
    pub sources: &'a Sources,
    pub knowledge: &'a Knowledge,
    pub host: &'a Host,
    pub queues: &'a [Queue],
    /// The running machine, if it was looked at.
    pub seen: Option<&'a Seen>,
    /// Sockets that no file tells of are in the rule's scope too: it names no services.
    pub covers_unknown: bool,
    /// The places in the rule's scope.
    pub places: Vec<(PlaceId, &'a Place)>,
    /// The listeners in the rule's scope.
    pub sockets: Vec<Socket<'a>>,
    /// What readers met, about services in the rule's scope.
    pub problems: Vec<&'a Problem>,
    /// What the policy wants, by what it is wanted of.
    pub minimums: &'a Minimums<'a>,
    /// What is found once somebody asks.
    pub found: Once,
}

/// What is made of the facts when a check first asks for it, so that it is not made again for every socket or place.
#[derive(Default)]
pub struct Once {
    /// Which listener passes on to which.
    links: OnceCell<Vec<Link>>,
    /// The sockets in scope of each place, by their indices.
    in_place: OnceCell<HashMap<PlaceId, Vec<usize>>>,
    /// What the listeners of each place ask for.
    asked: OnceCell<HashMap<PlaceId, Asked>>,
}

#[derive(Default)]
struct Asked {
    /// The most that somebody wrote; i64::MAX where that is all that there is, or may be.
    most: i64,
    /// What programs ask for by themselves.
    defaults: HashSet<i64>,
}

/// A listener and its queue.
#[derive(Clone, Copy)]
pub struct Socket<'a> {
    /// In [`Host::listeners`].
    pub index: usize,
    pub listener: &'a Listener,
    pub queue: &'a Queue,
}

impl<'a> Facts<'a> {
    pub(super) fn links(&self) -> &[Link] {
        self.found.links.get_or_init(|| self.host.links())
    }

    pub(super) fn links_from(&self, listener: usize) -> &[Link] {
        let links = self.links();
        let first = links.partition_point(|link| link.from < listener);
        let from = links.get(first..).unwrap_or_default();
        from.get(..from.partition_point(|link| link.from == listener)).unwrap_or_default()
    }

    pub(super) fn sockets_in(&self, place: PlaceId) -> impl Iterator<Item = &Socket<'a>> {
        let in_place = self.found.in_place.get_or_init(|| {
            let mut in_place: HashMap<PlaceId, Vec<usize>> = HashMap::default();
            for (at, socket) in self.sockets.iter().enumerate() {
                in_place.entry(socket.listener.place).or_default().push(at);
            }
            in_place
        });
        in_place.get(&place).into_iter().flatten().filter_map(|at| self.sockets.get(*at))
    }

    /// The longest minimum that the policy names for a socket.
    pub(super) fn minimum(&self, socket: &Socket<'_>) -> Option<&'a Minimum> {
        self.minimums.longest(socket.listener)
    }

    /// A sysctl and its value in force.
    pub(super) fn sysctl(&self, place: PlaceId, key: &str) -> Option<(&'a Sysctl, &'a Value<i64>)> {
        let sysctl = self.host.place(place)?.sysctls.get(key)?;
        Some((sysctl, sysctl.value.as_ref()?))
    }

    /// The sysctls of all places.
    pub(super) fn sysctls(&self) -> impl Iterator<Item = (PlaceId, &'a Sysctl)> {
        let places = self.places.iter();
        places.flat_map(|(id, place)| place.sysctls.by_key.values().map(|sysctl| (*id, sysctl)))
    }

    /// Whether the kernel of a place takes a number for a sysctl.
    pub(super) fn takes(&self, place: PlaceId, key: &str, value: i64) -> bool {
        let range = self.host.place(place).map(|place| self.knowledge.kernel.range(key, &place.kernel));
        range.is_none_or(|range| (range.min..=range.max).contains(&value))
    }

    pub(super) fn finding(&self, place: PlaceId, at: Span, message: String) -> Finding {
        Finding {
            rule: self.rule.to_owned(),
            severity: self.severity,
            message,
            help: Vec::new(),
            place,
            listener: None,
            at,
            labels: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// What is likely ours and was not taken in, in the rule's scope.
    pub(super) fn not_read(&self) -> impl Iterator<Item = &'a NotRead> {
        self.host.not_read.iter().filter(|_| self.covers_unknown)
    }

    /// The place that a file belongs to.
    pub(super) fn place_of(&self, at: Span) -> PlaceId {
        let root = self.sources.get(at.source).root();
        let mut places = self.host.places.iter();
        PlaceId(places.position(|place| place.root.as_deref() == root).unwrap_or_default())
    }

    /// A finding about the number that a listener asks for.
    pub(super) fn about(&self, socket: &Socket<'_>, message: String) -> Finding {
        let finding = self.finding(socket.listener.place, self.asked_at(socket), message);
        Finding { listener: Some(socket.index), ..finding }
    }

    /// Says what the listener asks for, and whose default it is.
    pub(super) fn label_asked(&self, finding: Finding, socket: &Socket<'a>) -> Finding {
        let Some(backlog) = &socket.listener.backlog.value else { return finding };
        let at = self.asked_at(socket);
        let none = self.written_in_vain(socket).map_or("sets no backlog", |step| step.what.as_str());
        match backlog.get {
            asked if backlog.span != at && asked < 0 => {
                let default = format!("by default {} asks for net.core.somaxconn", self.title(socket));
                finding.label(at, none).label(backlog.span, default)
            }
            _ if backlog.span != at => {
                let default = format!("{} is the default of {}", backlog.get, self.title(socket));
                finding.label(at, none).label(backlog.span, default)
            }
            asked if socket.asks().is_none() => {
                finding.label(at, format!("{asked} means net.core.somaxconn"))
            }
            asked => finding.label(at, format!("asks for {asked}")),
        }
    }

    /// What a file says of a backlog that is none of it: the program ignores it.
    pub(super) fn written_in_vain<'s>(&self, socket: &Socket<'s>) -> Option<&'s Step> {
        let number = socket.listener.backlog.value.as_ref().filter(|number| !self.is_audited(number.span));
        number.and_then(|_| socket.listener.steps.iter().find(|step| self.is_audited(step.at)))
    }

    /// Whether somaxconn is as large as it is for a listener: somebody has one ask for as much as a queue may need, or for a
    /// number that is not known, or a program's default is that very number.
    pub(super) fn has_use_for(&self, place: PlaceId, somaxconn: i64, enough: i64) -> bool {
        let asked = self.found.asked.get_or_init(|| {
            let mut asked: HashMap<PlaceId, Asked> = HashMap::default();
            for queue in self.queues {
                let listener = self.host.listeners.get(queue.listener).filter(|listener| !listener.internal);
                let Some(listener) = listener else { continue };
                let known = asked.entry(listener.place).or_default();
                let number = queue.requested.filter(|asked| *asked >= 0);
                match listener.backlog.value.as_ref().map_or(Kind::Written, |number| number.kind) {
                    Kind::Written => known.most = known.most.max(number.unwrap_or(i64::MAX)),
                    _ => known.defaults.extend(number),
                }
            }
            asked
        });
        let asked = asked.get(&place);
        asked.is_some_and(|asked| asked.most >= enough || asked.defaults.contains(&somaxconn))
    }

    pub(super) fn service(&self, socket: &Socket<'_>) -> Option<&'a Service> {
        self.knowledge.service(&socket.listener.service)
    }

    /// What people call the program: `Apache Tomcat`.
    pub(super) fn title(&self, socket: &Socket<'a>) -> &'a str {
        self.service(socket).map_or(&socket.listener.service, |service| &service.title)
    }

    /// `nginx on 0.0.0.0:80`, or where it is opened if the address is not known; with its root or target where there are
    /// several: `nginx on 0.0.0.0:80 in staging`.
    pub(super) fn name(&self, socket: &Socket<'a>) -> String {
        let (title, within) = (self.title(socket), self.within(socket.listener.place));
        match socket.listener.address() {
            Some(address) => format!("{title} on {address}{within}"),
            None => format!("{title} at {}{within}", self.line(socket.listener.site)),
        }
    }

    /// ` in staging`: what tells a place from others, if there are any.
    pub(super) fn within(&self, place: PlaceId) -> String {
        let label = self.host.place(place).and_then(Place::label);
        label.map_or(String::new(), |label| format!(" in {label}"))
    }

    /// Where a listener's number stands in the audited files, else what opens the listener.
    pub(super) fn asked_at(&self, socket: &Socket<'_>) -> Span {
        match &socket.listener.backlog.value {
            Some(backlog) if self.is_audited(backlog.span) => backlog.span,
            _ => self.written_in_vain(socket).map_or(socket.listener.site, |step| step.at),
        }
    }

    /// `etc/sysctl.d/90-tuning.conf:3`
    pub(super) fn line(&self, at: Span) -> String {
        format!("{}:{}", self.file(at), self.sources.position(at).line)
    }

    pub(super) fn file(&self, at: Span) -> Cow<'a, str> {
        self.sources.get(at.source).name()
    }

    /// Whether a reader of the report can open and change it; false for our own tables and readings of the kernel.
    pub(super) fn is_audited(&self, at: Span) -> bool {
        self.sources.get(at.source).path().is_some()
    }

    /// Whether a value is assumed by the command line or the policy: then no audited file changes it.
    pub(super) fn is_told(&self, at: Span) -> bool {
        matches!(self.sources.get(at.source).origin, Origin::Flag(_) | Origin::Config(_))
    }

    /// Where a sysctl's value comes from, as the label beside it.
    pub(super) fn origin(&self, place: PlaceId, value: &Value<i64>) -> String {
        let number = value.get;
        match (value.kind, self.host.place(place)) {
            (Kind::Assumed, Some(place))
                if place.kernel.version.kind == Kind::Assumed && place.kernel.also.is_empty() =>
            {
                let since = self.knowledge.kernel.since(value);
                format!("assuming {number}, the default{since}, because the kernel is unknown")
            }
            (Kind::Default | Kind::Assumed, Some(place)) => format!("{number}, {}", place.unwritten(value)),
            (Kind::Live, _) => format!("{number} on the running machine"),
            _ => format!("set to {number}"),
        }
    }
}

impl Socket<'_> {
    /// What listen(2) is called with, unless that means "as much as somaxconn allows": a negative number does
    /// (it is compared unsigned), and so does the largest C int, by custom. What is assumed and more than any kernel's own
    /// somaxconn comes from some other limit, such as that of open files: nobody asked for it.
    pub(super) fn asks(&self) -> Option<i64> {
        let wished = |asked: &i64| self.kind() != Some(Kind::Assumed) || *asked <= KERNELS_OWN;
        self.queue.requested.filter(|asked| (0..i64::from(i32::MAX)).contains(asked)).filter(wished)
    }

    /// Whether other machines connect to it.
    pub(super) fn is_outside(&self) -> bool {
        let endpoint = &self.listener.endpoint;
        endpoint.transport() == Transport::Tcp && !endpoint.is_local()
    }

    /// Who chose its number.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.listener.backlog.value.as_ref().map(|backlog| backlog.kind)
    }
}
