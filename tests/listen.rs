//! A property: whatever number a program passes to listen(2), the running kernel makes of it what `kernel::listen` says.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::TcpListener;

use backlog_audit::kernel::listen::accept_queue;
use backlog_audit::kernel::version;
use proptest::prelude::*;
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, listen, recv, sendto, socket_with,
};

const LISTEN: u32 = 10; // TCP_LISTEN in include/net/tcp_states.h

fn word(path: &str) -> String {
    fs::read_to_string(path).unwrap().trim().to_owned()
}

/// What `ss -lnt` shows as Send-Q: `idiag_wqueue` of the sock_diag(7) message for the listener on this port.
fn limit_of(port: u16) -> Option<u32> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(SOCK_DIAG)).unwrap();
    bind(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    sendto(&socket, &all_listeners(), SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let (length, _) = recv(&socket, &mut buffer[..], RecvFlags::empty()).unwrap();
        let mut rest = &buffer[..length];
        while let Some(length) = u32_at(rest, 0).map(|length| length as usize).filter(|length| *length >= 16)
        {
            let kind = u16::from_ne_bytes([rest[4], rest[5]]);
            assert_ne!(kind, 2, "sock_diag refuses the question"); // NLMSG_ERROR
            if kind == 3 {
                return None; // NLMSG_DONE
            }
            // inet_diag_msg: four bytes, then the socket's id, which begins with its port.
            if u16::from_be_bytes([rest[20], rest[21]]) == port {
                return u32_at(rest, 16 + 60);
            }
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
    }
}

/// A netlink header and an `inet_diag_req_v2` (linux/inet_diag.h) that asks for all IPv4 TCP listeners.
fn all_listeners() -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(72_u32.to_ne_bytes());
    message.extend(20_u16.to_ne_bytes()); // SOCK_DIAG_BY_FAMILY
    message.extend(0x301_u16.to_ne_bytes()); // NLM_F_REQUEST | NLM_F_DUMP
    message.extend([0; 8]);
    message.extend([2, 6, 0, 0]); // AF_INET, IPPROTO_TCP
    message.extend((1_u32 << LISTEN).to_ne_bytes());
    message.resize(72, 0);
    message
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn predicted(backlog: i32) -> u32 {
    let running = version::parse(&word("/proc/sys/kernel/osrelease")).unwrap();
    let somaxconn = word("/proc/sys/net/core/somaxconn").parse().unwrap();
    accept_queue(running, backlog.into(), somaxconn).limit.try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_kernel_agrees(backlog in prop_oneof![
        any::<i32>(),
        -2..5000_i32,
        65_530..65_540_i32,
        Just(i32::MIN),
        Just(i32::MAX),
    ]) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listen(&listener, backlog).unwrap();
        let port = listener.local_addr().unwrap().port();
        prop_assert_eq!(limit_of(port), Some(predicted(backlog)));
    }
}
