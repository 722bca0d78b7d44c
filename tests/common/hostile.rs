//! A tree made to hang, blow up or lead astray, and what one audit of it may cost.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// Seconds of a processor, which other work on the machine does not make more: a slow one takes ten for the largest of these trees,
/// without optimisation.
const PROCESSOR: u32 = 25;
/// Seconds of waiting, for what would sleep for ever.
const PATIENCE: u32 = 120;
/// Address space in KiB; what is resident is less.
const MEMORY: u32 = 400 << 10;

pub struct Hostile(TempDir);

impl Default for Hostile {
    fn default() -> Self {
        Self::new()
    }
}

impl Hostile {
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir_all(scratch.path().join("root/etc/nginx")).unwrap();
        Self(scratch)
    }

    /// A file beside the tree, where no audit has anything to look for.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn path(&self, path: &str) -> PathBuf {
        let path = self.0.path().join("root").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(path), text).unwrap();
        self
    }

    pub fn link(self, target: &str, path: &str) -> Self {
        symlink(target, self.path(path)).unwrap();
        self
    }

    pub fn fifo(self, path: &str) -> Self {
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(rustix::fs::CWD, self.path(path), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        self
    }

    pub fn sparse(self, path: &str) -> Self {
        File::create(self.path(path)).unwrap().set_len(8 << 30).unwrap();
        self
    }

    /// What one audit says, or how it did not come to its end.
    pub fn audit(&self, format: &str) -> Result<Output, String> {
        let limits =
            format!("ulimit -v {MEMORY}; ulimit -t {PROCESSOR}; exec timeout {PATIENCE} \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &limits, env!("CARGO_BIN_EXE_backlog-audit")])
            .args(["--offline", "--as", "root", "--fail-on", "never", "--format", format])
            .arg(self.0.path().join("root"))
            .output()
            .unwrap();
        if output.status.success() {
            return Ok(output);
        }
        Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
    }

    pub fn run(&self, format: &str) -> Output {
        self.audit(format).unwrap_or_else(|how| panic!("{how}"))
    }

    /// The findings' rule, path and message; the audit also ends when a person reads it.
    pub fn findings(&self) -> Vec<[String; 3]> {
        self.run("human");
        let report: Value = serde_json::from_slice(&self.run("json").stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = report["findings"].as_array().unwrap().iter();
        rows.map(|it| [text(&it["rule"]), text(&it["at"]["path"]), text(&it["message"])]).collect()
    }

    /// The audit names the file, and gives a reason with this word in it.
    pub fn says(&self, path: &str, word: &str) {
        let findings = self.findings();
        let said = findings.iter().any(|[_, at, message]| at == path && message.contains(word));
        assert!(said, "no finding at {path} says {word:?}: {findings:#?}");
    }
}
