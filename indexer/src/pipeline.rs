//! From the frames of a chain to its exchanges: the one path that live and past both take.

use dissect::{Dissector, Exchange, Limits};
use segment::{Chain, Frame, Reading, Record, SegmentId, SegmentReader, Timestamp};
use store::Layout;

use crate::Error;
use crate::entry::Naming;
use crate::names::Names;

/// Takes exchanges as they end, with what is needed to make entries of them.
pub type Sink<'a> = &'a mut dyn FnMut(&mut Naming, &Names, Exchange);

/// The state that lives on from one segment of a chain to the next.
pub struct Pipeline {
    dissector: Dissector,
    naming: Naming,
    names: Names,
    /// Time of the latest packet: from when on the names behind it are known.
    now: Timestamp,
}

impl Pipeline {
    /// With no flows.
    #[must_use]
    pub fn new(chain: &Chain) -> Self {
        Self {
            dissector: Dissector::new(Limits::default()),
            naming: Naming::new(chain.clone()),
            names: Names::default(),
            now: Timestamp::MIN,
        }
    }

    /// With the flows that are under way where segment `id` begins: the segment before it, if it is still
    /// there, is read in silence.
    ///
    /// # Errors
    /// When that segment can't be read.
    pub fn warm(layout: &Layout, id: &SegmentId) -> Result<Self, Error> {
        let mut pipeline = Self::new(&id.chain);
        let Some(previous) = id.before().filter(|previous| layout.sealed_segment(previous).exists()) else {
            return Ok(pipeline);
        };
        let mut reader = open(layout, &previous)?;
        while let Some(frame) = reader.next_frame()? {
            pipeline.feed(&frame, &mut |naming, _, exchange| drop(naming.id(&exchange)));
        }
        Ok(pipeline)
    }

    /// Feeds what a frame holds; every exchange that ends goes to `sink`.
    pub fn feed(&mut self, frame: &Frame, sink: Sink<'_>) {
        let mut records = frame.records();
        while let Some(record) = records.next() {
            match record {
                Ok((Some(at), Record::Packet(packet))) => {
                    self.now = self.now.max(packet.timestamp);
                    let (naming, names) = (&mut self.naming, &self.names);
                    self.dissector.packet(&packet, at, &mut |exchange| sink(naming, names, exchange));
                }
                Ok((_, Record::Names(names))) => self.names.learn(&names, self.now),
                Ok((_, Record::InterfaceStatistics(statistics))) => {
                    // Where no packet passes, the recorder's statistics tell the time.
                    self.now = self.now.max(statistics.timestamp);
                    let (naming, names) = (&mut self.naming, &self.names);
                    self.dissector.advance(self.now, &mut |exchange| sink(naming, names, exchange));
                }
                // The other records are for reports; damage is in the reader's losses.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// No segment follows: what waits for a response leaves without one.
    pub fn finish(&mut self, sink: Sink<'_>) {
        let (naming, names) = (&mut self.naming, &self.names);
        self.dissector.finish(&mut |exchange| sink(naming, names, exchange));
    }
}

/// Every exchange that ended in segment `id`, as its index has them.
///
/// # Errors
/// When the segment can't be read.
pub fn exchanges(layout: &Layout, id: &SegmentId, sink: Sink<'_>) -> Result<(), Error> {
    let mut pipeline = Pipeline::warm(layout, id)?;
    let mut reader = open(layout, id)?;
    while let Some(frame) = reader.next_frame()? {
        pipeline.feed(&frame, sink);
    }
    let next = SegmentId { chain: id.chain.clone(), sequence: id.sequence + 1 };
    if reader.is_sealed() && !layout.open_segment(&next).exists() && !layout.sealed_segment(&next).exists() {
        pipeline.finish(sink);
    }
    Ok(())
}

/// Opens a segment wherever it is now.
///
/// # Errors
/// When it is gone or can't be read.
pub fn open(layout: &Layout, id: &SegmentId) -> Result<SegmentReader, Error> {
    let sealed = layout.sealed_segment(id);
    let path = if sealed.exists() { sealed } else { layout.open_segment(id) };
    match SegmentReader::open(&path, Reading::Forgiving) {
        Ok(reader) => Ok(reader),
        // Sealed between the look and the open.
        Err(_) if !path.exists() => Ok(SegmentReader::open(&layout.sealed_segment(id), Reading::Forgiving)?),
        Err(error) => Err(error.into()),
    }
}
