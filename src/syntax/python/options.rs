//! What a program is started with: its environment, its arguments, and the options that `argparse`, `optparse`, `click` and
//! `tornado.options` make of them.

use std::rc::Rc;

use super::members::is_optparse;
use super::{Made, Reading, Thing, Value};
use crate::syntax::calls::Id;
use crate::syntax::startup::{Answer, Part, Set, Switch, operand, option};

/// Who reads the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parser {
    /// `argparse` and `optparse`.
    Usual,
    Click,
    Tornado,
    /// What it is given is not the command line, or nobody knows.
    Other,
}

impl Reading<'_, '_> {
    /// A variable of the environment that the program is known to be started with.
    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        let reason = || format!("{name} is set in the environment");
        answered(self.modules.startup().variable(name), reason)
    }

    /// An element of `sys.argv`, whose first is the program itself.
    pub(super) fn program_argument(&self, index: i64) -> Option<Value> {
        let index = usize::try_from(index).ok()?.checked_sub(1)?;
        answered(self.modules.startup().argument(index), || "an argument says so".to_owned())
    }

    /// An option that `argparse` or `optparse` reads from the command line.
    pub(super) fn option(&self, made: &Rc<Made>, name: &str) -> Option<Value> {
        let kind = made.kinds.iter().find(|kind| kind.ends_with(".parse_args"))?;
        let calls = self.calls(if is_optparse(kind) { "add_option" } else { "add_argument" });
        let calls: Vec<Id> = calls.collect();
        let is_given = |call| self.positional(call, 0).or_else(|| self.keyword(call, "args")).is_some();
        let is_whole = self.here(made.call).is_some_and(|call| !is_given(call));
        let parser = if is_whole { Parser::Usual } else { Parser::Other };
        calls.iter().find_map(|call| self.option_of(*call, name, &calls, parser))
    }

    /// An option that `tornado.options` reads from the command line.
    pub(super) fn tornado_option(&self, name: &str) -> Option<Value> {
        let name = name.strip_prefix("tornado.options.options.")?;
        let calls: Vec<Id> = self.calls("define").collect();
        let reads = !self.python.calls("parse_command_line").is_empty();
        let parser = if reads { Parser::Tornado } else { Parser::Other };
        calls.iter().find_map(|call| self.option_of(*call, name, &calls, parser))
    }

    /// `@click.option("--port", default=8000)` over the function.
    pub(super) fn click_option(&self, of: Id, name: &str) -> Option<Value> {
        let code = self.code();
        let outer = code.parent(of).filter(|outer| code.kind(*outer) == "decorated_definition")?;
        let decorators = code.children(outer).filter(|id| code.kind(*id) == "decorator");
        let calls = decorators.filter_map(|id| code.children(id).next());
        let calls = calls.filter(|call| {
            let function = code.field(*call, "function").map_or("", |id| code.text(id));
            matches!(function.rsplit('.').next(), Some("option" | "argument"))
        });
        let calls: Vec<Id> = calls.collect();
        calls.iter().find_map(|call| self.option_of(*call, name, &calls, Parser::Click))
    }

    /// The texts that a call names its option by.
    fn flags(&self, call: Id) -> Vec<String> {
        let flags = self.positionals(call).map_while(|flag| self.value(flag).text().map(str::to_owned));
        flags.collect()
    }

    /// The option of this name that a call defines: as it is told, else its default.
    fn option_of(&self, call: Id, name: &str, all: &[Id], parser: Parser) -> Option<Value> {
        let flags = self.flags(call);
        let named = |flag: &&String| flag.trim_start_matches('-').replace('-', "_") == name;
        let flag = flags.iter().find(named);
        let dest = self.argument(call, None, "dest");
        let is_it = match dest.as_ref().and_then(Value::text) {
            Some(dest) => dest == name,
            None => flag.is_some(),
        };
        if !is_it {
            return None;
        }
        let default = self.argument(call, None, "default").unwrap_or_else(|| Thing::None.into());
        let infers = matches!(parser, Parser::Click | Parser::Tornado);
        let of_default = || matches!(default.thing, Thing::Number(_)).then_some("int").filter(|_| infers);
        let kind = self.keyword(call, "type").map(|id| self.code().text(id)).or_else(of_default);
        match self.told_option(call, &flags, all, parser) {
            Answer::Unsaid => {}
            Answer::Unclear(why) => return Some(Value::unknown(why)),
            Answer::Set(set) => return Some(self.taken(call, kind, set)),
        }
        let shown = flag.or_else(|| flags.last()).map_or(name, String::as_str);
        let unless = vec![format!("{shown} is given on the command line")];
        let default = match (kind, default.integer()) {
            (Some("int"), Some(number)) => default.becomes(Thing::Number(number)),
            _ => default,
        };
        Some(default.and_unless(&unless))
    }

    /// What the command line says of an option, or of a word without a name.
    fn told_option(&self, call: Id, flags: &[String], all: &[Id], parser: Parser) -> Answer {
        let startup = self.modules.startup();
        let switches =
            || all.iter().map(|call| self.switch(*call, parser)).chain([help()]).collect::<Vec<_>>();
        let wanted = self.switch(call, parser);
        let is_operand = !flags.iter().any(|flag| flag.starts_with('-')) && parser != Parser::Tornado;
        if parser == Parser::Other || !startup.has_arguments() {
            return Answer::Unsaid;
        }
        if !is_operand {
            let switches = switches();
            return startup.words(Part::Arguments, &|words| option(words, &wanted, &switches));
        }
        let is_plain = |call: &Id| self.flags(*call).first().is_some_and(|name| !name.starts_with('-'));
        let before: Vec<Id> =
            all.iter().copied().take_while(|other| *other != call).filter(is_plain).collect();
        let several =
            |call: &Id| self.keyword(*call, "nargs").is_some_and(|it| !self.code().text(it).contains('?'));
        let unclear = all.iter().any(several) || !self.python.calls("add_subparsers").is_empty();
        if unclear {
            return Answer::Unclear("the files do not say which word of the command line it is".to_owned());
        }
        let switches = switches();
        startup.words(Part::Arguments, &|words| operand(words, before.len(), &switches))
    }

    /// The option that a call defines, as a command line writes it.
    fn switch(&self, call: Id, parser: Parser) -> Switch {
        let flags = self.flags(call).into_iter();
        let names = match parser {
            Parser::Tornado => {
                flags.take(1).flat_map(|name| [format!("--{name}"), format!("-{name}")]).collect()
            }
            _ => flags.filter(|flag| flag.starts_with('-')).collect(),
        };
        let action = self.argument(call, None, "action");
        let stores = action.is_none_or(|it| matches!(it.text(), Some("store" | "append" | "extend")));
        let counts = ["is_flag", "count"].into_iter().any(|key| self.keyword(call, key).is_some());
        Switch { names, takes_value: stores && !counts }
    }

    /// What an option becomes in the program.
    fn taken(&self, call: Id, kind: Option<&str>, set: Set) -> Value {
        let action = self.argument(call, None, "action");
        match action.as_ref().map(Value::text) {
            None | Some(Some("store")) => {}
            Some(Some("store_true")) => return Thing::Truth(true).into(),
            Some(Some("store_false")) => return Thing::Truth(false).into(),
            Some(_) => return self.unknown(call),
        }
        let value = Value { written: set.written(), ..Thing::Text(set.text.to_string()).into() };
        match (kind, value.integer()) {
            (None | Some("str"), _) => value,
            (Some("int"), Some(number)) => value.becomes(Thing::Number(number)),
            _ => self.unknown(call),
        }
    }
}

fn help() -> Switch {
    Switch { names: vec!["-h".to_owned(), "--help".to_owned()], takes_value: false }
}

fn answered(answer: Answer, reason: impl Fn() -> String) -> Option<Value> {
    match answer {
        Answer::Unsaid => None,
        Answer::Unclear(why) => Some(Value::unknown(why)),
        Answer::Set(set) => {
            let unless = Vec::from_iter(set.may_change.then(reason));
            Some(Value { written: set.written(), unless, ..Thing::Text(set.text.to_string()).into() })
        }
    }
}
