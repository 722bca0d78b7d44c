//! Includes that multiply: links that go round under a pattern of many levels, for every reader that follows patterns or folders.
//! Each audit ends soon, in little memory, and says that it left something out.

mod common;

use common::hostile::Hostile;

/// A folder with ten links to itself, and one file of each kind that is looked for.
fn round(folder: &str) -> Hostile {
    let links = (0..10).fold(Hostile::new(), |tree, n| tree.link(".", &format!("{folder}/l{n}")));
    ["conf", "ini", "load", "caddy", "env"]
        .iter()
        .fold(links, |tree, kind| tree.file(&format!("{folder}/one.{kind}"), ""))
}

/// What a pattern of eight levels is written as.
const LEVELS: &str = "*/*/*/*/*/*/*/*";

/// The audit says that something was cut off.
fn is_told(what: &str, tree: &Hostile) {
    let findings = tree.findings();
    assert!(findings.iter().any(|[rule, ..]| rule == "cut-off"), "{what}: {findings:#?}");
}

#[test]
fn includes_of_links_that_go_round_end() {
    for (path, text) in [
        (
            "etc/nginx/nginx.conf",
            format!("events {{}}\nhttp {{ include /etc/r/{LEVELS}/*.conf; server {{ listen 80; }} }}\n"),
        ),
        ("etc/apache2/apache2.conf", format!("Listen 80\nIncludeOptional /etc/r/{LEVELS}/*.conf\n")),
        ("etc/httpd/conf/httpd.conf", format!("Listen 80\nInclude /etc/r/{LEVELS}/*.conf\n")),
        (
            "etc/php/8.2/fpm/php-fpm.conf",
            format!(
                "[www]\nlisten = 9000\npm = static\npm.max_children = 1\ninclude=/etc/r/{LEVELS}/*.conf\n"
            ),
        ),
        (
            "etc/lighttpd/lighttpd.conf",
            format!("server.port = 80\nserver.document-root = \"/\"\ninclude \"/etc/r/{LEVELS}/*.conf\"\n"),
        ),
        ("etc/caddy/Caddyfile", format!(":80\nimport /etc/r/{LEVELS}/*.caddy\n")),
        ("etc/squid/squid.conf", format!("http_port 3128\ninclude /etc/r/{LEVELS}/*.conf\n")),
        (
            "etc/supervisor/supervisord.conf",
            format!(
                "[supervisord]\n[program:a]\ncommand=gunicorn a:b\n[include]\nfiles = /etc/r/{LEVELS}/*.conf\n"
            ),
        ),
        ("etc/uwsgi-emperor/emperor.ini", format!("[uwsgi]\nemperor = /etc/r/{LEVELS}/*.ini\n")),
        (
            "etc/systemd/system/web.service",
            format!(
                "[Service]\nEnvironmentFile=/etc/r/{LEVELS}/*.env\nExecStart=/usr/bin/gunicorn -b :80 a:b\n"
            ),
        ),
    ] {
        is_told(path, &round("etc/r").file(path, text));
    }
}

#[test]
fn folders_of_links_that_go_round_end() {
    let only_links = (0..10).fold(Hostile::new(), |tree, n| tree.link(".", &format!("etc/r/l{n}")));
    let apache = only_links.file("etc/apache2/apache2.conf", "Listen 80\nIncludeOptional /etc/r\n");
    apache.says("etc/apache2/apache2.conf", "maximum include directory nesting level");
    let stairs =
        (0..19).flat_map(|step| (0..10).map(move |n| (step, n))).fold(Hostile::new(), |tree, (step, n)| {
            tree.link(&format!("../d{}", step + 1), &format!("etc/r/d{step}/l{n}"))
        });
    let apache = stairs
        .file("etc/r/d19/one", "")
        .file("etc/apache2/apache2.conf", "Listen 80\nIncludeOptional /etc/r/d0\n");
    is_told("Apache includes folders that multiply", &apache);
    for (path, text) in [
        ("etc/systemd/system/a.service", "[Service]\nExecStart=/usr/sbin/haproxy -f /etc/r\n"),
        ("etc/uwsgi-emperor/emperor.ini", "[uwsgi]\nemperor = /etc/r\n"),
        ("etc/php/8.2/fpm/php-fpm.conf", "[www]\nlisten = 9000\ninclude=/etc/r\n"),
    ] {
        round("etc/r").file(path, text).findings();
    }
}

#[test]
fn folders_of_a_machine_that_go_round_end() {
    for folder in [
        "etc/nginx",
        "etc/sysctl.d",
        "usr/lib/sysctl.d",
        "etc/systemd/system",
        "srv/app",
        "opt/app",
        "etc/nginx/sites-enabled",
    ] {
        round(folder).link("..", &format!("{folder}/up")).findings();
    }
}

/// Descriptors of folders are kept while a tree is read, and given back: many trees in one audit, and few of them left.
#[test]
fn many_roots_need_few_descriptors() {
    let scratch = tempfile::tempdir().unwrap();
    let roots: Vec<_> = (0..10).map(|root| scratch.path().join(root.to_string())).collect();
    for root in &roots {
        for site in 0..100 {
            let folder = root.join(format!("etc/nginx/d/{site}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("a.conf"), format!("server {{ listen {}; }}\n", 1000 + site)).unwrap();
        }
        std::fs::write(root.join("etc/nginx/nginx.conf"), "events {}\nhttp { include d/*/*.conf; }\n")
            .unwrap();
    }
    for descriptors in ["256", "24"] {
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -n $0; exec \"$@\"", descriptors, env!("CARGO_BIN_EXE_backlog-audit")])
            .args(["--offline", "--as", "root", "--fail-on", "never", "--format", "json"])
            .args(&roots)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["listeners"].as_array().unwrap().len(), 1_000, "{descriptors}");
    }
}
