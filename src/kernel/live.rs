//! The sysctls of the machine that we run on.

use crate::text::{Origin, Sources, Span};

/// What the running kernel says of a key, and the place that says so. Nothing on other systems than Linux.
#[cfg(target_os = "linux")]
pub(super) fn reading(sources: &Sources, key: &str) -> Option<(String, Span)> {
    use sysctl::Sysctl as _;
    let text = sysctl::Ctl::new(key).ok()?.value_string().ok()?;
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    let source = sources.add(Origin::Live(path), text.clone().into_bytes());
    Some((text.trim_end().to_owned(), Span::new(source, 0..text.trim_end().len())))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn reading(_sources: &Sources, _key: &str) -> Option<(String, Span)> {
    None
}
