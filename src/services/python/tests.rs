use super::*;
use crate::knowledge::Knowledge;
use crate::model::Kind;
use crate::services::{Seen, Trial};
use crate::text::Sources;

fn read_all(files: &[(&str, &str)], lines: &[&str]) -> Seen {
    let lines: Vec<(&str, &str)> = lines.iter().map(|line| ("", *line)).collect();
    read_in(files, &lines)
}

/// Files, and command lines with the folders that they are at home in.
fn read_in(files: &[(&str, &str)], lines: &[(&str, &str)]) -> Seen {
    let repository = Trial::repository("python", files);
    let start = |trial: Trial, (folder, line): &(&str, &str)| {
        trial.started_as(line, |command| command.folder = Some(folder.into()))
    };
    lines.iter().fold(repository, start).read()
}

fn read_files(files: &[(&str, &str)]) -> Seen {
    read_all(files, &[])
}

fn read_program(text: &str) -> Seen {
    read_files(&[("main.py", text)])
}

#[test]
fn the_table_of_servers_reads() {
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).unwrap();
    let service = knowledge.service("python").unwrap();
    let table = Table::read(service).unwrap();
    for entry in &table.entries {
        let known = entry.default.as_ref().is_none_or(|name| service.default(name).is_some());
        assert!(known, "{} has no default", entry.library);
        assert_eq!(table.find(&entry.calls[0]).unwrap().library, entry.library);
    }
}

#[test]
fn a_backlog_finds_its_place() {
    let socket = "import socket\ns = socket.socket()\ns.bind(('', 80))\n";
    for (program, patched) in [
        ("s.listen()", Some("s.listen(4096)")),
        ("s.listen(5)", Some("s.listen(4096)")),
        ("s.listen(-1)", Some("s.listen(4096)")),
        ("BACKLOG = 5\ns.listen(BACKLOG)", Some("BACKLOG = 4096\ns.listen(BACKLOG)")),
        ("n = 5\ns.listen(n)", Some("n = 4096\ns.listen(n)")),
        ("n = 5\nx = n\ns.listen(n)", None),
        ("s.listen(5 * 2)", None),
        ("s.listen(socket.SOMAXCONN)", None),
        ("s.listen(backlog())", None),
    ] {
        let read = read_program(&format!("{socket}{program}\n"));
        let expected = patched.map(|patched| format!("{socket}{patched}\n"));
        assert_eq!(read.set(4096), expected, "{program}");
    }
    for (program, patched) in [
        (
            "import uvicorn\nuvicorn.run(app,\n            port=80)\n",
            "import uvicorn\nuvicorn.run(app,\n            port=80, backlog=4096)\n",
        ),
        (
            "import socket\nsocket.create_server(\n    ('', 80),\n)\n",
            "import socket\nsocket.create_server(\n    ('', 80), backlog=4096,\n)\n",
        ),
        (
            "from http.server import HTTPServer\nclass S(HTTPServer):\n    'It serves.'\n    x = 1\nS(('', 80), h)\n",
            "from http.server import HTTPServer\nclass S(HTTPServer):\n    'It serves.'\n    request_queue_size = 4096\n    x = 1\nS(('', 80), h)\n",
        ),
        (
            "from http.server import HTTPServer\nclass S(HTTPServer):\n    pass\nS(('', 80), h)\n",
            "from http.server import HTTPServer\nclass S(HTTPServer):\n    request_queue_size = 4096\n    pass\nS(('', 80), h)\n",
        ),
        (
            "from http.server import HTTPServer\nclass S(HTTPServer):\n    request_queue_size = 7\nS(('', 80), h)\n",
            "from http.server import HTTPServer\nclass S(HTTPServer):\n    request_queue_size = 4096\nS(('', 80), h)\n",
        ),
        (
            "from hypercorn.asyncio import serve\nfrom hypercorn.config import Config\ndef f():\n    c = Config()\n    serve(app, c)\n",
            "from hypercorn.asyncio import serve\nfrom hypercorn.config import Config\ndef f():\n    c = Config()\n    c.backlog = 4096\n    serve(app, c)\n",
        ),
    ] {
        assert_eq!(read_program(program).set(4096).as_deref(), Some(patched), "{program}");
    }
    let plain = "from http.server import HTTPServer\nHTTPServer(('', 80), h)\n";
    assert_eq!(read_program(plain).set(4096), None);
}

#[test]
fn what_is_not_known_is_said() {
    let read = read_program(
        "import os, uvicorn\nuvicorn.run(app, host=os.environ['HOST'], port=80, backlog=int(os.environ.get('Q', 9)))",
    );
    assert_eq!(read.rows(), ["? 9"]);
    assert_eq!(
        read.said(),
        "requested by the program unless Q is set in the environment; \
         unknown address: it is what the environment says in HOST"
    );
    let read = read_program("import os, uvicorn\nuvicorn.run(app, port=int(os.getenv('PORT', 80)))");
    assert_eq!(read.rows(), ["127.0.0.1:80 2048"]);
    assert!(read.said().contains("it is another address if PORT is set in the environment"));
    let read = read_program("import uvicorn\nuvicorn.run(app, **options)");
    assert_eq!(read.rows(), ["? ?"]);
    let read = read_program("import socket\ndef f(sock):\n  sock.listen(7)\n");
    assert_eq!(read.rows(), ["? 7"]);
    let read = read_program("import socket\ns = socket.socket()\ns.bind(('', 80))\ns.listen(2 ** 40)");
    assert_eq!(read.rows(), ["0.0.0.0:80 ?"]);
}

#[test]
fn other_things_that_listen_are_none() {
    for program in [
        "bus.listen(5)",
        "import queue\nq = queue.Queue()\nq.listen(5)",
        "from redis import Redis\nfor m in Redis().pubsub().listen(): pass",
        "import logging.config\nlogging.config.listen(9030)",
        "import socket\ns = socket.socket(socket.AF_BLUETOOTH)\ns.bind(x)\ns.listen(1)",
        "import socket\ndef f(parser):\n  parser.listen(1)",
        "class Flask:\n  def run(self): pass\nFlask().run(port=5000)",
        "def listen(n): pass\nlisten(5)",
        "import subprocess\nsubprocess.run(['a'])",
        "import asyncio\nasyncio.run(main())",
        "import asyncio\nasyncio.open_connection('h', 80)",
        "if False:\n  import uvicorn\n  uvicorn.run(app)",
    ] {
        assert_eq!(read_program(program).rows(), [""; 0], "{program}");
    }
}

#[test]
fn command_lines_start_servers() {
    let rows = |line: &str| read_all(&[], &[line]).rows();
    for (line, row) in [
        ("python manage.py runserver", "127.0.0.1:8000 10"),
        ("python3 -u manage.py runserver --noreload 0:80", "0.0.0.0:80 10"),
        ("./manage.py runserver --settings a.b [::]:80", "*:80 10"),
        ("django-admin runserver -6", "[::1]:8000 10"),
        ("flask --app a run", "127.0.0.1:5000 128"),
        ("python -m flask run --host=0.0.0.0 -p 80", "0.0.0.0:80 128"),
        ("python3 -m http.server -d x 80", "0.0.0.0:80 5"),
        ("python -m http.server --bind 127.0.0.1", "127.0.0.1:8000 5"),
    ] {
        assert_eq!(rows(line), [row], "{line}");
    }
    for line in
        ["python manage.py migrate", "flask db upgrade", "python -m venv x", "python", "manage.py", "flask"]
    {
        assert_eq!(rows(line), [""; 0], "{line}");
    }
    assert_eq!(read_all(&[], &["python manage.py runserver", "gunicorn a:b"]).rows(), [""; 0]);
}

const FLASK: &str =
    "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run()\n";
const UVICORN: &str =
    "import uvicorn\ndef main():\n    uvicorn.run('main:app')\nif __name__ == '__main__':\n    main()\n";

#[test]
fn what_another_server_serves_is_passed_over() {
    for program in [FLASK, UVICORN] {
        let rows = |lines: &[&str]| read_all(&[("app/main.py", program)], lines).rows().len();
        assert_eq!(rows(&[]), 1);
        assert_eq!(rows(&["gunicorn main:app"]), 0);
        assert_eq!(rows(&["python -m uvicorn main:app"]), 0);
        assert_eq!(rows(&["python3 app/main.py", "gunicorn other:app"]), 1);
        assert_eq!(rows(&["python -m app.main", "gunicorn other:app"]), 1);
        assert_eq!(rows(&["nginx"]), 1);
        let beside = [("app/main.py", program), ("gunicorn.conf.py", "")];
        assert_eq!(read_files(&beside).rows().len(), 0);
    }
    let several = [("shop/main.py", UVICORN), ("blog/app.py", FLASK)];
    assert_eq!(read_in(&several, &[("blog", "gunicorn app:app")]).rows().len(), 1);
    assert_eq!(read_in(&several, &[("docker", "gunicorn app:app")]).rows().len(), 0);
    let always = "import uvicorn\nuvicorn.run(app)\n";
    assert_eq!(read_all(&[("main.py", always)], &["gunicorn main:app"]).rows().len(), 1);
    let server = "import socket\nif __name__ == '__main__':\n    socket.create_server(('', 80))\n";
    assert_eq!(read_all(&[("main.py", server)], &["gunicorn main:app"]).rows().len(), 1);
}

#[test]
fn only_what_is_empty_until_it_is_set_keeps_it_from_listening() {
    for (condition, said) in [
        ("port", ""),
        ("not os.environ.get('X')", "it does not listen if X is set in the environment"),
        ("'X' not in os.environ", "it does not listen if X is set in the environment"),
        ("int(port) > 1024", "it may not listen if PORT is set in the environment"),
        ("os.environ.get('X')", "it listens only if X is set in the environment"),
    ] {
        let head = "import os, uvicorn\nport = os.environ.get('PORT', 8000)\n";
        let read = read_program(&format!("{head}if {condition}:\n    uvicorn.run(app, port=80)\n"));
        let notes: Vec<&str> = read.one().notes.iter().map(|note| note.what.as_str()).collect();
        assert_eq!(notes.join("; "), said, "{condition}");
    }
}

#[test]
fn names_lead_to_other_files() {
    let read = read_files(&[
        ("src/run.py", "from shop import app\nfrom shop.settings import PORT\napp.run(port=PORT)\n"),
        ("src/shop/__init__.py", "from .factory import make\napp = make()\n"),
        ("src/shop/factory.py", "import flask\ndef make():\n    app = flask.Flask('shop')\n    return app\n"),
        ("src/shop/settings.py", "from . import base\nPORT = base.PORT + 1\n"),
        ("src/shop/base.py", "PORT = 5000\n"),
    ]);
    assert_eq!(read.rows(), ["127.0.0.1:5001 128"]);
    let read = read_files(&[
        ("a.py", "from b import X\nX = X\n"),
        ("b.py", "from a import X\nimport uvicorn\nuvicorn.run(app, port=X)\n"),
    ]);
    assert_eq!(read.rows(), ["? 2048"]);
    let read = read_files(&[
        ("run.py", "from server import Server as HTTPServer\nHTTPServer(('127.0.0.1', 80), None)\n"),
        (
            "server.py",
            "import socketserver\nclass Server(socketserver.TCPServer):\n    request_queue_size = 9\n",
        ),
    ]);
    assert_eq!(read.rows(), ["127.0.0.1:80 9"]);
}

#[test]
fn a_file_that_is_named_as_what_it_imports_asks_itself_once() {
    let program = "from concurrent import futures\nfrom http.server import HTTPServer\n";
    let program = format!("{program}futures.Pool()\nHTTPServer(('', 80), None).serve_forever()\n");
    let seen = read_files(&[("app/concurrent.py", &program)]);
    assert_eq!((seen.rows().len(), seen.cuts()), (1, vec![]));
}

#[test]
fn an_option_is_found_behind_many_others() {
    let options: String = (0..100).map(|n| format!("parser.add_argument('--a{n}')\n")).collect();
    let program = format!(
        "import argparse\nfrom http.server import HTTPServer\nparser = argparse.ArgumentParser()\n{options}\
         parser.add_argument('--port', type=int, default=80)\nargs = parser.parse_args()\n\
         HTTPServer(('', args.port), None).serve_forever()\n"
    );
    assert_eq!(read_program(&program).rows(), ["0.0.0.0:80 5"]);
}

#[test]
fn options_are_of_the_kind_of_their_defaults_where_the_library_says_so() {
    let end = "import uvicorn\nuvicorn.run(app, port=80, backlog=";
    let click = "import click\n@click.command()\n@click.option('--n', default=128)\ndef main(n):\n    \
                 import uvicorn\n    uvicorn.run(app, port=80, backlog=n)\n";
    let tornado = format!(
        "from tornado.options import define, options, parse_command_line\ndefine('n', default=128)\n\
         parse_command_line()\n{end}options.n)\n"
    );
    for program in [click, &tornado] {
        let seen = read_all(&[("main.py", program)], &["python main.py --n=9"]);
        assert_eq!(seen.rows(), ["127.0.0.1:80 9"], "{program}");
        assert_eq!(seen.set(64).as_deref(), Some("python main.py --n=64"));
    }
    let given = format!(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--n', type=int, default=7)\n\
         args = parser.parse_args(args=[])\n{end}args.n)\n"
    );
    assert_eq!(read_all(&[("main.py", &given)], &["python main.py --n=9"]).rows(), ["127.0.0.1:80 7"]);
}

#[test]
fn a_number_points_at_its_literal() {
    let read = read_program("import uvicorn\nuvicorn.run(app, backlog=512)\n");
    let value = read.one().backlog.value.as_ref().unwrap();
    assert_eq!((read.sources.text(value.span).as_ref(), value.kind), ("512", Kind::Written));
    assert_eq!(read.sources.text(read.one().site), "run(app, backlog=512)");
    let read = read_program("import uvicorn\nuvicorn.run(app)\n");
    let value = read.one().backlog.value.as_ref().unwrap();
    assert_eq!(read.sources.get(value.span.source).name(), "builtin:rules/services/python.toml");
    assert_eq!(read.said(), "uvicorn's own default");
}

#[test]
fn musl_has_another_constant() {
    let program = "import socket\nsocket.create_server(('', 80), backlog=socket.SOMAXCONN)\n";
    assert_eq!(read_program(program).rows(), ["0.0.0.0:80 4096"]);
    let alpine = read_files(&[("srv/main.py", program), ("etc/alpine-release", "3.20\n")]);
    assert_eq!(alpine.rows(), ["0.0.0.0:80 128"]);
    for (release, number) in
        [("rhel\nVERSION_ID=8.6", 128), ("debian\nVERSION_ID=10", 128), ("debian\nVERSION_ID=11", 4096)]
    {
        let old = read_files(&[("srv/main.py", program), ("etc/os-release", &format!("ID={release}\n"))]);
        assert_eq!(old.rows(), [format!("0.0.0.0:80 {number}")]);
    }
}

#[test]
fn the_workers_of_an_older_granian_share_one_socket() {
    let program = "from granian import Granian\nGranian('app:app', workers=3).serve()\n";
    let sockets = |pinned: &str| {
        let read = read_files(&[("srv/main.py", program), ("srv/requirements.txt", pinned)]);
        read.found.listeners[0].sockets
    };
    assert_eq!(sockets("granian==2.7.9\n"), Some(1));
    assert_eq!(sockets("granian==2.8.0\n"), Some(3));
    assert_eq!(sockets(""), Some(3));
}

#[test]
fn broken_and_hostile_programs_end_soon() {
    let long = "s.listen(5)\n".repeat(40_000);
    let nested = format!("import uvicorn\nuvicorn.run({}", "f(".repeat(100_000));
    let many = format!("import socket as sock\n{}", "sock.listen(1)\n".repeat(20_000));
    let binds = format!(
        "import socket\ns = socket.socket()\n{}s.listen()\n",
        "s.bind(('', 80))\ns = socket.socket()\n".repeat(5_000)
    );
    for program in [long, nested, many, binds, "def f(:\n uvicorn.run(\n".repeat(9_000)] {
        let started = std::time::Instant::now();
        let read = read_program(&program);
        assert!(read.found.listeners.len() <= 200);
        assert!(started.elapsed().as_secs() < 10, "{}", &program[..40]);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn random_programs_are_survived(text in "(import socket|s|=|socket\\.socket\\(\\)|\\.listen|\\(|\\)|5|\n|  |def f|:|uvicorn|\\.run|,|\\*\\*|class A|\"|\\{|\\}){0,60}") {
        read_program(&text);
    }
}

#[test]
fn a_socket_that_is_known_is_no_further_one() {
    let socket = "import socket\ns = socket.socket()\ns.bind(('', 9))\ns.listen(5)\n";
    let servers: String =
        (1..MAX_OPENINGS).map(|port| format!("HTTPServer(('', {}), None)\n", port + 1024)).collect();
    let read = read_program(&format!("from http.server import HTTPServer\n{socket}{servers}s.listen(6)\n"));
    assert_eq!((read.found.listeners.len(), read.sources.cuts()), (MAX_OPENINGS, Vec::new()));
}

#[test]
fn what_init_sets_before_its_base_does_counts() {
    let rows = |init: &str| {
        let class =
            "from http.server import HTTPServer\nclass A(HTTPServer):\n    def __init__(self, *args):\n";
        read_program(&format!("{class}{init}A(('127.0.0.1', 80), None)\n")).rows()
    };
    let (set, base) =
        ("        self.request_queue_size = 9\n", "        super().__init__(('127.0.0.1', 80), None)\n");
    assert_eq!(rows(&format!("{set}{base}")), ["127.0.0.1:80 9"]);
    assert_eq!(rows(&format!("{base}{set}")), ["127.0.0.1:80 5"]);
    assert_eq!(rows(&format!("        if args:\n    {set}{base}")), ["127.0.0.1:80 ?"]);
}
