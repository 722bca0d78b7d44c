//! Which PHP a PHP-FPM is of: distributions say it in the names of folders, packages and sockets.

use std::path::Path;

use super::super::Ground;
use super::walk::Walk;
use crate::model::Version;
use crate::text::SourceId;

/// What the folder of the main file says, else what it includes, else the tree, else what it calls its sockets.
pub(super) fn of(ground: Ground<'_>, source: SourceId, path: &Path, walk: &Walk<'_>) -> Option<Version> {
    let name = ground.sources.get(source).name();
    in_path(&format!("/{name}"))
        .or_else(|| walk.includes.iter().find_map(|include| in_path(include)))
        .or_else(|| ground.version(path.parent().unwrap_or(Path::new(""))))
        .or_else(|| walk.pools.iter().find_map(|pool| in_path(&pool.get("listen")?.text)))
}

/// `/etc/php/8.2/fpm`, `/etc/php82`, `/etc/php5`, `/opt/cpanel/ea-php82`, `php8.2-fpm.sock`.
pub(super) fn in_path(path: &str) -> Option<Version> {
    path.match_indices("php").find_map(|(at, found)| {
        let rest = path.get(at + found.len()..)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest.get(..end)?.trim_end_matches('.');
        let mut digits = number.bytes().map(|byte| u16::from(byte.wrapping_sub(b'0')));
        match (number.len(), number.contains('.')) {
            (3 | 4, true) => Some(Version::parse(number)?.0),
            (2, false) => Some(Version::new(digits.next()?, digits.next()?, 0)),
            // Debian's folder of 5.4 to 5.6. A 7 is 7.0 or later.
            (1, false) if number == "5" => Some(Version::new(5, 4, 0)),
            (1, false) if number == "7" => Some(Version::new(7, 0, 0)),
            // Alpine's of 8.0; its later ones are numbered.
            (1, false) if number == "8" && path.starts_with("/etc/php8/") => Some(Version::new(8, 0, 0)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_versions() {
        for (path, version) in [
            ("/etc/php/8.2/fpm/php-fpm.conf", "8.2"),
            ("/etc/php/7.4/fpm/pool.d/www.conf", "7.4"),
            ("/etc/php83/php-fpm.d/www.conf", "8.3"),
            ("/etc/php5/fpm/php-fpm.conf", "5.4"),
            ("/etc/php7/php-fpm.conf", "7.0"),
            ("/etc/php8/php-fpm.conf", "8.0"),
            ("/etc/opt/rh/rh-php73/php-fpm.conf", "7.3"),
            ("/opt/cpanel/ea-php81/root/etc/php-fpm.conf", "8.1"),
            ("/run/php/php8.1-fpm.sock", "8.1"),
        ] {
            assert_eq!(in_path(path).map(|found| found.to_string()), Some(version.to_owned()), "{path}");
        }
        for path in [
            "/etc/php-fpm.conf",
            "/usr/local/etc/php-fpm.d/www.conf",
            "/docker/php8/www.conf",
            "/run/php/php-fpm.sock",
            "/php/2023/x",
        ] {
            assert_eq!(in_path(path), None, "{path}");
        }
    }
}
