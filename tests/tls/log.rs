//! What is said in the log while a test runs.

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, Mutex, Once},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// The lines of this thread from here on, as `LEVEL message field=value`.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

thread_local! {
    /// Who listens on this thread.
    static LISTENER: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Ends the listening.
pub(crate) struct Listening(());

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENER.set(None);
    }
}

impl Log {
    /// Listens until the guard is dropped.
    pub(crate) fn listen() -> (Self, Listening) {
        // One for all threads: what is said while there are several, of which one listens, may be lost.
        static ALL: Once = Once::new();
        ALL.call_once(|| tracing::subscriber::set_global_default(Threads).unwrap());
        let log = Self::default();
        LISTENER.set(Some(log.clone()));
        (log, Listening(()))
    }

    /// The lines with these words.
    pub(crate) fn lines(&self, words: &str) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|line| line.contains(words)).cloned().collect()
    }

    /// Forgets what was said.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Waits for a line with these words.
    pub(crate) async fn line(&self, words: &str) -> String {
        let seen = async {
            loop {
                if let Some(line) = self.lines(words).pop() {
                    return line;
                }
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::time::timeout(std::time::Duration::from_secs(20), seen).await;
        seen.unwrap_or_else(|_| panic!("{words:?} is not said in {:?}", self.0.lock().unwrap()))
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.0 += &format!(" {value:?}"),
            name => self.0 += &format!(" {name}={value:?}"),
        }
    }
}

/// Gives what is said to the listener of its thread.
struct Threads;

impl Subscriber for Threads {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("rpc_core")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LISTENER.with_borrow(|listener| {
            if let Some(Log(lines)) = listener {
                lines.lock().unwrap().push(line.0);
            }
        });
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
