//! The C library that the programs of a place were built with: its SOMAXCONN is a number of their own, whatever the kernel's is.

use super::{Ask, Ground};
use crate::knowledge::{Release, Systems};
use crate::model::{Kind, Setting, Step, Value};
use crate::syntax::packages;
use crate::text::Span;

/// What a machine has whose C library is musl.
const MUSL: [&str; 4] =
    ["etc/alpine-release", "etc/openwrt_release", "lib/apk/db/installed", "lib/ld-musl-*"];
/// glibc's own files up to 2.33 have its version in their names.
const GLIBC: [&str; 4] =
    ["lib/*/libc-2.*.so", "lib64/libc-2.*.so", "usr/lib/*/libc-2.*.so", "usr/lib64/libc-2.*.so"];
/// SOMAXCONN of glibc since 2.31.
const SOMAXCONN: i64 = 4096;
const PACKAGES: [&str; 2] = ["libc6", "glibc"];

/// The constant, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Somaxconn {
    pub(super) number: i64,
    /// `musl`, `glibc 2.28`, or `glibc` where its version is not known.
    pub(super) library: String,
    pub(super) kind: Kind,
}

impl Somaxconn {
    /// Whether it is that of an old library.
    pub(super) fn is_short(&self) -> bool {
        self.number < SOMAXCONN
    }
}

impl Ground<'_> {
    /// SOMAXCONN as the C library's headers have it; glibc of today where nothing tells.
    pub(super) fn somaxconn(&self) -> Somaxconn {
        let systems = &self.knowledge.kernel.systems;
        let found = self.libc_of_images(systems).or_else(|| self.libc(systems));
        let (libc, kind) = match &found {
            Some(libc) => (libc.as_str(), Kind::Default),
            None => ("2.31", Kind::Assumed),
        };
        let library = match &found {
            Some(libc) if libc == "musl" => libc.clone(),
            Some(version) => format!("glibc {version}"),
            None => "glibc".to_owned(),
        };
        Somaxconn { number: systems.somaxconn(libc).unwrap_or(SOMAXCONN), library, kind }
    }

    /// What a program asks for that names the constant, by the service's own rows for it.
    pub(super) fn ask_for_somaxconn(&self, named: &str, at: Span) -> Ask {
        let ask = self.library_constant();
        let what = format!("the program requests {named}");
        let asked = ask.backlog.value.as_ref().map(|it| Step { value: Some(it.get), what, at });
        ask.after(asked)
    }

    /// The constant itself, which nobody wrote.
    pub(super) fn library_constant(&self) -> Ask {
        let somaxconn = self.somaxconn();
        let row = if somaxconn.is_short() { "SOMAXCONN-short" } else { "SOMAXCONN" };
        let Some(constant) = self.service.default(row) else { return Ask::default() };
        let (value, library) = (Some(constant.get), somaxconn.library);
        let what = format!("a constant of the C library, {} with {library}", constant.get);
        let steps = vec![Step { value, what, at: constant.span }];
        let value = Value { kind: somaxconn.kind, ..constant };
        Ask { backlog: Setting { value: Some(value), slot: None }, steps }
    }

    fn libc(&self, systems: &Systems) -> Option<String> {
        if MUSL.iter().any(|mark| !self.tree.glob(mark.as_bytes()).is_empty()) {
            return Some("musl".to_owned());
        }
        let listed = PACKAGES.iter().find_map(|name| packages::installed(self.sources, self.tree, name));
        let named = || {
            let path = GLIBC.iter().find_map(|mark| self.tree.glob(mark.as_bytes()).into_iter().next())?;
            Some(path.file_name()?.to_str()?.strip_prefix("libc-")?.strip_suffix(".so")?.to_owned())
        };
        let release = || {
            let release = systems.release(self.sources, self.tree)?;
            systems.distribution(&release)?.libc.clone()
        };
        listed.map(|version| short(&version)).or_else(named).or_else(release)
    }

    /// What the images of all commands have in common.
    fn libc_of_images(&self, systems: &Systems) -> Option<String> {
        let images = self.commands.iter().filter_map(|command| command.image.as_ref());
        let mut found = images.map(|image| of_image(systems, &image.get));
        let first = found.next()??;
        found.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }
}

/// `2.36-9+deb12u10` of a package.
fn short(version: &str) -> String {
    version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect()
}

/// `python:3.7-buster`, `debian:10`, `python:3-alpine3.20`.
fn of_image(systems: &Systems, image: &str) -> Option<String> {
    let image = image.split('@').next()?;
    let (name, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((image, ""));
    let id = name.rsplit('/').next()?;
    if id == "alpine" || tag.contains("alpine") {
        return Some("musl".to_owned());
    }
    let release = Release { id: id.to_owned(), version: tag.to_owned() };
    let codenamed = || tag.split('-').find_map(|word| systems.codenamed(word));
    systems.distribution(&release).or_else(codenamed)?.libc.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::text::Sources;

    #[test]
    fn the_tag_of_an_image_tells_its_library() {
        let systems = Knowledge::load(&Sources::new()).unwrap().kernel.systems;
        let of = |image: &str| of_image(&systems, image);
        assert_eq!(of("python:3.7-slim-buster").as_deref(), Some("2.28"));
        assert_eq!(of("docker.io/library/debian:10.13").as_deref(), Some("2.28"));
        assert_eq!(of("ubuntu:22.04").as_deref(), Some("2.35"));
        assert_eq!(of("python:3.12-alpine3.20").as_deref(), Some("musl"));
        assert_eq!(of("rockylinux:8"), None);
        assert_eq!(of("python:3.12"), None);
    }
}
