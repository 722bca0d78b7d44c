//! Other people's text made harmless: what a terminal would obey is spelled out, what is secret is starred.

use super::secrets::masked;

/// Whether a terminal may obey the character or a reader be misled by it: controls (C0, DEL, C1), and the marks that are
/// invisible or turn the direction of writing (Unicode TR 36, "Bidirectional Text Spoofing").
pub(super) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every harmful character spelled out: `\n`, `\x1b`, `\u{202e}`.
pub(crate) fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        push(&mut shown, c);
    }
    shown
}

/// Words of a report on one line, harmless and with secrets starred.
pub(crate) fn said(text: &str) -> String {
    inline(&masked(text))
}

/// Adds one character, spelled out if it is harmful.
pub(super) fn push(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c if !is_harmful(c) => shown.push(c),
        c if u32::from(c) < 0x100 => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
        c => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmful_characters_are_spelled_out() {
        assert_eq!(inline("a\u{1b}[2J\u{9b}\r\n\u{202e}\u{7f}é✓"), "a\\x1b[2J\\x9b\\r\\n\\u{202e}\\x7fé✓");
    }
}
