//! The answers to a batch, gathered until all of its calls have one.

use super::job::Subscribed;
use crate::{
    gateway::{jsonrpc::failed, statuses},
    proto::{Code, Status},
};

/// Bytes of answers in a batch, beyond which further ones are not kept.
const MOST: usize = 64 << 20;

/// The answers that have come.
pub(super) struct Batch {
    answers: Vec<Option<Vec<u8>>>,
    /// Calls that have none yet, notifications included.
    left: usize,
    bytes: usize,
    /// Subscriptions whose items come behind the answers.
    subscribed: Vec<Subscribed>,
}

impl Batch {
    /// No answers to so many calls.
    pub(super) fn of(calls: usize) -> Self {
        let mut answers = Vec::new();
        answers.resize_with(calls, || None);
        Self { answers, left: calls, bytes: 0, subscribed: Vec::new() }
    }

    /// The call at this place has ended; there is nothing to say of a notification.
    pub(super) fn answer(&mut self, index: usize, answer: Option<Vec<u8>>) {
        self.left -= 1;
        self.bytes += answer.as_ref().map_or(0, Vec::len);
        if self.bytes > MOST {
            self.answers.clear();
        } else if let Some(place) = self.answers.get_mut(index) {
            *place = answer;
        }
    }

    /// The items of a subscription are to follow.
    pub(super) fn subscribe(&mut self, subscribed: Subscribed) {
        self.subscribed.push(subscribed);
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// All answers as one text, if there are any; and what follows them.
    pub(super) fn into_text(self) -> (Option<Vec<u8>>, Vec<Subscribed>) {
        if self.bytes > MOST {
            let message = format!("the answers of this batch exceed {MOST} bytes");
            let status = Status::new(Code::ResourceExhausted, message);
            return (Some(failed(&statuses::plain_error(&status), "null")), self.subscribed);
        }
        let mut text = Vec::with_capacity(self.bytes + self.answers.len() + 2);
        text.push(b'[');
        for answer in self.answers.into_iter().flatten() {
            if text.len() > 1 {
                text.push(b',');
            }
            text.extend_from_slice(&answer);
        }
        text.push(b']');
        ((text.len() > 2).then_some(text), self.subscribed)
    }
}
