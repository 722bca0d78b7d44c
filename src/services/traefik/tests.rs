//! What no server can show: command lines and environments, what is not known, hostile files.

use proptest::prelude::*;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, Value, Variable};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree};

const FILE: &str = "etc/traefik/traefik.yml";

struct Told<'a> {
    files: &'a [(&'a str, &'a str)],
    read_as: ReadAs,
    starter: Starter,
    words: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
    image: Option<&'a str>,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self {
            files: &[],
            read_as: ReadAs::Root,
            starter: Starter::Unit,
            words: &[],
            variables: &[],
            image: None,
        }
    }
}

fn audit(told: &Told<'_>) -> Found {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in told.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let sources = Sources::new();
    let at = sources.flag("command", &told.words.join(" "));
    let word = |text: &&str| Word { text: (*text).into(), span: at, exact: true, open: text.contains("${") };
    let variable = |(name, value): &(&str, &str)| Variable { name: (*name).into(), value: word(value) };
    let command = Command {
        starter: told.starter,
        name: "traefik".into(),
        words: told.words.iter().map(word).collect(),
        environment: told.variables.iter().map(variable).collect(),
        folder: None,
        at,
        room: None,
        open_files: None,
        image: told.image.map(|image| Value::written(image.to_owned(), at)),
    };
    let commands = if told.words.is_empty() { vec![] } else { vec![command] };
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service: knowledge.service("traefik").unwrap(),
        hosts: &Hosts::read(&sources, &tree),
        place: PlaceId(0),
        commands: &commands,
        read_as: told.read_as,
        only: &[],
    };
    let candidate = |(path, _): &(&str, &str)| Candidate {
        path: PathBuf::from(path),
        by_place: path.starts_with("etc/traefik/"),
    };
    read(ground, &told.files.iter().map(candidate).collect::<Vec<_>>())
}

fn endpoints(told: &Told<'_>) -> Vec<String> {
    let found = audit(told);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert!(found.listeners.iter().all(|it| it.backlog.value.as_ref().is_some_and(|value| value.get == -1)));
    found.listeners.iter().map(|listener| listener.endpoint.to_string()).collect()
}

fn file(text: &str) -> Found {
    audit(&Told { files: &[(FILE, text)], ..Told::default() })
}

#[test]
fn arguments_open_entry_points() {
    let words =
        ["traefik", "--entryPoints.web.address=:81", "--ENTRYPOINTS.web.Address=:82", "--api.insecure"];
    assert_eq!(endpoints(&Told { words: &words, ..Told::default() }), ["*:82", "*:8080"]);
    let words = ["traefik", "--entrypoints.web.address=${ADDRESS}", "--entrypoints.x"];
    assert_eq!(endpoints(&Told { words: &words, ..Told::default() }), ["?", "?"]);
}

#[test]
fn a_file_comes_before_arguments_and_those_before_variables() {
    let text = "entryPoints:\n  web:\n    address: :83\n";
    let variables = [("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", ":85")];
    let all = ["/usr/bin/traefik", "--configfile", "/srv/x.yml", "--entrypoints.web.address=:84"];
    let told = Told { files: &[("srv/x.yml", text)], words: &all, variables: &variables, ..Told::default() };
    assert_eq!(endpoints(&told), ["*:83"]);
    assert_eq!(endpoints(&Told { files: &[], ..told }), ["*:84"]);
    let installed =
        Told { files: &[(FILE, text)], words: &["traefik"], variables: &variables, ..Told::default() };
    assert_eq!(endpoints(&installed), ["*:83"]);
    assert_eq!(endpoints(&Told { files: &[], ..installed }), ["*:85"]);
    assert_eq!(endpoints(&Told { words: &["traefik"], ..Told::default() }), ["*:80"]);
    assert!(endpoints(&Told { words: &["traefik", "version"], ..Told::default() }).is_empty());
}

#[test]
fn an_image_starts_what_it_is() {
    let told = Told {
        read_as: ReadAs::Repo,
        starter: Starter::Compose,
        words: &["--providers.docker", "--entrypoints.web.address=:80"],
        image: Some("docker.io/library/traefik:v3.1"),
        ..Told::default()
    };
    assert_eq!(endpoints(&told), ["*:80"]);
    assert!(endpoints(&Told { image: Some("registry.local:5000/other"), ..told }).is_empty());
}

#[test]
fn dynamic_configuration_is_silent() {
    let files = [("traefik/traefik-routes.yml", "http:\n  routers:\n    a:\n      entryPoints: [web]\n")];
    assert!(endpoints(&Told { files: &files, read_as: ReadAs::Repo, ..Told::default() }).is_empty());
    assert_eq!(file("http: {}\n").problems.len(), 1);
}

#[test]
fn toml_knows_its_places() {
    let text = "[entryPoints]\n  [entryPoints.web]\n  address = \":81\"\n[api]\ninsecure = true\n";
    let files = [("etc/traefik/traefik.toml", text), (FILE, "entryPoints:\n  web:\n    address: :82\n")];
    let found = audit(&Told { files: &files, ..Told::default() });
    let sites: Vec<_> = found.listeners.iter().map(|it| &text[it.site.range()]).collect();
    assert_eq!(sites, ["\":81\"", "true"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_panics(text in "(entryPoints|web|address|:80|[\\[\\]{}:.=\"'\n -]|api|insecure|/udp|é){0,30}") {
        file(&text);
        audit(&Told { files: &[("etc/traefik/traefik.toml", &text)], ..Told::default() });
        audit(&Told { words: &["traefik", &text], ..Told::default() });
    }
}
