//! Peers that break the rules, and peers that are none: closed with a reason, while others are served.

mod cuts;
mod strangers;
