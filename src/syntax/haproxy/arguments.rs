//! HAProxy's command line (init() in src/haproxy.c): its files, and what stands beside them.

use super::bind::Number;
use crate::text::{Span, Text};

/// What a command line that starts HAProxy says.
#[derive(Debug, Default)]
pub struct Arguments {
    /// `-f`, and what stands behind `--`: files and folders.
    pub files: Vec<Text>,
    /// `-n`, and `-N`.
    pub maxconn: Option<Number>,
    pub proxy_maxconn: Option<Number>,
    /// `-m` or `-M`.
    pub memory: Option<Span>,
    /// `-L`.
    pub local_peer: Option<String>,
    /// `-W`.
    pub master: bool,
    /// `-S`: sockets of the master.
    pub sockets: Vec<Text>,
}

impl Arguments {
    /// Nothing, where it starts none: it only looks at the files, or prints something.
    pub fn read(arguments: &[Text]) -> Option<Self> {
        let mut read = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str().strip_prefix('-')? {
                "c" | "cc" | "v" | "vv" => return None,
                "W" | "Ws" => read.master = true,
                "-" => read.files.extend(words.by_ref().cloned()),
                "f" => read.files.extend(words.next().cloned()),
                "n" => read.maxconn = words.next().map(Number::of),
                "N" => read.proxy_maxconn = words.next().map(Number::of),
                "m" | "M" => read.memory = words.next().map(|word| word.span()),
                "L" => read.local_peer = words.next().map(|word| word.as_str().to_owned()),
                "S" => read.sockets.extend(words.next().cloned()),
                "sf" | "st" => {
                    let is_pid = |word: &&Text| !word.as_str().starts_with('-');
                    let pids = words.clone().take_while(is_pid).count();
                    words.by_ref().take(pids).for_each(drop);
                }
                "C" | "p" | "x" => {
                    words.next();
                }
                _ => {}
            }
        }
        Some(read)
    }
}
