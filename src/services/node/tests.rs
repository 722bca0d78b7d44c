use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{Kind, Listener, PlaceId, ReadAs};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

/// Files and what is read in them.
struct Read {
    sources: Sources,
    found: Found,
}

fn read_files(files: &[(&str, &str)]) -> Read {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sources = Sources::new();
    let tree = Tree::open(folder.path(), true).unwrap();
    let knowledge = Knowledge::load(&sources).unwrap();
    let service = knowledge.service("node").unwrap();
    let hosts = Hosts::read(&sources, &tree);
    let programs = files.iter().filter(|(path, _)| !path.ends_with(".json") && !path.starts_with("etc/"));
    let candidates: Vec<Candidate> =
        programs.map(|(path, _)| Candidate { path: PathBuf::from(path), by_place: false }).collect();
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service,
        knowledge: &knowledge,
        hosts: &hosts,
        place: PlaceId(0),
        commands: &[],
        read_as: ReadAs::Root,
        only: &[],
    };
    let found = read(ground, &candidates);
    Read { sources, found }
}

fn read_program(text: &str) -> Read {
    read_files(&[("server.js", text)])
}

impl Read {
    /// Every listener as `address backlog`.
    fn rows(&self) -> Vec<String> {
        let number = |listener: &Listener| {
            listener.backlog.value.as_ref().map_or("?".to_owned(), |value| value.get.to_string())
        };
        self.found
            .listeners
            .iter()
            .map(|listener| format!("{} {}", listener.endpoint, number(listener)))
            .collect()
    }

    fn only(&self) -> &Listener {
        assert_eq!(self.found.listeners.len(), 1, "{:?}", self.rows());
        &self.found.listeners[0]
    }

    /// Why something is not known, and what else is said.
    fn says(&self) -> Vec<&str> {
        let unknown = |listener: &'_ Listener| listener.steps.iter().any(|step| step.value.is_none());
        let steps = self.found.listeners.iter().filter(|it| unknown(it)).flat_map(|it| &it.steps);
        let notes = self.found.listeners.iter().flat_map(|listener| &listener.notes);
        notes.chain(steps).map(|step| step.what.as_str()).collect()
    }

    /// The first file with 4096 put at the slot of its only listener.
    fn with_4096(&self) -> Option<String> {
        let listener = self.only();
        let edit = listener.backlog.slot.as_ref()?.edit(4096);
        let bytes = apply(self.sources.bytes(edit.span.source), std::slice::from_ref(&edit));
        Some(String::from_utf8(bytes).unwrap())
    }
}

const HTTP: &str = "const http = require('http');\nconst server = http.createServer();\n";

#[test]
fn the_table_of_servers_reads() {
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    Servers::read(knowledge.service("node").unwrap()).unwrap();
}

#[test]
fn a_number_points_at_its_literal() {
    let read = read_files(&[
        (
            "app/server.js",
            &format!("{HTTP}const {{ queue }} = require('./limits');\nserver.listen(80, queue);\n"),
        ),
        ("app/limits.json", "{ \"queue\": 1234 }"),
    ]);
    let listener = read.only();
    let value = listener.backlog.value.as_ref().unwrap();
    assert_eq!((read.sources.text(value.span).as_ref(), value.kind), ("1234", Kind::Written));
    assert_eq!(read.sources.get(value.span.source).path(), Some(Path::new("app/limits.json")));
    assert_eq!(read.sources.text(listener.site), "listen(80, queue");
}

#[test]
fn a_default_points_at_our_table() {
    let read = read_program(&format!("{HTTP}server.listen(80, () => {{\n  console.log('ready');\n}});\n"));
    let listener = read.only();
    let value = listener.backlog.value.as_ref().unwrap();
    assert_eq!((value.get, value.kind), (511, Kind::Default));
    assert_eq!(read.sources.get(value.span.source).name(), "builtin:rules/services/node.toml");
    assert_eq!(read.sources.text(listener.site), "listen(80");
}

#[test]
fn a_backlog_finds_its_place() {
    for (before, after) in [
        ("server.listen(80);", "server.listen(80, 4096);"),
        ("server.listen();", "server.listen(0, 4096);"),
        ("server.listen(() => {});", "server.listen(0, 4096, () => {});"),
        ("server.listen({ fd: 3 });", "server.listen({ fd: 3 }, 4096);"),
        ("server.listen(done);", "server.listen(0, 4096, done);"),
        ("server.listen(80, done);", "server.listen(80, 4096, done);"),
        ("server.listen(80, HOST);", "server.listen(80, HOST, 4096);"),
        ("server.listen(80, '::', () => {});", "server.listen(80, '::', 4096, () => {});"),
        ("server.listen(80, undefined, done);", "server.listen(80, undefined, 4096, done);"),
        ("server.listen('/run/a', // here\n  done);", "server.listen('/run/a', 4096, // here\n  done);"),
        ("server.listen(80, 300);", "server.listen(80, 4096);"),
        ("server.listen(80, 0);", "server.listen(80, 4096);"),
        ("server.listen(80, '::', -1);", "server.listen(80, '::', 4096);"),
        ("server.listen({ port: 80, backlog: 0 });", "server.listen({ port: 80, backlog: 4096 });"),
        ("server.listen(80, '::', '300');", "server.listen(80, '::', '4096');"),
        ("server.listen({ port: 80 });", "server.listen({ port: 80, backlog: 4096 });"),
        ("server.listen({ port: 80, });", "server.listen({ port: 80, backlog: 4096, });"),
        ("server.listen({\n  port: 80\n});", "server.listen({\n  port: 80,\n  backlog: 4096\n});"),
        (
            "server.listen({\n  port: 80,\n  host, // ours\n});",
            "server.listen({\n  port: 80,\n  backlog: 4096,\n  host, // ours\n});",
        ),
        ("server.listen({port: 80, backlog: -5});", "server.listen({port: 80, backlog: 4096});"),
        (
            "const at = { port: 80 }; server.listen(at);",
            "const at = { port: 80, backlog: 4096 }; server.listen(at);",
        ),
        (
            "const backlog = 9; server.listen(80, backlog);",
            "const backlog = 4096; server.listen(80, backlog);",
        ),
        ("const N = 9; server.listen(80, N);", "const N = 4096; server.listen(80, N);"),
    ] {
        let patched = read_program(&format!("{HTTP}{before}\n")).with_4096();
        assert_eq!(patched, Some(format!("{HTTP}{after}\n")), "{before}");
    }
}

#[test]
fn no_slot_where_the_text_is_not_the_number() {
    for text in [
        "server.listen(80, 2 * 150);",
        "server.listen(80, 0x80);",
        "server.listen(80, 299.9);",
        "server.listen({ port: 80, backlog: 'many' });",
        "server.listen(80, something);",
        "const N = 9; use(N); server.listen(80, N);",
        "server.listen(...where, 5);",
    ] {
        assert_eq!(read_program(&format!("{HTTP}{text}\n")).with_4096(), None, "{text}");
    }
}

#[test]
fn frameworks_without_the_argument_have_no_slot() {
    for text in [
        "require('@hapi/hapi').server({ port: 80 }).start();",
        "import { serve } from '@hono/node-server'; serve({ port: 80 });",
    ] {
        assert_eq!(read_program(text).with_4096(), None, "{text}");
    }
    let read = read_program("const app = require('fastify')(); app.listen({ port: 80, host: '::' });");
    let patched = read.with_4096().unwrap();
    assert!(patched.contains("{ port: 80, host: '::', backlog: 4096 }"), "{patched}");
}

#[test]
fn what_is_not_known_says_why() {
    for (text, row, why) in [
        ("server.listen(config.port);", "? 511", "the files do not say what `config.port` is"),
        ("server.listen(process.env.PORT);", "? 511", "it is known only if PORT is set in the environment"),
        (
            "server.listen(parseInt(process.env.PORT));",
            "? 511",
            "it is known only if PORT is set in the environment",
        ),
        ("server.listen(conf.http || 80);", "? 511", "the files do not say what `conf.http` is"),
        ("server.listen(0);", "? 511", "the kernel picks a free port"),
        ("server.listen({ port: 80, ipv6Only: true });", "? 511", "Node 24 honours ipv6Only without a host"),
        ("server.listen(70000);", "? 511", "`70000` is not a port"),
        ("server.listen(80, 'example.org');", "? 511", "the files do not say which address `example.org` is"),
        ("server.listen({ fd: 3, backlog: 9 });", "? 511", "the parent process opens the socket"),
        ("server.listen(options);", "? ?", "unknown backlog: the files do not say what `options` is"),
        ("server.listen(80, HOST, backlog);", "? ?", "the files do not say what `backlog` is"),
        ("server.listen(process.env.NODE_ENV ? 80 : 90);", "? 511", "it depends on NODE_ENV"),
        ("let p = 80; if (x) p = 90; server.listen(p);", "? 511", "`p` is assigned in more than one place"),
        ("server.listen(process.env.PORT || 80);", "*:80 511", "it is another address if PORT is set"),
        (
            "if (process.env.X) server.listen(80);",
            "*:80 511",
            "it listens only if X is set in the environment",
        ),
        (
            "if (!process.env.X) server.listen(80);",
            "*:80 511",
            "it does not listen if X is set in the environment",
        ),
        (
            "const p = process.env.PORT || 80; if (p > 8) server.listen(80);",
            "*:80 511",
            "it may not listen if PORT is set in the environment",
        ),
        ("server.listen(80, 'localhost');", "[::1]:80 511", "assuming that localhost is 127.0.0.1 and ::1"),
    ] {
        let read = read_program(&format!("{HTTP}{text}\n"));
        assert_eq!(read.rows(), [row], "{text}");
        assert!(read.says().iter().any(|said| said.contains(why)), "{text}: {:?}", read.says());
    }
}

#[test]
fn a_backlog_that_is_not_worked_out_is_unknown() {
    for text in [
        "server.listen(80, queue);",
        "server.listen(80, config.waiting);",
        "let q = 100; q = 900; server.listen(80, q);",
        "let q = 100; function f() { q = 900; } server.listen(80, q);",
        "const c = require('settings'); server.listen(80, c.backlog);",
        "const { backlog } = require('settings'); server.listen(80, '::', backlog);",
        "const c = new (require('settings').Config)(); server.listen(80, c.waiting);",
        "server.listen({ port: 80, backlog: require('settings').backlog });",
        "server.listen({ port: 80, backlog: require('settings') });",
        "server.listen({ port: 80, backlog: process.env.Q });",
        "server.listen({ port: 80, backlog: Number(process.env.Q) });",
        "server.listen(80, process.env.Q);",
        "server.listen({ port: 80, ...require('settings') });",
        "server.listen(Object.assign({ port: 80 }, settings));",
        "const o = { port: 80 }; if (x) o.backlog = 9; server.listen(o);",
        "const o = { port: 80, backlog: 5 }; function f() { o.backlog = 9; } server.listen(o);",
        "const o = { port: 80 }; Object.assign(o, settings); server.listen(o);",
        "const o = { port: 80 }; o[key] = 9; server.listen(o);",
        "server.listen.apply(server, settings);",
    ] {
        let read = read_program(&format!("{HTTP}{text}\n"));
        assert!(read.only().backlog.value.is_none(), "{text}: {:?}", read.rows());
        let why = read.says().iter().any(|said| said.starts_with("unknown backlog: "));
        assert!(why, "{text}: {:?}", read.says());
    }
}

#[test]
fn a_callback_is_no_backlog() {
    for text in [
        "server.listen(80, done);",
        "server.listen(80, console.log);",
        "server.listen(80, onListening);",
        "new Promise((r) => server.listen(80, r));",
        "server.listen(80, process.env.HOST && '::1');",
        "server.listen(80, '::1', () => {});",
        "server.listen(80, require('pino').info);",
    ] {
        let read = read_program(&format!("{HTTP}{text}\n"));
        assert!(read.rows().iter().all(|row| row.ends_with(" 511")), "{text}: {:?}", read.rows());
    }
}

#[test]
fn what_is_put_into_the_options_later_counts() {
    for (text, row) in [
        ("const o = { port: 80 }; o.backlog = 9; server.listen(o);", "*:80 9"),
        ("const o = { port: 80, backlog: 5 }; o['backlog'] = 9; server.listen(o);", "*:80 9"),
        ("const o = {}; o.port = 80; server.listen(o);", "*:80 511"),
        ("const o = { port: 80 }; server.listen(o); o.backlog = 9;", "*:80 511"),
        ("const o = { port: 80, backlog: 9 }; if (x) o.backlog = 9; server.listen(o);", "*:80 9"),
        ("const o = { port: 80 }; Object.assign(o, { backlog: 9 }); server.listen(o);", "*:80 9"),
        ("server.listen(Object.assign({ port: 80 }, { backlog: 9 }));", "*:80 9"),
        ("let o; o = { port: 80 }; o.backlog = 9; server.listen(o);", "*:80 9"),
        ("const o = { port: 80, backlog: 5 }, a = o; a.backlog = 9; server.listen(o);", "*:80 9"),
        ("const o = { port: 80 }, a = o; a.backlog ||= 9; server.listen(o);", "*:80 9"),
        ("const o = { port: 80, backlog: 5 }; o.backlog += 4; server.listen(o);", "*:80 9"),
        ("const o = { port: 80, backlog: 5 }, a = o; delete a.backlog; server.listen(o);", "*:80 511"),
        ("const c = { web: { port: 80 } }; const w = c.web; w.backlog = 9; server.listen(c.web);", "*:80 9"),
        ("const o = { port: 80 }; const a = [o]; a[0].backlog = 9; server.listen(o);", "*:80 9"),
        (
            "const o = { port: 80, backlog: 5 }; const b = { ...o }; b.backlog = 9; server.listen(o);",
            "*:80 5",
        ),
        ("const o = { port: 80 }; function f() { o.backlog = 9; server.listen(o); } f();", "*:80 9"),
        (
            "const make = () => ({ port: 80 }); const o = make(), b = make(); b.backlog = 9; server.listen(o);",
            "*:80 ?",
        ),
        ("function f(x) { x.backlog = 9; } const o = { port: 80 }; f(o); server.listen(o);", "*:80 ?"),
        ("const o = { port: 80, backlog: 5 }; let a = {}; a = o; a.backlog = 9; server.listen(o);", "*:80 ?"),
        ("const o = { port: 80, backlog: 5 }; const a = o; a.backlog++; server.listen(o);", "*:80 ?"),
        ("const o = { port: 80 }; const a = o; a[key] = 9; server.listen(o);", "? ?"),
        (
            "function f() { server.listen(o); } const o = { port: 80, backlog: 5 }; o.backlog = 9; f();",
            "*:80 ?",
        ),
        ("const c = { n: 5 }, d = c; d.n = 9; server.listen(80, c.n);", "*:80 9"),
        ("const c = { n: 5 }; const n = c.n; c.n = 9; server.listen(80, n);", "*:80 5"),
    ] {
        assert_eq!(read_program(&format!("{HTTP}{text}\n")).rows(), [row], "{text}");
    }
}

#[test]
fn a_settings_file_is_changed_from_another() {
    let files = [
        ("conf.js", "module.exports = { port: 80, backlog: 5 };\n"),
        (
            "server.js",
            "const o = require('./conf'); o.backlog = 9; require('http').createServer().listen(o);\n",
        ),
    ];
    assert_eq!(read_files(&files).rows(), ["*:80 9"]);
}

#[test]
fn old_releases_listen_in_their_own_way() {
    const FASTIFY: &str =
        "const app = require('fastify')(); app.listen(80); app.listen({ port: 81, backlog: 9 });\n";
    const HONO: &str = "import { serve } from '@hono/node-server'; serve({ fetch, port: 80 });\n";
    const WORKER: &str =
        "const cluster = require('cluster'); cluster.fork(); require('http').createServer().listen(80, 9);\n";
    let [localhost, first] = [vec!["127.0.0.1:80 511", "[::1]:80 511"], vec!["[::1]:80 511", "*:81 9"]];
    let newer = [localhost, vec!["127.0.0.1:81 9", "[::1]:81 9"]].concat();
    let wants = |package: &str, range: &str| format!("{{\"dependencies\": {{\"{package}\": \"{range}\"}}}}");
    for (text, file, says, rows) in [
        (FASTIFY, "package.json", wants("fastify", "^3.29.0"), first),
        (FASTIFY, "package.json", wants("fastify", "^4.0.0"), newer.clone()),
        (FASTIFY, "package.json", wants("fastify", ">=3"), newer),
        (HONO, "package.json", wants("@hono/node-server", "1.13.1"), vec!["0.0.0.0:80 511"]),
        (HONO, "package.json", wants("@hono/node-server", "^1.13.1"), vec!["*:80 511"]),
        (WORKER, "Dockerfile", "FROM node:16.14-alpine\n".into(), vec!["*:80 511"]),
        (WORKER, "Dockerfile", "FROM node:17.5\n".into(), vec!["*:80 511"]),
        (WORKER, "Dockerfile", "FROM node:16.15\n".into(), vec!["*:80 9"]),
        (WORKER, "Dockerfile", "FROM node:lts\n".into(), vec!["*:80 9"]),
    ] {
        assert_eq!(read_files(&[("server.js", text), (file, &says)]).rows(), rows, "{text}{says}");
    }
}

#[test]
fn a_call_in_other_words_is_a_call() {
    for (text, row) in [
        ("server['listen'](80, 9);", "*:80 9"),
        ("server.listen.call(server, 80, 9);", "*:80 9"),
        ("server.listen.apply(server, [80, '::1', 9]);", "[::1]:80 9"),
        ("server?.listen(80, 9);", "*:80 9"),
    ] {
        assert_eq!(read_program(&format!("{HTTP}{text}\n")).rows(), [row], "{text}");
    }
    let patched = read_program(&format!("{HTTP}server.listen.apply(server, [80]);\n")).with_4096();
    assert_eq!(patched, Some(format!("{HTTP}server.listen.apply(server, [80, 4096]);\n")));
    assert_eq!(
        read_program(&format!("{HTTP}f(function () {{ server.listen.apply(server, arguments); }});")).rows(),
        [""; 0]
    );
}

#[test]
fn what_is_assigned_perhaps_leaves_the_rest() {
    for perhaps in [
        "switch (x) { default: p = 90; }",
        "x ? (p = 90) : (p = 91);",
        "x ? 0 : (p = 90);",
        "x && (p = 90);",
        "x || (p = 90);",
        "if (true) { x && (p = 90); }",
    ] {
        let read = read_program(&format!("{HTTP}let p = 80; {perhaps} server.listen(p);\n"));
        assert_eq!(read.rows(), ["? 511"], "{perhaps}");
    }
}

#[test]
fn a_port_that_is_there_either_way_is_no_condition() {
    let port = "const port = process.env.PORT || 3000;";
    for text in ["if (port) server.listen(port);", "if (!port) fail(); else server.listen(port);"] {
        let read = read_program(&format!("{HTTP}{port} {text}\n"));
        assert_eq!(read.rows(), ["*:3000 511"], "{text}");
        assert_eq!(read.says(), ["it is another address if PORT is set in the environment"], "{text}");
    }
}

#[test]
fn what_is_no_server_does_not_count() {
    for text in [
        "history.listen(80);",
        "const bus = new Bus(); bus.listen(80, 1);",
        "const io = require('socket.io-client'); io.listen(80);",
        "const server = { listen() {} }; server.listen(80);",
        "const http = { createServer() {} }; http.createServer().listen(80);",
        "const http = require('./http'); http.createServer().listen(80);",
        "function f(server) { server.listen(80); }",
        "class S { listen() {} } new S().listen(80);",
        "const server = require('http').createServer(); server.listen = () => {}; server.listen(80);",
        "const server = require('net').connect(80); server.listen(80);",
        "const app = require('express').Router(); app.listen(80);",
        "class S extends require('http').Server { listen() {} } new S().listen(80);",
        "class S { listen(...args) { this.s = require('net').createServer(); this.s.listen(...args); } }",
        "const s = require('net').createServer(); function f() { s.listen(...arguments); }",
        "require('net').createServer().on('listening', () => {}).address();",
        "if (false) require('net').createServer().listen(80);",
    ] {
        assert_eq!(read_program(text).rows(), [""; 0], "{text}");
    }
}

#[test]
fn a_minified_line_does_not_count() {
    let call = "require('http').createServer().listen(80)";
    let long = format!("{}{call}\n", ";".repeat(minified::LONGEST_LINE));
    assert_eq!(read_program(&long).rows(), [""; 0]);
    assert_eq!(read_program(&format!("{long}{call}\n")).rows(), ["*:80 511"]);
}

#[test]
fn workers_with_reuse_port_have_a_socket_each() {
    let clustered = |options: &str| {
        let text =
            format!("const cluster = require('cluster'); cluster.fork();\n{HTTP}server.listen({options});\n");
        read_program(&text).only().sockets
    };
    assert_eq!(clustered("{ port: 80, reusePort: true }"), None);
    assert_eq!(clustered("{ port: 80 }"), Some(1));
    assert_eq!(clustered("{ port: 80, exclusive: true }"), Some(1));
}

#[test]
fn what_is_broken_is_said_and_the_rest_is_read() {
    let read = read_program(&format!("{HTTP}server.listen(80);\nconst = ) {{\n"));
    assert_eq!(read.rows(), ["*:80 511"]);
    let [problem] = read.found.problems.as_slice() else { panic!("{:?}", read.found.problems) };
    assert_eq!(problem.kind, ProblemKind::Skipped);
    assert_eq!(read.sources.position(problem.at).line, 4);
    // Flow's annotations are no fault.
    let read = read_program(&format!("{HTTP}function f(a: ?string): void {{}}\nserver.listen(80);\n"));
    assert_eq!((read.rows().len(), read.found.problems.len()), (1, 0));
}

#[test]
fn bombs_end_with_a_word() {
    let deep: String = (1..400).map(|n| format!("const x{n} = x{} + 1;\n", n - 1)).collect();
    for text in [
        format!("{HTTP}const x0 = 1;\n{deep}server.listen(x399);\n"),
        format!("{HTTP}{}server.listen(80);", "server.listen(80);\n".repeat(MAX_CALLS)),
        format!("{HTTP}const a = [...a]; const o = {{ ...o }}; server.listen(...a); server.listen(o);"),
        format!(
            "{HTTP}function f() {{ return g() }} function g() {{ return f() + f() }} server.listen(f());"
        ),
        "class A extends B {} class B extends A {} new A().listen(80);".to_owned(),
        "import { a } from './server.js'; export * from './server.js'; a.listen(80);".to_owned(),
    ] {
        let on_a_small_stack = std::thread::Builder::new().stack_size(2 << 20);
        let read = on_a_small_stack.spawn(move || read_program(&text)).unwrap().join().unwrap();
        let said = !read.says().is_empty() || !read.found.problems.is_empty();
        assert!(said || !read.sources.cuts().is_empty() || read.rows().is_empty());
    }
}

#[test]
fn what_is_minified_is_told_or_counted() {
    let call = "require('http').createServer().listen(80)";
    let long = format!("{}{call}\n", ";".repeat(minified::LONGEST_LINE));
    for (other, counted) in [("", 0), (call, 1)] {
        let read = read_files(&[("a.js", &long), ("b.js", other)]);
        assert_eq!((read.found.left_out, read.sources.cuts().len()), (counted, 1 - counted));
    }
}
