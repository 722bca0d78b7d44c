//! Trees that spend the budgets of the readers of programs: `src/syntax/calls.rs` and the languages.

use super::tree::{Tree, lines};

const GO: &str = "srv/app/main.go";
const JAVA: &str = "srv/app/Main.java";
const PYTHON: &str = "srv/app/main.py";
const RUBY: &str = "srv/app/config/puma.rb";
const IMPORTS: &str = "from http.server import HTTPServer\n";

/// `1+1+1`
fn sum(terms: usize) -> String {
    vec!["1"; terms].join("+")
}

/// Names that double what the one before comes to.
fn doubling(count: usize) -> String {
    format!("a0 = 1\n{}", lines(count, |number| format!("a{} = a{number} + a{number}", number + 1)))
}

pub fn large(tree: &Tree) {
    tree.padded(PYTHON, &format!("{IMPORTS}HTTPServer((\"\", 80), None)\n"), 1_025);
}

pub fn deep(tree: &Tree) {
    tree.file("srv/app/server.js", format!("a.listen(1);\n{}1{}\n", "[".repeat(2_100), "]".repeat(2_100)));
}

pub fn slow(tree: &Tree) {
    tree.file(
        "srv/app/server.js",
        format!("a.listen(1);\n{}1{}\n", "[".repeat(500_000), "]".repeat(500_000)),
    );
}

fn go(body: &str) -> String {
    format!("package main\n\nimport \"net\"\n\n{body}\n")
}

pub fn go_constraint(tree: &Tree) {
    let constraint = format!("//go:build {}linux{}\n\n", "(".repeat(40), ")".repeat(40));
    tree.file(GO, format!("{constraint}{}", go("func main() {\n\tnet.Listen(\"tcp\", \":80\")\n}")));
}

pub fn go_files(tree: &Tree) {
    for number in 0..400 {
        tree.file(&format!("srv/app/a{number}.go"), "package main\n");
    }
    tree.file(GO, go("func main() {\n\tnet.Listen(\"tcp\", address)\n}"));
}

pub fn go_depth(tree: &Tree) {
    let address = vec!["\"1\""; 60].join(" + ");
    tree.file(GO, go(&format!("func main() {{\n\tnet.Listen(\"tcp\", {address})\n}}")));
}

pub fn go_plain(tree: &Tree) {
    go_run(tree, 100);
}

pub fn go_values(tree: &Tree) {
    go_run(tree, 1_001);
}

fn go_run(tree: &Tree, times: usize) {
    let assigned = lines(times, |number| format!("\tif a() {{\n\t\tport = \":{}\"\n\t}}", 1024 + number));
    tree.file(
        GO,
        go(&format!("func main() {{\n\tport := \":80\"\n{assigned}\tnet.Listen(\"tcp\", port)\n}}")),
    );
}

pub fn go_calls(tree: &Tree) {
    let run = "func run(address string) {\n\tnet.Listen(\"tcp\", address)\n}";
    tree.file(GO, go(&format!("{run}\n\nfunc main() {{\n{}}}", "\tnet.run(\":1\")\n".repeat(1_001))));
}

pub fn go_fuel(tree: &Tree) {
    let call = format!("\tnet.Listen(\"tcp\", {})\n", vec!["\"1\""; 30].join(" + "));
    tree.file(GO, go(&format!("func main() {{\n{}}}", call.repeat(1_500))));
}

pub fn go_fields(tree: &Tree) {
    let fields = lines(1_001, |number| format!("\tf{number} string"));
    let main = "func main() {\n\ts := &S{}\n\ts.ListenAndServe()\n\tnet.Listen(\"tcp\", \":80\")\n}";
    tree.file(GO, go(&format!("type S struct {{\n{fields}}}\n\n{main}")));
}

fn java(body: &str) -> String {
    format!("import java.net.ServerSocket;\n\nclass Main {{\n{body}\n}}\n")
}

pub fn java_seen(tree: &Tree) {
    let assigned = lines(60, |number| format!("ServerBootstrap b{} = b{number};", number + 1));
    let body =
        format!("void main() {{\nServerBootstrap b0 = new ServerBootstrap();\n{assigned}b60.bind(80);\n}}");
    tree.file(JAVA, format!("import io.netty.bootstrap.ServerBootstrap;\n{}", java(&body)));
}

pub fn java_depth(tree: &Tree) {
    tree.file(JAVA, java(&format!("void main() throws Exception {{ new ServerSocket({}); }}", sum(70))));
}

pub fn java_plain(tree: &Tree) {
    java_chain(tree, 8);
}

pub fn java_files(tree: &Tree) {
    java_chain(tree, 17);
}

fn java_chain(tree: &Tree, length: usize) {
    for number in 0..length {
        let text = format!("class C{number} {{\n static final int PORT = C{}.PORT;\n}}\n", number + 1);
        tree.file(&format!("srv/app/C{number}.java"), text);
    }
    tree.file(
        &format!("srv/app/C{length}.java"),
        format!("class C{length} {{\n static final int PORT = 80;\n}}\n"),
    );
    tree.file(JAVA, java("void main() throws Exception { new ServerSocket(C0.PORT); }"));
}

pub fn java_values(tree: &Tree) {
    let assigned = "port = 80;\n".repeat(201);
    tree.file(
        JAVA,
        java(&format!("int port;\nvoid main() throws Exception {{\n{assigned}new ServerSocket(port);\n}}")),
    );
}

fn python(before: &str, address: &str) -> String {
    format!("{IMPORTS}{before}HTTPServer({address}, None).serve_forever()\n")
}

pub fn python_text(tree: &Tree) {
    tree.file(PYTHON, python("", &format!("(\"a\" + \"{}\", 80)", "x".repeat(5_000))));
}

pub fn python_depth(tree: &Tree) {
    tree.file(PYTHON, python("", &format!("(\"\", {})", sum(60))));
}

pub fn python_plain(tree: &Tree) {
    python_run(tree, 100);
    python_chain(tree, 8);
}

pub fn python_values(tree: &Tree) {
    python_run(tree, 1_001);
}

fn python_run(tree: &Tree, calls: usize) {
    let run = "def run(port):\n    HTTPServer((\"\", port), None).serve_forever()\n\n";
    let calls = lines(calls, |number| format!("run({})", 1024 + number));
    tree.file(PYTHON, format!("{IMPORTS}{run}{calls}"));
}

pub fn python_calls(tree: &Tree) {
    let options = lines(1_001, |number| format!("parser.add_argument(\"--a{number}\")"));
    let before =
        format!("import argparse\nparser = argparse.ArgumentParser()\n{options}args = parser.parse_args()\n");
    tree.file(PYTHON, python(&before, "(\"\", args.port)"));
}

pub fn python_fuel(tree: &Tree) {
    tree.file(PYTHON, python(&doubling(15), "(\"\", a15)"));
}

pub fn python_imports(tree: &Tree) {
    python_chain(tree, 18);
}

fn python_chain(tree: &Tree, length: usize) {
    for number in 0..length {
        tree.file(&format!("srv/app/m{number}.py"), format!("from m{} import PORT\n", number + 1));
    }
    tree.file(&format!("srv/app/m{length}.py"), "PORT = 80\n");
    tree.file("srv/app/other.py", python("from m0 import PORT\n", "(\"\", PORT)"));
}

pub fn python_questions(tree: &Tree) {
    let calls = lines(1_001, |number| format!("m.C{number}()"));
    tree.file("srv/app/m.py", "").file(PYTHON, python(&format!("import m\n{calls}"), "(\"\", 80)"));
}

pub fn python_fuel_elsewhere(tree: &Tree) {
    tree.file("srv/app/m.py", doubling(11)).file(PYTHON, python("from m import a11\n", "(\"\", a11)"));
}

pub fn ruby_text(tree: &Tree) {
    tree.file(RUBY, format!("bind \"tcp://0.0.0.0:80\" + \"{}\"\n", "x".repeat(5_000)));
}

pub fn ruby_depth(tree: &Tree) {
    tree.file(RUBY, format!("port {}\n", sum(60)));
}

pub fn ruby_plain(tree: &Tree) {
    ruby_assigned(tree, 100);
}

pub fn ruby_values(tree: &Tree) {
    ruby_assigned(tree, 1_001);
}

fn ruby_assigned(tree: &Tree, times: usize) {
    tree.file(RUBY, format!("{}port x\n", "x = 80 if ENV[\"A\"]\n".repeat(times)));
}

pub fn ruby_fuel(tree: &Tree) {
    tree.file(RUBY, format!("{}port a14\n", doubling(14)));
}

pub fn ruby_directives(tree: &Tree) {
    tree.file(RUBY, "workers 1\n".repeat(1_001));
}
