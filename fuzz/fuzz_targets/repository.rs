//! Any bytes as the files and links of a repository, its ignore files and its policy among them.
#![no_main]

use backlog_audit_fuzz::{Ground, pieces};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 12] = [
    ".git/info/exclude",
    ".gitignore",
    "a/.git",
    "a/.gitignore",
    "a/nginx.conf",
    "a/link",
    "backlog-audit.toml",
    "etc/nginx/conf.d/link",
    "etc/nginx/nginx.conf",
    "etc/sysctl.d/90-a.conf",
    "link",
    "rules/own.toml",
];

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| GROUND.with(|ground| ground.repository(&pieces(&PATHS, bytes))));
