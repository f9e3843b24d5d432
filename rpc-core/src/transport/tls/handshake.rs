//! Why a handshake failed, in words that say what to do about it. TLS itself tells the other side no more than a number.

use std::{fmt, io, net::IpAddr};

use thiserror::Error;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible,
};

use super::{KeyPin, certificate::day, verify::OtherKey};
use crate::transport::{Protocol, Stranger};

/// One of the two sides of a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// The one that dialled.
    Client,
    /// The one that accepted.
    Server,
}

impl Party {
    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// Why a TLS handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The certificate of this party is out of date.
    #[error("the {whose}'s certificate has expired{}", on(.day.as_deref()))]
    Expired {
        /// Whose it is.
        whose: Party,
        /// Its last day, if this side has seen it.
        day: Option<String>,
    },
    /// The certificate of this party is not in force yet; the clocks of the two may differ.
    #[error("the {whose}'s certificate is not valid yet{}: is the clock right?", from(.day.as_deref()))]
    NotYetValid {
        /// Whose it is.
        whose: Party,
        /// Its first day, if this side has seen it.
        day: Option<String>,
    },
    /// The other party says that the certificate of this one is out of date, on either end.
    #[error(
        "the {whose}'s certificate has expired or is not valid yet, says the {}",
        whose.other()
    )]
    OutOfDate {
        /// Whose it is.
        whose: Party,
    },
    /// The server's certificate is for other names.
    #[error("the server's certificate is not for {wanted}, but for {}", names(.presented))]
    OtherName {
        /// The name that it should have.
        wanted: String,
        /// Those that it has.
        presented: Vec<String>,
    },
    /// Nobody whom the other party trusts vouches for the certificate of this one.
    #[error("the {whose}'s certificate is of an authority that the {} does not know", whose.other())]
    UnknownIssuer {
        /// Whose it is.
        whose: Party,
    },
    /// The server has another key than those that are pinned. Either its key was replaced, or somebody is in between.
    #[error("the server has another key than the one that is pinned: {0}")]
    OtherKey(KeyPin),
    /// The certificate of this party is for other purposes.
    #[error("the {0}'s certificate is not one for a {0}")]
    OtherPurpose(Party),
    /// The certificate of this party was revoked.
    #[error("the {0}'s certificate was revoked")]
    Revoked(Party),
    /// The certificate of this party is damaged, or cannot be used for another reason.
    #[error("the {0}'s certificate cannot be used: {1}")]
    BadCertificate(Party, String),
    /// This party sent more certificates, or longer ones, than are read.
    #[error("the {0}'s chain of certificates is too long")]
    TooLong(Party),
    /// The server asks for a certificate, and the client has given none.
    #[error("the server asks for a certificate of the client, and none was given")]
    NoCertificate,
    /// Over TLS the two have no protocol in common.
    #[error("the {0} speaks TLS, but not this protocol over it")]
    OtherProtocol(Party),
    /// The two have no version of TLS in common: this side speaks 1.3.
    #[error("the {0} does not speak TLS 1.3")]
    OldVersion(Party),
    /// The server speaks the protocol of this crate without TLS.
    #[error("the server speaks plain RPC, not TLS: use host:port without tls:")]
    Unencrypted,
    /// The server speaks something else.
    #[error("the server does not speak TLS: it sent {0}")]
    Foreign(&'static str),
    /// This party closed the transport in the middle of the handshake.
    #[error("the {0} closed the connection in the middle of the TLS handshake")]
    Cut(Party),
    /// This party broke the handshake off, for a reason of its own.
    #[error("the {0} broke the TLS handshake off: {1}")]
    BrokenOff(Party, String),
    /// This party did not keep to the rules of TLS, or the two have no cipher in common.
    #[error("the {0} does not agree on TLS: {1}")]
    Disagreement(Party, String),
    /// The transport below failed.
    #[error("{0}")]
    Transport(String),
}

impl HandshakeError {
    /// The reason of an error that a stream of TLS gave to `here`.
    pub(super) fn of(error: &io::Error, here: Party) -> Self {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            return Self::of_tls(error, here);
        }
        match inner.and_then(|inner| inner.downcast_ref()) {
            Some(Stranger(Protocol::Rpc | Protocol::Unencrypted)) => Self::Unencrypted,
            Some(Stranger(protocol)) => Self::Foreign(protocol.sent()),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Cut(here.other()),
            None => Self::Transport(error.to_string()),
        }
    }

    fn of_tls(error: &Error, here: Party) -> Self {
        let there = here.other();
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error, there),
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::AlertReceived(alert) => Self::of_alert(*alert, here),
            Error::NoApplicationProtocol => Self::OtherProtocol(there),
            Error::PeerIncompatible(
                PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls12NotOffered,
            ) => Self::OldVersion(there),
            Error::InvalidMessage(
                InvalidMessage::CertificatePayloadTooLarge
                | InvalidMessage::HandshakePayloadTooLarge,
            ) => Self::TooLong(there),
            error => Self::Disagreement(there, error.to_string()),
        }
    }

    /// What is wrong with the certificate that `whose` has shown.
    fn of_certificate(error: &CertificateError, whose: Party) -> Self {
        match error {
            CertificateError::Expired => Self::Expired { whose, day: None },
            CertificateError::ExpiredContext { not_after, .. } => {
                Self::Expired { whose, day: Some(day(not_after.as_secs())) }
            }
            CertificateError::NotValidYet => Self::NotYetValid { whose, day: None },
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid { whose, day: Some(day(not_before.as_secs())) }
            }
            CertificateError::NotValidForNameContext { expected, presented } => Self::OtherName {
                wanted: plain_address(&expected.to_str()),
                presented: presented.iter().map(|name| plain_name(name)).collect(),
            },
            CertificateError::UnknownIssuer => Self::UnknownIssuer { whose },
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                Self::OtherPurpose(whose)
            }
            CertificateError::Revoked => Self::Revoked(whose),
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(OtherKey(pin)) => Self::OtherKey(*pin),
                None if other.0.to_string().contains("PathDepth") => Self::TooLong(whose),
                None => Self::BadCertificate(whose, other.0.to_string()),
            },
            error => Self::BadCertificate(whose, error.to_string()),
        }
    }

    /// What the other side means by a number that it sent; what concerns certificates is about those of `here`.
    fn of_alert(alert: AlertDescription, here: Party) -> Self {
        let there = here.other();
        match alert {
            AlertDescription::CertificateExpired => Self::OutOfDate { whose: here },
            AlertDescription::CertificateRevoked => Self::Revoked(here),
            AlertDescription::UnknownCA => Self::UnknownIssuer { whose: here },
            AlertDescription::CertificateRequired => Self::NoCertificate,
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate => {
                Self::BadCertificate(here, format!("the {there} does not accept it"))
            }
            AlertDescription::NoApplicationProtocol => Self::OtherProtocol(there),
            AlertDescription::ProtocolVersion => Self::OldVersion(there),
            alert => {
                let name = alert.as_str().map_or_else(|| format!("{alert:?}"), words);
                Self::BrokenOff(there, name)
            }
        }
    }
}

/// `HandshakeFailure` as words.
fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

/// `DnsName("example.com")` and `IpAddress(127.0.0.1)` without what is around the name.
fn plain_name(shown: &str) -> String {
    let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    plain_address(inner.unwrap_or(shown).trim_matches('"'))
}

/// An address as people write it, `::1` for `0::1`; names stay as they are.
fn plain_address(text: &str) -> String {
    text.parse::<IpAddr>().map_or_else(|_| text.to_owned(), |address| address.to_string())
}

fn names(presented: &[String]) -> String {
    if presented.is_empty() { "nobody".to_owned() } else { presented.join(", ") }
}

fn on(day: Option<&str>) -> String {
    day.map(|day| format!(" on {day}")).unwrap_or_default()
}

fn from(day: Option<&str>) -> String {
    day.map(|day| format!(", but from {day} on")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_about_the_side_that_gets_it() {
        let said = |alert, here| HandshakeError::of_alert(alert, here).to_string();
        let expired = said(AlertDescription::CertificateExpired, Party::Client);
        let words = "the client's certificate has expired or is not valid yet, says the server";
        assert_eq!(expired, words);
        let unknown = said(AlertDescription::UnknownCA, Party::Server);
        assert_eq!(
            unknown,
            "the server's certificate is of an authority that the client does not know"
        );
        let failure = said(AlertDescription::HandshakeFailure, Party::Client);
        assert_eq!(failure, "the server broke the TLS handshake off: handshake failure");
    }

    #[test]
    fn names_are_shown_as_people_write_them() {
        assert_eq!(plain_name("DnsName(\"example.com\")"), "example.com");
        assert_eq!(plain_name("IpAddress(127.0.0.1)"), "127.0.0.1");
        assert_eq!(plain_name("IpAddress(0:0:0:0:0:0:0:1)"), "::1");
        assert_eq!(plain_address("0::1"), "::1");
        assert_eq!(plain_name("odd"), "odd");
    }
}
