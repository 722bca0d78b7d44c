//! What we believe about services and kernels: the files of `rules/` but for the rules themselves, every
//! value with its place in those files, so that a report can point at the line where its source stands. An audit meets few
//! services: of each file the head is read, which tells whether there is one, and the rest when there is.

mod apply;
mod commands;
mod kernel;
pub mod keys;
mod likely;
mod own;
mod service;
mod shape;
mod system;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::text::Sources;
pub use apply::ApplyCommands;
pub use commands::{CommandLines, Runner};
pub use kernel::{KernelFacts, Range};
pub use keys::Keys;
pub use likely::Likely;
pub use own::{nearest, parse_own, read_given, unknown};
pub use service::{Default, Fact, Group, Head, Service, Setting, Signs, VersionSources};
pub use shape::Shape;
use shape::ShapesByName;
pub use system::{Distribution, Release, Systems, Tuned};
pub use table::{Broken, Lazy, lazy, parse};

/// All of `rules/`, in the program.
pub static RULES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/rules");

/// What the candidates that hold sysctls go by.
pub const SYSCTL: &str = "sysctl";

/// What stands before the kinds of files that start programs: `command/unit`.
pub const COMMAND: &str = "command/";

/// A file that belongs to a service, as its `[files]` find it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The real path in the tree.
    pub path: PathBuf,
    /// It lies where the service itself looks for it; else it was found by name and content.
    pub by_place: bool,
}

/// The files of each service, by its name.
pub type Candidates = BTreeMap<String, Vec<Candidate>>;

/// Everything in `rules/` that is not a rule.
#[derive(Debug)]
pub struct Knowledge {
    services: BTreeMap<String, Signs>,
    /// By the names that the candidates of each go by.
    shapes: Vec<(String, Arc<Shape>)>,
    by_name: ShapesByName,
    pub command_lines: Lazy<CommandLines>,
    pub likely: Lazy<Likely>,
    pub kernel: KernelFacts,
}

impl Knowledge {
    pub fn load(sources: &Sources) -> Result<Self, Broken> {
        let mut services = BTreeMap::new();
        for file in RULES.get_dir("services").into_iter().flat_map(Dir::files) {
            let Some(name) = file.path().file_stem().and_then(|stem| stem.to_str()) else { continue };
            services.insert(name.to_owned(), Signs::read(sources, name, file)?);
        }
        let kernel = KernelFacts::load(sources)?;
        let (commands, command_lines) = commands::load(sources)?;
        // Sysctls are the kernel's, but found like the rest, and so is what starts programs.
        let of_services = services.values().map(|signs| (signs.name.clone(), Arc::clone(&signs.shape)));
        let of_kernel = (SYSCTL.to_owned(), Arc::clone(&kernel.shape));
        let shapes: Vec<(String, Arc<Shape>)> = of_services.chain([of_kernel]).chain(commands).collect();
        let by_name = ShapesByName::of(shapes.iter().map(|(_, shape)| &**shape));
        let likely = lazy(Likely::load);
        Ok(Self { services, shapes, by_name, command_lines, likely, kernel })
    }

    /// All that we know of a service.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)?.service()
    }

    /// All that we know of every service, by name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values().filter_map(Signs::service)
    }

    /// What a service is told by.
    pub fn signs_of(&self, service: &str) -> Option<&Signs> {
        self.services.get(service)
    }

    /// What is wrong with the name of a service that we do not know.
    pub fn has_service(&self, name: &str) -> Result<(), String> {
        if self.services.contains_key(name) {
            return Ok(());
        }
        let called = self.signs().find(|signs| signs.programs.iter().any(|program| program == name));
        Err(match called {
            Some(signs) => format!("there is no service `{name}`; did you mean `{}`?", signs.name),
            None => unknown("service", name, self.services.keys().map(String::as_str)),
        })
    }

    /// What every service is told by, by name.
    pub fn signs(&self) -> impl Iterator<Item = &Signs> {
        self.services.values()
    }

    /// The shape of every kind of file, by the name that its candidates go by.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.shapes.iter().map(|(name, shape)| (name.as_str(), &**shape))
    }

    /// Whether a file of this path may be of a kind that is taken, by its name.
    pub fn has_shape(&self, path: &[u8], taken: impl Fn(&Shape) -> bool) -> bool {
        self.by_name.any(path, |shape| self.shapes.get(shape).is_some_and(|(_, shape)| taken(shape)))
    }

    /// Those of the kinds of files that one of this path may be, by its name.
    pub fn shapes_of(&self, path: &[u8]) -> Vec<(&str, &Shape)> {
        let shapes = self.by_name.at(path).into_iter().filter_map(|shape| self.shapes.get(shape));
        shapes.map(|(name, shape)| (name.as_str(), &**shape)).collect()
    }
}
