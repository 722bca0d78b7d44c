//! The arithmetic of listen(2): how long the accept queue and the SYN queue of a listener are.

use crate::model::{CappedBy, SynQueue, Version};

/// `sk_max_ack_backlog` is `unsigned short` before (include/net/sock.h; commit becb74f0acca).
const WIDE_BACKLOG: Version = Version::new(4, 1, 0);
/// Before, the SYN table has a limit of its own (`reqsk_queue_alloc` in net/core/request_sock.c; commit 72a3effaf633).
const TABLE_FROM_BACKLOG: Version = Version::new(2, 6, 20);
/// From here the accept limit is the SYN limit too (`inet_csk_reqsk_queue_is_full`; commit ef547f2ac16b).
const SYN_IS_BACKLOG: Version = Version::new(4, 4, 0);
/// Full is `>` instead of `>=` from here: one entry more (commit 3479c7549fb1).
const ONE_MORE: Version = Version::new(6, 13, 0);
/// Stable series that got the same change in January 2025, and the first release with it (the announcements of 17 January and
/// 1 February: "tcp/dccp: allow a connection when sk_max_ack_backlog is zero").
const ONE_MORE_IN_STABLE: [(u16, u16, u16); 6] =
    [(5, 4, 290), (5, 10, 234), (5, 15, 177), (6, 1, 125), (6, 6, 72), (6, 12, 10)];

/// What the kernel makes of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptQueue {
    /// What `ss -lnt` shows as Send-Q.
    pub limit: i64,
    /// `None` if nothing cut, also for a negative backlog, which means somaxconn.
    pub capped_by: Option<CappedBy>,
}

/// The accept queue for `listen(fd, backlog)`; both are C ints.
///
/// The comparison is unsigned (net/socket.c, `__sys_listen_socket`), so a negative backlog is a very large one. It holds
/// for every kind of socket: TCP, MPTCP, unix.
pub fn accept_queue(version: Version, backlog: i64, somaxconn: i64) -> AcceptQueue {
    let (asked, most) = (as_u32(backlog), as_u32(somaxconn));
    let (mut limit, mut capped_by) = (asked.min(most), None);
    if asked > most && backlog >= 0 {
        capped_by = Some(CappedBy::Somaxconn);
    }
    if version < WIDE_BACKLOG && limit > u32::from(u16::MAX) {
        (limit, capped_by) = (limit & u32::from(u16::MAX), Some(CappedBy::SixteenBits));
    }
    AcceptQueue { limit: limit.into(), capped_by }
}

/// The SYN queue of a listener whose accept queue has `limit`; `max_syn_backlog` is `None` where it is not known.
///
/// `limit` counts half-open connections until the next SYN gets a cookie, or is dropped where `syncookies` is 0.
pub fn syn_queue(version: Version, limit: i64, max_syn_backlog: Option<i64>, syncookies: i64) -> SynQueue {
    let cookies = syncookies != 0;
    if syncookies == 2 && version >= Version::new(3, 12, 0) {
        // Every SYN is answered by a cookie (net/ipv4/tcp_input.c, tcp_conn_request; commit 5ad37d5deee1).
        return SynQueue { limit: Some(0), limit_max: None, cookies };
    }
    let unproven = |limit: i64| match (cookies, max_syn_backlog) {
        (true, _) => Some(limit),
        (false, Some(most)) => Some(limit.min(three_quarters(most))),
        (false, None) => None,
    };
    let (least, most) = table(version, limit, max_syn_backlog);
    let (least, most) = (least.and_then(unproven), most.and_then(unproven));
    SynQueue { limit: least, limit_max: most.filter(|most| Some(*most) != least), cookies }
}

/// Entries that fit into the SYN table: the mainline value and, where backports make it larger, that too.
fn table(version: Version, limit: i64, max_syn_backlog: Option<i64>) -> (Option<i64>, Option<i64>) {
    match version {
        _ if version >= ONE_MORE => (limit.checked_add(1), None),
        _ if version >= SYN_IS_BACKLOG => match backport(version) {
            Backport::Has => (limit.checked_add(1), None),
            Backport::May => (Some(limit), limit.checked_add(1)),
            Backport::HasNot => (Some(limit), None),
        },
        _ if version >= TABLE_FROM_BACKLOG => {
            // Compared as u32, so a negative tcp_max_syn_backlog does not cut.
            let entries = |most| as_u32(limit).min(as_u32(most)).max(8);
            (max_syn_backlog.map(|most| power_of_two(u64::from(entries(most)) + 1)), None)
        }
        _ => (max_syn_backlog.map(|most| power_of_two(u64::try_from(most).unwrap_or(0)).max(64)), None),
    }
}

enum Backport {
    Has,
    May,
    HasNot,
}

fn backport(version: Version) -> Backport {
    let series = |(major, minor, _): &&(u16, u16, _)| (*major, *minor) == (version.major, version.minor);
    match ONE_MORE_IN_STABLE.iter().find(series) {
        None => Backport::HasNot,
        // Distributions write 6.1.0-18 and mean one of many stable releases.
        Some((_, _, first)) if version.patch >= *first => Backport::Has,
        Some(_) if version.patch > 0 => Backport::HasNot,
        Some(_) => Backport::May,
    }
}

/// Entries that peers without cached metrics get while cookies are off: a SYN is dropped when
/// `max_syn_backlog - qlen < max_syn_backlog >> 2` (net/ipv4/tcp_input.c, tcp_conn_request).
fn three_quarters(max_syn_backlog: i64) -> i64 {
    (max_syn_backlog - (max_syn_backlog >> 2) + 1).max(0)
}

fn power_of_two(at_least: u64) -> i64 {
    i64::try_from(at_least.next_power_of_two()).unwrap_or(i64::MAX)
}

/// A C int as the unsigned number with the same bits; numbers beyond a C int are what a program cannot pass.
fn as_u32(number: i64) -> u32 {
    let int = i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX });
    int.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Version = Version::new(6, 18, 0);

    fn accept(version: Version, backlog: i64, somaxconn: i64) -> (i64, Option<CappedBy>) {
        let queue = accept_queue(version, backlog, somaxconn);
        (queue.limit, queue.capped_by)
    }

    fn syn(version: Version, limit: i64, most: i64, syncookies: i64) -> (Option<i64>, Option<i64>) {
        let queue = syn_queue(version, limit, Some(most), syncookies);
        (queue.limit, queue.limit_max)
    }

    #[test]
    fn somaxconn_cuts_what_is_larger_and_says_so() {
        assert_eq!(accept(NOW, 511, 128), (128, Some(CappedBy::Somaxconn)));
        assert_eq!(accept(NOW, 511, 511), (511, None));
        assert_eq!(accept(NOW, 0, 128), (0, None));
        assert_eq!(accept(NOW, 511, 0), (0, Some(CappedBy::Somaxconn)));
    }

    #[test]
    fn a_negative_backlog_means_somaxconn() {
        for backlog in [-1, -2, i64::from(i32::MIN)] {
            assert_eq!(accept(NOW, backlog, 128), (128, None));
        }
        assert_eq!(accept(NOW, i32::MAX.into(), 128), (128, Some(CappedBy::Somaxconn)));
    }

    #[test]
    fn before_4_1_the_field_has_sixteen_bits() {
        let old = Version::new(4, 0, 9);
        assert_eq!(accept(old, 65535, 70000), (65535, None));
        assert_eq!(accept(old, 65536, 70000), (0, Some(CappedBy::SixteenBits)));
        assert_eq!(accept(old, 100_000, 70000), (70000 - 65536, Some(CappedBy::SixteenBits)));
        assert_eq!(accept(old, -1, 65536), (0, Some(CappedBy::SixteenBits)));
        assert_eq!(accept(Version::new(4, 1, 0), 65536, 70000), (65536, None));
        // Before 3.11 somaxconn may be negative, and then cuts nothing.
        assert_eq!(accept(Version::new(3, 10, 0), 511, -1), (511, None));
    }

    /// Worked from `reqsk_queue_alloc` of Linux 2.6.24 to 4.3.
    #[test]
    fn the_table_of_old_kernels_is_a_power_of_two() {
        for version in [Version::new(2, 6, 32), Version::new(3, 10, 0), Version::new(4, 3, 6)] {
            for (limit, most, entries) in [
                (5, 256, 16),
                (128, 256, 256),
                (128, 128, 256),
                (511, 1024, 512),
                (511, 128, 256),
                (1024, 2048, 2048),
            ] {
                assert_eq!(syn(version, limit, most, 1), (Some(entries), None), "{limit} {most}");
            }
            assert_eq!(syn(version, 511, -1, 1), (Some(512), None));
            assert_eq!(syn_queue(version, 511, None, 1).limit, None);
        }
        let oldest = Version::new(2, 6, 19);
        assert_eq!(syn(oldest, 5, 100, 1), (Some(128), None));
        assert_eq!(syn(oldest, 511, 16, 1), (Some(64), None));
    }

    #[test]
    fn stable_series_may_hold_one_more() {
        assert_eq!(syn(Version::new(4, 18, 0), 128, 256, 1), (Some(128), None));
        assert_eq!(syn(Version::new(6, 1, 0), 128, 256, 1), (Some(128), Some(129)));
        assert_eq!(syn(Version::new(6, 1, 124), 128, 256, 1), (Some(128), None));
        assert_eq!(syn(Version::new(6, 1, 125), 128, 256, 1), (Some(129), None));
        assert_eq!(syn(Version::new(6, 6, 30), 128, 256, 1), (Some(128), None));
        assert_eq!(syn(Version::new(6, 6, 72), 128, 256, 1), (Some(129), None));
        assert_eq!(syn(Version::new(5, 10, 0), 128, 256, 1), (Some(128), Some(129)));
        assert_eq!(syn(Version::new(5, 4, 290), 128, 256, 1), (Some(129), None));
        assert_eq!(syn(Version::new(6, 13, 0), 128, 256, 1), (Some(129), None));
        // The 3/4 rule cuts both to the same.
        assert_eq!(syn(Version::new(6, 1, 0), 511, 256, 0), (Some(193), None));
    }

    #[test]
    fn without_cookies_the_unknown_stays_unknown() {
        assert_eq!(syn_queue(NOW, 511, None, 0), SynQueue { limit: None, limit_max: None, cookies: false });
        assert_eq!(
            syn_queue(NOW, 511, None, 1),
            SynQueue { limit: Some(512), limit_max: None, cookies: true }
        );
    }

    #[test]
    fn syncookies_2_keeps_nothing_half_open_since_3_12() {
        assert_eq!(syn(NOW, 511, 256, 2), (Some(0), None));
        assert_eq!(syn(NOW, 511, 256, 3), (Some(512), None));
        assert_eq!(syn(Version::new(3, 10, 0), 511, 1024, 2), (Some(512), None));
    }
}
