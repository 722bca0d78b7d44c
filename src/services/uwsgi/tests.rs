use crate::services::{Seen, Trial};

fn repository(ini: &str) -> Seen {
    Trial::repository("uwsgi", &[("deploy/uwsgi.ini", ini)]).read()
}

fn debian(ini: &str) -> Seen {
    Trial::root("uwsgi", &[("etc/uwsgi/apps-enabled/shop.ini", ini)]).read()
}

fn started(line: &str) -> Seen {
    Trial::repository("uwsgi", &[]).started(line).read()
}

#[test]
fn a_number_is_put_where_it_stands_or_beside_the_socket() {
    for (ini, longer) in [
        ("[uwsgi]\nsocket = :1\nlisten = 64\n", "[uwsgi]\nsocket = :1\nlisten = 300\n"),
        ("[uwsgi]\nsocket = :1\nx = y\n", "[uwsgi]\nsocket = :1\nlisten = 300\nx = y\n"),
        ("[uwsgi]\nsocket = :1\r\nx = y\r\n", "[uwsgi]\nsocket = :1\r\nlisten = 300\r\nx = y\r\n"),
        (
            "[uwsgi]\nfor = 1 2\nsocket = :%(_)\nendfor =\n",
            "[uwsgi]\nlisten = 300\nfor = 1 2\nsocket = :%(_)\nendfor =\n",
        ),
    ] {
        assert_eq!(repository(ini).set(300).as_deref(), Some(longer));
    }
    for ini in ["listen = 64k", "listen = %(x)", "listen = 064", "if-env = A\nlisten = 5\nendif ="] {
        assert_eq!(repository(&format!("[uwsgi]\nsocket = :1\n{ini}\n")).set(300), None, "{ini}");
    }
    let app = "[uwsgi]\nchdir = /srv\n";
    assert_eq!(debian(app).set(300).as_deref(), Some("[uwsgi]\nlisten = 300\nchdir = /srv\n"));
    let xml = "<uwsgi>\n  <socket>:1</socket>\n</uwsgi>\n";
    let longer = "<uwsgi>\n  <socket>:1</socket>\n  <listen>300</listen>\n</uwsgi>\n";
    assert_eq!(Trial::repository("uwsgi", &[("uwsgi.xml", xml)]).read().set(300).as_deref(), Some(longer));
}

#[test]
fn a_command_line_is_read_from_left_to_right_and_files_without_option_last() {
    let ini = "[uwsgi]\nlisten = 64\n";
    for (line, number) in [
        ("uwsgi --http-socket :1 --listen 65 --ini uwsgi.ini", 64),
        ("uwsgi --http-socket :1 --ini uwsgi.ini --listen 65", 65),
        ("uwsgi --http-socket :1 --ini uwsgi.ini --listen=66", 66),
        ("uwsgi --http-socket :1 uwsgi.ini -l 67", 64),
        ("uwsgi --master -l 68 -s :1", 68),
        ("uwsgi -Ml69 -s :1 --lazy-apps -p 4", 69),
        ("uwsgi --http-socket :1 --enable-threads", 100),
    ] {
        let seen = Trial::repository("uwsgi", &[("uwsgi.ini", ini)]).started(line).read();
        assert_eq!(seen.rows().first(), Some(&format!("0.0.0.0:1 {number}")), "{line}");
    }
}

#[test]
fn a_number_of_the_command_line_is_changed_there() {
    for (line, longer) in [
        ("uwsgi -s :1 --listen 65 -M", "uwsgi -s :1 --listen 300 -M"),
        ("uwsgi -s :1 --listen=65", "uwsgi -s :1 --listen=300"),
        ("uwsgi -s :1 -l65", "uwsgi -s :1 -l300"),
        ("uwsgi -s :1 -M", "uwsgi -s :1 -M --listen 300"),
    ] {
        assert_eq!(started(line).set(300).as_deref(), Some(longer), "{line}");
    }
}

#[test]
fn variables_are_options_and_the_first_of_them() {
    assert_eq!(started("UWSGI_LISTEN=64 uwsgi -s :1").rows(), ["0.0.0.0:1 64"]);
    assert_eq!(started("UWSGI_LISTEN=64 uwsgi -s :1 -l 65").rows(), ["0.0.0.0:1 65"]);
}

#[test]
fn a_router_passes_on_to_its_nodes_or_the_first_socket() {
    for (ini, hops) in [
        ("http = :80\nsocket = /run/a.sock", "/run/a.sock"),
        (
            "http = :80\nhttp-to = /run/b.sock\nhttp-to = app:3031\nsocket = /run/a.sock",
            "/run/b.sock, app:3031",
        ),
        ("https = :80,a.crt,a.key", ""),
    ] {
        let seen = repository(&format!("[uwsgi]\n{ini}\n"));
        assert!(seen.hops().contains(&format!("0.0.0.0:80 -> {hops}")), "{:?}", seen.hops());
    }
}

#[test]
fn a_router_on_the_port_of_a_socket_is_in_its_way() {
    let seen = repository("[uwsgi]\nsocket = :3031\nhttp = :3031\n");
    assert_eq!(seen.problems(), ["Conflict: bind() to 0.0.0.0:3031 failed (98: Address already in use)"]);
    assert_eq!(seen.rows(), ["0.0.0.0:3031 100"]);
}

#[test]
fn what_the_tree_does_not_tell_is_not_guessed() {
    for ini in [
        "listen = 5\nif-env = A\nlisten = 6\nendif =",
        "if-file = /run/flag\nlisten = 6\nendif =",
        "listen = 5\ninclude = /opt/elsewhere.ini",
        "for-glob = /run/*\nlisten = 1%(_)\nendfor =",
    ] {
        let seen = repository(&format!("[uwsgi]\nsocket = :1\n{ini}\n"));
        assert_eq!(seen.rows(), ["0.0.0.0:1 ?"], "{ini}");
        assert!(seen.said().contains("which the files do not show"), "{ini}");
        assert_eq!(seen.problems(), [""; 0], "{ini}");
    }
    for socket in [":$(PORT)", ":{{ port }}", "${host}:80", "%d/app.sock", "*:80", "app.example.com:80"] {
        let seen = repository(&format!("[uwsgi]\nsocket = {socket}\n"));
        assert_eq!(seen.one().endpoint.address(), None, "{socket}");
        assert!(!seen.one().notes.is_empty(), "{socket}");
    }
}

#[test]
fn files_that_others_read_do_not_stand_alone() {
    let files = [
        ("deploy/base.ini", "[uwsgi]\nsocket = :1\n"),
        ("deploy/uwsgi.ini", "[uwsgi]\ninherit = base.ini\nlisten = 64\n"),
        ("vassals/a.ini", "[uwsgi]\nsocket = :2\n"),
        ("emperor.ini", "[uwsgi]\nemperor = /etc/uwsgi/vassals\nvassal-set = listen=65\n"),
    ];
    let mut rows = Trial::repository("uwsgi", &files).read().rows();
    rows.sort();
    assert_eq!(rows, ["0.0.0.0:1 64", "0.0.0.0:2 65"]);
}

#[test]
fn other_files_with_the_section_are_nobodys_fault() {
    for (path, text) in [
        ("app.ini", "[uwsgi]\nini = :uwsgi\n"),
        ("app.ini", "[app:main]\nuse = egg:shop\n[uwsgi]\nthreads = 4\n"),
        ("app.ini", "{\"uwsgi\": {{ x }}}"),
        ("uwsgi.json", "{\"uwsgi\": {{ x }}}"),
    ] {
        let seen = Trial::repository("uwsgi", &[(path, text)]).read();
        assert_eq!((seen.rows(), seen.problems()), (vec![], vec![]), "{text}");
    }
}

#[test]
fn hostile_files_end_soon() {
    for ini in [
        format!("[uwsgi]\n{}", "for = a b c d e f g h i j\nini = :uwsgi\nendfor =\n".repeat(500)),
        format!("[uwsgi]\na = %(a)\nsocket = %(a)\nb = {}\n", "%(b)".repeat(2_000)),
        format!("[uwsgi]\n{}", "ini = :uwsgi\n".repeat(50)),
        format!("[uwsgi]\nfor-times = 99999999\n{}", "socket = :%(_)\n".repeat(1_000)),
        format!("[uwsgi]\n{}", "socket = /run/a%(x + 1)\nx = 5\n".repeat(5_000)),
    ] {
        repository(&ini);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_it_panic(text in r"(\[uwsgi\]\n|(socket|listen|ini|for|if-env|endif|emperor|http|stats) ?= ?|[:%$()/0-9a-z,\[\]@*-]|\n){0,60}") {
        repository(&text);
        debian(&text);
        started(&format!("uwsgi {}", text.replace('\n', " ")));
    }
}
