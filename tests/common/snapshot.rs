//! Screens as files: compared to what is recorded, or recorded anew with `UPDATE_EXPECT=1`.

use std::fs;
use std::path::Path;

/// Fails where the text differs from the recorded one, with the first line that does.
pub fn same(recorded: &Path, text: &[u8]) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(recorded.parent().unwrap()).unwrap();
        return fs::write(recorded, text).unwrap();
    }
    let expected = fs::read(recorded).unwrap_or_default();
    if expected == text {
        return;
    }
    let (expected, text) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(text));
    let differs = expected.lines().zip(text.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| expected.lines().count().min(text.lines().count()));
    panic!(
        "{}:{} differs (UPDATE_EXPECT=1 records it anew)\n recorded: {}\n      now: {}\n\n{text}",
        recorded.display(),
        line + 1,
        expected.lines().nth(line).unwrap_or("(no more lines)"),
        text.lines().nth(line).unwrap_or("(no more lines)"),
    );
}
