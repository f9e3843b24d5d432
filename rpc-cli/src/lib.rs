//! `rpc`: plays with, lists, describes and calls any live server that describes itself. As a library it is for build
//! scripts: [`generate()`] makes clients and documents from a description.

mod access;
mod api;
mod arguments;
mod by_steps;
mod coding;
mod colours;
mod commands;
mod config;
mod connect;
mod demo;
mod description;
mod documents;
mod dry_run;
mod exit;
mod generate;
mod help;
mod inspected;
mod languages;
#[doc(hidden)]
pub mod load;
mod new_project;
mod output;
mod patience;
mod program;
mod readable;
mod source;
mod suggest;
mod template;
mod wire;

pub use documents::Form;
pub use generate::{Generate, GenerateError, Output, Source, generate};
pub use languages::{GeneratedFile, Language, Package, PackageError, Platform};
pub use program::run;
