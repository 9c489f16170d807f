//! The reading thread of an import: decompresses, parses, and batches what it finds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crossbeam_channel::{Receiver, Sender, bounded};
use segment::capture_file::{CaptureError, CaptureReader};
use segment::{
    ClockState, Interface, InterfaceId, InterfaceStatistics, LinkType, Loss, Names, Record, Timestamp,
};

use crate::error::Error;
use crate::import::input::Digested;

/// Batches between reading and writing: enough that neither waits for the other's hiccups.
const QUEUE_BATCHES: usize = 4;
/// Bytes after which a batch is sent.
const BATCH_BYTES: usize = 1 << 20;
/// Records after which a batch is sent.
const BATCH_RECORDS: usize = 16 << 10;
/// Damaged places that are stepped over in one file; one with more is no capture file any more.
const DAMAGES_MAX: u64 = 10_000;

/// One record, without the bytes that lie in the batch.
#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    /// A packet; its bytes are the next `length_bytes` of the batch.
    Packet {
        /// When it was captured.
        timestamp: Timestamp,
        /// Its interface, numbered over the whole file.
        interface: InterfaceId,
        /// How it begins.
        link_type: LinkType,
        /// Its bytes on the wire.
        original_length_bytes: u32,
        /// Its bytes in the batch.
        length_bytes: usize,
        /// What somebody said about it.
        comment: Option<Box<str>>,
    },
    /// An interface, in the order of their numbers.
    Interface(Interface),
    /// What the kernel counted.
    Statistics(InterfaceStatistics),
    /// Names of addresses.
    Names(Names),
    /// How good the clock was.
    Clock(ClockState),
    /// What the recorder of this file knew it had lost.
    Loss(Loss),
    /// TLS secrets.
    Secrets(Vec<u8>),
    /// JSON of some name.
    Custom {
        /// The name.
        name: String,
        /// The text.
        json: String,
    },
    /// Something that can't be read.
    Damage(CaptureError),
}

/// Records of a file, in order.
#[derive(Default, Debug)]
pub struct ImportBatch {
    /// The records.
    pub items: Vec<Item>,
    /// The packets' bytes.
    pub bytes: Vec<u8>,
}

/// The writer's end of the queue.
#[derive(Debug)]
pub struct Batches {
    /// Batches to write; it ends with the file.
    pub full: Receiver<ImportBatch>,
    empty: Sender<ImportBatch>,
}

impl Batches {
    /// Gives an emptied batch back.
    pub fn give_back(&self, mut batch: ImportBatch) {
        batch.items.clear();
        batch.bytes.clear();
        drop(self.empty.try_send(batch));
    }
}

/// Starts reading. The thread ends with the file, or when nobody takes its batches any more.
///
/// # Errors
/// If the system has no thread to give.
pub fn start(input: Digested, done: Arc<AtomicU64>) -> Result<Batches, Error> {
    let (full_in, full) = bounded(QUEUE_BATCHES);
    let (empty, empty_out) = bounded(QUEUE_BATCHES);
    std::thread::Builder::new()
        .name("reading".to_owned())
        .spawn(move || {
            let mut reading = Reading { batch: ImportBatch::default(), full: full_in, empty: empty_out };
            // An error means that the writer gave up; it knows why.
            let _ = reading.read(input, done);
        })
        .map_err(|e| Error::Config(format!("can't start a thread: {e}")))?;
    Ok(Batches { full, empty })
}

/// Nobody takes batches any more.
struct Abandoned;

struct Reading {
    batch: ImportBatch,
    full: Sender<ImportBatch>,
    empty: Receiver<ImportBatch>,
}

impl Reading {
    fn read(&mut self, input: Digested, done: Arc<AtomicU64>) -> Result<(), Abandoned> {
        let opened = input.content(done).map_err(|e| unreadable(&e)).and_then(CaptureReader::new);
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(damage) => {
                self.batch.items.push(Item::Damage(damage));
                return self.send();
            }
        };
        let mut damages = 0;
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(record)) => self.batch.push(record),
                Err(damage) => {
                    damages += 1;
                    let over = !damage.resumes || damages >= DAMAGES_MAX;
                    self.batch.items.push(Item::Damage(damage));
                    if over {
                        break;
                    }
                }
            }
            if self.batch.bytes.len() >= BATCH_BYTES || self.batch.items.len() >= BATCH_RECORDS {
                self.send()?;
            }
        }
        self.send()
    }

    fn send(&mut self) -> Result<(), Abandoned> {
        let next = self.empty.try_recv().unwrap_or_default();
        self.full.send(std::mem::replace(&mut self.batch, next)).map_err(|_| Abandoned)
    }
}

impl ImportBatch {
    fn push(&mut self, record: Record<'_>) {
        let item = match record {
            Record::Packet(packet) => {
                self.bytes.extend_from_slice(packet.data);
                Item::Packet {
                    timestamp: packet.timestamp,
                    interface: packet.interface,
                    link_type: packet.link_type,
                    original_length_bytes: packet.original_length_bytes,
                    length_bytes: packet.data.len(),
                    comment: packet.comment.map(Into::into),
                }
            }
            Record::Interface(_, interface) => Item::Interface(interface),
            Record::InterfaceStatistics(statistics) => Item::Statistics(statistics),
            Record::Names(names) => Item::Names(names),
            Record::ClockState(clock) => Item::Clock(clock),
            Record::Loss(loss) => Item::Loss(loss),
            Record::Secrets(secrets) => Item::Secrets(secrets.to_vec()),
            Record::Custom { name, json } => Item::Custom { name: name.to_owned(), json: json.to_owned() },
            // Another tool's private blocks: nobody here could say what they mean.
            Record::Unknown { .. } => return,
        };
        self.items.push(item);
    }
}

fn unreadable(error: &io::Error) -> CaptureError {
    CaptureError { offset: 0, reason: error.to_string(), resumes: false }
}
