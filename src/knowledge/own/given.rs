//! Files that an option of the command line names.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::knowledge::Broken;
use crate::text::tree::MAX_FILE;

/// The bytes of the file that an option names; a pipe is read too. `help` ends the sentence where there is no file.
pub fn read_given(option: &str, path: &Path, help: &str) -> Result<Vec<u8>, Broken> {
    let shown = path.display();
    let broken = |message: String| Broken { name: option.to_owned(), message, at: None };
    if path.is_dir() {
        return Err(broken(format!("{shown} is a folder, not a file{help}")));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > MAX_FILE => {
            Err(broken(format!("{shown} is larger than {} MiB, the most that is read", MAX_FILE >> 20)))
        }
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let several = shown.to_string().contains(',');
            let help = if several { "; the option takes one file" } else { help };
            Err(broken(format!("there is no file {shown}{help}")))
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(broken(format!("{shown} cannot be read: permission denied")))
        }
        Err(error) => Err(broken(format!("{shown} cannot be read: {error}"))),
    }
}
