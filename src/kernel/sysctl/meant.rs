//! Keys that lead nowhere, and what their authors will have meant.

use crate::knowledge::KernelFacts;

/// A key as it would have to be written, and what is wrong with it as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) key: String,
    pub(super) why: &'static str,
}

/// Folders of /proc/sys/net beside those whose names are known; a key in one of them is never a misspelling.
#[rustfmt::skip]
const OTHER_FOLDERS: [&str; 34] = [
    "802", "appletalk", "ax25", "bridge", "can", "dccp", "decnet", "ethernet", "ieee802154", "ipv6", "ipx",
    "irda", "iucv", "iw_cm", "key", "lapb", "llc", "mctp", "mpls", "mptcp", "netfilter", "netrom",
    "nf_conntrack_max", "ovs", "phonet", "rds", "rose", "rxrpc", "sctp", "smc", "sunrpc", "unix", "vsock",
    "x25",
];

/// The key that a text stands for when everything that keeps it from being one is taken away. `None` if nothing is wrong with
/// its form; whether such a key exists is another question.
pub(super) fn plain(key: &[u8]) -> Option<Meant> {
    let text = String::from_utf8_lossy(key);
    let mut why = None;
    let mut key = text.trim_ascii();
    let visible = key.trim_matches(|c: char| !c.is_ascii());
    note(&mut why, visible != key, "the key contains an invisible character");
    key = visible.trim_ascii();
    let bare = key.trim_matches(['"', '\'', '`']);
    note(&mut why, bare != key, "the quotes are part of the key");
    key = bare;
    if let Some(command) = key.strip_prefix("sysctl ") {
        note(&mut why, true, "this is a command; a sysctl file holds assignments only");
        key = command.split_whitespace().find(|word| !word.starts_with('-')).unwrap_or(command);
    }
    let small = key.to_lowercase();
    note(&mut why, small != key, "keys are lower case");
    let below = small.trim_start_matches('/');
    let below = below.strip_prefix("proc/sys/").or_else(|| below.strip_prefix("proc.sys.")).unwrap_or(below);
    note(&mut why, below.len() < small.trim_start_matches('/').len(), "a key starts after /proc/sys");
    note(&mut why, below.contains('.') && below.contains('/'), "dots and slashes are mixed, so they swap");
    let joined: String = below.split_whitespace().collect();
    note(&mut why, joined != below, "there is white space in the key");
    let parts: Vec<&str> = joined.split(['.', '/']).filter(|part| !part.is_empty()).collect();
    Some(Meant { key: parts.join("."), why: why? })
}

/// The first fault is the one to tell.
fn note(why: &mut Option<&'static str>, wrong: bool, what: &'static str) {
    if wrong && why.is_none() {
        *why = Some(what);
    }
}

/// The key that a line without `=` begins with: `net.core.somaxconn 1024`, `net.core.somaxconn: 1024`.
pub(super) fn first_word(line: &[u8]) -> &[u8] {
    line.split(|byte| matches!(byte, b' ' | b'\t' | b':')).next().unwrap_or_default()
}

/// The known key that an unknown one is a small edit away from. Keys of interfaces (`net.ipv4.conf.eth0.*`) and of modules
/// that we have no list of are never taken for misspelt.
pub(super) fn similar(facts: &KernelFacts, key: &str) -> Option<String> {
    let rest = key.strip_prefix("net.")?;
    let (folder, name) = rest.rsplit_once('.').unwrap_or(("", rest));
    if folder.contains('.') || name.is_empty() {
        return None;
    }
    let mut same_folder = None;
    for (known, names) in facts.folders() {
        let known_folder = known.strip_prefix("net.").unwrap_or(known);
        if known_folder == folder {
            if names.contains(name) {
                return None;
            }
            same_folder =
                closest(name, names.iter().map(String::as_str)).map(|name| format!("{known}.{name}"));
        }
    }
    same_folder.or_else(|| elsewhere(facts, folder, name))
}

/// A name that exists, in a folder that does not have it.
fn elsewhere(facts: &KernelFacts, folder: &str, name: &str) -> Option<String> {
    let (known, _) = facts.folders().find(|(_, names)| names.contains(name))?;
    let known_folder = known.strip_prefix("net.").unwrap_or(known);
    let foreign = OTHER_FOLDERS.contains(&folder);
    // TCP's keys are in net.ipv4 for both families (Documentation/networking/ip-sysctl.rst).
    let near = !foreign || (folder == "ipv6" && known_folder == "ipv4" && name.starts_with("tcp_"));
    near.then(|| format!("{known}.{name}"))
}

/// The one name within a small edit distance; none if several are as close.
fn closest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if name.len() < 8 { 1 } else { 2 };
    let mut near: Vec<(usize, &str)> = names
        .filter(|known| known.len().abs_diff(name.len()) <= most)
        .map(|known| (strsim::osa_distance(name, known), known))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort_unstable();
    match near.as_slice() {
        [(_, only)] => Some(only),
        [(first, closest), (second, _), ..] if first < second => Some(closest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::text::Sources;

    #[test]
    fn a_key_in_disguise_is_recognised() {
        for (written, why) in [
            ("\u{feff}net.core.somaxconn", "invisible"),
            ("net.core.somaxconn\u{a0}", "invisible"),
            ("\"net.core.somaxconn\"", "quotes"),
            ("sysctl -w net.core.somaxconn", "command"),
            ("NET.CORE.SOMAXCONN", "lower case"),
            ("/proc/sys/net/core/somaxconn", "after /proc/sys"),
            ("proc.sys.net.core.somaxconn", "after /proc/sys"),
            ("net.core/somaxconn", "mixed"),
            ("net.core. somaxconn", "white space"),
        ] {
            let meant = plain(written.as_bytes()).unwrap();
            assert_eq!(meant.key, "net.core.somaxconn", "{written}");
            assert!(meant.why.contains(why), "{written}: {}", meant.why);
        }
        assert_eq!(plain(b"net.core.somaxconn"), None);
    }

    #[test]
    fn misspelt_keys_are_told_from_other_keys() {
        let facts = Knowledge::load(&Sources::new()).unwrap().kernel;
        for (key, meant) in [
            ("net.core.somaxcon", "net.core.somaxconn"),
            ("net.core.soomaxconn", "net.core.somaxconn"),
            ("net.ipv4.tcp_max_sync_backlog", "net.ipv4.tcp_max_syn_backlog"),
            ("net.ipv4.tcp_syn_cookies", "net.ipv4.tcp_syncookies"),
            ("net.ipv4.somaxconn", "net.core.somaxconn"),
            ("net.somaxconn", "net.core.somaxconn"),
            ("net.cor.somaxconn", "net.core.somaxconn"),
            ("net.ipv6.tcp_syncookies", "net.ipv4.tcp_syncookies"),
            ("net.core.netdev_max_backlogs", "net.core.netdev_max_backlog"),
        ] {
            assert_eq!(similar(&facts, key).as_deref(), Some(meant), "{key}");
        }
        for key in [
            "net.core.somaxconn",
            "net.ipv4.tcp_tw_recycle",
            "net.ipv4.conf.all.rp_filter",
            "net.ipv4.neigh.default.gc_thresh1",
            "net.ipv4.route.gc_timeout",
            "net.ipv4.netfilter.ip_conntrack_max",
            "net.ipv6.conf.all.disable_ipv6",
            "net.ipv6.route.max_size",
            "net.ipv6.bindv6only",
            "net.bridge.bridge-nf-call-iptables",
            "net.netfilter.nf_conntrack_max",
            "net.nf_conntrack_max",
            "net.unix.max_dgram_qlen",
            "net.mptcp.enabled",
            "net.inet.tcp.syncookies",
            "net.ipv4.tcp_brutal_rate",
            "net.ipv4.tcp_tw_timeout",
            "vm.swappiness",
            "net.ipv4.",
        ] {
            assert_eq!(similar(&facts, key), None, "{key}");
        }
    }
}
