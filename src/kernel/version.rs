//! Which kernel the files will run on.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Asked;
use crate::knowledge::Knowledge;
use crate::model::{Kernel, Kind, ReadAs, Value, Version};
use crate::text::{Origin, Sources, Span, Tree};

/// What is assumed when nothing tells: a kernel that behaves as those of today do.
const MODERN: Version = Version::new(6, 12, 0);

/// Folders with one entry a kernel, and what precedes the release in its name (hier(7), installkernel(8)).
const INSTALLED: [(&str, &str); 3] = [("usr/lib/modules", ""), ("lib/modules", ""), ("boot", "vmlinuz-")];

/// `--kernel`, else the running one, else the newest in the tree, else the distribution's, else assumed modern.
pub fn read(sources: &Sources, tree: &Tree, knowledge: &Knowledge, read_as: ReadAs, asked: &Asked) -> Kernel {
    flag(knowledge, asked)
        .or_else(|| running(sources, asked))
        .or_else(|| installed(sources, tree, read_as))
        .or_else(|| distribution(sources, tree, knowledge, read_as))
        .unwrap_or_else(|| assumed(knowledge))
}

/// The version of a release such as `5.15.0-91-generic`; `None` if it does not start like one.
pub fn parse(release: &str) -> Option<Version> {
    let (version, rest) = Version::parse(release.trim())?;
    // `6.x` or `5.4abc` is no release, `4.18.0-305.el8`, `6.12.43+deb13-amd64`, `6.6.87.2-microsoft` and `6.9-rc1` are.
    let joined = rest.chars().next().is_none_or(|next| matches!(next, '-' | '+' | '.' | '_' | '~'));
    joined.then_some(version)
}

/// A kernel by its release. Distributions add to the version what they built it from.
fn kernel(release: &str, span: Span, kind: Kind) -> Option<Kernel> {
    let release = release.trim();
    let version = Value { get: parse(release)?, span, kind };
    let vendor = Version::parse(release).is_some_and(|(_, rest)| !rest.is_empty());
    Some(Kernel::named(version, release, vendor))
}

/// One that is newer than any that is known is taken for the newest of those.
fn flag(knowledge: &Knowledge, asked: &Asked) -> Option<Kernel> {
    let (release, span) = asked.kernel.as_ref()?;
    let mut kernel = kernel(release, *span, Kind::Written)?;
    if let Some(newest) = knowledge.kernel.systems.newest() {
        kernel.version.get = kernel.version.get.min(newest.get);
    }
    Some(kernel)
}

fn running(sources: &Sources, asked: &Asked) -> Option<Kernel> {
    if !asked.live {
        return None;
    }
    let (release, span) = super::live::reading(sources, "kernel.osrelease")?;
    kernel(&release, span, Kind::Live)
}

fn installed(sources: &Sources, tree: &Tree, read_as: ReadAs) -> Option<Kernel> {
    if !matches!(read_as, ReadAs::Root | ReadAs::Etc) {
        return None;
    }
    let all = INSTALLED.iter().flat_map(|(folder, before)| {
        let names = tree.list(Path::new(folder)).into_iter();
        names.filter_map(move |name| candidate(Path::new(folder), before, &name))
    });
    let (_, release, path) = all.max()?;
    // A folder has no text: its name is what can be seen.
    let origin = Origin::File { root: tree.label().map(str::to_owned), path };
    let source = sources.add(origin, release.clone().into_bytes());
    kernel(&release, Span::new(source, 0..release.len()), Kind::Written)
}

fn candidate(folder: &Path, before: &str, name: &OsStr) -> Option<(Version, String, PathBuf)> {
    let release = std::str::from_utf8(name.as_bytes().strip_prefix(before.as_bytes())?).ok()?;
    Some((parse(release)?, release.to_owned(), folder.join(name)))
}

/// The kernel that the distribution ships, where the tree is a machine: an image runs on the kernel of its host.
fn distribution(sources: &Sources, tree: &Tree, knowledge: &Knowledge, read_as: ReadAs) -> Option<Kernel> {
    if !matches!(read_as, ReadAs::Root | ReadAs::Etc) || !has_root_file_system(sources, tree) {
        return None;
    }
    let release = knowledge.kernel.systems.release(sources, tree)?;
    let known = knowledge.kernel.systems.distribution(&release)?;
    let mut kernel = Kernel::named(known.kernel.clone(), &known.kernel.get.to_string(), true);
    kernel.also.clone_from(&known.also);
    kernel.build.clone_from(&known.build);
    kernel.of = Some(knowledge.kernel.systems.name(known, &release));
    if knowledge.kernel.differs(&kernel) {
        kernel.version.kind = Kind::Assumed;
    }
    Some(kernel)
}

/// fstab(5): the second field is the mount point.
fn has_root_file_system(sources: &Sources, tree: &Tree) -> bool {
    let Ok(source) = tree.read(sources, Path::new("etc/fstab")) else { return false };
    let text = String::from_utf8_lossy(sources.bytes(source));
    let entries = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
    entries.into_iter().any(|line| line.split_whitespace().nth(1) == Some("/"))
}

fn assumed(knowledge: &Knowledge) -> Kernel {
    let version = Value { get: MODERN, span: Span::top(knowledge.kernel.source), kind: Kind::Assumed };
    Kernel::named(version, &MODERN.to_string(), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::Scratch;

    #[test]
    fn releases_are_read_as_distributions_write_them() {
        for (release, version) in [
            ("4.18", Version::new(4, 18, 0)),
            ("5.15.0-91-generic", Version::new(5, 15, 0)),
            ("6.1.0-18-amd64", Version::new(6, 1, 0)),
            ("3.10.0-1160.el7.x86_64", Version::new(3, 10, 0)),
            ("6.12.43+deb13-amd64", Version::new(6, 12, 43)),
            ("6.6.87.2-microsoft-standard-WSL2", Version::new(6, 6, 87)),
            ("2.6.32-754.el6", Version::new(2, 6, 32)),
            ("6.9-rc1", Version::new(6, 9, 0)),
            (" 5.4.0\n", Version::new(5, 4, 0)),
        ] {
            assert_eq!(parse(release), Some(version), "{release}");
        }
        for release in ["", "6", "6.x", "modern", "-1.2", "70000.1", "5.4abc", "v6.1"] {
            assert_eq!(parse(release), None, "{release}");
        }
        assert!(
            Version::new(4, 9, 0) < Version::new(4, 18, 0) && Version::new(5, 3, 99) < Version::new(5, 4, 0)
        );
    }

    fn of(scratch: &Scratch, read_as: ReadAs, asked: &Asked) -> (String, Kind, bool) {
        let sources = Sources::new();
        let knowledge = Knowledge::load(&sources).unwrap();
        let kernel = read(&sources, &scratch.tree(), &knowledge, read_as, asked);
        (kernel.release, kernel.version.kind, kernel.vendor)
    }

    #[test]
    fn the_newest_installed_kernel_counts() {
        let scratch = Scratch::new(
            "installed",
            &[
                ("usr/lib/modules/5.10.0-9-amd64/modules.dep", ""),
                ("usr/lib/modules/5.4.0-100-generic/modules.dep", ""),
                ("boot/vmlinuz-5.10.0-20-amd64", ""),
                ("boot/vmlinuz-old", ""),
                ("boot/initrd.img-6.1.0-1-amd64", ""),
            ],
        );
        let none = Asked::default();
        assert_eq!(of(&scratch, ReadAs::Root, &none), ("5.10.0-9-amd64".into(), Kind::Written, true));
        assert_eq!(of(&scratch, ReadAs::Repo, &none).1, Kind::Assumed);
        let sources = Sources::new();
        let asked = Asked { kernel: Some(("4.18".into(), sources.flag("--kernel", "4.18"))), ..none };
        assert_eq!(of(&scratch, ReadAs::Root, &asked), ("4.18".into(), Kind::Written, false));
    }

    #[test]
    fn a_kernel_of_the_future_is_taken_for_the_newest_that_is_known() {
        let sources = Sources::new();
        let knowledge = Knowledge::load(&sources).unwrap();
        let flag = |release: &str| {
            let kernel = Some((release.to_owned(), sources.flag("--kernel", release)));
            super::flag(&knowledge, &Asked { kernel, ..Asked::default() }).unwrap()
        };
        let newest = knowledge.kernel.systems.newest().unwrap().get;
        let kernel = flag("99.1.2-generic");
        assert_eq!((kernel.version.get, kernel.release.as_str()), (newest, "99.1.2-generic"));
        assert!(kernel.is_newer_than_known() && !flag("6.1").is_newer_than_known());
    }

    #[test]
    fn a_distribution_tells_the_kernel_of_a_machine_but_not_of_an_image() {
        let release = "NAME=x\nID=\"rocky\"\nID_LIKE=rhel\nVERSION_ID=\"8.9\"\n";
        let machine =
            [("etc/os-release", release), ("etc/fstab", "# /dev/sda2 / ext4\nUUID=1 / xfs defaults 0 0\n")];
        let found = of(&Scratch::new("machine", &machine), ReadAs::Root, &Asked::default());
        assert_eq!(found, ("4.18".into(), Kind::Default, true));
        let copied = [("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=16.04\n"), machine[1]];
        let found = of(&Scratch::new("copied", &copied), ReadAs::Root, &Asked::default());
        assert_eq!(found, ("4.4".into(), Kind::Default, true));
        // Its kernels differ in what they allow.
        let several = [("etc/system-release", "Amazon Linux release 2 (Karoo)\n"), machine[1]];
        let found = of(&Scratch::new("several", &several), ReadAs::Root, &Asked::default());
        assert_eq!(found, ("5.10".into(), Kind::Assumed, true));
        let image = [("etc/os-release", release), ("etc/fstab", "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n")];
        let found = of(&Scratch::new("image", &image), ReadAs::Root, &Asked::default());
        assert_eq!(found, (MODERN.to_string(), Kind::Assumed, false));
    }
}
