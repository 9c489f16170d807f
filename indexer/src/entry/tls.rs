//! TLS handshakes and alerts as fields.
//!
//! `protocol.macro` is `tlsx`, because the field `tls` of every entry says something else: that it was decrypted.

use dissect::protocol::Content;
use dissect::protocol::tls::fingerprint::{self, Ja4, NOTHING};
use dissect::protocol::tls::message::{
    Alert, CertificateRequest, ClientHello, Ech, ServerFlight, ServerHello,
};
use dissect::protocol::tls::name;
use md5::Md5;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::description::{Description, Field, Outcome, Summary};
use super::{Bodies, Said, certificate};

pub const DESCRIPTION: Description = Description {
    name: "tls",
    abbr: "TLS",
    version: "",
    long_name: "Transport Layer Security",
    macro_name: "tlsx",
    ports: &["443", "465", "853", "993", "995", "8443"],
    priority: 5,
    background: "#4b5563",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc8446",
    bodies: BODIES,
    fields: FIELDS,
    summary,
};

/// Long lists that are asked for rarely.
const BODIES: &[&[&str]] = &[
    &["request", "cipherSuites"],
    &["request", "extensions"],
    &["request", "groups"],
    &["request", "signatureAlgorithms"],
    &["request", "ja3Text"],
    &["request", "ja4Text"],
    &["response", "extensions"],
    &["response", "ja3sText"],
    &["response", "ja4sText"],
    &["response", "certificateRequest"],
];

const FIELDS: &[Field] = &[
    Field::text("request.type", "ClientHello, or Alert"),
    Field::text("request.version", "highest version the client offers"),
    Field::any("request.versions.*", "versions the client offers, where it lists them"),
    Field::text("request.legacyVersion", "version in the fixed part of the hello"),
    Field::text("request.sni", "server name the client asks for"),
    Field::any("request.alpn.*", "application protocols the client offers, in order"),
    Field::any("request.cipherSuites.*", "cipher suites the client offers, in order"),
    Field::number("request.cipherSuitesCount", "how many cipher suites the client offers"),
    Field::any("request.extensions.*", "extensions, in order"),
    Field::any("request.groups.*", "groups the client can exchange keys in"),
    Field::any("request.keyShares.*", "groups of the keys the client sends along"),
    Field::any("request.signatureAlgorithms.*", "signatures the client accepts"),
    Field::text("request.random", "client random in hexadecimal: key logs name a connection by it"),
    Field::text("request.sessionId", "session id in hexadecimal"),
    Field::number("request.sessionTicketSize", "bytes of the session ticket offered; 0 asks for one"),
    Field::number("request.pskIdentities", "how many pre-shared keys are offered"),
    Field::boolean("request.earlyData", "whether application data follows at once"),
    Field::text("request.ech", "encrypted ClientHello: outer, inner, or esni for its draft"),
    Field::boolean("request.sslv2", "whether the hello has the form of SSL 2.0"),
    Field::number("request.cookieSize", "DTLS: bytes of the cookie sent back"),
    Field::boolean("request.partial", "whether the hello breaks off, or lists more than is kept"),
    Field::text("request.ja3", "JA3 fingerprint of the client"),
    Field::text("request.ja3Text", "what JA3 is the MD5 of"),
    Field::text("request.ja4", "JA4 fingerprint of the client"),
    Field::text("request.ja4Text", "JA4 before hashing"),
    Field::number("request.certificatesCount", "how many certificates the client sent"),
    Field::any("request.certificates.*.*", "certificates of the client, as in response.certificates"),
    Field::text("request.level", "alert: warning or fatal"),
    Field::text("request.description", "alert: what it says, such as handshake_failure"),
    Field::number("request.code", "alert: its number"),
    Field::text("response.type", "ServerHello, HelloRetryRequest, HelloVerifyRequest, or Certificate"),
    Field::text("response.version", "version agreed on"),
    Field::text("response.legacyVersion", "version in the fixed part of the hello"),
    Field::text("response.cipher", "cipher suite agreed on"),
    Field::text("response.alpn", "application protocol agreed on, where it is not encrypted"),
    Field::text("response.group", "group of the key exchange"),
    Field::boolean("response.resumed", "whether an earlier session goes on"),
    Field::any("response.extensions.*", "extensions, in order"),
    Field::text("response.random", "server random in hexadecimal"),
    Field::text("response.sessionId", "session id in hexadecimal"),
    Field::number("response.cookieSize", "DTLS: bytes of the cookie that the server wants back"),
    Field::boolean("response.partial", "whether the hello breaks off"),
    Field::text("response.ja3s", "JA3S fingerprint of the server"),
    Field::text("response.ja3sText", "what JA3S is the MD5 of"),
    Field::text("response.ja4s", "JA4S fingerprint of the server"),
    Field::text("response.ja4sText", "JA4S before hashing"),
    Field::boolean("response.ocspStapled", "whether an answer of OCSP was stapled"),
    Field::number("response.certificatesCount", "how many certificates the server sent"),
    Field::text("response.certificates.*.subject", "distinguished name of the owner"),
    Field::text("response.certificates.*.commonName", "common name of the owner"),
    Field::text("response.certificates.*.issuer", "distinguished name of the issuer"),
    Field::text("response.certificates.*.serial", "serial number in hexadecimal"),
    Field::text("response.certificates.*.notBefore", "begin of validity, RFC 3339"),
    Field::text("response.certificates.*.notAfter", "end of validity, RFC 3339"),
    Field::any("response.certificates.*.sans.*", "alternative names of the owner: hosts, addresses"),
    Field::boolean("response.certificates.*.isCa", "whether it may issue others"),
    Field::text("response.certificates.*.publicKey", "kind and bits of the key, or its OID"),
    Field::text("response.certificates.*.signature", "OID of the issuer's signature"),
    Field::text("response.certificates.*.sha256", "SHA-256 of the certificate as it was sent"),
    Field::number("response.certificates.*.size", "bytes of the certificate"),
    Field::text("response.certificates.*.error", "why nothing else is told of it"),
    Field::any("response.certificateRequest.types.*", "kinds of certificates the server accepts"),
    Field::any("response.certificateRequest.signatureAlgorithms.*", "signatures the server accepts"),
    Field::any("response.certificateRequest.authorities.*", "issuers the server accepts"),
    Field::boolean("response.certificateRequested", "whether the client was asked for a certificate"),
];

/// The name asked for, and the version and cipher suite agreed on.
fn summary(entry: &Value) -> Summary {
    let text = |path: &str| entry.pointer(path).and_then(Value::as_str).unwrap_or_default();
    if text("/request/type") == "Alert" {
        let is_bad = text("/request/level") == "fatal";
        return Summary {
            method: "Alert".to_owned(),
            text: text("/request/description").to_owned(),
            status: text("/request/level").to_owned(),
            outcome: if is_bad { Outcome::Bad } else { Outcome::Neutral },
        };
    }
    let names = ["/request/sni", "/response/certificates/0/commonName", "/request/version"];
    let name = names.iter().map(|path| text(path)).find(|text| !text.is_empty()).unwrap_or_default();
    let status = match text("/response/type") {
        "ServerHello" => format!("{} {}", text("/response/version"), text("/response/cipher")),
        other => other.to_owned(),
    };
    let outcome = if text("/response/type") == "ServerHello" { Outcome::Good } else { Outcome::Neutral };
    Summary { method: text("/request/type").to_owned(), text: name.to_owned(), status, outcome }
}

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    let client = match asked {
        Some(Content::TlsClientHello(hello)) => Some(hello.as_ref()),
        _ => None,
    };
    let server = match answered {
        Some(Content::TlsServerFlight(flight)) => Some(flight.as_ref()),
        _ => None,
    };
    let agreed = server.and_then(|flight| flight.hello.as_ref()).map(ServerHello::version);
    let version = agreed.or(client.map(ClientHello::version)).map(name::version);
    let request = match asked {
        Some(Content::TlsAlert(said)) => Some(alert(said)),
        _ => client.map(|hello| client_hello(hello, bodies)),
    };
    Said {
        protocol: &DESCRIPTION,
        version,
        request,
        response: server.map(|flight| server_flight(flight, client, bodies)),
    }
}

fn alert(alert: &Alert) -> Value {
    let level = if alert.level == 2 { "fatal" } else { "warning" };
    let said = name::alert(alert.description).map_or_else(|| alert.description.to_string(), str::to_owned);
    let mut fields = Map::new();
    fields.insert("type".into(), "Alert".into());
    fields.insert("level".into(), level.into());
    fields.insert("description".into(), said.into());
    fields.insert("code".into(), alert.description.into());
    fields.into()
}

fn client_hello(hello: &ClientHello, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    set("type", "ClientHello".into());
    set("version", name::version(hello.version()).into());
    set("legacyVersion", name::version(hello.legacy_version).into());
    if !hello.versions.is_empty() {
        set("versions", hello.versions.iter().map(|&number| name::version(number)).collect());
    }
    if let Some(name) = &hello.server_name {
        set("sni", String::from_utf8_lossy(name).into());
    }
    if !hello.alpn.is_empty() {
        set("alpn", hello.alpn.iter().map(|name| String::from_utf8_lossy(name)).collect());
    }
    set("cipherSuitesCount", hello.cipher_suites.len().into());
    if !hello.key_shares.is_empty() {
        set("keyShares", shown(&hello.key_shares, name::group));
    }
    set("random", hex(&hello.random).into());
    if !hello.session_id.is_empty() {
        set("sessionId", hex(&hello.session_id).into());
    }
    if let Some(bytes) = hello.ticket_bytes {
        set("sessionTicketSize", bytes.into());
    }
    for (key, count) in [("pskIdentities", hello.psk_identities), ("cookieSize", hello.cookie_bytes)] {
        if count > 0 {
            set(key, count.into());
        }
    }
    let marks =
        [("earlyData", hello.has_early_data), ("sslv2", hello.is_sslv2), ("partial", hello.is_partial)];
    for (key, _) in marks.into_iter().filter(|(_, is)| *is) {
        set(key, true.into());
    }
    if let Some(ech) = hello.ech {
        set("ech", ech_name(ech).into());
    }
    if let Some(chain) = &hello.certificates {
        set("certificatesCount", chain.count.into());
        set("certificates", certificate::chain(chain));
    }
    let (ja3, ja4) = (fingerprint::ja3(hello), fingerprint::ja4(hello));
    if !hello.is_sslv2 {
        set("ja3", hex(&Md5::digest(&ja3)).into());
        set("ja4", format!("{}_{}_{}", ja4.prefix, short(&ja4.ciphers), short(&ja4.extensions)).into());
    }
    if bodies == Bodies::Kept {
        client_lists(&mut fields, hello, ja3, &ja4);
    }
    fields.into()
}

fn client_lists(fields: &mut Map<String, Value>, hello: &ClientHello, ja3: String, ja4: &Ja4) {
    for (key, list) in [
        ("cipherSuites", shown(&hello.cipher_suites, name::cipher_suite)),
        ("extensions", shown(&hello.extensions, name::extension)),
        ("groups", shown(&hello.groups, name::group)),
        ("signatureAlgorithms", shown(&hello.signature_algorithms, name::signature)),
    ] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            fields.insert(key.into(), list);
        }
    }
    if !hello.is_sslv2 {
        fields.insert("ja3Text".into(), ja3.into());
        fields.insert("ja4Text".into(), ja4.raw().into());
    }
}

fn server_flight(flight: &ServerFlight, client: Option<&ClientHello>, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    let kind = match &flight.hello {
        Some(hello) if hello.is_retry => "HelloRetryRequest",
        Some(_) => "ServerHello",
        None if flight.verify_cookie_bytes.is_some() => "HelloVerifyRequest",
        None => "Certificate",
    };
    fields.insert("type".into(), kind.into());
    if let Some(hello) = &flight.hello {
        server_hello(&mut fields, hello, flight, client, bodies);
    }
    if let Some(bytes) = flight.verify_cookie_bytes {
        fields.insert("cookieSize".into(), bytes.into());
    }
    if let Some(chain) = &flight.certificates {
        fields.insert("certificatesCount".into(), chain.count.into());
        fields.insert("certificates".into(), certificate::chain(chain));
    }
    if flight.has_status {
        fields.insert("ocspStapled".into(), true.into());
    }
    if let Some(request) = &flight.certificate_request {
        fields.insert("certificateRequested".into(), true.into());
        if bodies == Bodies::Kept {
            fields.insert("certificateRequest".into(), certificate_request(request));
        }
    }
    fields.into()
}

fn server_hello(
    fields: &mut Map<String, Value>,
    hello: &ServerHello,
    flight: &ServerFlight,
    client: Option<&ClientHello>,
    bodies: Bodies,
) {
    let mut set = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    set("version", name::version(hello.version()).into());
    set("legacyVersion", name::version(hello.legacy_version).into());
    set("cipher", name::shown(name::cipher_suite(hello.cipher_suite), hello.cipher_suite).into());
    if let Some(name) = hello.alpn.first() {
        set("alpn", String::from_utf8_lossy(name).into());
    }
    if let Some(group) = hello.key_share.or(flight.key_exchange_group) {
        set("group", name::shown(name::group(group), group).into());
    }
    if !hello.is_retry {
        set("random", hex(&hello.random).into());
        set("resumed", is_resumed(hello, client).into());
    }
    if !hello.session_id.is_empty() {
        set("sessionId", hex(&hello.session_id).into());
    }
    if hello.is_partial {
        set("partial", true.into());
    }
    let (ja3s, ja4s) = (fingerprint::ja3s(hello), fingerprint::ja4s(hello, flight.carrier));
    set("ja3s", hex(&Md5::digest(&ja3s)).into());
    set("ja4s", format!("{}_{}_{}", ja4s.prefix, ja4s.ciphers, short(&ja4s.extensions)).into());
    if bodies == Bodies::Kept {
        if !hello.extensions.is_empty() {
            set("extensions", shown(&hello.extensions, name::extension));
        }
        set("ja3sText", ja3s.into());
        set("ja4sText", ja4s.raw().into());
    }
}

/// RFC 8446 §4.2.11; below TLS 1.3 a server that resumes repeats the session id (RFC 5246 §7.4.1.3).
fn is_resumed(hello: &ServerHello, client: Option<&ClientHello>) -> bool {
    if hello.hides_the_rest() {
        return hello.psk_identity.is_some();
    }
    !hello.session_id.is_empty() && client.is_some_and(|client| client.session_id == hello.session_id)
}

fn certificate_request(request: &CertificateRequest) -> Value {
    let mut fields = Map::new();
    fields.insert("types".into(), request.types.iter().map(|kind| certificate_type(*kind)).collect());
    if !request.signature_algorithms.is_empty() {
        fields.insert("signatureAlgorithms".into(), shown(&request.signature_algorithms, name::signature));
    }
    let authorities = request.authorities.iter().map(|der| certificate::name(der));
    fields.insert("authorities".into(), authorities.collect());
    fields.into()
}

/// RFC 5246 §7.4.4, RFC 8422 §5.5.
fn certificate_type(kind: u8) -> String {
    let name = match kind {
        1 => "rsa_sign",
        2 => "dss_sign",
        3 => "rsa_fixed_dh",
        4 => "dss_fixed_dh",
        64 => "ecdsa_sign",
        65 => "rsa_fixed_ecdh",
        66 => "ecdsa_fixed_ecdh",
        _ => return kind.to_string(),
    };
    name.to_owned()
}

const fn ech_name(ech: Ech) -> &'static str {
    match ech {
        Ech::Outer => "outer",
        Ech::Inner => "inner",
        Ech::Esni => "esni",
    }
}

fn shown(numbers: &[u16], of: fn(u16) -> Option<&'static str>) -> Value {
    numbers.iter().map(|&number| name::shown(of(number), number)).collect()
}

/// The first twelve digits of SHA-256, as JA4 has them.
fn short(text: &str) -> String {
    if text.is_empty() {
        return NOTHING.to_owned();
    }
    hex(&Sha256::digest(text)).chars().take(12).collect()
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
