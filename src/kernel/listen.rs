//! The arithmetic of listen(2): how long the accept queue and the SYN queue of a listener are.

use crate::model::{CappedBy, SynQueue, Version};

/// What the kernel makes of a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptQueue {
    /// What `ss -lnt` shows as Send-Q.
    pub limit: i64,
    /// `None` if nothing cut, also for a negative backlog, which means somaxconn.
    pub capped_by: Option<CappedBy>,
}

/// The accept queue for `listen(fd, backlog)`; both are C ints (net/socket.c `__sys_listen`).
pub fn accept_queue(_version: Version, backlog: i64, somaxconn: i64) -> AcceptQueue {
    AcceptQueue { limit: backlog.min(somaxconn), capped_by: None }
}

/// The SYN queue of a listener whose accept queue has `limit`; `max_syn_backlog` is `None` where it is not known.
pub fn syn_queue(
    _version: Version,
    _limit: i64,
    _max_syn_backlog: Option<i64>,
    _syncookies: i64,
) -> SynQueue {
    SynQueue::default()
}
