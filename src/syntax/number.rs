//! Numbers as C's library reads them.

/// atoi(3) of glibc: strtol, cut to 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what atoi does")]
pub fn atoi(text: &str) -> i32 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number: i64 = 0;
    for digit in digits.bytes().take_while(u8::is_ascii_digit) {
        let digit = i64::from(digit - b'0');
        let next = number.checked_mul(10).and_then(|tens| match negative {
            true => tens.checked_sub(digit),
            false => tens.checked_add(digit),
        });
        number = match next {
            Some(next) => next,
            None => return if negative { i64::MIN as i32 } else { i64::MAX as i32 },
        };
    }
    number as i32
}

/// strtol(3) of all of a text: nothing where something else stands in it, the largest where it is larger. With base 0 `0x10`
/// is hexadecimal and `010` octal.
pub fn strtol(text: &str, base: u32) -> Option<i64> {
    let (negative, number) = digits(text, base)?;
    let limit = if negative { i64::MIN } else { i64::MAX };
    let number = i128::from(number);
    Some(i64::try_from(if negative { -number } else { number }).unwrap_or(limit))
}

/// strtoul(3) of all of a text, which takes a negative number too.
pub fn strtoul(text: &str, base: u32) -> Option<u64> {
    let (negative, number) = digits(text, base)?;
    Some(if negative && number < u64::MAX { number.wrapping_neg() } else { number })
}

/// Whether a number is negative, and what stands after the sign.
fn digits(text: &str, base: u32) -> Option<(bool, u64)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, base) = match hexadecimal.filter(|_| base == 0) {
        Some(digits) => (digits, 16),
        None if base > 0 => (digits, base),
        None if digits.starts_with('0') => (digits, 8),
        None => (digits, 10),
    };
    let valid = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    valid.then(|| (negative, u64::from_str_radix(digits, base).unwrap_or(u64::MAX)))
}

/// A long as the int that a program stores it in.
#[expect(clippy::cast_possible_truncation, reason = "that is what C does")]
pub fn int(number: i64) -> i32 {
    number as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strtol_takes_all_of_a_text_or_none() {
        for (text, base, number) in [
            ("12", 10, Some(12)),
            (" -12", 0, Some(-12)),
            ("010", 0, Some(8)),
            ("010", 10, Some(10)),
            ("0x1F", 0, Some(31)),
            ("0", 0, Some(0)),
            ("0x", 0, None),
            ("08", 0, None),
            ("0x10", 10, None),
            ("", 0, None),
            ("-", 10, None),
            ("--1", 10, None),
            ("1 ", 10, None),
            ("99999999999999999999999999999999999999999", 10, Some(i64::MAX)),
            ("-9223372036854775809", 10, Some(i64::MIN)),
        ] {
            assert_eq!(strtol(text, base), number, "{text}");
        }
        assert_eq!((strtoul("-1", 0), strtoul("0x10", 0)), (Some(u64::MAX), Some(16)));
        assert_eq!(int(4_294_967_297), 1);
    }

    #[test]
    fn atoi_wraps_as_glibc_does() {
        for (text, number) in [
            ("", 0),
            ("-", 0),
            (" 12x", 12),
            ("0x50", 0),
            ("010", 10),
            ("+50", 50),
            ("2147483648", -2_147_483_648),
            ("4294967306", 10),
            ("99999999999999999999", -1),
            ("-99999999999999999999", 0),
        ] {
            assert_eq!(atoi(text), number, "{text}");
        }
    }
}
