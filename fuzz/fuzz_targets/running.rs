//! Any record of a running machine, beside a server that may be part of it.
#![no_main]

use backlog_audit_fuzz::Ground;
use libfuzzer_sys::fuzz_target;

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| GROUND.with(|ground| ground.running(bytes)));
