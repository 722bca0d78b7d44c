//! Marks of the tools that fill in a file before its program reads it: Jinja, ERB, envsubst, Ansible, CMake and their kin.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Whether a word is a placeholder, or has one in it.
pub fn is_placeholder(word: &str) -> bool {
    let marks = ["${", "$(", "{{", "{%", "<", "@@", "__", "%{", "%%"];
    let shouted = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    shouted || word.starts_with(['$', '@', '%']) || marks.iter().any(|mark| word.contains(mark))
}

/// Where the brace stands that closes a placeholder, in the text behind the one that opens it: others may lie in it.
pub fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a file has what the languages of templates begin their own words with.
pub fn is_template(bytes: &[u8]) -> bool {
    ["{%", "<%", "{{"].iter().any(|mark| memchr::memmem::find(bytes, mark.as_bytes()).is_some())
}

/// The languages of templates, and what of theirs nothing else has: `<%= port %>`, `{% if ssl %}`, `{# why #}`, `{{ port }}`.
static LANGUAGES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let all = [
        ("ERB", r"(?s-u)<%.*?%>"),
        ("Jinja", r"(?m-u)\{%[-+]?[ \t]*\w.*?%\}|^[ \t]*\{#"),
        ("Jinja or Go", r"(?-u)\{\{.*?\}\}"),
    ];
    all.into_iter().filter_map(|(whose, text)| Some((whose, Regex::new(text).ok()?))).collect()
});

/// Whose template a file looks like.
pub fn whose(bytes: &[u8]) -> Option<&'static str> {
    LANGUAGES.iter().find(|(_, regex)| regex.is_match(bytes)).map(|(whose, _)| *whose)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_words_of_its_own() {
        for (text, expected) in [
            ("include <%= sslparams %>;", Some("ERB")),
            ("a\n{% if ssl %}\nb\n{%- endif %}", Some("Jinja")),
            ("{# of\nmany lines #}\nserver {}", Some("Jinja")),
            ("listen {{ port }};", Some("Jinja or Go")),
            ("log-format {%[src]|%ci}", None),
            ("logformat a %<st %rm", None),
            ("location / {# all\n}", None),
            ("server {\n}}", None),
        ] {
            assert_eq!(whose(text.as_bytes()), expected, "{text}");
        }
    }
}
