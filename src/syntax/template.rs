//! Marks of the tools that fill in a file before its program reads it: Jinja, ERB, envsubst, Ansible, CMake and their kin.

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
