//! `backlog-audit.toml` as it is written. The types are the format, and the published schema is made from them.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

use super::FailOn;
use crate::model::{Severity, key};

/// A policy of backlog-audit: what to assume, what counts, what is required. Command-line options override it.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "backlog-audit.toml", rename = "Policy")]
pub(super) struct PolicyFile {
    /// The kernel that the files will run on, such as 4.18 or 5.15.0-91-generic.
    #[schemars(with = "Option<String>", example = &"5.10")]
    pub(super) kernel: Option<Spanned<String>>,
    /// Another policy, by its path from the folder of this file. Its settings apply unless this file overrides them, and the
    /// lists of both are combined.
    #[schemars(with = "Option<String>", example = &"../policy.toml")]
    pub(super) extend: Option<Spanned<String>>,
    /// Sysctls to assume, whatever the files set.
    pub(super) sysctls: Assumed,
    /// The lowest severity that makes the exit code 1 (default: warning).
    pub(super) fail_on: Option<FailOn>,
    /// Whether the audit fails with exit code 2 if it finds no listener.
    pub(super) fail_on_nothing: Option<bool>,
    /// Paths to leave out. Patterns are those of glob(3), and `**` stands for any number of folders. They start at the folder
    /// of this file, and a match covers everything below it.
    #[schemars(with = "Vec<String>", example = ["legacy"])]
    pub(super) exclude: Vec<Spanned<String>>,
    pub(super) rules: RulesTable,
    /// Findings that the team accepts. A comment next to the line does the same.
    #[serde(rename = "ignore")]
    #[schemars(with = "Vec<IgnoreTable>")]
    pub(super) ignores: Vec<Spanned<IgnoreTable>>,
    /// Environments: files of this repository that run on other machines.
    #[serde(rename = "target")]
    pub(super) targets: Vec<TargetTable>,
    /// The shortest queues that are allowed. If several apply to a listener, the longest counts.
    #[serde(rename = "minimum")]
    pub(super) minimums: Vec<MinimumTable>,
}

/// Which rules to apply, and their severities.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Rules")]
pub(super) struct RulesTable {
    /// Apply only these rules.
    #[schemars(with = "Vec<String>", example = ["queue-clamped"])]
    pub(super) select: Vec<Spanned<String>>,
    /// Apply all rules but these.
    #[schemars(with = "Vec<String>", example = ["queue-tiny"])]
    pub(super) ignore: Vec<Spanned<String>>,
    /// Folders of your own rule files, relative to the folder of this file.
    #[schemars(with = "Vec<String>", example = ["policy/rules"])]
    pub(super) folders: Vec<Spanned<String>>,
    /// Severities by rule.
    #[schemars(with = "BTreeMap<String, Severity>")]
    pub(super) severity: BTreeMap<Spanned<String>, Severity>,
}

/// Findings to hide: those that match path, listener and rule.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Ignore")]
pub(super) struct IgnoreTable {
    /// A pattern of paths, as in `exclude`.
    #[schemars(example = &"deploy/**")]
    pub(super) path: Option<String>,
    /// A listener by its id or its address, such as nginx:0.0.0.0:80 or 127.0.0.1:8080; `*` stands for any text.
    #[schemars(example = &"127.0.0.1:*")]
    pub(super) listener: Option<String>,
    /// A rule (default: all).
    #[schemars(with = "Option<String>", example = &"queue-tiny")]
    pub(super) rule: Option<Spanned<String>>,
    /// The reason. The audit reports an ignore without one.
    #[schemars(example = &"health checks, one at a time")]
    pub(super) reason: Option<String>,
    /// The last day on which it applies, such as 2026-12-31, without quotes. The audit reports one that has expired.
    #[schemars(with = "Option<String>", extend("format" = "date"), example = &"2030-12-31")]
    pub(super) until: Option<Spanned<Datetime>>,
}

/// Files that run on other machines.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Target")]
pub(super) struct TargetTable {
    /// Its name in reports, such as staging or production.
    #[schemars(with = "String", example = &"staging")]
    pub(super) name: Spanned<String>,
    /// A pattern of paths, as in `exclude`. A file belongs to the first target that covers it.
    #[schemars(with = "String", example = &"deploy/staging")]
    pub(super) path: Spanned<String>,
    /// The kernel of these machines.
    #[schemars(with = "Option<String>", example = &"6.1")]
    pub(super) kernel: Option<Spanned<String>>,
    /// Sysctls to assume for them, in addition to those for all.
    #[serde(default)]
    pub(super) sysctls: Assumed,
}

/// The shortest queue that is allowed, for some listeners or for all.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Minimum")]
pub(super) struct MinimumTable {
    /// A service, such as nginx.
    #[schemars(with = "Option<String>", example = &"nginx")]
    pub(super) service: Option<Spanned<String>>,
    /// A TCP port.
    #[schemars(range(min = 1), example = 80)]
    pub(super) port: Option<u16>,
    /// An address as `ss -lnt` prints it, such as 0.0.0.0:80, or the path of a unix socket.
    #[schemars(example = &"0.0.0.0:80")]
    pub(super) address: Option<String>,
    /// The shortest length that is allowed, as `ss -lnt` shows it under Send-Q.
    #[schemars(with = "u32", range(min = 1, max = 2_147_483_647), example = 4096)]
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
        let others = serde_json::json!({ "anyOf": [{ "type": "integer" }, { "type": "object" }] });
        json_schema!({ "type": "object", "properties": keys, "additionalProperties": others })
    }
}
