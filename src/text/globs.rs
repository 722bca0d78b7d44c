//! Many patterns at once: each is only looked at for names that hold the rarest word which it needs.

use super::{Glob, HashMap};

/// What a name must be, start with or end with for a pattern to match it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Word<'a> {
    Whole(&'a [u8]),
    Start(&'a [u8]),
    End(&'a [u8]),
}

/// Patterns by their numbers, in the order in which they were given.
#[derive(Debug, Default)]
pub struct Globs {
    whole: HashMap<Vec<u8>, Vec<usize>>,
    starts: Affixes,
    ends: Affixes,
    /// Those that need no word.
    others: Vec<usize>,
}

/// Starts or ends of names, and the lengths that there are.
#[derive(Debug, Default)]
struct Affixes {
    by_text: HashMap<Vec<u8>, Vec<usize>>,
    lengths: Vec<usize>,
}

impl Globs {
    pub fn of<'g>(globs: impl Iterator<Item = &'g Glob> + Clone) -> Self {
        let mut counts: HashMap<Word<'_>, usize> = HashMap::default();
        for word in globs.clone().flat_map(words) {
            *counts.entry(word).or_default() += 1;
        }
        let mut all = Self::default();
        for (number, glob) in globs.enumerate() {
            let rarest = words(glob).min_by_key(|word| counts.get(word).copied());
            all.add(number, rarest);
        }
        for affixes in [&mut all.starts, &mut all.ends] {
            affixes.lengths = affixes.by_text.keys().map(Vec::len).collect();
            affixes.lengths.sort_unstable();
            affixes.lengths.dedup();
        }
        all
    }

    fn add(&mut self, number: usize, word: Option<Word<'_>>) {
        let (known, text) = match word {
            Some(Word::Whole(text)) => (&mut self.whole, text),
            Some(Word::Start(text)) => (&mut self.starts.by_text, text),
            Some(Word::End(text)) => (&mut self.ends.by_text, text),
            None => return self.others.push(number),
        };
        known.entry(text.to_vec()).or_default().push(number);
    }

    /// The patterns that may match a path of these names, in their order: no others do.
    pub fn near<'n>(&self, names: impl Iterator<Item = &'n [u8]>) -> Vec<usize> {
        let mut found = self.others.clone();
        for name in names {
            found.extend(self.whole.get(name).into_iter().flatten());
            found.extend(self.starts.of(|length| name.get(..length)).flatten());
            found.extend(self.ends.of(|length| name.get(name.len().checked_sub(length)?..)).flatten());
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Affixes {
    fn of<'a, 'n>(
        &'a self,
        part: impl Fn(usize) -> Option<&'n [u8]> + 'a,
    ) -> impl Iterator<Item = &'a Vec<usize>> {
        self.lengths.iter().map_while(move |length| part(*length)).filter_map(|part| self.by_text.get(part))
    }
}

/// The words of the levels of a pattern.
fn words(glob: &Glob) -> impl Iterator<Item = Word<'_>> {
    glob.parts().iter().flat_map(|part| {
        let special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\');
        let (first, last) = (part.iter().position(special), part.iter().rposition(special));
        let both = match (first, last) {
            (Some(first), Some(last)) => [
                part.get(..first).map(Word::Start).filter(|_| first > 0),
                part.get(last + 1..).map(Word::End).filter(|_| last + 1 < part.len()),
            ],
            _ => [Some(Word::Whole(part)), None],
        };
        both.into_iter().flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::levels;

    #[test]
    fn all_that_match_are_near() {
        let patterns = [
            "a", "a/b", "a/*", "*/b", "**", "**/b", "a*", "*b", "a*b", "[ab]b", "a[b]", "\\a", "a\\b", "*",
            "?b", "[]a]", "[a", "]", "a]b", "", ".a", "**/.b*", "a/**/b",
        ];
        let globs: Vec<Glob> = patterns.iter().map(|text| Glob::new(text.as_bytes())).collect();
        let all = Globs::of(globs.iter());
        let names = ["a", "b", "ab", "aab", "abb", "a]b", "]", "[a", ".a", ".b", ""];
        let paths = names.iter().flat_map(|a| names.map(|b| format!("{a}/{b}")));
        for path in paths.chain(names.map(str::to_owned)) {
            let near = all.near(levels(path.as_bytes()).into_iter());
            for (number, glob) in globs.iter().enumerate() {
                let matches = glob.matches(path.as_bytes()) || glob.matches_end(path.as_bytes());
                assert!(!matches || near.contains(&number), "{} and {path}", patterns[number]);
            }
        }
    }

    #[test]
    fn of_many_patterns_few_are_near() {
        for shape in ["d#", "d#/**", "etc/d#/*.conf", "**/d#*.x", "*d#", "nginx:*:#", "*/etc/*#"] {
            let text = |number: usize| shape.replace('#', &format!("{number:05}"));
            let globs: Vec<Glob> = (0..10_000).map(|number| Glob::new(text(number).as_bytes())).collect();
            let path = text(1234).replace("**", "a").replace('*', "b");
            let near = Globs::of(globs.iter()).near(levels(path.as_bytes()).into_iter());
            assert_eq!(near, [1234], "{shape}");
        }
    }
}
