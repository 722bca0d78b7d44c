//! As much of HTTP/1.1 as a scraper needs: one request a connection, bounded in size and time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use backlog_audit::report::prometheus::Exposition;

/// A request line and its headers; a scraper's take a few hundred bytes.
const HEAD: usize = 8 << 10;
const HEADERS: usize = 64;
/// How long a client may take to ask, to take the answer, and to hang up after that.
const ASKS: Duration = Duration::from_secs(2);
const TAKES: Duration = Duration::from_secs(10);
const HANGS_UP: Duration = Duration::from_secs(1);

const LANDING: &str = "<!doctype html>\n<html lang=\"en\"><title>backlog-audit</title>\n<h1>backlog-audit</h1>\n\
    <p>The listen queues of this machine: <a href=\"/metrics\">metrics</a> for Prometheus.</p></html>\n";
const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Answers one client. One who is too slow or has gone gets no answer.
pub(super) fn answer(stream: &TcpStream, metrics: impl FnOnce(Exposition) -> io::Result<String>) {
    let mut asking = Bounded { stream, until: Instant::now() + ASKS };
    let Ok(asked) = read(&mut asking) else { return };
    let answer = Answer::to(&asked, metrics);
    let mut taking = Bounded { stream, until: Instant::now() + TAKES };
    // The head goes out by itself; the rest must not wait until that has arrived.
    if stream.set_nodelay(true).is_ok() && answer.write(&mut taking).is_ok() {
        hang_up(stream);
    }
}

/// Says that all is said, and lets the client close: what it sent and nobody read would else reset the connection, and
/// the answer might be lost with it.
fn hang_up(stream: &TcpStream) {
    let mut leaving = Bounded { stream, until: Instant::now() + HANGS_UP };
    if stream.shutdown(Shutdown::Write).is_ok() {
        let _ = io::copy(&mut leaving, &mut io::sink());
    }
}

/// A connection that ends at a moment, however slowly bytes come and go.
struct Bounded<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl Bounded<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a client asked.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// The method, the path without its query, and what the client accepts.
    Request { method: String, path: String, accept: String },
    /// More than we read.
    TooLong,
    /// No HTTP.
    Nonsense,
}

/// Reads the head of a request.
fn read(from: &mut impl Read) -> io::Result<Asked> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let more = match from.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => piece.get(..count).unwrap_or_default(),
        };
        head.extend_from_slice(more);
        match parse(&head) {
            Some(asked) => return Ok(asked),
            None if head.len() >= HEAD => return Ok(Asked::TooLong),
            None => {}
        }
    }
}

/// What a head says once it is whole.
fn parse(head: &[u8]) -> Option<Asked> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Partial) => None,
        Err(httparse::Error::TooManyHeaders) => Some(Asked::TooLong),
        Err(_) => Some(Asked::Nonsense),
        Ok(httparse::Status::Complete(_)) => {
            let accept = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("accept"));
            let accept: Vec<_> = accept.map(|header| String::from_utf8_lossy(header.value)).collect();
            let target = request.path.unwrap_or_default();
            Some(Asked::Request {
                method: request.method.unwrap_or_default().to_owned(),
                path: target.split('?').next().unwrap_or_default().to_owned(),
                accept: accept.join(","),
            })
        }
    }
}

struct Answer {
    status: &'static str,
    kind: &'static str,
    body: String,
    /// Whether the body is only measured.
    is_head: bool,
}

impl Answer {
    fn new(status: &'static str, kind: &'static str, body: impl Into<String>) -> Self {
        Self { status, kind, body: body.into(), is_head: false }
    }

    fn to(asked: &Asked, metrics: impl FnOnce(Exposition) -> io::Result<String>) -> Self {
        let (method, path, accept) = match asked {
            Asked::TooLong => {
                return Self::new("431 Request Header Fields Too Large", PLAIN, "too much is asked\n");
            }
            Asked::Nonsense => return Self::new("400 Bad Request", PLAIN, "this is no HTTP/1.1\n"),
            Asked::Request { method, path, accept } => (method.as_str(), path.as_str(), accept),
        };
        let answer = match path {
            "/" | "/metrics" if !matches!(method, "GET" | "HEAD") => {
                Self::new("405 Method Not Allowed", PLAIN, "it is only read: GET\n")
            }
            "/" => Self::new("200 OK", HTML, LANDING),
            "/metrics" => Self::of(accepted(accept), metrics),
            _ => Self::new("404 Not Found", PLAIN, "the metrics are at /metrics\n"),
        };
        Self { is_head: method == "HEAD", ..answer }
    }

    fn of(form: Exposition, metrics: impl FnOnce(Exposition) -> io::Result<String>) -> Self {
        match metrics(form) {
            Ok(text) => Self::new("200 OK", form.content_type(), text),
            Err(error) => Self::new(
                "500 Internal Server Error",
                PLAIN,
                format!("the machine could not be looked at: {error}\n"),
            ),
        }
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let Self { status, kind, body, .. } = self;
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
            body.len()
        );
        to.write_all(head.as_bytes())?;
        if self.is_head { Ok(()) } else { to.write_all(body.as_bytes()) }
    }
}

/// The form that a client would rather have (RFC 9110, 12.5.1). One that names none gets the older, which all can read.
fn accepted(accept: &str) -> Exposition {
    let (mut open, mut text) = (0.0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let parameters: Vec<String> = parts.collect();
        let parameter =
            |name: &str| parameters.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        let wish: f64 = parameter("q").and_then(|q| q.parse().ok()).unwrap_or(1.0);
        let version = parameter("version").map(|version| version.trim_matches('"'));
        match kind.as_str() {
            "application/openmetrics-text" if matches!(version, None | Some("1.0.0")) => {
                open = wish.max(open)
            }
            "text/plain" if matches!(version, None | Some("0.0.4")) => text = wish.max(text),
            _ => {}
        }
    }
    if open > 0.0 && open >= text { Exposition::OpenMetrics } else { Exposition::Text }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What comes back for these bytes.
    fn answered(bytes: &str) -> String {
        let asked = read(&mut bytes.as_bytes()).unwrap();
        written(&Answer::to(&asked, |form| Ok(format!("{form:?}\n"))))
    }

    fn written(answer: &Answer) -> String {
        let mut bytes = Vec::new();
        answer.write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_scraper_gets_the_metrics() {
        let text = answered("GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 5\r\n\
             Connection: close\r\n\r\nText\n"
        );
        let text = answered("GET /metrics HTTP/1.1\r\naccept: application/openmetrics-text\r\n\r\n");
        assert!(text.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"), "{text}");
        assert!(text.ends_with("\r\n\r\nOpenMetrics\n"), "{text}");
        let text = answered("HEAD /metrics HTTP/1.0\r\n\r\n");
        assert!(text.contains("Content-Length: 5\r\n") && text.ends_with("\r\n\r\n"), "{text}");
        assert!(answered("GET / HTTP/1.1\r\n\r\n").contains("href=\"/metrics\""));
    }

    #[test]
    fn everything_else_is_refused() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS + 1));
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(HEAD));
        for (bytes, status) in [
            ("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405"),
            ("DELETE / HTTP/1.1\r\n\r\n", "405"),
            ("GET /metricsx HTTP/1.1\r\n\r\n", "404"),
            ("GET /../etc/passwd HTTP/1.1\r\n\r\n", "404"),
            ("GET http://elsewhere/ HTTP/1.1\r\n\r\n", "404"),
            ("GET /metrics HTTP/3\r\n\r\n", "400"),
            ("\u{16}\u{3}\u{1}", "400"),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", "400"),
            (&many, "431"),
            (&long, "431"),
        ] {
            let text = answered(bytes);
            assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{bytes}: {text}");
            assert_eq!(text.contains("Allow: GET, HEAD\r\n"), status == "405", "{text}");
        }
        let broken = read(&mut &b"GET /metr"[..]);
        assert_eq!(broken.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_look_that_fails_is_told() {
        let asked = read(&mut &b"GET /metrics HTTP/1.1\r\n\r\n"[..]).unwrap();
        let text = written(&Answer::to(&asked, |_| Err(io::Error::other("no netlink"))));
        assert!(text.starts_with("HTTP/1.1 500 ") && text.contains("no netlink"), "{text}");
    }

    #[test]
    fn the_form_is_the_one_that_the_client_would_rather_have() {
        let open = [
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8, text/plain; q=0.5",
            // Prometheus 2 and 3.
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            "Application/OpenMetrics-Text;Version=\"1.0.0\"",
        ];
        let text = [
            "",
            "*/*",
            "text/plain",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.3, text/plain;version=0.0.4;q=0.5",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
            ";;,,q=,\u{fffd}",
        ];
        assert!(open.into_iter().all(|accept| accepted(accept) == Exposition::OpenMetrics));
        assert!(text.into_iter().all(|accept| accepted(accept) == Exposition::Text));
    }

    #[test]
    fn a_slow_client_is_left_and_a_chatty_one_is_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = || {
            let (stream, _) = listener.accept().unwrap();
            let began = Instant::now();
            answer(&stream, |_| Ok("x 1\n".repeat(1 << 16)));
            began.elapsed()
        };
        thread::scope(|scope| {
            let server = scope.spawn(serve);
            let mut slow = TcpStream::connect(address).unwrap();
            // A byte from time to time must not buy more of it.
            let end = Instant::now() + 2 * ASKS;
            while Instant::now() < end && slow.write_all(b"G").is_ok() {
                thread::sleep(ASKS / 10);
            }
            let took = server.join().unwrap();
            assert!(took < ASKS + Duration::from_secs(1), "{took:?}");
        });
        thread::scope(|scope| {
            scope.spawn(serve);
            let mut chatty = TcpStream::connect(address).unwrap();
            let body = "b".repeat(1 << 16);
            write!(chatty, "GET /metrics HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            let mut all = String::new();
            chatty.read_to_string(&mut all).unwrap();
            assert!(all.len() > 4 << 16 && all.ends_with("x 1\n"), "{}", all.len());
        });
    }
}
