//! Which values may be read though their names name a secret: paths, references, switches, addresses and types tell none.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// A longer value is never certain.
const LONGEST: usize = 300;

/// What another place holds: `$NAME`, `${NAME}`, `$http_authorization`, `%(ENV_NAME)s`, `{{ name }}`, `process.env.NAME`, and
/// where NGINX Unit passes on to: `routes/main`.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:(?i:basic|bearer|token) )?(?-u:\$\d|\$\$?[A-Z_][A-Z0-9_]*|\$[a-z]+(?:_[a-z]+)+|\$\(\w+\)|\$\$?\{[A-Za-z_][\w.]*\}",
        r"|\{\$?[A-Za-z_][\w.]*\}|\{\{[^{}\x22'`]*\}\}|%\(\w+\)s|%[A-Z_]+%|@[A-Z_]+@|<%=?[^%\x22']*%>",
        r"|\$\(cat [/\w.-]+\)|\$\(<[/\w.-]+\)|%\{[A-Z_:]+\}[a-z]?",
        r"|routes|(?:routes|applications|upstreams)(?:/[\w.%${}-]+)+",
        r"|(?:process\.env|import\.meta\.env|os\.environ|ENV|System\.getenv|self|this|cls)[.\w]*)$",
    ))
    .ok()
});

/// A file: it begins with a folder that machines have, or ends as files of keys and settings do.
static PATH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?-u:(?:[\w.-]+:|<|\$?\{?[A-Z_]+\}?)?(?:/|\./|\.\./|~/)(?:app|bin|certs?|conf(?:ig)?|dev|etc|home|keys|lib|media|mnt",
        r"|opt|path|private|proc|root|run|secrets|srv|ssl|tmp|usr|var|vault|work)(?:/[\w.@%${}-]+)*/?",
        r"|[\w./@%${}:\\-]*[\w}]\.(?:cer|cfg|conf|crt|der|env|file|ini|jceks|jks|json|keys?|keystore|keytab|p12|p8|pass|passwd|pem|pfx",
        r"|properties|pub|py|rb|js|pw|secret|sock|toml|txt|xml|ya?ml))$",
    ))
    .ok()
});

const SWITCHES: [&str; 25] = [
    "",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "~",
    "enabled",
    "disabled",
    "optional",
    "required",
    "requisite",
    "sufficient",
    "prod",
    "self",
    "default",
    "any",
    "container",
    "application",
    "basic",
];

const TYPES: [&str; 20] = [
    "str",
    "string",
    "String",
    "bytes",
    "[]byte",
    "byte[]",
    "char",
    "char*",
    "char[]",
    "SecretStr",
    "Secret",
    "int",
    "any",
    "object",
    "Object",
    "text",
    "varchar",
    "String?",
    "&str",
    "CharSequence",
];

/// Words of sentences and programs that follow a name without being given to it.
const PROSE: [&str; 52] = [
    "without",
    "invalid",
    "port",
    "a",
    "an",
    "and",
    "are",
    "as",
    "at",
    "authentication",
    "be",
    "by",
    "can",
    "does",
    "for",
    "from",
    "given",
    "has",
    "if",
    "in",
    "instanceof",
    "into",
    "is",
    "it",
    "key",
    "matches",
    "may",
    "must",
    "not",
    "of",
    "on",
    "or",
    "scheme",
    "set",
    "shall",
    "should",
    "that",
    "the",
    "then",
    "this",
    "to",
    "unless",
    "value",
    "values",
    "was",
    "were",
    "when",
    "where",
    "which",
    "while",
    "will",
    "with",
];

/// Words after which a program goes on to say what the value is.
const LEADS: [&str; 14] = [
    "async", "await", "cast", "function", "lambda", "new", "not", "return", "typeof", "yield", "get",
    "lookup", "const", "static",
];

fn matches(regex: &LazyLock<Option<Regex>>, value: &[u8]) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(value))
}

/// Whether the value certainly is no secret.
pub(super) fn is_open(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.len() > LONGEST {
        return false;
    }
    let small = value.to_ascii_lowercase();
    SWITCHES.iter().any(|word| small == word.as_bytes())
        || is_address(value)
        || matches(&PATH, value)
        || matches(&REFERENCE, value)
}

/// Whether it is an IP address, with a port or without.
fn is_address(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    text.parse::<std::net::SocketAddr>().is_ok() || text.parse::<std::net::IpAddr>().is_ok()
}

pub(super) fn is_type(word: &[u8]) -> bool {
    let word = word.strip_suffix(b",").unwrap_or(word);
    TYPES.iter().any(|known| word == known.as_bytes())
}

pub(super) fn is_prose(word: &[u8]) -> bool {
    PROSE.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

pub(super) fn leads(word: &[u8]) -> bool {
    LEADS.iter().any(|known| word == known.as_bytes())
}

/// Whether a word without quotes is a call of a program, in which only literals can be secret: `fs.readFileSync('a.pem')`,
/// `os.environ["TOKEN"]`, `token()`.
pub(super) fn is_call(word: &[u8], rest: &[u8]) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'$');
    let name = word.iter().take_while(|byte| named(byte)).count();
    let callee = word.get(..name).unwrap_or_default();
    let Some((open, inside)) = word.get(name..).and_then(<[u8]>::split_first) else { return false };
    let close = match open {
        b'(' => b')',
        b'[' => b']',
        _ => return false,
    };
    let quoted = matches!(inside.first().or(rest.first()), Some(b'"' | b'\'' | b'`'));
    let known = callee.contains(&b'.') || quoted || inside.first() == Some(&close);
    let begins = callee.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'));
    begins && known && (inside.contains(&close) || rest.contains(&close))
}

/// Whether a call begins here that is given nothing but names and numbers up to its end or its first literal. Where nothing
/// says that this is a program (`declared`), its own name or a semicolon has to: `getToken(req, 2);`.
pub(super) fn passes_names(rest: &[u8], declared: bool) -> bool {
    let Some(open) = memchr::memchr(b'(', rest).filter(|open| *open > 3) else { return false };
    let (callee, inside) = rest.split_at(open);
    let named = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.');
    let of_list = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$, ".contains(byte);
    let given = inside.iter().skip(1).take_while(|byte| of_list(byte)).count();
    let list = inside.get(1..=given).unwrap_or_default();
    let after = inside.get(given + 2..).unwrap_or_default().trim_ascii();
    let pair = |is: fn(u8, u8) -> bool| move |pair: &[u8]| matches!(pair, [a, b] if is(*a, *b));
    let mixed = pair(|a, b| a.is_ascii_alphabetic() && b.is_ascii_digit());
    let compound = pair(|a, b| a == b'_' || (a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let ends = match inside.get(given + 1) {
        Some(b')') => after.first().is_none_or(|next| b";,)}]|?".contains(next)),
        Some(b'"' | b'\'' | b'`') => list.trim_ascii_end().ends_with(b","),
        _ => false,
    };
    let program = declared || callee.windows(2).any(compound) || after.starts_with(b";");
    ends && program && callee.iter().all(named) && !list.windows(2).any(mixed)
}
