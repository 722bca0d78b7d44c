//! Comments in audited files that say what to ignore: `backlog-audit: ignore RULE, RULE until DATE -- reason`, in the comment
//! style of each format. A comment on a line of its own is about the next line, any other about its own.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::Path;

use super::{Ignoring, Reach};
use crate::model::{Came, Date, Ignore, IgnoredRule, Value};
use crate::text::{Origin, Source, SourceId, Sources, Span, larger};

const MARK: &[u8] = b"backlog-audit";

/// Words that people write for `ignore`, which is the one that counts.
const NEARLY: [&str; 10] = [
    "ignore",
    "disable",
    "ignore-next-line",
    "disable-next-line",
    "ignore-line",
    "disable-line",
    "ignore-file",
    "noqa",
    "nolint",
    "skip",
];

/// What is meant as an ignore and is none.
const WRITE: &str =
    "write `backlog-audit: ignore RULE -- reason`, in a comment of that line or on a line by itself above it";

/// How far into its line a comment starts at most, and how long it is at most, in bytes. Else a file made of marks would take long.
const MAX_COMMENT: usize = 2048;

/// How a comment is told from the text around it.
#[derive(Debug, Clone, Copy)]
struct Style {
    open: &'static [u8],
    /// Empty: it ends with its line.
    close: &'static [u8],
    /// Only where nothing stands before it on its line: elsewhere the mark belongs to the text.
    whole_line: bool,
    /// Text in quotes may hold the mark.
    quotes: bool,
}

const fn style(open: &'static str, close: &'static str, whole_line: bool, quotes: bool) -> Style {
    Style { open: open.as_bytes(), close: close.as_bytes(), whole_line, quotes }
}

const MARKUP: &[Style] = &[style("<!--", "-->", false, false)];
const CODE: &[Style] = &[style("//", "", false, true), style("/*", "*/", false, true)];
/// sysctl.d(5), systemd.syntax(7), java.util.Properties: behind a value, a mark is part of the value.
const WHOLE_LINE: &[Style] =
    &[style("#", "", true, false), style(";", "", true, false), style("!", "", true, false)];
/// nginx, YAML, TOML, shells; and files of sections that also know the semicolon.
const HASH: &[Style] = &[style("#", "", false, true), style(";", "", true, false)];

/// The comment styles of a file, by its name. JSON has none.
fn styles(path: &Path) -> &'static [Style] {
    let is_sysctl = |name: &OsStr| name.to_string_lossy().contains("sysctl");
    if path.iter().any(is_sysctl) {
        return WHOLE_LINE;
    }
    match path.extension().and_then(OsStr::to_str).unwrap_or_default() {
        "xml" | "html" | "xhtml" | "dtd" | "ent" => MARKUP,
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "jsonc" | "json5" => CODE,
        "properties" | "service" | "socket" => WHOLE_LINE,
        "json" => &[],
        _ => HASH,
    }
}

/// The ignores in the comments of all audited files, in the order of files and lines. Comments that are not read because their
/// lines are too long are told of.
pub fn comments(sources: &Sources) -> Vec<Ignoring> {
    let files = sources.all().filter(|(_, source)| matches!(source.origin, Origin::File { .. }));
    let mut all: Vec<Ignoring> = files.flat_map(|(id, source)| of_file(sources, id, source)).collect();
    all.sort_by(|a, b| sources.order(a.ignore.at, b.ignore.at));
    all
}

fn of_file(sources: &Sources, id: SourceId, source: &Source) -> Vec<Ignoring> {
    let mut marks: Vec<usize> = memchr::memmem::find_iter(source.bytes(), MARK).collect();
    // With an underscore it is the name of no program.
    let nearly = memchr::memmem::find_iter(source.bytes(), b"backlog_audit");
    marks.extend(nearly);
    marks.sort_unstable();
    let styles = source.path().filter(|_| !marks.is_empty()).map_or(&[][..], styles);
    if styles.is_empty() {
        return Vec::new();
    }
    let is_ours =
        |mark: &usize| source.bytes().get(*mark..).is_some_and(|rest| rest.starts_with(b"backlog-audit:"));
    tell_long(sources, id, styles, &marks.iter().copied().filter(is_ours).collect::<Vec<_>>());
    ignores(id, source, styles, &marks)
}

/// Tells of the first comment that is too long.
fn tell_long(sources: &Sources, id: SourceId, styles: &[Style], marks: &[usize]) {
    let bytes = sources.bytes(id);
    if let Some(mark) = marks.iter().copied().find(|mark| is_long(bytes, styles, *mark)) {
        let (before, after) = bytes.split_at(mark);
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = before.len() - start + memchr::memchr(b'\n', after).unwrap_or(after.len());
        let at = Span::new(id, mark..mark + MARK.len());
        sources.cut_off(at, larger("comments for backlog-audit on lines", MAX_COMMENT, line));
    }
}

/// Whether a mark is in a comment that starts too far in its line or is too long. Quotes are not looked for.
fn is_long(bytes: &[u8], styles: &[Style], mark: usize) -> bool {
    let before = bytes.get(mark.saturating_sub(MAX_COMMENT + 1)..mark).unwrap_or_default();
    let before = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let after = bytes.get(mark..bytes.len().min(mark + MAX_COMMENT)).unwrap_or_default();
    let opens = |style: &&Style| {
        let before = before.trim_ascii_end().strip_suffix(style.open);
        before.is_some_and(|before| Style { quotes: false, ..**style }.may_open(before, &[]))
    };
    let Some(style) = styles.iter().find(opens) else { return false };
    let end: &[u8] = if style.close.is_empty() { b"\n" } else { style.close };
    let is_open = after.len() == MAX_COMMENT && memchr::memmem::find(after, end).is_none();
    before.len() > MAX_COMMENT || is_open
}

/// A comment that starts with our mark.
struct Comment {
    /// From the mark to the end.
    text: Range<usize>,
    first_line: usize,
    last_line: usize,
    /// Nothing else stands on its lines.
    alone: bool,
}

fn ignores(id: SourceId, source: &Source, styles: &[Style], marks: &[usize]) -> Vec<Ignoring> {
    let mut comments: Vec<Comment> = Vec::new();
    for &mark in marks {
        // A mark in a comment is a part of it.
        if comments.last().is_none_or(|last| last.text.end <= mark) {
            comments.extend(comment(source, styles, mark));
        }
    }
    let mut ignoring = Vec::new();
    // From below, because comments that follow one another are about the same line.
    let mut below: Option<(usize, usize)> = None;
    for comment in comments.into_iter().rev() {
        let next = comment.last_line + 1;
        let line = match below {
            _ if !comment.alone => comment.first_line,
            Some((first, line)) if first == next => line,
            _ => next,
        };
        below = comment.alone.then_some((comment.first_line, line));
        let ignore = parse(id, source.bytes(), comment.text);
        ignoring.extend(ignore.map(|ignore| Ignoring { ignore, reach: Reach::Line(id, line) }));
    }
    ignoring
}

/// The comment that the mark at this offset starts, if it does.
fn comment(source: &Source, styles: &[Style], mark: usize) -> Option<Comment> {
    let bytes = source.bytes();
    let line_of = |offset: usize| source.line_of(u32::try_from(offset).unwrap_or(u32::MAX));
    let first_line = line_of(mark);
    let line_start = source.start_of(first_line);
    let before = bytes.get(line_start..mark).filter(|before| before.len() <= MAX_COMMENT)?.trim_ascii_end();
    let line = bytes.get(line_start..bytes.len().min(mark + MAX_COMMENT))?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let (style, before) = styles.iter().find_map(|style| {
        let before = before.strip_suffix(style.open)?;
        style.may_open(before, line).then_some((style, before))
    })?;
    let rest = bytes.get(mark..bytes.len().min(mark + MAX_COMMENT))?;
    let end = match style.close {
        b"" => mark + memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
        close => mark + memchr::memmem::find(rest, close)?,
    };
    let last_line = line_of(end);
    let after = bytes.get(end + style.close.len()..source.start_of(last_line + 1))?;
    let alone = before.trim_ascii().is_empty() && after.trim_ascii().is_empty();
    Some(Comment { text: mark..end, first_line, last_line, alone })
}

impl Style {
    /// Whether a comment can start behind `before`, the first part of `line`.
    fn may_open(self, before: &[u8], line: &[u8]) -> bool {
        let apart = before.last().is_none_or(|byte| byte.is_ascii_whitespace() || b";{}".contains(byte));
        match () {
            () if self.whole_line => before.trim_ascii().is_empty(),
            () if self.open == b"#" && !apart => false,
            () => !self.quotes || !is_quoted(line, before.len()),
        }
    }
}

/// Whether an offset of a line lies in quotes. A quote that is not closed on the line is an apostrophe; so are all further ones
/// of its kind.
fn is_quoted(line: &[u8], offset: usize) -> bool {
    let mut at = 0;
    let mut apostrophes: Vec<u8> = Vec::new();
    while at < offset {
        let is_quote = |byte: &&u8| b"\"'`".contains(byte) && !apostrophes.contains(byte);
        let Some(quote) = line.get(at).filter(is_quote) else {
            at += 1;
            continue;
        };
        let mut escaped = false;
        let rest = line.get(at + 1..).unwrap_or_default();
        let close = rest.iter().position(|byte| {
            let closes = byte == quote && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        });
        match close.map(|length| at + 1 + length) {
            Some(close) if close > offset => return true,
            Some(close) => at = close + 1,
            None => {
                apostrophes.push(*quote);
                at += 1;
            }
        }
    }
    false
}

/// What a comment says: nothing to us, unless its first word is `ignore`, or one that people take for it.
fn parse(source: SourceId, bytes: &[u8], text: Range<usize>) -> Option<Ignore> {
    let said = bytes.get(text.clone())?;
    let at = Span::new(source, text.start..text.start + said.trim_ascii_end().len());
    let behind = said
        .get(MARK.len()..)
        .filter(|rest| rest.first().is_none_or(|byte| byte.is_ascii_whitespace() || b":=".contains(byte)))?;
    let start =
        text.start + MARK.len() + usize::from(behind.first().is_some_and(|byte| b":=".contains(byte)));
    let head = words(bytes, start..text.end).next()?;
    let ignore =
        |at| Ignore { at, reason: None, until: None, has_expired: false, rules: Vec::new(), mistaken: None };
    if !(said.starts_with(MARK) && behind.starts_with(b":") && bytes.get(head.clone()) == Some(b"ignore")) {
        let mistaken = is_nearly(bytes.get(head.start..text.end)?)
            .then(|| ("this comment ignores nothing".to_owned(), WRITE));
        return mistaken.map(|it| Ignore { mistaken: Some(it), ..ignore(at) });
    }
    let (named, reason) = split(bytes.get(head.end..text.end)?);
    let mut ignore = Ignore { reason, ..ignore(at) };
    let mut words = words(bytes, head.end..head.end + named).peekable();
    while let Some(word) = words.next() {
        let text = |word: &Range<usize>| String::from_utf8_lossy(bytes.get(word.clone()).unwrap_or_default());
        let day = words.peek().map(|next| text(next).into_owned()).filter(|_| text(&word) == "until");
        match day.as_deref().map(|day| (day, Date::parse(day))) {
            Some((_, Some(date))) => {
                let word = words.next().unwrap_or(word);
                ignore.until = Some(Value::written(date, Span::new(source, word)));
            }
            // One that never ends is not what was meant: it hides nothing.
            Some((day, None)) if day.starts_with(|c: char| c.is_ascii_digit()) => {
                let help = "write the last day as year-month-day, such as until 2030-12-31";
                let at = words.next().map_or(at, |word| Span::new(source, word));
                let mistaken = Some((format!("{day} is not a day, so the ignore hides nothing"), help));
                return Some(Ignore { at, rules: Vec::new(), mistaken, ..ignore });
            }
            // A reason behind a single dash is none; no rule is called so.
            _ if text(&word) == "-" => break,
            _ => {
                let id = Some(text(&word).into_owned());
                ignore.rules.push(IgnoredRule { id, at: Span::new(source, word), came: Came::Unused });
            }
        }
    }
    Some(ignore)
}

/// Whether a text behind our name begins as an ignore of another program would, and not as a sentence.
fn is_nearly(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let mut words = text.split([' ', '\t', '\r', ',', '=', ':', '(', '[']).filter(|word| !word.is_empty());
    let is_rule = |word: &str| word.contains('-') && word.len() > 3;
    words.next().is_some_and(|word| NEARLY.contains(&word)) && words.next().is_none_or(is_rule)
}

/// Words between blanks and commas.
fn words(bytes: &[u8], range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let parts = bytes.get(range.clone()).unwrap_or_default();
    let mut start = range.start;
    parts.split(|byte| byte.is_ascii_whitespace() || *byte == b',').filter_map(move |word| {
        let at = start..start + word.len();
        start = at.end + 1;
        (!word.is_empty()).then_some(at)
    })
}

/// How long the part before the reason is, and the reason. It stands behind two dashes; a comment of XML must not hold them, so a
/// colon does as well.
fn split(text: &[u8]) -> (usize, Option<String>) {
    let marks: [&[u8]; 4] = [b"--", b":", "—".as_bytes(), "–".as_bytes()];
    let found = marks.iter().filter_map(|mark| Some((memchr::memmem::find(text, mark)?, mark.len())));
    let Some((at, length)) = found.min() else { return (text.len(), None) };
    let reason = String::from_utf8_lossy(text.get(at + length..).unwrap_or_default());
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    (at, Some(reason).filter(|reason| !reason.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line: rule, rule (until) reason` for each ignore of a file.
    fn read(path: &str, text: &str) -> Vec<String> {
        let sources = Sources::new();
        sources.add(Origin::File { root: None, path: path.into() }, text.as_bytes().to_vec());
        let shown = |ignoring: Ignoring| {
            let Reach::Line(_, line) = ignoring.reach else { panic!() };
            let ignore = ignoring.ignore;
            let rules: Vec<String> =
                ignore.rules.iter().map(|rule| sources.text(rule.at).into_owned()).collect();
            assert!(ignore.rules.iter().zip(&rules).all(|(rule, text)| rule.id.as_ref() == Some(text)));
            let until = ignore.until.map_or(String::new(), |until| format!(" until {}", until.get));
            format!("{line}: {}{until} ({})", rules.join(" "), ignore.reason.as_deref().unwrap_or("none"))
        };
        comments(&sources).into_iter().map(shown).collect()
    }

    #[test]
    fn a_comment_is_about_its_line_or_the_next() {
        let text = "a; # backlog-audit: ignore x -- why not\n\n  #backlog-audit: ignore x,y, z\n# backlog-audit:ignore w: it is so\nb;\n";
        assert_eq!(read("nginx.conf", text), ["1: x (why not)", "5: x y z (none)", "5: w (it is so)"]);
        assert_eq!(read("a.conf", "# backlog-audit: ignore x -- a\r\nb\r\n"), ["2: x (a)"]);
        assert_eq!(
            read("a.conf", "# backlog-audit: ignore x -- a\n\nb\n"),
            ["2: x (a)"],
            "not beyond a blank line"
        );
    }

    #[test]
    fn each_format_has_its_style() {
        for (path, text, line) in [
            ("server.xml", "<a>\n<!-- backlog-audit: ignore x: y -->\n<b/>\n", 3),
            ("server.xml", "<!-- backlog-audit: ignore x:\n y\n-->\n<b/>\n", 4),
            ("server.xml", "<b/> <!-- backlog-audit: ignore x: y -->\n", 1),
            ("a.js", "// backlog-audit: ignore x -- y\nlisten(1)\n", 2),
            ("a.mts", "listen(1) // backlog-audit: ignore x -- y\n", 1),
            ("a.ts", "/* backlog-audit: ignore x -- y */\nlisten(1)\n", 2),
            ("a.ts", "/* backlog-audit: ignore x -- y */ listen(1)\n", 1),
            ("a.js", "say('it\\'s') // backlog-audit: ignore x -- y\n", 1),
            ("a.yaml", "backlog: 1 # backlog-audit: ignore x -- y\n", 1),
            ("a.toml", "it's = 1 # backlog-audit: ignore x -- y\n", 1),
            ("haproxy.cfg", "  ; backlog-audit: ignore x -- y\nbind :80\n", 2),
            ("etc/sysctl.d/a.conf", "; backlog-audit: ignore x -- y\na = 1\n", 2),
            ("etc/sysctl.conf", " # backlog-audit: ignore x -- y\na = 1\n", 2),
            ("catalina.properties", "! backlog-audit: ignore x -- y\na=1\n", 2),
        ] {
            assert_eq!(read(path, text), [format!("{line}: x (y)")], "{path}: {text}");
        }
    }

    #[test]
    fn other_text_is_no_comment() {
        for (path, text) in [
            ("a.json", "{ \"//\": 1 } // backlog-audit: ignore x -- y\n"),
            ("a.js", "say(\"// backlog-audit: ignore x -- y\")\n"),
            ("a.js", "# backlog-audit: ignore x -- y\n"),
            ("a.conf", "a#backlog-audit: ignore x -- y\n"),
            ("a.conf", "a '# backlog-audit: ignore x -- y';\n"),
            ("a.conf", "a; ; backlog-audit: ignore x -- y\n"),
            ("a.conf", "// backlog-audit: ignore x -- y\n"),
            ("a.conf", "# see backlog-audit: ignore x -- y\n"),
            ("a.conf", "# backlog-audit: ignored x -- y\n"),
            ("a.conf", "# backlog-audit: we know\n"),
            ("sysctl.d/a.conf", "a = 1 # backlog-audit: ignore x -- y\n"),
            ("a.xml", "<!-- backlog-audit: ignore x\n"),
            ("a.xml", "# backlog-audit: ignore x\n"),
        ] {
            assert_eq!(read(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    /// What is told of comments that are not read.
    fn told(path: &str, text: &str) -> Vec<String> {
        let sources = Sources::new();
        sources.add(Origin::File { root: None, path: path.into() }, text.as_bytes().to_vec());
        comments(&sources);
        sources.cuts().into_iter().map(|cut| cut.what).collect()
    }

    #[test]
    fn a_comment_on_too_long_a_line_is_told_with_that_line() {
        let (mark, far) = ("backlog-audit: ignore x -- y", "a;".repeat(2_000));
        let size = |path: &str, text: &str| {
            let told = told(path, text).concat();
            told.rsplit_once("this one has ").map(|(_, size)| size.to_owned())
        };
        let longer = "b".repeat(90_000);
        assert_eq!(size("a.conf", &format!("{far} # {mark}\n{longer}\n")), Some("4 KiB".into()));
        assert_eq!(size("a.conf", &format!("# {mark}{far}")), Some("4 KiB".into()));
        for (path, text) in [
            ("a.conf", format!("a # {mark}\n{far}")),
            ("a.conf", format!("{far}'{mark}'")),
            ("a.json", format!("{far} // {mark}")),
            ("a.js", format!("{far} say(\"{mark}\")")),
            ("a.js", format!("/* {mark} */{far}")),
            ("sysctl.conf", format!("{far} # {mark}")),
        ] {
            assert_eq!(told(path, &text), [""; 0], "{path}");
        }
    }

    #[test]
    fn a_file_made_of_marks_takes_no_longer_than_its_size() {
        for part in
            ["# backlog-audit: ignore x ", "/* backlog-audit: ignore x ", "'# backlog-audit: ignore x'; "]
        {
            let text = part.repeat((4 << 20) / part.len());
            assert!(read("a.conf", &text).len() <= 1 && read("a.js", &text).is_empty(), "{part}");
        }
        let lines = "# backlog-audit: ignore x\n".repeat(100_000);
        assert_eq!(read("a.conf", &lines).len(), 100_000);
    }

    #[test]
    fn what_is_nearly_an_ignore_is_told() {
        for nearly in [
            "backlog-audit: disable queue-tiny -- x",
            "backlog-audit ignore queue-tiny -- x",
            "backlog_audit: ignore queue-tiny",
            "backlog-audit: ignore-next-line queue-tiny",
            "backlog-audit: ignore=queue-tiny",
            "backlog-audit: Ignore queue-tiny",
            "backlog-audit: noqa",
            "backlog-audit: ignore: queue-tiny",
        ] {
            assert_eq!(read("a.conf", &format!("a; # {nearly}\n")), ["1:  (none)"], "{nearly}");
        }
        for other in [
            "backlog-audit.toml holds the rest",
            "backlog-audit ignores this file",
            "backlog-audit: ignored for now",
            "backlog-audit: skip this one, it is old",
            "backlog-audit",
        ] {
            assert_eq!(read("a.conf", &format!("a; # {other}\n")), [""; 0], "{other}");
        }
    }

    #[test]
    fn it_may_hold_until_a_day() {
        let text = |rest: &str| read("a", &format!("a # backlog-audit: ignore {rest}\n"));
        assert_eq!(text("x until 2026-01-31 -- y"), ["1: x until 2026-01-31 (y)"]);
        assert_eq!(text("x until 2026-02-31 -- y"), ["1:  (y)"], "no day: it does not hold for ever");
        assert_eq!(text("until 2026-01-31"), ["1:  until 2026-01-31 (none)"]);
        assert_eq!(text("x - y"), ["1: x (none)"], "a reason stands behind two dashes");
        assert_eq!(text("x — y"), ["1: x (y)"]);
        assert_eq!(text("x --"), ["1: x (none)"]);
        assert_eq!(text(""), ["1:  (none)"]);
    }
}
