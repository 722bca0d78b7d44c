//! Any bytes as several files that speak of one another.
#![no_main]

use backlog_audit_fuzz::{Ground, pieces};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 11] = [
    "backlog-audit.toml",
    "etc/fstab",
    "etc/hosts",
    "etc/nginx/conf.d/a.conf",
    "etc/nginx/nginx.conf",
    "etc/os-release",
    "etc/sysctl.conf",
    "etc/sysctl.d/90-a.conf",
    "etc/tomcat10/catalina.properties",
    "etc/tomcat10/server.xml",
    "srv/app/server.ts",
];

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| GROUND.with(|ground| ground.audit(&pieces(&PATHS, bytes))));
