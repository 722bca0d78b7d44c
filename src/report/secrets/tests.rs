//! What is hidden keeps its place, whatever the text, and each byte is looked at a few times only.

use std::cell::Cell;

use proptest::prelude::*;
use rayon::prelude::*;

use super::*;

thread_local! {
    /// Bytes that were looked at.
    pub(super) static WORK: Cell<usize> = const { Cell::new(0) };
}

fn starred(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in secrets(text.as_bytes()) {
        bytes[range].fill(b'*');
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn values_are_starred_and_columns_stay() {
    for (text, shown) in [
        (
            r#"<Connector keystorePass="ch&amp;ng" port="1"/>"#,
            r#"<Connector keystorePass="*********" port="1"/>"#,
        ),
        (r#"secret='a b' requiredSecret = "c""#, r#"secret='***' requiredSecret = "*""#),
        ("  password: hunter2, port: 80", "  password: *******, port: 80"),
        (r#"{"api_token": "abc"}"#, r#"{"api_token": "***"}"#),
        ("const apiKey = `x${y}`;", "const apiKey = `*****`;"),
        ("secure_link_secret abc;", "secure_link_secret ***;"),
        ("  auth_token 'a b';", "  auth_token '***';"),
        ("DATABASE=postgres://me:pw@db/x", "DATABASE=postgres://me:**@db/x"),
        ("DB_PASSWORD=x", "DB_PASSWORD=*"),
        ("keystorePass=\n   \"ab\"", "keystorePass=\n   \"**\""),
        ("secret=\"not closed", "secret=\"**********"),
        ("Environment=DB_PASSWORD=x PORT=80", "Environment=DB_PASSWORD=* PORT=80"),
        ("web: DB_PASS=x gunicorn -b :80 --backlog 511", "web: DB_PASS=* gunicorn -b :80 --backlog 511"),
        ("-e A=b -e DB_PASSWORD=é€ -p 80:80", "-e A=b -e DB_PASSWORD=***** -p 80:80"),
        ("sh -c \"PASSWORD=x nginx\" --backlog 5", "sh -c \"PASSWORD=* nginx\" --backlog 5"),
        ("{password: x, listen: 80}", "{password: *, listen: 80}"),
        ("https://x/?token=a&port=80", "https://x/?token=*&port=80"),
    ] {
        assert_eq!(starred(text), shown);
    }
}

#[test]
fn words_of_ours_are_no_directives() {
    for text in [
        "the token bucket of this proxy is full",
        "nothing sets the key net.core.somaxconn",
        "pass the option to listen(2)",
        "without a secret the Connector does not start",
        "the key is written in a file that systemd-sysctl does not read",
    ] {
        let shown = starred(text);
        assert_eq!(shown, text);
    }
    let said =
        "cannot read `proxy_set_header Authorization \"x1\"`, DB_PASSWORD=x2 --token x3 of redis://:x4@h";
    let shown = starred(said);
    assert!(!(1..5).any(|at| shown.contains(&format!("x{at}"))), "{shown}");
}

/// What makes a scanner look far ahead or back.
const PIECES: [&str; 52] = [
    "a=",
    "\"",
    "'",
    "://",
    "password=",
    "password=\"",
    "password='x",
    "key=f(",
    "${PASSWORD:-",
    "token: ",
    "secrets:\n ",
    "{{",
    "name=\"password\" ",
    "<password>",
    "\n",
    "\\",
    "[",
    "x ",
    "--password ",
    " -u a:b",
    "Bearer ",
    "password ",
    "tokens[",
    "-----BEGIN PRIVATE KEY-----",
    "mysql -p",
    "password=/etc/",
    "map $key $x {",
    "eyJabcdef.",
    "secret || \"",
    "password: |\n",
    "kind: Secret\n---\n",
    "password = [\n",
    "@",
    ":",
    "u:p@",
    "https://",
    "<x name=\"password\" ",
    "name: token\n",
    "password(",
    "$$1$",
    " user >",
    "&quot;",
    "password=\\\"",
    "password,\"",
    "password\t",
    "a.",
    "a-",
    "é",
    "secrets:\n",
    " password:\n",
    "value=\"x\" ",
    "password=${A} ",
];

fn work(text: &str) -> usize {
    WORK.with(|work| work.set(0));
    secrets(text.as_bytes());
    WORK.with(Cell::get)
}

/// What opens for each name again, and what closes all of it at the end.
const CLOSED: [(&str, &str); 22] = [
    ("password=f.x(", ")"),
    ("password=f['", "']"),
    ("password=get(", ")"),
    ("password=b\"x\"(", ")"),
    ("password=(", ")"),
    ("password: [", "]"),
    ("key={", "}"),
    ("{\"password\":", "}"),
    ("\"password\": \"", "\""),
    ("password=\\\n", "x"),
    ("password <<EOF\n", "EOF\n"),
    ("secret(", ")"),
    ("[tokens]", "x"),
    ("[tokens]", "=x"),
    ("name=password(", ")"),
    ("name=password x=f(", ")"),
    ("<x name=password>>", "</x>"),
    ("<password><![CDATA[", "]]></password>"),
    ("Authorization:f(", ")"),
    ("${PASSWORD:-", "}"),
    ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
    ("map $x_key $y {", "}"),
];

#[test]
fn four_times_the_text_is_four_times_the_work() {
    let indented = format!("{}tokens:\n", " ".repeat(310));
    let open = PIECES.into_iter().chain([indented.as_str()]).map(|piece| (piece, ""));
    let pieces: Vec<(&str, &str)> = open.chain(CLOSED).collect();
    pieces.par_iter().for_each(|(piece, close)| {
        let of_length = |length: usize| work(&(piece.repeat(length / piece.len()) + close));
        let (small, large) = (of_length(10_000), of_length(40_000));
        assert!(large <= 8 * small + 10_000, "{piece:?}: {small} and {large}");
        assert!(large <= 4_000 * 40_000, "{piece:?}: {large}");
    });
    for piece in ["a=", "\"", "://"] {
        let text = piece.repeat((1 << 20) / piece.len());
        assert!(work(&text) < 20 * text.len(), "{piece:?}");
    }
}

#[test]
fn names_below_names_look_at_no_line_again() {
    for (name, last) in [("tokens:", "a:"), ("password:", "a:"), ("password:!a", "a: b"), ("password: |", "")]
    {
        let mut text = String::new();
        for depth in 0..600 {
            text += &format!("{}{name}\n", " ".repeat(depth));
        }
        text += &format!("{}{last}\n", " ".repeat(600));
        let all = work(&text);
        assert!(all < 40 * text.len(), "{name:?}: {all} for {}", text.len());
    }
}

#[test]
fn so_it_is_where_names_tell_little() {
    let pieces = [
        "user, password = \"x\", ",
        "a, token = \"\n",
        "a,password=",
        "token:\n x:\n",
        "token:\n\n",
        "server auth:80 ",
        "://auth:80",
        "? token\n",
        "- \"token\n",
        "password = getToken(a, ",
        "$salt ",
        "cache_key=",
        "if ($token != x",
        "curl -H \"token: ",
        "compare_digest(a",
        "htpasswd -b x ",
    ];
    for piece in pieces {
        let (small, large) = (work(&piece.repeat(200)), work(&piece.repeat(2_000)));
        assert!(large <= 12 * small + 10_000, "{piece:?}: {small} and {large}");
    }
}

#[test]
fn a_service_called_like_a_secret_shows_its_ports() {
    let service = "  auth:\n    image: app\n    ports:\n      - \"8080:8080\"\n    command:\n      - --backlog\n      - 511\n";
    assert_eq!(starred(service), service);
    assert_eq!(starred("auth:\n  type: x\n  default: a1\n"), "auth:\n  type: x\n  default: **\n");
    assert_eq!(starred("auth:\n  - a1\n"), "auth:\n  - **\n");
}

fn is_sound(text: &str) -> bool {
    let found = secrets(text.as_bytes());
    let apart = found.windows(2).all(|pair| pair[0].end < pair[1].start);
    let whole = |at: usize| text.is_char_boundary(at);
    apart && found.iter().all(|range| range.start < range.end && whole(range.start) && whole(range.end))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn ranges_are_whole_characters_of_the_text(text in "(?s).{0,200}") {
        prop_assert!(is_sound(&text));
    }

    #[test]
    fn so_they_are_where_much_looks_secret(
        picks in prop::collection::vec(0..PIECES.len() + 6, 0..40),
    ) {
        let more = ["€", "é", " ", "\r\n", "}", ")"];
        let text: String = picks.iter().map(|at| PIECES.get(*at).unwrap_or_else(|| &more[at - PIECES.len()])).copied().collect();
        prop_assert!(is_sound(&text), "{:?}", text);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let found = secrets(&bytes);
        prop_assert!(found.iter().all(|range| range.end <= bytes.len()));
    }
}
