//! Computes the accept queue of every TCP listener that a tree of files describes, and shows which lines decide it.

pub mod kernel;
pub mod knowledge;
pub mod model;
pub mod plan;
pub mod report;
pub mod rules;
pub mod services;
pub mod syntax;
pub mod text;
