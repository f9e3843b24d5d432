//! What is typed, pasted, or read from a script: a line at a time, however many came at once.

use std::{io::IsTerminal as _, path::Path};

use anyhow::Result;
use rpc_core::schema::ServiceSchema;
use rustyline::{Editor, error::ReadlineError, history::FileHistory};
use tokio::sync::mpsc;

use super::{complete::Assistant, line};
use crate::exit::Failure;

pub(super) const COMMAND: &str = "rpc> ";
const ITEM: &str = "item> ";

type Prompt = Editor<Assistant, FileHistory>;

/// Where lines come from.
pub(super) struct Lines {
    editor: Option<Prompt>,
    /// What came with the last line, for the next ones: it was pasted.
    rest: String,
    /// What was read last was several lines at once.
    pasted: bool,
    /// Somebody types, and reads what comes of it.
    pub(super) person: bool,
}

impl Lines {
    pub(super) fn of(editor: Prompt) -> Self {
        let person = std::io::stdin().is_terminal();
        Self { editor: Some(editor), rest: String::new(), pasted: false, person }
    }

    /// Whether lines run one after the other with nobody to look at each.
    pub(super) const fn is_script(&self) -> bool {
        !self.person || self.pasted
    }

    pub(super) fn assistant(&self) -> Option<&Assistant> {
        self.editor.as_ref()?.helper()
    }

    /// These services are completed from now on.
    pub(super) fn offer(&mut self, services: Vec<ServiceSchema>) {
        if let Some(assistant) = self.editor.as_mut().and_then(Prompt::helper_mut) {
            assistant.services = services;
        }
    }

    /// Keeps the history, if it can be kept.
    pub(super) fn save(&mut self, path: &Path) {
        if let Some(editor) = &mut self.editor {
            let _ = editor.save_history(path);
        }
    }

    /// Whether a script ends within a line; said once.
    fn is_broken_off(&self) -> bool {
        !self.person && self.assistant().is_some_and(Assistant::take_open)
    }

    /// The next line; none at the end.
    pub(super) async fn read(&mut self, prompt: &'static str) -> Result<Option<String>> {
        if self.rest.is_empty() {
            match self.type_in(prompt).await {
                Ok(Some(typed)) => self.rest = typed + "\n",
                Ok(None) if self.is_broken_off() => {
                    let message = "the last line does not end: a bracket or a quote is open";
                    return Err(Failure::argument(message).into());
                }
                Ok(None) => return Ok(None),
                // At the prompt it empties the line.
                Err(ReadlineError::Interrupted) if prompt == COMMAND => self.rest = "\n".to_owned(),
                Err(ReadlineError::Interrupted) => return Err(Failure::Interrupted.into()),
                Err(error) => return Err(error.into()),
            }
            let line = line::take(&mut self.rest, prompt == ITEM);
            self.pasted = !self.rest.is_empty();
            return Ok(Some(line));
        }
        Ok(Some(line::take(&mut self.rest, prompt == ITEM)))
    }

    /// What is typed next, which may be several lines.
    async fn type_in(&mut self, prompt: &'static str) -> rustyline::Result<Option<String>> {
        let Some(mut taken) = self.editor.take() else { return Ok(None) };
        // A thread of its own: reading blocks, and calls of the server's may come meanwhile.
        let reading = tokio::task::spawn_blocking(move || {
            if let Some(assistant) = taken.helper_mut() {
                assistant.items = prompt == ITEM;
            }
            let line = taken.readline(prompt);
            if let Ok(line) = &line
                && prompt == COMMAND
                && !line.trim().is_empty()
            {
                let _ = taken.add_history_entry(line);
            }
            (taken, line)
        });
        let (taken, line) = reading.await.map_err(std::io::Error::other)?;
        self.editor = Some(taken);
        match line {
            Ok(line) => Ok(Some(line)),
            Err(ReadlineError::Eof) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Hands on items up to an empty line. A line that comes when a person's call wants no more is the next one.
    pub(super) async fn items(&mut self, wanted: mpsc::Sender<String>) -> Result<()> {
        while let Some(item) = self.read(ITEM).await?
            && !item.trim().is_empty()
        {
            if let Err(mpsc::error::SendError(line)) = wanted.send(item).await
                && self.person
            {
                self.rest.insert_str(0, &(line + "\n"));
                break;
            }
        }
        Ok(())
    }
}
