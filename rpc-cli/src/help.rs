//! The help of the program at the width of the terminal: paragraphs are one line in the source, and wrapped lines go on
//! below the text that they belong to.

use std::{
    env,
    io::{self, IsTerminal as _},
};

use clap::Command;

/// Longer lines are hard to read.
const WIDEST: usize = 100;

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

/// The command and those below it at the width of the terminal.
pub(crate) fn fitted_to_terminal(command: Command) -> Command {
    let width = width();
    fitted(command, width).term_width(width)
}

/// The command and those below it, with what stands behind their options as wide as it may be.
pub(crate) fn fitted(command: Command, width: usize) -> Command {
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
    use super::fit;

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
}
