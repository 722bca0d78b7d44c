use super::*;
use crate::text::{Origin, Sources};

fn with<T>(text: &str, look: impl FnOnce(&Reading<'_, '_>) -> T) -> T {
    let sources = Sources::new();
    let source = sources.add(Origin::Builtin("t.py".into()), text.as_bytes().to_vec());
    let python = Python::parse(&sources, source).unwrap();
    look(&python.reading())
}

fn last(text: &str, name: &str) -> Value {
    with(text, |reading| reading.last(name).unwrap_or_else(|| Value::unknown("not bound")))
}

fn thing(text: &str) -> Thing {
    last(text, "x").thing
}

fn number(text: &str) -> Option<i64> {
    last(text, "x").number()
}

fn text(text: &str) -> Option<String> {
    last(text, "x").text().map(str::to_owned)
}

#[test]
fn constants_are_followed() {
    for (program, value) in [
        ("x = 1_024", 1024),
        ("x = -0x10", -16),
        ("n = 4\nx = n * 2 + 1", 9),
        ("x: int = 512", 512),
        ("x = y = 7", 7),
        ("a, x = 1, 2", 2),
        ("x = 2 ** 10", 1024),
        ("x = 1 << 7", 128),
        ("x = 1000 // 3", 333),
        ("x = int('5')", 5),
        ("x = int(' 1_0 ')", 10),
        ("x = max(3, 4)", 4),
        ("x = 1\nx = 2", 2),
        ("x = 1\nx = x + 1", 2),
        ("x = {'a': 5}['a']", 5),
        ("x = dict(a=5).get('a', 6)", 5),
        ("x = [1, 2, 3][-1]", 3),
        ("x = 5 if True else 6", 5),
        ("x = 0 or 9", 9),
        ("class C:\n  A = 3\nx = C.A", 3),
        ("def f():\n  return 8\nx = f()", 8),
        ("x = (lambda: 4)()", 4),
        ("if False:\n  x = 1\nelse:\n  x = 2", 2),
        ("import sys\nx = 1\nif sys.platform == 'win32':\n  x = 2", 1),
        ("try:\n  x = 1\nexcept E:\n  raise", 1),
        ("import config\nx = 3\ndef f():\n  x = 4", 3),
    ] {
        assert_eq!(number(program), Some(value), "{program}");
    }
}

#[test]
fn texts_are_put_together() {
    for (program, value) in [
        ("x = 'a' \"b\"", "ab"),
        ("x = r'\\n'", "\\n"),
        ("x = '\\x41\\n'", "A\n"),
        ("p = 80\nx = f'0.0.0.0:{p}'", "0.0.0.0:80"),
        ("x = f'{{}}'", "{}"),
        ("x = '%s:%d' % ('h', 5)", "h:5"),
        ("x = '{}:{p}'.format('h', p=5)", "h:5"),
        ("x = '0.0.0.0:' + str(80)", "0.0.0.0:80"),
        ("import os\nx = os.path.join('/run', 'a.sock')", "/run/a.sock"),
        ("import os as o\nx = ':' + o.environ.get('PORT', '80')", ":80"),
    ] {
        assert_eq!(text(program).as_deref(), Some(value), "{program}");
    }
}

#[test]
fn what_only_a_run_tells_is_unknown() {
    for program in [
        "x = input()",
        "if y:\n  x = 1\nelse:\n  x = 2",
        "x = 1\nif y:\n  x = 2",
        "x = f'{p!r}'",
        "import os\nx = os.environ['X']",
        "x = 1\nx += 1",
        "import os\nx = int(os.environ.get('X'))",
        "for x in range(5): pass",
        "x = x",
        "x = 1 / 0",
        "x = 1 % 0",
        "x = 9223372036854775807 + 1",
        "x = {**y}",
        "x = '%s' % (1, 2)",
    ] {
        assert!(!last(program, "x").is_known(), "{program}");
    }
    assert_eq!(
        thing("import multiprocessing as m\nx = m.cpu_count").clone(),
        Thing::Named("multiprocessing.cpu_count".into())
    );
    let environment = last("import os\nx = os.environ['X']", "x");
    assert_eq!(environment.why(), Some("it is what the environment says in X"));
}

#[test]
fn the_environment_counts_as_not_set() {
    for program in [
        "import os\nx = int(os.environ.get('X', '5'))",
        "from os import environ, getenv\nx = int(getenv('X', 5))",
        "import os\nx = int(os.getenv('X') or 5)",
        "import os\nx = int(os.environ['X']) if 'X' in os.environ else 5",
    ] {
        let value = last(program, "x");
        assert_eq!(value.number(), Some(5), "{program}");
        assert_eq!(value.unless, ["X is set in the environment"], "{program}");
    }
}

#[test]
fn a_literal_keeps_its_place() {
    let span = |program: &str| last(program, "x").written.map(|span| span.range());
    assert_eq!(span("x = 512"), Some(4..7));
    assert_eq!(span("x = '512'"), Some(5..8));
    assert_eq!(span("x = -5"), Some(4..6));
    assert_eq!(span("n = 512\nx = n"), Some(4..7));
    assert_eq!(span("x = int('512')"), Some(9..12));
    assert_eq!(span("x = 256 * 2"), None);
    assert_eq!(span("x = 'a\\n'"), None);
}

fn callees(text: &str, name: &str) -> Vec<String> {
    with(text, |reading| {
        let calls = reading.python.calls(name);
        calls.iter().flat_map(|call| reading.callee(*call)).collect()
    })
}

#[test]
fn calls_have_full_names() {
    for (program, name, full) in [
        ("import socket as s\ns.create_server(a)", "create_server", "socket.create_server"),
        ("from asyncio import start_server as go\ngo(f)", "go", "asyncio.start_server"),
        ("import a.b.c\na.b.c.d()", "d", "a.b.c.d"),
        ("from flask import Flask\napp = Flask(n)\napp.run()", "run", "flask.Flask.run"),
        ("import socket\nwith socket.socket() as s:\n  s.listen(5)", "listen", "socket.socket.listen"),
        (
            "import socket\nclass S:\n  def __init__(self):\n    self.s = socket.socket()\n  def go(self):\n    self.s.listen(5)",
            "listen",
            "socket.socket.listen",
        ),
        (
            "import asyncio\nasync def main(loop):\n  await loop.create_server(f)\nmain(asyncio.get_event_loop())",
            "create_server",
            "asyncio.get_event_loop.create_server",
        ),
        ("from a import B\nclass C(B): pass\nC().go()", "go", "a.B.go"),
        ("from flask import Flask\ndef f():\n  return Flask(n)\nf().run()", "run", "flask.Flask.run"),
        ("import socket\ndef f(s: socket.socket):\n  s.listen()", "listen", "socket.socket.listen"),
        ("s = None\ndef f():\n  global s\n  s = g.h()\nimport g\ns.i()", "i", "g.h.i"),
    ] {
        assert_eq!(callees(program, name), [full], "{program}");
    }
    assert!(callees("queue.listen(5)", "listen").is_empty());
    assert!(callees("def listen(n): pass\nlisten(5)", "listen").is_empty());
}

#[test]
fn arguments_are_found_by_place_and_by_name() {
    let argument = |program: &str, index, name: &str| {
        with(program, |reading| {
            let call = *reading.python.calls("f").first().unwrap();
            reading.argument(call, index, name)
        })
    };
    let number = |given: Option<Value>| given.and_then(|value| value.number());
    assert_eq!(number(argument("f(1, 2)", Some(1), "b")), Some(2));
    assert_eq!(number(argument("f(1, b=3)", Some(1), "b")), Some(3));
    assert_eq!(number(argument("o = {'b': 4}\nf(1, **o)", Some(1), "b")), Some(4));
    assert_eq!(argument("f(1)", Some(1), "b"), None);
    assert_eq!(argument("f(1, **{'c': 1})", Some(1), "b"), None);
    for program in ["f(1, **o)", "f(*a)", "f(1, *a)"] {
        assert!(argument(program, Some(1), "b").is_some_and(|value| !value.is_known()), "{program}");
    }
}

#[test]
fn parameters_are_what_calls_give() {
    let given = |program: &str| {
        with(program, |reading| {
            let call = *reading.python.calls("use").first().unwrap();
            reading.argument(call, Some(0), "").unwrap()
        })
    };
    assert_eq!(given("def f(n):\n  use(n)\nf(5)").number(), Some(5));
    assert_eq!(given("def f(n=4):\n  use(n)\nf()").number(), Some(4));
    let open = given("def f(n=4):\n  use(n)");
    assert_eq!((open.number(), open.unless.join("")), (Some(4), "the caller gives `n`".into()));
    assert!(!given("def f(n):\n  use(n)\nf(5)\nf(6)").is_known());
    assert_eq!(given("class C:\n  def __init__(self, n):\n    use(n)\nC(7)").number(), Some(7));
    let option = given(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('-p', '--my-port', type=int, default='80')\n\
         a = p.parse_args()\nuse(a.my_port)",
    );
    assert_eq!(
        (option.number(), option.unless.join("")),
        (Some(80), "--my-port is given on the command line".into())
    );
    for options in [
        "import optparse\np = optparse.OptionParser()\np.add_option('-n', dest='n', default=6)\no, _ = p.parse_args()\nuse(o.n)",
        "from tornado.options import define, options\ndefine('n', default=6, type=int)\nuse(options.n)",
        "import threading\ndef f(n):\n  use(n)\nthreading.Thread(target=f, args=(6,)).start()",
    ] {
        assert_eq!(given(options).number(), Some(6), "{options}");
    }
    let click = "import click\n@click.command()\n@click.option('--n', default=9)\ndef f(n):\n  use(n)\nf()";
    let click = given(click);
    assert_eq!(click.number(), Some(9));
}

#[test]
fn the_branch_that_is_run_counts() {
    let condition = |program: &str| {
        with(program, |reading| reading.condition(*reading.python.calls("f").first().unwrap()))
    };
    assert_eq!(condition("if __name__ == '__main__':\n  f()"), Condition::Main);
    assert_eq!(condition("if False:\n  f()"), Condition::Never);
    assert_eq!(condition("if 0:\n  pass\nelse:\n  f()"), Condition::Open);
    assert_eq!(condition("if y:\n  f()"), Condition::Open);
}

#[test]
fn hostile_programs_end_soon() {
    let doubled = |from: &str, step: &str| {
        let mut program = format!("x0 = {from}\n");
        for n in 1..60 {
            program += &format!("x{n} = {}\n", step.replace('_', &format!("x{}", n - 1)));
        }
        program + "x = x59\n"
    };
    let long = "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'";
    for program in [
        doubled(long, "_ + _"),
        doubled("[1]", "[_, _]"),
        doubled("{'a': 1}", "{'a': _, 'b': _}"),
        "x = 1\n".repeat(100_000),
        format!("x = {}", "x(".repeat(50_000)),
        "def f(x): f(x)\n".repeat(20_000),
        "class x(x): pass\nx().y.z\n".repeat(20_000),
        "self.x = self.x\n".repeat(30_000) + "x = self.x",
    ] {
        let started = std::time::Instant::now();
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t.py".into()), program.as_bytes().to_vec());
        if let Ok(python) = Python::parse(&sources, source) {
            let reading = python.reading();
            let _ = reading.last("x");
            for name in python.called() {
                for call in python.calls(name).iter().take(100) {
                    let _ = (reading.callee(*call), reading.argument(*call, Some(0), "x"));
                }
            }
        }
        assert!(started.elapsed().as_secs() < 5, "{}", &program[..40]);
    }
}

#[test]
fn a_long_comment_does_not_take_longer() {
    let comment = "    # \u{fc} f(1)\r\n".repeat(LONG_COMMENT + 1);
    let text = format!("if a:\n    b()\n{comment}    f('# \u{fc}')\n");
    let read = without_long_comments(text.as_bytes());
    assert_eq!(read.len(), text.len());
    assert_eq!(read.iter().filter(|byte| **byte == b'#').count(), 1);
    let sources = Sources::new();
    let source = sources.add(Origin::Builtin("t.py".into()), text.clone().into_bytes());
    let program = Python::parse(&sources, source).unwrap();
    assert_eq!(program.calls("f").len(), 1);
    let few = "# a\n".repeat(LONG_COMMENT);
    assert_eq!(without_long_comments(few.as_bytes()), few.as_bytes());
}
