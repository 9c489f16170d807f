//! The writing half of an import: records in, segments out.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use segment::capture_file::CaptureError;
use segment::{
    Chain, Digest, ErrorKind, FinishedSegment, Interface, Loss, LossCause, Manifest, Origin, Packet, Record,
    SegmentId, SegmentWriter, SigningKey, TimeRange, Timestamp, WriterOptions,
};

use crate::data::{DataDir, boot_id, host_name};
use crate::error::Error;
use crate::event::Event;
use crate::import::reading::{Batches, ImportBatch, Item};
use crate::writer::segments::create_locked;

/// Segments that wait until they are on disk; more would only fill the page cache.
const PUBLISH_JOBS: usize = 2;

/// What an import needs to know.
pub struct Writing {
    /// Where to.
    pub data: DataDir,
    /// Who signs.
    pub key: SigningKey,
    /// The chain.
    pub chain: Chain,
    /// What the file is called.
    pub file: String,
    /// Its digest.
    pub digest: Digest,
    /// Size at which a segment is sealed.
    pub rotate_bytes: u64,
    /// zstd level.
    pub compression_level: i32,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    /// Packets in segments.
    pub packets: u64,
    /// Segments.
    pub segments: u64,
    /// What could not be read, where, and why.
    pub problem: Option<String>,
}

/// An import in progress.
struct Import {
    writing: Writing,
    /// Every interface so far: each segment describes all of them, so that their numbers stay.
    interfaces: Vec<Interface>,
    segment: Option<SegmentWriter>,
    next: u64,
    previous: Option<Digest>,
    summary: Summary,
    damages: u64,
    last: Option<Timestamp>,
    publish: Sender<FinishedSegment>,
}

impl Writing {
    /// Writes everything that comes, and seals it.
    ///
    /// # Errors
    /// Where segments can't be written.
    pub fn run(self, batches: &Batches) -> Result<Summary, Error> {
        let (publish, jobs) = bounded(PUBLISH_JOBS);
        let publishing = start_publishing(self.data.clone(), jobs)?;
        let mut import = Import {
            writing: self,
            interfaces: Vec::new(),
            segment: None,
            next: 0,
            previous: None,
            summary: Summary::default(),
            damages: 0,
            last: None,
            publish,
        };
        let written = import.write_all(batches);
        let mut summary = import.summary;
        drop(import.publish);
        // An error there makes one here: the publisher no longer takes segments.
        publishing.join().expect("publishing returns its errors")?;
        written?;
        if import.damages > 1
            && let Some(problem) = &mut summary.problem
        {
            *problem = format!("{problem} (and {} more places)", import.damages - 1);
        }
        Ok(summary)
    }
}

/// Makes finished segments last, one after the other.
fn start_publishing(
    data: DataDir,
    jobs: Receiver<FinishedSegment>,
) -> Result<JoinHandle<Result<(), Error>>, Error> {
    let publish = move || {
        for finished in jobs {
            let manifest: Manifest = finished.publish(&data.sealed())?;
            Event::sealed(&manifest).print();
        }
        Ok(())
    };
    std::thread::Builder::new()
        .name("publishing".to_owned())
        .spawn(publish)
        .map_err(|e| Error::Config(format!("can't start a thread: {e}")))
}

impl Import {
    fn write_all(&mut self, batches: &Batches) -> Result<(), Error> {
        for batch in &batches.full {
            self.write(&batch)?;
            batches.give_back(batch);
        }
        self.seal()
    }

    fn write(&mut self, batch: &ImportBatch) -> Result<(), Error> {
        let mut rest = batch.bytes.as_slice();
        for item in &batch.items {
            let record = match item {
                Item::Packet {
                    timestamp,
                    interface,
                    link_type,
                    original_length_bytes,
                    length_bytes,
                    comment,
                } => {
                    let (data, after) = rest.split_at(*length_bytes);
                    rest = after;
                    self.last = Some(*timestamp);
                    let packet = Packet {
                        timestamp: *timestamp,
                        interface: *interface,
                        link_type: *link_type,
                        original_length_bytes: *original_length_bytes,
                        data,
                        comment: comment.as_deref(),
                    };
                    self.append(&packet)?;
                    continue;
                }
                Item::Interface(interface) => {
                    self.add_interface(interface)?;
                    continue;
                }
                Item::Damage(damage) => {
                    self.damage(damage)?;
                    continue;
                }
                Item::Statistics(statistics) => Record::InterfaceStatistics(statistics.clone()),
                Item::Names(names) => Record::Names(names.clone()),
                Item::Clock(clock) => Record::ClockState(clock.clone()),
                Item::Loss(loss) => Record::Loss(loss.clone()),
                Item::Secrets(secrets) => Record::Secrets(secrets),
                Item::Custom { name, json } => Record::Custom { name, json },
            };
            let appended = self.segment()?.append_record(&record);
            self.tolerate(appended)?;
        }
        Ok(())
    }

    fn append(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        let rotate_bytes = self.writing.rotate_bytes;
        if self.segment.as_ref().is_some_and(|segment| segment.written_bytes() >= rotate_bytes) {
            self.seal()?;
        }
        let appended = self.segment()?.append(packet);
        if appended.is_ok() {
            self.summary.packets += 1;
        }
        self.tolerate(appended)
    }

    /// A record that can't be written because of what it says is damage of the file; anything else ends
    /// the import.
    fn tolerate(&mut self, appended: Result<(), segment::Error>) -> Result<(), Error> {
        match appended {
            Err(error) if error.kind() == ErrorKind::Input => {
                self.note_problem(&error.to_string());
                self.append_loss(Some(1), error.to_string())
            }
            other => Ok(other?),
        }
    }

    fn add_interface(&mut self, interface: &Interface) -> Result<(), Error> {
        self.interfaces.push(interface.clone());
        match &mut self.segment {
            Some(segment) => segment.add_interface(interface).map(|_| ())?,
            None => drop(self.segment()?),
        }
        Ok(())
    }

    fn damage(&mut self, damage: &CaptureError) -> Result<(), Error> {
        self.note_problem(&damage.to_string());
        // A file of which nothing was understood makes no segment.
        if self.segment.is_none() { Ok(()) } else { self.append_loss(None, damage.to_string()) }
    }

    fn note_problem(&mut self, problem: &str) {
        self.damages += 1;
        self.summary.problem.get_or_insert_with(|| problem.to_owned());
    }

    /// The loss lies where the last packet lay: nobody knows when the missing ones were captured.
    fn append_loss(&mut self, packets: Option<u64>, note: String) -> Result<(), Error> {
        let at = self.last.unwrap_or_default();
        let range = TimeRange::covering(at, at);
        let loss = Loss { range, interface: None, cause: LossCause::Damaged, packets, bytes: None, note };
        Ok(self.segment()?.append_record(&Record::Loss(loss))?)
    }

    /// The open segment; the next one if there is none.
    fn segment(&mut self) -> Result<&mut SegmentWriter, Error> {
        if self.segment.is_none() {
            let id = SegmentId { chain: self.writing.chain.clone(), sequence: self.next };
            let options = WriterOptions {
                compression_level: self.writing.compression_level,
                node: host_name(),
                boot_id: boot_id(),
                previous: self.previous,
                origin: Origin::Import { file: self.writing.file.clone(), blake3: self.writing.digest },
                recorder: concat!("remora-recorder ", env!("CARGO_PKG_VERSION")).to_owned(),
                ..WriterOptions::default()
            };
            let (mut segment, _) = create_locked(&self.writing.data, id, options)?;
            for interface in &self.interfaces {
                segment.add_interface(interface)?;
            }
            self.next += 1;
            self.segment = Some(segment);
        }
        Ok(self.segment.as_mut().expect("it was made where it was missing"))
    }

    fn seal(&mut self) -> Result<(), Error> {
        let Some(segment) = self.segment.take() else { return Ok(()) };
        let finished = segment.finish(&self.writing.key)?;
        self.previous = Some(finished.root());
        self.summary.segments += 1;
        // If the publisher is gone, it says why when it is joined.
        drop(self.publish.send(finished));
        Ok(())
    }
}
