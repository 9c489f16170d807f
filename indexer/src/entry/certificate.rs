//! What an X.509 certificate says (RFC 5280), from the DER that was sent.
//!
//! Certificates are hostile bytes. One that can't be read is shown by its digest and its length alone, and a
//! parser that fell over would cost no more than that.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::panic::catch_unwind;

use dissect::protocol::tls::message::Certificates;
use segment::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

use super::rfc3339;
use super::tls::hex;

/// Most names shown of one certificate; some have thousands.
const NAMES_MAX: usize = 100;

/// Each certificate of a chain as fields, the end's own first.
pub fn chain(certificates: &Certificates) -> Value {
    certificates.chain.iter().map(|der| certificate(der)).collect()
}

fn certificate(der: &[u8]) -> Value {
    let read = catch_unwind(|| fields(der)).unwrap_or_default();
    let mut fields = read.unwrap_or_else(|| {
        let mut fields = Map::new();
        fields.insert("error".into(), "not a certificate that can be read".into());
        fields
    });
    fields.insert("sha256".into(), hex(&Sha256::digest(der)).into());
    fields.insert("size".into(), der.len().into());
    fields.into()
}

fn fields(der: &[u8]) -> Option<Map<String, Value>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut fields = Map::new();
    fields.insert("subject".into(), certificate.subject().to_string().into());
    fields.insert("issuer".into(), certificate.issuer().to_string().into());
    if let Some(name) = common_name(certificate.subject()) {
        fields.insert("commonName".into(), name.into());
    }
    fields.insert("serial".into(), hex(certificate.raw_serial()).into());
    let validity = certificate.validity();
    fields.insert("notBefore".into(), instant(validity.not_before.timestamp()));
    fields.insert("notAfter".into(), instant(validity.not_after.timestamp()));
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map_or(&[][..], |names| names.value.general_names.as_slice());
    if !names.is_empty() {
        fields.insert("sans".into(), names.iter().take(NAMES_MAX).map(alternative).collect());
    }
    fields.insert("isCa".into(), certificate.is_ca().into());
    let key = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(point)) => format!("EC {}", point.key_size()),
        _ => certificate.public_key().algorithm.algorithm.to_id_string(),
    };
    fields.insert("publicKey".into(), key.into());
    fields.insert("signature".into(), certificate.signature_algorithm.algorithm.to_id_string().into());
    Some(fields)
}

/// A distinguished name as text; in hexadecimal where it is none.
pub fn name(der: &[u8]) -> String {
    let read = catch_unwind(|| X509Name::from_der(der).ok().map(|(_, name)| name.to_string()));
    read.ok().flatten().unwrap_or_else(|| hex(der))
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().next().and_then(|name| name.as_str().ok()).map(str::to_owned)
}

fn alternative(name: &GeneralName<'_>) -> Value {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            json!(text)
        }
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(|bytes| Ipv4Addr::from(bytes).to_string());
            let v6 = || <[u8; 16]>::try_from(*bytes).map(|bytes| Ipv6Addr::from(bytes).to_string());
            v4.or_else(|_| v6()).unwrap_or_else(|_| hex(bytes)).into()
        }
        GeneralName::DirectoryName(name) => name.to_string().into(),
        other => other.to_string().into(),
    }
}

fn instant(seconds: i64) -> Value {
    match seconds.checked_mul(1_000_000_000) {
        Some(nanos) => rfc3339(Timestamp::from_nanos(nanos)).replace(".000000000", "").into(),
        // Beyond the year 2262, as "99991231235959Z" is, which means for ever (RFC 5280 §4.1.2.5).
        None => {
            jiff::Timestamp::from_second(seconds).map_or_else(|_| json!(seconds), |at| at.to_string().into())
        }
    }
}
