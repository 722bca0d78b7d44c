//! What no server can show: where numbers are written, hops, what is not known, hostile files.

use proptest::prelude::*;

use super::*;
use crate::services::{Seen, Trial};

const FILE: &str = "etc/haproxy/haproxy.cfg";

fn root(text: &str) -> Seen {
    Trial::root("haproxy", &[(FILE, text)]).read()
}

fn repo(text: &str) -> Seen {
    Trial::repository("haproxy", &[("deploy/haproxy.cfg", text)]).read()
}

/// On a machine with this version.
fn packaged(version: &str, text: &str) -> Seen {
    let status = format!("Package: haproxy\nVersion: {version}\n\n");
    Trial::root("haproxy", &[(FILE, text), ("var/lib/dpkg/status", &status)]).read()
}

#[test]
fn the_number_is_written_where_it_counts() {
    let seen = root(
        "defaults\n backlog 10\nfrontend a\n bind :1 backlog 20 # why\n bind :2 # why\n bind :3 name 'x y'\t\n \
         bind :4 backlog 12k\n bind :5 \"\" ssl\n bind :6,:7\nfrontend b\n bind :8\n backlog \"30\"\n",
    );
    for (port, line) in [
        (1, " bind :1 backlog 4096 # why"),
        (2, " bind :2 backlog 4096 # why"),
        (3, " bind :3 name 'x y' backlog 4096\t"),
        (4, " bind :4 backlog 12k backlog 4096"),
        (6, " bind :6,:7 backlog 4096"),
        (8, " backlog \"4096\""),
    ] {
        let text = seen.set_in(seen.at(&format!("0.0.0.0:{port}")), 4096).unwrap();
        assert!(text.lines().any(|one| one == line), "{text}");
    }
    assert_eq!(seen.set_in(seen.at("0.0.0.0:5"), 4096), None);
}

#[test]
fn connections_go_to_the_servers_of_the_backends_that_are_named() {
    let machine = root(
        "global\n setenv H 10.0.0.1\nfrontend web\n bind :80\n use_backend api if { path /api }\n use_backend %[req.hdr(x)]\n default_backend app\n\
         backend api\n server a 10.0.0.1:8080 check\n server b $H:8080\n server b2 \"$H\":8080\n server c 10.0.0.2:8080 disabled\n\
         backend app\n server-template s 2 app.internal:9000\n server d /run/app.sock\n server e 10.0.0.3\n\
         backend not\n server f 10.0.0.4:1\n\
         listen tcp\n bind :81\n server g 10.0.0.5:1 backup\n server h abns@inner\n",
    );
    assert_eq!(
        machine.hops(),
        [
            "0.0.0.0:80 -> 10.0.0.1:8080, app.internal:9000, /run/app.sock, 10.0.0.3:80",
            "0.0.0.0:81 -> 10.0.0.5:1, @inner",
        ]
    );
    assert_eq!(machine.problems(), [""; 0]);
}

#[test]
fn what_nobody_sets_is_not_guessed_in_a_repository() {
    let text =
        "frontend a\n bind :1 backlog \"$BL\"\n bind :${PORT} backlog 5\n bind :2\n backlog \"${BL-9}\"\n";
    let seen = repo(text);
    assert_eq!(seen.rows(), ["0.0.0.0:1 ?", "? 5", "0.0.0.0:2 ?"]);
    assert!(seen.said().contains("the files do not"), "{}", seen.said());
    assert!(root(text).rows().contains(&"0.0.0.0:2 9".to_owned()));
}

#[test]
fn what_a_condition_decides_that_is_not_known_is_not_known() {
    let machine = root(
        "global\n maxconn 7\n.if feature(OPENSSL)\nfrontend a\n bind :1 backlog 3\n backlog 4\n.else\nfrontend b\n bind :2\n\
         .endif\nfrontend c\n bind :3\n .if feature(QUIC)\n backlog 5\n .endif\n",
    );
    assert_eq!(machine.rows(), ["0.0.0.0:1 3", "0.0.0.0:2 7", "0.0.0.0:3 ?"]);
    assert_eq!(machine.at("0.0.0.0:1").notes.len(), 1);
}

#[test]
fn versions_before_2_0_have_a_number_for_each_proxy() {
    let rows = |version: &str| packaged(version, "global\n maxconn 50\nfrontend a\n bind :1\n").rows();
    assert_eq!(rows("1.8.19-1+deb10u4"), ["0.0.0.0:1 2000"]);
    assert_eq!(rows("2.2.9-2"), ["0.0.0.0:1 50"]);
}

#[test]
fn a_listen_of_old_has_its_address_beside_its_name() {
    assert_eq!(packaged("1.5.8-3", "listen a :1\n backlog 5\n").rows(), ["0.0.0.0:1 5"]);
}

#[test]
fn what_is_no_whole_file_is_not_refused() {
    assert_eq!(repo("frontend a\n bind {{ ip }}:80\n default_backend {{ x }}\nglobal\n").problems(), [""; 0]);
    assert_eq!(repo("backlog 5\nfrontend a\n bind :1\n default_backend elsewhere\n").problems(), [""; 0]);
    assert_eq!(repo("global\nfrontend a\n bind :1\n default_backend elsewhere\n").problems().len(), 1);
}

#[test]
fn a_command_line_says_what_is_read_and_how() {
    let files = [
        (FILE, "global\n maxconn 50\n"),
        ("etc/haproxy/conf.d/10-a.cfg", "defaults\n backlog \"$BL\"\n"),
        ("etc/haproxy/conf.d/20-b.cfg", "frontend a\n bind :1\nfrontend b\n bind :2\n backlog 0\n"),
        ("etc/haproxy/conf.d/b.cfg.off", "frontend c\n bind :3\n"),
    ];
    let started = |arguments: &str, hard: Option<i64>| {
        let trial = Trial::root("haproxy", &files).started(&format!("haproxy -c -f /{FILE}"));
        let line = format!("BL=61 /usr/sbin/haproxy {arguments}");
        let limited = trial.started_as(&line, |command| {
            let limit = |get| Value::written(get, command.at);
            command.open_files = hard.map(|hard| (limit(1024), limit(hard)));
        });
        limited.read()
    };
    let all =
        "-Ws -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d -p /run/haproxy.pid -S /run/m.sock,mode,600";
    let plain = started(all, None);
    assert_eq!(plain.rows(), ["0.0.0.0:1 61", "0.0.0.0:2 50", "/run/m.sock 10"]);
    assert!(plain.at("/run/m.sock").internal);
    let conf = "-f /etc/haproxy/conf.d";
    let limited = format!("0.0.0.0:2 {}", (20000 - 10 - 2 - 3) / 2);
    for (arguments, hard, row) in [
        (format!("{all} -n 40"), None, "0.0.0.0:2 40"),
        (format!("{all} -N 30"), None, "0.0.0.0:2 30"),
        (format!("{conf} -m 16"), None, "0.0.0.0:2 ?"),
        (conf.to_owned(), Some(20000), &limited),
    ] {
        assert_eq!(started(&arguments, hard).rows().get(1).map(String::as_str), Some(row), "{arguments}");
    }
    let assumed = started(conf, None);
    let value = assumed.at("0.0.0.0:2").backlog.value.as_ref().unwrap();
    assert!(value.kind == Kind::Assumed && (262_000..262_144).contains(&value.get), "{value:?}");
}

#[test]
fn a_range_of_all_ports_is_cut_off_and_said() {
    let machine = root("frontend a\n bind :1-65535,[::1]:1-65535\n bind :1-65535\n bind :1-65535\n");
    assert_eq!(machine.found.listeners.len(), MAX_LISTENERS);
    assert_eq!(machine.cuts(), ["the audit reads only the first 4096 listeners of one HAProxy"]);
}

#[test]
fn megabytes_take_no_time() {
    for piece in
        ["a ", "\"$A", "${", "\\x41", "'", ".if (", "frontend a\n bind :1\n use_backend b\n", "bind :1,:2\n"]
    {
        let text = format!("global\nfrontend x\n bind :1 {}\n", piece.repeat(2_000_000 / piece.len()));
        let start = std::time::Instant::now();
        let _ = root(&text);
        assert!(start.elapsed().as_secs() < 20, "{piece}");
    }
    let many: String =
        (0..20_000).map(|n| format!("frontend f{n}\n bind :1\n default_backend b\n")).collect();
    let servers: String = (0..20_000).map(|n| format!(" server s{n} 10.0.0.1:{n}\n")).collect();
    let start = std::time::Instant::now();
    let _ = root(&format!("global\n{many}backend b\n{servers}"));
    assert!(start.elapsed().as_secs() < 20);
}

proptest! {
    #[test]
    fn random_text_does_not_panic(
        words in prop::collection::vec(prop_oneof![
            Just("\n"), Just(" "), Just("frontend a"), Just("bind"), Just(":1-9"), Just("backlog"), Just("-5"), Just("\""),
            Just("'"), Just("\\"), Just("${A-"), Just("}"), Just(".if"), Just("(1"), Just("||"), Just("global"), Just("from"),
            Just("defaults"), Just("peers p"), Just("server"), Just("[::]:1"), Just(","), Just("unix@"), Just("é"), Just("\0"),
        ], 0..60),
    ) {
        let _ = root(&words.concat());
        let _ = root(&words.join(" "));
    }
}
