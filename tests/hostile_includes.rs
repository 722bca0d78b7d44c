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

/// Arguments and lists that double each other forty times.
#[test]
fn arguments_that_double_end() {
    let steps = |step: fn(usize) -> String| (0..40).map(step).collect::<String>();
    let macros = steps(|n| format!("<Macro m{n} $a>\nUse m{0} $a$a\nUse m{0} $a$a\n</Macro>\n", n + 1));
    let apache = format!("{macros}<Macro m40 $a>\nListen $a\n</Macro>\nUse m0 80\n");
    Hostile::new()
        .file("etc/apache2/apache2.conf", apache)
        .says("etc/apache2/apache2.conf", "cannot substitute, buffer size too small");
    let value = format!("Define a {}\n{}", "x".repeat(1 << 20), "ServerName ${a}\n".repeat(100_000));
    is_told("values that are put in often", &Hostile::new().file("etc/apache2/apache2.conf", value));
    let parameters: String = (0..50_000).map(|n| format!(" $a{n}")).collect();
    let many = format!("<Macro m{parameters}>\n{}\n</Macro>\nUse m{parameters}\n", "$".repeat(1 << 20));
    is_told("many parameters", &Hostile::new().file("etc/apache2/apache2.conf", many));
    let snippets = steps(|n| format!("(s{n}) {{\n import s{} {{args[0]}}{{args[0]}}\n}}\n", n + 1));
    let caddy = format!("{snippets}(s40) {{\n respond {{args[0]}}\n}}\n:80 {{\n import s0 aaaaaaaaaa\n}}\n");
    is_told("snippets", &Hostile::new().file("etc/caddy/Caddyfile", caddy));
    let block = "{block}\n".repeat(50_000);
    let caddy = format!("(a) {{\n{block}}}\n:80 {{\n import a {{\n{}}}\n}}\n", "b\n".repeat(50_000));
    is_told("blocks", &Hostile::new().file("etc/caddy/Caddyfile", caddy));
    let lists = steps(|n| format!("var.a{} = var.a{n} + var.a{n}\n", n + 1));
    let lighttpd = format!("var.a0 = (\"a\",\"b\")\n{lists}server.port = 80\nserver.modules = var.a40\n");
    is_told("lists", &Hostile::new().file("etc/lighttpd/lighttpd.conf", lighttpd));
}

/// A command line that names the same files again and again.
#[test]
fn files_that_are_named_again_and_again_end() {
    let unit = |file: &str| {
        let files = format!("-f {file} ").repeat(3_000);
        let start = format!("[Service]\nExecStart=/usr/sbin/haproxy {files} -f /etc/haproxy/b.cfg\n");
        Hostile::new()
            .file("etc/systemd/system/haproxy.service", start)
            .file("etc/haproxy/b.cfg", "frontend x\n bind :80\n")
    };
    let same = unit("/etc/haproxy/a.cfg").file("etc/haproxy/a.cfg", "# x\n".repeat(300_000));
    is_told("a file", &same);
    let folder = (0..2_000).fold(unit("/etc/haproxy/d"), |tree, n| {
        tree.file(&format!("etc/haproxy/d/{n}.cfg"), format!("frontend f{n}\n bind :{}\n", 1000 + n))
    });
    is_told("a folder", &folder);
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
