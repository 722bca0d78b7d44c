//! What is read for nothing but to be told of it: hostile files end soon, and what is shown of them is true and masked.

mod common;

use std::process::{Command, Output, Stdio};

use common::hostile::Hostile;
use common::scratch::Scratch;

fn run(scratch: &Scratch, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    program.args(["--offline", "--color", "never", "--kernel", "6.18"]).args(arguments);
    program.current_dir(&scratch.0).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn holes_and_mentions_without_an_end_end_soon() {
    let names = ["etc/x.conf", "etc/nginx.conf.j2", "srv/x.sh", "srv/x.yml"];
    let fillings =
        ["{{", "{#", "{% ", "<%", "\u{e9}echo 1 net.core.somaxconn ", "name: net.core.somaxconn: "];
    for name in names {
        for filling in fillings {
            let text = filling.repeat((1 << 20) / filling.len());
            let done = Hostile::new().file(name, text).audit("json");
            assert!(done.is_ok(), "{name} {filling:?}: {done:?}");
        }
    }
}

#[test]
fn a_line_that_a_fix_writes_tells_no_secret() {
    let scratch = Scratch::new("written-secret");
    let server = "<Server port=\"-1\"><Service name=\"a\">\n<Connector port=\"8443\" keystorePass=\"\nhunter2xyz\" acceptCount=\"1\"/>\n</Service></Server>\n";
    scratch.write("etc/tomcat9/server.xml", server);
    let report = said(&run(&scratch, &["."]));
    assert!(report.contains("write ") && !report.contains("hunter2xyz"), "{report}");
}

#[test]
fn many_listeners_of_one_address_are_no_fault() {
    let scratch = Scratch::new("many-alike");
    for number in 0..70 {
        scratch.write(format!("app{number}/server.js"), "require('http').createServer().listen(3000)\n");
    }
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(!report.contains("cut-off"), "{report}");
    scratch.write(
        "front/nginx.conf",
        "events {}\nhttp { server { listen 80; location / { proxy_pass http://127.0.0.1:3000; } } }\n",
    );
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(report.contains("no front end is matched with it"), "{report}");
}

#[test]
fn what_is_assumed_counts_where_little_is_shown() {
    let scratch = Scratch::new("quiet-premise");
    scratch.write("nginx.conf", "events {}\nhttp { server { listen 80; } }\n");
    let mut program = Command::new(env!("CARGO_BIN_EXE_backlog-audit"));
    program.args(["--offline", "--color", "never", "-q", "--fail-on", "info", "."]).current_dir(&scratch.0);
    let output = program.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.code() == Some(1) && said(&output).contains("somaxconn-assumed"), "{output:?}");
}

#[test]
fn a_script_that_speaks_of_us_is_told_like_any_other() {
    let scratch = Scratch::new("speaks-of-us");
    scratch.write("tune.sh", "# see the docs of backlog-audit\nsysctl -w net.core.somaxconn=-1\n");
    scratch.write("nginx.conf", "events {}\nhttp { server { listen 80; } }\n");
    let report = said(&run(&scratch, &["."]));
    assert!(report.contains("tune.sh:2 (net.core.somaxconn = -1)"), "{report}");
    assert!(!report.contains("--set net.core.somaxconn=-1"), "the kernel refuses it: {report}");
}

#[test]
fn a_socket_unit_is_read_with_its_drop_ins() {
    let scratch = Scratch::new("socket-drop-in");
    scratch.write(
        "etc/systemd/system/puma.service",
        "[Service]\nWorkingDirectory=/srv/app\nExecStart=/usr/bin/puma -b tcp://127.0.0.1:9000\n",
    );
    scratch.write("etc/systemd/system/puma.socket", "[Socket]\nListenStream=127.0.0.1:9000\nBacklog=100\n");
    scratch.write("etc/systemd/system/puma.socket.d/more.conf", "[Socket]\nBacklog=2000\n");
    scratch.write("etc/sysctl.d/50-a.conf", "net.core.somaxconn = 8192\n");
    let report = said(&run(&scratch, &["."]));
    assert!(report.contains("puma     127.0.0.1:9000   2000   2000   2001"), "{report}");
    assert!(report.contains("systemctl restart puma.socket puma.service"), "{report}");
}

#[test]
fn a_profile_of_tuned_that_counts_last_is_not_raised_by_a_file_that_comes_before_it() {
    let scratch = Scratch::new("tuned-last");
    scratch.write("etc/tuned/active_profile", "mine\n");
    scratch.write("etc/tuned/tuned-main.conf", "reapply_sysctl = 0\n");
    let profile = [b"# \xe9\xe9\xe9\xe9\n".as_slice(), b"[sysctl]\nnet.core.somaxconn=256\n"].concat();
    scratch.write("etc/tuned/mine/tuned.conf", profile);
    scratch.write("etc/nginx/nginx.conf", "events {}\nhttp { server { listen 80 backlog=600; } }\n");
    let report = said(&run(&scratch, &["."]));
    assert!(report.contains("etc/tuned/mine/tuned.conf:3:20") && !report.contains("not-read"), "{report}");
    assert!(!report.contains("90-backlog-audit.conf"), "{report}");
}

#[test]
fn templates_of_all_services_are_told_alike() {
    let scratch = Scratch::new("templates-alike");
    scratch.write("roles/caddy/templates/Caddyfile.j2", "{{ domain }} {\n  respond \"a\"\n}\n");
    scratch.write(
        "roles/nginx/templates/sites-available/app.j2",
        "{# Who wrote\n it #}\nserver {\n  listen {{ port }};\n  {% if ssl %}include {{ ssl }};{% endif %}\n}\n",
    );
    scratch.write("squid/templates/squid.conf.erb", "http_port <%= @port %>\nworkers <%= @workers %>\n");
    scratch.write("rpm/vhost.conf.stpl", "server {\n  listen %ip%:80;\n}\n");
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(!report.contains("unreadable"), "{report}");
    for name in ["Caddyfile.j2 (Caddy)", "app.j2 (nginx)", "4 files look like configuration templates"] {
        assert!(report.contains(name), "{name}: {report}");
    }
}

#[test]
fn a_template_under_a_plain_name_is_no_broken_file() {
    let scratch = Scratch::new("templates-plain");
    scratch.write(
        "templates/nginx-ssl.conf",
        "server {\n  listen 443 ssl;\n  include <%= sslparams %>;\n  server_name a;\n}\n",
    );
    scratch.write(
        "templates/lighttpd-zone.conf",
        "server.port = 8000\nserver.document-root = \"/a\"\n{% if a %}\nssl.engine = \"enable\"\n{% else %}\n\
            ssl.engine = \"disable\"\n{% endif %}\n",
    );
    scratch.write("one-line/nginx.conf", "events {} http { server { listen {{ p }}; } }\n");
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(!report.contains(" × ") && !report.contains("does not start"), "{report}");
    assert!(report.contains("it looks like a template of ERB"), "{report}");
}

#[test]
fn a_part_that_no_include_reaches_is_no_listener() {
    let scratch = Scratch::new("beyond-includes");
    scratch.write("nginx/nginx.conf", "events {}\nhttp { include conf.d/*.conf; }\n");
    scratch.write("nginx/conf.d/a.conf", "server { listen 81; }\n");
    scratch.write("nginx/conf.d/templates/b.conf", "server { listen 82; }\n");
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(report.contains("0.0.0.0:81") && !report.contains("0.0.0.0:82"), "{report}");
    assert!(report.contains("conf.d/templates/b.conf (nginx)"), "{report}");
}

#[test]
fn a_file_that_another_traefik_reads_is_not_guessed() {
    let scratch = Scratch::new("traefik-elsewhere");
    scratch.write(
        "systemd/traefik.service",
        "[Service]\nExecStart={install_prefix}/bin/traefik -c {install_prefix}/state/traefik.toml\n",
    );
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(!report.contains("*:80"), "{report}");
}

#[test]
fn a_name_alone_does_not_make_a_folder_a_test() {
    let scratch = Scratch::new("production-by-name");
    let server = "events {}\nhttp { server { listen PORT; } }\n";
    scratch.write("bench/__init__.py", "");
    scratch.write(
        "bench/bench.py",
        "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 85))\ns.listen(9)\n",
    );
    for (folder, port) in
        [("bench/config", "81"), ("rpm_spec", "82"), ("api-specs", "83"), ("dbt_docs_nginx", "84")]
    {
        scratch.write(format!("{folder}/nginx.conf"), server.replace("PORT", port));
    }
    for (folder, port) in [("src/bench", "91"), ("fuzz", "92"), ("docs", "93"), ("spec", "94")] {
        scratch.write(format!("{folder}/nginx.conf"), server.replace("PORT", port));
    }
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    for port in 81..=84 {
        assert!(report.contains(&format!("0.0.0.0:{port}")), "{port}: {report}");
    }
    assert!(report.contains("127.0.0.1:85") && !report.contains("0.0.0.0:9"), "{report}");
}

#[test]
fn what_a_configuration_manager_copies_gets_no_file_beside_it() {
    let scratch = Scratch::new("manager-s-files");
    scratch.write("modules/hard/files/sysctl.d/60-base.conf", "net.ipv4.tcp_max_syn_backlog = 4096\n");
    scratch.write("modules/web/files/nginx.conf", "events {}\nhttp { server { listen 80; } }\n");
    scratch.write("modules/web/files/unicorn.rb", "listen '/run/a.sock'\nworker_processes 2\n");
    let report = said(&run(&scratch, &["--as", "repo", "--kernel", "4.15", "."]));
    assert!(report.contains("queue-clamped") && !report.contains("90-backlog-audit.conf"), "{report}");
    assert!(report.matches("ss -lnt\n").count() <= 1, "{report}");
}

#[test]
fn a_package_s_source_names_its_files_as_it_likes() {
    let scratch = Scratch::new("sysctl-suffix");
    let line = "net.ipv4.tcp_syncookies=0\n";
    scratch.write("usr/lib/sysctl.d/990-a.conf#a-shared", line);
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(!report.contains("sysctl-not-applied"), "{report}");
    scratch.write("etc/hostname", "a\n");
    let report = said(&run(&scratch, &["--as", "root", "."]));
    assert!(report.contains("sysctl-not-applied"), "{report}");
}

#[test]
fn a_manifest_is_not_offered_as_the_service_s_own_file() {
    let scratch = Scratch::new("manifest");
    let server = "server {\n  listen 80;\n  proxy_pass http://a;\n}\n";
    scratch.write("manifests/backend.pp", format!("nginx::site {{ 'a':\n  content => '\n{server}'\n}}\n"));
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(report.contains("backend.pp (nginx)") && !report.contains("--stdin-path"), "{report}");
    let scratch = Scratch::new("shipped");
    scratch.write("nginx.conf.production", server);
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    assert!(report.contains("--stdin-path nginx.conf"), "{report}");
}

#[test]
fn a_script_says_in_its_first_line_what_it_is() {
    let scratch = Scratch::new("script-without-ending");
    let text = "#!/usr/bin/env python3\nimport socket, sys\ns = socket.socket()\ns.bind(('127.0.0.1', 9000))\n\
        s.listen(int(sys.argv[1]))\n";
    scratch.write("usr/local/sbin/answer", text);
    scratch.write("etc/systemd/system/answer.service", "[Service]\nExecStart=/usr/local/sbin/answer 33\n");
    let report = said(&run(&scratch, &["."]));
    assert!(report.contains("127.0.0.1:9000     33     33     34"), "{report}");
}

#[test]
fn a_development_server_is_called_so_where_it_keeps_its_default() {
    let scratch = Scratch::new("development-server");
    scratch.write("daemon.py", "from flask import Flask\napp = Flask(__name__)\napp.run(port=10222)\n");
    let report = said(&run(&scratch, &["--as", "repo", "."]));
    let text = report.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("daemon.py:3, this is Flask's development server)"), "{report}");
}
