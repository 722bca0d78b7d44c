//! The word that was most likely meant.

/// No word that we know is nearly as long as one that is longer than this.
const LONGEST: usize = 64;

/// The known word that is nearly the same, or that this one is the beginning or the last part of.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let is_part = |known: &str| {
        let rest = known.strip_suffix(word).is_some_and(|before| before.ends_with(['.', '-']));
        length > 2 && (rest || known.starts_with(word))
    };
    let likeness = |known: &str| (strsim::osa_distance(word, known), known.len());
    let known = known.filter(|_| (2..=LONGEST).contains(&length));
    let near = known.filter(|known| likeness(known).0 <= (length / 3).max(1) || is_part(known));
    near.min_by_key(|known| (!is_part(known), likeness(known), *known))
}

/// ``there is no rule `queue-clampd`; did you mean `queue-clamped`?``
pub fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match (nearest(name, known.iter().copied()), what) {
        (Some(near), _) => format!("there is no {what} `{name}`; did you mean `{near}`?"),
        (None, "rule" | "service") => {
            format!("there is no {what} `{name}`; `backlog-audit {what}s` lists them")
        }
        (None, "check") => format!("there is no check `{name}`; docs/policy.md lists them"),
        (None, _) => format!("there is no {what} `{name}`; known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_near_by_its_letters_or_as_a_part() {
        let near = |word, known: &[&'static str]| nearest(word, known.iter().copied());
        assert_eq!(near("ngnix", &["nginx", "unit"]), Some("nginx"));
        assert_eq!(near("warn", &["info", "warning", "error"]), Some("warning"));
        assert_eq!(near("php", &["php-fpm", "puma"]), Some("php-fpm"));
        assert_eq!(
            near("somaxconn", &["net.core.somaxconn", "net.ipv4.tcp_syncookies"]),
            Some("net.core.somaxconn")
        );
        assert_eq!(near("kernle", &["kernel", "rules"]), Some("kernel"));
        for (word, known) in
            [("postgres", "kestrel"), ("file", "rule"), ("off", "info"), ("", "a"), ("x", "y")]
        {
            assert_eq!(near(word, &[known]), None, "{word}");
        }
    }
}
