//! What remains of a handshake: the two hellos, what came with them in the clear, and alerts.
//!
//! Certificates are kept as the DER that was sent: whoever shows them reads them, whoever checks them has
//! the evidence. Numbers are kept as numbers; [`name`](super::name) knows the names of the common ones.

use serde::{Deserialize, Serialize};

use crate::protocol::Mark;

/// Most cipher suites, extensions, groups and the like kept of one hello. Real ones offer up to 200.
pub const CODES_MAX: usize = 4096;
/// Most protocol names kept of one ALPN extension.
pub const ALPN_MAX: usize = 64;
/// Most certificates kept of one chain.
pub const CHAIN_MAX: usize = 16;
/// Most issuers kept of one request for a certificate.
pub const AUTHORITIES_MAX: usize = 64;

/// What carries the records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Carrier {
    /// TLS.
    #[default]
    Stream,
    /// DTLS.
    Datagram,
}

/// RFC 8446 §4.1.2, and every version before it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ClientHello {
    /// TLS or DTLS.
    pub carrier: Carrier,
    /// Whether it came in the form of SSL 2.0 (RFC 5246 appendix E.2).
    pub is_sslv2: bool,
    /// `client_version`, later `legacy_version`.
    pub legacy_version: u16,
    /// 32 bytes; 16 to 32 in the form of SSL 2.0. Key logs name a connection by it.
    pub random: Vec<u8>,
    /// At most 32 bytes.
    pub session_id: Vec<u8>,
    /// DTLS: length of the cookie that a HelloVerifyRequest asked for.
    pub cookie_bytes: usize,
    /// In order of preference.
    pub cipher_suites: Vec<u16>,
    /// In order.
    pub compression_methods: Vec<u8>,
    /// The types, in order.
    pub extensions: Vec<u16>,
    /// RFC 6066 §3.
    pub server_name: Option<Vec<u8>>,
    /// RFC 7301.
    pub alpn: Vec<Vec<u8>>,
    /// `supported_versions` (RFC 8446 §4.2.1); empty where the extension is absent.
    pub versions: Vec<u16>,
    /// `supported_groups`, once `elliptic_curves`.
    pub groups: Vec<u16>,
    /// RFC 8422 §5.1.2.
    pub point_formats: Vec<u8>,
    /// RFC 8446 §4.2.3.
    pub signature_algorithms: Vec<u16>,
    /// Groups of the key shares.
    pub key_shares: Vec<u16>,
    /// Length of the session ticket offered (RFC 5077): `Some(0)` asks for one.
    pub ticket_bytes: Option<usize>,
    /// How many pre-shared keys are offered (RFC 8446 §4.2.11).
    pub psk_identities: usize,
    /// Whether application data follows at once (RFC 8446 §4.2.10).
    pub has_early_data: bool,
    /// Encrypted Client Hello, or what came before it (ESNI).
    pub ech: Option<Ech>,
    /// What the client showed of itself when it was asked.
    pub certificates: Option<Certificates>,
    /// The bytes end inside of the hello's extensions, or a list of it is longer than what is kept.
    pub is_partial: bool,
    /// The packet that completed the hello itself.
    pub at: Option<Mark>,
}

/// Whether the name asked for is hidden.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ech {
    /// `encrypted_client_hello` (RFC 9849), the outer form: sent by all who can, with chaff where there is no key.
    Outer,
    /// `encrypted_client_hello`, the inner form.
    Inner,
    /// `encrypted_server_name`, a draft of 2018.
    Esni,
}

/// What a server answered: one of three messages, and what follows a ServerHello in the clear.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ServerFlight {
    /// TLS or DTLS.
    pub carrier: Carrier,
    /// Absent where its bytes were not seen, and in a HelloVerifyRequest.
    pub hello: Option<ServerHello>,
    /// DTLS: the server wants a cookie of this length back before it does anything (RFC 6347 §4.2.1).
    pub verify_cookie_bytes: Option<usize>,
    /// TLS 1.2 and below; later ones are encrypted.
    pub certificates: Option<Certificates>,
    /// The named group of an ephemeral key exchange below TLS 1.3 (RFC 8422 §5.4).
    pub key_exchange_group: Option<u16>,
    /// Whether an answer of OCSP was stapled (RFC 6066 §8).
    pub has_status: bool,
    /// Whether and how the client is asked for a certificate.
    pub certificate_request: Option<CertificateRequest>,
    /// Whether ServerHelloDone was seen.
    pub is_done: bool,
}

/// RFC 8446 §4.1.3, and every version before it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ServerHello {
    /// A HelloRetryRequest (RFC 8446 §4.1.4).
    pub is_retry: bool,
    /// `server_version`, later `legacy_version`.
    pub legacy_version: u16,
    /// `selected_version` of `supported_versions`.
    pub selected_version: Option<u16>,
    /// 32 bytes.
    pub random: Vec<u8>,
    /// At most 32 bytes.
    pub session_id: Vec<u8>,
    /// The one chosen.
    pub cipher_suite: u16,
    /// The types, in order.
    pub extensions: Vec<u16>,
    /// The one chosen; encrypted since TLS 1.3.
    pub alpn: Vec<Vec<u8>>,
    /// The group of the key share, or the one that a retry asks for.
    pub key_share: Option<u16>,
    /// Which pre-shared key was chosen.
    pub psk_identity: Option<u16>,
    /// The bytes end inside of the extensions.
    pub is_partial: bool,
    /// The packet that completed it.
    pub at: Option<Mark>,
}

impl ServerHello {
    /// The version agreed on.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.selected_version.unwrap_or(self.legacy_version)
    }

    /// Whether all that follows is encrypted: TLS 1.3, its drafts, DTLS 1.3.
    #[must_use]
    pub fn hides_the_rest(&self) -> bool {
        let version = self.version();
        matches!(version, 0x0304 | 0xfefc) || matches!(version >> 8, 0x7f | 0xfb)
    }
}

/// A chain as it was sent, the end's own certificate first.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Certificates {
    /// At most [`CHAIN_MAX`].
    pub chain: Vec<Vec<u8>>,
    /// How many were sent.
    pub count: usize,
    /// Whether some were not kept.
    pub is_partial: bool,
    /// The packet that completed them.
    pub at: Option<Mark>,
}

/// RFC 5246 §7.4.4.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// `rsa_sign` and the like.
    pub types: Vec<u8>,
    /// Since TLS 1.2.
    pub signature_algorithms: Vec<u16>,
    /// Names of acceptable issuers as DER, at most [`AUTHORITIES_MAX`].
    pub authorities: Vec<Vec<u8>>,
}

/// RFC 8446 §6.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// TLS or DTLS.
    pub carrier: Carrier,
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// See [`name::alert`](super::name::alert).
    pub description: u8,
}

impl Certificates {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.chain.iter().map(|der| der.capacity() + size_of::<Vec<u8>>()).sum()
    }
}

impl ClientHello {
    /// The highest version offered, GREASE left out.
    #[must_use]
    pub fn version(&self) -> u16 {
        let offered = self.versions.iter().copied().filter(|&version| !is_grease(version));
        match self.carrier {
            Carrier::Stream => offered.max(),
            // DTLS counts downwards: 0xfefd is 1.2 and 0xfefc is 1.3.
            Carrier::Datagram => offered.min(),
        }
        .unwrap_or(self.legacy_version)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let numbers = [
            &self.cipher_suites,
            &self.extensions,
            &self.versions,
            &self.groups,
            &self.signature_algorithms,
            &self.key_shares,
        ];
        size_of::<Self>()
            + numbers.iter().map(|list| 2 * list.capacity()).sum::<usize>()
            + self.alpn.iter().map(|name| name.capacity() + size_of::<Vec<u8>>()).sum::<usize>()
            + self.certificates.as_ref().map_or(0, Certificates::memory_bytes)
            + self.server_name.as_ref().map_or(0, Vec::capacity)
    }
}

impl ServerFlight {
    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let authorities = self.certificate_request.as_ref().map_or(0, |request| {
            request.authorities.iter().map(|name| name.capacity() + size_of::<Vec<u8>>()).sum()
        });
        size_of::<Self>() + self.certificates.as_ref().map_or(0, Certificates::memory_bytes) + authorities
    }
}

/// RFC 8701: numbers that mean nothing, sent so that nobody stumbles over new ones.
#[must_use]
pub fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}
