//! Reads capture files that others wrote: pcap and pcapng, in either byte order.
//!
//! Interfaces are numbered over the whole file, although each pcapng section numbers its own.
//! Times become nanoseconds; what is finer is cut off. What can be read is returned, and an
//! error says at which byte and why, and whether reading goes on behind it: pcapng blocks carry
//! their length and can be skipped, a pcap file with a damaged record header is over.

mod pcap;
mod pcapng;
mod source;

use std::fmt;
use std::io::Read;

use crate::packet::{Interface, InterfaceId};
use crate::record::Record;
use pcap::PcapReader;
use pcapng::PcapngReader;
use source::Source;

/// What is wrong with a capture file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptureError {
    /// Byte of the file at which the damaged record, block or header begins.
    pub offset: u64,
    /// What is wrong, for people.
    pub reason: String,
    /// Whether [`CaptureReader::next`] can be called again and goes on behind the damage.
    pub resumes: bool,
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.reason)
    }
}

impl std::error::Error for CaptureError {}

/// Reads the records of a capture file in order.
///
/// ```
/// # fn main() -> Result<(), segment::capture_file::CaptureError> {
/// use segment::{Record, capture_file::CaptureReader};
/// let empty = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
/// let mut reader = CaptureReader::new(&empty[..])?;
/// assert!(matches!(reader.next()?, Some(Record::Interface(..))));
/// assert_eq!(reader.next()?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CaptureReader<R: Read> {
    format: Format<R>,
    /// Set after an error behind which nothing can be read.
    over: bool,
}

#[derive(Debug)]
enum Format<R: Read> {
    Pcap(PcapReader<R>),
    Pcapng(PcapngReader<R>),
}

impl<R: Read> CaptureReader<R> {
    /// Reads the file header. `input` need not be buffered.
    ///
    /// # Errors
    /// If it is neither pcap nor pcapng; other known formats are named.
    pub fn new(input: R) -> Result<Self, CaptureError> {
        let mut source = Source::new(input);
        let mut magic = Vec::new();
        source.read(&mut magic, 4)?;
        let format = match magic.first_chunk::<4>() {
            None if magic.is_empty() => return Err(fatal(0, "the file is empty")),
            None => return Err(fatal(0, "the file ends inside its first four bytes")),
            Some([0x0A, 0x0D, 0x0D, 0x0A]) => Format::Pcapng(PcapngReader::new(source)?),
            Some(magic) => match pcap::Variant::of(*magic) {
                Some(variant) => Format::Pcap(PcapReader::new(source, variant)?),
                None => return Err(fatal(0, &unknown_format(*magic))),
            },
        };
        Ok(Self { format, over: false })
    }

    /// The next record; `None` at the end of the file.
    ///
    /// # Errors
    /// If the file is damaged or can't be read. When the error says so, call again to go on behind it.
    #[expect(clippy::should_implement_trait, reason = "a record borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        if self.over {
            return Ok(None);
        }
        let record = match &mut self.format {
            Format::Pcap(reader) => reader.next(),
            Format::Pcapng(reader) => reader.next(),
        };
        if let Err(error) = &record {
            self.over = !error.resumes;
        }
        record
    }

    /// Bytes of the file read so far, for showing progress.
    #[must_use]
    pub fn offset(&self) -> u64 {
        match &self.format {
            Format::Pcap(reader) => reader.offset(),
            Format::Pcapng(reader) => reader.offset(),
        }
    }

    /// An interface that was returned as a record before.
    #[must_use]
    pub fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        match &self.format {
            Format::Pcap(reader) => reader.interface(id),
            Format::Pcapng(reader) => reader.interface(id),
        }
    }
}

/// An error behind which nothing can be read.
fn fatal(offset: u64, reason: &str) -> CaptureError {
    CaptureError { offset, reason: reason.to_owned(), resumes: false }
}

fn unknown_format(magic: [u8; 4]) -> String {
    let name = match &magic {
        b"snoo" => "a snoop file (Solaris)",
        b"XCP\0" => "a Sniffer (Windows) or NetXRay file",
        b"TRSN" => "a Sniffer (DOS) file",
        b"RTSS" | b"GMBU" => "a Microsoft Network Monitor file",
        b"iptr" => "an AIX iptrace file",
        b"OLE " | [0xD0, 0xCF, 0x11, 0xE0] => "an OLE document",
        [0x1F, 0x8B, ..] => "a gzip file: decompress it first",
        [0x28, 0xB5, 0x2F, 0xFD] => "a zstd file: decompress it first",
        [0xFD, b'7', b'z', b'X'] => "an xz file: decompress it first",
        b"PK\x03\x04" => "a zip file: extract it first",
        [0xFF, 0xD8, 0xFF, _] => "a JPEG image",
        _ if magic.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => "text",
        _ => {
            let [a, b, c, d] = magic;
            return format!("neither pcap nor pcapng: it begins with {a:02x} {b:02x} {c:02x} {d:02x}");
        }
    };
    format!("neither pcap nor pcapng, but {name}")
}
