//! Which of many short words stand in a text, found in one walk over it: a report has little text, and to compile a pattern for
//! them takes longer.

/// Words with the numbers that they are known by.
pub(super) struct Needles {
    by_first: Vec<Vec<(&'static [u8], u32)>>,
    /// A bit for each two bytes that a word begins with.
    pairs: Vec<u64>,
    any_case: bool,
}

impl Needles {
    /// Without regard to case they have to be in small letters.
    pub(super) fn new(words: impl IntoIterator<Item = (&'static str, u32)>, any_case: bool) -> Self {
        let mut needles = Self { by_first: vec![Vec::new(); 256], pairs: vec![0; 1 << 10], any_case };
        for (word, number) in words {
            needles.add(word.as_bytes(), number);
        }
        needles
    }

    fn add(&mut self, word: &'static [u8], number: u32) {
        for first in self.spellings(word.first()) {
            if let Some(row) = self.by_first.get_mut(usize::from(first)) {
                row.push((word, number));
            }
            for second in self.spellings(word.get(1)) {
                let pair = pair(first, second);
                if let Some(bits) = self.pairs.get_mut(pair >> 6) {
                    *bits |= 1 << (pair & 63);
                }
            }
        }
    }

    /// What stands for a byte of a word: any, where the word has ended.
    fn spellings(&self, byte: Option<&u8>) -> Vec<u8> {
        match byte {
            None => (0..=u8::MAX).collect(),
            Some(byte) if self.any_case && byte.is_ascii_lowercase() => {
                vec![*byte, byte.to_ascii_uppercase()]
            }
            Some(byte) => vec![*byte],
        }
    }

    /// Where a word begins, and its number; words may overlap.
    pub(super) fn find<'n>(&'n self, text: &'n [u8]) -> impl Iterator<Item = (usize, u32)> + 'n {
        (0..text.len()).filter(|at| self.may_begin(text, *at)).flat_map(move |at| {
            let rest = text.get(at..).unwrap_or_default();
            self.words(rest).filter(|(word, _)| self.stands(rest, word)).map(move |(_, number)| (at, *number))
        })
    }

    fn may_begin(&self, text: &[u8], at: usize) -> bool {
        let byte = |at: usize| text.get(at).copied().unwrap_or_default();
        let pair = pair(byte(at), byte(at + 1));
        self.pairs.get(pair >> 6).is_some_and(|bits| bits >> (pair & 63) & 1 == 1)
    }

    fn words(&self, rest: &[u8]) -> impl Iterator<Item = &(&'static [u8], u32)> {
        let first = rest.first().map_or(0, |byte| usize::from(*byte));
        self.by_first.get(first).into_iter().flatten()
    }

    fn stands(&self, rest: &[u8], word: &[u8]) -> bool {
        let here = rest.get(..word.len()).unwrap_or_default();
        if self.any_case { here.eq_ignore_ascii_case(word) } else { here == word }
    }
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_found_where_it_begins() {
        let found = |any_case: bool, text: &str| -> Vec<(usize, u32)> {
            let needles = Needles::new([("pass", 1), ("password", 2), ("-u", 3), ("ssw", 4)], any_case);
            needles.find(text.as_bytes()).collect()
        };
        assert_eq!(found(false, "a password -u"), [(2, 1), (2, 2), (4, 4), (11, 3)]);
        assert_eq!(found(false, "PASS pas -"), []);
        assert_eq!(found(true, "PassWord -U"), [(0, 1), (0, 2), (2, 4), (9, 3)]);
        assert_eq!(found(true, ""), []);
        let short = Needles::new([("@", 1)], false);
        assert_eq!(short.find(b"@a@").collect::<Vec<_>>(), [(0, 1), (2, 1)]);
    }
}
