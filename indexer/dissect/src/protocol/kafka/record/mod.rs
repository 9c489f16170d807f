//! Records: what producers send and consumers fetch.
//!
//! They travel in batches (since Kafka 0.11, KIP-98) or, before, in message sets, which clients of their time still
//! send. Both may be compressed. A broker cuts what it sends at a number of bytes, so that the last batch is often
//! only begun.
//!
//! Compressed bytes are hostile: all records of a message together stop at one limit on bytes and one on their
//! number.

mod batch;
mod compression;
mod lz4;
mod set;
mod snappy;

use crate::protocol::content_encoding::{DecodeError, Decoded};

pub use compression::Codec;

/// Most records told of one message.
pub const RECORDS_MAX: usize = 50_000;

/// What undoing a compression costs at least, whatever comes out: many empty ones are a bomb too.
const DECODING_COST_BYTES: usize = 1024;

/// Offset, length, and four bytes more up to the byte that tells the format (`magic`).
const MAGIC_AT: usize = 16;

/// The records of one partition in a message.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Records {
    /// Its batches; those of a message set that are not compressed together make one.
    pub batches: Vec<Batch>,
    /// Bytes of a batch at the end that was only begun. If it is of format 2, it is the last of `batches`, with the
    /// records that are whole.
    pub partial_bytes: usize,
}

/// A batch of records.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The length that stands in it.
    pub length_bytes: i32,
    /// The format: 2 for a batch, 0 and 1 for the messages of a set.
    pub magic: i8,
    /// How it is compressed.
    pub codec: Codec,
    /// Its checksum.
    pub crc: u32,
    /// Compression, and since format 1 what the timestamps mean; since format 2 transactions.
    pub attributes: i16,
    /// What only format 2 has.
    pub header: Option<Header>,
    /// Its records, as far as they could be read.
    pub records: Vec<Record>,
    /// Why there are not all of them, if so.
    pub problem: Option<Problem>,
    /// Whether its sender cut it, at the number of bytes that was asked for, or a limit of ours did.
    pub is_partial: bool,
}

/// What a batch of format 2 says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are Kafka's")]
pub struct Header {
    pub partition_leader_epoch: i32,
    pub last_offset_delta: i32,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub count: i32,
}

/// A record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its place in the partition.
    pub offset: i64,
    /// Milliseconds since 1970; `None` in format 0.
    pub timestamp: Option<i64>,
    /// `None` is null.
    pub key: Option<Vec<u8>>,
    /// `None` is null: a tombstone.
    pub value: Option<Vec<u8>>,
    /// Names and values, in order.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Why records of a batch are missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Problem {
    /// The bytes end early or break the format.
    #[error("the records are damaged or cut")]
    Damaged,
    /// The compression could not be undone.
    #[error("{0}")]
    Compression(DecodeError),
    /// A limit of ours was reached.
    #[error("there is more than is kept")]
    Limit,
}

impl Batch {
    /// Whether the records belong to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.magic >= 2 && self.attributes & 0x10 != 0
    }

    /// Whether the broker wrote the records, about transactions or itself.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.magic >= 2 && self.attributes & 0x20 != 0
    }

    /// Whether the timestamps are the broker's.
    #[must_use]
    pub fn is_log_append_time(&self) -> bool {
        self.magic >= 1 && self.attributes & 0x08 != 0
    }
}

/// Reads the records of one message.
#[derive(Debug)]
pub struct Reader {
    records_left: usize,
    bytes_left: usize,
}

impl Reader {
    /// For records that take up to so many bytes once they are decompressed.
    #[must_use]
    pub fn new(decoded_bytes_max: usize) -> Self {
        Self { records_left: RECORDS_MAX, bytes_left: decoded_bytes_max }
    }

    /// Reads what one partition's `records` hold.
    pub fn read(&mut self, mut input: &[u8]) -> Records {
        let mut records = Records::default();
        while !input.is_empty() {
            let Some((frame, rest)) = frame(input) else { break };
            match frame.magic {
                0 | 1 => set::read(frame.bytes, &mut records.batches, self),
                2 => records.batches.extend(batch::read(frame.bytes, self)),
                _ => break,
            }
            input = rest;
        }
        records.partial_bytes = input.len();
        if is_begun(input) {
            records.batches.extend(batch::read_begun(input, self));
        }
        records
    }

    /// Whether one more record may be kept.
    fn take_record(&mut self) -> bool {
        let is_left = self.records_left > 0;
        self.records_left = self.records_left.saturating_sub(1);
        is_left
    }

    fn decompress(&mut self, codec: Codec, bytes: &[u8]) -> Decoded {
        let decoded = compression::undo(codec, bytes, self.bytes_left);
        self.bytes_left = self.bytes_left.saturating_sub(decoded.bytes.len().max(DECODING_COST_BYTES));
        decoded
    }
}

/// How many records there are, as far as that is told without decompressing much.
#[must_use]
pub fn count(mut input: &[u8]) -> u64 {
    let mut count = 0_u64;
    let mut reader = Reader::new(COUNTED_BYTES_MAX);
    while let Some((frame, rest)) = frame(input) {
        count = count.saturating_add(match frame.magic {
            2 => batch::count(frame.bytes),
            _ => {
                let mut batches = Vec::new();
                set::read(frame.bytes, &mut batches, &mut reader);
                batches.iter().map(|batch| u64::try_from(batch.records.len()).unwrap_or(0)).sum()
            }
        });
        input = rest;
    }
    if is_begun(input) {
        count = count.saturating_add(batch::count_begun(input));
    }
    count
}

/// Whether a batch of format 2 begins here of which not all is there; of other formats nothing can be said then.
fn is_begun(input: &[u8]) -> bool {
    input.get(MAGIC_AT) == Some(&2) && frame(input).is_none()
}

/// Only message sets of old must be decompressed to be counted.
const COUNTED_BYTES_MAX: usize = 1024 * 1024;

/// A batch, or a message of a set: both begin with an offset, a length, and `magic` at the same place.
struct Frame<'a> {
    magic: i8,
    bytes: &'a [u8],
}

/// `None` if it is not there as a whole.
fn frame(input: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let length = i32::from_be_bytes(*input.get(8..)?.first_chunk()?);
    let magic = i8::from_be_bytes([*input.get(MAGIC_AT)?]);
    let (bytes, rest) = input.split_at_checked(usize::try_from(length).ok()?.checked_add(12)?)?;
    // A length of less would end before `magic`.
    (bytes.len() > MAGIC_AT).then_some((Frame { magic, bytes }, rest))
}

/// Bytes read from the front.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};

    use super::*;

    /// Three records, as kafka-python writes them: one with a header, one without a key, a tombstone.
    const HEADER: &str = "000000000000000000000073000000000232a1c3e60000000000020000018bcfe568000000018bcfe56800\
        ffffffffffffffffffffffffffff00000003";
    const RECORDS: &str = "52000000046b313a68656c6c6f2068656c6c6f2068656c6c6f2068656c6c6f2068656c6c6f0202680278\
        16000002010a776f726c640016000004046b330102026e01";

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    /// A batch with these attributes and these bytes behind its header.
    fn batch(attributes: u8, records: &[u8]) -> Vec<u8> {
        let mut bytes = hex(HEADER);
        bytes[11] = u8::try_from(49 + records.len()).unwrap();
        bytes[22] = attributes;
        bytes.extend(records);
        bytes
    }

    fn described(records: &Records) -> String {
        let shown = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map_or("null".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let mut text = String::new();
        for batch in &records.batches {
            let Batch { magic, base_offset, codec, .. } = batch;
            writeln!(text, "format {magic} from {base_offset} {}", codec.name()).unwrap();
            for record in &batch.records {
                let (key, value) = (shown(&record.key), shown(&record.value));
                let time = record.timestamp.unwrap_or(-1);
                write!(text, "  {} {time} {key} = {value}", record.offset).unwrap();
                for (name, value) in &record.headers {
                    write!(text, ", {} = {}", String::from_utf8_lossy(name), shown(value)).unwrap();
                }
                text.push('\n');
            }
            if let Some(problem) = batch.problem {
                writeln!(text, "  {problem}").unwrap();
            }
            if batch.is_partial {
                writeln!(text, "  partial").unwrap();
            }
        }
        if records.partial_bytes > 0 {
            writeln!(text, "{} bytes of another", records.partial_bytes).unwrap();
        }
        text
    }

    fn check(input: &[u8], expected: Expect) {
        expected.assert_eq(&described(&Reader::new(1 << 20).read(input)));
    }

    #[test]
    fn each_compression_is_undone() {
        let plain = described(&Reader::new(1 << 20).read(&batch(0, &hex(RECORDS))));
        expect![[r#"
            format 2 from 0 none
              0 1700000000000 k1 = hello hello hello hello hello, h = x
              1 1700000000000 null = world
              2 1700000000000 k3 = null, n = null
        "#]]
        .assert_eq(&plain);
        // As their own libraries write them.
        let compressed = [
            (
                1,
                "gzip",
                "1f8b0800f2a0016b02ff0b62606060c936b4ca48cdc9c957c041323165305588313030317295e717e5a43000d92c2c\
                 d9c68c4c4c798c00798246ea42000000",
            ),
            (
                2,
                "snappy",
                "423452000000046b313a68656c6c6f205a060070020268027816000002010a776f726c640016000004046b33010202\
                 6e01",
            ),
            (
                2,
                "snappy",
                "82534e4150505900000000010000000100000016144c52000000046b313a68656c6c6f2068656c6c6f20000000282e\
                 1468656c6c6f201d0670020268027816000002010a776f726c640016000004046b330102026e01",
            ),
            (
                3,
                "lz4",
                "04224d1868404200000000000000e531000000ef52000000046b313a68656c6c6f20060004f00e0202680278160000\
                 02010a776f726c640016000004046b330102026e0100000000",
            ),
            (
                4,
                "zstd",
                "28b52ffd2042950100b40252000000046b313a68656c6c6f20020268027816000002010a776f726c64001600000404\
                 6b330102026e010100a98b12",
            ),
        ];
        for (attributes, name, bytes) in compressed {
            let batch = batch(attributes, &hex(bytes));
            assert_eq!(described(&Reader::new(1 << 20).read(&batch)), plain.replace("none", name), "{name}");
            assert_eq!(count(&batch), 3);
        }
        // Before KIP-57 the checksum of an LZ4 frame's head was wrong.
        let broken = compressed[3].2.replace("00e531", "00e631");
        let records = Reader::new(1 << 20).read(&batch(3, &hex(&broken)));
        assert_eq!(described(&records), plain.replace("none", "lz4"));
    }

    #[test]
    fn message_sets_are_read() {
        let format_1 = hex(
            "0000000000000000000000352e678cef01000000018bcfe56800000000026b310000001d68656c6c6f2068656c6c6f20\
             68656c6c6f2068656c6c6f2068656c6c6f00000000000000010000001b8284bc7f01000000018bcfe56800ffffffff00\
             000005776f726c640000000000000002000000189089915301000000018bcfe56800000000026b33ffffffff",
        );
        check(
            &format_1,
            expect![[r#"
            format 1 from 0 none
              0 1700000000000 k1 = hello hello hello hello hello
              1 1700000000000 null = world
              2 1700000000000 k3 = null
        "#]],
        );
        assert_eq!(count(&format_1), 3);
        // Offsets inside count from 0; the message around has that of the last.
        let mut around = hex(
            "00000000000000000000008dd04b97b801030000000000000000ffffffff0000007704224d1868408c000000000000004e\
             6000000016000100e0352e678cef01000000018bcfe5681800df026b310000001d68656c6c6f20060004002800003400\
             860000001b8284bc7f4100d1ffffffff00000005776f726c642500b600000200000018908991532700a0000000026b33\
             ffffffff00000000",
        );
        around[7] = 44;
        check(
            &around,
            expect![[r#"
            format 1 from 42 lz4
              42 1700000000000 k1 = hello hello hello hello hello
              43 1700000000000 null = world
              44 1700000000000 k3 = null
        "#]],
        );
        assert_eq!(count(&around), 3);
        check(
            &hex(
                "00000000000000000000005efe4e23680001ffffffff000000501f8b0800f2a0016b02ff63608003ddc8837c7c601653\
                  b6219094cd48cdc9c957c04142353102b170f781b3e50c0cff8100c8632dcf2fca49814a3301b1c036e7535950738d41\
                  8a0087b370f774000000",
            ),
            expect![[r#"
            format 0 from 0 gzip
              0 -1 k1 = hello hello hello hello hello
              1 -1 null = world
              2 -1 k3 = null
        "#]],
        );
    }

    #[test]
    fn a_batch_that_was_only_begun_tells_its_whole_records() {
        let whole = batch(0, &hex(RECORDS));
        let of = |length: usize| {
            let cut = [&whole[..], &whole[..length]].concat();
            (Reader::new(1 << 20).read(&cut), count(&cut))
        };
        // Not even its header is there.
        let (records, counted) = of(60);
        assert_eq!((records.batches.len(), records.partial_bytes, counted), (1, 60, 3));
        let (records, counted) = of(70);
        assert_eq!((records.batches.len(), records.partial_bytes, counted), (2, 70, 3));
        let (_, counted) = of(whole.len() - 1);
        assert_eq!(counted, 5);
        check(
            &whole[..whole.len() - 1],
            expect![[r#"
                format 2 from 0 none
                  0 1700000000000 k1 = hello hello hello hello hello, h = x
                  1 1700000000000 null = world
                  partial
                126 bytes of another
            "#]],
        );
        // What is compressed can't be had in part.
        let compressed = batch(1, b"only begun");
        let records = Reader::new(1 << 20).read(&compressed[..compressed.len() - 2]);
        let [batch] = records.batches.as_slice() else { panic!("{records:?}") };
        assert!(batch.is_partial && batch.problem.is_none() && batch.records.is_empty());
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 1 << 22]).unwrap();
        let bomb = batch(1, &encoder.finish().unwrap()[..120]);
        let mut reader = Reader::new(10_000);
        let records = reader.read(&bomb.repeat(100));
        assert_eq!(records.batches.len(), 100);
        assert!(records.batches.iter().all(|batch| batch.problem == Some(Problem::Limit)));
        assert_eq!(reader.bytes_left, 0);
        // A length that promises the world, in both codecs that are ours.
        for (codec, bytes) in
            [(2, "ffffffff0f0061fe0100fe0100"), (3, "04224d186040821400000012610100ffffffffffff")]
        {
            let records = Reader::new(1000).read(&batch(codec, &hex(bytes)));
            assert!(records.batches[0].problem.is_some());
        }
        // Many records of nothing.
        let mut many = batch(0, &[]);
        many[8..12].copy_from_slice(&(49 + 7 * 60_000_i32).to_be_bytes());
        many[57..61].copy_from_slice(&60_000_i32.to_be_bytes());
        many.extend(hex("0c000000010100").repeat(60_000));
        let records = Reader::new(1000).read(&many);
        assert_eq!(records.batches[0].records.len(), RECORDS_MAX);
        assert_eq!(records.batches[0].problem, Some(Problem::Limit));
    }

    #[test]
    fn damage_keeps_what_came_before() {
        let mut bytes = batch(0, &hex(RECORDS));
        bytes[61 + 42] = 0xff;
        check(
            &bytes,
            expect![[r#"
            format 2 from 0 none
              0 1700000000000 k1 = hello hello hello hello hello, h = x
              the records are damaged or cut
        "#]],
        );
        check(
            &batch(5, b"what"),
            expect![[r#"
            format 2 from 0 unknown
              content coding is not known
        "#]],
        );
    }
}
