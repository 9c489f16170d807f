//! TLS over TCP.

use std::fmt::Write;

use dissect::exchange::{Exchange, Message};
use dissect::protocol::tls::fingerprint;
use dissect::protocol::tls::message::{Carrier, Certificates, ClientHello, ServerHello};
use dissect::protocol::{Content, Mark};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Fields, Normal, Protocol, flow, set, text};

pub const PROTOCOL: Protocol = Protocol {
    name: "tls",
    kinds: &[
        ("client_hello", &["sni", "legacy_version", "versions", "alpn", "ja3", "cipher_count"]),
        ("server_hello", &["version", "cipher", "alpn", "ja3s"]),
        ("certificate", &["count", "leaf_sha256"]),
        ("alert", &["level", "desc"]),
    ],
    main: &["sni", "ja3", "ja3s", "leaf_sha256", "level", "desc"],
    of_exchange,
    exceptions: include_str!("../exceptions/tls.tsv"),
};

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let to_server = || flow(exchange.client, exchange.server);
    let to_client = || flow(exchange.server, exchange.client);
    let mut add = |kind, message: &Message, at: Option<Mark>, flow, fields| {
        let mut normal = Normal::of(&PROTOCOL, kind, message, flow, fields);
        normal.frame = at.map_or(normal.frame, |mark| u64::from(mark.packet.index) + 1);
        out.push(normal);
    };
    if let Some(message) = &exchange.request {
        match &message.content {
            Content::TlsClientHello(hello) if hello.carrier == Carrier::Stream => {
                add("client_hello", message, hello.at, to_server(), client(hello));
                if let Some(chain) = &hello.certificates {
                    add("certificate", message, chain.at, to_server(), certificates(chain));
                }
            }
            Content::TlsAlert(alert) if alert.carrier == Carrier::Stream => {
                let mut fields = Fields::new();
                set(&mut fields, "level", json!(alert.level));
                set(&mut fields, "desc", json!(alert.description));
                add("alert", message, None, to_server(), fields);
            }
            _ => {}
        }
    }
    if let Some(message) = &exchange.response
        && let Content::TlsServerFlight(flight) = &message.content
        && flight.carrier == Carrier::Stream
    {
        if let Some(hello) = &flight.hello {
            add("server_hello", message, hello.at, to_client(), server(hello));
        }
        if let Some(chain) = &flight.certificates {
            add("certificate", message, chain.at, to_client(), certificates(chain));
        }
    }
}

fn client(hello: &ClientHello) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "sni", hello.server_name.as_deref().map_or(Value::Null, text));
    set(&mut fields, "legacy_version", hex16(hello.legacy_version));
    set(&mut fields, "versions", hello.versions.iter().copied().map(hex16).collect());
    set(&mut fields, "alpn", hello.alpn.iter().map(|name| text(name)).collect());
    set(&mut fields, "cipher_count", json!(hello.cipher_suites.len()));
    if !hello.is_sslv2 {
        set(&mut fields, "ja3", json!(hex(&Md5::digest(fingerprint::ja3(hello)))));
    }
    fields
}

fn server(hello: &ServerHello) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "version", hex16(hello.version()));
    set(&mut fields, "cipher", hex16(hello.cipher_suite));
    set(&mut fields, "alpn", hello.alpn.iter().map(|name| text(name)).collect());
    set(&mut fields, "ja3s", json!(hex(&Md5::digest(fingerprint::ja3s(hello)))));
    fields
}

fn certificates(chain: &Certificates) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "count", json!(chain.count));
    set(
        &mut fields,
        "leaf_sha256",
        chain.chain.first().map_or(Value::Null, |der| json!(hex(&Sha256::digest(der)))),
    );
    fields
}

fn hex16(number: u16) -> Value {
    json!(format!("0x{number:04x}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
