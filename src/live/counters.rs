//! The counters of a network namespace, as /proc/net/netstat and /proc/net/snmp print them: a line of names, then a line of
//! numbers (net/ipv4/proc.c).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::model::{Counter, Counters};

/// The files, opened once: they go on telling of the namespace in which they were opened.
#[derive(Debug)]
pub(super) struct CounterFiles {
    files: [File; 2],
    protocols: Option<File>,
    buffer: Vec<u8>,
}

impl CounterFiles {
    /// Opens those of the calling thread's namespace: `/proc/net` would be that of the whole process.
    pub(super) fn open() -> io::Result<Self> {
        let open = |name| File::open(format!("/proc/thread-self/net/{name}"));
        let files = [open("netstat")?, open("snmp")?];
        Ok(Self { files, protocols: open("protocols").ok(), buffer: vec![0; 64 << 10] })
    }

    /// Whether there are MPTCP sockets in this namespace, or may be: to look for them the kernel walks through all listeners.
    /// `counted`: this kernel says how many there are.
    pub(super) fn has_mptcp(&mut self, counted: bool) -> bool {
        let Some(file) = &self.protocols else { return true };
        let Ok(length) = whole(file, &mut self.buffer) else { return true };
        let text = String::from_utf8_lossy(self.buffer.get(..length).unwrap_or_default());
        // protocol, size, sockets, ... (net/core/sock.c: proto_seq_printf)
        let sockets = |line: &str| line.split_ascii_whitespace().nth(2)?.parse::<i64>().ok();
        let mut protocols = text.lines().filter(|line| line.starts_with("MPTCP"));
        protocols.any(|line| !counted || sockets(line) != Some(0))
    }

    pub(super) fn read(&mut self) -> io::Result<Counters> {
        let mut counters = Counters::default();
        for file in &self.files {
            let length = whole(file, &mut self.buffer)?;
            let text = String::from_utf8_lossy(self.buffer.get(..length).unwrap_or_default());
            counters.0.extend(parse(&text));
        }
        Ok(counters)
    }
}

/// Reads a file of /proc from its start; what does not fit into the buffer does not concern us.
fn whole(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn parse(text: &str) -> Vec<(Counter, u64)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let group = names.split(':').next().unwrap_or_default();
        let pairs = names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace());
        for (name, number) in pairs.skip(1) {
            let counter =
                Counter::ALL.into_iter().find(|counter| counter.nstat().strip_prefix(group) == Some(name));
            if let (Some(counter), Ok(number)) = (counter, number.parse()) {
                found.push((counter, number));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_stand_in_two_lines() {
        let text = "TcpExt: SyncookiesSent ListenOverflows New\nTcpExt: 3 17 9\n\
                    IpExt: ListenDrops\nIpExt: 5\nTcp: RtoMin PassiveOpens\nTcp: 200 41\n";
        let counters = Counters(parse(text).into_iter().collect());
        assert_eq!(counters.get(Counter::ListenOverflows), Some(17));
        assert_eq!(counters.get(Counter::SyncookiesSent), Some(3));
        assert_eq!(counters.get(Counter::PassiveOpens), Some(41));
        assert_eq!(counters.get(Counter::ListenDrops), None, "it is another group's");
        assert_eq!(parse("TcpExt: ListenDrops\n"), []);
    }

    #[test]
    fn the_running_kernel_counts_all_of_them() {
        let mut files = CounterFiles::open().unwrap();
        let counters = files.read().unwrap();
        assert_eq!(counters.0.len(), Counter::ALL.len());
        assert_eq!(files.read().unwrap().0.len(), Counter::ALL.len(), "the files can be read again");
    }
}
