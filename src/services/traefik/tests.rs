//! What no server can show: command lines and environments, what is not known, hostile files.

use proptest::prelude::*;

use super::super::{Seen, Trial};
use super::*;
use crate::model::Value;

const FILE: &str = "etc/traefik/traefik.yml";

fn root(files: &[(&str, &str)]) -> Trial {
    Trial::root("traefik", files)
}

/// Something starts it in a machine of these files, as a unit does.
fn started(files: &[(&str, &str)], line: &str) -> Seen {
    root(files).started_as(line, |command| command.starter = Starter::Unit).read()
}

/// The addresses of a Traefik that starts, of which all have its only backlog.
fn endpoints(seen: &Seen) -> Vec<String> {
    assert_eq!(seen.problems(), [""; 0]);
    let rows = seen.rows().into_iter();
    rows.map(|row| row.strip_suffix(" -1").expect("the kernel's").to_owned()).collect()
}

#[test]
fn arguments_open_entry_points() {
    let line = "traefik --entryPoints.web.address=:81 --ENTRYPOINTS.web.Address=:82 --api.insecure";
    assert_eq!(endpoints(&started(&[], line)), ["*:82", "*:8080"]);
    let open = started(&[], "traefik --entrypoints.web.address=${ADDRESS} --entrypoints.x");
    assert_eq!(endpoints(&open), ["?", "?"]);
}

#[test]
fn a_file_comes_before_arguments_and_those_before_variables() {
    let text = "entryPoints:\n  web:\n    address: :83\n";
    let all = "TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:85 /usr/bin/traefik --configfile /srv/x.yml \
               --entrypoints.web.address=:84";
    assert_eq!(endpoints(&started(&[("srv/x.yml", text)], all)), ["*:83"]);
    assert_eq!(endpoints(&started(&[], all)), ["*:84"]);
    let variable = "TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:85 traefik";
    assert_eq!(endpoints(&started(&[(FILE, text)], variable)), ["*:83"]);
    assert_eq!(endpoints(&started(&[], variable)), ["*:85"]);
    assert_eq!(endpoints(&started(&[], "traefik")), ["*:80"]);
    assert!(endpoints(&started(&[], "traefik version")).is_empty());
}

#[test]
fn an_image_starts_what_it_is() {
    let of_image = |image: &str| {
        let line = "--providers.docker --entrypoints.web.address=:80";
        let trial = Trial::repository("traefik", &[]).started_as(line, |command| {
            command.starter = Starter::Compose;
            command.image = Some(Value::written(image.to_owned(), command.at));
        });
        endpoints(&trial.read())
    };
    assert_eq!(of_image("docker.io/library/traefik:v3.1"), ["*:80"]);
    assert!(of_image("registry.local:5000/other").is_empty());
}

#[test]
fn dynamic_configuration_is_silent() {
    let routes = "http:\n  routers:\n    a:\n      entryPoints: [web]\n";
    let seen = Trial::repository("traefik", &[("traefik/traefik-routes.yml", routes)]).read();
    assert!(endpoints(&seen).is_empty());
    assert_eq!(root(&[(FILE, "http: {}\n")]).read().problems().len(), 1);
}

#[test]
fn toml_knows_its_places() {
    let text = "[entryPoints]\n  [entryPoints.web]\n  address = \":81\"\n[api]\ninsecure = true\n";
    let other = "entryPoints:\n  web:\n    address: :82\n";
    let seen = root(&[("etc/traefik/traefik.toml", text), (FILE, other)]).read();
    let sites: Vec<_> = seen.found.listeners.iter().map(|it| &text[it.site.range()]).collect();
    assert_eq!(sites, ["\":81\"", "true"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nothing_panics(text in "(entryPoints|web|address|:80|[\\[\\]{}:.=\"'\n -]|api|insecure|/udp|é){0,30}") {
        root(&[(FILE, &text)]).read();
        root(&[("etc/traefik/traefik.toml", &text)]).read();
        started(&[], &format!("traefik {text}"));
    }
}
