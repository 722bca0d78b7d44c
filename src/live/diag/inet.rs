//! TCP and MPTCP sockets (include/uapi/linux/inet_diag.h).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Ask, Diag, NLM_F_DUMP, Socket, attributes};
use crate::live::bytes::{port_at, u32_at};
use crate::model::Endpoint;

/// include/uapi/linux/in.h
const IPPROTO_TCP: u8 = 6;
const IPPROTO_MPTCP: u32 = 262;
/// A number that does not fit its field stands in an attribute; kernels that do not know the attribute know no such protocol.
const IPPROTO_IN_ATTRIBUTE: u8 = 255;
/// include/net/tcp_states.h
const TCPF_SYN_RECV: u32 = 1 << 3;
const TCPF_LISTEN: u32 = 1 << 10;
/// struct inet_diag_req_v2 without the socket's id
const REQUEST: usize = 56;
const REQ_BYTECODE: u16 = 1;
const REQ_PROTOCOL: u16 = 3;
/// struct inet_diag_msg
const MESSAGE: usize = 72;
const SKMEMINFO: u16 = 7;
const SKV6ONLY: u16 = 11;
/// include/uapi/linux/sock_diag.h: SK_MEMINFO_DROPS, the ninth number
const MEMINFO_DROPS: usize = 8 * 4;
/// enum inet_diag_bc
const BC_JMP: u8 = 1;
const BC_S_GE: u8 = 2;
const BC_S_LE: u8 = 3;
/// struct inet_diag_bc_op
const OP: u16 = 4;
/// Two comparisons with their operands, and a jump.
const TEST: u16 = 5 * OP;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::live) enum Family {
    V4,
    V6,
}

impl Family {
    pub(in crate::live) const BOTH: [Family; 2] = [Family::V4, Family::V6];

    /// AF_INET, AF_INET6
    fn number(self) -> u8 {
        match self {
            Family::V4 => 2,
            Family::V6 => 10,
        }
    }
}

/// A connection whose handshake is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::live) struct HalfOpened {
    pub(in crate::live) local: IpAddr,
    pub(in crate::live) port: u16,
    pub(in crate::live) peer: IpAddr,
    pub(in crate::live) retried: bool,
}

impl Diag {
    /// All TCP sockets that listen.
    pub(in crate::live) fn tcp(&mut self, ask: Ask) -> io::Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        for family in Family::BOTH {
            self.dump(&Request::tcp(family, TCPF_LISTEN, ask).bytes(), |message| {
                sockets.extend(listening(message, false));
            })?;
        }
        Ok(sockets)
    }

    /// The queues of the TCP sockets that listen on some ports.
    pub(in crate::live) fn tcp_on(&mut self, family: Family, ports: &[u16]) -> io::Result<Vec<Socket>> {
        let mut sockets = Vec::new();
        let mut request = Request::tcp(family, TCPF_LISTEN, Ask::Queues).bytes();
        attribute(&mut request, REQ_BYTECODE, &any_of(ports));
        self.dump(&request, |message| sockets.extend(listening(message, false)))?;
        Ok(sockets)
    }

    /// All MPTCP sockets that listen; none on a kernel without MPTCP.
    pub(in crate::live) fn mptcp(&mut self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        for family in Family::BOTH {
            let protocol = IPPROTO_IN_ATTRIBUTE;
            let mut request = Request { protocol, ..Request::tcp(family, TCPF_LISTEN, Ask::Queues) }.bytes();
            attribute(&mut request, REQ_PROTOCOL, &IPPROTO_MPTCP.to_ne_bytes());
            let asked = self.dump(&request, |message| sockets.extend(listening(message, true)));
            if asked.is_err() {
                break;
            }
        }
        sockets
    }

    /// All connections whose handshake is not finished.
    pub(in crate::live) fn half_open(&mut self) -> io::Result<Vec<HalfOpened>> {
        let mut found = Vec::new();
        for family in Family::BOTH {
            self.dump(&Request::tcp(family, TCPF_SYN_RECV, Ask::Queues).bytes(), |message| {
                found.extend(half_opened(message));
            })?;
        }
        Ok(found)
    }

    fn dump(&mut self, request: &[u8], each: impl FnMut(&[u8])) -> io::Result<()> {
        self.ask(request, NLM_F_DUMP, each)
    }
}

struct Request {
    family: Family,
    protocol: u8,
    states: u32,
    ask: Ask,
}

impl Request {
    fn tcp(family: Family, states: u32, ask: Ask) -> Self {
        Self { family, protocol: IPPROTO_TCP, states, ask }
    }

    fn bytes(&self) -> Vec<u8> {
        let extensions = match self.ask {
            Ask::Everything => 1 << (SKMEMINFO - 1),
            Ask::Queues => 0,
        };
        let mut bytes = vec![self.family.number(), self.protocol, extensions, 0];
        bytes.extend_from_slice(&self.states.to_ne_bytes());
        bytes.resize(REQUEST, 0);
        bytes
    }
}

fn attribute(request: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    request.extend_from_slice(&length.to_ne_bytes());
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(value);
}

/// A program for the kernel that lets sockets on one of the ports pass: for each port two comparisons, then a jump to the
/// end (which accepts); a comparison that fails leads to the next port, that of the last one beyond the end (which rejects).
fn any_of(ports: &[u16]) -> Vec<u8> {
    let mut program = Vec::new();
    let tests = u16::try_from(ports.len()).unwrap_or(u16::MAX);
    for (nth, port) in (1..=tests).zip(ports) {
        let left = (tests - nth).saturating_mul(TEST);
        // From here to the test of the next port; from the last one, one step too far.
        let beyond = if nth == tests { OP } else { 0 };
        operation(&mut program, BC_S_GE, 2 * OP, TEST + beyond);
        operation(&mut program, 0, 0, *port);
        operation(&mut program, BC_S_LE, 2 * OP, TEST - 2 * OP + beyond);
        operation(&mut program, 0, 0, *port);
        operation(&mut program, BC_JMP, OP, left + OP);
    }
    program
}

/// struct inet_diag_bc_op: how far to go if it holds, and if not; the operand of a comparison is a second one.
fn operation(program: &mut Vec<u8>, code: u8, yes: u16, no: u16) {
    program.extend_from_slice(&[code, u8::try_from(yes).unwrap_or(u8::MAX)]);
    program.extend_from_slice(&no.to_ne_bytes());
}

/// A message about a socket that listens.
fn listening(message: &[u8], mptcp: bool) -> Option<Socket> {
    let family = *message.first()?;
    let port = port_at(message, 4)?;
    let ip = address(family, message.get(8..24)?)?;
    let (mut drops, mut v6_only) = (None, false);
    for (kind, value) in attributes(message.get(MESSAGE..)?) {
        match kind {
            SKMEMINFO => drops = u32_at(value, MEMINFO_DROPS),
            SKV6ONLY => v6_only = value.first() == Some(&1),
            _ => {}
        }
    }
    let both = ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !v6_only;
    Some(Socket {
        address: if both { Endpoint::DualStack(port) } else { Endpoint::tcp(ip, port) },
        interface: u32_at(message, 40)?,
        mptcp,
        cookie: u64::from(u32_at(message, 44)?) | u64::from(u32_at(message, 48)?) << 32,
        queued: u32_at(message, 56)?,
        limit: u32_at(message, 60)?,
        uid: u32_at(message, 64)?,
        inode: u32_at(message, 68)?,
        drops,
    })
}

fn half_opened(message: &[u8]) -> Option<HalfOpened> {
    let family = *message.first()?;
    Some(HalfOpened {
        port: port_at(message, 4)?,
        local: address(family, message.get(8..24)?)?,
        peer: address(family, message.get(24..40)?)?,
        retried: *message.get(3)? > 0,
    })
}

/// An address of 16 bytes, of which IPv4 uses four.
fn address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    if family == Family::V4.number() {
        return Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes.get(..4)?).ok()?)));
    }
    Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// The kernel checks the program and runs it: this asks about sockets of our own.
    #[test]
    fn a_filter_by_port_lets_those_ports_pass_and_no_other() {
        let listeners: Vec<TcpListener> =
            (0..40).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = listeners.iter().map(|it| it.local_addr().unwrap().port()).collect();
        let mut diag = Diag::open().unwrap();
        for wanted in [&ports[..1], &ports[3..5], &ports[..]] {
            let mut found: Vec<u16> = diag
                .tcp_on(Family::V4, wanted)
                .unwrap()
                .iter()
                .filter(|socket| socket.address.to_string().starts_with("127.0.0.1:"))
                .filter_map(|socket| socket.address.port())
                .collect();
            found.sort_unstable();
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_listener_shows_its_limit_and_what_waits() {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _clients = [TcpStream::connect(address).unwrap(), TcpStream::connect(address).unwrap()];
        let mut diag = Diag::open().unwrap();
        let sockets = diag.tcp(Ask::Everything).unwrap();
        let socket = sockets.iter().find(|it| it.address.to_string() == address.to_string()).unwrap();
        assert_eq!((socket.queued, socket.drops), (2, Some(0)));
        // Rust's standard library asks for 128 (library/std/src/sys/net/connection/socket.rs).
        assert!(socket.limit <= 128 && socket.inode > 0 && socket.cookie > 0);
    }
}
