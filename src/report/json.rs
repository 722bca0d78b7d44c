//! The report as JSON, version 1: the types are the format, and the published schema is made from them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{Report, from_here, plain, secrets};
use crate::model::{
    Apply, CappedBy, FileSeen, Fix, Hop, Kind, Link, Listener, Listening, Place, PlaceKind, Queue, ReadAs,
    Running, Safety, Seen, Severity, Step, Sysctl, Transport, key,
};
use crate::plan::Planned;
use crate::suppress::{Baseline, Entry};
use crate::text::{HashMap, Source, Sources, Span};

/// The keys that `sysctls` always lists; others only where a file assigns them.
const LISTED: [&str; 4] = [key::SOMAXCONN, key::MAX_SYN_BACKLOG, key::SYNCOOKIES, key::ABORT_ON_OVERFLOW];

/// A report of backlog-audit. Keys are never renamed or retyped within a version; new ones may be added.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "backlog-audit report, version 1", rename = "Document")]
pub struct Document<Listeners = Vec<ListenerEntry>, Findings = Vec<FindingEntry>> {
    #[schemars(extend("const" = 1))]
    version: u32,
    tool: Tool,
    /// Network namespaces.
    places: Vec<PlaceEntry>,
    listeners: Listeners,
    /// Sorted by path, place and rule.
    findings: Findings,
    /// What the audit did with every file, if asked for, by root and path.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileSeen>>,
    /// Baseline entries without a finding, if there is a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<Vec<Entry>>,
    summary: Summary,
    /// The state of the running machine, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<Running>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct At {
    /// The audited root, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    /// Relative to the audited root; `builtin:...` for our own tables, `/proc/...` for readings of the running kernel,
    /// `--kernel` and the like for flags.
    path: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlaceEntry {
    id: String,
    /// The audited root, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    kind: PlaceKind,
    /// How the PATH was understood.
    #[serde(rename = "as")]
    read_as: ReadAs,
    /// The folder that paths start at, from the working directory where it lies below that.
    top: String,
    kernel: KernelEntry,
    sysctls: BTreeMap<String, SysctlEntry>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KernelEntry {
    version: String,
    kind: Kind,
    at: At,
}

/// The value in force when a service starts after boot.
#[derive(Debug, Serialize, JsonSchema)]
struct SysctlEntry {
    /// Null where the kernel's default depends on the machine's memory.
    value: Option<i64>,
    kind: Kind,
    at: Option<At>,
    /// The running kernel's value, if it was measured.
    live: Option<i64>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ListenerEntry {
    /// `service:address`, or `service:path:line` where the address is unknown; a second of the same id gets `#2`.
    id: String,
    service: String,
    /// The id of a place.
    place: String,
    transport: Transport,
    /// As `ss` prints it. Null if the files do not show it; then a step says why.
    address: Option<String>,
    /// What opens it.
    at: At,
    backlog: BacklogEntry,
    queue: QueueEntry,
    /// The queue of its socket, the fullest if there are several; only if the machine was measured and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<RunningEntry>,
    syn_queue: SynQueueEntry,
    /// How many sockets, each with its own queue. Null where it depends on the machine.
    sockets: Option<u32>,
    /// What applies a changed backlog.
    apply: Apply,
    /// How the number comes about; the last step's value is the limit.
    steps: Vec<StepEntry>,
    /// Where this listener passes requests to, if anywhere.
    passes_to: Vec<HopEntry>,
}

/// The next hop of a listener.
#[derive(Debug, Serialize, JsonSchema)]
struct HopEntry {
    /// As the files name it: an address, a path, or a name and port.
    address: String,
    /// The id of the listener that it is, if these files have it.
    listener: Option<String>,
    at: At,
}

/// What listen(2) is called with.
#[derive(Debug, Serialize, JsonSchema)]
struct BacklogEntry {
    /// Negative as passed. Null if the files do not show it; then a step says why.
    requested: Option<i64>,
    kind: Option<Kind>,
    at: At,
}

/// The accept queue.
#[derive(Debug, Serialize, JsonSchema)]
struct QueueEntry {
    /// What `ss -lnt` shows as Send-Q.
    limit: Option<i64>,
    /// Connections that wait at most: one more than the limit.
    holds: Option<i64>,
    /// What made it shorter than asked.
    capped_by: Option<CappedBy>,
}

/// The accept queue as it is on the running machine.
#[derive(Debug, Serialize, JsonSchema)]
struct RunningEntry {
    /// Send-Q.
    limit: u32,
    /// Recv-Q.
    queued: u32,
}

/// The queue of half-open connections.
#[derive(Debug, Serialize, JsonSchema)]
struct SynQueueEntry {
    /// Entries that fit; 0 with tcp_syncookies=2.
    limit: Option<i64>,
    /// The larger number, where stable releases differ from the mainline value.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_max: Option<i64>,
    /// Whether a cookie is sent when it is full.
    cookies: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StepEntry {
    /// The number after this step. Null where it is unknown, and for remarks.
    value: Option<i64>,
    what: String,
    at: At,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingEntry {
    /// The rule's id.
    rule: String,
    severity: Severity,
    message: String,
    help: Option<String>,
    /// The id of a listener.
    listener: Option<String>,
    at: At,
    /// Other lines that take part, in the order in which they explain it.
    labels: Vec<LabelEntry>,
    fixes: Vec<FixEntry>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LabelEntry {
    message: String,
    at: At,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FixEntry {
    title: String,
    safety: Safety,
    /// What to run afterwards, in order.
    then: Vec<String>,
    /// An edit that serves several findings has the same id in each; apply it once.
    edits: Vec<EditEntry>,
}

/// Replaces the bytes `start..end` of a file as it is by `text`.
#[derive(Debug, Serialize, JsonSchema)]
struct EditEntry {
    id: String,
    /// The audited root, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    path: String,
    /// The file does not exist yet.
    create: bool,
    start: u32,
    end: u32,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Files that were read.
    pub files: usize,
    /// Files and folders left out because they are not production.
    pub left_out: usize,
    pub listeners: usize,
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    /// Findings that somebody decided to live with; they are not in this report.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ignored: usize,
    /// Findings that the baseline lists; they are not in this report either.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_baseline: usize,
    /// Findings that were there at the revision asked for; neither are they.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unchanged: usize,
}

/// Of what is not done in most audits nothing is said where there is none.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// About the bytes that the entry of a hop takes.
const HOP: usize = 320;

/// A list that is made entry by entry as it is written: that of a large report is larger than its text.
pub(super) struct Each<Entries>(pub(super) Entries);

impl<Entry: Serialize, Entries: Iterator<Item = Entry>, Make: Fn() -> Entries> Serialize for Each<Make> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// The report as one JSON object, with a final newline.
pub fn render(report: &Report) -> String {
    let ids = &report.listener_ids();
    let links = &report.host.links();
    let places = report.host.places.iter();
    let sockets = &report.seen.as_ref().map(Seen::by_listener).unwrap_or_default();
    let around = Around { report, links, ids, sockets };
    let document = Document {
        version: 1,
        tool: Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
        places: places.map(|place| place_entry(place, &report.sources)).collect(),
        listeners: Each(|| report.listeners().map(|one| listener_entry(around, one))),
        findings: Each(|| {
            (0..report.findings.len()).filter_map(|at| finding_entry(report, at, ids, &from_root))
        }),
        files: report.shows_files.then(|| report.seen_files.iter().map(file_entry).collect()),
        fixed: report.hidden.fixed.clone(),
        summary: report.summary(),
        running: report.seen.as_ref().map(|seen| seen.running.clone()),
    };
    // A text of hundreds of megabytes would be copied as it grows, and stand in memory twice.
    let hops: usize = report.host.listeners.iter().map(|listener| listener.hops.len()).sum();
    let mut text = Vec::new();
    // Where there is no room for what may be too large a guess, it grows.
    let _ = text.try_reserve(hops.saturating_mul(HOP));
    match serde_json::to_writer_pretty(&mut text, &document) {
        Ok(()) => harmless(String::from_utf8(text).unwrap_or_default()),
        Err(_) => String::new(),
    }
}

/// A baseline as one JSON object, with a final newline.
pub fn baseline(baseline: &Baseline) -> String {
    to_text(baseline)
}

/// The JSON Schema of [`render`]'s object, with a final newline.
pub fn schema() -> String {
    to_text(&schemars::schema_for!(Document<Vec<ListenerEntry>, Vec<FindingEntry>>))
}

/// What a source is called: the audited root, when there are several, and a path.
pub(super) type Naming<'a> = &'a dyn Fn(&Source) -> (Option<String>, String);

pub(super) fn from_root(source: &Source) -> (Option<String>, String) {
    (source.root().map(str::to_owned), source.name().into_owned())
}

fn at(sources: &Sources, span: Span) -> At {
    at_as(sources, span, &from_root)
}

fn at_as(sources: &Sources, span: Span, naming: Naming<'_>) -> At {
    let (root, path) = naming(sources.get(span.source));
    let position = sources.position(span);
    At {
        root,
        path,
        line: position.line,
        column: position.column,
        end_line: position.end_line,
        end_column: position.end_column,
    }
}

/// `host`, or `web1:host` when there are several roots.
fn place_id(place: &Place) -> String {
    match &place.root {
        Some(root) => format!("{root}:{}", place.name),
        None => place.name.clone(),
    }
}

fn place_entry(place: &Place, sources: &Sources) -> PlaceEntry {
    let kernel = &place.kernel.version;
    let listed = |sysctl: &&Sysctl| LISTED.contains(&sysctl.key.as_str()) || sysctl.is_written();
    PlaceEntry {
        id: place_id(place),
        root: place.root.clone(),
        kind: place.kind,
        read_as: place.read_as,
        top: from_here(&place.top).to_string_lossy().into_owned(),
        kernel: KernelEntry {
            version: kernel.get.to_string(),
            kind: kernel.kind,
            at: at(sources, kernel.span),
        },
        sysctls: place
            .sysctls
            .by_key
            .values()
            .filter(listed)
            .map(|sysctl| (sysctl.key.clone(), sysctl_entry(sysctl, sources)))
            .collect(),
    }
}

fn file_entry(file: &FileSeen) -> FileSeen {
    FileSeen { why: file.why.as_deref().map(secrets::masked), ..file.clone() }
}

fn sysctl_entry(sysctl: &Sysctl, sources: &Sources) -> SysctlEntry {
    let value = sysctl.value.as_ref();
    SysctlEntry {
        value: value.map(|value| value.get),
        kind: value.map_or(Kind::Default, |value| value.kind),
        at: value.map(|value| at(sources, value.span)),
        live: sysctl.live.as_ref().map(|live| live.get),
    }
}

/// What the entry of a listener draws on.
#[derive(Clone, Copy)]
struct Around<'a> {
    report: &'a Report,
    links: &'a [Link],
    ids: &'a [String],
    /// The running sockets of each listener.
    sockets: &'a HashMap<usize, Vec<(usize, &'a Listening)>>,
}

fn listener_entry(around: Around<'_>, (listener, queue): (&Listener, &Queue)) -> ListenerEntry {
    let Around { report, ids, .. } = around;
    let backlog = listener.backlog.value.as_ref();
    let step = |step: &Step| StepEntry {
        value: step.value,
        what: secrets::masked(&step.what),
        at: at(&report.sources, step.at),
    };
    ListenerEntry {
        id: ids.get(queue.listener).cloned().unwrap_or_default(),
        service: listener.service.clone(),
        place: report.host.place(listener.place).map(place_id).unwrap_or_default(),
        transport: listener.endpoint.transport(),
        address: listener.address(),
        at: at(&report.sources, listener.site),
        backlog: BacklogEntry {
            requested: queue.requested,
            kind: backlog.map(|value| value.kind),
            at: at(&report.sources, backlog.map_or(listener.site, |value| value.span)),
        },
        queue: QueueEntry { limit: queue.limit, holds: queue.holds(), capped_by: queue.capped_by },
        running: around.sockets.get(&queue.listener).and_then(|sockets| running_entry(sockets)),
        syn_queue: SynQueueEntry {
            limit: queue.syn.limit,
            limit_max: queue.syn.limit_max,
            cookies: queue.syn.cookies,
        },
        sockets: listener.sockets,
        apply: listener.apply,
        // Remarks come first, so that the last step stays the limit.
        steps: listener.notes.iter().chain(&queue.steps).map(step).collect(),
        passes_to: hop_entries(around, queue.listener, listener),
    }
}

fn hop_entries(around: Around<'_>, index: usize, listener: &Listener) -> Vec<HopEntry> {
    let Around { report, links, ids, .. } = around;
    let first = links.partition_point(|link| link.from < index);
    let mut reached: HashMap<Span, usize> = HashMap::default();
    for link in links.iter().skip(first).take_while(|link| link.from == index) {
        reached.entry(link.at).or_insert(link.to);
    }
    let entry = |hop: &Hop| HopEntry {
        address: hop.to.to_string(),
        listener: reached.get(&hop.at).and_then(|to| ids.get(*to)).cloned(),
        at: at(&report.sources, hop.at),
    };
    listener.hops.iter().map(entry).collect()
}

fn running_entry(sockets: &[(usize, &Listening)]) -> Option<RunningEntry> {
    let (_, fullest) =
        sockets.iter().max_by_key(|(_, socket)| (socket.queued, std::cmp::Reverse(socket.limit)))?;
    Some(RunningEntry { limit: fullest.limit, queued: fullest.queued })
}

pub(super) fn finding_entry(
    report: &Report,
    index: usize,
    ids: &[String],
    naming: Naming<'_>,
) -> Option<FindingEntry> {
    let finding = report.findings.get(index)?;
    let label = |label: &crate::model::Label| LabelEntry {
        message: secrets::masked(&label.message),
        at: at_as(&report.sources, label.at, naming),
    };
    let fixes = finding.fixes.iter().enumerate();
    Some(FindingEntry {
        rule: finding.rule.clone(),
        severity: finding.severity,
        message: secrets::masked(&finding.message),
        help: finding.all_help("\n").as_deref().map(secrets::masked),
        listener: finding.listener.and_then(|listener| ids.get(listener)).cloned(),
        at: at_as(&report.sources, finding.at, naming),
        labels: finding.labels.iter().map(label).collect(),
        fixes: fixes.map(|(fix, it)| fix_entry(report, (index, fix), it, naming)).collect(),
    })
}

fn fix_entry(report: &Report, (finding, fix): (usize, usize), it: &Fix, naming: Naming<'_>) -> FixEntry {
    let edits = report.plan.edits_of(finding, fix);
    FixEntry {
        title: secrets::masked(&it.title),
        safety: it.safety,
        then: report.then_of(finding, fix),
        edits: edits.map(|planned| edit_entry(&report.sources, planned, naming)).collect(),
    }
}

fn edit_entry(sources: &Sources, planned: &Planned, naming: Naming<'_>) -> EditEntry {
    let source = sources.get(planned.edit.span.source);
    let (root, path) = naming(source);
    EditEntry {
        id: planned.id.clone(),
        root,
        path,
        create: source.is_absent(),
        start: planned.edit.span.start,
        end: planned.edit.span.end,
        text: planned.edit.text.clone(),
    }
}

/// Pretty JSON in which no character can harm a terminal, with a final newline.
pub(super) fn to_text(value: &impl Serialize) -> String {
    // Writing our own types to memory does not fail.
    harmless(serde_json::to_string_pretty(value).unwrap_or_default())
}

/// The same on one line.
pub(super) fn to_line(value: &impl Serialize) -> String {
    harmless(serde_json::to_string(value).unwrap_or_default())
}

/// serde_json escapes the controls below U+0020; outside strings there is nothing but line breaks to spare, so the other
/// harmful ones become `\u` escapes too, which mean the same text.
fn harmless(mut text: String) -> String {
    let special = |byte: &u8| !matches!(byte, b' '..=b'~' | b'\n');
    // Without a way out in the middle, so that many bytes are looked at in one step.
    let plain = text.as_bytes().iter().fold(true, |plain, byte| plain & !special(byte));
    let is_harmful = |c: char| c != '\n' && plain::is_harmful(c);
    if !plain && text.contains(is_harmful) {
        let mut shown = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            match c {
                c if !is_harmful(c) => shown.push(c),
                c => shown.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
            }
        }
        text = shown;
    }
    text.push('\n');
    text
}
