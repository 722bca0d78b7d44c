//! What we know: values with their places, listeners, network namespaces, queues, findings, fixes.
//! Data only; nothing here reads a file or decides anything.

mod chain;
mod command;
mod date;
mod file;
mod finding;
mod ignore;
mod listener;
mod minimum;
mod place;
mod problem;
mod queue;
mod running;
pub mod shell;
mod sysctl;
mod value;

pub use crate::text::Text;
pub use chain::{ALTERNATIVES, Link};
pub use command::{Command, Room, Starter, Variable};
pub use date::Date;
pub use file::{FileSeen, NotRead, NotReadKind};
pub use finding::{Finding, Fix, Label, Safety, Severity, Target, Want};
pub use ignore::{Came, Idle, Ignore, IgnoredRule};
pub use listener::{Apply, Endpoint, Hop, Listener, Next, Occupied, Transport, bound_to, ids};
pub use minimum::{Minimum, Minimums, Subject};
pub use place::{Host, Kernel, Place, PlaceId, PlaceKind, ReadAs, Version};
pub use problem::{Problem, ProblemKind};
pub use queue::{CappedBy, Queue, Step, SynQueue};
pub use running::{Counter, Counters, HalfOpen, Listening, Namespace, NamespaceKind, Owner, Running, Seen};
pub use sysctl::{Assignment, Fate, IgnoredFile, Suspect, Sysctl, Sysctls, key};
pub use value::{Kind, Setting, Value};
