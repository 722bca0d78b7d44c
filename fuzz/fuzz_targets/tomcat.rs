//! Any bytes as Tomcat's server.xml.
#![no_main]

use backlog_audit_fuzz::Ground;
use libfuzzer_sys::fuzz_target;

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| GROUND.with(|ground| ground.audit(&[("etc/tomcat10/server.xml", bytes)])));
