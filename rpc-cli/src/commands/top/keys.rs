//! What the keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    rows::{Row, columns, rows},
    samples::Samples,
    screen::{Screen, Typing, View},
};

/// What follows from a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Leave,
    /// What is shown changes.
    Draw,
    /// The server is asked for what is shown next.
    Ask,
    /// A call is ended.
    Kill(u64),
}

/// How far a page goes.
const PAGE: usize = 15;

pub(super) fn press(screen: &mut Screen, samples: &Samples, key: KeyEvent) -> Action {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c' | 'd') => Action::Leave,
            _ => Action::Draw,
        };
    }
    if let Some(call) = screen.ending.take() {
        return match key.code {
            KeyCode::Char('y' | 'Y') => Action::Kill(call),
            _ => Action::Draw,
        };
    }
    screen.said = None;
    match screen.typing {
        Typing::Filter => {
            filter(screen, key.code);
            Action::Draw
        }
        Typing::Commands => command(screen, samples, key.code),
    }
}

fn filter(screen: &mut Screen, key: KeyCode) {
    (screen.chosen, screen.held) = (0, None);
    match key {
        KeyCode::Enter => screen.typing = Typing::Commands,
        KeyCode::Esc => {
            screen.typing = Typing::Commands;
            screen.filter.clear();
        }
        KeyCode::Backspace => drop(screen.filter.pop()),
        KeyCode::Char(letter) => screen.filter.push(letter),
        _ => {}
    }
}

fn command(screen: &mut Screen, samples: &Samples, key: KeyCode) -> Action {
    let rows = rows(screen, samples);
    let last = rows.len().saturating_sub(1);
    let go = |screen: &mut Screen, place: usize| {
        screen.chosen = place.min(last);
        screen.held = rows.get(screen.chosen).map(|row| row.name().to_owned());
        Action::Draw
    };
    let here = screen.chosen;
    match key {
        KeyCode::Char('q') => return Action::Leave,
        KeyCode::Esc if screen.method.is_none() && screen.filter.is_empty() => {
            return Action::Leave;
        }
        KeyCode::Esc if screen.filter.is_empty() => {
            screen.show(View::Methods, None);
            return Action::Ask;
        }
        KeyCode::Esc => screen.filter.clear(),
        KeyCode::Char('1') => return show(screen, View::Methods),
        KeyCode::Char('2') => return show(screen, View::Calls),
        KeyCode::Char('3') => return show(screen, View::Connections),
        KeyCode::Tab => {
            let next = (screen.view as usize + 1) % View::ALL.len();
            return show(screen, View::ALL[next]);
        }
        KeyCode::Down | KeyCode::Char('j') => return go(screen, here + 1),
        KeyCode::Up | KeyCode::Char('k') => return go(screen, here.saturating_sub(1)),
        KeyCode::PageDown => return go(screen, here + PAGE),
        KeyCode::PageUp => return go(screen, here.saturating_sub(PAGE)),
        KeyCode::Home | KeyCode::Char('g') => (screen.chosen, screen.held) = (0, None),
        KeyCode::End | KeyCode::Char('G') => return go(screen, last),
        KeyCode::Char(letter @ ('s' | 'S')) => {
            let columns = columns(screen.view).len();
            let step = if letter == 's' { 1 } else { columns - 1 };
            let sorted = screen.sorted();
            sorted.0 = (sorted.0 + step) % columns;
        }
        KeyCode::Char('r') => {
            let sorted = screen.sorted();
            sorted.1 = sorted.1.other();
        }
        KeyCode::Char('/') => screen.typing = Typing::Filter,
        KeyCode::Char('p' | ' ') => screen.paused = !screen.paused,
        KeyCode::Char('K') => match chosen(screen, samples).and_then(|row| row.call) {
            Some(call) => screen.ending = Some(call),
            None => screen.said = Some("choose a call first: 2 lists them".to_owned()),
        },
        KeyCode::Enter if screen.view == View::Methods => {
            if let Some(row) = chosen(screen, samples) {
                screen.show(View::Calls, row.method);
                return Action::Ask;
            }
        }
        _ => {}
    }
    Action::Draw
}

fn show(screen: &mut Screen, view: View) -> Action {
    screen.show(view, None);
    Action::Ask
}

fn chosen(screen: &Screen, samples: &Samples) -> Option<Row> {
    rows(screen, samples).into_iter().nth(screen.chosen)
}
