//! The seek table of the Zstandard Seekable Format, version 0.1.0.
//!
//! It is the last frame of a sealed segment, so that other seekable-zstd readers work. The
//! format counts skippable frames in front of it as entries without content.

use crate::zstd_frame::{SKIPPABLE_HEADER_BYTES, skippable};

/// Magic of the skippable frame that holds a seek table.
pub(crate) const SEEK_TABLE_MAGIC: u32 = 0x184D_2A5E;
/// The file's last four bytes.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
/// Number of frames, descriptor, magic.
pub(crate) const TAIL_BYTES: usize = 9;
const ENTRY_BYTES: usize = 8;

/// Lengths of one frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seek {
    pub packed_bytes: u32,
    pub raw_bytes: u32,
}

/// The seek table's whole skippable frame; `None` if there are too many frames.
pub(crate) fn encode(frames: &[Seek]) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(frames.len() * ENTRY_BYTES + TAIL_BYTES);
    for frame in frames {
        payload.extend_from_slice(&frame.packed_bytes.to_le_bytes());
        payload.extend_from_slice(&frame.raw_bytes.to_le_bytes());
    }
    payload.extend_from_slice(&u32::try_from(frames.len()).ok()?.to_le_bytes());
    // Descriptor: no checksums, because the zstd frames carry their own.
    payload.push(0);
    payload.extend_from_slice(&SEEKABLE_MAGIC.to_le_bytes());
    skippable(SEEK_TABLE_MAGIC, &payload)
}

/// Length of the seek table's skippable frame, from the file's last [`TAIL_BYTES`].
pub(crate) fn length(tail: [u8; TAIL_BYTES]) -> Option<usize> {
    let [n0, n1, n2, n3, descriptor, m0, m1, m2, m3] = tail;
    if descriptor != 0 || u32::from_le_bytes([m0, m1, m2, m3]) != SEEKABLE_MAGIC {
        return None;
    }
    let frames = usize::try_from(u32::from_le_bytes([n0, n1, n2, n3])).ok()?;
    // Footer and seal are entries too.
    if frames > crate::footer::FRAMES_MAX + 2 {
        return None;
    }
    frames.checked_mul(ENTRY_BYTES)?.checked_add(SKIPPABLE_HEADER_BYTES + TAIL_BYTES)
}

/// The entries of a seek table's whole skippable frame.
pub(crate) fn decode(frame: &[u8]) -> Option<Vec<Seek>> {
    let (header, rest) = frame.split_first_chunk::<SKIPPABLE_HEADER_BYTES>()?;
    let (entries, tail) = rest.split_last_chunk::<TAIL_BYTES>()?;
    let expected = u32::try_from(rest.len()).ok()?;
    let [m0, m1, m2, m3, l0, l1, l2, l3] = *header;
    let sound = u32::from_le_bytes([m0, m1, m2, m3]) == SEEK_TABLE_MAGIC
        && u32::from_le_bytes([l0, l1, l2, l3]) == expected
        && length(*tail)? == frame.len();
    sound.then(|| {
        entries
            .as_chunks::<ENTRY_BYTES>()
            .0
            .iter()
            .map(|[p0, p1, p2, p3, r0, r1, r2, r3]| Seek {
                packed_bytes: u32::from_le_bytes([*p0, *p1, *p2, *p3]),
                raw_bytes: u32::from_le_bytes([*r0, *r1, *r2, *r3]),
            })
            .collect()
    })
}
