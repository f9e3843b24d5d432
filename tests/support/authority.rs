//! Certificates: an authority that vouches for whatever a test needs.

use std::ops::RangeInclusive;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, SanType, date_time_ymd,
};
use rpc_core::tls::{ClientTls, ServerTls};

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub pem: String,
    /// The certificates between it and the one that is trusted, each vouched for by the next.
    between: String,
}

/// A certificate with its key, as PEM.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate, and those between it and its authority.
    pub certificates: String,
    /// Its key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new("the tests' authority")
    }
}

impl Authority {
    /// One that vouches for itself.
    ///
    /// # Panics
    /// The machine gives no random numbers.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let (params, key) = (Self::params(name), pair());
        let certificate = params.self_signed(&key).expect("an authority vouches for itself");
        let pem = certificate.pem();
        Self { issuer: Issuer::new(params, key), pem, between: String::new() }
    }

    /// One for which this one vouches.
    ///
    /// # Panics
    /// The machine gives no random numbers.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let (params, key) = (Self::params(name), pair());
        let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed");
        let between = certificate.pem() + &self.between;
        Self { issuer: Issuer::new(params, key), pem: self.pem.clone(), between }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    /// A certificate for a server of these names, or addresses.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Leaf {
        self.issue(Self::server_params(names))
    }

    /// What [`Self::server`] issues, to be changed.
    ///
    /// # Panics
    /// A name is none.
    #[must_use]
    pub fn server_params(names: &[&str]) -> CertificateParams {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of servers");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params
    }

    /// A certificate for a client of this name, which runs the workload of this SPIFFE ID.
    #[must_use]
    pub fn client(&self, name: &str, spiffe: &str) -> Leaf {
        self.issue(Self::client_params(name, spiffe))
    }

    /// What [`Self::client`] issues, to be changed.
    ///
    /// # Panics
    /// The SPIFFE ID has other characters than ASCII.
    #[must_use]
    pub fn client_params(name: &str, spiffe: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![SanType::URI(spiffe.try_into().expect("ASCII"))];
        params
    }

    /// Vouches for whatever it is asked to.
    ///
    /// # Panics
    /// The machine gives no random numbers.
    #[must_use]
    pub fn issue(&self, params: CertificateParams) -> Leaf {
        let key = pair();
        let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed");
        Leaf { certificates: certificate.pem() + &self.between, key: key.serialize_pem() }
    }

    /// TLS of a server at loopback.
    ///
    /// # Panics
    /// The machine gives no random numbers.
    #[must_use]
    pub fn server_tls(&self) -> ServerTls {
        self.server(&["localhost", "127.0.0.1"]).server_tls()
    }

    /// TLS of clients that trust this authority, and no other.
    ///
    /// # Panics
    /// TLS cannot be set up.
    #[must_use]
    pub fn client_tls(&self) -> ClientTls {
        ClientTls::roots_pem(&self.pem).expect("it is a certificate")
    }
}

impl Leaf {
    /// TLS of a server that shows it.
    ///
    /// # Panics
    /// It cannot be shown.
    #[must_use]
    pub fn server_tls(&self) -> ServerTls {
        ServerTls::from_pem(&self.certificates, &self.key).expect("it belongs together")
    }
}

/// Certificates that hold from the first of January of one year to that of another.
#[must_use]
pub fn valid(mut params: CertificateParams, years: RangeInclusive<i32>) -> CertificateParams {
    params.not_before = date_time_ymd(*years.start(), 1, 1);
    params.not_after = date_time_ymd(*years.end(), 1, 1);
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn pair() -> KeyPair {
    KeyPair::generate().expect("the machine gives random numbers")
}
