//! The sysctls of the machine that we run on: those of the network namespace of the thread that asks.

use crate::text::{Origin, Sources, Span};

/// What the running kernel says of a key. Nothing on other systems than Linux.
#[cfg(target_os = "linux")]
fn text(key: &str) -> Option<String> {
    use sysctl::Sysctl as _;
    sysctl::Ctl::new(key).ok()?.value_string().ok()
}

#[cfg(not(target_os = "linux"))]
fn text(_key: &str) -> Option<String> {
    None
}

/// What the running kernel says of a key, and the place that says so.
pub(super) fn reading(sources: &Sources, key: &str) -> Option<(String, Span)> {
    let text = text(key)?;
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    let source = sources.add(Origin::Live(path), text.clone().into_bytes());
    Some((text.trim_end().to_owned(), Span::new(source, 0..text.trim_end().len())))
}

/// The number of a key; nothing if it does not exist here.
pub fn number(key: &str) -> Option<i64> {
    text(key)?.trim().parse().ok()
}

/// The release of the running kernel, as `uname -r` prints it.
pub fn release() -> Option<String> {
    text("kernel.osrelease").map(|text| text.trim().to_owned())
}
