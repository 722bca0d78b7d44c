use std::path::Path;

use super::*;
use crate::syntax::startup::Nobody;
use crate::text::{Sources, Tree};

/// What the last argument of the one call of `show` comes to.
fn shown(text: &str) -> Value {
    let sources = Sources::new();
    let name = Path::new("main.go");
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::around(&sources, folder.path(), name, text.as_bytes().to_vec());
    let files = Files::new(&sources, &tree, Libraries::default());
    let source = tree.read(&sources, name).unwrap();
    let go = files.open(name, source).unwrap().unwrap();
    let reading = Reading::new(&files, &Nobody, MAX_FUEL);
    let call = *go.calls(|name| name == "show").last().unwrap();
    let argument = *go.arguments(call).last().unwrap();
    reading.value(At { go, id: argument })
}

const HEAD: &str =
    "package main\nimport (\"os\"; \"fmt\"; \"net\"; \"strconv\"; \"cmp\"; \"strings\"; \"flag\")\n";

fn text(program: &str) -> Result<String, String> {
    let value = shown(&format!("{HEAD}{program}"));
    value.shown().ok_or_else(|| value.why_unknown().unwrap_or_else(|| format!("{:?}", value.thing)))
}

fn known(program: &str) -> String {
    text(program).unwrap_or_else(|why| panic!("{program}: {why}"))
}

#[test]
fn plain_values() {
    for (expression, expected) in [
        ("8_080", "8080"),
        ("0x1F90", "8080"),
        ("0o17", "15"),
        ("017", "15"),
        ("80 * 100 + 80", "8080"),
        ("-1", "-1"),
        ("\"a\" + `b`", "ab"),
        ("\"a\\\\b\"", "a\\b"),
        ("string(\"x\")", "x"),
        ("fmt.Sprintf(\"%s:%d%%\", \"h\", 1)", "h:1%"),
        ("fmt.Sprint(\"a\", 1)", "a1"),
        ("net.JoinHostPort(\"::1\", \"80\")", "[::1]:80"),
        ("strconv.Itoa(80)", "80"),
        ("strings.TrimPrefix(\":80\", \":\")", "80"),
        ("cmp.Or(os.Getenv(\"PORT\"), \"\", \"8080\")", "8080"),
        ("*flag.Int(\"p\", 80, \"\")", "80"),
    ] {
        assert_eq!(known(&format!("func main() {{ show({expression}) }}")), expected, "{expression}");
    }
}

#[test]
fn variables_have_what_is_set_last() {
    for (body, expected) in [
        ("x := 1\ny := x\nz := y\nshow(z)", "1"),
        ("x := 1\nx = 2\nshow(x)", "2"),
        ("x := 1\nshow(x)\nx = 2", "1"),
        ("x := \"a\"\nx = x + \"b\"\nshow(x)", "ab"),
        ("var x string\nshow(x)", ""),
        ("x, y := 1, 2\n_ = x\nshow(y)", "2"),
        ("x := 1\n{ x := 2; _ = x }\nshow(x)", "1"),
        ("x := 1\ngo func() { show(x) }()", "1"),
        ("x := 1\ngo func() { show(x) }()\nx = 2", "2"),
        ("if x := 3; x > 2 { show(x) }", "3"),
    ] {
        assert_eq!(known(&format!("func main() {{\n{body}\n}}")), expected, "{body}");
    }
    for body in ["x := 1\nif y { x = 2 }\nshow(x)", "for x := range y { show(x) }", "x := 1\nx += 2\nshow(x)"]
    {
        assert!(text(&format!("func main() {{\n{body}\n}}")).is_err(), "{body}");
    }
}

#[test]
fn functions_are_followed_for_the_call_that_is_asked_about() {
    let helper = "func or(key, other string) string { if v := os.Getenv(key); v != \"\" { return v }\nreturn other }\n";
    let program = format!("{helper}func main() {{ use(or(\"A\", \"1\")); show(or(\"B\", \"2\")) }}");
    let value = shown(&format!("{HEAD}{program}"));
    assert_eq!(
        (value.as_text(), value.unless.as_slice()),
        (Some("2"), &["B is set in the environment".to_owned()][..])
    );
    let nested = format!("{helper}func main() {{ show(or(\"A\", or(\"B\", \"3\"))) }}");
    assert!(text(&nested).is_err() || known(&nested) == "3");
    assert_eq!(
        known("func f() (int, error) { return 7, nil }\nfunc main() { x, err := f(); _ = err; show(x) }"),
        "7"
    );
    assert_eq!(known("func f(x int) { show(x) }\nfunc main() { f(5) }"), "5");
    assert_eq!(text("func F(x int) { show(x) }"), Err("it is what `F` is called with".to_owned()));
    assert!(text("func f(x int) int { return f(x) }\nfunc main() { show(f(1)) }").is_err());
}

#[test]
fn fields_have_what_their_struct_was_made_with() {
    for (program, expected) in [
        ("type c struct { p int }\nfunc main() { x := c{p: 1}; show(x.p) }", "1"),
        ("type c struct { p int }\nfunc main() { x := &c{}; x.p = 2; show(x.p) }", "2"),
        ("type c struct { p int }\nfunc n() *c { return &c{p: 3} }\nfunc main() { show(n().p) }", "3"),
        ("type c struct { p int }\nfunc (x *c) f() { show(x.p) }\nfunc main() { (&c{p: 4}).f() }", "4"),
        (
            "type c struct { i d }\ntype d struct { p int }\nfunc main() { x := c{i: d{p: 5}}; show(x.i.p) }",
            "5",
        ),
        ("type c struct { p int }\nvar g = c{p: 6}\nfunc main() { show(g.p) }", "6"),
    ] {
        assert_eq!(known(program), expected, "{program}");
    }
}
