//! What the words of the command line mean, and what to say of one that means nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use backlog_audit::config::FailOn;
use backlog_audit::kernel::version;
use backlog_audit::model::{ReadAs, key};
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{FORMATS, FORMS, Form, Output};

pub(super) fn read_as() -> impl TypedValueParser<Value = ReadAs> {
    const ALL: [ReadAs; 4] = [ReadAs::Root, ReadAs::Etc, ReadAs::Repo, ReadAs::File];
    PossibleValuesParser::new(ALL.map(ReadAs::word))
        .try_map(|word| ALL.into_iter().find(|read_as| read_as.word() == word).ok_or("unknown"))
}

pub(super) fn form(text: &str) -> Result<Form, String> {
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

pub(super) fn fail_on() -> impl TypedValueParser<Value = FailOn> {
    PossibleValuesParser::new(FailOn::ALL.map(FailOn::word))
        .try_map(|word| FailOn::ALL.into_iter().find(|it| it.word() == word).ok_or("unknown"))
}

pub(super) fn output(text: &str) -> Result<Output, String> {
    let (word, file) = match text.split_once('=') {
        Some((_, "")) => return Err("a file name belongs after the =, as in json=report.json".to_owned()),
        Some((word, file)) => (word, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let words = FORMATS.map(|(word, _)| word);
    match FORMATS.iter().find(|(known, _)| *known == word) {
        Some((_, format)) => Ok(Output { format: *format, file }),
        None => Err(unknown("format", word, &words)),
    }
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
        Ok(_) => Err("a day is the longest".to_owned()),
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
        .and_then(|time| if time < least { Err("100ms is the shortest".to_owned()) } else { Ok(time) })
}

pub(super) fn kernel(text: &str) -> Result<String, String> {
    match version::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write it as uname -r prints it, such as 4.18 or 5.15.0-91-generic".to_owned()),
    }
}

pub(super) fn sysctl(text: &str) -> Result<(String, i64), String> {
    let example = "write it as KEY=VALUE, such as net.core.somaxconn=128";
    let Some((key, value)) = text.split_once('=') else { return Err(example.to_owned()) };
    let name = key::dotted(key);
    if !key::ALL.contains(&name.as_str()) {
        return Err(unknown("sysctl", &name, &key::ALL));
    }
    match value.trim().parse() {
        Ok(number) => Ok((name, number)),
        Err(_) => Err(format!("`{}` is not a number; {example}", value.trim())),
    }
}

/// What to say of a word that is not one of those that are known: the nearest, and all.
pub(crate) fn unknown(thing: &str, word: &str, known: &[&str]) -> String {
    let meant = nearest(word, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let all = known.join(", ");
    match meant.is_empty() || known.len() <= 6 {
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
