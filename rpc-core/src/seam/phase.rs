//! How far a link is in its life, and a way to wait for a step of it.

use tokio::sync::watch;

/// How far a link is.
///
/// ```text
/// Connecting ──hello──▶ Ready ──goaway of either side──▶ Draining ──▶ Over ──transport closed──▶ Closed
///      └──────────────────┴───────────── loss, error ───────────────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The peer has not said hello yet.
    Connecting,
    /// Calls are made and served.
    Ready,
    /// What runs is finished, and nothing more is started.
    Draining,
    /// No call runs any more.
    Over,
    /// The transport is closed.
    Closed,
}

/// The phases of a link: may be waited for by many.
#[derive(Clone, Debug)]
pub(crate) struct Phases(pub(crate) watch::Receiver<Phase>);

impl Phases {
    /// Resolves when the link is as far as `phase`, or gone.
    pub(crate) async fn reach(mut self, phase: Phase) {
        // An error says that the link is gone, and with it whoever would tell.
        let _ = self.0.wait_for(|present| *present >= phase).await;
    }

    /// Resolves when somebody was told of a phase since this was last looked at, or the link is gone.
    pub(crate) async fn changed(&mut self) {
        let _ = self.0.changed().await;
    }
}
