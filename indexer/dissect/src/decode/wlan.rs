//! IEEE 802.11 data frames, as radio captures and wireless controllers' tunnels hold them.

use super::{Layer, Span, Step, Undecodable};

/// Type "data" among the kinds of frames.
const DATA: u8 = 2;

/// The radiotap header tells its own length (little-endian) at offset 2.
pub(super) fn radiotap(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[_version, _pad, low, high], _) = span.header()?;
    frame(span.skip(usize::from(u16::from_le_bytes([low, high])))?)
}

/// IEEE 802.11 §9.3.2: control (2), duration, three addresses, sequence, then fields that the control tells of.
pub(super) fn frame(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[kind, flags], _) = span.header()?;
    let (has_qos, is_null) = (kind & 0x80 != 0, kind & 0x40 != 0);
    let (is_relayed, is_encrypted, has_ht_control) =
        (flags & 0x03 == 0x03, flags & 0x40 != 0, flags & 0x80 != 0);
    if (kind >> 2) & 0x03 != DATA || is_null || is_encrypted {
        return Ok(Step::NotIp);
    }
    let rest = span.skip(24 + if is_relayed { 6 } else { 0 })?;
    if !has_qos {
        return Ok(Step::Next(Layer::Llc, rest));
    }
    let (&[qos, _], rest) = rest.header()?;
    let rest = rest.skip(if has_ht_control { 4 } else { 0 })?;
    // Several packets may share the frame (A-MSDU); the first is read.
    let is_shared = qos & 0x80 != 0;
    Ok(Step::Next(Layer::Llc, rest.skip(if is_shared { 14 } else { 0 })?))
}
