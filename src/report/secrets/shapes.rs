//! Secrets that are known by their shape, wherever they stand: tokens of known makers, keys, hashes, and who logs in to what.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Captures, Match, Regex};

use super::needles::Needles;

struct Shape {
    /// One of these stands in whatever has the shape, so that most patterns are never made.
    needles: &'static [&'static str],
    pattern: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Shape {
    const fn new(needles: &'static [&'static str], pattern: &'static str) -> Self {
        Self { needles, pattern, regex: OnceLock::new() }
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&format!("(?-u){}", self.pattern)).ok()).as_ref()
    }
}

/// The needles of all shapes, by the shapes' numbers.
static NEEDLES: LazyLock<Needles> = LazyLock::new(|| {
    let shapes = (0..).zip(SHAPES.iter().chain(&LOGINS));
    Needles::new(shapes.flat_map(|(number, shape)| shape.needles.iter().map(move |it| (*it, number))), false)
});

/// The numbers of the shapes that a text may hold, as bits.
fn held(text: &[u8]) -> u64 {
    NEEDLES.find(text).fold(0, |held, (_, number)| held | 1 << number)
}

/// Each shape's secret is its first group, or the whole. The prefixes are those that gitleaks and GitHub's secret scanning list:
/// <https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml>,
/// <https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns>.
static SHAPES: [Shape; 22] = [
    // AWS, Google, SendGrid, Twilio, Mailgun.
    Shape::new(
        &["AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA"],
        r"\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{12,}\b",
    ),
    Shape::new(&["AIza"], r"\bAIza[\w-]{30,}"),
    Shape::new(&["SG."], r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    Shape::new(&["SK", "key-"], r"\b(?:SK|key-)[0-9a-f]{32}\b"),
    Shape::new(&["ya29."], r"\bya29\.[\w-]{20,}"),
    // GitHub, GitLab, npm, PyPI, Docker, Hugging Face, Vault and others who begin their tokens with their names.
    Shape::new(
        &[
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "glptt-",
            "gldt-",
            "glrt-",
            "glcbt-",
            "gloas-",
            "glsoat-",
            "glsa_",
            "glc_",
        ],
        r"\b(?:gh[pousr]_|github_pat_|gl(?:pat|ptt|dt|rt|cbt|oas|soat)-|glsa_|glc_)\w[\w-]{8,}",
    ),
    Shape::new(&["npm_", "hf_", "rubygems_"], r"\b(?:npm_|hf_|rubygems_)[A-Za-z0-9]{30,}\b"),
    Shape::new(
        &[
            "dckr_pat_",
            "dop_v1_",
            "doo_v1_",
            "dor_v1_",
            "shpat_",
            "shpca_",
            "shppa_",
            "shpss_",
            "pypi-",
            "lin_api_",
            "PMAK-",
            "NRAK-",
            "tskey-",
            "sntrys_",
            "sbp_",
            "figd_",
            "hvs.",
            "hvb.",
            "hvr.",
            "atlasv1.",
            "pul-",
            "xapp-",
        ],
        r"\b(?:dckr_pat_|dop_v1_|doo_v1_|dor_v1_|shp(?:at|ca|pa|ss)_|pypi-AgE|lin_api_|PMAK-|NRAK-|tskey-|sntrys_|sbp_|figd_|hv[sbr]\.|atlasv1\.|pul-|xapp-)[\w.-]{8,}",
    ),
    Shape::new(&["_live_", "_test_"], r"\b(?:sk|rk|pk)_(?:live|test)_\w{6,}"),
    Shape::new(&["whsec_", "sq0", "EAAC", "ATATT3"], r"\b(?:whsec_|sq0[a-z]{3}-|EAAC|ATATT3)[\w+/=-]{16,}"),
    Shape::new(&["sk-"], r"\bsk-(?:proj-|ant-|svcacct-|or-)?[\w-]*\d[\w-]{15,}"),
    Shape::new(&["xox"], r"\bxox[abeoprs]-[\w-]{6,}"),
    Shape::new(&["hooks.slack"], r"hooks\.slack\.com/(?:services|workflows)/([\w/]+)"),
    Shape::new(&["/api/webhooks/"], r"discord(?:app)?\.com/api/webhooks/([\w/-]+)"),
    Shape::new(&[":AA"], r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    // Web tokens, keys for ssh, TLS and age.
    Shape::new(&["eyJ"], r"\beyJ[\w-]{5,}(?:\.[\w-]*)+"),
    Shape::new(&["-----BEGIN "], r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(.*?)(?:-----END|\z)"),
    Shape::new(&["AGE-SECRET-KEY-1"], r"\bAGE-SECRET-KEY-1\w{10,}"),
    // Hashes of passwords: crypt(5), Apache, LDAP, Django, and bcrypt once more in base64 as Caddy has it.
    Shape::new(
        &[
            "$1$", "$2a", "$2b", "$2x", "$2y", "$5$", "$6$", "$y$", "$gy$", "$P$", "apr1", "argon2", "sha1$",
            "scrypt", "pbkdf2",
        ],
        r"\$+(?:[0-9]|2[abxy]|y|gy|sha1|md5|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*|P)\$+[\w./,=$+-]{8,}",
    ),
    Shape::new(&["{S", "{M", "{C", "{P"], r"\{(?:SSHA|SHA|SMD5|MD5|CRYPT|PLAIN|CLEAR)\d*\}([^\s:;,]+)"),
    Shape::new(
        &["pbkdf2_", "bcrypt_", "scrypt", "argon2"],
        r"\b(?:pbkdf2_sha\d+|bcrypt_sha256|scrypt|argon2)(?:\$+|:)[\w$./=:+-]{12,}",
    ),
    Shape::new(&["JDJ"], r"\bJDJ[abyhk5i][\w+/=]{20,}"),
];

/// Who logs in to what: the secret is the last group.
static LOGINS: [Shape; 34] = [
    Shape::new(
        &[" -u", "\"-u", "'-u", " -U", "--user", "--auth", "--basic-auth", "--proxy-user", "--cred"],
        r#"(?:^|[\s"'\[,=])(?:-u|-U|--user|--auth|--basic-auth|--proxy-user|--credentials?|--userpwd)(?:[=\s]+|["'],\s*)["']?([\w.@+-]+):([^\s"',]+)"#,
    ),
    Shape::new(
        &["mysql", "mariadb", "sshpass", "mongo", "7z", "htpasswd"],
        r#"\b(?:mysql|mariadb|mysqladmin|mysqldump|mariadb-dump|mysqlimport|sshpass|mongo|mongosh|mongodump|7z|7za|htpasswd -b \S+ \S+)\b[^\n|;&]{0,160}?[\s,]["']?-p\s?["']?([^\s"',;]+)"#,
    ),
    Shape::new(
        &["redis-"],
        r#"\b(?:redis-cli|redis-benchmark)\b[^\n|;&]{0,160}?[\s"']-a(?:\s?|["'],\s*)["']?([^\s"',;]+)"#,
    ),
    Shape::new(
        &["ldap"],
        r#"\bldap(?:search|modify|add|delete|passwd|whoami)\b[^\n|;&]{0,160}?\s-w\s?["']?([^\s"',;]+)"#,
    ),
    Shape::new(&["auth", "Auth", "AUTH"], r#"(?i)\bauth["']?\s+["']?([\w.@+-]+):([^\s"',;]+)"#),
    Shape::new(&["auth", "Auth", "AUTH"], r#"(?i)auth["']?\s*[:=]\s*["']([\w.@+-]+):([^\n"']+)["']"#),
    Shape::new(&["auth", "Auth", "AUTH"], r#"(?i)auth\s*[:=]\s*([\w.@+-]+):([^\s"'/][^\s"']*)"#),
    Shape::new(
        &["requirepass", "masterauth", "insecure-password", "auth_pass"],
        r#"\b(?:requirepass|masterauth|insecure-password|auth_pass)\s+["']?([^\s"'/;]+)"#,
    ),
    Shape::new(&["jdbc:oracle"], r#"\bjdbc:oracle:\w+:[^/\s"']+/([^@\s"']+)@"#),
    Shape::new(
        &["getConnection", "PDO", "mysql", "pg_"],
        r#"\b(?:getConnection|PDO|mysqli?(?:_p?connect)?|pg_p?connect)\(\s*(?:[^,()\n]*,\s*){2}["']([^"'\n]+)["']"#,
    ),
    Shape::new(&["cookieParser"], r#"\bcookieParser\(\s*["'`]([^"'`\n]+)["'`]"#),
    Shape::new(
        &[" -u", " -U", " --user"],
        r#"(?:^|\s)(?:-u|-U|--user(?:name)?)[= ]\S+\s+(?:-p|-P|--pass)[= ]["']?([^\s"',;]+)"#,
    ),
    Shape::new(&["AUTH\\"], r"\bAUTH\\ ([^\s\\]+)"),
    Shape::new(
        &["map ", "map\t"],
        r"(?is)\bmap\s+\$\w*(?:key|token|auth|secret|pass)\w*\s+\$\w+\s*\{(.*?)\}",
    ),
    Shape::new(
        &["set-var("],
        r"(?i)\bset-var\([^)\n]*(?:key|token|auth|secret|pass)[^)\n]*\)[ \t]+str\(([^)\n]*)\)",
    ),
    Shape::new(&["login="], r"\blogin=[^:\s]+:(\S+)"),
    Shape::new(
        &["--password-stdin"],
        r#"\becho\s+(?:-n\s+)?["']?([^"'\s|]+)["']?\s*\|[^\n|]*--password-stdin"#,
    ),
    Shape::new(&["snmp-server"], r"\bsnmp-server[ \t]+community[ \t]+(\S+)"),
    Shape::new(&["com2sec"], r"(?m)^[ \t]*com2sec6?[ \t]+\S+[ \t]+\S+[ \t]+(\S+)"),
    Shape::new(&["Bearer"], r#"\bBearer[ +]+["']?([^\s"',;)}<]+)"#),
    Shape::new(&["Basic", "basic"], r#"\b(?:Basic|basic)(?: |%20)["']?([A-Za-z0-9+/_-]{6,}={0,2})"#),
    Shape::new(
        &["dentified", "DENTIFIED"],
        r#"(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?["']([^"']+)["']"#,
    ),
    Shape::new(&[" >", "\t>"], r"\b(?:user|ACL SETUSER)[ \t]+\S+[^\n]*?[ \t]>([^\s]+)"),
    Shape::new(
        &["@"],
        r#"(?:^|[\s"'=(])[A-Za-z_][\w.+-]*:([^\s"'/@]+)@(?:\w*\(|[\w-]+\.[\w.-]+(?:[:/\s"']|$)|localhost|/)"#,
    ),
    Shape::new(&["secure_link_"], r"\bsecure_link_(?:md5|secret)[ \t]+([^;\n]+)"),
    Shape::new(&["AuthBasicFake", "authbasicfake"], r#"(?i)\bAuthBasicFake[ \t]+\S+[ \t]+["']?([^\s"']+)"#),
    Shape::new(
        &["hdr("],
        r"(?i)hdr\([^)\n]*(?:key|token|auth|secret|pass)[^)\n]*\)[^{}\n]*?(?:-m \w+|-i|eq)[ \t]+(?:-i[ \t]+)?([^\s{}]+)",
    ),
    Shape::new(&["curl"], r#"\bcurl\b[^\n|;&]{0,160}?\s-u["']?([\w.@+-]+):([^\s"',;]+)"#),
    Shape::new(
        &["-H", "--header"],
        r#"(?i)(?:-H|--header)(?:[ \t=]*|["'],\s*)["'][\w-]*\b(?:vault|token|key)\b[\w-]*:[ \t]*([^"'\n]+)["']"#,
    ),
    // A word of a sentence has no number in it.
    Shape::new(&["vault"], r"\bvault[ \t]+login[ \t]+(?:-[\w=-]+[ \t]+)*([\w.]*\d[\w.]*)"),
    Shape::new(
        &["compare_digest", "hash_equals", "timingSafeEqual", "secure_compare"],
        r#"\b(?:compare_digest|hash_equals|timingSafeEqual|secure_compare)\(\s*(?:[^,"'\n]+,\s*)?(?:Buffer\.from\()?[bru]*["']([^"'\n]+)["']"#,
    ),
    Shape::new(
        &["smbclient", "smbget", "rpcclient", "smbcacls"],
        r#"\b(?:smbclient|smbget|rpcclient|smbcacls)\b[^\n|;&]{0,160}?\s-U[ \t]*["']?[\w.\\/@+-]+%([^\s"']+)"#,
    ),
    Shape::new(
        &["htpasswd"],
        r#"\bhtpasswd[ \t]+(?:-[Bcdmps]+[ \t]+)*-(?:\w*n\w*b\w*|\w*b\w*n\w*|[a-mo-zA-Z]*b[a-mo-zA-Z]*[ \t]+\S+)[ \t]+\S+[ \t]+["']?([^\s"'|;&<>()]+)"#,
    ),
    Shape::new(&["snmp"], r"(?i)\bsnmp\w*[ \t]+-v[ \t]*(?:1|2c)[ \t]+-c[ \t]*(\S+)"),
];

/// Words behind `Bearer` and `Basic` that say what is meant and are none.
const SCHEME: [&str; 16] = [
    "auth",
    "authentication",
    "authorization",
    "credentials",
    "header",
    "headers",
    "is",
    "or",
    "and",
    "realm",
    "scheme",
    "token",
    "tokens",
    "format",
    "error",
    "prefix",
];

pub(super) fn find(text: &[u8], found: &mut Vec<Range<usize>>) {
    let whole = |shape: Captures| Some(shape.get(1).or(shape.get(0))?.range());
    let held = held(text);
    let is_held =
        |(number, shape): (usize, &'static Shape)| (held >> number & 1 == 1).then(|| shape.regex())?;
    for regex in SHAPES.iter().enumerate().filter_map(is_held) {
        found.extend(regex.captures_iter(text).filter_map(whole));
    }
    for regex in (SHAPES.len()..).zip(&LOGINS).filter_map(is_held) {
        found.extend(regex.captures_iter(text).filter_map(|login| password(&login)));
    }
    logins_of_addresses(text, found);
}

/// The secret of a login, unless it certainly is none: a group's number or name, a reference, a word of a sentence.
fn password(login: &Captures) -> Option<Range<usize>> {
    let groups: Vec<Match> = login.iter().skip(1).flatten().collect();
    let secret = groups.last()?;
    let (word, all) = (secret.as_bytes(), login.get(0)?.as_bytes());
    let same = groups.len() > 1 && groups.first().is_some_and(|user| user.as_bytes() == word);
    let scheme = SCHEME.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let basic = all.starts_with(b"Basic") || all.starts_with(b"basic");
    let plain = basic
        && !word
            .iter()
            .skip(1)
            .any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'=');
    let image = all.windows(8).any(|part| part == b"@sha256:");
    // A number that short is a port or a group.
    let number = word.iter().all(|byte| byte.is_ascii_digit() || b":.-/".contains(byte));
    let ids = number && (word.len() < 6 || word.contains(&b':'));
    let address = word.starts_with(b"//");
    let none = address || ids || same || scheme || plain || image || super::value::is_open(word);
    (!none).then(|| secret.range())
}

/// The password in `scheme://user:password@host`, and the token in `https://token@host`.
fn logins_of_addresses(text: &[u8], found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(text.get(from..).unwrap_or_default(), b"://") {
        let start = from + at + 3;
        let rest = text.get(start..).unwrap_or_default();
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`<>".contains(byte);
        let next = memchr::memmem::find(rest, b"://").unwrap_or(rest.len());
        let end = rest.iter().take(next).position(ends).unwrap_or(next);
        let secret =
            user_info(rest.get(..end).unwrap_or_default()).map(|at| start + at.start..start + at.end);
        let scheme = text.get(from..start - 3).unwrap_or_default();
        let web = scheme.ends_with(b"http") || scheme.ends_with(b"https");
        found.extend(secret.and_then(|range| of_login(text, range, web)));
        from = start + end.min(next);
    }
}

/// What stands before `@`. A password may hold what parts an address, where it cannot be a port.
fn user_info(run: &[u8]) -> Option<Range<usize>> {
    let slash = run.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let authority = run.get(..slash.unwrap_or(run.len())).unwrap_or_default();
    if let Some(at) = memchr::memrchr(b'@', authority) {
        return Some(0..at);
    }
    let colon = memchr::memchr(b':', authority)?;
    let port = authority.get(colon + 1..).unwrap_or_default();
    let is_port = port.iter().all(u8::is_ascii_digit) && !port.is_empty();
    let host = authority.starts_with(b"[") || authority.starts_with(b"$");
    if is_port || host || port.starts_with(b"$") {
        return None;
    }
    memchr::memrchr(b'@', run).map(|at| 0..at)
}

fn of_login(text: &[u8], range: Range<usize>, web: bool) -> Option<Range<usize>> {
    let login = text.get(range.clone()).unwrap_or_default();
    let (user, password) = match memchr::memchr(b':', login) {
        Some(colon) => (login.get(..colon)?, login.get(colon + 1..)?),
        None => (login, &b""[..]),
    };
    let secret = match password {
        b"" | b"x-oauth-basic" if user == b"git" || !(web || user.len() > 19) => return None,
        b"" | b"x-oauth-basic" => range.start..range.start + user.len(),
        _ => range.end - password.len()..range.end,
    };
    let value = text.get(secret.clone()).unwrap_or_default();
    (!super::value::is_open(value)).then_some(secret)
}
