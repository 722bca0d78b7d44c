//! Which names name secrets, by the words that they are made of.

/// How sure it is that a name names a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Weight {
    /// What is given to it tells whether it is a secret: a `cache_key` mostly is none.
    Told,
    /// A `key` may be one of a table: what is given to it counts, and nothing else.
    Weak,
    Strong,
}

/// What the names are made of, in small letters, to be looked for at a glance.
pub(super) const STEMS: [&str; 19] = [
    "auth",
    "clear-text",
    "community",
    "cookie",
    "cred",
    "dockerconfig",
    "jwt",
    "key",
    "pass",
    "plaintext",
    "psk",
    "pw",
    "salt",
    "secret",
    "sig",
    "stringdata",
    "token",
    "truststore",
    "webhook",
];

/// Words that name a secret wherever they stand in a name, and at the end of a word too: `authtoken`.
const SECRET: [&str; 9] =
    ["credential", "passcode", "passphrase", "passwd", "password", "pwd", "secret", "token", "webhook"];

/// Words that end so are others.
const OTHERS: [&str; 6] = ["bypass", "compass", "encompass", "proxypass", "surpass", "trespass"];

/// Words that name a secret as a word of their own.
const ALONE: [&str; 6] = ["cred", "pass", "psk", "pw", "rocommunity", "rwcommunity"];

/// Names of secrets whose words do not tell; the first is what a Secret of Kubernetes holds in the clear.
const WHOLE: [&str; 5] = ["stringData", ".dockerconfigjson", "dockerconfigjson", "clear-text", "plaintext"];

/// Words that name a secret at the end of a name; before that they name something about one (`keyAlias`).
const AT_END: [&str; 16] = [
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "authorization",
    "erlangcookie",
    "hmackey",
    "licensekey",
    "masterauth",
    "masterkey",
    "privatekey",
    "secretkey",
    "sharedkey",
    "sig",
    "signature",
    "signingkey",
];

/// What a key is called that has to be kept.
const KEPT: [&str; 18] = [
    "access",
    "account",
    "api",
    "auth",
    "crypt",
    "encryption",
    "hmac",
    "jwt",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "session",
    "shared",
    "signing",
    "ssh",
    "subscription",
];

/// What a key is called that tells rows and objects apart.
const PUBLIC: [&str; 16] = [
    "column",
    "foreign",
    "group",
    "index",
    "lookup",
    "map",
    "node",
    "order",
    "partition",
    "public",
    "route",
    "row",
    "sort",
    "translation",
    "unique",
    "zone",
];

/// What a key is called that tells rows apart or is a secret.
const EITHER: [&str; 4] = ["cache", "hash", "primary", "routing"];

/// A name that ends so says something about a secret.
const ABOUT: [&str; 64] = [
    "age",
    "alg",
    "algorithm",
    "alias",
    "arn",
    "attempts",
    "attribute",
    "bucket",
    "count",
    "days",
    "dir",
    "directory",
    "disabled",
    "enabled",
    "encoding",
    "encryption",
    "endpoint",
    "expiration",
    "expire",
    "expires",
    "expiry",
    "file",
    "folder",
    "format",
    "helper",
    "hint",
    "hours",
    "issuer",
    "label",
    "len",
    "length",
    "lifetime",
    "limit",
    "location",
    "manager",
    "max",
    "min",
    "minutes",
    "mode",
    "name",
    "names",
    "param",
    "path",
    "placeholder",
    "policy",
    "prompt",
    "provider",
    "ref",
    "required",
    "rotation",
    "rounds",
    "scope",
    "scopes",
    "seconds",
    "size",
    "strength",
    "timeout",
    "title",
    "ttl",
    "type",
    "uri",
    "url",
    "usage",
    "validator",
];

/// Servers that something is passed on to.
const PASSED: [&str; 8] = ["ajp", "fastcgi", "grpc", "memcached", "proxy", "scgi", "tunnel", "uwsgi"];

/// `pass` before these is a verb.
const VERB: [&str; 14] = [
    "all",
    "by",
    "count",
    "env",
    "fd",
    "filename",
    "filenames",
    "header",
    "headers",
    "match",
    "rate",
    "request",
    "reverse",
    "through",
];

/// Whether a key of this name holds a secret.
pub(super) fn weight(name: &[u8]) -> Option<Weight> {
    let words = words(name);
    let last = words.last()?;
    if name == b"Cookie" || WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole.as_bytes())) {
        return Some(Weight::Strong);
    }
    if words.iter().any(|word| word.ends_with("keystore") || word.ends_with("truststore")) {
        return Some(Weight::Strong);
    }
    if (words.len() > 1 && ABOUT.contains(&last.as_str()))
        || counts_tokens(&words)
        || finds_credentials(&words)
        || switches(&words)
        || matches!(&words[..], [.., how, word] if how.starts_with("expire") && word == "in")
    {
        return None;
    }
    let strong = |(at, word): (usize, &String)| {
        let one = singular(word);
        let glued = SECRET.iter().any(|end| one.ends_with(end))
            || (one.len() > 4 && one.ends_with("pass"))
            || (one.len() > 3 && one.ends_with("pw"));
        (glued && !OTHERS.contains(&one)) || (ALONE.contains(&one) && !(one == "pass" && is_verb(&words, at)))
    };
    if words.iter().enumerate().any(strong) || at_end(&words) {
        return Some(Weight::Strong);
    }
    key(&words)
}

/// Whether the rest of the line belongs to what a header of this name holds.
pub(super) fn is_header(name: &[u8]) -> bool {
    words(name).last().is_some_and(|last| last == "authorization" || last == "cookie")
}

/// Whether the name is that of several secrets, each with a name of its own.
pub(super) fn is_many(name: &[u8]) -> bool {
    let last = words(name).pop().unwrap_or_default();
    name.eq_ignore_ascii_case(b"stringData") || (singular(&last) != last && weight(last.as_bytes()).is_some())
}

fn at_end(words: &[String]) -> bool {
    let Some((last, before)) = words.split_last() else { return false };
    let one = singular(last);
    AT_END.contains(&one)
        || (one == "salt" && !before.is_empty())
        || (one == "cookie" && before.last().is_some_and(|word| word == "erlang"))
        || (one == "auth" && before.last().is_none_or(|word| word == "basic"))
}

/// A name that ends with `key`, and names that say little.
fn key(words: &[String]) -> Option<Weight> {
    let (last, before) = words.split_last()?;
    let is = |all: &[&str]| before.last().is_some_and(|word| all.contains(&word.as_str()));
    match singular(last) {
        "key" if is(&PUBLIC) => None,
        "key" if is(&EITHER) => Some(Weight::Told),
        "jwt" | "salt" if before.is_empty() => Some(Weight::Told),
        "key" if is(&KEPT) => Some(Weight::Strong),
        "key" => Some(Weight::Weak),
        _ => None,
    }
}

/// `server_tokens`, `ServerTokens`, `max_tokens`: no secrets.
fn counts_tokens(words: &[String]) -> bool {
    let counted = ["input", "max", "min", "num", "output", "server", "total"];
    matches!(words, [first, .., last] if counted.contains(&first.as_str()) && last == "tokens")
}

/// systemd's `LoadCredential=` and `ConditionCredential=` name one that lies elsewhere.
fn finds_credentials(words: &[String]) -> bool {
    let verbs = ["condition", "import", "inherit", "load", "assert"];
    matches!(words, [verb, what, ..] if verbs.contains(&verb.as_str()) && singular(what) == "credential")
}

/// `proxy_pass`, `PassEnv`, `pass_header`.
fn is_verb(words: &[String], at: usize) -> bool {
    let is = |at: usize, all: &[&str]| words.get(at).is_some_and(|word| all.contains(&word.as_str()));
    is(at + 1, &VERB) || (at == 1 && is(0, &PASSED))
}

/// `proxy_pass`, and its like for other servers.
pub(super) fn passes_on(name: &[u8]) -> bool {
    matches!(&words(name)[..], [first, last] if last == "pass" && PASSED.contains(&first.as_str()))
}

/// `ALLOW_EMPTY_PASSWORD`, `MYSQL_RANDOM_ROOT_PASSWORD`: switches of the images of databases.
fn switches(words: &[String]) -> bool {
    words.windows(2).any(|pair| pair == ["allow", "empty"] || pair == ["random", "root"])
}

fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(one) if !one.ends_with('s') => one,
        _ => word,
    }
}

/// `keystorePass`, `API_KEY` and `client-secret2` as their words, in lower case, without numbers.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for byte in name {
        let parts = matches!(byte, b'_' | b'-' | b'.');
        if parts || (before_lower && byte.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if let (false, Some(word)) = (parts, words.last_mut()) {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        before_lower = byte.is_ascii_lowercase() || byte.is_ascii_digit();
    }
    for word in &mut words {
        word.truncate(word.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_sees_every_word_that_names_a_secret() {
        for word in SECRET.iter().chain(&ALONE).chain(&AT_END).chain(&[
            "keystore",
            "truststore",
            "key",
            "salt",
            "jwt",
        ]) {
            assert!(STEMS.iter().any(|stem| word.contains(stem)), "{word}");
        }
    }

    #[test]
    fn names_are_judged_by_their_words() {
        let strong = [
            "password",
            "DB_PASS",
            "dbPassword",
            "DBPassword",
            "PASSWORD_1",
            "password2",
            "tokens",
            "X-Api-Key",
            "spring.datasource.password",
            "SECRET_KEY_BASE",
            "wp_salt",
            "bindpw",
            "requirepass",
            "masterauth",
        ];
        for name in strong {
            assert_eq!(weight(name.as_bytes()), Some(Weight::Strong), "{name}");
        }
        for name in ["key", "ssl_certificate_key", "keys"] {
            assert_eq!(weight(name.as_bytes()), Some(Weight::Weak), "{name}");
        }
        for name in ["cache_key", "hashKey", "SALT", "JWT"] {
            assert_eq!(weight(name.as_bytes()), Some(Weight::Told), "{name}");
        }
        let others = [
            "proxy_pass",
            "ProxyPass",
            "fastcgi_pass",
            "PassEnv",
            "server_tokens",
            "ServerTokens",
            "token_bucket",
            "password_file",
            "public_key",
            "monkey",
            "bypass",
            "keepalive",
            "passenger",
            "compass",
            "tokenizer",
            "author",
            "authority",
            "secretName",
            "max_tokens",
            "proxy_pass_header",
        ];
        for name in others {
            assert_eq!(weight(name.as_bytes()), None, "{name}");
        }
    }
}
