//! A command line on its way from a file to the commands that it is.

use std::path::PathBuf;

use super::scene::Given;
use crate::model::{Starter, Value};
use crate::syntax::shell::Assignment;
use crate::text::{Span, Text};

/// How further arguments are written after the last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Behind a blank.
    Plain,
    /// As members of a list, with what stands before and after each.
    Members { before: String, after: String },
    /// Behind a blank at a place that is not where the last word is written.
    Behind(Span),
    /// They cannot be written there.
    None,
}

impl Form {
    /// Members of a JSON array.
    pub(super) fn json() -> Self {
        Form::Members { before: ", \"".into(), after: "\"".into() }
    }
}

/// What is the same of all command lines that one line comes to.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub starter: Starter,
    pub name: String,
    pub open_files: Option<(Value<i64>, Value<i64>)>,
    pub image: Option<Value<String>>,
    /// Files by the name that they have where the program runs, and their paths in the tree.
    pub copies: Vec<(String, PathBuf)>,
}

impl Base {
    pub(super) fn new(starter: Starter, name: impl Into<String>) -> Self {
        Self { starter, name: name.into(), open_files: None, image: None, copies: Vec::new() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub words: Vec<Text>,
    /// Of two of one name the later counts.
    pub environment: Vec<Given>,
    pub folder: Option<PathBuf>,
    pub form: Form,
    /// The whole of it, where that is more than its words.
    pub at: Option<Span>,
}

/// `NAME=value`, quoted or not.
pub(super) fn assignment(word: &Text) -> Option<Assignment> {
    let text = word.bytes();
    let length = memchr::memchr(b'=', text)?;
    let name = text.get(..length)?;
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let name = is_name.then(|| String::from_utf8_lossy(name).into_owned())?;
    Some(Assignment { name, value: word.slice(length + 1..text.len()) })
}
