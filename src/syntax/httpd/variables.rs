//! What `${NAME}` stands for: what Define says, and the environment, such as envvars beside the main file exports it. Each value
//! remembers where it stands.

use std::path::{Path, PathBuf};

use memchr::memchr;

use crate::text::{HashMap, HashSet, SourceId, Sources, Span, Text, Tree, larger};

/// No value that matters is longer: where variables double each other, what would be longer stays as it is written.
const MAX_VALUE: usize = 1 << 13;

#[derive(Debug, Default)]
pub struct Variables {
    /// Apache compares these names without regard to case (an apr_table).
    values: HashMap<String, Text>,
    /// The names that IfDefine knows; here case counts.
    names: HashSet<String>,
    environment: HashMap<String, Text>,
}

impl Variables {
    /// A variable of the environment that Apache is started in.
    pub fn export(&mut self, name: &str, value: Text) {
        self.environment.insert(name.to_owned(), value);
    }

    /// What envvars beside a main file in `folder` exports: a shell script that apachectl reads.
    pub fn envvars(&mut self, sources: &Sources, tree: &Tree, folder: &Path) {
        for path in envvars(folder) {
            if let Ok(source) = tree.read(sources, &path) {
                self.shell(sources, source);
            }
        }
        let arguments =
            self.environment.get("APACHE_ARGUMENTS").map(|it| it.show().into_owned()).unwrap_or_default();
        self.options(arguments.split_ascii_whitespace());
    }

    /// `-D NAME` and `-DNAME`.
    pub fn options<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let mut words = words;
        while let Some(word) = words.next() {
            match word.strip_prefix("-D") {
                Some("") => self.names.extend(words.next().map(str::to_owned)),
                Some(name) => {
                    self.names.insert(name.to_owned());
                }
                None => {}
            }
        }
    }

    /// The exported variables of a shell script that only assigns; of two branches the last one counts, as Debian's does for an
    /// instance without a suffix.
    fn shell(&mut self, sources: &Sources, source: SourceId) {
        let bytes = sources.bytes(source);
        let mut known: HashMap<String, Text> = HashMap::default();
        let mut exported: HashSet<String> = HashSet::default();
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line);
            if let Some(assignment) = Assignment::read(&text) {
                let written = assignment.value.and_then(|(offset, value)| {
                    let at = start + offset;
                    let is_there = bytes.get(at..at + value.len()) == Some(value.as_bytes());
                    let text = match is_there {
                        true => Text::written(value, Span::new(source, at..at + value.len())),
                        false => Text::meant(value, Span::new(source, start..start + line.len())),
                    };
                    filled(&text, &known, &mut |size| tell(sources, Span::new(source, at..at), size))
                });
                if let Some(value) = written {
                    known.insert(assignment.name.to_owned(), value);
                } else if assignment.value.is_some() {
                    known.remove(assignment.name);
                }
                if assignment.exported {
                    exported.insert(assignment.name.to_owned());
                }
            }
            start += line.len();
        }
        known.retain(|name, _| exported.contains(name));
        self.environment.extend(known);
    }

    pub fn define(&mut self, name: &str, value: Option<Text>) {
        self.names.insert(name.to_owned());
        if let Some(value) = value {
            self.values.insert(name.to_ascii_lowercase(), value);
        }
    }

    pub(super) fn undefine(&mut self, name: &str) {
        self.names.remove(name);
        self.values.remove(&name.to_ascii_lowercase());
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn get(&self, name: &str) -> Option<&Text> {
        self.values.get(&name.to_ascii_lowercase()).or_else(|| self.environment.get(name))
    }

    /// A text with its variables filled in; one that nothing sets stays as it is written (ap_resolve_env).
    pub(super) fn fill(&self, sources: &Sources, text: &Text) -> Text {
        if memchr(b'$', text.bytes()).is_none() {
            return text.clone();
        }
        let mut full = Text::nothing(text.whole());
        let mut at = 0;
        while let Some((start, end)) = variable(text.bytes(), at) {
            if full.len() > MAX_VALUE {
                if let Some(at) = text.exact() {
                    tell(sources, at, full.len());
                }
                return text.clone();
            }
            full.push_part(text, at..start);
            let name = text.slice(start + 2..end - 1);
            match self.get(&name) {
                Some(value) => full.push_all(value),
                None => full.push_part(text, start..end),
            }
            at = end;
        }
        full.push_part(text, at..text.len());
        full
    }
}

fn tell(sources: &Sources, at: Span, size: usize) {
    sources.cut_off(at, larger("values of variables", MAX_VALUE, size));
}

/// The next `${NAME}` from an offset on.
pub fn variable(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let start = at + memchr(b'$', bytes.get(at..)?)?;
        at = start + 1;
        if bytes.get(at) == Some(&b'{') {
            // Without a closing brace there is no other variable either.
            let length = memchr(b'}', bytes.get(at..)?)?;
            return Some((start, at + length + 1));
        }
    }
}

/// Debian's, beside the main file; that of the source and the image, in bin.
fn envvars(folder: &Path) -> [PathBuf; 2] {
    [folder.join("envvars"), folder.parent().unwrap_or(folder).join("bin/envvars")]
}

/// One line of a shell script.
struct Assignment<'l> {
    name: &'l str,
    /// The offset in the line and the text, without quotes.
    value: Option<(usize, &'l str)>,
    exported: bool,
}

impl<'l> Assignment<'l> {
    fn read(line: &'l str) -> Option<Self> {
        let text = line.trim();
        let (text, exported) = match text.strip_prefix("export ") {
            Some(rest) => (rest.trim_start(), true),
            None => (text, false),
        };
        // `: ${NAME:=value}`, as in the images of PHP.
        let preset = text.strip_prefix(": ").map(|rest| rest.trim().trim_matches('"'));
        let preset = preset.and_then(|rest| rest.strip_prefix("${")?.strip_suffix('}')?.split_once(":="));
        let (name, value) = match preset {
            Some((name, value)) => (name, Some(value)),
            None => match text.split_once('=') {
                Some((name, value)) => (name, Some(unquoted(value))),
                None => (text.trim(), None),
            },
        };
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let offset = |value: &str| (value.as_ptr() as usize).checked_sub(line.as_ptr() as usize);
        let value = value.and_then(|value| Some((offset(value)?, value)));
        (is_name && (value.is_some() || exported)).then_some(Self { name, value, exported })
    }
}

/// A word of the shell without its quotes, or up to a blank.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or(inner);
        }
    }
    value.split([' ', '\t', ';']).next().unwrap_or(value)
}

/// The shell's `$NAME` and `${NAME}`; nothing where it does more than that.
fn filled(text: &Text, known: &HashMap<String, Text>, too_long: &mut dyn FnMut(usize)) -> Option<Text> {
    let bytes = text.bytes();
    let mut full = Text::nothing(text.whole());
    let mut at = 0;
    while let Some(length) = memchr(b'$', bytes.get(at..)?) {
        let start = at + length;
        full.push_part(text, at..start);
        let braced = bytes.get(start + 1) == Some(&b'{');
        let first = start + 1 + usize::from(braced);
        let name =
            bytes.get(first..)?.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
        let end = first + name.count();
        if end == first || braced && bytes.get(end) != Some(&b'}') {
            return None;
        }
        if full.len() > MAX_VALUE {
            too_long(full.len());
            return None;
        }
        full.push_all(known.get(&*text.slice(first..end))?);
        at = end + usize::from(braced);
    }
    full.push_part(text, at..bytes.len());
    (memchr(b'`', full.bytes()).is_none()).then_some(full)
}
