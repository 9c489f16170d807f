//! Writes plain pcapng, for exports that any tool reads.

use std::io::Write;
use std::path::PathBuf;

use crate::block::encode;
use crate::error::Error;
use crate::frame::FrameBuilder;
use crate::packet::{Interface, InterfaceId, LinkType, Packet};
use crate::record::{Names, Record};
use crate::tally::INTERFACES_MAX;

/// Written out when this much has gathered.
const BUFFER_BYTES: usize = 64 << 10;

/// Writes one section of pcapng with nanosecond times, little-endian.
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    output: W,
    blocks: FrameBuilder,
    link_types: Vec<LinkType>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header; `application` says who writes, for people.
    ///
    /// # Errors
    /// If `application` is longer than 65,535 bytes.
    pub fn new(output: W, application: &str) -> Result<Self, Error> {
        let mut blocks = FrameBuilder::with_capacity(BUFFER_BYTES);
        blocks.plain_section(&encode::Section { application, ..encode::Section::default() })?;
        Ok(Self { output, blocks, link_types: Vec::new() })
    }

    /// Describes an interface; packets may name it from now on.
    ///
    /// # Errors
    /// If there are too many, a text is too long, or the output fails.
    pub fn add_interface(&mut self, interface: &Interface) -> Result<InterfaceId, Error> {
        let number = self.link_types.len();
        let id = u32::try_from(number).ok().filter(|_| number < INTERFACES_MAX);
        let id = id.ok_or_else(|| Error::Input(format!("more than {INTERFACES_MAX} interfaces")))?;
        self.blocks.interface(interface)?;
        self.link_types.push(interface.link_type);
        self.drain(BUFFER_BYTES)?;
        Ok(InterfaceId(id))
    }

    /// Writes a packet.
    ///
    /// # Errors
    /// If its interface wasn't added or has another link type, it is too long, or the output fails.
    pub fn packet(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        let known = usize::try_from(packet.interface.0).ok().and_then(|place| self.link_types.get(place));
        if known != Some(&packet.link_type) {
            return Err(Error::Input(format!("a packet of interface {}, not added", packet.interface.0)));
        }
        self.blocks.packet(packet)?;
        self.drain(BUFFER_BYTES)
    }

    /// Writes names of addresses.
    ///
    /// # Errors
    /// If a name can't be written, or the output fails.
    pub fn names(&mut self, names: &Names) -> Result<(), Error> {
        self.blocks.record(&Record::Names(names.clone()))?;
        self.drain(BUFFER_BYTES)
    }

    /// Writes TLS secrets in the NSS key log format; they must come before the packets they open.
    ///
    /// # Errors
    /// If they are too long, or the output fails.
    pub fn secrets(&mut self, secrets: &[u8]) -> Result<(), Error> {
        self.blocks.record(&Record::Secrets(secrets))?;
        self.drain(BUFFER_BYTES)
    }

    /// Writes any record but an interface, for which see [`add_interface`](Self::add_interface).
    ///
    /// # Errors
    /// As the methods above.
    pub fn record(&mut self, record: &Record<'_>) -> Result<(), Error> {
        if let Record::Packet(packet) = record {
            return self.packet(packet);
        }
        self.blocks.record(record)?;
        self.drain(BUFFER_BYTES)
    }

    /// Writes out what is pending and gives the output back.
    ///
    /// # Errors
    /// If the output fails.
    pub fn finish(mut self) -> Result<W, Error> {
        self.drain(0)?;
        self.output.flush().map_err(Error::io("write", &PathBuf::from("the pcapng output")))?;
        Ok(self.output)
    }

    /// Writes out what is pending when it is at least `bytes` long.
    fn drain(&mut self, bytes: usize) -> Result<(), Error> {
        if self.blocks.raw().len() >= bytes {
            let written = self.output.write_all(self.blocks.raw());
            written.map_err(Error::io("write", &PathBuf::from("the pcapng output")))?;
            self.blocks.clear();
        }
        Ok(())
    }
}
