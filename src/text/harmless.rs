//! Characters that a terminal would obey or a reader be misled by, and how they are spelled out.

/// Whether a character is a control (C0, DEL, C1), or one of the marks that are invisible or turn the direction of writing
/// (Unicode TR 36, "Bidirectional Text Spoofing").
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every harmful character spelled out: `\n`, `\x1b`, `\u{202e}`.
pub fn spelled_out(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        spell_out(&mut shown, c);
    }
    shown
}

/// Adds one character, spelled out if it is harmful.
pub fn spell_out(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        c if !is_harmful(c) => shown.push(c),
        c if u32::from(c) < 0x100 => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
        c => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}
