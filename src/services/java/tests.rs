use crate::model::Kind;
use crate::services::{Seen, Trial};

fn read_text(text: &str) -> Seen {
    Trial::repository("java", &[("Main.java", text)]).read()
}

const IMPORTS: &str =
    "import java.net.*; import java.nio.channels.*; import com.sun.net.httpserver.HttpServer;
import io.netty.bootstrap.ServerBootstrap; import io.netty.channel.*; import io.undertow.Undertow;
import io.vertx.core.http.HttpServerOptions; import reactor.netty.tcp.TcpServer;
import org.eclipse.jetty.server.*; ";

fn read_body(body: &str) -> Seen {
    read_text(&format!("{IMPORTS}\nclass Main {{ void run() throws Exception {{ {body} }} }}"))
}

/// The body once the number is 128.
fn filled(body: &str) -> Option<String> {
    let whole = read_body(body).set(128)?;
    let (_, line) = whole.rsplit_once("class Main { void run() throws Exception { ")?;
    Some(line.trim_end_matches(" } }").to_owned())
}

#[test]
fn a_backlog_can_be_written_where_it_belongs() {
    for (before, after) in [
        ("new ServerSocket(8080);", "new ServerSocket(8080, 128);"),
        ("new ServerSocket(port());", "new ServerSocket(port(), 128);"),
        ("new ServerSocket(8080, 50);", "new ServerSocket(8080, 128);"),
        ("new ServerSocket(8080, 0, null);", "new ServerSocket(8080, 128, null);"),
        (
            "s.bind(new InetSocketAddress(1)); ServerSocket s = new ServerSocket();",
            "s.bind(new InetSocketAddress(1), 128); ServerSocket s = new ServerSocket();",
        ),
        (
            "HttpServer.create(new InetSocketAddress(1), 0);",
            "HttpServer.create(new InetSocketAddress(1), 128);",
        ),
        (
            "int backlog = 9; new ServerSocket(1, backlog);",
            "int backlog = 128; new ServerSocket(1, backlog);",
        ),
        ("new ServerSocket(1, Integer.parseInt(\"9\"));", "new ServerSocket(1, Integer.parseInt(\"128\"));"),
        (
            "new ServerBootstrap().option(ChannelOption.SO_BACKLOG, 7).bind(1);",
            "new ServerBootstrap().option(ChannelOption.SO_BACKLOG, 128).bind(1);",
        ),
    ] {
        assert_eq!(filled(before).as_deref(), Some(after));
    }
}

#[test]
fn what_is_there_for_something_else_is_not_overwritten() {
    for body in [
        "int n = 9; new ServerSocket(n, n);",
        "new ServerSocket(1, 3 * 3);",
        "new ServerSocket(1, 0x10);",
        "new ServerSocket(1, x ? 9 : 9);",
    ] {
        assert_eq!(filled(body).filter(|_| !body.contains('?')), None, "{body}");
    }
}

#[test]
fn what_a_run_decides_is_not_known() {
    for (body, row) in [
        ("new ServerSocket(port, backlog);", "? ?"),
        ("int n = 5; n++; new ServerSocket(1, n);", "*:1 ?"),
        ("int n = 5; if (x) n = 6; new ServerSocket(1, n);", "*:1 ?"),
        ("for (int i = 1; i < 3; i++) new ServerSocket(i);", "? 50"),
        ("new ServerSocket(1, Integer.parseInt(System.getenv(\"N\")));", "*:1 ?"),
        ("new ServerSocket(1, 2, InetAddress.getByName(\"db.internal\"));", "? 2"),
        ("new ServerSocket(70000);", "? 50"),
        (
            "ServerBootstrap b = new ServerBootstrap(); if (x) b.option(ChannelOption.SO_BACKLOG, 9); b.bind(1);",
            "*:1 ?",
        ),
        ("ServerBootstrap b = new ServerBootstrap(); configure(b); b.bind(1);", "*:1 ?"),
        ("ServerBootstrap b = new ServerBootstrap(); b.option(option, 9); b.bind(1);", "*:1 ?"),
        ("vertx.createHttpServer(options).listen(1);", "*:1 ?"),
    ] {
        assert_eq!(read_body(body).rows(), [row], "{body}");
    }
}

#[test]
fn what_is_nothing_at_first_is_what_is_assigned_later() {
    for first in ["", " = null"] {
        let body = format!(
            "ServerConnector c{first}; if (x) {{ c = new ServerConnector(s); }} else {{ c = new ServerConnector(s, f); }} \
                c.setPort(8080);"
        );
        assert_eq!(read_body(&body).rows(), ["*:8080 50", "*:8080 50"], "{body}");
    }
}

#[test]
fn frameworks_that_nobody_could_measure() {
    for (body, row) in [
        ("Undertow.builder().addHttpListener(8080, \"0.0.0.0\").build().start();", "*:8080 1000"),
        (
            "Undertow.builder().setSocketOption(Options.BACKLOG, 300).addHttpListener(1, \"127.0.0.1\").build();",
            "127.0.0.1:1 300",
        ),
        ("vertx.createHttpServer().requestHandler(x -> {}).listen(8080);", "*:8080 -1"),
        (
            "vertx.createHttpServer(new HttpServerOptions().setPort(81).setAcceptBacklog(20)).listen();",
            "*:81 20",
        ),
        ("vertx.createHttpServer().listen();", "*:80 -1"),
        (
            "TcpServer.create().host(\"localhost\").port(7).option(ChannelOption.SO_BACKLOG, 30).bindNow();",
            "127.0.0.1:7 30",
        ),
        ("TcpServer.create().port(7).bindNow();", "*:7 -1"),
    ] {
        assert_eq!(read_body(body).rows(), [row], "{body}");
    }
}

#[test]
fn what_something_outside_may_change_is_said() {
    let read =
        read_body("new ServerSocket(Integer.getInteger(\"app.port\", 80), Integer.getInteger(\"n\", 9));");
    assert_eq!(read.rows(), ["*:80 9"]);
    assert!(read.one().notes[0].what.contains("if the property app.port is set"));
    assert!(read.one().steps[0].what.contains("unless the property n is set"));
}

#[test]
fn what_one_caller_is_told_is_not_what_another_says() {
    let text = "class Main { void open(int port) { new ServerSocket(port); }\n\
        void run() { open(Integer.parseInt(System.getenv(\"A\"))); open(90); } }\n";
    let trial = Trial::repository("java", &[("Main.java", &format!("{IMPORTS}\n{text}"))]);
    let seen = trial.started("A=80 java Main").read();
    assert_eq!(seen.rows(), ["? 50"]);
    assert!(seen.said().contains("`port` has several values"), "{}", seen.said());
}

#[test]
fn what_a_command_line_says_is_written_there_or_why_not() {
    let text =
        "class Main { void run() { new ServerSocket(80, Integer.parseInt(System.getenv(\"N\"))); } }\n";
    let started = |line| {
        let trial = Trial::repository("java", &[("Main.java", &format!("{IMPORTS}\n{text}"))]);
        trial.started(line).read()
    };
    assert_eq!(started("N=512 java Main").set(64).as_deref(), Some("N=64 java Main"));
    let odd = started("N=0512 java Main");
    assert_eq!((odd.rows(), odd.set(64)), (vec!["*:80 512".to_owned()], None));
    let open = started("N=$X java Main");
    assert!(open.said().contains("the files do not say what `$X` is"), "{}", open.said());
}

#[test]
fn defaults_are_defaults() {
    let read = read_body("new ServerSocket(80, -7);");
    let value = read.one().backlog.value.clone().unwrap();
    assert_eq!((value.get, value.kind), (50, Kind::Default));
    assert_eq!(read.one().steps.len(), 2);
    assert_eq!(read.one().steps[0].value, Some(-7));
}

#[test]
fn who_is_no_server_is_passed_over() {
    for body in [
        "new Socket(\"localhost\", 80);",
        "new DatagramSocket(80);",
        "socket.bind(new InetSocketAddress(80));",
        "new Server(pool);",
        "HttpServer.create();",
        "try (ServerSocket s = new ServerSocket(0)) { return s.getLocalPort(); }",
        "new ServerSocket(0).close();",
    ] {
        assert_eq!(read_body(body).rows(), [""; 0], "{body}");
    }
}

#[test]
fn a_real_server_in_try_is_one() {
    for body in [
        "try (ServerSocket s = new ServerSocket(80)) { while (true) s.accept(); }",
        "try (ServerSocket s = new ServerSocket(80)) { serve(s); }",
        "ServerSocket s = new ServerSocket(80); start(s); s.close();",
    ] {
        assert_eq!(read_body(body).rows(), ["*:80 50"], "{body}");
    }
}

#[test]
fn hostile_programs_end_soon() {
    let many = |text: &str, count| text.repeat(count);
    for body in [
        many("new ServerSocket(a);", 20_000),
        format!("int a = {}1;new ServerSocket(a);", many("a+", 50_000)),
        format!("ServerBootstrap b = new ServerBootstrap(){};", many(".option(x, 1)", 900)),
        many("ServerBootstrap b = b.option(x, 1); b.bind(b);", 5_000),
        format!("{} new ServerSocket(f(1));", many("a = new ServerSocket(a, a);", 10_000)),
        format!("ServerSocket s; {}", many("s.bind(s);", 20_000)),
    ] {
        let started = std::time::Instant::now();
        let _ = read_body(&body);
        assert!(started.elapsed().as_secs() < 10, "{}", &body[..60]);
    }
    let calls = "int f(int a) { return f(a) + g(a); } int g(int a) { return f(a) + g(a); }";
    let _ = read_text(&format!("{IMPORTS} class Main {{ {calls} void m() {{ new ServerSocket(f(1)); }} }}"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(body in "[ -~\n]{0,200}") {
        let _ = read_body(&body);
        let _ = read_text(&format!("// ServerSocket\n{body}"));
        let _ = read_body(&format!("new ServerSocket({body});"));
    }
}
