use super::*;
use crate::text::{HashMap, Origin, Sources};

fn with<T>(text: &str, around: &Surroundings, look: impl FnOnce(&Reading<'_, '_>, &Sources) -> T) -> T {
    let sources = Sources::new();
    let source = sources.add(Origin::Builtin("t.rb".into()), text.as_bytes().to_vec());
    let ruby = Ruby::parse(&sources, source).unwrap();
    look(&ruby.reading(around), &sources)
}

/// The argument of the last directive `x`.
fn given(text: &str, around: &Surroundings) -> Value {
    with(text, around, |reading, _| {
        let directives = reading.directives();
        let x = directives.iter().rev().find(|directive| directive.name == "x").unwrap();
        reading.value(reading.positional(x.call)[0])
    })
}

fn thing(text: &str) -> Thing {
    given(text, &Surroundings::default()).thing
}

#[test]
fn values_are_followed() {
    for (program, value) in [
        ("x 1_024", 1024),
        ("x(-5)", -5),
        ("n = 4\nx n * 2 + 1", 9),
        ("x Integer('0x10')", 16),
        ("x '12px'.to_i", 12),
        ("x ENV.fetch('PORT') { 3000 }", 3000),
        ("x ENV.fetch('PORT', 3000)", 3000),
        ("x Integer(ENV['A'] || 4)", 4),
        ("n ||= 5\nx n", 5),
        ("x true ? 1 : 2", 1),
        ("N = [1, 2]\nx N[1]", 2),
        ("n = 1\nn = 2\nx n", 2),
        ("n = 1\nif false\n  n = 2\nend\nx n", 1),
    ] {
        assert_eq!(thing(program), Thing::Number(value), "{program}");
    }
    for (program, value) in [
        ("h = '0.0.0.0'\nx \"tcp://#{h}:#{ENV['P'] || 80}?a=b\"", "tcp://0.0.0.0:80?a=b"),
        ("x 'a\\n'", "a\\n"),
        ("x \"a\\n\"", "a\n"),
        ("x 'a' + 'b'", "ab"),
        ("x 'a' 'b'", "ab"),
        ("x File.join('/srv', 'a', '/b.sock')", "/srv/a/b.sock"),
        ("x File.expand_path('/a/../b')", "/b"),
        ("x 'a'.freeze", "a"),
    ] {
        assert_eq!(thing(program), Thing::Text(value.into()), "{program}");
    }
}

#[test]
fn what_only_a_run_tells_is_unknown() {
    for program in [
        "x y",
        "x Rails.root.join('a').to_s",
        "x File.expand_path('..', __FILE__)",
        "x ENV.fetch('A')",
        "if y\n  n = 1\nelse\n  n = 2\nend\nx n",
        "n = 1\nn = 2 if y\nx n",
        "n = 1\nn += 1\nx n",
        "a, n = 1, 2\nx n",
        "x Integer('abc')",
    ] {
        assert!(matches!(thing(program), Thing::Unknown(_)), "{program}");
    }
}

#[test]
fn what_surrounds_the_program_counts() {
    let around = Surroundings {
        file: Some("/srv/app/config/puma.rb".into()),
        folder: Some("/srv/app".into()),
        environment: Some(HashMap::from_iter([
            ("PORT".to_owned(), Some("80".to_owned())),
            ("OPEN".to_owned(), None),
        ])),
    };
    let text = |program: &str| given(program, &around).string();
    assert_eq!(text("x ENV['PORT']").as_deref(), Some("80"));
    assert_eq!(text("x ENV['PART'] || 'n'").as_deref(), Some("n"));
    assert_eq!(text("x ENV['OPEN']"), None);
    assert!(given("x ENV['PART'] || 'n'", &around).unless.is_empty());
    assert_eq!(text("x File.expand_path('../../tmp/a', __FILE__)").as_deref(), Some("/srv/app/tmp/a"));
    assert_eq!(text("x \"#{__dir__}/a\"").as_deref(), Some("/srv/app/config/a"));
    assert_eq!(text("x File.expand_path('a')").as_deref(), Some("/srv/app/a"));
    let open = given("x ENV['PART'] || 'n'", &Surroundings::default());
    assert_eq!(open.unless, ["PART is set in the environment"]);
}

#[test]
fn directives_have_their_conditions() {
    let found = |program: &str| {
        with(program, &Surroundings::default(), |reading, _| {
            let all = reading.directives().into_iter();
            let all: Vec<String> = all
                .map(|directive| format!("{} {}", directive.name, directive.conditions.join(" ")))
                .collect();
            all.join("; ")
        })
    };
    assert_eq!(found("a 1\nb 2 if true\nc 3 if false"), "a ; b ");
    assert_eq!(found("if y\n  a 1\nelse\n  b 2\nend"), "a only if `y`; b unless `y`");
    assert_eq!(found("if y\n  a 1\nelsif z\n  b 2\nend"), "a only if `y`; b unless `y` only if `z`");
    assert_eq!(found("unless ENV['Y']\n  a 1\nend"), "a unless `ENV['Y']`");
    assert_eq!(found("case y\nwhen 1 then a 1\nend"), "a only in `when 1 then a 1`");
    assert_eq!(found("b do\n  a 1\nend\ndef c\n  a 1\nend\na b(1)"), "b ; a ");
}

#[test]
fn options_and_places_are_found() {
    let option = |program: &str| {
        with(program, &Surroundings::default(), |reading, sources| {
            let call = reading.directives()[0].call;
            let value = reading.option(call, "backlog");
            let at = reading.behind_arguments(call).map(|at| at.start);
            (
                value.as_ref().and_then(Value::number),
                value.and_then(|v| v.written).map(|at| sources.text(at).into_owned()),
                at,
            )
        })
    };
    assert_eq!(option("x 1, backlog: 64"), (Some(64), Some("64".into()), Some(16)));
    assert_eq!(option("x 1, :backlog => 64, a: 2"), (Some(64), Some("64".into()), Some(25)));
    assert_eq!(option("x 1, { 'backlog' => 64 }"), (Some(64), Some("64".into()), Some(22)));
    assert_eq!(option("x(1)"), (None, None, Some(3)));
    assert_eq!(option("x 1, **y").0, None);
}

#[test]
fn the_end_of_a_text_keeps_its_place() {
    let tail = |program: &str| {
        with(program, &Surroundings::default(), |reading, sources| {
            let directives = reading.directives();
            let value = reading.value(reading.positional(directives[0].call)[0]);
            value.tail.map(|tail| sources.text(tail).into_owned())
        })
    };
    assert_eq!(tail("x \"tcp://#{1}?backlog=64\"").as_deref(), Some("?backlog=64"));
    assert_eq!(tail("x \"tcp://#{1}\"").as_deref(), Some(""));
    assert_eq!(tail("x 'tcp://a' + '?b'").as_deref(), Some("?b"));
    assert_eq!(tail("x %q(a)"), None);
}

#[test]
fn hostile_files_end_soon() {
    let mut doubled = "x0 = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'\n".to_owned();
    for n in 1..60 {
        doubled += &format!("x{n} = x{m} + x{m}\n", m = n - 1);
    }
    for program in [
        doubled + "x x59",
        "x = x\n".repeat(50_000) + "x x",
        "x 1 if y\n".repeat(50_000),
        "if y\n".repeat(1_000) + "x 1",
        "x(".repeat(50_000),
    ] {
        let started = std::time::Instant::now();
        let sources = Sources::new();
        let source = sources.add(Origin::Builtin("t.rb".into()), program.as_bytes().to_vec());
        if let Ok(ruby) = Ruby::parse(&sources, source) {
            let around = Surroundings::default();
            let reading = ruby.reading(&around);
            for directive in reading.directives() {
                let _: Vec<Value> =
                    reading.positional(directive.call).into_iter().map(|it| reading.value(it)).collect();
            }
        }
        assert!(started.elapsed().as_secs() < 5, "{}", &program[..20]);
    }
}
