//! What is drawn: two lines about the server, the rows of the view, and a line of what the keys do.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style, Stylize as _},
    text::{Line, Span},
    widgets::{Cell, Paragraph, Row as TableRow, Table, TableState},
};

use super::{
    rows::{Align, Column, Row, columns, rows},
    samples::Samples,
    screen::{Order, Screen, Typing, View},
};
use crate::inspected::{brief, grouped};

pub(super) fn draw(frame: &mut Frame<'_>, screen: &mut Screen, samples: &Samples) {
    let [head, tabs, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let rows = rows(screen, samples);
    screen.find(&rows);
    frame.render_widget(Paragraph::new(server(screen, samples)), head);
    frame.render_widget(Paragraph::new(views(screen, samples, rows.len())), tabs);
    table(frame, screen, &rows, body);
    frame.render_widget(Paragraph::new(keys(screen, frame.area().width)), foot);
}

/// The server, and what it does in all.
fn server(screen: &Screen, samples: &Samples) -> Line<'static> {
    let Some(sample) = samples.last() else { return Line::default() };
    let overview = &sample.overview;
    let rate: f64 = samples.methods().iter().map(|method| method.rate).sum();
    let name = match overview.name.as_str() {
        "" => String::new(),
        name => format!(" {}", name.chars().filter(|c| !c.is_control()).collect::<String>()),
    };
    let mut spans = vec![Span::from(screen.address.clone()).bold(), Span::from(name).dim()];
    let mut add = |label: &'static str, value: String| {
        spans.push(Span::from(label).dim());
        spans.push(Span::from(value));
    };
    add("  up ", brief(overview.uptime));
    add("  calls/s ", grouped(rate.round() as u64));
    add("  run ", grouped(overview.in_flight));
    add("  conns ", grouped(overview.connections));
    if screen.paused {
        spans.push(Span::from("  PAUSED").yellow().bold());
    }
    Line::from(spans)
}

/// The views, and what the rows are.
fn views(screen: &Screen, samples: &Samples, rows: usize) -> Line<'static> {
    let mut spans = Vec::new();
    for (number, view) in (1..).zip(View::ALL) {
        let label = format!(" {number} {} ", view.title());
        spans.push(match view == screen.view {
            true => Span::from(label).reversed(),
            false => Span::from(label).dim(),
        });
    }
    let calls = samples.last().and_then(|sample| sample.calls.as_ref());
    let total = match (screen.view, calls) {
        (View::Calls, Some(list)) if list.total > list.calls.len() as u64 => {
            format!("  the oldest {} of {}", grouped(rows as u64), grouped(list.total))
        }
        _ => format!("  {}", grouped(rows as u64)),
    };
    spans.push(Span::from(total).dim());
    if let Some(method) = &screen.method {
        spans.push(Span::from(format!(" of {method}")).cyan());
    }
    match screen.typing {
        Typing::Filter => spans.push(Span::from(format!("  /{}▏", screen.filter)).yellow()),
        Typing::Commands if !screen.filter.is_empty() => {
            spans.push(Span::from(format!("  /{}", screen.filter)).yellow());
        }
        Typing::Commands => {}
    }
    Line::from(spans)
}

fn table(frame: &mut Frame<'_>, screen: &Screen, rows: &[Row], area: Rect) {
    let columns = columns(screen.view);
    let (by, order) = screen.sorted[screen.view as usize];
    let heads = columns.iter().enumerate().map(|(index, column)| {
        let arrow = match order {
            _ if index != by => "",
            Order::Falling => "▾",
            Order::Rising => "▴",
        };
        let style = if index == by { Style::new().bold() } else { Style::new().dim() };
        cell(column, format!("{}{arrow}", column.head)).style(style)
    });
    let lines = rows.iter().map(|row| {
        let cells = columns.iter().zip(&row.cells).map(|(column, text)| cell(column, text.clone()));
        let style = if row.alarming { Style::new().yellow() } else { Style::new() };
        TableRow::new(cells).style(style)
    });
    let widths = widths(columns, rows, area.width);
    let table = Table::new(lines, widths)
        .header(TableRow::new(heads))
        .column_spacing(1)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let chosen = (!rows.is_empty()).then_some(screen.chosen);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(chosen));
}

/// As wide as the widest cell where there is room for all; else what a column is to have, and the rest for the one that
/// says what the row is.
fn widths(columns: &[Column], rows: &[Row], room: u16) -> Vec<Constraint> {
    let longest = |index: usize| {
        let cells = rows.iter().map(|row| row.cells[index].chars().count());
        // The head has an arrow, if rows are sorted by it.
        let cells = cells.max().unwrap_or(0).max(columns[index].head.len() + 1);
        u16::try_from(cells).unwrap_or(u16::MAX).max(columns[index].width)
    };
    let longest: Vec<u16> = (0..columns.len()).map(longest).collect();
    let all = longest.iter().fold(0_u16, |sum, width| sum.saturating_add(width + 1));
    let constraint = |(column, longest): (&Column, u16)| match column.width {
        _ if all <= room + 1 => Constraint::Length(longest),
        0 => Constraint::Min(12),
        width => Constraint::Length(width),
    };
    columns.iter().zip(longest).map(constraint).collect()
}

fn cell(column: &Column, text: String) -> Cell<'static> {
    let line = Line::from(text);
    Cell::from(match column.align {
        Align::Left => line,
        Align::Right => line.right_aligned(),
    })
}

/// What the keys do, or what is to be said before that.
fn keys(screen: &Screen, width: u16) -> Line<'static> {
    if let Some(call) = screen.ending {
        return Line::from(format!("end call {call}? y ends it, any other key does not")).yellow();
    }
    if let Some(lost) = &screen.lost {
        return Line::from(lost.clone()).red();
    }
    if let Some(said) = &screen.said {
        return Line::from(said.clone()).yellow();
    }
    let keys: &[(&str, &str)] = match screen.typing {
        Typing::Filter => &[("Enter", "keep"), ("Esc", "no filter")],
        Typing::Commands => match screen.view {
            View::Methods => &[
                ("↑↓", "choose"),
                ("Enter", "its calls"),
                ("s", "sort"),
                ("r", "reverse"),
                ("/", "filter"),
                ("p", "pause"),
                ("q", "leave"),
            ],
            View::Calls => &[
                ("↑↓", "choose"),
                ("K", "end it"),
                ("s", "sort"),
                ("r", "reverse"),
                ("/", "filter"),
                ("p", "pause"),
                ("q", "leave"),
            ],
            View::Connections => &[
                ("↑↓", "choose"),
                ("s", "sort"),
                ("r", "reverse"),
                ("/", "filter"),
                ("p", "pause"),
                ("q", "leave"),
            ],
        },
    };
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in keys {
        used += key.chars().count() + what.chars().count() + 3;
        if used > usize::from(width) + 2 {
            break;
        }
        spans.push(Span::from(*key).bold());
        spans.push(Span::from(format!(" {what}  ")).dim());
    }
    Line::from(spans)
}

/// The methods as lines of text, those that were called most first.
pub(super) fn once(samples: &Samples) -> Vec<String> {
    let screen = Screen::new("");
    let rows = rows(&screen, samples);
    let columns = columns(View::Methods);
    let longest = rows.iter().map(|row| row.cells[0].chars().count()).max().unwrap_or(0).max(6);
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(columns).map(|(cell, column)| match column.align {
            Align::Left => format!("{cell:longest$}"),
            Align::Right => format!("{cell:>width$}", width = usize::from(column.width)),
        });
        cells.collect::<Vec<_>>().join(" ")
    };
    let heads = columns.iter().map(|column| column.head).collect();
    let lines = rows.iter().map(|row| line(row.cells.iter().map(String::as_str).collect()));
    std::iter::once(line(heads)).chain(lines).collect()
}
