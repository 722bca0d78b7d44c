//! Bytes and places in them: sources, spans, slots, edits, and a rooted tree of files.
//! It knows nothing of what the bytes mean.

mod cut;
mod edit;
mod glob;
mod globs;
mod harmless;
mod hash;
mod pattern;
mod progress;
mod slot;
mod source;
mod span;
pub mod tree;
mod written;

use cut::Cuts;
pub use cut::{Cut, deeper, larger, over};
pub use edit::{Edit, apply};
pub use glob::{Glob, has_magic, levels};
pub use globs::Globs;
pub use harmless::{is_harmful, spell_out, spelled_out};
pub use hash::{HashMap, HashSet};
pub use pattern::{Pattern, Patterns};
pub use progress::Progress;
pub use slot::Slot;
pub use source::{Origin, Source, Sources};
pub use span::{Position, SourceId, Span};
pub use tree::Tree;
pub use written::Text;
