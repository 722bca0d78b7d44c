//! What became of the files: a line each where that is asked for; where nothing listens, those that were taken in.

use super::{Page, plain};
use crate::model::FileSeen;
use crate::report::columns::{self, Cell, Column};

/// Files that are named where nothing in them listens.
const NAMED: usize = 6;

/// What is no file of a service, though it was read.
const BESIDE: [&str; 8] =
    ["compose", "dockerfile", "part", "procfile", "script", "supervisor", "sysctl", "unit"];

impl Page<'_> {
    /// Every file: what it was read as, or why not.
    pub(super) fn every_file(&self) -> String {
        let cell = |text: Option<&str>| Cell::from(plain::inline(text.unwrap_or("-")));
        let row = |file: &FileSeen| {
            let path = match &file.root {
                Some(root) => format!("{root}/{}", file.path),
                None => file.path.clone(),
            };
            vec![cell(Some(&path)), cell(file.read_as.as_deref()), Cell::from(why(file))]
        };
        let mut files: Vec<&FileSeen> = self.report.seen_files.iter().collect();
        files.sort_by_key(|file| is_other(file));
        let rows: Vec<Vec<Cell>> = files.into_iter().map(row).collect();
        let columns = [Column::left("file"), Column::left("read as"), Column::left("why")];
        columns::lines(&columns, &rows, self.screen).join("\n") + "\n\n"
    }

    /// Where nothing listens: what was read, the files of services first.
    pub(super) fn taken_in(&self) -> String {
        let is_beside = |file: &&FileSeen| {
            let read_as = file.read_as.as_deref().unwrap_or_default();
            BESIDE.contains(&read_as)
        };
        let taken = self.report.seen_files.iter().filter(|file| file.read_as.is_some());
        let (beside, own): (Vec<&FileSeen>, Vec<&FileSeen>) = taken.partition(is_beside);
        let name = |file: &&FileSeen| {
            format!("{} as {}", plain::inline(&file.path), file.read_as.as_deref().unwrap_or_default())
        };
        let named: Vec<String> = own.iter().chain(&beside).take(NAMED).map(name).collect();
        let more = (own.len() + beside.len()).saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more; --show-files lists all") } else { String::new() };
        let mut text = String::new();
        if !named.is_empty() {
            let read = format!("Read without finding a listener: {}{more}.", named.join(", "));
            text.push_str(&self.screen.hang("", &read));
        }
        let mut out: Vec<&FileSeen> =
            self.report.seen_files.iter().filter(|file| file.read_as.is_none()).collect();
        out.sort_by_key(|file| is_other(file));
        if !out.is_empty() && !self.report.shows_files {
            let names: Vec<String> = out.iter().take(NAMED).map(|file| plain::inline(&file.path)).collect();
            let more = out.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let left = format!("Left out (tests, examples, third-party code): {}{more}.", names.join(", "));
            text.push_str(&self.screen.hang("", &left));
        }
        if text.is_empty() { text } else { text + "\n" }
    }
}

fn why(file: &FileSeen) -> String {
    file.why.as_deref().map_or(String::new(), plain::said)
}

/// What is never taken in comes last: nobody has to do anything about it.
fn is_other(file: &FileSeen) -> bool {
    file.why.as_deref().is_some_and(|why| why.starts_with("left out"))
}
