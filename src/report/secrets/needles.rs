//! Which of many short words stand in a text, found in one walk over it: a report has little text, and to compile a pattern for
//! them takes longer.

/// Words with the numbers that they are known by.
pub(super) struct Needles {
    by_first: Vec<Vec<(&'static [u8], u32)>>,
    any_case: bool,
}

impl Needles {
    /// Without regard to case they have to be in small letters.
    pub(super) fn new(words: impl IntoIterator<Item = (&'static str, u32)>, any_case: bool) -> Self {
        let mut by_first = vec![Vec::new(); 256];
        for (word, number) in words {
            let first = word.bytes().next().unwrap_or_default();
            let both = [first, if any_case { first.to_ascii_uppercase() } else { first }];
            for byte in both.iter().take(if both[0] == both[1] { 1 } else { 2 }) {
                if let Some(row) = by_first.get_mut(usize::from(*byte)) {
                    row.push((word.as_bytes(), number));
                }
            }
        }
        Self { by_first, any_case }
    }

    /// Where a word begins, and its number; words may overlap.
    pub(super) fn find<'n>(&'n self, text: &'n [u8]) -> impl Iterator<Item = (usize, u32)> + 'n {
        let words = |byte: &u8| self.by_first.get(usize::from(*byte)).map_or(&[][..], Vec::as_slice);
        let at_byte = move |(at, byte)| words(byte).iter().map(move |word| (at, *word));
        let stands = move |(at, word): &(usize, &[u8])| {
            let here = text.get(*at..*at + word.len()).unwrap_or_default();
            if self.any_case { here.eq_ignore_ascii_case(word) } else { here == *word }
        };
        let found =
            text.iter().enumerate().filter(move |(_, byte)| !words(byte).is_empty()).flat_map(at_byte);
        found.filter(move |(at, (word, _))| stands(&(*at, word))).map(|(at, (_, number))| (at, number))
    }
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
    }
}
