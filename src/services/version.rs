//! Which version of a service a tree shows: what its project is fixed to, what is installed, what its image's tag says.

use std::path::{Path, PathBuf};

use super::Ground;
use crate::knowledge::VersionSources;
use crate::model::{Command, Version};
use crate::syntax::packages;
use crate::syntax::pins::{self, Language};

/// Folders above a file that may be those of its project.
const ABOVE: usize = 4;

/// Where a virtual environment lies beside a project.
const ENVIRONMENTS: [&str; 4] = ["venv", ".venv", "env", ".env"];

/// Files beside a service's own that name the image it runs in.
const IMAGE_FILES: [&str; 7] = [
    "Dockerfile",
    "Containerfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "docker-compose.prod.yml",
];

/// Folders for the packages of Python as distributions lay them out.
const SYSTEM: [&str; 4] = [
    "usr/lib/python3/dist-packages",
    "usr/local/lib/python3*/site-packages",
    "usr/local/lib/python3*/dist-packages",
    "usr/lib/python3*/site-packages",
];

/// What the tree says to who looks from a folder.
pub(super) fn find(ground: Ground<'_>, near: &Path) -> Option<Version> {
    named(ground, &ground.service.version, near)
}

/// What the tree says of a package of PyPI beside the service.
pub(super) fn of_pypi(
    ground: Ground<'_>,
    name: &str,
    command: Option<&Command>,
    near: &Path,
) -> Option<Version> {
    let names = VersionSources { pypi: vec![name.to_owned()], ..VersionSources::default() };
    command.map_or_else(|| named(ground, &names, near), |command| of_names(ground, &names, command, near))
}

/// What the tree says of a package of npm that is used below a folder.
pub(super) fn of_npm(ground: Ground<'_>, name: &str, near: &Path) -> Option<Version> {
    pinned(ground, &VersionSources { npm: vec![name.to_owned()], ..VersionSources::default() }, near)
}

fn named(ground: Ground<'_>, names: &VersionSources, near: &Path) -> Option<Version> {
    pinned(ground, names, near)
        .or_else(|| beside(ground, names, near))
        .or_else(|| installed(ground, names))
        .or_else(|| of_images(ground, names, near))
}

/// What the tree says of the program of a command line.
pub(super) fn of(ground: Ground<'_>, command: &Command, near: &Path) -> Option<Version> {
    of_names(ground, &ground.service.version, command, near)
}

fn of_names(ground: Ground<'_>, names: &VersionSources, command: &Command, near: &Path) -> Option<Version> {
    let program = Path::new(command.words.first().map_or("", |word| word.as_str()));
    let inside = program.strip_prefix("/").ok();
    let own = inside
        .and_then(Path::parent)
        .and_then(Path::parent)
        .and_then(|base| environment(ground, names, base));
    let is_packaged = inside.is_some_and(|path| path.starts_with("usr/bin") || path.starts_with("usr/sbin"));
    let image = || command.image.as_ref().and_then(|image| tagged(names, &image.get));
    match is_packaged {
        true => own.or_else(|| installed(ground, names)).or_else(image),
        false => own.or_else(|| named(ground, names, near)).or_else(image),
    }
}

/// What requirements and lock files of the project fix.
fn pinned(ground: Ground<'_>, names: &VersionSources, near: &Path) -> Option<Version> {
    let languages =
        [(Language::Python, &names.pypi), (Language::Ruby, &names.gem), (Language::Node, &names.npm)];
    let asked = languages.into_iter().filter(|(_, names)| !names.is_empty());
    let asked: Vec<(Language, &Vec<String>)> = asked.collect();
    near.ancestors().take(ABOVE).find_map(|folder| {
        asked.iter().find_map(|(language, names)| {
            language.files().iter().find_map(|file| {
                let source = ground.tree.read(ground.sources, &folder.join(file)).ok()?;
                let text = std::str::from_utf8(ground.sources.bytes(source)).ok()?;
                let fixed = names.iter().find_map(|name| pins::version(*language, file, text, name))?;
                upstream(&fixed)
            })
        })
    })
}

/// A virtual environment of the project.
fn beside(ground: Ground<'_>, names: &VersionSources, near: &Path) -> Option<Version> {
    if names.pypi.is_empty() {
        return None;
    }
    let folders = near.ancestors().take(ABOVE);
    let mut bases = folders.flat_map(|folder| ENVIRONMENTS.map(|name| folder.join(name)));
    bases.find_map(|base| environment(ground, names, &base))
}

/// A folder with `bin` and `lib/python3.11/site-packages`.
fn environment(ground: Ground<'_>, names: &VersionSources, base: &Path) -> Option<Version> {
    let base =
        base.to_str().filter(|base| !base.is_empty() && *base != "usr" && !base.contains(['*', '?', '[']))?;
    metadata(ground, names, &format!("{base}/lib/python3*/site-packages"))
}

/// `gunicorn-20.1.0.dist-info` among the packages of a folder.
fn metadata(ground: Ground<'_>, names: &VersionSources, packages: &str) -> Option<Version> {
    names.pypi.iter().find_map(|name| {
        let pattern = format!("{packages}/{}-[0-9]*-info", name.replace(['-', '.'], "_"));
        let found: Vec<PathBuf> = ground.tree.glob(pattern.as_bytes());
        let folder = found.first()?.file_name()?.to_str()?;
        upstream(folder.get(name.len() + 1..)?)
    })
}

/// What is installed in the whole of the tree.
fn installed(ground: Ground<'_>, names: &VersionSources) -> Option<Version> {
    let packages = &names.packages;
    let listed = packages
        .iter()
        .find_map(|package| upstream(&packages::installed(ground.sources, ground.tree, package)?));
    listed.or_else(|| {
        let python = !names.pypi.is_empty();
        SYSTEM.iter().filter(|_| python).find_map(|folder| metadata(ground, names, folder))
    })
}

/// The tag of the image that its files are for: in the commands that start it, or in the files beside it.
fn of_images(ground: Ground<'_>, names: &VersionSources, near: &Path) -> Option<Version> {
    if names.images.is_empty() {
        return None;
    }
    let started = ground.started().filter_map(|(command, _)| command.image.as_ref());
    let told = started.filter_map(|image| tagged(names, &image.get)).next();
    let folders = || near.ancestors().take(ABOVE);
    let mut files = folders().flat_map(|folder| IMAGE_FILES.map(|name| folder.join(name)));
    told.or_else(|| {
        files.find_map(|file| {
            let source = ground.tree.read(ground.sources, &file).ok()?;
            let text = std::str::from_utf8(ground.sources.bytes(source)).ok()?;
            text.lines().filter_map(image_on).find_map(|image| tagged(names, image))
        })
    })
}

/// `FROM nginx:1.22 AS web`, `FROM --platform=x nginx:1.22`, `image: "nginx:1.22"`.
fn image_on(line: &str) -> Option<&str> {
    let line = line.trim();
    let mut words = line.split_whitespace();
    match words.next()? {
        from if from.eq_ignore_ascii_case("from") => words.find(|word| !word.starts_with("--")),
        "image:" => words.next().map(|word| word.trim_matches(['"', '\''])),
        _ => None,
    }
}

/// The version in the tag of an image of this service: `8.2` of `docker.io/library/php:8.2-fpm-alpine`.
fn tagged(names: &VersionSources, image: &str) -> Option<Version> {
    let image = image.split('@').next()?;
    let (name, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    let is_ours = |known: &String| {
        let rest = name.strip_suffix(known.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    let known = names.images.iter().any(is_ours);
    known.then(|| upstream(tag.strip_prefix('v').unwrap_or(tag)))?
}

/// `1.22.1-9+deb12u11` and `1:1.26.0-r1` as numbers.
fn upstream(text: &str) -> Option<Version> {
    let without_epoch = text.split_once(':').map_or(text, |(_, rest)| rest);
    let (version, _) = Version::parse(without_epoch)?;
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;
    use crate::model::{PlaceId, ReadAs};
    use crate::syntax::hosts::Hosts;
    use crate::text::{Sources, Tree};

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        assert_eq!(upstream("1.22.1-9+deb12u11"), Some(Version::new(1, 22, 1)));
        assert_eq!(upstream("1:1.26.0-r1"), Some(Version::new(1, 26, 0)));
        assert_eq!(upstream("1.29-1"), Some(Version::new(1, 29, 0)));
        assert_eq!(upstream("latest"), None);
    }

    /// What is found from `srv/app` for a service in a tree of these files.
    fn found(service: &str, files: &[(&str, &str)]) -> Option<Version> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sources = Sources::new();
        let tree = Tree::open(folder.path(), true).unwrap();
        let knowledge = Knowledge::load(&sources).unwrap();
        let ground = Ground {
            sources: &sources,
            tree: &tree,
            service: knowledge.service(service).unwrap(),
            knowledge: &knowledge,
            hosts: &Hosts::read(&sources, &tree),
            place: PlaceId::default(),
            commands: &[],
            read_as: ReadAs::Root,
            only: &[],
        };
        find(ground, Path::new("srv/app"))
    }

    #[test]
    fn a_project_says_more_than_the_machine() {
        let dpkg = ("var/lib/dpkg/status", "Package: gunicorn\nVersion: 20.1.0-6\n\n");
        assert_eq!(found("gunicorn", &[]), None);
        assert_eq!(found("gunicorn", &[dpkg]), Some(Version::new(20, 1, 0)));
        let pinned = ("srv/requirements.txt", "gunicorn==23.0.0\n");
        assert_eq!(found("gunicorn", &[dpkg, pinned]), Some(Version::new(23, 0, 0)));
        let installed = ("srv/app/.venv/lib/python3.11/site-packages/gunicorn-25.2.1.dist-info/METADATA", "");
        assert_eq!(found("gunicorn", &[dpkg, installed]), Some(Version::new(25, 2, 1)));
        let system = ("usr/local/lib/python3.12/site-packages/gunicorn-22.0.0.dist-info/METADATA", "");
        assert_eq!(found("gunicorn", &[system]), Some(Version::new(22, 0, 0)));
    }

    #[test]
    fn the_tag_of_an_image_is_a_version() {
        let of = |image: &str| found("php-fpm", &[("srv/app/Dockerfile", &format!("FROM {image}\n"))]);
        assert_eq!(of("php:8.1-fpm-alpine AS app"), Some(Version::new(8, 1, 0)));
        assert_eq!(of("docker.io/library/php:7.4.33-fpm"), Some(Version::new(7, 4, 33)));
        assert_eq!(of("php:8-fpm"), None);
        assert_eq!(of("phpmyadmin:5.2"), None);
        let compose = "services:\n  app:\n    image: php:8.3-fpm\n";
        assert_eq!(found("php-fpm", &[("srv/compose.yaml", compose)]), Some(Version::new(8, 3, 0)));
    }

    #[test]
    fn images_are_named_in_dockerfiles_and_compose_files() {
        assert_eq!(image_on("FROM php:8.2-fpm AS base"), Some("php:8.2-fpm"));
        assert_eq!(image_on("from --platform=linux/amd64 php:8.2"), Some("php:8.2"));
        assert_eq!(image_on("    image: \"haproxy:2.4\""), Some("haproxy:2.4"));
        assert_eq!(image_on("# FROM php:8"), None);
    }
}
