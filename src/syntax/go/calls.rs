//! What calls give: the environment, flags, formatting, the addresses of package net, and the program's own functions.

use super::eval::Given;
use super::{At, MAX_VALUES, Question, Reading, Thing, Value};
use crate::syntax::eval::not_told;
use crate::syntax::startup::{Answer, Part, Switch, option};

impl<'p, 'a> Reading<'p, 'a> {
    /// One of the values that a call gives.
    pub(super) fn called(&self, call: At<'p, 'a>, index: usize) -> Value {
        let Some(function) = call.field("function") else { return self.unknown(call) };
        let known = match self.qualified(function) {
            Some(full) if index == 0 => self.of_library(call, &full),
            Some(_) => None,
            None => self.of_plain(call, function),
        };
        let own =
            || Value::agreed(self.returns(call, index, |value| self.value(value)), function.last_name());
        known.or_else(own).unwrap_or_else(|| self.unknown(call))
    }

    fn given(&self, call: At<'p, 'a>, index: usize) -> Option<Value> {
        call.argument(index).map(|argument| self.value(argument))
    }

    fn of_library(&self, call: At<'p, 'a>, full: &str) -> Option<Value> {
        let (package, name) = full.rsplit_once('.')?;
        match (package, name) {
            ("os" | "syscall", "Getenv" | "LookupEnv") => Some(self.environment(call)),
            ("flag" | "github.com/spf13/pflag", _) => self.flag(call, 0, name, dashes(package)),
            ("fmt", "Sprintf") => Some(self.formatted(call)),
            ("fmt", "Sprint") => self.joined(call, ""),
            ("path" | "path/filepath", "Join") => self.joined(call, "/"),
            ("net", "JoinHostPort") => Some(self.host_and_port(call)),
            ("strconv", "Itoa" | "FormatInt" | "FormatUint") => {
                let value = self.given(call, 0)?;
                let text = value.shown().map(Thing::Text);
                Some(text.map_or_else(|| value.clone(), |text| value.clone().becomes(text)))
            }
            ("strconv", "Atoi" | "ParseInt" | "ParseUint") => {
                let value = self.given(call, 0)?;
                let number = value.as_text().and_then(|text| text.parse().ok()).map(Thing::Number);
                Some(number.map_or_else(|| value.clone(), |number| value.clone().becomes(number)))
            }
            ("strings", "TrimSpace")
            | ("net", "ParseIP")
            | ("net/netip", "MustParseAddrPort" | "MustParseAddr") => self.given(call, 0),
            ("net", "TCPAddrFromAddrPort") => self.given(call, 0),
            ("strings", "TrimPrefix" | "TrimSuffix") => self.trimmed(call, name),
            ("net", "ResolveTCPAddr" | "ResolveUnixAddr") => self.given(call, 1),
            ("cmp", "Or") => self.first_that_is_set(call),
            _ => None,
        }
    }

    /// Conversions, and the methods of sets of flags.
    fn of_plain(&self, call: At<'p, 'a>, function: At<'p, 'a>) -> Option<Value> {
        match (function.kind(), function.text()) {
            (
                "identifier",
                "string" | "int" | "int32" | "int64" | "uint" | "uint16" | "uint32" | "uint64",
            ) => self.given(call, 0).map(|value| Value { written: None, ..value }),
            // A call with a name, a value and what it is for.
            ("selector_expression", _) if call.go.arguments(call.id).len() >= 3 => {
                self.flag(call, 0, function.last_name(), "--")
            }
            _ => None,
        }
        .or_else(|| self.of_kingpin(function))
    }

    /// `kingpin.Flag("listen", "...").Default(":9090").String()`.
    fn of_kingpin(&self, function: At<'p, 'a>) -> Option<Value> {
        if !matches!(function.last_name(), "String" | "Int" | "Uint16" | "TCP") {
            return None;
        }
        let mut at = function.field("operand")?;
        let (mut default, mut short) = (None, None);
        for _ in 0..8 {
            let called = at.field("function")?;
            match called.last_name() {
                "Default" => default = Some(self.given(at, 0)?),
                "Short" => short = at.argument(0).map(|rune| format!("-{}", rune.text().trim_matches('\''))),
                "Flag" | "Arg" => {
                    let name = format!("--{}", self.given(at, 0)?.as_text()?);
                    let reason = format!("{name} is given");
                    let answer = match called.last_name() {
                        "Flag" => self.of_pflag(at, std::iter::once(name).chain(short).collect()),
                        _ => Answer::Unsaid,
                    };
                    return Some(match answer {
                        Answer::Unsaid => default?.and_unless(&[reason]),
                        answer => {
                            let told = self.answered(Value::answered(answer, &reason));
                            self.of_kind(told, function.last_name(), at)
                        }
                    });
                }
                _ => {}
            }
            at = called.field("operand")?;
        }
        None
    }

    fn environment(&self, call: At<'p, 'a>) -> Value {
        let Some(name) = self.given(call, 0) else { return self.unknown(call) };
        match name.as_text() {
            Some(name) => self.answered(Value::environment(name, self.startup.variable(name))),
            None => self.because(call, [name]),
        }
    }

    /// `flag.String("addr", ":8080", "...")`, `flag.StringP("addr", "a", ":8080", "...")`: the name stands at an index.
    fn flag(&self, call: At<'p, 'a>, at: usize, name: &str, dashes: &str) -> Option<Value> {
        if name == "Arg" {
            return Some(Thing::Outside("an argument says so".to_owned()).into());
        }
        let kind = name.strip_suffix('P').unwrap_or(name);
        let kind = kind.strip_suffix("Var").unwrap_or(kind);
        if !matches!(kind, "String" | "Int" | "Uint" | "Int64" | "Uint16") {
            return None;
        }
        let option = self.given(call, at)?;
        let short = name.ends_with('P').then(|| self.given(call, at + 1)).flatten();
        let value = self.given(call, at + 1 + usize::from(name.ends_with('P')))?;
        let option = option.as_text()?;
        let given = format!("{dashes}{option} is given");
        let answer = match dashes {
            "-" => self.of_flag(call, option),
            _ => {
                let short = short.as_ref().and_then(Value::as_text).map(|short| format!("-{short}"));
                self.of_pflag(call, std::iter::once(format!("--{option}")).chain(short).collect())
            }
        };
        Some(match answer {
            Answer::Unsaid => Value { written: None, ..value }.and_unless(&[given]),
            answer => self.of_kind(self.answered(Value::answered(answer, &given)), kind, call),
        })
    }

    /// What the command line says of a flag of some kind.
    fn of_kind(&self, told: Value, kind: &str, call: At<'p, 'a>) -> Value {
        let is_text = matches!(kind, "String" | "TCP");
        match told.as_text().filter(|_| !is_text).map(|text| text.parse().map(Thing::Number)) {
            None => told,
            Some(Ok(number)) => told.becomes(number),
            Some(Err(_)) => self.unknown(call),
        }
    }

    /// The flags of this file that a command line may name, and whether each is followed by a value.
    fn flags(&self, call: At<'p, 'a>) -> Vec<(String, bool)> {
        let calls = call.go.calls(|name| !name.is_empty()).into_iter().map(|id| call.to(id));
        let calls = calls.filter(|it| it.go.arguments(it.id).len() >= 3);
        let flags = calls.filter_map(|it| {
            let mut given = (0..2).filter_map(|index| it.argument(index));
            let name = given.find(|it| it.kind().ends_with("string_literal")).map(|it| self.value(it))?;
            let kind = it.field("function")?.last_name();
            Some((name.as_text()?.to_owned(), !kind.starts_with("Bool") && !kind.starts_with("Count")))
        });
        call.first_of(MAX_VALUES, "flags of one file", flags).collect()
    }

    /// What the command line says of a flag of package flag: one dash or two, and no more flags behind the first word that is
    /// none (flag/flag.go: parseOne).
    fn of_flag(&self, call: At<'p, 'a>, name: &str) -> Answer {
        if !self.startup.has_arguments() {
            return Answer::Unsaid;
        }
        let flags = self.flags(call);
        self.startup.words(Part::Arguments, &|words| {
            let mut found = None;
            let mut rest = words.iter();
            while let Some(word) = rest.next() {
                let text = word.as_str();
                let bare = text.strip_prefix("--").or_else(|| text.strip_prefix('-')).unwrap_or_default();
                if bare.is_empty() {
                    break;
                }
                let (own, joined) =
                    bare.split_once('=').map_or((bare, None), |(own, value)| (own, Some(value)));
                let takes = own == name || flags.iter().any(|(flag, takes)| flag == own && *takes);
                let is_known = own == name || flags.iter().any(|(flag, _)| flag == own);
                let follows = rest.as_slice().first().is_some_and(|next| !next.starts_with('-'));
                if !is_known && joined.is_none() && follows {
                    return Err(format!("{} on the command line", not_told(&format!("-{own}"))));
                }
                let next = if takes && joined.is_none() { rest.next() } else { None };
                let value = joined.map(|value| (word, value)).or(next.map(|next| (next, next.as_str())));
                if own == name {
                    found = Some(value.ok_or_else(|| format!("`-{own}` has no value on the command line"))?);
                }
            }
            Ok(found)
        })
    }

    fn of_pflag(&self, call: At<'p, 'a>, names: Vec<String>) -> Answer {
        if !self.startup.has_arguments() {
            return Answer::Unsaid;
        }
        let wanted = Switch { names, takes_value: true };
        let others = self.flags(call).into_iter();
        let others =
            others.map(|(name, takes_value)| Switch { names: vec![format!("--{name}")], takes_value });
        let others: Vec<Switch> = others.collect();
        self.startup.words(Part::Arguments, &|words| option(words, &wanted, &others))
    }

    /// `flag.StringVar(&addr, "addr", ":8080", "...")`: what a flag puts where a pointer leads to.
    pub(super) fn flag_for(&self, pointer: At<'p, 'a>) -> Option<Given<'p, 'a>> {
        let code = pointer.code();
        let list = code.parent(pointer.id).filter(|list| code.kind(*list) == "argument_list")?;
        let call = pointer.to(code.parent(list)?);
        let function = call.field("function")?;
        let name = function.last_name();
        let is_flag = name.ends_with("Var") || name.ends_with("VarP");
        let full = self.qualified(function).unwrap_or_default();
        let dashes = dashes(full.rsplit_once('.').map_or("", |(package, _)| package));
        // Its own value may be the default: `flag.StringVar(&addr, "addr", addr, "...")`.
        let value =
            self.once(Question::Flag, pointer, || is_flag.then(|| self.flag(call, 1, name, dashes)))??;
        Some(value.map_or(Given::Opaque, Given::Known))
    }

    /// fmt.Sprintf, as far as its verbs are plain.
    fn formatted(&self, call: At<'p, 'a>) -> Value {
        let mut arguments = call.go.arguments(call.id).into_iter().map(|id| self.value(call.to(id)));
        let format = arguments.next().and_then(|format| format.as_text().map(str::to_owned));
        let Some(format) = format else { return self.unknown(call) };
        let mut made = Value::text("");
        let mut text = String::new();
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            match c {
                '%' => match rest.next() {
                    Some('%') => text.push('%'),
                    Some('s' | 'd' | 'v') => {
                        let Some(part) = arguments.next() else { return self.unknown(call) };
                        let is_host = text.is_empty() && rest.as_str().starts_with(':');
                        let part = if is_host { part.or_empty() } else { part };
                        let Some(shown) = part.shown() else { return self.because(call, [part]) };
                        text.push_str(&shown);
                        made = made.and_unless(&part.unless);
                    }
                    _ => return self.unknown(call),
                },
                c => text.push(c),
            }
        }
        made.becomes(Thing::Text(text))
    }

    fn joined(&self, call: At<'p, 'a>, between: &str) -> Option<Value> {
        let parts: Vec<Value> =
            call.go.arguments(call.id).into_iter().map(|id| self.value(call.to(id))).collect();
        let shown: Option<Vec<String>> = parts.iter().map(Value::shown).collect();
        let Some(shown) = shown else { return Some(self.because(call, parts)) };
        let made = parts.iter().fold(Value::text(""), |made, part| made.and_unless(&part.unless));
        let filled: Vec<&str> = shown.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        Some(made.becomes(Thing::Text(filled.join(between))))
    }

    fn host_and_port(&self, call: At<'p, 'a>) -> Value {
        let (Some(host), Some(port)) = (self.given(call, 0), self.given(call, 1)) else {
            return self.unknown(call);
        };
        let host = host.or_empty();
        let (Some(name), Some(number)) = (host.as_text(), port.as_text()) else {
            return self.because(call, [host, port]);
        };
        let text =
            if name.contains([':', '%']) { format!("[{name}]:{number}") } else { format!("{name}:{number}") };
        Value::text(text).and_unless(&host.unless).and_unless(&port.unless)
    }

    fn trimmed(&self, call: At<'p, 'a>, name: &str) -> Option<Value> {
        let (value, part) = (self.given(call, 0)?, self.given(call, 1)?);
        let (Some(text), Some(part)) = (value.as_text(), part.as_text()) else { return Some(value) };
        let bare = if name == "TrimPrefix" { text.strip_prefix(part) } else { text.strip_suffix(part) };
        let bare = bare.unwrap_or(text).to_owned();
        Some(value.becomes(Thing::Text(bare)))
    }

    /// cmp.Or: the first that is not zero. What comes from outside is taken as not set.
    fn first_that_is_set(&self, call: At<'p, 'a>) -> Option<Value> {
        let mut unless = Vec::new();
        for argument in call.go.arguments(call.id) {
            let value = self.value(call.to(argument));
            unless.extend(value.unless.iter().cloned());
            match value.thing {
                Thing::Outside(what) => unless.push(what),
                Thing::Text(text) if text.is_empty() => {}
                Thing::Number(0) => {}
                _ => return Some(value.and_unless(&unless)),
            }
        }
        None
    }
}

/// How a flag is written on the command line.
fn dashes(package: &str) -> &'static str {
    if package == "flag" { "-" } else { "--" }
}
