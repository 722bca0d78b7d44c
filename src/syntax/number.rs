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

#[cfg(test)]
mod tests {
    use super::*;

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
