//! A number as the kernel's proc handlers read it: a C integer (decimal, `0x` hex, `0` octal), then a blank and whatever.
//!
//! Written after `do_proc_dointvec`, `do_proc_douintvec` and `proc_get_long` in kernel/sysctl.c of Linux 5.1 and later;
//! before, a number beyond 64 bits wrapped round instead of being refused (commit 7f2923c4f73f).

use std::fmt;
use std::ops::Range as Bytes;

use crate::knowledge::Range;

/// `proc_get_long` copies 21 characters and takes a number that fills them for a cut one.
const LONGEST: usize = 20;

/// What the kernel stores, and where the digits stand in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) value: i64,
    pub(super) at: Bytes<usize>,
}

/// Why the kernel refuses a text (EINVAL).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    Empty,
    NotANumber,
    /// A leading zero makes a number octal, and this digit is none of octal.
    NotOctal(u8),
    Glued(u8),
    TooLong,
    OutOfRange(Range),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Empty => write!(f, "there is no value"),
            Refused::NotANumber => write!(f, "it does not start with a number"),
            Refused::NotOctal(byte) => {
                write!(f, "the leading zero makes it octal, and {} is not an octal digit", char::from(*byte))
            }
            Refused::Glued(byte) if byte.is_ascii_graphic() => {
                write!(f, "`{}` right after the number", char::from(*byte))
            }
            Refused::Glued(_) => write!(f, "something other than white space right after the number"),
            Refused::TooLong => write!(f, "the number has more than {LONGEST} characters"),
            Refused::OutOfRange(range) => {
                write!(f, "the kernel accepts {} to {}", range.min, range.max)?;
                if range.signless { write!(f, " without a sign") } else { Ok(()) }
            }
        }
    }
}

/// Reads a value as the tools hand it to the kernel: without the blanks around it, a newline behind it.
pub(super) fn parse(text: &[u8], range: Range) -> Result<Number, Refused> {
    let start = text.iter().position(|byte| !is_space(*byte)).ok_or(Refused::Empty)?;
    let word = text.get(start..).unwrap_or_default();
    let minus = usize::from(word.first() == Some(&b'-'));
    let unsigned = word.get(minus..).unwrap_or_default();
    let (base, prefix) = base(unsigned).ok_or(Refused::NotANumber)?;
    let digits = unsigned.get(prefix..).unwrap_or_default();
    let count = digits.iter().take_while(|byte| char::from(**byte).is_digit(base)).count();
    let length = minus + prefix + count;
    if length > LONGEST {
        return Err(Refused::TooLong);
    }
    // `proc_wspace_sep`: of all white space only these end a number.
    if let Some(next) = word.get(length).filter(|next| !matches!(next, b' ' | b'\t' | b'\n')) {
        let octal = base == 8 && prefix == 0 && next.is_ascii_digit();
        return Err(if octal { Refused::NotOctal(*next) } else { Refused::Glued(*next) });
    }
    let digits = std::str::from_utf8(digits.get(..count).unwrap_or_default()).unwrap_or_default();
    let size = u64::from_str_radix(digits, base).ok().and_then(|size| i64::try_from(size).ok());
    let value = size.map(|size| if minus == 1 { -size } else { size });
    let value = value.filter(|value| (range.min..=range.max).contains(value));
    let value = value.filter(|_| minus == 0 || !range.signless).ok_or(Refused::OutOfRange(range))?;
    Ok(Number { value, at: start..start + length })
}

/// The base, and how many characters say it (`_parse_integer_fixup_radix` in lib/kstrtox.c). The zero of an octal number is
/// a digit of it.
fn base(text: &[u8]) -> Option<(u32, usize)> {
    match text {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => Some((16, 2)),
        [b'0', ..] => Some((8, 0)),
        [digit, ..] if digit.is_ascii_digit() => Some((10, 0)),
        _ => None,
    }
}

/// The kernel's isspace(): `_ctype` in lib/ctype.c knows the no-break space of Latin-1.
fn is_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | 32 | 0xA0)
}

/// What the author of a number with leading zeros will have meant, if C reads it otherwise.
pub(super) fn octal_meant(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let word = text.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    if digits.len() < 2 || !digits.starts_with(b"0") || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let meant: i64 = std::str::from_utf8(word).ok()?.parse().ok()?;
    let any = Range { min: i64::MIN, max: i64::MAX, signless: false };
    (parse(word, any).map(|read| read.value) != Ok(meant)).then_some(meant)
}

/// The number in a text that the kernel refuses, where there is only one way to read it: quotes, a sign, marks between
/// thousands, a comment too close.
pub(super) fn mended(text: &[u8], range: Range) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.trim_start_matches('=').trim().trim_matches(['"', '\'']).trim();
    let bare = bare.strip_prefix('+').unwrap_or(bare);
    let bare = bare.split(['#', ';']).next().unwrap_or_default().trim_end();
    let plain = thousands(bare).unwrap_or_else(|| bare.to_owned());
    let decimal = plain.bytes().all(|byte| byte.is_ascii_digit()) && !plain.starts_with('0');
    parse(plain.as_bytes(), range).ok().filter(|_| decimal).map(|number| number.value)
}

/// `1,024` and `1_000_000` without their marks.
fn thousands(text: &str) -> Option<String> {
    let mark = text.chars().find(|c| matches!(c, ',' | '_' | '\''))?;
    let mut groups = text.split(mark);
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()));
    (first && groups.all(|group| group.len() == 3)).then(|| text.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: Range = Range { min: 0, max: i32::MAX as i64, signless: false };
    const BYTE: Range = Range { min: 0, max: 255, signless: true };

    fn value(text: &str, range: Range) -> Result<i64, Refused> {
        parse(text.as_bytes(), range).map(|number| number.value)
    }

    #[test]
    fn c_integers_and_their_tails() {
        for (text, number) in [
            ("1000", 1000),
            ("0x1000", 4096),
            ("0X1f", 31),
            ("0512", 330),
            ("0", 0),
            ("000", 0),
            ("-0", 0),
            ("1000 # c", 1000),
            ("1000\t2000", 1000),
            ("1 024", 1),
            ("\u{b}1000", 1000),
            ("00000000000000001750", 1000),
            ("2147483647", 2_147_483_647),
        ] {
            assert_eq!(value(text, INT), Ok(number), "{text}");
        }
        assert_eq!(parse(b" 0x10 z", INT).map(|number| number.at), Ok(1..5));
        assert_eq!(parse(b"\xa0 7", INT).map(|number| number.value), Ok(7));
    }

    #[test]
    fn what_the_kernel_refuses() {
        for (text, why) in [
            ("", Refused::Empty),
            (" \t", Refused::Empty),
            ("abc", Refused::NotANumber),
            ("+1", Refused::NotANumber),
            ("\"1\"", Refused::NotANumber),
            ("- 5", Refused::NotANumber),
            ("4k", Refused::Glued(b'k')),
            ("1,024", Refused::Glued(b',')),
            ("09", Refused::NotOctal(b'9')),
            ("0x", Refused::Glued(b'x')),
            ("1\rx", Refused::Glued(b'\r')),
            ("000000000000000001750", Refused::TooLong),
            ("99999999999999999999", Refused::OutOfRange(INT)),
            ("2147483648", Refused::OutOfRange(INT)),
            ("-5", Refused::OutOfRange(INT)),
        ] {
            assert_eq!(value(text, INT), Err(why), "{text}");
        }
        assert_eq!(value("255", BYTE), Ok(255));
        assert_eq!(value("256", BYTE), Err(Refused::OutOfRange(BYTE)));
        assert_eq!(value("-0", BYTE), Err(Refused::OutOfRange(BYTE)));
    }

    #[test]
    fn octal_is_told_only_where_it_changes_the_number() {
        assert_eq!(octal_meant(b"0512"), Some(512));
        assert_eq!(octal_meant(b"010 # ten"), Some(10));
        assert_eq!(octal_meant(b"0812"), Some(812));
        assert_eq!(octal_meant(b"-010"), Some(-10));
        for plain in ["0", "00", "07", "512", "0x10", "0512k", ""] {
            assert_eq!(octal_meant(plain.as_bytes()), None, "{plain}");
        }
    }

    #[test]
    fn one_reading_is_mended_and_two_are_not() {
        for (text, number) in [
            ("\"1000\"", 1000),
            ("+5", 5),
            ("1,024", 1024),
            ("1_000_000", 1_000_000),
            ("173#c", 173),
            ("=8", 8),
            ("9;", 9),
        ] {
            assert_eq!(mended(text.as_bytes(), INT), Some(number), "{text}");
        }
        for text in ["4k", "1,02", "abc", "", "0812", "99999999999", "1000.0", "1e3"] {
            assert_eq!(mended(text.as_bytes(), INT), None, "{text}");
        }
    }
}
