//! What a certificate says.

use std::{
    fmt,
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _, time::ASN1Time,
    x509::X509Name,
};

use super::KeyPin;

/// A certificate of the other end that was verified: by the authorities that this side trusts, or by its pin. It is read
/// when somebody asks.
///
/// ```no_run
/// # use rpc_core::{Context, Identity};
/// # fn run(cx: &Context) {
/// let peer = cx.peer::<rpc_core::Channel>().peer();
/// if let Identity::Certificate(certificate) = peer.identity() {
///     println!("{} calls, as {:?}", certificate.subject(), certificate.spiffe_id());
/// }
/// # }
/// ```
pub struct Certificate {
    der: CertificateDer<'static>,
    says: OnceLock<Says>,
}

/// What is read out of it; nothing where it cannot be read.
#[derive(Default)]
struct Says {
    subject: String,
    common_name: Option<String>,
    issuer: String,
    serial: String,
    dns_names: Vec<String>,
    uris: Vec<String>,
    emails: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    validity: Option<(SystemTime, SystemTime)>,
    pin: Option<KeyPin>,
}

impl Certificate {
    pub(super) fn new(der: CertificateDer<'static>) -> Self {
        Self { der, says: OnceLock::new() }
    }

    /// Whom it is for, as `CN=…, O=…`: empty where names say all.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.says().subject
    }

    /// The common name of the subject.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.says().common_name.as_deref()
    }

    /// Who vouches for it, as `CN=…, O=…`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.says().issuer
    }

    /// Its number, in hexadecimal digits.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.says().serial
    }

    /// The DNS names that it is for.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.says().dns_names
    }

    /// The URIs that it is for.
    #[must_use]
    pub fn uris(&self) -> &[String] {
        &self.says().uris
    }

    /// The mail addresses that it is for.
    #[must_use]
    pub fn emails(&self) -> &[String] {
        &self.says().emails
    }

    /// The IP addresses that it is for.
    #[must_use]
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.says().ip_addresses
    }

    /// The SPIFFE ID of the workload, `spiffe://trust-domain/path`. A certificate with several URIs has none, as the
    /// standard says.
    #[must_use]
    pub fn spiffe_id(&self) -> Option<&str> {
        match self.uris() {
            [uri] if uri.starts_with("spiffe://") => Some(uri),
            _ => None,
        }
    }

    /// From when it holds.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.says().validity.map(|(from, _)| from)
    }

    /// Until when it holds.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.says().validity.map(|(_, to)| to)
    }

    /// The pin of its key; see [`ClientTls::pinned`](super::ClientTls::pinned).
    #[must_use]
    pub fn key_pin(&self) -> Option<KeyPin> {
        self.says().pin
    }

    /// The certificate itself, in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    fn says(&self) -> &Says {
        self.says.get_or_init(|| match X509Certificate::from_der(&self.der) {
            Ok((_, certificate)) => Says::of(&certificate),
            Err(_) => Says::default(),
        })
    }
}

impl Says {
    fn of(certificate: &X509Certificate<'_>) -> Self {
        let common_name = |name: &X509Name<'_>| {
            name.iter_common_name().next().and_then(|name| name.as_str().ok().map(str::to_owned))
        };
        let validity = certificate.validity();
        let mut says = Self {
            subject: certificate.subject().to_string(),
            common_name: common_name(certificate.subject()),
            issuer: certificate.issuer().to_string(),
            serial: data_encoding::HEXLOWER.encode(certificate.raw_serial()),
            validity: instant(validity.not_before).zip(instant(validity.not_after)),
            pin: Some(KeyPin::of_key(certificate.public_key().raw)),
            ..Self::default()
        };
        if let Ok(Some(names)) = certificate.subject_alternative_name() {
            names.value.general_names.iter().for_each(|name| says.add(name));
        }
        says
    }

    fn add(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
            GeneralName::URI(uri) => self.uris.push((*uri).to_owned()),
            GeneralName::RFC822Name(address) => self.emails.push((*address).to_owned()),
            GeneralName::IPAddress(bytes) => {
                let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                self.ip_addresses
                    .extend(four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)));
            }
            _ => {}
        }
    }
}

fn instant(time: ASN1Time) -> Option<SystemTime> {
    let seconds = time.timestamp();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds >= 0 {
        true => UNIX_EPOCH.checked_add(distance),
        false => UNIX_EPOCH.checked_sub(distance),
    }
}

/// The pin of the key that a certificate is for, if it can be read.
pub(super) fn pin_of(der: &CertificateDer<'_>) -> Option<KeyPin> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(KeyPin::of_key(certificate.public_key().raw))
}

/// A day as people write it: `2031-12-31`.
pub(super) fn day(seconds: u64) -> String {
    let time =
        i64::try_from(seconds).ok().and_then(|seconds| ASN1Time::from_timestamp(seconds).ok());
    time.map_or_else(
        || "an impossible day".to_owned(),
        |time| time.to_datetime().date().to_string(),
    )
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Certificate");
        shown.field("subject", &self.subject()).field("issuer", &self.issuer());
        shown.field("dns_names", &self.dns_names()).field("uris", &self.uris());
        shown.finish_non_exhaustive()
    }
}

/// The same bytes are the same certificate.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der.as_ref().hash(state);
    }
}
