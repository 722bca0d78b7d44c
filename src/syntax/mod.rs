//! How files are written: words, blocks, XML, source code. It knows no service and no kernel.

pub mod blocks;
pub mod caddyfile;
pub mod calls;
pub mod directives;
pub mod dotenv;
pub mod go;
pub mod host_port;
pub mod hosts;
pub mod ini;
pub mod java;
pub mod json;
pub mod letters;
pub mod lua;
pub mod number;
pub mod optparse;
pub mod packages;
pub mod php_ini;
pub mod pins;
pub mod properties;
pub mod python;
pub mod ruby;
pub mod shell;
pub mod unit;
pub mod xml;
pub mod yaml;
