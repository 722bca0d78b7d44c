//! Sockets as the kernel's `sock_diag` tells of them: the one interface that gives a listener's limit (sock_diag(7)).
//! A socket of ours asks; nothing is written, and no socket of anybody's is touched.

mod inet;
mod unix;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};

pub(super) use inet::{Family, HalfOpened};

use super::bytes::{u16_at, u32_at};
use crate::model::Endpoint;

/// include/uapi/linux/netlink.h
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
/// include/uapi/linux/sock_diag.h
const SOCK_DIAG_BY_FAMILY: u16 = 20;

const HEADER: usize = 16;
/// The kernel answers a dump in pieces of at most 32 KiB (net/netlink/af_netlink.c: netlink_dump).
const PIECE: usize = 64 << 10;
/// The kernel answers at once; whoever waits longer waits for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// A listening socket, as far as the kernel tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) address: Endpoint,
    /// The index of the interface that it is bound to; 0 for none.
    pub(super) interface: u32,
    pub(super) mptcp: bool,
    pub(super) limit: u32,
    pub(super) queued: u32,
    pub(super) drops: Option<u32>,
    pub(super) inode: u32,
    pub(super) uid: u32,
    /// Tells sockets apart as long as the machine runs.
    pub(super) cookie: u64,
}

/// What is asked of all sockets that listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// All that is known.
    Everything,
    /// The lengths of the queues alone.
    Queues,
}

/// A socket that asks, in the network namespace where it was opened.
#[derive(Debug)]
pub(super) struct Diag {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Diag {
    /// Opens it in the network namespace of the calling thread.
    pub(super) fn open() -> io::Result<Self> {
        let protocol = Some(netlink::SOCK_DIAG);
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, SocketFlags::CLOEXEC, protocol)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, buffer: vec![0; PIECE] })
    }

    /// The name of an interface in this namespace.
    pub(super) fn interface(&self, index: u32) -> Option<String> {
        rustix::net::netdevice::index_to_name(self.socket.as_fd(), index).ok()
    }

    /// Sends a request and hands every message of the answer to `each`.
    fn ask(&mut self, request: &[u8], flags: u16, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        send(&self.socket, &message(request, flags), SendFlags::empty())?;
        loop {
            let (length, _) = match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::empty()) {
                Err(rustix::io::Errno::INTR) => continue,
                received => received?,
            };
            let mut rest = self.buffer.get(..length).unwrap_or_default();
            while let Some((kind, body, after)) = next(rest) {
                match kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => return refusal(body),
                    _ => each(body),
                }
                rest = after;
            }
            if flags & NLM_F_DUMP == 0 {
                return Ok(());
            }
        }
    }
}

fn message(request: &[u8], flags: u16) -> Vec<u8> {
    let length = u32::try_from(HEADER + request.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + request.len());
    message.extend_from_slice(&length.to_ne_bytes());
    message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(request);
    message
}

/// The kind and the body of the first message, and what follows it.
fn next(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32_at(bytes, 0)? as usize;
    let body = bytes.get(HEADER..length)?;
    Some((u16_at(bytes, 4)?, body, bytes.get(aligned(length)..).unwrap_or_default()))
}

/// A netlink error is a negative errno; 0 acknowledges.
fn refusal(body: &[u8]) -> io::Result<()> {
    match u32_at(body, 0).map(u32::cast_signed) {
        Some(0) | None => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(code.saturating_neg())),
    }
}

/// The attributes behind a message's fixed part: kind and value (include/uapi/linux/netlink.h: struct nlattr).
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let value = bytes.get(4..length)?;
        let kind = u16_at(bytes, 2)?;
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}
