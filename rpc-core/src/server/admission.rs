//! What a peer's hello decides before there is a connection: whether it is let in, and whether a connection that there is
//! goes on over its link.
//!
//! ```text
//! hello ─▶ admitted ─┬─ names a session ──found──▶ that goes on over the link
//!                    │                  └─refused─▶ Driver, whose hello says why
//!                    └─ names none ──────────────▶ Driver, which offers one where the peer can resume
//! ```

use tokio::sync::OwnedSemaphorePermit;

#[cfg(feature = "resume")]
use super::connections::Other;
use super::{authenticate::Halt, connections::Connections};
use crate::{connection::Driver, proto::Greeting, transport::Link};

/// What is known of a peer before there is a connection.
pub(super) enum Admission {
    /// It is let in; it may be able to resume.
    Anew {
        #[cfg_attr(not(feature = "resume"), expect(dead_code, reason = "there are no sessions"))]
        resumes: bool,
    },
    /// It is let in, and the session that it names does not go on.
    #[cfg(feature = "resume")]
    Refused(&'static str),
    /// It does not come in.
    Halted(Halt),
}

/// What becomes of a link whose peer has said hello.
pub(super) enum Entrance {
    /// A connection of its own.
    Anew { link: Link, admission: Admission, permit: Option<OwnedSemaphorePermit> },
    /// A connection that there is goes on over it; this resolves when the link is gone.
    #[cfg(feature = "resume")]
    Resumed(Other),
}

impl Connections {
    /// Has a session go on over `link` if its peer has named one.
    #[cfg(feature = "resume")]
    pub(super) fn resume(
        &self,
        link: Link,
        admitted: Result<Option<Greeting>, Halt>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Entrance {
        let admission = match (admitted, &self.sessions) {
            (Err(halt), _) => Admission::Halted(halt),
            (Ok(Some(greeting)), Some(sessions)) => match &greeting.session {
                None => Admission::Anew { resumes: greeting.resumes },
                Some(entry) => match sessions.find(entry, link.peer()) {
                    Ok(found) => {
                        return Entrance::Resumed(found.go_on(link, greeting.length, permit));
                    }
                    Err(why) => Admission::Refused(why),
                },
            },
            _ => Admission::Anew { resumes: false },
        };
        Entrance::Anew { link, admission, permit }
    }

    #[cfg(not(feature = "resume"))]
    pub(super) fn resume(
        &self,
        link: Link,
        admitted: Result<Option<Greeting>, Halt>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Entrance {
        let admission =
            admitted.map_or_else(Admission::Halted, |_| Admission::Anew { resumes: false });
        Entrance::Anew { link, admission, permit }
    }

    /// Offers a session to a peer that can resume, where there are sessions. What this gives is to be dropped when the
    /// connection ends: it has the share of the limit.
    #[cfg(feature = "resume")]
    pub(super) fn keep(
        &self,
        driver: &mut Driver,
        admission: &Admission,
        mut permit: Option<OwnedSemaphorePermit>,
    ) -> impl Send + use<> {
        let session = match (admission, &self.sessions) {
            (Admission::Anew { resumes: true }, Some(sessions)) => {
                sessions.offer(driver, &mut permit)
            }
            (Admission::Refused(why), _) => {
                driver.refuse_session((*why).to_owned());
                None
            }
            _ => None,
        };
        (session, permit)
    }

    #[cfg(not(feature = "resume"))]
    pub(super) fn keep(
        &self,
        _driver: &mut Driver,
        _admission: &Admission,
        permit: Option<OwnedSemaphorePermit>,
    ) -> impl Send + use<> {
        permit
    }
}
