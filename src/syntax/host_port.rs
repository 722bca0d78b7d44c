//! `HOST:PORT` as programs written in Go take it apart.

/// Why a text is no host and port, in the words of Go's net package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    MissingPort,
    TooManyColons,
    Brackets,
}

impl Wrong {
    pub fn words(self) -> &'static str {
        match self {
            Wrong::MissingPort => "missing port in address",
            Wrong::TooManyColons => "too many colons in address",
            Wrong::Brackets => "unexpected bracket in address",
        }
    }
}

/// net.SplitHostPort: the port must be there, if only as a colon, and IPv6 stands in brackets.
pub fn split(text: &str) -> Result<(&str, &str), Wrong> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']').ok_or(Wrong::Brackets)?;
        return match port.strip_prefix(':') {
            Some(port) if !port.contains(':') => Ok((host, port)),
            None if port.is_empty() => Err(Wrong::MissingPort),
            _ => Err(Wrong::TooManyColons),
        };
    }
    match text.split_once(':') {
        None => Err(Wrong::MissingPort),
        Some((_, port)) if port.contains(':') => Err(Wrong::TooManyColons),
        Some(found) => Ok(found),
    }
}

/// The same where the port may be left out.
pub fn split_loosely(text: &str) -> Option<(&str, &str)> {
    match split(text) {
        Ok(found) => Some(found),
        Err(Wrong::MissingPort) => {
            let bare = text.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            Some((bare.unwrap_or(text), ""))
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        assert_eq!(split("a:80"), Ok(("a", "80")));
        assert_eq!(split(":"), Ok(("", "")));
        assert_eq!(split("[::1]:80"), Ok(("::1", "80")));
        assert_eq!(split("a"), Err(Wrong::MissingPort));
        assert_eq!(split("[::1]"), Err(Wrong::MissingPort));
        assert_eq!(split("::1:80"), Err(Wrong::TooManyColons));
        assert_eq!(split("[::1"), Err(Wrong::Brackets));
        assert_eq!(split_loosely("[::1]"), Some(("::1", "")));
        assert_eq!(split_loosely("a"), Some(("a", "")));
        assert_eq!(split_loosely("::1"), None);
    }
}
