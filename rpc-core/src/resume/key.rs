//! The secret of a session, and proofs of knowing it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::proto::{SessionEntry, SessionId, Side};

/// The name of a session and its secret.
#[derive(Clone)]
pub(crate) struct Key {
    id: SessionId,
    secret: [u8; 32],
}

impl Key {
    /// The key of a new session; nothing where the system gives no random bytes.
    pub(crate) fn draw() -> Option<Self> {
        let (mut id, mut secret) = ([0; 16], [0; 32]);
        getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut secret)).ok()?;
        Some(Self { id: SessionId(id), secret })
    }

    /// The key that an acceptor has offered.
    pub(crate) const fn offered(entry: &SessionEntry) -> Self {
        Self { id: entry.id, secret: entry.proof }
    }

    /// What an acceptor offers.
    pub(crate) const fn offer(&self) -> SessionEntry {
        SessionEntry { id: self.id, proof: self.secret, received: 0 }
    }

    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }

    /// The proof of a side of the connection, which has received the first of these numbers of bytes; an acceptor names
    /// as well what the dialer has.
    pub(crate) fn prove(&self, side: Side, received: u64, dialers: u64) -> [u8; 32] {
        self.mac(side, received, dialers).finalize().into_bytes().into()
    }

    /// Whether a proof is that of this side; it takes as long for each that is not.
    pub(crate) fn proves(&self, side: Side, received: u64, dialers: u64, proof: &[u8; 32]) -> bool {
        self.mac(side, received, dialers).verify_slice(proof).is_ok()
    }

    fn mac(&self, side: Side, received: u64, dialers: u64) -> Hmac<Sha256> {
        // HMAC fills its key up with zeros, to the block of the hash.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.secret);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(&[u8::from(side == Side::Acceptor)]);
        mac.update(&self.id.0);
        mac.update(&received.to_le_bytes());
        if side == Side::Acceptor {
            mac.update(&dialers.to_le_bytes());
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_a_proof_is_good_for_one_side_and_place_alone() {
        let (key, other) = (Key::draw().unwrap(), Key::draw().unwrap());
        assert!(key.id() != other.id() && key.secret != other.secret);
        let copy = Key::offered(&key.offer());
        let (dialers, acceptors) = (key.prove(Side::Dialer, 5, 5), key.prove(Side::Acceptor, 5, 5));
        assert!(copy.proves(Side::Dialer, 5, 0, &dialers));
        assert!(copy.proves(Side::Acceptor, 5, 5, &acceptors));
        let wrong = [
            copy.proves(Side::Dialer, 6, 0, &dialers),
            copy.proves(Side::Acceptor, 5, 5, &dialers),
            copy.proves(Side::Dialer, 5, 0, &acceptors),
            copy.proves(Side::Acceptor, 5, 6, &acceptors),
            other.proves(Side::Dialer, 5, 0, &dialers),
        ];
        assert_eq!(wrong, [false; 5]);
    }

    /// As Python's `hmac` has them: those of docs/protocol.md.
    #[test]
    fn proofs_are_those_of_the_protocol() {
        let key = Key { id: SessionId([7; 16]), secret: [9; 32] };
        let hex = |proof: [u8; 32]| proof.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hex(key.prove(Side::Dialer, 1000, 0)), DIALERS);
        assert_eq!(hex(key.prove(Side::Acceptor, 2000, 1000)), ACCEPTORS);
    }

    const DIALERS: &str = "343a0bd4a383705174b37e5c925ffb0a3477518e41e770702294b87709790c26";
    const ACCEPTORS: &str = "a7f029447d4b452afc9f8a589f87bae3be06b6cf36fc4e5d875414960177ba73";
}
