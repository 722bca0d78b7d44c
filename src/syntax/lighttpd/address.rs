//! How the address in a condition is written.

use std::net::Ipv6Addr;

use crate::syntax::number::strtol;

/// How a condition's text reaches the rest (http_request_host_normalize in src/request.c): its port may be octal or
/// hexadecimal, and one that is left out after a colon is none.
pub fn normalize(text: &str) -> Result<String, String> {
    if text.starts_with([':', '/', '\\']) || text.starts_with("[]") {
        return Ok(text.to_owned());
    }
    let refused = || format!("invalid IP addr: {text}");
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (literal, after) = rest.split_once(']').ok_or_else(refused)?;
            if literal.parse::<Ipv6Addr>().is_err() && !literal.contains('%') {
                return Err(refused());
            }
            let port = if after.is_empty() { "" } else { after.strip_prefix(':').ok_or_else(refused)? };
            (format!("[{literal}]"), port)
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (host.to_owned(), port)
        }
    };
    if port.is_empty() {
        return Ok(host);
    }
    let port = strtol(port, 0).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let port = port.ok_or_else(refused)?;
    Ok(format!("{host}:{port}"))
}
