//! What the program knows: the lists of rules and services, and a page about each.

mod page;

use serde::Serialize;

use super::{Screen, json};
use crate::knowledge::{Knowledge, Service};
use crate::model::Severity;
use crate::rules::{Rule, Rules};
use page::{Page, Part, Table};

/// How the catalogue is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Human,
    Json,
    Markdown,
}

/// All rules as Markdown files by their names: a page for each and an index.
pub fn rule_files(rules: &Rules) -> Vec<(String, String)> {
    let pages = rules.iter().map(|rule| (rule.id.as_str(), rule_page(rule)));
    files("Rules", "What the rules look for.", rule_table(rules), pages)
}

/// All services, likewise.
pub fn service_files(knowledge: &Knowledge) -> Vec<(String, String)> {
    let pages = knowledge.services().map(|service| (service.name.as_str(), service_page(service)));
    files("Services", "What the audit reads.", service_table(knowledge), pages)
}

fn files<'a>(
    title: &str,
    lead: &str,
    table: Table,
    pages: impl Iterator<Item = (&'a str, Page)>,
) -> Vec<(String, String)> {
    let index = format!("# {title}\n\n{lead}\n\n{}", table.as_index());
    let pages = pages.map(|(name, page)| (format!("{name}.md"), page.as_markdown()));
    std::iter::once(("README.md".to_owned(), index)).chain(pages).collect()
}

/// All rules.
pub fn rules(rules: &Rules, form: Form, screen: &Screen) -> String {
    let table = rule_table(rules);
    match form {
        Form::Json => json::to_text(&rules.iter().map(RuleEntry::of).collect::<Vec<_>>()),
        Form::Markdown => table.as_markdown(),
        Form::Human => table.on_screen(2, screen),
    }
}

/// All services.
pub fn services(knowledge: &Knowledge, form: Form, screen: &Screen) -> String {
    let table = service_table(knowledge);
    match form {
        Form::Json => json::to_text(&knowledge.services().map(ServiceEntry::of).collect::<Vec<_>>()),
        Form::Markdown => table.as_markdown(),
        Form::Human => table.on_screen(2, screen),
    }
}

fn rule_table(rules: &Rules) -> Table {
    let rows = rules.iter().map(|rule| {
        vec![rule.id.clone(), rule.severity.word().to_owned(), rule.words.summary.trim().to_owned()]
    });
    Table { head: vec!["rule", "severity", "what is wrong"], rows: rows.collect() }
}

fn service_table(knowledge: &Knowledge) -> Table {
    let rows = knowledge.services().map(|service| {
        let backlog = service.default("backlog").map_or(String::new(), |value| match value.get {
            ..0 => "somaxconn".to_owned(),
            number => number.to_string(),
        });
        let what = match service.from_source_only {
            true => format!("{} From source only.", service.what.trim()),
            false => service.what.trim().to_owned(),
        };
        vec![service.name.clone(), service.title.clone(), backlog, what]
    });
    Table { head: vec!["service", "name", "default", "what the audit reads"], rows: rows.collect() }
}

/// The page about a rule or a service; `None` if there is none of this name.
pub fn explain(
    id: &str,
    rules: &Rules,
    knowledge: &Knowledge,
    form: Form,
    screen: &Screen,
) -> Option<String> {
    let (page, entry) = match (rules.get(id), knowledge.service(id)) {
        (Some(rule), _) => (rule_page(rule), json::to_text(&RuleEntry::of(rule))),
        (None, Some(service)) => (service_page(service), json::to_text(&ServiceEntry::of(service))),
        (None, None) => return None,
    };
    Some(match form {
        Form::Json => entry,
        Form::Markdown => page.as_markdown(),
        Form::Human => page.on_screen(screen),
    })
}

fn rule_page(rule: &Rule) -> Page {
    let text = |text: &str| vec![Part::Text(text.to_owned())];
    let page = Page {
        title: rule.id.clone(),
        beside: rule.severity.word().to_owned(),
        lead: rule.words.summary.trim().to_owned(),
        sections: Vec::new(),
    };
    page.section("What", text(&rule.words.what))
        .section("Seen as", text(&rule.words.symptom_of(None, None)))
        .section("Why", text(&rule.words.why))
        .section("Example", vec![Part::Code(rule.words.example.clone())])
        .section("Fix", text(&rule.words.fix))
        .section("Services", text(&services_of(rule)))
        .section("Sources", vec![Part::List(rule.words.references.clone())])
}

/// The services that a rule is about.
fn services_of(rule: &Rule) -> String {
    match rule.services() {
        Some(named) => format!("Only {}.", named.join(", ")),
        None => "All that `backlog-audit services` lists.".to_owned(),
    }
}

fn service_page(service: &Service) -> Page {
    let shape = &service.shape;
    let mut files = Vec::new();
    if !shape.places.is_empty() {
        files.push(vec!["in a root".to_owned(), shape.places.join(" ")]);
    }
    if shape.apps {
        files.push(vec!["in application folders".to_owned(), shape.names.join(" ")]);
    }
    files.push(vec!["in a repository".to_owned(), shape.names.join(" ")]);
    let defaults = service.defaults.iter().map(|default| {
        let meant = if default.value.get < 0 { " (net.core.somaxconn)" } else { "" };
        let text = format!("{} {}{meant}, versions {}", default.name, default.value.get, default.versions);
        (text, default.source.clone())
    });
    let apply = &service.apply;
    let commands = [
        ("restart", Some(&apply.restart)),
        ("reload", apply.reload.as_ref()),
        ("check", apply.check.as_ref()),
    ];
    let commands =
        commands.into_iter().filter_map(|(what, command)| Some(vec![what.to_owned(), command?.clone()]));
    let facts = service.facts.iter().map(|fact| (fact.text.clone(), fact.source.clone()));
    let table = |rows| Part::Table(Table { head: Vec::new(), rows });
    let page = Page {
        title: service.title.clone(),
        beside: service.homepage.clone(),
        lead: service.what.trim().to_owned(),
        sections: Vec::new(),
    };
    page.section("Files", vec![table(files)])
        .section("Defaults", vec![Part::Cited(defaults.collect())])
        .section("Apply", vec![table(commands.collect()), Part::Text(apply.source.clone())])
        .section("Facts", vec![Part::Cited(facts.collect())])
        .section("Evidence", vec![Part::Text(evidence(service))])
}

/// Who has confirmed what is known of a service.
fn evidence(service: &Service) -> String {
    let name = &service.name;
    match service.from_source_only {
        true => "From source code only: no real server has confirmed it.".to_owned(),
        false => {
            format!(
                "Tests compare these facts with the real server: tests/cases/services/{name}. A fact that comes from source code alone says so."
            )
        }
    }
}

#[derive(Serialize)]
struct RuleEntry<'a> {
    id: &'a str,
    severity: Severity,
    summary: &'a str,
    what: &'a str,
    symptom: String,
    why: &'a str,
    example: &'a str,
    fix: &'a str,
    references: &'a [String],
}

impl<'a> RuleEntry<'a> {
    fn of(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            severity: rule.severity,
            summary: rule.words.summary.trim(),
            what: rule.words.what.trim(),
            symptom: rule.words.symptom_of(None, None),
            why: rule.words.why.trim(),
            example: rule.words.example.trim(),
            fix: rule.words.fix.trim(),
            references: &rule.words.references,
        }
    }
}

#[derive(Serialize)]
struct ServiceEntry<'a> {
    name: &'a str,
    title: &'a str,
    what: &'a str,
    homepage: &'a str,
    from_source_only: bool,
    /// Patterns from the root.
    places: &'a [String],
    /// Patterns of names, in repositories and application folders.
    names: &'a [String],
    defaults: Vec<DefaultEntry<'a>>,
    restart: &'a str,
    reload: Option<&'a str>,
    check: Option<&'a str>,
    apply_source: &'a str,
    facts: Vec<FactEntry<'a>>,
}

#[derive(Serialize)]
struct DefaultEntry<'a> {
    name: &'a str,
    value: i64,
    versions: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
struct FactEntry<'a> {
    text: &'a str,
    source: &'a str,
}

impl<'a> ServiceEntry<'a> {
    fn of(service: &'a Service) -> Self {
        let defaults = service.defaults.iter().map(|default| DefaultEntry {
            name: &default.name,
            value: default.value.get,
            versions: &default.versions,
            source: &default.source,
        });
        let facts =
            service.facts.iter().map(|fact| FactEntry { text: fact.text.trim(), source: fact.source.trim() });
        Self {
            name: &service.name,
            title: &service.title,
            what: service.what.trim(),
            homepage: &service.homepage,
            from_source_only: service.from_source_only,
            places: &service.shape.places,
            names: &service.shape.names,
            defaults: defaults.collect(),
            restart: &service.apply.restart,
            reload: service.apply.reload.as_deref(),
            check: service.apply.check.as_deref(),
            apply_source: &service.apply.source,
            facts: facts.collect(),
        }
    }
}
