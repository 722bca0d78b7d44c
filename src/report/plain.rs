//! Other people's text made harmless: what a terminal would obey is spelled out, what is secret is starred.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::text::Source;
pub(crate) use crate::text::spelled_out as inline;
pub(super) use crate::text::{is_harmful, spell_out as push};

/// Names of secrets may stand this many lines above their values.
const REACH: usize = 3;

/// Words of a report, which may repeat what a file says, with secrets starred.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in secrets(text.as_bytes()) {
        if let Some(secret) = bytes.get_mut(range) {
            secret.fill(b'*');
        }
    }
    // Secrets end where characters do.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The same on one line and harmless.
pub(super) fn said(text: &str) -> String {
    inline(&masked(text))
}

/// A name, what parts it from its value, and the value: `secret="x"`, `password: 'x'`, `"token": "x"`, `apiKey = x`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?s-u)([A-Za-z_][\w.-]*)["']?\s*(?:=>|[:=])\s*("[^"]*"?|'[^']*'?|`[^`]*`?|[^\s,;<>"'`(){}\[\]]+)"#,
    )
    .ok()
});

/// A directive at the start of a line and its argument: `secure_link_secret x;`.
static DIRECTIVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?m-u)^[ \t]*([A-Za-z_][\w-]*)[ \t]+("[^"]*"?|'[^']*'?|[^\s;#{}="']+)"#).ok()
});

/// The password in `scheme://user:password@host`.
static IN_URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?-u)://([^/\s:@"']*):([^@\s/"']+)@"#).ok());

/// What the words that name a secret are made of.
const STEMS: [&str; 8] =
    ["authorization", "credential", "key", "pass", "pwd", "secret", "token", "truststore"];

/// Whether there may be a secret: a glance, because most lines hold none.
fn may_hold_secret(text: &[u8]) -> bool {
    let small = text.to_ascii_lowercase();
    let holds = |word: &str| memchr::memmem::find(&small, word.as_bytes()).is_some();
    STEMS.into_iter().any(holds) || holds("://")
}

/// The places in the text that hold secrets, judged by the names that they are given to.
pub(super) fn secrets(text: &[u8]) -> Vec<Range<usize>> {
    if !may_hold_secret(text) {
        return Vec::new();
    }
    let found = |regex: &LazyLock<Option<Regex>>, secret: fn(&str) -> bool| -> Vec<Range<usize>> {
        let Some(regex) = regex.as_ref() else { return Vec::new() };
        let matches = regex.captures_iter(text).filter_map(|captures| {
            let (name, value) = (captures.get(1)?, captures.get(2)?);
            // What a call gives is not written here.
            let literal = text.get(value.end()) != Some(&b'(');
            (literal && secret(&String::from_utf8_lossy(name.as_bytes())))
                .then(|| within_quotes(text, value.range()))
        });
        matches.collect()
    };
    let mut all = found(&NAMED, holds_secret);
    // nginx's `proxy_pass` and the like name a server, and `ssl_certificate_key` a file.
    all.extend(found(&DIRECTIVE, |name| {
        holds_secret(name) && !name.ends_with("_pass") && !name.ends_with("certificate_key")
    }));
    all.extend(found(&IN_URL, |_| true));
    all
}

/// The secrets on a line (1-based), as offsets in it.
pub(super) fn secrets_on(source: &Source, line: usize) -> Vec<Range<usize>> {
    let (from, start) = (source.start_of(line.saturating_sub(REACH).max(1)), source.start_of(line));
    let end = start + source.line(line).len();
    let text = source.bytes().get(from..end).unwrap_or_default();
    let here = |range: Range<usize>| {
        let (from, to) = ((from + range.start).max(start), (from + range.end).min(end));
        (from < to).then(|| from - start..to - start)
    };
    secrets(text).into_iter().filter_map(here).collect()
}

/// The bytes of a line (1-based) with one star for each secret, however long it is.
pub(super) fn without_secrets(source: &Source, line: usize) -> Vec<u8> {
    let mut bytes = source.line(line).to_vec();
    let mut found = secrets_on(source, line);
    found.sort_by_key(|range| std::cmp::Reverse(range.start));
    for range in found {
        if range.end <= bytes.len() {
            bytes.splice(range, [b'*']);
        }
    }
    bytes
}

fn within_quotes(text: &[u8], value: Range<usize>) -> Range<usize> {
    let bytes = text.get(value.clone()).unwrap_or_default();
    match bytes {
        [quote @ (b'"' | b'\'' | b'`'), rest @ ..] => {
            let closed = usize::from(rest.last() == Some(quote));
            value.start + 1..value.end - closed
        }
        _ => value,
    }
}

/// Words that name a secret wherever they stand in a name; at the end of one, also glued to it (`authtoken`).
const SECRET: [&str; 9] =
    ["credential", "credentials", "pass", "passphrase", "passwd", "password", "pwd", "secret", "token"];

/// Words that name a secret at the end of a name; before that they name something about one (`keyAlias`).
const SECRET_AT_END: [&str; 7] =
    ["accesskey", "apikey", "authkey", "authorization", "key", "privatekey", "secretkey"];

/// Whether a key of this name holds a secret, by the words that the name is made of.
fn holds_secret(name: &str) -> bool {
    let words = words(name.trim_end_matches(['.', '-']));
    let secret = |word: &String| {
        SECRET.contains(&word.as_str())
            || ["password", "secret", "token"].iter().any(|end| word.ends_with(end))
    };
    let store = |word: &String| word.ends_with("keystore") || word.ends_with("truststore");
    words.iter().any(|word| secret(word) || store(word))
        || words.last().is_some_and(|last| SECRET_AT_END.contains(&last.as_str()))
}

/// `keystorePass`, `API_KEY` and `client-secret` as their words, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for c in name.chars() {
        let parts = matches!(c, '_' | '-' | '.');
        if parts || (before_lower && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if let (false, Some(word)) = (parts, words.last_mut()) {
            word.push(c.to_ascii_lowercase());
        }
        before_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for range in secrets(text.as_bytes()) {
            bytes[range].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_of_secret_keys_are_starred_and_columns_stay() {
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
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn a_glance_sees_every_word_that_names_a_secret() {
        let glued = ["keystore", "truststore"];
        for word in SECRET.iter().chain(&SECRET_AT_END).chain(&glued) {
            assert!(holds_secret(word) && may_hold_secret(word.to_uppercase().as_bytes()), "{word}");
        }
    }

    #[test]
    fn other_values_stay_readable() {
        for text in [
            "listen 80 backlog=511;",
            "proxy_pass http://backend:8080;",
            "fastcgi_pass unix:/run/php.sock;",
            "ssl_certificate_key /etc/ssl/private/shop.key;",
            "net.core.somaxconn = 128",
            "keepalive_timeout 65;",
            "server_tokens off;",
            "limit_req_zone $binary_remote_addr zone=one:10m;",
            "app.listen(3000, '0.0.0.0', 511);",
            "key: fs.readFileSync('a.pem')",
            "<Connector port=\"8080\" acceptCount=\"100\"/>",
            "http://localhost:8080/a@b",
            "monkey business",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn harmful_characters_are_spelled_out() {
        assert_eq!(inline("a\u{1b}[2J\u{9b}\r\n\u{202e}\u{7f}é✓"), "a\\x1b[2J\\x9b\\r\\n\\u{202e}\\x7fé✓");
    }
}
