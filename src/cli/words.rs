//! What the words of the command line mean, and what to say of one that means nothing.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use backlog_audit::config::FailOn;
use backlog_audit::kernel::version;
use backlog_audit::knowledge::Knowledge;
use backlog_audit::model::{ReadAs, key};
use backlog_audit::rules::Rules;
use backlog_audit::text::Sources;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::{Cli, Colour, FORMATS, FORMS, Form, Output};

/// Words that a shell completes. Whoever asks for the word knows whether there are others.
#[derive(Clone)]
pub(super) struct Completed<T> {
    words: fn() -> Vec<String>,
    parse: fn(&str) -> Result<T, String>,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Completed<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.words)().into_iter().map(PossibleValue::new)))
    }
}

fn as_written(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// One of the rules between commas.
fn rule_word(text: &str) -> Result<String, String> {
    let word = text.trim().to_ascii_lowercase();
    match () {
        () if word.is_empty() => Err("a rule is missing before or after a comma".to_owned()),
        () if word.contains(['*', '/', '.', '?']) => {
            Err("it takes rules, such as queue-tiny; for paths there is `exclude` in backlog-audit.toml"
                .to_owned())
        }
        () => Ok(word),
    }
}

fn rule_ids() -> Vec<String> {
    let rules = Rules::load(&Sources::new(), &[]);
    rules.map_or(Vec::new(), |rules| rules.iter().map(|rule| rule.id.clone()).collect())
}

/// What can be explained: rules and services.
pub(super) fn ids() -> Vec<String> {
    let sources = Sources::new();
    let knowledge = Knowledge::load(&sources).ok();
    let services = knowledge.iter().flat_map(Knowledge::signs).map(|signs| signs.name.clone());
    rule_ids().into_iter().chain(services).collect()
}

pub(super) fn rule() -> Completed<String> {
    Completed { words: rule_ids, parse: rule_word }
}

pub(super) fn id() -> Completed<String> {
    Completed { words: ids, parse: as_written }
}

pub(super) fn command() -> Completed<String> {
    Completed { words: || Cli::commands().to_vec(), parse: as_written }
}

pub(super) fn formats() -> Completed<Output> {
    Completed { words: || FORMATS.map(|(word, _)| word.to_owned()).to_vec(), parse: output }
}

pub(super) fn forms() -> Completed<Form> {
    Completed { words: || FORMS.map(|(word, _)| word.to_owned()).to_vec(), parse: form }
}

pub(super) fn read_as() -> impl TypedValueParser<Value = ReadAs> {
    const ALL: [ReadAs; 4] = [ReadAs::Root, ReadAs::Etc, ReadAs::Repo, ReadAs::File];
    PossibleValuesParser::new(ALL.map(ReadAs::word))
        .try_map(|word| ALL.into_iter().find(|read_as| read_as.word() == word).ok_or("unknown"))
}

fn form(text: &str) -> Result<Form, String> {
    let (word, folder) = match text.split_once('=') {
        Some(("markdown", folder)) if !folder.is_empty() => ("markdown", Some(PathBuf::from(folder))),
        Some(_) => return Err("a folder can only be given to markdown, as in markdown=docs/rules".to_owned()),
        None => (text, None),
    };
    match FORMS.iter().find(|(known, _)| *known == word) {
        Some((_, form)) => Ok(Form { form: *form, folder }),
        None => Err(unknown("format", word, &FORMS.map(|(word, _)| word))),
    }
}

pub(super) fn fail_on() -> Completed<FailOn> {
    let parse = |text: &str| {
        let word = text.to_ascii_lowercase();
        let found = FailOn::ALL.into_iter().find(|it| it.word() == word);
        found.ok_or_else(|| match word.as_str() {
            "none" | "off" | "no" | "nothing" => "write never".to_owned(),
            _ => "give the lowest severity that counts: error, warning, info or never".to_owned(),
        })
    };
    Completed { words: || FailOn::ALL.map(|it| it.word().to_owned()).to_vec(), parse }
}

const COLOURS: [(&str, Colour); 3] =
    [("auto", Colour::Auto), ("always", Colour::Always), ("never", Colour::Never)];

pub(super) fn colour() -> Completed<Colour> {
    let parse = |text: &str| {
        let found = COLOURS.iter().find(|(word, _)| *word == text);
        found.map(|(_, colour)| *colour).ok_or_else(|| "write auto, always or never".to_owned())
    };
    Completed { words: || COLOURS.map(|(word, _)| word.to_owned()).to_vec(), parse }
}

/// What other tools call our formats.
const SYNONYMS: [(&str, &str); 14] = [
    ("code-quality", "gitlab"),
    ("codeclimate", "gitlab"),
    ("codequality", "gitlab"),
    ("diff", "patch"),
    ("full", "human"),
    ("jsonl", "ndjson"),
    ("json-lines", "ndjson"),
    ("line", "concise"),
    ("md", "markdown"),
    ("pretty", "human"),
    ("stylish", "human"),
    ("text", "human"),
    ("tty", "human"),
    ("xml", "junit` or `checkstyle"),
];

pub(super) fn output(text: &str) -> Result<Output, String> {
    let (word, file) = match text.split_once('=') {
        Some((_, "")) => return Err("add a file name after the =, as in json=report.json".to_owned()),
        Some((word, file)) => (word, (file != "-").then(|| PathBuf::from(file))),
        None => (text, None),
    };
    let (lower, words) = (word.to_ascii_lowercase(), FORMATS.map(|(word, _)| word));
    if let Some((_, format)) = FORMATS.iter().find(|(known, _)| *known == lower) {
        return Ok(Output { format: *format, file });
    }
    if word.contains(',') {
        return Err("give --format once for each format: --format json=FILE --format sarif=FILE".to_owned());
    }
    match SYNONYMS.iter().find(|(synonym, _)| *synonym == lower) {
        Some((_, ours)) => Err(format!("there is no format `{word}`; here it is `{ours}`")),
        None => Err(unknown("format", word, &words)),
    }
}

pub(super) fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write it as a whole number, such as 10".to_owned())
}

/// A length of time: a number of seconds, or one with a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let example = "write it as a number with ms, s, m or h, such as 500ms, 10s or 1m";
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("ms") => 0.001,
        Some("" | "s") => 1.0,
        Some("m") => 60.0,
        Some("h") => 3600.0,
        _ => return Err(example.to_owned()),
    };
    let number: f64 = digits.parse().map_err(|_| example.to_owned())?;
    let most = Duration::from_secs(24 * 3600);
    match Duration::try_from_secs_f64(number * unit) {
        Ok(duration) if duration <= most => Ok(duration),
        Ok(_) => Err("the maximum is one day".to_owned()),
        Err(_) => Err(example.to_owned()),
    }
}

/// Where to serve: what is not written is 127.0.0.1 and 9798.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const PORT: u16 = 9798;
    let host = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let local = text.replacen("localhost", "127.0.0.1", 1);
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok(SocketAddr::new(HERE, port));
    }
    match (local.parse(), host.parse()) {
        (Ok(address), _) => Ok(address),
        (_, Ok(host)) => Ok(SocketAddr::new(host, PORT)),
        _ if text == "localhost" => Ok(SocketAddr::new(HERE, PORT)),
        _ => Err("write it as ADDRESS:PORT, such as 127.0.0.1:9798; a PATH stands before --serve".to_owned()),
    }
}

/// What a scraper may call this machine.
pub(super) fn host_name(text: &str) -> Result<String, String> {
    let is_part = |part: &str| {
        let within = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !part.is_empty() && !part.starts_with('-') && part.bytes().all(within)
    };
    match text.len() < 254 && text.strip_suffix('.').unwrap_or(text).split('.').all(is_part) {
        true => Ok(text.to_owned()),
        false => Err("write it as the name of a host, without a port, such as web1.example.org".to_owned()),
    }
}

/// A length of time that something is done once in.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let least = Duration::from_millis(100);
    duration(text)
        .and_then(|time| if time < least { Err("the minimum is 100ms".to_owned()) } else { Ok(time) })
}

pub(super) fn kernel(text: &str) -> Result<String, String> {
    let release = ["linux-", "Linux ", "v"].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(text);
    match version::parse(release) {
        Some(_) => Ok(release.to_owned()),
        None if release.bytes().all(|byte| byte.is_ascii_digit()) && !release.is_empty() => {
            Err(format!("one number is not enough; write two, such as {release}.1"))
        }
        None => Err("write it as uname -r prints it, such as 4.18 or 5.15.0-91-generic".to_owned()),
    }
}

pub(super) fn sysctl(text: &str) -> Result<(String, i64), String> {
    let example = "write it as KEY=VALUE, such as net.core.somaxconn=128";
    let Some((key, value)) = text.split_once('=') else { return Err(example.to_owned()) };
    let (name, value) = (key::dotted(key), value.trim());
    if !key::ALL.contains(&name.as_str()) {
        let whole = key::ALL.iter().find(|known| known.rsplit('.').next() == Some(name.as_str()));
        return Err(match whole {
            Some(whole) => format!("write the whole name, {whole}"),
            None => match nearest(&name, &key::ALL).filter(|near| strsim::osa_distance(&name, near) <= 3) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("`{name}` decides no queue\n  known: {}", key::ALL.join(", ")),
            },
        });
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        _ if is_number && digits.len() > 1 && digits.starts_with('0') => {
            Err(format!("sysctl(8) reads {value} as an octal number; write it without the 0 in front"))
        }
        Ok(number) => Ok((name, number)),
        Err(_) if is_number => Err(format!("{value} is more than any sysctl takes")),
        Err(_) if value.is_empty() => Err(format!("the number is missing; {example}")),
        Err(_) => Err(format!("`{value}` is not a number; {example}")),
    }
}

/// What to say of a word that is not one of those that are known: the nearest, and all.
pub(crate) fn unknown(thing: &str, word: &str, known: &[&str]) -> String {
    let meant = nearest(word, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let all = known.join(", ");
    match known.len() <= 12 && (meant.is_empty() || known.len() <= 6) {
        true => format!("there is no {thing} `{word}`{meant}\n  known: {all}"),
        false => format!("there is no {thing} `{word}`{meant}"),
    }
}

/// The known word that was most likely meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let likeness = |known: &&'a str| strsim::jaro_winkler(word, known);
    let near = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&near) > 0.8).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_of_an_address_is_this_machine() {
        for (text, meant) in [
            ("9798", "127.0.0.1:9798"),
            (":9100", "127.0.0.1:9100"),
            ("localhost", "127.0.0.1:9798"),
            ("localhost:1", "127.0.0.1:1"),
            ("127.0.0.1", "127.0.0.1:9798"),
            ("0.0.0.0", "0.0.0.0:9798"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("[::1]", "[::1]:9798"),
            ("::1", "[::1]:9798"),
            ("[::]:9100", "[::]:9100"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), meant, "{text}");
        }
        for text in ["", "/", "/srv/root", "web1:9798", "127.0.0.1:", "70000", "127.0.0.1:70000"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_of_a_host_has_no_port_and_no_blank() {
        assert!(
            ["web1", "a.example.org", "a.example.org.", "x_y", "9"]
                .into_iter()
                .all(|it| host_name(it).is_ok())
        );
        let wrong = ["", ".", "a..b", "-a", "a:1", "a b", "*.a", "a/", "é", "[::1]"];
        assert!(wrong.into_iter().all(|it| host_name(it).is_err()));
    }
}
