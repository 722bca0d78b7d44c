use super::super::{Seen, Trial};
use crate::knowledge::Knowledge;
use crate::text::Sources;

fn root(files: &[(&str, &str)]) -> Seen {
    Trial::root("nginx", files).read()
}

fn repository(files: &[(&str, &str)]) -> Seen {
    Trial::repository("nginx", files).read()
}

fn http(servers: &str) -> String {
    format!("events {{}}\nhttp {{\n{servers}\n}}\n")
}

const MAIN: &str = "etc/nginx/nginx.conf";

#[test]
fn a_backlog_is_put_where_nginx_still_starts() {
    for (before, after) in [
        ("server { listen 80; }", "server { listen 80 backlog=9; }"),
        ("server { listen 80 backlog=7; }", "server { listen 80 backlog=9; }"),
        ("server { listen 80 'backlog=7' ; }", "server { listen 80 'backlog=9' ; }"),
        ("server { listen 80 backlog=1 backlog=7; }", "server { listen 80 backlog=1 backlog=9; }"),
        ("server { listen \"80\" # ;\n; }", "server { listen \"80\" backlog=9 # ;\n; }"),
        ("server { listen 80 ssl\r\n; }", "server { listen 80 ssl backlog=9\r\n; }"),
        // One listen of an address.
        (
            "server { listen 80; } server { listen 80; }",
            "server { listen 80 backlog=9; } server { listen 80; }",
        ),
        (
            "server { listen 80; } server { listen *:80 rcvbuf=8k; }",
            "server { listen 80; } server { listen *:80 rcvbuf=8k backlog=9; }",
        ),
        // The wildcard, not what it takes in.
        (
            "server { listen 127.0.0.1:80; } server { listen 80; }",
            "server { listen 127.0.0.1:80; } server { listen 80 backlog=9; }",
        ),
        // Not the range or the name that has other addresses with options, or taken in.
        (
            "server { listen 80-82; } server { listen 81 backlog=7; } server { listen 80; } server { listen 82; }",
            "server { listen 80-82; } server { listen 81 backlog=9; } server { listen 80 backlog=9; } server { listen 82 backlog=9; }",
        ),
        (
            "server { listen localhost:80; } server { listen 80; } server { listen [::1]:80; }",
            "server { listen localhost:80; } server { listen 80 backlog=9; } server { listen [::1]:80 backlog=9; }",
        ),
        ("server { listen 80-81; }", "server { listen 80-81 backlog=9; }"),
        (
            "server { listen 81; } server { listen 80-82; } server { listen 82; }",
            "server { listen 81; } server { listen 80-82 backlog=9; } server { listen 82; }",
        ),
        // A server without listen gets one.
        ("  server {\n  }", "  server {\n      listen 80 backlog=9;\n  }"),
        ("server {\n} server { listen 80; }", "server {\n} server { listen 80 backlog=9; }"),
    ] {
        let seen = root(&[(MAIN, &http(before))]);
        assert_eq!(seen.problems(), [""; 0], "{before}");
        assert_eq!(seen.set_all(MAIN, 9), http(after));
        let again = root(&[(MAIN, &http(after))]);
        assert_eq!(again.problems(), [""; 0], "{after}");
        assert!(again.rows().iter().all(|listener| listener.ends_with(" 9")), "{:?}", again.rows());
    }
}

#[test]
fn where_no_place_is_safe_there_is_none() {
    let shared = ("etc/nginx/listen.conf", "listen 80;");
    for (servers, rest) in [
        ("server { include listen.conf; } server { include listen.conf; }", vec![shared]),
        ("server { listen 80-81; } server { listen 81 backlog=7; }", vec![]),
        ("server { listen 80 backlog=4294967303; }", vec![]),
        ("server { listen 80 \"back\\log=7\"; }", vec![]),
    ] {
        let conf = http(servers);
        let seen = root(&[vec![(MAIN, conf.as_str())], rest].concat());
        let on_80 = seen.found.listeners.iter().filter(|listener| listener.endpoint.port() == Some(80));
        for listener in on_80 {
            assert_eq!(listener.backlog.slot, None, "{servers}");
        }
    }
}

#[test]
fn a_snippet_included_once_takes_the_number() {
    let conf = http("server { include listen.conf; } server { listen 80; }");
    let seen = root(&[(MAIN, &conf), ("etc/nginx/listen.conf", "listen 80;\n")]);
    assert_eq!(seen.set_all("etc/nginx/listen.conf", 9), "listen 80 backlog=9;\n");
}

#[test]
fn a_repository_s_fragment_belongs_to_http() {
    let seen = repository(&[
        ("deploy/web.conf", "server { listen 8080 backlog=7; server_name a; }"),
        ("deploy/tcp.conf", "server { listen 5432; proxy_pass db; }"),
        ("deploy/app.conf", "server { port = 80; }"),
        ("deploy/none.conf", "server { server_name a; }"),
        ("deploy/application.conf", "http {\n  port = 80\n}\nserver { listen = 81 }\n"),
        ("deploy/shiny.conf", "run_as shiny; server { listen 3838; location / { site_dir /srv; } }"),
    ]);
    assert_eq!(seen.rows(), ["0.0.0.0:80 511", "0.0.0.0:5432 511", "0.0.0.0:8080 7"]);
    assert_eq!(seen.problems(), [""; 0]);
}

#[test]
fn a_file_that_another_includes_is_not_read_by_itself() {
    let seen = repository(&[
        ("nginx/nginx.conf", "events {} http { include sites/*.conf; include /etc/nginx/mime.types; }"),
        ("nginx/sites/a.conf", "server { listen 8080 backlog=7; include parts/b.conf; }"),
        ("nginx/sites/b.conf", "server { listen 8080; }"),
        ("nginx/parts/b.conf", "location / { include none; }"),
        ("nginx/off/c.conf", "server { include parts/c.conf; }"),
        ("nginx/parts/c.conf", "listen 81; server { }"),
    ]);
    assert_eq!(seen.rows(), ["0.0.0.0:8080 7", "0.0.0.0:81 511"]);
    assert_eq!(seen.problems(), [""; 0]);
}

#[test]
fn an_installed_nginx_leaves_out_what_it_does_not_include() {
    let site = ("etc/nginx/conf.d/a.conf", "server { listen 81; }");
    assert_eq!(root(&[(MAIN, &http("")), site]).rows(), [""; 0]);
    assert_eq!(root(&[site]).rows(), ["0.0.0.0:81 511"]);
    let site = ("etc/nginx/conf.d/nginx.conf", "server { listen 81; }");
    let seen = root(&[(MAIN, &http("include conf.d/*.conf;")), site]);
    assert_eq!((seen.rows(), seen.problems()), (vec!["0.0.0.0:81 511".into()], vec![]));
}

#[test]
fn fragments_of_one_folder_share_their_sockets() {
    let a = ("nginx/conf.d/a.conf", "server { listen 80; server_name a; }");
    let b = ("nginx/conf.d/b.conf", "server { listen 80; server_name b; }");
    let long = ("nginx/sites-enabled/long", "server { listen 80 backlog=65535; }");
    let seen = repository(&[a, b]);
    assert_eq!(seen.rows(), ["0.0.0.0:80 511"]);
    assert_eq!(seen.set_all(a.0, 9), "server { listen 80 backlog=9; server_name a; }");
    let seen = repository(&[a, b, long]);
    assert_eq!((seen.rows(), seen.problems()), (vec!["0.0.0.0:80 65535".into()], vec![]));
    assert_eq!(repository(&[a, ("other/b.conf", b.1)]).rows().len(), 2);
    // On a machine all of them are read, and what nginx refuses is a fault.
    let twice = ["a", "b"].map(|name| (format!("etc/nginx/conf.d/{name}.conf"), long.1));
    let twice = twice.each_ref().map(|(path, text)| (path.as_str(), *text));
    let problem = "Conflict: duplicate listen options for 0.0.0.0:80";
    assert_eq!(root(&twice).problems(), [problem]);
}

#[test]
fn fragments_that_exclude_each_other_are_of_different_nginxes() {
    let plain = ("deploy/plain.conf", "server { listen 80 default_server; }");
    let tls = ("deploy/tls.conf", "server { listen 80 default_server; listen 443 ssl backlog=7; }");
    let more = ("deploy/more.conf", "server { listen 80; listen 443 ssl; }");
    let seen = repository(&[plain, tls, more]);
    assert_eq!(seen.rows(), ["0.0.0.0:80 511", "0.0.0.0:443 511", "0.0.0.0:80 511", "0.0.0.0:443 7"]);
    assert_eq!(seen.problems(), [""; 0]);
}

#[test]
fn a_fragment_s_includes_start_where_its_nginx_does() {
    let seen = repository(&[
        ("nginx/conf.d/a.conf", "server { include snippets/a.conf; }"),
        ("nginx/snippets/a.conf", "listen 81;"),
    ]);
    assert_eq!(seen.rows(), ["0.0.0.0:81 511"]);
}

#[test]
fn a_site_that_nothing_enables_is_left_out_of_a_repository() {
    let main = ("etc/nginx/nginx.conf", "events {} http { include /etc/nginx/sites-enabled/*; }");
    let on = ("etc/nginx/sites-enabled/a", "server { listen 81; }");
    let off = ("etc/nginx/sites-available/old", "server { listen 80; }");
    let stream = ("etc/nginx/streams-available/old", "server { listen 82; }");
    let seen = repository(&[main, on, off]);
    assert_eq!((seen.rows(), seen.found.left_out), (vec!["0.0.0.0:81 511".into()], 1));
    // The folder that is read has nothing in it, or is another one.
    assert_eq!(repository(&[main, off]).rows(), ["0.0.0.0:80 511"]);
    let both = repository(&[main, on, ("other/sites-available/old", off.1)]);
    assert_eq!(both.rows(), ["0.0.0.0:81 511", "0.0.0.0:80 511"]);
    for named in [off.0, "etc/nginx/sites-available"] {
        let seen = Trial::repository("nginx", &[main, on, off]).only(&[named]).read();
        assert_eq!(seen.rows(), ["0.0.0.0:81 511", "0.0.0.0:80 511"], "{named}");
    }
    assert_eq!(Trial::repository("nginx", &[main, on, off]).only(&["etc"]).read().found.left_out, 1);
    assert_eq!(repository(&[main, on, stream]).found.left_out, 0);
}

#[test]
fn a_tree_laid_over_an_image_lacks_what_the_image_has() {
    let conf = http("include mime.types; include /usr/share/nginx/x.conf; server { listen 80; }");
    assert_eq!(root(&[(MAIN, &conf)]).problems(), [""; 0]);
    let conf = http("include /etc/nginx/mine.conf; server { listen 80; }");
    assert_eq!(
        root(&[(MAIN, &conf)]).problems(),
        ["Lost: open() \"/etc/nginx/mine.conf\" failed (2: No such file or directory)"]
    );
    assert_eq!(
        repository(&[("nginx/nginx.conf", &conf)]).problems(),
        [
            "Skipped: the include of /etc/nginx/mine.conf leads out of the repository: its listeners are unknown"
        ]
    );
}

#[test]
fn a_repository_s_nginx_folder_stands_for_the_installed_one() {
    let main = |include: &str| http(&format!("include {include}; include /etc/nginx/mime.types;"));
    let read = |include: &str, rest: &[(&str, &str)]| {
        repository(&[&[("nginx/nginx.conf", main(include).as_str())], rest].concat())
    };
    let site = ("nginx/sites/a.conf", "server { listen 81; include /etc/nginx/port.conf; }");
    let port = ("nginx/port.conf", "listen 82;");
    for include in ["/etc/nginx/sites/*.conf", "/etc/nginx/sites/a.conf", "/usr/local/nginx/conf/sites/*"] {
        let seen = read(include, &[site, port]);
        assert_eq!(seen.rows(), ["0.0.0.0:81 511", "0.0.0.0:82 511"], "{include}");
        assert_eq!(seen.problems(), [""; 0], "{include}");
    }
    // The place itself comes first.
    let own = ("etc/nginx/sites/b.conf", "server { listen 83; }");
    assert_eq!(read("/etc/nginx/sites/*", &[site, port, own]).rows()[0], "0.0.0.0:83 511");
    // An empty folder is known, an absent one is not.
    for (include, out) in [
        ("/etc/nginx/sites/*.cfg", 0),
        ("/etc/nginx/conf.d/*.conf", 1),
        ("/srv/*/nginx.conf", 1),
        ("/etc/letsencrypt/ssl.conf", 0),
    ] {
        let problems = read(include, &[site, port]).problems();
        assert_eq!(problems.len(), out, "{include}");
        assert!(problems.iter().all(|problem| problem.starts_with("Skipped: the include of")));
    }
    let off = ("nginx/sites-available/b", "server { listen 84; }");
    let on = ("nginx/sites-enabled/a", "server { listen 85; }");
    assert_eq!(read("/etc/nginx/sites-enabled/*", &[on, off]).rows(), ["0.0.0.0:85 511"]);
}

#[test]
fn nothing_is_made_up_for_a_server_that_is_not_known_as_a_whole() {
    for include in ["ports.conf", "/etc/nginx/ports/*.conf"] {
        let conf = http(&format!("server {{ include {include}; server_name a; }}"));
        assert_eq!(repository(&[("n/nginx.conf", &conf)]).rows(), [""; 0], "{include}");
    }
}

#[test]
fn lua_is_not_configuration() {
    let lua = "content_by_lua_block {\n ngx.say(\"}\") -- }\n if a then t = { [[ } ]] } end\n}\n";
    let servers =
        format!("init_by_lua_block {{ listen 81; }}\nserver {{ listen 80; location / {{ {lua} }} }}");
    let seen = root(&[(MAIN, &http(&servers))]);
    assert_eq!((seen.rows(), seen.problems()), (vec!["0.0.0.0:80 511".into()], vec![]));
}

#[test]
fn a_template_is_no_fault_of_anybody_s() {
    let seen = repository(&[
        ("a.conf.template", "server { listen ${PORT} backlog=7; listen 127.0.0.1:81; }"),
        ("b.conf", "server { listen {{ port }}; server_name {{ name }}; }"),
        ("c.conf", "server { listen 80; <% if tls %> listen 443 ssl; <% end %> }"),
    ]);
    assert_eq!(seen.rows(), ["? 7", "127.0.0.1:81 511", "0.0.0.0:80 511"]);
    let template = "Skipped: read only in part: it looks like a template of";
    let problems = [("Jinja or Go", "{"), ("ERB", "}")];
    assert_eq!(
        seen.problems(),
        problems.map(|(whose, found)| format!("{template} {whose}: unexpected \"{found}\""))
    );
}

#[test]
fn a_server_behind_a_fault_is_not_lost_in_silence() {
    let fault = "read only in part: unexpected \"}\"";
    let torn = ("web.conf", "map $a $b { default 1 }\nserver { listen 443 ssl; }\n");
    let main = ("nginx.conf", "events { a }\nhttp { server { listen 80; } }\n");
    let other = ("app.conf", "http { port = 80 }\n# server { listen 80; }\nserver { listen = 81 }\n");
    assert_eq!(repository(&[torn]).problems(), [format!("Skipped: {fault}")]);
    assert_eq!(repository(&[main]).problems(), [format!("Skipped: {fault}")]);
    assert_eq!(repository(&[other]).problems(), [""; 0]);
    let named = |file| Trial::repository("nginx", &[file]).only(&[file.0]).read().problems();
    assert_eq!(named(torn), [format!("Lost: {fault}")]);
    let template = named(("web.conf", "{% if tls %}\nserver { listen 443 ssl; }\n{% endif %}\n"));
    assert_eq!(template, ["Skipped: read only in part: it looks like a template of Jinja: unexpected \"{\""]);
}

#[test]
fn includes_that_multiply_come_to_an_end() {
    let name = |level: usize| format!("etc/nginx/{level}.conf");
    let twice = |level: usize| format!("include {level}.conf; include {level}.conf;", level = level + 1);
    let mut files: Vec<(String, String)> = (0..30).map(|level| (name(level), twice(level))).collect();
    files.push((name(30), "server { listen 80; location / { include 0.conf; } }".into()));
    files.push((MAIN.into(), http("include 0.conf;")));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let seen = root(&files);
    assert_eq!(seen.rows(), ["0.0.0.0:80 511"]);
    assert_eq!(seen.cuts(), ["the audit reads only the first 262144 files that are included"]);
}

#[test]
fn a_long_chain_of_includes_costs_no_stack() {
    let name = |link: usize| format!("etc/nginx/{link}.conf");
    let mut files: Vec<(String, String)> =
        (0..3_000).map(|link| (name(link), format!("include {}.conf;", link + 1))).collect();
    files.push((name(3_000), "server { listen 80; }".into()));
    files.push((MAIN.into(), http("include 0.conf;")));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(root(&files).rows(), ["0.0.0.0:80 511"]);
}

#[test]
fn a_circle_is_named_and_what_is_outside_it_read() {
    let seen = root(&[
        (MAIN, &http("include a.conf; server { listen 81; }")),
        ("etc/nginx/a.conf", "server { listen 80; } include b.conf;"),
        ("etc/nginx/b.conf", "include a.conf;"),
    ]);
    assert_eq!(seen.rows(), ["0.0.0.0:80 511", "0.0.0.0:81 511"]);
    assert_eq!(
        seen.problems(),
        ["Lost: the includes form a loop: etc/nginx/a.conf, etc/nginx/b.conf, etc/nginx/a.conf"]
    );
    assert_eq!(seen.found.listeners[0].backlog.slot, None);
}

#[test]
fn what_changed_between_releases_follows_the_installed_one() {
    let installed = |version: &str| format!("Package: nginx\nVersion: {version}\n\n");
    let stream = "events {} stream { server { listen 53; } server { listen 53 deferred; } }";
    let quic = http("server { listen 443 quic reuseport; listen 443 backlog=7; }");
    for (conf, version, problems) in [
        (stream, "1.26.0-1", vec![]),
        (stream, "1.22.1-9", vec!["Lost: invalid parameter \"deferred\""]),
        (&quic, "1.26.0-1", vec![]),
        (&quic, "1.24.0-2", vec!["Lost: invalid parameter \"quic\""]),
    ] {
        let status = installed(version);
        assert_eq!(root(&[(MAIN, conf), ("var/lib/dpkg/status", &status)]).problems(), problems);
    }
    assert_eq!(root(&[(MAIN, stream)]).problems(), [""; 0]);
    assert_eq!(root(&[(MAIN, &quic)]).rows(), ["0.0.0.0:443 7"]);
    let wrong = http("server { listen 443 quic backlog=7; }");
    assert_eq!(
        root(&[(MAIN, &wrong)]).problems(),
        ["Lost: \"listen\" directive \"backlog\" parameter is incompatible with \"quic\""]
    );
    let twice = http("server { listen 443 quic reuseport; } server { listen 443 quic reuseport; }");
    assert_eq!(root(&[(MAIN, &twice)]).problems(), ["Conflict: duplicate listen options for 0.0.0.0:443"]);
}

#[test]
fn a_ledger_says_where_each_number_comes_from() {
    let seen = root(&[(
        MAIN,
        &http(
            "server { listen 80 backlog=4294967297; } server { listen 127.0.0.1:80; listen localhost:81; }",
        ),
    )]);
    let steps = |index: usize| -> Vec<(Option<i64>, &str)> {
        let listener = &seen.found.listeners[index];
        listener.steps.iter().map(|step| (step.value, step.what.as_str())).collect()
    };
    let notes = |index: usize| -> Vec<(String, String)> {
        let notes = seen.found.listeners[index].notes.iter();
        notes.map(|note| (note.what.clone(), seen.sources.text(note.at).into_owned())).collect()
    };
    assert_eq!(steps(0), [(Some(4294967297), "backlog= of listen"), (Some(1), "what fits a C int")]);
    assert_eq!(steps(1), [(Some(511), "nginx's own default")]);
    let text = seen.sources.text(seen.found.listeners[1].steps[0].at).into_owned();
    assert_eq!(text, "511");
    let taken_in = "127.0.0.1:80 has no socket of its own: this one serves it";
    assert_eq!(notes(0), [(taken_in.into(), "listen 127.0.0.1:80;".into())]);
    assert_eq!(
        notes(1),
        [("assuming that localhost is 127.0.0.1 and ::1".into(), "listen localhost:81;".into())]
    );
}

#[test]
fn a_range_of_all_ports_is_looked_at_once() {
    let conf = http("server { listen 1-65535; } server { listen 30000 backlog=7; }");
    let conf = conf.replace("events {}", "events { worker_connections 70000; }");
    let seen = root(&[(MAIN, &conf)]);
    assert_eq!((seen.found.listeners.len(), seen.problems()), (65_535, vec![]));
    let slots = seen.found.listeners.iter().filter(|listener| listener.backlog.slot.is_some());
    assert_eq!(slots.count(), 1);
}

#[test]
fn what_is_made_of_nginx_is_read_as_nginx() {
    let status = "Package: nginx\nStatus: install ok installed\nVersion: 1.22.1-9\n";
    // What nginx 1.22 would not know, Angie does, whatever nginx lies beside it.
    let angie = "events {}\nhttp {\n include /etc/angie/http.d/*.conf;\n}\n";
    let site = "server { listen 80 backlog=900; listen 443 quic; }\n";
    let resty = "events {}\nhttp { server { listen 8080; } }\n";
    let seen = root(&[
        ("etc/angie/angie.conf", angie),
        ("etc/angie/http.d/site.conf", site),
        ("usr/local/openresty/nginx/conf/nginx.conf", resty),
        ("usr/local/tengine/conf/nginx.conf", "events {}\nhttp { server { listen 8081 reuseport; } }\n"),
        ("var/lib/dpkg/status", status),
    ]);
    assert!(seen.problems().is_empty(), "{:?}", seen.problems());
    assert_eq!(seen.rows(), ["0.0.0.0:80 900", "0.0.0.0:8080 511", "0.0.0.0:8081 511"]);
    let knowledge = Knowledge::load(&Sources::new()).unwrap();
    let apply = &knowledge.service("nginx").unwrap().apply;
    assert_eq!(apply.restart_at("etc/angie/http.d/site.conf"), "systemctl restart angie");
    assert_eq!(apply.restart_at("usr/local/openresty/nginx/conf/nginx.conf"), "systemctl restart openresty");
    assert_eq!(apply.check_at("usr/local/openresty/nginx/conf/nginx.conf"), Some("openresty -t".into()));
    assert_eq!(apply.reload_at("usr/local/tengine/conf/nginx.conf"), Some("systemctl reload tengine".into()));
    assert_eq!(apply.restart_at("etc/nginx/nginx.conf"), "systemctl restart nginx");
}
