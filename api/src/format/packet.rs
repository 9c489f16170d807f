//! One packet in full: its headers field by field, and its bytes.

use std::fmt::Write;

use indexer::EntryPacket;
use indexer::packet::headers;

use super::body;
use crate::terminal::escape;
use crate::terminal::paint::{Paint, Style};

/// Most bytes of a packet that are shown; `--json` has all of them.
const HEXDUMP_BYTES_MAX: usize = 64 << 10;

/// The packet as text; `number` counts from 1.
pub fn render(number: usize, packet: &EntryPacket, paint: Paint) -> String {
    let mut text = String::new();
    let place = format!("{}.{}.{}", packet.at.sequence, packet.at.frame, packet.at.index);
    let heading = format!("packet {number} ({place}), {} bytes captured", packet.data.len());
    let _ = writeln!(text, "{}", paint.of(Style::Heading, heading));
    for header in headers(packet) {
        let range = format!("{:04x}-{:04x}", header.bytes.start, header.bytes.end.saturating_sub(1));
        let _ = writeln!(text, "{}  {}", paint.of(Style::Faint, range), header.name);
        for field in header.fields {
            let name = paint.of(Style::Faint, format!("{:>30}", field.name));
            let _ = writeln!(text, "{name}  {}", escape::line(&field.value));
        }
    }
    text.push_str(&body::hexdump(&packet.data, HEXDUMP_BYTES_MAX));
    text
}
