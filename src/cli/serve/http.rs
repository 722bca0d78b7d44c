//! As much of HTTP/1.1 as a scraper needs: what the head of a request asks, and what is written for it.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use backlog_audit::report::prometheus::Exposition;

use super::super::words::host_name;
use super::names::{Names, host};

/// A request line and its headers; a scraper's take a few hundred bytes.
pub(super) const HEAD: usize = 8 << 10;
const HEADERS: usize = 64;

const LANDING: &str = "<!doctype html>\n<html lang=\"en\"><title>backlog-audit</title>\n<h1>backlog-audit</h1>\n\
    <p>The listen queues of this machine: <a href=\"/metrics\">metrics</a> for Prometheus.</p></html>\n";
const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// What is done for a head.
pub(super) enum Reply {
    Now(Answer),
    /// The metrics are to be asked for.
    Metrics(Wanted),
}

/// Metrics, and how they are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) form: Exposition,
    /// Whether they are only measured.
    is_head: bool,
}

/// What is done for the bytes of a client; nothing as long as their head is not whole.
pub(super) fn reply(head: &[u8], names: &Names) -> Option<Reply> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let refuse = |status, body: &str| Some(Reply::Now(Answer::new(status, PLAIN, body)));
    match request.parse(head) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD => Some(Asked::of(&request).reply(names)),
        Ok(httparse::Status::Partial) if head.len() < HEAD => None,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => {
            refuse("431 Request Header Fields Too Large", "the request is too large\n")
        }
        Err(_) => refuse("400 Bad Request", "this is not HTTP/1.1\n"),
    }
}

/// What a client asked.
struct Asked<'a> {
    method: &'a str,
    /// Without its query.
    path: &'a str,
    /// `127.0.0.1:9798` of the header, and of a target that is a whole URL.
    authorities: Vec<&'a [u8]>,
    /// No host is named where one must be, or more than one.
    is_astray: bool,
    /// What the client accepts.
    accept: String,
}

impl<'a> Asked<'a> {
    fn of(request: &httparse::Request<'_, 'a>) -> Self {
        let named = |name: &'static str| {
            let headers = request.headers.iter().filter(move |it| it.name.eq_ignore_ascii_case(name));
            headers.map(|it| it.value)
        };
        let target = request.path.unwrap_or_default();
        let (authority, path) = whole(target);
        let mut authorities: Vec<&[u8]> = named("host").map(<[u8]>::trim_ascii).collect();
        // RFC 9112, 3.2: every request of HTTP/1.1 has one such header, and none has two.
        let is_astray = authorities.len() > 1 || (authorities.is_empty() && request.version == Some(1));
        authorities.extend(authority.map(str::as_bytes));
        let accept: Vec<_> = named("accept").map(String::from_utf8_lossy).collect();
        Self {
            method: request.method.unwrap_or_default(),
            path: path.split('?').next().unwrap_or_default(),
            authorities,
            is_astray,
            accept: accept.join(","),
        }
    }

    fn reply(&self, names: &Names) -> Reply {
        let is_head = self.method == "HEAD";
        if let Some(refusal) = self.refusal(names) {
            return Reply::Now(Answer { is_head, ..refusal });
        }
        match self.path {
            "/metrics" => Reply::Metrics(Wanted { form: accepted(&self.accept), is_head }),
            _ => Reply::Now(Answer { is_head, ..Answer::new("200 OK", HTML, LANDING) }),
        }
    }

    fn refusal(&self, names: &Names) -> Option<Answer> {
        if self.is_astray {
            return Some(Answer::new("400 Bad Request", PLAIN, "send exactly one Host header\n"));
        }
        let ours = |authority: &&[u8]| std::str::from_utf8(authority).is_ok_and(|text| names.know(text));
        if let Some(stranger) = self.authorities.iter().find(|authority| !ours(authority)) {
            return Some(misdirected(stranger));
        }
        match self.path {
            "/" | "/metrics" if !matches!(self.method, "GET" | "HEAD") => {
                Some(Answer::new("405 Method Not Allowed", PLAIN, "only GET is allowed\n"))
            }
            "/" | "/metrics" => None,
            _ => Some(Answer::new("404 Not Found", PLAIN, "the metrics are at /metrics\n")),
        }
    }
}

/// The authority of a target that is a whole URL, and its path.
fn whole(target: &str) -> (Option<&str>, &str) {
    let scheme =
        target.split_at_checked("http://".len()).filter(|(it, _)| it.eq_ignore_ascii_case("http://"));
    let Some((_, rest)) = scheme else { return (None, target) };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    (Some(authority), if path.starts_with('/') { path } else { "/" })
}

/// Says what to type where the name is this machine's after all.
fn misdirected(authority: &[u8]) -> Answer {
    let name = std::str::from_utf8(authority).ok().and_then(host).filter(|name| host_name(name).is_ok());
    let name = name.unwrap_or("NAME");
    let body =
        format!("this machine has another name: use its address, or start it with --serve-name {name}\n");
    Answer::new("421 Misdirected Request", PLAIN, body)
}

/// What a client gets, and how much of it is written.
pub(super) struct Answer {
    status: &'static str,
    kind: &'static str,
    /// Many clients share one.
    body: Arc<str>,
    /// Whether the body is only measured.
    is_head: bool,
    written: usize,
}

impl Answer {
    fn new(status: &'static str, kind: &'static str, body: impl Into<Arc<str>>) -> Self {
        Self { status, kind, body: body.into(), is_head: false, written: 0 }
    }

    /// The metrics, or why there are none.
    pub(super) fn metrics(wanted: Wanted, text: &Result<Arc<str>, String>) -> Self {
        let answer = match text {
            Ok(text) => Self::new("200 OK", wanted.form.content_type(), Arc::clone(text)),
            Err(error) => Self::new(
                "500 Internal Server Error",
                PLAIN,
                format!("the machine could not be measured: {error}\n"),
            ),
        };
        Self { is_head: wanted.is_head, ..answer }
    }

    pub(super) fn body(&self) -> &Arc<str> {
        &self.body
    }

    fn head(&self) -> String {
        let Self { status, kind, body, .. } = self;
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
            body.len()
        )
    }

    /// Writes as much as is taken now; whether that was all.
    pub(super) fn write(&mut self, to: &mut impl Write) -> io::Result<bool> {
        let head = self.head();
        loop {
            let body = if self.is_head { "" } else { &*self.body };
            let left = match head.as_bytes().get(self.written..) {
                Some(left) if !left.is_empty() => left,
                _ => body.as_bytes().get(self.written - head.len()..).unwrap_or_default(),
            };
            if left.is_empty() {
                return Ok(true);
            }
            match to.write(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
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
    use super::*;

    /// What comes back for these bytes.
    fn answered(bytes: &str) -> String {
        answered_with(bytes, |form| Ok(format!("{form:?}\n").into()))
    }

    fn answered_with(bytes: &str, metrics: impl Fn(Exposition) -> Result<Arc<str>, String>) -> String {
        let names = Names::of_machine(&["given".to_owned()]);
        let mut answer = match reply(bytes.as_bytes(), &names).unwrap() {
            Reply::Now(answer) => answer,
            Reply::Metrics(wanted) => Answer::metrics(wanted, &metrics(wanted.form)),
        };
        let mut bytes = Vec::new();
        assert!(answer.write(&mut bytes).unwrap());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_scraper_gets_the_metrics() {
        let text = answered("GET /metrics?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9798\r\n\r\n");
        assert_eq!(
            text,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 5\r\n\
             Connection: close\r\n\r\nText\n"
        );
        let text =
            answered("GET /metrics HTTP/1.1\r\nhost: [::1]\r\naccept: application/openmetrics-text\r\n\r\n");
        assert!(text.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"), "{text}");
        assert!(text.ends_with("\r\n\r\nOpenMetrics\n"), "{text}");
        let text = answered("HEAD /metrics HTTP/1.0\r\n\r\n");
        assert!(text.contains("Content-Length: 5\r\n") && text.ends_with("\r\n\r\n"), "{text}");
        assert!(answered("GET / HTTP/1.1\r\nHost:localhost\r\n\r\n").contains("href=\"/metrics\""));
    }

    #[test]
    fn everything_else_is_refused() {
        let many = format!("GET / HTTP/1.1\r\nHost: given\r\n{}\r\n", "a: b\r\n".repeat(HEADERS + 1));
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(HEAD));
        for (bytes, status) in [
            ("POST /metrics HTTP/1.1\r\nHost: given\r\nContent-Length: 3\r\n\r\nabc", "405"),
            ("DELETE / HTTP/1.1\r\nHost: given\r\n\r\n", "405"),
            ("GET /metricsx HTTP/1.1\r\nHost: given\r\n\r\n", "404"),
            ("GET /../etc/passwd HTTP/1.1\r\nHost: given\r\n\r\n", "404"),
            ("GET http://elsewhere/ HTTP/1.1\r\nHost: given\r\n\r\n", "421"),
            ("GET http://given/x HTTP/1.1\r\nHost: given\r\n\r\n", "404"),
            ("GET http://given/metrics HTTP/1.1\r\nHost: elsewhere\r\n\r\n", "421"),
            ("GET http://given/metrics HTTP/1.1\r\n\r\n", "400"),
            ("GET http://elsewhere HTTP/1.0\r\n\r\n", "421"),
            ("GET /metrics HTTP/1.1\r\n\r\n", "400"),
            ("GET /metrics HTTP/1.1\r\nHost: given\r\nhost: given\r\n\r\n", "400"),
            ("GET /metrics HTTP/1.0\r\nHost: given\r\nhost: given\r\n\r\n", "400"),
            ("GET /metrics HTTP/1.1\r\nHost: rebound.example.org:9798\r\n\r\n", "421"),
            ("GET /metrics HTTP/1.1\r\nHost:\r\n\r\n", "421"),
            ("GET /metrics HTTP/1.0\r\nHost: elsewhere\r\n\r\n", "421"),
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
        let names = Names::of_machine(&[]);
        assert!(reply(b"GET /metr", &names).is_none() && reply(b"", &names).is_none(), "it may go on");
    }

    #[test]
    fn a_look_that_fails_is_told() {
        let text = answered_with("GET /metrics HTTP/1.0\r\n\r\n", |_| Err("no netlink".to_owned()));
        assert!(text.starts_with("HTTP/1.1 500 ") && text.contains("no netlink"), "{text}");
    }

    #[test]
    fn a_stranger_is_told_what_to_type() {
        let told = |host: &str| answered(&format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(told("metrics.example.org:80").ends_with("--serve-name metrics.example.org\n"));
        for hostile in ["a<b>", "-rf", "a b", "$(x)", "a@b", ""] {
            assert!(told(hostile).ends_with("--serve-name NAME\n"), "{hostile}");
        }
        for ours in ["given", "GIVEN:9798", "127.0.0.1", "[::1]:80", "a.localhost"] {
            assert!(told(ours).starts_with("HTTP/1.1 200 OK\r\n"), "{ours}");
        }
        let whole = answered("GET http://127.0.0.1:9798/metrics?x HTTP/1.1\r\nHost: given\r\n\r\n");
        assert!(whole.ends_with("\r\n\r\nText\n"), "{whole}");
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
}
