//! How files are written: words, blocks, XML, source code. It knows no service and no kernel.

pub mod blocks;
pub mod caddyfile;
pub mod calls;
pub mod host_port;
pub mod hosts;
pub mod lua;
pub mod packages;
pub mod properties;
pub mod xml;
pub mod yaml;
