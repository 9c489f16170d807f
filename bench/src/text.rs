//! Bodies: JSON and HTML that read like an application's, and bytes like an image's.

use std::io::Write;

use crate::chance::Chance;

const WORDS: [&str; 32] = [
    "account", "address", "amount", "basket", "billing", "carrier", "category", "checkout", "courier",
    "currency", "customer", "delivery", "discount", "estimate", "exchange", "fragile", "invoice", "item",
    "label", "margin", "offer", "order", "parcel", "payment", "price", "quantity", "receipt", "refund",
    "return", "shipping", "stock", "voucher",
];

/// What a body is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// An array of records.
    Json,
    /// A page.
    Html,
    /// Something compressed already.
    Binary,
}

impl Kind {
    /// Two fifths JSON, a quarter HTML, the rest binary.
    pub fn any(chance: &mut Chance) -> Self {
        match chance.below(20) {
            0..8 => Self::Json,
            8..13 => Self::Html,
            _ => Self::Binary,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
            Self::Binary => "image/webp",
        }
    }

    /// A body of exactly this length.
    pub fn body(self, chance: &mut Chance, length: usize) -> Vec<u8> {
        let mut body = Vec::with_capacity(length + 256);
        match self {
            Self::Binary => chance.fill(&mut body, length),
            Self::Json => {
                body.push(b'[');
                while body.len() < length {
                    let (id, cents) = (chance.any() >> 24, chance.below(100_000));
                    let (name, state) = (word(chance), word(chance));
                    let token = chance.any();
                    let _ = write!(
                        body,
                        "{{\"id\":{id},\"name\":\"{name}\",\"state\":\"{state}\",\"cents\":{cents},\"token\":\"{token:016x}\"}},"
                    );
                }
            }
            Self::Html => {
                body.extend_from_slice(b"<!doctype html><title>Orders</title><table>");
                while body.len() < length {
                    let _ = write!(body, "<tr class=\"{}\"><td>", word(chance));
                    for _ in 0..=chance.below(12) {
                        let _ = write!(body, "{} ", word(chance));
                    }
                    let _ = writeln!(body, "</td><td>{}</td></tr>", chance.below(1_000_000));
                }
            }
        }
        body.truncate(length);
        body
    }
}

/// A word of the trade.
pub fn word(chance: &mut Chance) -> &'static str {
    chance.pick(&WORDS)
}
