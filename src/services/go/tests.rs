use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::knowledge::Knowledge;
use crate::model::{PlaceId, ReadAs, Starter};
use crate::services::{Seen, Trial};
use crate::syntax::hosts::Hosts;
use crate::text::{Sources, Tree, apply};

/// A tree and what is read in its Go files.
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
    let hosts = Hosts::read(&sources, &tree);
    let ground = Ground {
        sources: &sources,
        tree: &tree,
        service: knowledge.service("go").unwrap(),
        knowledge: &knowledge,
        hosts: &hosts,
        place: PlaceId(0),
        commands: &[],
        read_as: ReadAs::Repo,
        only: &[],
    };
    let own = files
        .iter()
        .filter(|(path, text)| path.ends_with(".go") && ground.service.shape.looks_right(text.as_bytes()));
    let candidates: Vec<Candidate> =
        own.map(|(path, _)| Candidate { path: Path::new(path).to_owned(), by_place: false }).collect();
    let found = read(ground, &candidates);
    Read { sources, found }
}

const IMPORTS: &str = r#"package main
import ("flag"; "fmt"; "net"; "net/http"; "os"; "syscall"; "github.com/gofiber/fiber/v2"; "github.com/gin-gonic/gin"
"golang.org/x/sys/unix"; "github.com/prometheus/exporter-toolkit/web/kingpinflag"; "gopkg.in/alecthomas/kingpin.v2"
"github.com/valyala/tcplisten"; "github.com/labstack/echo/v4")
"#;

fn read_body(body: &str) -> Read {
    read_files(&[("main.go", &format!("{IMPORTS}\nfunc main() {{\n{body}\n}}\n"))])
}

impl Read {
    /// Every listener as `address backlog`.
    fn rows(&self) -> Vec<String> {
        let number = |listener: &Listener| {
            listener.backlog.value.as_ref().map_or("?".to_owned(), |value| value.get.to_string())
        };
        let all = self.found.listeners.iter();
        all.map(|listener| format!("{} {}", listener.endpoint, number(listener))).collect()
    }

    fn only(&self) -> &Listener {
        let [listener] = self.found.listeners.as_slice() else { panic!("{:?}", self.rows()) };
        listener
    }

    fn says(&self) -> Vec<&str> {
        self.only().notes.iter().chain(&self.only().steps).map(|step| step.what.as_str()).collect()
    }

    /// The line of the slot once it is filled with 128.
    fn filled(&self) -> Option<String> {
        let slot = self.only().backlog.slot.clone()?;
        let bytes = self.sources.bytes(slot.span.source);
        let text = String::from_utf8(apply(bytes, &[slot.edit(128)])).unwrap();
        let before = text[..slot.span.start as usize].rfind('\n').map_or(0, |newline| newline + 1);
        Some(text[before..].lines().next().unwrap().to_owned())
    }
}

#[test]
fn only_a_number_of_its_own_can_be_written() {
    assert_eq!(read_body(r#"net.Listen("tcp", ":8080")"#).only().backlog.slot, None);
    assert_eq!(read_body(r#"syscall.Listen(fd, 64)"#).filled().as_deref(), Some("syscall.Listen(fd, 128)"));
    assert_eq!(
        read_body("backlog := 64\nsyscall.Listen(fd, backlog)").filled().as_deref(),
        Some("backlog := 128")
    );
    let config = "c := tcplisten.Config{Backlog: 64}\nc.NewListener(\"tcp4\", \":1\")";
    assert_eq!(read_body(config).filled().as_deref(), Some("c := tcplisten.Config{Backlog: 128}"));
    for body in ["n := 64\nuse(n)\nsyscall.Listen(fd, n)", "syscall.Listen(fd, 0x40)", "unix.Listen(fd, 8*8)"]
    {
        let read = read_body(body);
        assert_eq!((read.rows(), read.filled()), (vec!["? 64".to_owned()], None), "{body}");
    }
}

#[test]
fn a_constant_is_shown_with_its_source() {
    let read = read_body("syscall.Listen(fd, syscall.SOMAXCONN)");
    assert_eq!(read.rows(), ["? 128"]);
    assert!(read.says().contains(&"the program requests syscall.SOMAXCONN"));
    assert!(read.says().contains(&"a constant of syscall, 128 on Linux"));
}

#[test]
fn what_is_not_known_is_said_with_the_reason() {
    for (body, address, says) in [
        (
            r#"net.Listen("tcp", config.Address)"#,
            "? -1",
            "unknown address: the files do not say what `config.Address` is",
        ),
        (
            r#"http.ListenAndServe(":"+os.Getenv("PORT"), nil)"#,
            "? -1",
            "unknown address: it is known only if PORT is set in the environment",
        ),
        (r#"http.ListenAndServe(":0", nil)"#, "? -1", "unknown address: the kernel picks a free port"),
        (r#"net.ListenTCP("tcp", nil)"#, "? -1", "unknown address: the kernel picks a free port"),
        (
            r#"http.ListenAndServe("8080", nil)"#,
            "? -1",
            "unknown address: Go refuses it: missing port in address",
        ),
        (r#"http.ListenAndServe(":80800", nil)"#, "? -1", "unknown address: `80800` is not a port"),
        (r#"net.Listen("tcp", ":ipp")"#, "? -1", "unknown address: its port is a name"),
        (
            r#"net.Listen("tcp", "db.example:1")"#,
            "? -1",
            "unknown address: the files do not say which address `db.example` is",
        ),
        (
            r#"net.Listen("tcp", "localhost:1")"#,
            "127.0.0.1:1 -1",
            "assuming that localhost is 127.0.0.1 and ::1",
        ),
        (
            r#"a := flag.String("addr", ":8080", ""); http.ListenAndServe(*a, nil)"#,
            "*:8080 -1",
            "it is another address if -addr is given",
        ),
        (
            r#"a := flag.String("addr", "", ""); if *a != "" { http.ListenAndServe(*a, nil) }"#,
            "? -1",
            "unknown address: it is known only if -addr is given",
        ),
        (
            r#"if len(os.Args) > 1 { http.ListenAndServe(os.Args[1], nil) }"#,
            "? -1",
            "unknown address: it is known only if an argument says so",
        ),
        (r#"gin.Default().Run()"#, "*:8080 -1", "it is another address if PORT is set in the environment"),
        (
            r#"gin.Default().Run()"#,
            "*:8080 -1",
            "Gin leaves it to Go's own default: all that somaxconn allows",
        ),
        (
            r#"syscall.Listen(fd, config.Backlog)"#,
            "? ?",
            "unknown backlog: the files do not say what `config.Backlog` is",
        ),
        (
            r#"kingpinflag.AddFlags(kingpin.CommandLine, ":9100")"#,
            "*:9100 -1",
            "Prometheus' exporter toolkit leaves it to Go's own default: all that somaxconn allows",
        ),
        (
            r#"a := kingpin.Flag("listen", "x").Default(":9100").String(); http.ListenAndServe(*a, nil)"#,
            "*:9100 -1",
            "it is another address if --listen is given",
        ),
    ] {
        let read = read_body(body);
        assert_eq!(read.rows(), [address], "{body}");
        assert!(read.says().contains(&says), "{body}: {:?}", read.says());
    }
}

#[test]
fn fiber_knows_ipv4_alone_unless_it_is_told() {
    for (body, row) in [
        (r#"app := fiber.New(); app.Listen(":3000")"#, "0.0.0.0:3000 -1"),
        (r#"app := fiber.New(); app.Listen(3000)"#, "0.0.0.0:3000 -1"),
        (r#"app := fiber.New(fiber.Config{Network: "tcp"}); app.Listen(":3000")"#, "*:3000 -1"),
        (
            r#"app := fiber.New(fiber.Config{Network: fiber.NetworkTCP6}); app.Listen(":3000")"#,
            "[::]:3000 -1",
        ),
        (
            r#"fiber.New().Listen(":3000", fiber.ListenConfig{ListenerNetwork: fiber.NetworkTCP})"#,
            "*:3000 -1",
        ),
    ] {
        assert_eq!(read_body(body).rows(), [row], "{body}");
    }
    let forks = read_body(r#"fiber.New(fiber.Config{Prefork: true}).Listen(":3000")"#);
    assert_eq!(forks.only().sockets, None);
}

#[test]
fn who_calls_a_library_says_where_it_listens() {
    let library = "package serve\nimport \"net\"\nfunc Serve(addr string) { net.Listen(\"tcp\", addr) }\n";
    let server =
        "package serve\nimport \"net\"\nfunc (s *Server) Run() { net.Listen(\"tcp\", s.config.addr) }\n";
    let fixed = "package serve\nimport \"net\"\nfunc Serve() { net.Listen(\"tcp\", \":80\") }\n";
    let main = "package main\nfunc main() {}\n";
    let caller = "package main\nimport \"example.com/app/serve\"\nfunc main() { serve.Serve(\":81\") }\n";
    let made = "package serve\nimport \"net\"\ntype Server struct { addr string }\n\
                func New(a string) *Server { return &Server{addr: a} }\n\
                func (s *Server) Run() { net.Listen(\"tcp\", s.addr) }\n";
    let maker =
        "package main\nimport \"example.com/app/serve\"\nfunc main() { s := serve.New(\":82\"); s.Run() }\n";
    let module = ("go.mod", "module example.com/app\n");
    for (files, rows) in [
        (vec![("serve/serve.go", library), module], vec![]),
        (vec![("serve/serve.go", library), ("main.go", main), module], vec![]),
        (vec![("serve/serve.go", server), module], vec![]),
        (vec![("serve/serve.go", server), ("cmd/app/main.go", main), module], vec!["? -1"]),
        (vec![("serve/serve.go", fixed), module], vec!["*:80 -1"]),
        (vec![("serve/serve.go", library), ("cmd/app/main.go", caller), module], vec!["*:81 -1"]),
        (vec![("serve/serve.go", library), ("examples/app/main.go", caller), module], vec![]),
        (vec![("serve/serve.go", made), ("main.go", maker), module], vec!["*:82 -1"]),
    ] {
        assert_eq!(read_files(&files).rows(), rows, "{files:?}");
    }
}

#[test]
fn each_call_of_a_function_may_say_another_address() {
    let text = "package main\nimport \"net\"\nfunc open(name string) net.Listener { l, _ := net.Listen(\"unix\", \"/run/\"+name); return l }\n\
                func main() {\n\topen(\"a\")\n\tgo use(open(\"b\"))\n\topen(\"a\")\n\topen(c)\n}\n";
    assert_eq!(read_files(&[("main.go", text)]).rows(), ["/run/a -1", "/run/b -1", "? -1"]);
}

#[test]
fn tags_of_a_configuration_say_what_holds_without_it() {
    let text = "package main\nimport \"net/http\"\ntype config struct {\n\tAddr string `env:\"ADDR\" envDefault:\":8080\"`\n}\n\
                func main() {\n\tvar c config\n\tenv.Parse(&c)\n\thttp.ListenAndServe(c.Addr, nil)\n}\n";
    let read = read_files(&[("main.go", text)]);
    assert_eq!(read.rows(), ["*:8080 -1"]);
    assert!(read.says().contains(&"it is another address if ADDR is set"));
}

/// The files of a program `app` that a unit starts.
fn started(files: &[(&str, &str)], line: &str) -> Seen {
    let trial = Trial::repository("go", files).with("go.mod", "module example.com/app\n");
    trial.started_as(line, |command| command.starter = Starter::Unit).read()
}

#[test]
fn what_one_caller_is_told_is_not_what_another_says() {
    let head = "package main\nimport (\"net\"; \"os\")\n";
    for text in [
        "func open(a string) { net.Listen(\"tcp\", a) }\nfunc start(a string) { open(a) }\n\
         func main() { start(os.Getenv(\"A\")); start(\":90\") }\n",
        "type s struct { addr string }\nfunc (x *s) run() { net.Listen(\"tcp\", x.addr) }\n\
         func main() { (&s{addr: os.Getenv(\"A\")}).run(); (&s{addr: \":90\"}).run() }\n",
    ] {
        let seen = started(&[("main.go", &format!("{head}{text}"))], "A=:80 app");
        assert_eq!(seen.rows(), ["? -1"], "{text}");
        assert!(seen.said().contains("has several values"), "{}", seen.said());
    }
    let text = "var addr = \":90\"\nfunc main() { if a := os.Getenv(\"A\"); a != \"\" { addr = a }; net.Listen(\"tcp\", addr) }\n";
    assert_eq!(started(&[("main.go", &format!("{head}{text}"))], "A=:80 app").rows(), ["*:80 -1"]);
}

#[test]
fn flags_of_kingpin_have_short_names_and_kinds() {
    let head = "package main\nimport (\"fmt\"; \"net\"; \"gopkg.in/alecthomas/kingpin.v2\")\n";
    let text = "func main() { p := kingpin.Flag(\"port\", \"its port\").Short('p').Default(\"80\").Int()\n\
                net.Listen(\"tcp\", fmt.Sprintf(\":%d\", *p)) }\n";
    let rows = |line| started(&[("main.go", &format!("{head}{text}"))], line).rows();
    assert_eq!(rows("app -p 81"), ["*:81 -1"]);
    assert_eq!(rows("app --port=82"), ["*:82 -1"]);
    assert_eq!(rows("app --port=many"), ["? -1"]);
    assert_eq!(rows("app"), ["*:80 -1"]);
}

#[test]
fn the_package_of_a_modules_top_is_taken_in() {
    let main = "package main\nimport \"example.com/app\"\nfunc main() { app.Run() }\n";
    let own = "package app\nimport (\"net\"; \"os\")\nfunc Run() { net.Listen(\"tcp\", os.Getenv(\"A\")) }\n";
    let seen = started(&[("cmd/served/main.go", main), ("app.go", own)], "A=:80 served");
    assert_eq!(seen.rows(), ["*:80 -1"]);
}

#[test]
fn a_tag_that_asks_for_a_variable_needs_no_default() {
    let text = "package main\nimport \"net/http\"\ntype config struct {\n\tAddr string `env:\"ADDR,required\"`\n}\n\
                func main() {\n\tvar c config\n\tenv.Parse(&c)\n\thttp.ListenAndServe(c.Addr, nil)\n}\n";
    assert_eq!(started(&[("main.go", text)], "ADDR=:81 app").rows(), ["*:81 -1"]);
}

#[test]
fn hostile_files_end_soon() {
    let started = std::time::Instant::now();
    let head = "package main\nimport \"net\"\n";
    let chain: String = (0..20_000).map(|i| format!("var a{i} = a{} + a{}\n", i + 1, i + 1)).collect();
    let circle = "var a = b\nvar b = a\nfunc f(x string) string { return f(x) + g(x) }\nfunc g(x string) string { return f(x) }\n";
    let calls = "func f(a string) { net.Listen(\"tcp\", a) }\n".to_owned()
        + &"func z() { f(x); f(y) }\n".repeat(3_000);
    for text in [
        format!("{head}{chain}func main() {{ net.Listen(\"tcp\", a0) }}"),
        format!("{head}{circle}func main() {{ net.Listen(a, f(b)) }}"),
        format!("{head}func main() {{ {} }}", "net.Listen(\"tcp\", x.y.z)\n".repeat(5_000)),
        format!(
            "{head}func main() {{ x := \"\"\n {} net.Listen(\"tcp\", x) }}",
            "x = x + x\n".repeat(20_000)
        ),
        format!("{head}{calls}"),
        format!("{head}func main() {{ net.Listen(\"tcp\", {}\"\") }}", "x+".repeat(50_000)),
        format!("{head}func main() {{ a{} }}", ".Listen(\"tcp\", \":1\")".repeat(3_000)),
    ] {
        let _ = read_files(&[("main.go", &text)]);
    }
    assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_panics(words in proptest::collection::vec(
        prop_oneof![
            Just("net.Listen("), Just("\"tcp\""), Just(","), Just(")"), Just("x"), Just(":="), Just("="), Just("("), Just("{"),
            Just("}"), Just("http.Server{"), Just("Addr:"), Just("\":80\""), Just("func"), Just("f"), Just("."), Just("&"),
            Just("*"), Just("return"), Just("if"), Just("fmt.Sprintf("), Just("\"%s:%d%\""), Just("\n"), Just("+"), Just("os.Getenv("),
            Just("syscall.Listen("), Just("x.ListenAndServe()"), Just("flag.StringVar(&x,"), Just("\u{e9}"), Just("`"), Just("'"),
        ], 0..60)) {
        let _ = read_body(&words.join(" "));
    }
}

#[test]
fn an_address_that_is_known_is_no_further_listener() {
    let listens: String =
        (1..=MAX_LISTENERS).map(|port| format!("net.Listen(\"tcp\", \":{port}\")\n")).collect();
    let read = read_body(&format!("{listens}net.Listen(\"tcp\", \":1\")"));
    assert_eq!((read.found.listeners.len(), read.sources.cuts()), (MAX_LISTENERS, Vec::new()));
}

#[test]
fn the_address_of_a_struct_is_read() {
    for (address, row) in [
        ("&net.TCPAddr{Port: 80}", "*:80 -1"),
        ("&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}", "127.0.0.1:80 -1"),
        ("&net.TCPAddr{IP: net.IP{127, 0, 0, 1}, Port: 80}", "127.0.0.1:80 -1"),
        ("&net.TCPAddr{net.IPv4(127, 0, 0, 1), 80, \"\"}", "127.0.0.1:80 -1"),
    ] {
        let text = format!(
            "package main\n\nimport \"net\"\n\nfunc main() {{\n\tnet.ListenTCP(\"tcp\", {address})\n}}\n"
        );
        assert_eq!(Trial::repository("go", &[("main.go", &text)]).read().rows(), [row], "{address}");
    }
}

#[test]
fn an_old_go_asks_for_less() {
    let main = "package main\n\nimport \"net\"\n\nfunc main() {\n\tnet.Listen(\"tcp\", \":80\")\n}\n";
    let rows = |image: &str| {
        let docker = format!("FROM golang:{image} AS build\n");
        Trial::repository("go", &[("main.go", main), ("Dockerfile", &docker)]).read().rows()
    };
    assert_eq!(
        (rows("1.15-alpine"), rows("1.16")),
        (vec!["*:80 65535".to_owned()], vec!["*:80 -1".to_owned()])
    );
}
