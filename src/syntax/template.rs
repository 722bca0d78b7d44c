//! Marks of the tools that fill in a file before its program reads it: Jinja, ERB, envsubst, Ansible, CMake and their kin.

/// Whether a word is a placeholder, or has one in it.
pub fn is_placeholder(word: &str) -> bool {
    let marks = ["${", "$(", "{{", "{%", "<", "@@", "__", "%{", "%%"];
    let shouted = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    shouted || word.starts_with(['$', '@', '%']) || marks.iter().any(|mark| word.contains(mark))
}

/// Whether a file has what the languages of templates begin their own words with.
pub fn is_template(bytes: &[u8]) -> bool {
    ["{%", "<%", "{{"].iter().any(|mark| memchr::memmem::find(bytes, mark.as_bytes()).is_some())
}
