//! Trees made to hang, blow up or lead astray: each audit ends soon, in little memory, and says what it met.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::hostile::Hostile;

const SERVERS: &str = "events {}\nhttp { server { listen 80; } }\n";

#[test]
fn a_fifo_is_not_waited_on() {
    Hostile::new().fifo("etc/nginx/nginx.conf").fifo("etc/hosts").says("etc/nginx/nginx.conf", "FIFO");
    Hostile::new().fifo("etc/tomcat10/server.xml").says("etc/tomcat10/server.xml", "FIFO");
    Hostile::new()
        .fifo("etc/sysctl.d/90-a.conf")
        .file("etc/nginx/nginx.conf", SERVERS)
        .says("etc/sysctl.d/90-a.conf", "FIFO");
}

#[test]
fn a_sparse_file_is_not_read() {
    for path in
        ["etc/nginx/nginx.conf", "etc/tomcat10/server.xml", "etc/sysctl.d/90-a.conf", "srv/app/server.js"]
    {
        Hostile::new().sparse(path).says(path, "MiB");
    }
}

#[test]
fn includes_that_go_round_are_named() {
    let tree = Hostile::new()
        .file("etc/nginx/nginx.conf", "events {}\nhttp { include a.conf; }\n")
        .file("etc/nginx/a.conf", "include b.conf;\n")
        .file("etc/nginx/b.conf", "include a.conf;\n");
    let findings = tree.findings();
    assert!(
        findings.iter().any(|[_, at, message]| at.starts_with("etc/nginx/") && message.contains("include")),
        "{findings:#?}"
    );
}

#[test]
fn includes_that_multiply_end() {
    let mut tree = Hostile::new().file("etc/nginx/nginx.conf", "events {}\nhttp { include 0.conf; }\n");
    for level in 0..12 {
        let text = format!("include {}.conf;\n", level + 1).repeat(10);
        tree = tree.file(&format!("etc/nginx/{level}.conf"), text);
    }
    let findings = tree.file("etc/nginx/12.conf", "server { listen 80; }\n").findings();
    assert!(!findings.is_empty());
}

#[test]
fn links_in_a_circle_are_not_followed_for_ever() {
    Hostile::new().link("nginx.conf", "etc/nginx/nginx.conf").says("etc/nginx/nginx.conf", "link");
    let tree = Hostile::new()
        .link(".", "etc/nginx/loop")
        .file(
            "etc/nginx/nginx.conf",
            "events {}\nhttp { include loop/*/*/*/*/*/*/*/*/*.conf; server { listen 80 backlog=1; } }\n",
        )
        .file("etc/sysctl.d/90-a.conf", "net.core.somaxcon = 4096\n");
    assert!(!tree.findings().is_empty());
}

#[test]
fn links_out_of_the_root_lead_nowhere() {
    let tree = Hostile::new()
        .link("../../../outside.conf", "etc/nginx/nginx.conf")
        .link("../../../outside.conf", "etc/sysctl.d/90-a.conf")
        .link("../../../../outside.conf", "srv/app/server.js");
    fs::write(tree.outside("outside.conf"), "secret { listen 80; }\n").unwrap();
    tree.says("etc/nginx/nginx.conf", "does not exist");
    for format in ["human", "json", "sarif", "patch"] {
        let output = tree.run(format);
        assert!(!String::from_utf8_lossy(&output.stdout).contains("secret"), "{format}");
    }
}

#[test]
fn entities_that_multiply_are_refused() {
    let mut laughs = String::from("<!DOCTYPE Server [<!ENTITY a0 \"ha\">\n");
    for level in 1..40 {
        laughs += &format!("<!ENTITY a{level} \"{}\">\n", format!("&a{};", level - 1).repeat(10));
    }
    laughs += "]>\n<Server port=\"-1\"><Service name=\"&a39;\"/></Server>\n";
    Hostile::new().file("etc/tomcat10/server.xml", laughs).says("etc/tomcat10/server.xml", "entit");
    let long = format!("<!DOCTYPE Server [<!ENTITY a \"{}\">]>", "x".repeat(100_000));
    let quadratic =
        format!("{long}<Server port=\"-1\"><Service name=\"{}\"/></Server>", "&a;".repeat(100_000));
    Hostile::new().file("etc/tomcat10/server.xml", quadratic).says("etc/tomcat10/server.xml", "entit");
}

#[test]
fn depth_does_not_overflow() {
    let deep = 200_000;
    Hostile::new()
        .file("etc/nginx/nginx.conf", format!("http {}", "{ a ".repeat(deep)))
        .says("etc/nginx/nginx.conf", "");
    Hostile::new().file("etc/nginx/nginx.conf", "{".repeat(deep)).says("etc/nginx/nginx.conf", "");
    let elements = format!("<Server port=\"-1\">{}", "<a>".repeat(deep));
    Hostile::new().file("etc/tomcat10/server.xml", elements).says("etc/tomcat10/server.xml", "");
    for open in ["{", "(", "[", "f(", "a=>{", "`${", "-", "a?"] {
        let text = format!(
            "const server = require('http').createServer(); server.listen(80, 1);\n{}",
            open.repeat(deep)
        );
        let tree = Hostile::new().file("srv/app/server.js", text);
        assert!(!tree.findings().is_empty(), "{open}");
    }
}

#[test]
fn what_is_no_text_is_read_all_the_same() {
    let noise: Vec<u8> = (0..1_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    for path in ["etc/nginx/nginx.conf", "etc/tomcat10/server.xml", "etc/sysctl.d/90-a.conf"] {
        Hostile::new().file(path, &noise).run("json");
    }
    let tree =
        Hostile::new().file("etc/nginx/nginx.conf", b"http { server { listen 80 backlog=\xff\xfe; } }");
    tree.says("etc/nginx/nginx.conf", "backlog");
}

#[test]
fn an_unreadable_path_is_no_audit() {
    let output = Command::new(env!("CARGO_BIN_EXE_backlog-audit")).arg("no/such/path").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(Path::new("no/such/path").metadata().is_err());
}

/// A file of more than 8 MiB that somebody else names is told, whoever reads it.
#[test]
fn a_file_that_is_too_large_is_never_silent() {
    let large = |start: &str| format!("{start}\n{}", "#".repeat(9 << 20));
    let unit = |command: &str| format!("[Service]\nExecStart={command}\n");
    let (boot, module) = (
        "<groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId>",
        "opt/app",
    );
    for (path, text, beside, own) in [
        (
            "etc/uwsgi/apps-enabled/a.ini",
            "[uwsgi]\nsocket = :9000",
            "etc/uwsgi-emperor/emperor.ini",
            "[uwsgi]\nemperor = /etc/uwsgi/apps-enabled\n".to_owned(),
        ),
        (
            "etc/g.py",
            "bind = ':8000'",
            "etc/systemd/system/g.service",
            unit("/usr/bin/gunicorn -c /etc/g.py a:b"),
        ),
        (
            "etc/caddy/Caddyfile.d/x.caddy",
            ":81",
            "etc/caddy/Caddyfile",
            "import Caddyfile.d/*.caddy\n:80\n".to_owned(),
        ),
        (
            "etc/nginx/conf.d/a.conf",
            "server { listen 81; }",
            "etc/nginx/nginx.conf",
            "events {}\nhttp { include conf.d/*.conf; }\n".to_owned(),
        ),
        (
            "etc/default/app",
            "PORT=1",
            "etc/systemd/system/app.service",
            "[Service]\nEnvironmentFile=/etc/default/app\nExecStart=/usr/bin/gunicorn -b :$PORT a:b\n"
                .to_owned(),
        ),
        (
            "opt/app/src/main/resources/application.properties",
            "server.port=80",
            "opt/app/pom.xml",
            format!("<project><dependencies><dependency>{boot}</dependency></dependencies></project>"),
        ),
    ] {
        let tree = Hostile::new().file(path, large(text)).file(beside, own).file(&format!("{module}/x"), "");
        tree.says(path, "MiB");
    }
}

/// One bound that is reached in many files is one finding, and an info where only a program is not followed to its end.
#[test]
fn one_bound_in_many_files_is_told_once() {
    let deep = format!(
        "import socket\ns = socket.socket()\ns.bind(('', {}80{}))\ns.listen(5)\n",
        "(".repeat(60),
        ")".repeat(60)
    );
    let tree = (0..40).fold(Hostile::new(), |tree, n| tree.file(&format!("srv/a{n}/app.py"), &deep));
    let tree = (0..40).fold(tree, |tree, n| {
        tree.file(
            &format!("etc/systemd/system/a{n}.service"),
            format!("[Service]\nExecStart=/usr/bin/gunicorn a:b\n#{}", "x".repeat(2 << 20)),
        )
    });
    let findings = tree.findings();
    let cut: Vec<_> = findings.iter().filter(|[rule, ..]| rule == "cut-off").collect();
    assert!(!cut.is_empty() && cut.len() < 25, "{cut:#?}");
    let told = cut.iter().find(|[_, _, message]| message.ends_with("(and so in 39 other files)"));
    assert_eq!(told.map(|[_, at, _]| at.as_str()), Some("etc/systemd/system/a0.service"), "{cut:#?}");
}
