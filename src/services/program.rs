//! Which command lines start a program's source file, and so its environment and its arguments: the file that a command line
//! names, and those that lead on from it. It knows no language; a reader says which file a line starts and which files that one
//! takes in.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Ground, Why};
use crate::model::{Command, Starter};
use crate::syntax::startup::{Answer, Look, Part, Set, Startup};
use crate::text::{HashMap, HashSet, Span, Text, over};

/// How many files are gone through from those that command lines start.
const MAX_FILES: usize = 20_000;

/// A command line that starts a program of the tree.
#[derive(Debug, Clone)]
pub(super) struct Run<'a> {
    /// The file that it starts, or what else a reader takes for the place of a program.
    pub place: PathBuf,
    pub command: &'a Command,
    /// The words before the file, which what runs it gets.
    pub options: &'a [Text],
    pub arguments: &'a [Text],
}

/// How an interpreter is told which file it runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Interpreter {
    /// Its names, without a version.
    programs: Vec<String>,
    /// First words that mean no more than what stands behind them: `bun run server.ts`, `tsx watch server.ts`.
    #[serde(default)]
    subcommands: Vec<String>,
    /// Options that are followed by a value.
    takes_value: Vec<String>,
    /// Options after which no file is named.
    instead: Vec<String>,
    /// How the names of files end that are programs themselves.
    scripts: Vec<String>,
}

/// The parts of a command line that runs a file.
pub(super) struct Parts<'a> {
    pub file: &'a Text,
    pub options: &'a [Text],
    pub arguments: &'a [Text],
}

impl<'a> Parts<'a> {
    fn at(words: &'a [Text], from: usize, at: usize) -> Option<Self> {
        let file = words.get(at).filter(|file| !file.is_open())?;
        Some(Self { file, options: words.get(from..at)?, arguments: words.get(at + 1..)? })
    }

    pub(super) fn starts(self, command: &'a Command, place: PathBuf) -> Run<'a> {
        Run { place, command, options: self.options, arguments: self.arguments }
    }
}

impl Interpreter {
    /// A script that a unit starts by its own name, as it says which program runs it.
    pub(super) fn script<'a>(&self, command: &'a Command) -> Option<Parts<'a>> {
        let is_path = |word: &&Text| word.as_str().starts_with('/') && !word.is_open();
        command.words.first().filter(|_| command.starter == Starter::Unit).filter(is_path)?;
        Parts::at(&command.words, 0, 0)
    }

    /// The file that a command line runs; nothing where it runs none.
    pub(super) fn parts<'a>(&self, command: &'a Command) -> Option<Parts<'a>> {
        let words = command.words.as_slice();
        let program = command.program();
        let name = program.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        if !self.programs.iter().any(|known| known == name) {
            let is_script = self.scripts.iter().any(|end| program.ends_with(end.as_str()));
            return Parts::at(words, 0, 0).filter(|_| is_script);
        }
        let mut at = 1;
        while let Some(word) = words.get(at) {
            let text = word.as_str();
            if text == "--" {
                return Parts::at(words, 1, at + 1);
            }
            if !text.starts_with('-') {
                let more = words.get(at + 1).is_some();
                if more && self.subcommands.iter().any(|known| word.is(known)) {
                    at += 1;
                    continue;
                }
                return Parts::at(words, 1, at);
            }
            if self.instead.iter().any(|option| option == text) {
                return None;
            }
            at += 1 + usize::from(self.takes_value.iter().any(|option| option == text));
        }
        None
    }
}

/// The command lines that start programs of one language, and the files that they reach.
pub(super) struct Programs<'a> {
    ground: Ground<'a>,
    runs: Vec<Run<'a>>,
    reached: OnceLock<HashMap<PathBuf, Vec<usize>>>,
}

impl<'a> Programs<'a> {
    pub(super) fn new(ground: Ground<'a>, starts: impl Fn(&'a Command) -> Option<Run<'a>>) -> Self {
        let runs = ground.commands.iter().filter_map(starts).collect();
        Self { ground, runs, reached: OnceLock::new() }
    }

    /// What starts the program that a file belongs to; `takes_in` tells the files that one leads to.
    pub(super) fn of<'p>(&'p self, place: &'p Path, takes_in: TakesIn<'p>) -> OfFile<'p, 'a> {
        OfFile { programs: self, place, takes_in }
    }

    fn reach(&self, takes_in: TakesIn<'_>) -> HashMap<PathBuf, Vec<usize>> {
        let mut found: HashMap<PathBuf, Vec<usize>> = HashMap::default();
        let mut known: HashMap<PathBuf, Vec<PathBuf>> = HashMap::default();
        let mut left = MAX_FILES;
        for (index, run) in self.runs.iter().enumerate() {
            let mut seen = HashSet::default();
            let mut next = vec![run.place.clone()];
            while let Some(place) = next.pop().filter(|_| left > 0) {
                if !seen.insert(place.clone()) {
                    continue;
                }
                left -= 1;
                next.extend(known.entry(place.clone()).or_insert_with(|| takes_in(&place)).iter().cloned());
                found.entry(place).or_default().push(index);
            }
            if left == 0 {
                let what = over("files of programs that command lines start", MAX_FILES);
                self.ground.sources.cut_off(run.command.at, what);
                break;
            }
        }
        found
    }
}

/// The files that one leads to.
type TakesIn<'p> = &'p (dyn Fn(&Path) -> Vec<PathBuf> + Sync);

/// What starts the program of one file.
#[derive(Clone, Copy)]
pub(super) struct OfFile<'p, 'a> {
    programs: &'p Programs<'a>,
    place: &'p Path,
    takes_in: TakesIn<'p>,
}

/// What one command line says of a value.
enum One {
    Set(Set),
    /// It says nothing, and whether nobody else can.
    Not {
        whole: bool,
    },
    Unclear(String),
}

impl<'p, 'a> OfFile<'p, 'a> {
    fn runs(&self) -> Vec<&'p Run<'a>> {
        let Programs { runs, reached, .. } = self.programs;
        if runs.is_empty() {
            return Vec::new();
        }
        let reached = reached.get_or_init(|| self.programs.reach(self.takes_in));
        let own = reached.get(self.place).into_iter().flatten();
        let own: Vec<&Run<'_>> = own.filter_map(|index| runs.get(*index)).collect();
        // An image that a compose file starts is started as that says.
        let composed = own.iter().any(|run| run.command.starter == Starter::Compose);
        let counts = |run: &&Run<'_>| !composed || run.command.starter != Starter::Dockerfile;
        own.into_iter().filter(counts).collect()
    }

    /// Where a program runs it, if one does; why it cannot be told, where others run it too.
    pub(super) fn run_by(&self, program: &str) -> Option<Result<Span, String>> {
        let runs = self.runs();
        let is_it = |run: &&&Run<'_>| run.command.program() == program;
        let own = runs.iter().find(is_it)?.command.at;
        Some(match runs.iter().find(|run| !is_it(run)) {
            None => Ok(own),
            Some(other) => Err(format!(
                "{program} runs it in {}, and something else in {}",
                self.line(own),
                self.line(other.command.at)
            )),
        })
    }

    /// What all command lines say of a value; where two do not agree, it is not known.
    fn agreed(&self, what: &str, says: impl Fn(&'p Run<'a>) -> One) -> Answer {
        let mut found: Option<(Set, Span)> = None;
        let mut without: Option<Span> = None;
        for run in self.runs() {
            let at = run.command.at;
            match (says(run), &mut found) {
                (One::Unclear(why), _) => return Answer::Unclear(why),
                (One::Not { whole }, _) => without = without.or(Some(at).filter(|_| whole)),
                (One::Set(set), None) => found = Some((set, at)),
                (One::Set(set), Some((first, _))) if set.text.as_str() == first.text.as_str() => {
                    if set.text.span() != first.text.span() {
                        first.text = Text::meant(first.text.bytes(), first.text.span());
                    }
                    first.may_change &= set.may_change;
                }
                (One::Set(set), Some((first, _))) => {
                    return self.disagree(what, first.text.span(), set.text.span());
                }
            }
        }
        match (found, without) {
            (Some((set, _)), None) => Answer::Set(set),
            (Some((set, _)), Some(other)) => self.disagree(what, set.text.span(), other),
            (None, _) => Answer::Unsaid,
        }
    }

    fn disagree(&self, what: &str, first: Span, second: Span) -> Answer {
        let (first, second) = (self.line(first), self.line(second));
        Answer::Unclear(format!("{what} is not the same in {first} and {second}"))
    }

    /// A file and its line, for people.
    fn line(&self, at: Span) -> String {
        let source = self.programs.ground.sources.get(at.source);
        format!("{}:{}", source.name(), source.line_of(at.start))
    }
}

impl Startup for OfFile<'_, '_> {
    fn variable(&self, name: &str) -> Answer {
        self.agreed(name, |run| {
            let starter = run.command.starter;
            match variable(run.command, name) {
                Answer::Set(set) => One::Set(Set { may_change: starter == Starter::Dockerfile, ..set }),
                Answer::Unclear(why) => One::Unclear(why),
                Answer::Unsaid => One::Not {
                    whole: matches!(starter, Starter::Unit | Starter::Supervisor | Starter::Compose),
                },
            }
        })
    }

    fn words(&self, part: Part, look: &dyn for<'w> Fn(&'w [Text]) -> Look<'w>) -> Answer {
        self.agreed("the command line", |run| {
            let words = match part {
                Part::Arguments => run.arguments,
                Part::Options => run.options,
            };
            match look(words) {
                Ok(Some((word, _))) if word.is_open() => One::Unclear(open(word)),
                Ok(Some((word, text))) => One::Set(said(word, text)),
                // A word that is not known may be several, or none.
                Ok(None) => match words.iter().find(|word| word.is_open()) {
                    Some(word) => One::Unclear(open(word)),
                    // Who runs a script of package.json may add words.
                    None => One::Not { whole: run.command.starter != Starter::Script },
                },
                Err(why) => One::Unclear(why),
            }
        })
    }

    fn has_arguments(&self) -> bool {
        self.runs().iter().any(|run| !run.arguments.is_empty())
    }

    fn count(&self) -> Option<usize> {
        let runs = self.runs();
        let count = runs.first()?.arguments.len();
        // Who runs a script of package.json may add words.
        let may_be_more = |run: &Run<'_>| run.command.starter == Starter::Script;
        let is_it = |run: &&Run<'_>| {
            !may_be_more(run) && run.arguments.len() == count && !run.arguments.iter().any(|it| it.is_open())
        };
        runs.iter().all(is_it).then_some(count)
    }
}

/// A variable of a command's environment.
pub(super) fn variable(command: &Command, name: &str) -> Answer {
    command.variable(name).map_or(Answer::Unsaid, |set| answer(&set.value))
}

/// What is set to a value.
pub(super) fn answer(value: &Text) -> Answer {
    match value.is_open() {
        true => Answer::Unclear(open(value)),
        false => Answer::Set(said(value, value)),
    }
}

/// The end of a word as a value.
fn said(word: &Text, text: &str) -> Set {
    Set { text: word.tail(text.len()), may_change: false }
}

fn open(word: &Text) -> String {
    Why::Elsewhere(word.to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use crate::model::{Command, Starter};
    use crate::services::{Seen, Trial};

    const SERVER: &str = "const http = require('http');\n\
        http.createServer().listen(process.env.PORT || 3000, process.argv[2] || '127.0.0.1', +process.env.BACKLOG || 9);\n";

    fn read(files: &[(&str, &str)], lines: &[(Starter, &str)]) -> Seen {
        let all = Trial::repository("node", files);
        let start = |trial: Trial, (starter, line): &(Starter, &str)| {
            trial.started_as(line, |command: &mut Command| command.starter = *starter)
        };
        lines.iter().fold(all, start).read()
    }

    fn of_server(lines: &[(Starter, &str)]) -> Seen {
        read(&[("server.js", SERVER)], lines)
    }

    #[test]
    fn what_one_line_says_counts() {
        let seen = of_server(&[(Starter::Unit, "PORT=80 BACKLOG=5 node server.js 127.0.0.2")]);
        assert_eq!(seen.rows(), ["127.0.0.2:80 5"]);
        assert_eq!(seen.set(64).as_deref(), Some("PORT=80 BACKLOG=64 node server.js 127.0.0.2"));
        let seen = of_server(&[(Starter::Unit, "OTHER=1 node --trace-warnings ./server")]);
        assert_eq!(seen.rows(), ["127.0.0.1:3000 9"]);
        assert!(seen.said().contains("if PORT is set in the environment"), "{}", seen.said());
    }

    #[test]
    fn lines_that_do_not_agree_are_both_named() {
        for lines in [
            [(Starter::Unit, "PORT=80 node server.js"), (Starter::Unit, "PORT=81 node server.js")],
            [(Starter::Unit, "PORT=80 node server.js"), (Starter::Compose, "A=1 node server.js")],
        ] {
            let seen = of_server(&lines);
            assert!(!seen.rows()[0].contains(":80"), "{:?}", seen.rows());
            assert!(
                seen.said().contains("PORT is not the same in Procfile:1 and Procfile:1"),
                "{}",
                seen.said()
            );
        }
        let alike = of_server(&[
            (Starter::Unit, "PORT=80 BACKLOG=5 node server.js"),
            (Starter::Unit, "PORT=80 BACKLOG=5 node server.js"),
        ]);
        assert_eq!(alike.rows(), ["127.0.0.1:80 5"]);
        assert_eq!(alike.set(64), None, "it stands in two places");
    }

    #[test]
    fn who_says_nothing_is_not_against_it() {
        for (starter, line) in [
            (Starter::Script, "node server.js"),
            (Starter::Procfile, "node server.js"),
            (Starter::Unit, "PORT=81 node other.js"),
            (Starter::Unit, "PORT=81 node -e server.js"),
        ] {
            let seen = of_server(&[(Starter::Unit, "PORT=80 node server.js"), (starter, line)]);
            assert_eq!(seen.rows(), ["127.0.0.1:80 9"], "{line}");
        }
    }

    #[test]
    fn an_image_may_be_told_something_else() {
        let alone = of_server(&[(Starter::Dockerfile, "PORT=80 node server.js")]);
        assert_eq!(alone.rows(), ["127.0.0.1:80 9"]);
        assert!(alone.said().contains("it is another address if PORT is set"), "{}", alone.said());
        let composed = of_server(&[
            (Starter::Dockerfile, "PORT=80 node server.js"),
            (Starter::Compose, "PORT=81 node server.js"),
        ]);
        assert_eq!(composed.rows(), ["127.0.0.1:81 9"]);
    }

    #[test]
    fn what_nothing_tells_is_not_guessed() {
        let seen = of_server(&[(Starter::Unit, "PORT=$SOME node server.js")]);
        assert!(seen.said().contains("the files do not say what `$SOME` is"), "{}", seen.said());
        let seen = of_server(&[(Starter::Unit, "PORT=80 node server.js $MORE")]);
        assert!(seen.said().contains("the files do not say what `$MORE` is"), "{}", seen.said());
    }

    #[test]
    fn only_files_that_are_reached_are_started() {
        let files = [
            ("index.js", "require('./lib/a');"),
            ("lib/a.js", SERVER),
            ("tools/b.js", SERVER),
            ("server.js", SERVER),
        ];
        let rows = |line| read(&files, &[(Starter::Unit, line)]).rows();
        assert_eq!(rows("PORT=80 node index.js"), ["127.0.0.1:80 9", "127.0.0.1:3000 9", "127.0.0.1:3000 9"]);
        assert_eq!(rows("PORT=80 node nothing.js"), ["127.0.0.1:3000 9"; 3]);
    }

    #[test]
    fn a_script_may_be_given_more_words() {
        let program = "import sys, uvicorn\nif len(sys.argv) > 1:\n    uvicorn.run(app, port=80)\n";
        for (starter, count) in [(Starter::Unit, 0), (Starter::Script, 1)] {
            let trial = Trial::repository("python", &[("main.py", program)]);
            let seen = trial.started_as("python main.py", |command| command.starter = starter).read();
            assert_eq!(seen.rows().len(), count, "{starter:?}");
        }
    }

    #[test]
    fn a_word_that_begins_with_a_dot_names_no_file() {
        for (text, row) in [
            ("const end = '.lib/server';", "127.0.0.1:3000 9"),
            ("require('./.lib/server');", "127.0.0.1:80 9"),
        ] {
            let seen = read(
                &[("index.js", text), (".lib/server.js", SERVER)],
                &[(Starter::Unit, "PORT=80 node index.js")],
            );
            assert_eq!(seen.rows(), [row], "{text}");
        }
    }
}
