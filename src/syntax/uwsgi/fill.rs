//! What uWSGI puts into the text of options: `%n` and its like, `$(NAME)` and `%(option)`.

use std::path::Path;

use crate::text::{larger, over};

/// More than anybody nests.
const MAX_ROUNDS: usize = 200;
const MAX_LENGTH: usize = 1 << 16;

/// What cannot be told, as written.
pub(super) type Filled = Result<String, String>;

/// What is left open between brackets, and the bound that keeps it from being filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) text: String,
    pub(super) cut: Option<String>,
}

/// The file that is read, for `%n` and its like (core/uwsgi.c: config_magic_table_fill).
#[derive(Debug, Clone, Default)]
pub struct Magic {
    pub(super) name: String,
    /// Its folder from the top of the machine, where that is known.
    pub(super) folder: Option<String>,
    pub(super) section: String,
}

impl Magic {
    pub fn new(path: &Path, is_machine: bool, section: &str) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().map(|folder| format!("/{}", folder.display())).filter(|_| is_machine);
        Self { name, folder, section: section.to_owned() }
    }

    /// What a letter stands for.
    fn get(&self, letter: char) -> Option<String> {
        let folder = || self.folder.clone();
        let (stem, extension) = self.name.rsplit_once('.').unwrap_or((&self.name, ""));
        Some(match letter {
            's' => self.name.clone(),
            'n' => stem.to_owned(),
            'e' => extension.to_owned(),
            'x' => self.section.clone(),
            'd' => format!("{}/", folder()?.trim_end_matches('/')),
            'p' => format!("{}/{}", folder()?.trim_end_matches('/'), self.name),
            'c' => folder()?.rsplit('/').next().unwrap_or_default().to_owned(),
            '0'..='9' => {
                let level = letter.to_digit(10).and_then(|digit| usize::try_from(digit).ok())?;
                let folder = folder()?;
                folder.split('/').filter(|part| !part.is_empty()).nth(level).unwrap_or_default().to_owned()
            }
            _ => return None,
        })
    }
}

/// A file's text with its `%` letters filled in. Capitals are those of the file that was read first.
pub(super) fn letters(text: &str, magic: &Magic, first: Option<&Magic>) -> Filled {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let mut filled = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            filled.push(character);
            continue;
        }
        let unknown = |letter: char| Err(format!("%{letter}"));
        match characters.next() {
            None | Some('%') => filled.push('%'),
            Some('(') => filled.push_str("%("),
            Some(letter) if "snexdpc0123456789".contains(letter) => match magic.get(letter) {
                Some(text) => filled.push_str(&text),
                None => return unknown(letter),
            },
            Some(letter) if "SNEXDPC".contains(letter) => {
                let known = first.map(|first| first.get(letter.to_ascii_lowercase()));
                match known.unwrap_or_else(|| Some(String::new())) {
                    Some(text) => filled.push_str(&text),
                    None => return unknown(letter),
                }
            }
            Some(letter) if "ovhtTVkuUgGijbOIJ".contains(letter) => return unknown(letter),
            // The rest of the table is empty.
            Some(_) => {}
        }
    }
    Ok(filled)
}

/// What stands between `X(` and its bracket, replaced by what `get` makes of it; what it does not know stays
/// (core/utils.c: uwsgi_apply_config_pass).
pub(super) fn brackets(
    text: &str,
    symbol: char,
    get: &dyn Fn(&str) -> Result<Option<String>, String>,
) -> Result<String, Open> {
    let mut text = text.to_owned();
    let (mut from, mut rounds) = (0, 0);
    let open = format!("{symbol}(");
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(&open)).map(|at| from + at) {
        let inside = text.get(start + open.len()..).unwrap_or_default();
        let Some(length) = closing(inside) else { break };
        let name = inside.get(..length).unwrap_or_default();
        rounds += 1;
        let cut = match text.len() {
            _ if rounds > MAX_ROUNDS => Some(over("placeholders of one option", MAX_ROUNDS)),
            length if length > MAX_LENGTH => Some(larger("values of options", MAX_LENGTH, length)),
            _ => None,
        };
        if cut.is_some() {
            return Err(Open { text, cut });
        }
        match get(name).map_err(|_| Open { text: format!("{open}{name})"), cut: None })? {
            Some(value) => {
                text.replace_range(start..start + open.len() + length + 1, &value);
                from = 0;
            }
            None => from = start + open.len() + length + 1,
        }
    }
    Ok(text)
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return (at > 0).then_some(at),
            b')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// `%(a + 1)`: from left to right, and what has no operator between is put together (core/config.c: uwsgi_manage_placeholder).
pub(super) fn sum(words: &str, get: &dyn Fn(&str) -> Option<String>) -> String {
    let mut current = String::new();
    let mut operator = "";
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        let number = integer(&current);
        match word {
            "+" | "-" | "*" | "/" => {
                operator = word;
                continue;
            }
            "++" => current = number.wrapping_add(1).to_string(),
            "--" => current = number.wrapping_sub(1).to_string(),
            _ => {
                let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
                let value = if is_number { word.to_owned() } else { get(word).unwrap_or_default() };
                let other = integer(&value);
                current = match operator {
                    "+" => number.wrapping_add(other).to_string(),
                    "-" => number.wrapping_sub(other).to_string(),
                    "*" => number.wrapping_mul(other).to_string(),
                    "/" => number.checked_div(other).unwrap_or(0).to_string(),
                    _ => current + &value,
                };
            }
        }
        operator = "";
    }
    current
}

fn integer(text: &str) -> i64 {
    i64::from(crate::syntax::number::atoi(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_those_of_the_file() {
        let magic = Magic::new(Path::new("etc/uwsgi/apps-enabled/shop.example.ini"), true, "a");
        let first = Magic::new(Path::new("usr/share/default.ini"), true, "");
        let fill = |text: &str| letters(text, &magic, Some(&first));
        for (text, filled) in [
            ("/run/%n.sock", "/run/shop.example.sock"),
            ("%s %e %x %c", "shop.example.ini ini a apps-enabled"),
            ("%d%n %p", "/etc/uwsgi/apps-enabled/shop.example /etc/uwsgi/apps-enabled/shop.example.ini"),
            ("%0-%1-%5-", "etc-uwsgi--"),
            ("%N %%n %(a) %", "default %n %(a) %"),
            ("1%00", "1etc0"),
        ] {
            assert_eq!(fill(text).as_deref(), Ok(filled), "{text}");
        }
        assert_eq!(fill("%h.sock"), Err("%h".into()));
        let repository = Magic::new(Path::new("deploy/uwsgi.ini"), false, "");
        assert_eq!(letters("%n", &repository, None).as_deref(), Ok("uwsgi"));
        assert_eq!(letters("%d", &repository, None), Err("%d".into()));
    }

    #[test]
    fn brackets_are_filled_from_within_and_again() {
        let get = |name: &str| match name {
            "a" => Ok(Some("1".to_owned())),
            "b" => Ok(Some("%(a)%(a)".to_owned())),
            "loop" => Ok(Some("%(loop)".to_owned())),
            "x" => Err(String::new()),
            _ => Ok(None),
        };
        for (text, filled) in
            [("%(a)", "1"), ("x%(b)y", "x11y"), ("%(c)%(a)", "%(c)1"), ("%(a", "%(a"), ("%()", "%()")]
        {
            assert_eq!(brackets(text, '%', &get).as_deref(), Ok(filled), "{text}");
        }
        assert!(brackets("%(loop)", '%', &get).is_err());
        assert_eq!(brackets("y%(x)", '%', &get), Err(Open { text: "%(x)".into(), cut: None }));
    }

    #[test]
    fn sums_are_done_from_left_to_right() {
        let get = |name: &str| (name == "a").then(|| "8".to_owned());
        for (words, value) in [
            ("a", "8"),
            ("a a", "88"),
            ("a + 2", "10"),
            ("a + 2 * 3", "30"),
            ("a ++", "9"),
            ("a / 0", "0"),
            ("b", ""),
        ] {
            assert_eq!(sum(words, &get), value, "{words}");
        }
    }
}
