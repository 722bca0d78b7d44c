//! What a distribution's package manager says is installed: dpkg's status file, apk's list, and lists that are made of rpm's
//! database, which is not read itself.

use std::path::Path;

use memchr::memmem;

use crate::text::{Sources, Tree};

/// Each list of packages: where it is, how a line names a package, and how one gives its version.
const LISTS: [(&str, &str, &str); 2] =
    [("var/lib/dpkg/status", "Package: ", "Version: "), ("lib/apk/db/installed", "P:", "V:")];

/// The version of an installed package as its distribution writes it, e.g. `1.22.1-9+deb12u11`.
pub fn installed(sources: &Sources, tree: &Tree, package: &str) -> Option<String> {
    let by_paragraph = LISTS.iter().find_map(|(path, named, versioned)| {
        let list = sources.bytes(tree.read(sources, Path::new(path)).ok()?);
        version(list, &format!("{named}{package}\n"), versioned)
    });
    by_paragraph.or_else(|| {
        let lists = RPM.iter().filter_map(|path| tree.read(sources, Path::new(path)).ok());
        lists.into_iter().find_map(|list| of_rpm(sources.bytes(list), package))
    })
}

/// `rpm -qa` as sosreport keeps it, and the manifest of images that have no rpm.
const RPM: [&str; 2] = ["installed-rpms", "var/lib/rpmmanifest/container-manifest-1"];

/// `nginx-1.20.1-14.el9.x86_64`, at the start of a line and before a blank.
fn of_rpm(list: &[u8], package: &str) -> Option<String> {
    let lines = list.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines.filter_map(|line| line.split_whitespace().next()).find_map(|name| {
        let version = name.strip_prefix(package)?.strip_prefix('-')?;
        version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
    })
}

/// Packages are paragraphs: lines up to an empty one.
fn version(list: &[u8], named: &str, versioned: &str) -> Option<String> {
    let line = memmem::find_iter(list, named)
        .find(|at| *at == 0 || at.checked_sub(1).and_then(|before| list.get(before)) == Some(&b'\n'))?;
    let start = memmem::rfind(list.get(..line)?, b"\n\n").map_or(0, |blank| blank + 2);
    let paragraph = list.get(start..)?;
    let end = memmem::find(paragraph, b"\n\n").unwrap_or(paragraph.len());
    let mut lines = paragraph.get(..end)?.split(|byte| *byte == b'\n');
    let found = lines.find_map(|line| line.strip_prefix(versioned.as_bytes()))?;
    Some(String::from_utf8_lossy(found).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_in_its_own_paragraph() {
        let list = b"Package: nginx-common\nVersion: 9\n\nDescription: see\n Package: nginx\nVersion: 8\n\n\
            Version: 1.22.1-9\nPackage: nginx\nStatus: install ok installed\n\nPackage: z\nVersion: 7\n";
        let of = |name: &str| version(list, &format!("Package: {name}\n"), "Version: ");
        assert_eq!(of("nginx"), Some("1.22.1-9".into()));
        assert_eq!(of("z"), Some("7".into()));
        assert_eq!(of("common"), None);
        let rpm = b"nginx-core-9.9-1.x86_64\nnginx-1.20.1-14.el9.x86_64  Tue 01 Nov\n";
        assert_eq!(of_rpm(rpm, "nginx"), Some("1.20.1-14.el9.x86_64".into()));
        assert_eq!(of_rpm(rpm, "httpd"), None);
        assert_eq!(version(b"P:nginx\nV:1.26.2-r0\n\n", "P:nginx\n", "V:"), Some("1.26.2-r0".into()));
    }
}
