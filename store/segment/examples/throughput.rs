//! Measures how fast packets of a capture file become a segment:
//! `cargo run --release -p segment --example throughput FILE [TIMES]`.

use std::error::Error;
use std::fs::File;
use std::time::Duration;

use segment::capture_file::CaptureReader;
use segment::{
    FrameBuilder, Interface, InterfaceId, LinkType, Packet, Reading, Record, SegmentReader, SegmentWriter,
    SigningKey, Timestamp, WriterOptions,
};

/// CPU time of this thread, so that other work on the machine doesn't count.
struct Clock(Duration);

impl Clock {
    fn start() -> Self {
        Self(Self::spent())
    }

    fn spent() -> Duration {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
    }

    fn elapsed(&self) -> Duration {
        Self::spent() - self.0
    }
}

struct Kept {
    at: Timestamp,
    interface: InterfaceId,
    link_type: LinkType,
    original: u32,
    data: Vec<u8>,
}

impl Kept {
    fn packet(&self) -> Packet<'_> {
        Packet {
            timestamp: self.at,
            interface: self.interface,
            link_type: self.link_type,
            original_length_bytes: self.original,
            data: &self.data,
            comment: None,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which capture file?")?;
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let (mut packets, mut interfaces) = (Vec::<Kept>::new(), Vec::<Interface>::new());
    let started = Clock::start();
    let mut capture = CaptureReader::new(File::open(&path)?)?;
    while let Some(record) = capture.next()? {
        match record {
            Record::Interface(_, interface) => interfaces.push(interface),
            Record::Packet(packet) => packets.push(Kept {
                at: packet.timestamp,
                interface: packet.interface,
                link_type: packet.link_type,
                original: packet.original_length_bytes,
                data: packet.data.to_vec(),
            }),
            _ => {}
        }
    }
    let megabytes = packets.iter().map(|kept| kept.data.len()).sum::<usize>() as f64 / 1e6 * f64::from(times);
    let count = packets.len() as f64 * f64::from(times);
    let report = |what: &str, seconds: f64| {
        println!(
            "{what}: {:.0} MB and {:.2} M packets per CPU second",
            megabytes / seconds,
            count / seconds / 1e6
        );
    };
    let once = f64::from(times);
    report("read the capture and copy its packets", started.elapsed().as_secs_f64() * once);

    let mut builder = FrameBuilder::with_capacity(1 << 19);
    let started = Clock::start();
    for kept in (0..times).flat_map(|_| &packets) {
        builder.packet(&kept.packet())?;
        if builder.raw().len() > 256 << 10 {
            builder.clear();
        }
    }
    report("encode blocks", started.elapsed().as_secs_f64());

    let folder = tempfile::tempdir()?;
    let id: segment::SegmentId = "throughput-0000000000".parse()?;
    let mut writer = SegmentWriter::create(folder.path(), id.clone(), WriterOptions::default())?;
    for interface in &interfaces {
        writer.add_interface(interface)?;
    }
    let started = Clock::start();
    for kept in (0..times).flat_map(|_| &packets) {
        writer.append(&kept.packet())?;
    }
    writer.end_frame()?;
    report("append: encode, count flows, compress, hash, write", started.elapsed().as_secs_f64());
    println!("{:.0} MB of packets in {:.0} MB of file", megabytes, writer.written_bytes() as f64 / 1e6);
    let sealed = folder.path().join("sealed");
    std::fs::create_dir(&sealed)?;
    let started = Clock::start();
    writer.seal(&sealed, &SigningKey::from_bytes(&[1; 32]))?;
    println!("seal: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);

    let mut reader = SegmentReader::open(&sealed.join(id.file_name()), Reading::Strict)?;
    let started = Clock::start();
    let mut seen = 0u64;
    while let Some(frame) = reader.next_frame()? {
        seen += u64::try_from(frame.packets().count())?;
        reader.recycle(frame);
    }
    report("read every packet back", started.elapsed().as_secs_f64());
    assert_eq!(seen as f64, count);
    let started = Clock::start();
    assert!(segment::verify(&sealed.join(id.file_name()))?.is_sound());
    report("verify", started.elapsed().as_secs_f64());
    Ok(())
}
