//! Java: what its programs come to as far as the files tell, and what a text means to it, an address to
//! java.net.InetAddress.getByName, a number to java.lang.Integer.valueOf. Nothing is run.

mod built;
mod calls;
mod eval;
mod held;
mod library;
mod names;
mod value;

use std::net::{IpAddr, Ipv4Addr};

use super::hosts::Hosts;
pub use built::Built;
pub use eval::{Evaluation, File};
pub use library::{Library, Of, Table};
pub use value::{Outside, Thing, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `assumed`: no file says so, but every machine has it.
    Known { ip: IpAddr, assumed: bool },
    /// It is no address and no name: Java refuses it.
    Refused,
    /// A name that a name server may know, or an interface that this tree does not tell of.
    Unknown,
}

pub fn resolve(text: &str, hosts: &Hosts) -> Address {
    let known = |ip| Address::Known { ip, assumed: false };
    if text.is_empty() {
        return known(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if inner.contains(':') {
        return match inner.parse() {
            Ok(ip) => known(IpAddr::V6(ip)),
            Err(_) if inner.contains('%') => Address::Unknown,
            Err(_) => Address::Refused,
        };
    }
    if let Some(ip) = ipv4(text) {
        return known(IpAddr::V4(ip));
    }
    // Of several addresses Java takes an IPv4 one first (java.net.preferIPv6Addresses is false).
    let named = hosts.resolve(text);
    match named.iter().find(|named| named.address.is_ipv4()).or(named.first()) {
        Some(named) => Address::Known { ip: named.address, assumed: named.at.is_none() },
        None if is_host_name(text) => Address::Unknown,
        None => Address::Refused,
    }
}

/// One to four decimal parts, of which the last fills what is left (sun.net.util.IPAddressUtil.textToNumericFormatV4).
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u64> = text
        .split('.')
        .map(|part| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())))
        .collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    let bytes = 4_usize.checked_sub(leading.len()).filter(|bytes| *bytes > 0)?;
    if leading.iter().any(|part| *part > 255) || *last >= 1 << (8 * bytes) {
        return None;
    }
    let start = leading.iter().fold(0, |sum, part| sum << 8 | part);
    u32::try_from(start << (8 * bytes) | last).ok().map(Ipv4Addr::from)
}

fn is_host_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && text.contains(|c: char| c.is_ascii_alphabetic())
}

/// java.lang.Integer.valueOf: a sign and decimal digits, nothing else; digits of other scripts count too.
pub fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = digits.chars().next().map(|_| 0_i64)?;
    for c in digits.chars() {
        number = number.checked_mul(10)?.checked_add(digit(c)?)?;
    }
    let number = if negative { -number } else { number };
    i32::try_from(number).ok().map(i64::from)
}

/// java.lang.Character.digit, for the scripts that people type numbers in.
fn digit(c: char) -> Option<i64> {
    const ZEROS: [char; 5] = ['0', '\u{660}', '\u{6F0}', '\u{966}', '\u{FF10}'];
    ZEROS.iter().find_map(|zero| {
        let digit = u32::from(c).checked_sub(u32::from(*zero))?;
        (digit < 10).then_some(i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<String> {
        match resolve(text, &Hosts::default()) {
            Address::Known { ip, .. } => Some(ip.to_string()),
            _ => None,
        }
    }

    #[test]
    fn numbers_are_addresses_as_in_java() {
        for (text, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("10.1.2", "10.1.0.2"),
            ("2130706433", "127.0.0.1"),
            ("010.0.0.1", "10.0.0.1"),
            ("", "127.0.0.1"),
            ("::1", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(ip(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_can_be_no_name_is_refused() {
        for text in
            ["*", " 127.0.0.1", "127.0.0.1:80", "256.1.1.1", "1.2.3.4.5", "4294967296", "a b", "1.2.3."]
        {
            assert_eq!(resolve(text, &Hosts::default()), Address::Refused, "{text:?}");
        }
        for text in ["app.example.com", "fe80::1%eth0"] {
            assert_eq!(resolve(text, &Hosts::default()), Address::Unknown, "{text:?}");
        }
    }

    #[test]
    fn only_a_sign_and_digits_make_a_number() {
        for (text, number) in [
            ("300", 300),
            ("+300", 300),
            ("-300", -300),
            ("0512", 512),
            ("-0", 0),
            ("２１", 21),
            ("2147483647", 2147483647),
            ("-2147483648", -2147483648),
        ] {
            assert_eq!(integer(text), Some(number), "{text}");
        }
        let refused = ["", "+", "-", " 7", "7 ", "7k", "0x10", "1_000", "2147483648", "- 5", "--5", "7.0"];
        for text in refused.into_iter().chain(["99999999999999999999"]) {
            assert_eq!(integer(text), None, "{text:?}");
        }
    }
}
