//! Command lines as getopt(3) of glibc cuts them: options of one letter wherever they stand, each with its argument attached or in
//! the next word.

/// An option as it is given, and the argument of one that takes any: its word, of which it is the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<'w> {
    pub letter: char,
    pub argument: Option<(usize, &'w str)>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options<'w> {
    pub given: Vec<Given<'w>>,
    /// The words that are neither options nor arguments.
    pub rest: Vec<usize>,
    /// The option that lacks its argument, and its word.
    pub lacking: Option<(char, usize)>,
}

/// `takes` are the letters whose options take an argument.
pub fn options<'w>(words: &[&'w str], takes: &str) -> Options<'w> {
    let mut options = Options::default();
    let mut all = words.iter().copied().enumerate();
    while let Some((index, word)) = all.next() {
        if word == "--" {
            options.rest.extend(all.by_ref().map(|(index, _)| index));
            break;
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.rest.push(index);
            continue;
        };
        for (at, letter) in letters.char_indices() {
            if !takes.contains(letter) {
                options.given.push(Given { letter, argument: None });
                continue;
            }
            let attached = letters.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
            let argument = attached.map(|text| (index, text)).or_else(|| all.next());
            options.given.push(Given { letter, argument });
            if argument.is_none() {
                options.lacking = Some((letter, index));
            }
            break;
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_alone_together_or_with_an_argument() {
        let read = |line: &'static str| {
            let words: Vec<&str> = line.split(' ').collect();
            let options = options(&words, "ab");
            let show = |given: &Given<'_>| match given.argument {
                Some((word, text)) => format!("{}={text}@{word}", given.letter),
                None => given.letter.to_string(),
            };
            (options.given.iter().map(show).collect::<Vec<_>>().join(" "), options.rest, options.lacking)
        };
        assert_eq!(read("-x x -ya1 -b -a"), ("x y a=1@2 b=-a@4".into(), vec![1], None));
        assert_eq!(read("- -x -- -y"), ("x".into(), vec![0, 3], None));
        assert_eq!(read("-xa"), ("x a".into(), vec![], Some(('a', 0))));
    }
}
