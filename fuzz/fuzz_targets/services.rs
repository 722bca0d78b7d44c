//! Any bytes as the files of any service: each piece between zero bytes is a path, a line end and what that file holds.
#![no_main]

use backlog_audit_fuzz::{Ground, tree};
use libfuzzer_sys::{Corpus, fuzz_target};

thread_local!(static GROUND: Ground = Ground::default());

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some(files) = tree(bytes) else { return Corpus::Reject };
    GROUND.with(|ground| ground.audit(&files));
    Corpus::Keep
});
