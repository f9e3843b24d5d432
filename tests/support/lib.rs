//! The shared parts of the integration tests: a service with every kind of method, servers of it over every
//! transport, certificates, and a peer that speaks the protocol by hand.

mod authority;
mod cutter;
pub mod http;
pub mod http2;
mod playground;
mod raw_peer;
mod served;
pub mod socket;
pub mod strangers;
mod succession;
pub mod suite;
mod tour;
pub mod wire;

pub use authority::{Authority, Leaf, valid};
pub use cutter::{Cutter, Fault, History, Plan, Seed, Told, Verdict};
pub use playground::{
    Colour, Order, Playground, PlaygroundClient, PlaygroundServer, Refused, Toys,
};
pub use raw_peer::RawPeer;
pub use served::{Served, Transport, each_transport_and_codec};
pub use succession::{Ledger, Succeeding, Succession, SuccessionClient, SuccessionServer};
pub use tour::{Guide, GuideClient, GuideServer, Sights, Tour, TourClient, TourServer, tourist};
