//! What no server can show: hops, what is not known, what a repository lacks, hostile files.

use proptest::prelude::*;

use super::super::{Seen, Trial};
use super::*;

fn root(text: &str) -> Seen {
    Trial::root("caddy", &[("etc/caddy/Caddyfile", text)]).read()
}

/// The addresses, of which all have Caddy's only backlog.
fn endpoints(seen: &Seen) -> Vec<String> {
    let rows = seen.rows().into_iter();
    rows.map(|row| row.strip_suffix(" -1").expect("the kernel's").to_owned()).collect()
}

#[test]
fn keys_are_taken_apart() {
    let key = |text: &str| Address::parse(text, false, None).map(|it| (it.scheme, it.host, it.port));
    let is = |scheme: &str, host: &str, port| Ok((scheme.to_owned(), host.to_owned(), port));
    assert_eq!(key("Example.com"), is("", "example.com", None));
    assert_eq!(key("https://a:8443/x"), is("https", "a", Some(8443)));
    assert_eq!(key(":80"), is("", "", Some(80)));
    assert_eq!(key("[::1]:81"), is("", "::1", Some(81)));
    assert_eq!(key("[::1]"), is("", "::1", None));
    assert!(key(":8080-8082").is_err());
    assert!(key(":70000").is_err());
    assert!(key("ws://a").is_err());
}

#[test]
fn networks_are_told() {
    assert_eq!(Network::parse("unix//run/c.sock|0222").0, Network::Unix("/run/c.sock".into()));
    assert_eq!(Network::parse("[::1]").0, Network::Tcp("tcp".into(), "::1".into()));
    assert_eq!(Network::parse("tcp4/:2020"), (Network::Tcp("tcp4".into(), String::new()), "2020"));
    assert_eq!(Network::parse("udp/:1").0, Network::Other);
}

#[test]
fn hops_are_the_upstreams() {
    let seen = root(
        ":80 {\n reverse_proxy /api/* 127.0.0.1:9000 app:3000 {\n  to unix//run/app.sock\n  header_up to x:1\n }\n \
         handle {\n  php_fastcgi @php unix//run/php/php-fpm.sock\n  reverse_proxy h2c://grpc:50051 https://far\n }\n \
         reverse_proxy {\n  to 127.0.0.1:9000 {$BACKEND:[::1]:7000} {env.X}:1\n }\n}\n",
    );
    let expected =
        "127.0.0.1:9000, app:3000, /run/app.sock, /run/php/php-fpm.sock, grpc:50051, far:443, [::1]:7000";
    assert_eq!(seen.hops(), [format!("*:80 -> {expected}"), "127.0.0.1:2019 -> ".into()]);
}

#[test]
fn sites_of_one_address_share_it() {
    let seen = root("a.com {\n reverse_proxy a:1\n}\nb.com {\n reverse_proxy b:2\n}\n");
    assert_eq!(endpoints(&seen), ["*:443", "*:80", "127.0.0.1:2019"]);
    assert_eq!(seen.hops()[0], "*:443 -> a:1, b:2");
    assert!(seen.found.listeners.iter().all(|it| it.backlog.slot.is_none()));
}

#[test]
fn what_nobody_sets_is_not_known() {
    let seen = root("{$GLOBAL}\n:{$PORT} {\n bind {$ADDRESS}\n}\n{$HOST}:8443 {\n tls internal\n}\n");
    assert_eq!(seen.problems(), [""; 0]);
    assert_eq!(endpoints(&seen), ["?", "*:8443", "*:80", "127.0.0.1:2019"]);
    assert_eq!(seen.found.listeners[0].notes.len(), 1);
}

#[test]
fn newer_releases_redirect_from_every_address() {
    let seen = root("{\n admin off\n}\na.com {\n bind 127.0.0.1 [::1]\n}\n:80 {\n bind 127.0.0.2\n}\n");
    let expected = ["127.0.0.1:443", "[::1]:443", "127.0.0.2:80", "127.0.0.1:80", "[::1]:80"];
    assert_eq!(endpoints(&seen), expected);
    let wild = root("{\n admin off\n}\na.com {\n}\n:80 {\n bind 127.0.0.2\n}\n");
    assert_eq!(endpoints(&wild), ["*:443", "127.0.0.2:80"]);
}

#[test]
fn inherited_sockets_have_no_backlog_of_ours() {
    let seen = root("{\n admin off\n}\n:80 {\n bind fd/3\n}\n");
    let listener = seen.one();
    assert_eq!((&listener.backlog, listener.steps.len()), (&Ask::default().backlog, 1));
}

#[test]
fn repositories_lack_what_lies_on_the_machine() {
    let files = [
        (
            "caddy/Caddyfile",
            "import /etc/caddy/snippets.caddyfile\nimport /srv/more\n:80 {\n import hello\n}\n",
        ),
        ("caddy/snippets.caddyfile", "(hello) {\n bind 127.0.0.1\n}\n"),
    ];
    let seen = Trial::repository("caddy", &files).read();
    assert_eq!(endpoints(&seen), ["127.0.0.1:80", "127.0.0.1:2019"]);
    assert!(seen.found.problems.iter().all(|problem| problem.kind == ProblemKind::Skipped));
}

#[test]
fn imports_that_multiply_end() {
    let mut text = String::from("(a0) {\n log\n}\n");
    for level in 1..12 {
        let twice = format!(" import a{}\n", level - 1).repeat(9);
        text += &format!("(a{level}) {{\n{twice}}}\n");
    }
    text += ":80 {\n import a11\n}\n(own) {\n import own\n}\n";
    let seen = root(&text);
    assert_eq!(seen.problems().len(), 1);
    assert_eq!(root(":80 {\n import own\n}\n").problems().len(), 1);
    assert_eq!(root("(own) {\n import own\n}\n:80 {\n import own\n}\n").problems().len(), 1);
}

#[test]
fn a_file_that_imports_itself_ends() {
    let cycle = "Lost: a cycle of imports exists between /etc/caddy/Caddyfile and /etc/caddy/Caddyfile";
    assert_eq!(root("import Caddyfile\n").problems(), [cycle]);
}

proptest! {
    #[test]
    fn nothing_panics(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "{", "}", "\n", "import", "(a)", "a", ":80", "bind", "unix//x", "{$A}", "{$A:1}", "http://a", "https://[::1",
            "[::1]:9", ",", "\"", "`", "<<E", "E", "\\", "tls", "x y", "reverse_proxy", "to", "*", "admin", "http_port",
            "{args[0]}", "{block}", "&(r)", "é",
        ]), 0..40)) {
        root(&words.join(" "));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        root(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_configuration_for_another_adapter_is_told() {
    let read = |options: &str| {
        let trial = Trial::root("caddy", &[("srv/edge.json", ":8080\n")]);
        let seen = trial.started(&format!("caddy run --config /srv/edge.json{options}")).read();
        (seen.rows().len(), seen.problems())
    };
    let no_json = "Skipped: this configuration is neither a Caddyfile nor JSON, so its listeners are unknown";
    assert_eq!(read(""), (0, vec![no_json.to_owned()]));
    let other = "Skipped: this configuration is not a Caddyfile, so its listeners are unknown";
    assert_eq!(read(" --adapter nginx"), (0, vec![other.to_owned()]));
    assert_eq!(read(" --adapter caddyfile").1, [""; 0]);
}

#[test]
fn json_says_the_same_for_itself() {
    let servers = r#"{"apps": {"http": {"servers": {"a": {"listen": [":{env.PORT}", "{env.HOST}:81", "udp/:82", ":83-84"],
        "routes": [{"handle": [{"handler": "subroute", "routes": [{"handle": [
            {"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:9000"}, {"dial": "{x}:1"}]}]}]}]}]}}}}}"#;
    let seen = Trial::root("caddy", &[("etc/caddy/edge.json", servers)])
        .started("caddy run -c /etc/caddy/edge.json")
        .read();
    assert_eq!(
        seen.rows(),
        ["? -1", "? -1", "*:83 -1", "*:84 -1", "127.0.0.1:2019 -1", "[::1]:2019 -1"][..5]
    );
    assert_eq!(seen.hops()[2], "*:83 -> 127.0.0.1:9000");
    let of = |text: &str| Trial::repository("caddy", &[("caddy.json", text)]).read();
    assert_eq!(of(servers).rows().len(), 5);
    assert_eq!(of("{}").rows(), [""; 0]);
    assert_eq!(of("[]").problems().len(), 1);
    assert_eq!(of("{").problems().len(), 1);
}

#[test]
fn ports_that_are_none_and_servers_without_end() {
    let of = |servers: &str| {
        let text = format!(
            "{{\"admin\": {{\"listen\": \":x\"}}, \"apps\": {{\"http\": {{\"servers\": {{{servers}}}}}}}}}"
        );
        Trial::repository("caddy", &[("caddy.json", &text)]).read()
    };
    let seen = of(r#""a": {"listen": [":80x"]}"#);
    assert_eq!(seen.rows(), ["? -1", "? -1"]);
    assert!(
        seen.said().contains("`80x` is not a port") && seen.said().contains("`x` is not a port"),
        "{}",
        seen.said()
    );
    let hosts =
        |count: usize| (0..count).map(|number| format!("\"h{number}\"")).collect::<Vec<_>>().join(",");
    let dials = |count: usize| {
        let dial = |number| format!("{{\"dial\": \"10.0.0.1:{number}\"}}");
        (1..=count).map(dial).collect::<Vec<_>>().join(",")
    };
    let server = |hosts: String, dials: String| {
        let handle = format!("[{{\"handler\": \"reverse_proxy\", \"upstreams\": [{dials}]}}]");
        of(&format!(
            "\"a\": {{\"listen\": [\":1-4000\"], \"routes\": [{{\"match\": [{{\"host\": [{hosts}]}}], \"handle\": {handle}}}]}}"
        ))
    };
    let cut = server(hosts(1_000), String::new()).cuts();
    assert_eq!(cut, ["the audit reads only the first 524288 next hops and names of one Caddy"]);
    let cut = server(String::new(), dials(1_000)).cuts();
    assert_eq!(cut, ["the audit reads only the first 524288 next hops and names of one Caddy"]);
}

#[test]
fn commands_serve_by_themselves() {
    for (line, rows) in [
        ("caddy file-server -l :81 --browse", vec!["*:81 -1"]),
        ("caddy file-server --listen $ADDRESS", vec!["? -1"]),
        ("caddy reverse-proxy --from http://example.com --to :9000", vec!["*:80 -1"]),
        ("caddy reverse-proxy --from example.com -r --to :9000", vec!["*:443 -1"]),
        ("caddy respond hello", vec!["? -1"]),
        ("caddy validate --config x", vec![]),
    ] {
        assert_eq!(Trial::root("caddy", &[]).started(line).read().rows(), rows, "{line}");
    }
    let seen = Trial::root("caddy", &[]).started("caddy reverse-proxy --from :81 --to app:82").read();
    assert_eq!(seen.hops(), ["*:81 -> app:82"]);
}
