//! The help of the program at the width of the terminal: paragraphs are one line in the source, and wrapped lines go on
//! below the text that they belong to.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal as _},
};

use clap::{Command, CommandFactory as _, FromArgMatches as _, Parser as _, error::ErrorKind};

use crate::commands::Program;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// What was typed, or the help that was asked for, or what is wrong.
pub(crate) fn parse(typed: &[OsString]) -> clap::error::Result<Program> {
    Program::try_parse_from(typed).or_else(|told| match told.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let width = width();
            let mut command = fitted(Program::command(), width).term_width(width);
            let mut matches = command.try_get_matches_from_mut(typed)?;
            Program::from_arg_matches_mut(&mut matches)
        }
        _ => Err(told),
    })
}

/// A text at the width of the terminal.
pub(crate) fn fit_to_terminal(text: &str) -> String {
    fit(text, width())
}

fn width() -> usize {
    let terminal = || crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
    let told = || env::var("COLUMNS").ok()?.parse().ok();
    let columns = if io::stdout().is_terminal() { terminal() } else { told() };
    columns.filter(|&columns| columns > 0).unwrap_or(WIDEST).min(WIDEST)
}

/// The command and those below it, with what stands behind their options as wide as it may be.
fn fitted(command: Command, width: usize) -> Command {
    let text = command.get_after_help().map(|text| fit(&text.to_string(), width));
    let command = command.mut_subcommands(|below| fitted(below, width));
    match text {
        Some(text) => command.after_help(text),
        None => command,
    }
}

/// Each line of a text, wrapped.
fn fit(text: &str, width: usize) -> String {
    let lines = text.lines().map(|line| wrapped(line, width));
    lines.collect::<Vec<_>>().join("\n")
}

/// A line on as many as it needs. What stands in a column of its own stays in it, or below if there is no room beside.
fn wrapped(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let bare = line.trim_start();
    let indent = line.len() - bare.len();
    let column = bare.find("  ").map(|gap| {
        let text = bare[gap..].trim_start();
        (&bare[..gap], text, line.chars().count() - text.chars().count())
    });
    let (mut out, text, hang) = match column {
        Some((head, text, column)) if column * 5 <= width * 3 => {
            let head = format!("{:indent$}{head}", "");
            (format!("{head:column$}"), text, column)
        }
        Some((head, text, _)) => {
            let hang = indent + 4;
            (format!("{:indent$}{head}\n{:hang$}", "", ""), text, hang)
        }
        // A command is told from the next one.
        None => {
            let hang = indent + if bare.starts_with("rpc ") { 4 } else { 0 };
            (format!("{:indent$}", ""), bare, hang)
        }
    };
    let mut filled = out.lines().last().map_or(0, |line| line.chars().count());
    for (place, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if place > 0 && filled + 1 + length > width {
            out.push_str(&format!("\n{:hang$}", ""));
            filled = hang;
        } else if place > 0 {
            out.push(' ');
            filled += 1;
        }
        out.push_str(word);
        filled += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use super::{fit, fitted};
    use crate::commands::Program;

    #[test]
    fn wrapped_lines_go_on_below_their_text() {
        let text = "\
Exit codes:
  1    a server that does not serve, or a load of which no call succeeded
  2    wrong usage
Any other status is its number and sixty-four.
  rpc list 127.0.0.1:7000 Calculator      with its methods";
        let fitted = "\
Exit codes:
  1    a server that does not serve, or
       a load of which no call succeeded
  2    wrong usage
Any other status is its number and
sixty-four.
  rpc list 127.0.0.1:7000 Calculator
      with its methods";
        assert_eq!(fit(text, 40), fitted);
        assert_eq!(fit(text, 100), text);
    }

    /// The lines of all commands' texts that stand behind the options.
    fn texts(command: &Command) -> Vec<String> {
        let own = command.get_after_help().map(ToString::to_string);
        own.into_iter().chain(command.get_subcommands().flat_map(texts)).collect()
    }

    #[test]
    fn no_width_breaks_a_line_twice() {
        for width in 60..=100 {
            let texts = texts(&fitted(Program::command(), width));
            assert!(texts.len() > 15);
            for line in texts.iter().flat_map(|text| text.lines()) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}
