//! `backlog-audit.toml` as it is written. The types are the format, and the published schema is made from them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

use super::FailOn;
use crate::model::{Severity, key};

/// A policy of backlog-audit: what is assumed, what counts, what is wanted. Options of the command line win over it.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "backlog-audit.toml", rename = "Policy")]
pub(super) struct PolicyFile {
    /// The kernel that the files will run on, such as 4.18 or 5.15.0-91-generic.
    #[schemars(with = "Option<String>")]
    pub(super) kernel: Option<Spanned<String>>,
    /// Sysctls to assume, whatever the files say.
    pub(super) sysctls: Assumed,
    /// The lowest severity that makes the exit code 1; warning, where nothing is said.
    pub(super) fail_on: Option<FailOn>,
    /// Paths that are left out. Patterns are those of glob(3), `**` stands for any number of folders; they start at the folder
    /// of this file and cover what lies below a match.
    pub(super) exclude: Vec<String>,
    pub(super) rules: RulesTable,
    /// What somebody decided to live with. Comments say the same beside what they are about.
    #[serde(rename = "ignore")]
    #[schemars(with = "Vec<IgnoreTable>")]
    pub(super) ignores: Vec<Spanned<IgnoreTable>>,
    /// Environments in one repository: files that run on machines of their own.
    #[serde(rename = "target")]
    pub(super) targets: Vec<TargetTable>,
    /// Queues that have to have a certain length; where several hold for a listener, the longest.
    #[serde(rename = "minimum")]
    pub(super) minimums: Vec<MinimumTable>,
}

/// Which rules, and how much they count.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Rules")]
pub(super) struct RulesTable {
    /// Only these rules.
    #[schemars(with = "Vec<String>")]
    pub(super) select: Vec<Spanned<String>>,
    /// All but these rules.
    #[schemars(with = "Vec<String>")]
    pub(super) ignore: Vec<Spanned<String>>,
    /// Folders of your own rule files, relative to the folder of this file.
    #[schemars(with = "Vec<String>")]
    pub(super) folders: Vec<Spanned<String>>,
    /// Severities by rule.
    #[schemars(with = "BTreeMap<String, Severity>")]
    pub(super) severity: BTreeMap<Spanned<String>, Severity>,
}

/// Findings that are left out: those that all of path, listener and rule cover.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Ignore")]
pub(super) struct IgnoreTable {
    /// A pattern of paths, as in `exclude`.
    pub(super) path: Option<String>,
    /// A listener by its id or its address, such as nginx:0.0.0.0:80 or 127.0.0.1:8080; `*` stands for any text.
    pub(super) listener: Option<String>,
    /// A rule; all, where none is named.
    #[schemars(with = "Option<String>")]
    pub(super) rule: Option<Spanned<String>>,
    /// Why. One without a reason is reported.
    pub(super) reason: Option<String>,
    /// The last day on which it holds, such as 2026-12-31, without quotes. One that has expired is reported.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub(super) until: Option<Spanned<Datetime>>,
}

/// Files that run on machines of their own.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Target")]
pub(super) struct TargetTable {
    /// What reports call it: staging, production.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// A pattern of paths, as in `exclude`. A file belongs to the first target that covers it.
    pub(super) path: String,
    /// The kernel of these machines.
    #[schemars(with = "Option<String>")]
    pub(super) kernel: Option<Spanned<String>>,
    /// Sysctls to assume for them, beside those that are assumed for all.
    #[serde(default)]
    pub(super) sysctls: Assumed,
}

/// How long the queues of some listeners have to be; of all, where it does not say.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Minimum")]
pub(super) struct MinimumTable {
    /// A service, such as nginx.
    #[schemars(with = "Option<String>")]
    pub(super) service: Option<Spanned<String>>,
    /// A TCP port.
    pub(super) port: Option<u16>,
    /// An address as `ss -lnt` prints it, such as 0.0.0.0:80, or the path of a unix socket.
    pub(super) address: Option<String>,
    /// The length that the queue has to have, as `ss -lnt` shows it under Send-Q.
    #[schemars(with = "u32", range(min = 1))]
    pub(super) at_least: Spanned<u32>,
}

/// Sysctls and their numbers, each with its place. Written without quotes, `net.core.somaxconn = 128` is a table in a table:
/// that means the same.
#[derive(Debug, Default)]
pub(super) struct Assumed(pub(super) Vec<(Spanned<String>, Spanned<i64>)>);

impl<'de> Deserialize<'de> for Assumed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Node::Table(entries) = deserializer.deserialize_map(NodeVisitor)? else {
            return Ok(Self::default());
        };
        let mut all = Vec::new();
        flatten("", entries, &mut all);
        Ok(Self(all))
    }
}

/// A number, or a table of them.
#[derive(Debug)]
enum Node {
    Number(i64),
    Table(Entries),
}

type Entries = Vec<(Spanned<String>, Spanned<Node>)>;

fn flatten(above: &str, entries: Entries, all: &mut Vec<(Spanned<String>, Spanned<i64>)>) {
    for (key, node) in entries {
        let name = format!("{above}{}", key.get_ref());
        let at = node.span();
        match node.into_inner() {
            Node::Number(number) => all.push((Spanned::new(key.span(), name), Spanned::new(at, number))),
            Node::Table(entries) => flatten(&format!("{name}."), entries, all),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, as in \"net.core.somaxconn\" = 128")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Table(entries))
    }
}

impl JsonSchema for Assumed {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sysctls".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let keys = key::ALL.map(|key| (key.to_owned(), serde_json::json!({ "type": "integer" })));
        let keys: serde_json::Map<_, _> = keys.into_iter().collect();
        // A key without quotes is a table in a table.
        json_schema!({ "type": "object", "properties": keys, "additionalProperties": { "type": "object" } })
    }
}
