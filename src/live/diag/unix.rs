//! Unix stream sockets (include/uapi/linux/unix_diag.h).

use std::io;

use super::{Diag, NLM_F_DUMP, Socket, attributes};
use crate::live::bytes::u32_at;
use crate::model::Endpoint;

const AF_UNIX: u8 = 1;
const SOCK_STREAM: u8 = 1;
const TCPF_LISTEN: u32 = 1 << 10;
const SHOW_NAME: u32 = 1;
const SHOW_RQLEN: u32 = 0x10;
const SHOW_UID: u32 = 0x40;
/// struct unix_diag_msg
const MESSAGE: usize = 16;
const NAME: u16 = 0;
const RQLEN: u16 = 4;
const UID: u16 = 7;

impl Diag {
    /// All unix stream sockets that listen.
    pub(in crate::live) fn unix(&mut self) -> io::Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        let all = request(0, 0, SHOW_NAME | SHOW_RQLEN | SHOW_UID);
        self.ask(&all, NLM_F_DUMP, |message| sockets.extend(listening(message)))?;
        Ok(sockets)
    }

    /// How many wait at one socket; nothing if it is gone.
    pub(in crate::live) fn unix_queue(&mut self, socket: &Socket) -> Option<u32> {
        let mut queued = None;
        let one = request(socket.inode, socket.cookie, SHOW_RQLEN);
        self.ask(&one, 0, |message| queued = listening(message).map(|it| it.queued)).ok()?;
        queued
    }
}

/// struct unix_diag_req
fn request(inode: u32, cookie: u64, show: u32) -> Vec<u8> {
    let mut bytes = vec![AF_UNIX, 0, 0, 0];
    bytes.extend_from_slice(&TCPF_LISTEN.to_ne_bytes());
    bytes.extend_from_slice(&inode.to_ne_bytes());
    bytes.extend_from_slice(&show.to_ne_bytes());
    let halves = [cookie & u64::from(u32::MAX), cookie >> 32];
    bytes.extend(halves.iter().flat_map(|half| u32::try_from(*half).unwrap_or(0).to_ne_bytes()));
    bytes
}

fn listening(message: &[u8]) -> Option<Socket> {
    if *message.get(1)? != SOCK_STREAM {
        return None;
    }
    let (mut name, mut queues, mut uid) = (String::new(), None, 0);
    for (kind, value) in attributes(message.get(MESSAGE..)?) {
        match kind {
            NAME => name = shown(value),
            RQLEN => queues = Some((u32_at(value, 0)?, u32_at(value, 4)?)),
            UID => uid = u32_at(value, 0)?,
            _ => {}
        }
    }
    let (queued, limit) = queues?;
    Some(Socket {
        address: Endpoint::Unix(name),
        interface: 0,
        mptcp: false,
        limit,
        queued,
        drops: None,
        inode: u32_at(message, 4)?,
        uid,
        cookie: u64::from(u32_at(message, 8)?) | u64::from(u32_at(message, 12)?) << 32,
    })
}

/// A name as `ss` prints it: an abstract one, which starts with a zero byte, starts with an `@`.
fn shown(name: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', "@");
    text(name.strip_suffix(b"\0").filter(|rest| !rest.is_empty()).unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_unix_listener_shows_its_path_and_what_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("here.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let _client = UnixStream::connect(&path).unwrap();
        let mut diag = Diag::open().unwrap();
        let sockets = diag.unix().unwrap();
        let socket =
            sockets.iter().find(|it| it.address == Endpoint::Unix(path.to_string_lossy().into())).unwrap();
        assert_eq!(socket.queued, 1);
        assert_eq!(diag.unix_queue(socket), Some(1));
    }

    #[test]
    fn an_abstract_name_starts_with_an_at_sign() {
        assert_eq!(shown(b"\0name"), "@name");
        assert_eq!(shown(b"/run/x.sock\0"), "/run/x.sock");
        assert_eq!(shown(b""), "");
    }
}
