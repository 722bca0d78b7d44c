//! Any bytes as /etc/hosts, beside a server that needs it.
#![no_main]

use backlog_audit_fuzz::Ground;
use libfuzzer_sys::fuzz_target;

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| GROUND.with(|ground| ground.audit(&[("etc/hosts", bytes), ("etc/nginx/nginx.conf", b"events {} http { server { listen localhost:80; listen a:80; } }")])));
