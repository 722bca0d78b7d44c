//! What a program would make of the file that it begins with.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The main file of this machine's program: whatever is missing keeps it from starting.
    Installed,
    /// A main file that is put to use elsewhere.
    Main,
    /// A file that some main file includes.
    Fragment,
}
