//! Reports made by hand: what no audit need find to be shown well.

use std::path::PathBuf;

use backlog_audit::model::{
    Apply, CappedBy, Endpoint, Finding, Fix, Host, Kernel, Kind, Label, Listener, Place, PlaceId, PlaceKind,
    Queue, ReadAs, Safety, Setting, Severity, Step, SynQueue, Sysctl, Sysctls, Value, Version, key,
};
use backlog_audit::plan::{Plan, Planned};
use backlog_audit::report::Report;
use backlog_audit::rules::Rules;
use backlog_audit::suppress::Hidden;
use backlog_audit::text::{Edit, Origin, SourceId, Sources, Span};

/// A report in which nothing was found.
pub fn report(sources: Sources, host: Host, plan: Plan) -> Report {
    Report {
        sources,
        host,
        queues: vec![],
        seen: None,
        findings: vec![],
        in_files: 0,
        live_alone: false,
        plan,
        rules: Rules::default(),
        files: 0,
        left_out: 0,
        seen_files: Vec::new(),
        shows_files: false,
        statistics: false,
        fails_on_nothing: false,
        fails_on: None,
        hidden: Hidden::default(),
    }
}

/// A report in the making: one root filesystem on Linux 6.1.
pub struct ByHand(pub Report);

impl ByHand {
    pub fn new() -> Self {
        let sources = Sources::new();
        let version = Value::written(Version::new(6, 1, 0), sources.flag("--kernel", "6.1"));
        let place = Place {
            name: "host".into(),
            kind: PlaceKind::Host,
            read_as: ReadAs::Root,
            top: PathBuf::from("/srv/host"),
            root: None,
            kernel: Kernel::named(version, "6.1", false),
            sysctls: Sysctls::default(),
            openrc: false,
        };
        let host = Host { places: vec![place], ..Host::default() };
        Self(report(sources, host, Plan::default()))
    }

    pub fn file(&mut self, path: &str, text: impl AsRef<[u8]>) -> SourceId {
        self.0.files += 1;
        let origin = Origin::File { root: None, path: PathBuf::from(path) };
        self.0.sources.add(origin, text.as_ref().to_vec())
    }

    /// Where the text stands for the first time.
    pub fn at(&self, file: SourceId, text: &str) -> Span {
        let bytes = self.0.sources.bytes(file);
        let start = bytes.windows(text.len().max(1)).position(|window| window == text.as_bytes());
        let start = start.unwrap_or_else(|| panic!("{text} does not stand in the file"));
        Span::new(file, start..start + text.len())
    }

    pub fn somaxconn(&mut self, at: Span, number: i64) {
        let value = Value::written(number, at);
        let sysctl = Sysctl {
            key: key::SOMAXCONN.into(),
            value: Some(value.clone()),
            boot: Some(value),
            system: None,
            again: None,
            live: None,
            default: None,
            assignments: Vec::new(),
            slot: None,
        };
        self.0.host.places[0].sysctls.by_key.insert(sysctl.key.clone(), sysctl);
    }

    /// A listener that asks at `at` for a number, and what somaxconn leaves of it. Returns its index.
    pub fn listener(&mut self, service: &str, address: &str, at: Span, asked: i64) -> usize {
        let somaxconn =
            self.0.host.places[0].sysctls.get(key::SOMAXCONN).and_then(|it| it.value.clone()).unwrap();
        let endpoint = match address.parse() {
            Ok(socket) => Endpoint::Tcp(socket),
            Err(_) => Endpoint::Unix(address.into()),
        };
        let step = Step { value: Some(asked), what: "asked for here".into(), at };
        let value = Value { get: asked, span: at, kind: Kind::Written };
        let limit = asked.min(somaxconn.get);
        let cut = limit < asked;
        let mut steps = vec![step.clone()];
        let what = if cut { "limited by net.core.somaxconn" } else { "within net.core.somaxconn" };
        steps.push(Step { value: Some(limit), what: what.into(), at: somaxconn.span });
        self.0.host.listeners.push(Listener {
            service: service.into(),
            place: PlaceId(0),
            endpoint,
            interface: None,
            site: at,
            backlog: Setting { value: Some(value), slot: None },
            sockets: Some(1),
            apply: Apply::Restart,
            steps: vec![step],
            notes: Vec::new(),
            internal: false,
            hops: Vec::new(),
            refuses_above_somaxconn: false,
            full: None,
            knob: None,
            unit: None,
        });
        self.0.queues.push(Queue {
            listener: self.0.queues.len(),
            steps,
            requested: Some(asked),
            limit: Some(limit),
            capped_by: cut.then_some(CappedBy::Somaxconn),
            syn: SynQueue { limit: Some(limit), limit_max: None, cookies: true },
        });
        self.0.queues.len() - 1
    }

    pub fn finding(&mut self, rule: &str, severity: Severity, message: &str, at: Span) -> &mut Finding {
        self.0.findings.push(Finding {
            rule: rule.into(),
            severity,
            message: message.into(),
            help: Vec::new(),
            place: PlaceId(0),
            listener: None,
            at,
            labels: Vec::new(),
            fixes: Vec::new(),
        });
        self.0.findings.last_mut().unwrap()
    }

    /// A clamped listener, as the rule tells it, with the fix that serves all of them.
    pub fn clamped(&mut self, service: &str, address: &str, at: Span, asked: i64) {
        let listener = self.listener(service, address, at, asked);
        let sysctl =
            self.0.host.places[0].sysctls.get(key::SOMAXCONN).and_then(|it| it.value.clone()).unwrap();
        let message = format!("{service} asks for a queue of {asked} on {address} and gets {}", sysctl.get);
        let finding = self.finding("queue-clamped", Severity::Warning, &message, sysctl.span);
        finding.listener = Some(listener);
        finding.labels = vec![
            Label::new(at, format!("{asked} asked for")),
            Label::new(sysctl.span, format!("{} allowed", sysctl.get)),
        ];
        finding.fixes = vec![Fix {
            title: format!("raise net.core.somaxconn to {asked}"),
            safety: Safety::Safe,
            set: Vec::new(),
            then: vec![
                format!("sysctl -w net.core.somaxconn={asked}"),
                format!("systemctl restart {service}"),
                format!("ss -lnt 'sport = :{}'", address.rsplit(':').next().unwrap()),
            ],
        }];
        let fix = (self.0.findings.len() - 1, 0);
        match self.0.plan.edits.first_mut() {
            Some(planned) => planned.serves.push(fix),
            None => {
                self.0.plan.edits.push(Planned {
                    id: "e1".into(),
                    edit: Edit { span: sysctl.span, text: "4096".into() },
                    in_patch: true,
                    serves: vec![fix],
                    writes: std::collections::BTreeMap::new(),
                    then: Vec::new(),
                });
            }
        }
    }
}
