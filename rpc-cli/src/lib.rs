//! `rpc`: plays with, lists, describes and calls any live server that describes itself.

mod api;
mod arguments;
mod bench;
mod commands;
mod connect;
mod demo;
mod description;
mod diff;
mod documents;
mod dry_run;
mod exit;
mod languages;
mod new_project;
mod output;
mod patience;
mod program;
mod repl;
mod source;
mod suggest;
mod template;

pub use program::run;
