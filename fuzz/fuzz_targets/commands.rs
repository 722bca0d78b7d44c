//! Any bytes as the files that start programs, and as what they lead to.
#![no_main]

use backlog_audit_fuzz::{Ground, pieces};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 14] = [
    "etc/default/app",
    "etc/supervisor/conf.d/app.conf",
    "etc/supervisor/supervisord.conf",
    "etc/systemd/system.conf",
    "etc/systemd/system/app.service",
    "etc/systemd/system/app.service.d/a.conf",
    "etc/systemd/system/app@.service",
    "srv/app/.env",
    "srv/app/Dockerfile",
    "srv/app/Procfile",
    "srv/app/docker-compose.yml",
    "srv/app/entrypoint.sh",
    "srv/app/package.json",
    "usr/lib/systemd/system/app.service",
];

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| GROUND.with(|ground| ground.audit(&pieces(&PATHS, bytes))));
