//! A file to import: opened, digested, decompressed.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use segment::Digest;

use crate::data::DataDir;
use crate::error::Error;
use crate::import::file_name;

/// Read at once; large, because the kernel reads ahead anyway.
const READ_BYTES: usize = 1 << 20;
/// Decompressed at once.
const UNPACK_BYTES: usize = 1 << 20;

/// Something to import.
#[derive(Debug)]
pub struct Input {
    name: String,
    /// `None`: standard input.
    file: Option<File>,
}

/// A file whose digest is known.
#[derive(Debug)]
pub struct Digested {
    file: File,
    digest: Digest,
    size_bytes: u64,
}

impl Input {
    /// Opens it; `-` is standard input.
    ///
    /// # Errors
    /// Where it can't be opened or is no file.
    pub fn open(path: &OsStr) -> Result<Self, Error> {
        if path == "-" {
            return Ok(Self { name: "-".to_owned(), file: None });
        }
        let file = File::open(path).map_err(Error::io("open", Path::new(path)))?;
        let is_folder = file.metadata().is_ok_and(|known| known.is_dir());
        if is_folder {
            let reason = "a directory; give the capture files in it".to_owned();
            return Err(Error::State { path: path.into(), reason });
        }
        Ok(Self { name: file_name(path), file: Some(file) })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads it once for its digest. What can't be read twice is kept in a nameless file meanwhile.
    ///
    /// # Errors
    /// Where it can't be read, or kept.
    pub fn with_digest(self, data: &DataDir) -> Result<Digested, Error> {
        let path = Path::new(&self.name);
        let mut hasher = blake3::Hasher::new();
        let mut file = match self.file {
            Some(mut file) if file.metadata().is_ok_and(|known| known.is_file()) => {
                copy(&mut file, &mut hasher).map_err(Error::io("read", path))?;
                file
            }
            Some(mut pipe) => spool(&mut pipe, &mut hasher, data)?,
            None => spool(&mut io::stdin().lock(), &mut hasher, data)?,
        };
        let size_bytes = file.seek(SeekFrom::End(0)).map_err(Error::io("read", path))?;
        file.rewind().map_err(Error::io("read", path))?;
        Ok(Digested { file, digest: Digest(*hasher.finalize().as_bytes()), size_bytes })
    }
}

impl Digested {
    /// BLAKE3 of the file as it was given.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its size.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Its content, decompressed if it begins as gzip or zstd do. `done` counts the bytes of the file.
    ///
    /// # Errors
    /// Where its beginning can't be read.
    pub fn content(self, done: Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
        let mut counted = BufReader::with_capacity(READ_BYTES, Counted { file: self.file, done });
        Ok(match counted.fill_buf()? {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(counted)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(Zstd::new(counted)),
            // Skippable frames may come first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Box::new(Zstd::new(counted)),
            _ => Box::new(counted),
        })
    }
}

/// Copies into a file that has no name, so that nothing is left of it whatever happens.
fn spool(from: &mut impl Read, hasher: &mut blake3::Hasher, data: &DataDir) -> Result<File, Error> {
    let path = data.open().join(format!(".import-{}", std::process::id()));
    let file = OpenOptions::new().create_new(true).read(true).write(true).open(&path);
    let mut file = file.map_err(Error::io("create", &path))?;
    std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
    copy(from, &mut Tee { file: &mut file, hasher }).map_err(Error::io("keep standard input in", &path))?;
    Ok(file)
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to.write_all(&buffer[..length])?,
            Err(again) if again.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes to a file and a digest.
struct Tee<'a> {
    file: &'a mut File,
    hasher: &'a mut blake3::Hasher,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Counts what is read of a file.
struct Counted {
    file: File,
    done: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(into)?;
        self.done.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Any number of zstd frames, skippable ones passed over.
struct Zstd<R: BufRead> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Begins the next frame; false at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut (&mut self.source).take(u64::from(length)), &mut io::sink())?;
                    if skipped < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(damaged(&error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.in_frame && self.decoder.can_collect() > 0 {
                return self.decoder.read(into);
            }
            if self.in_frame && !self.decoder.is_finished() {
                let strategy = BlockDecodingStrategy::UptoBytes(UNPACK_BYTES);
                self.decoder.decode_blocks(&mut self.source, strategy).map_err(|error| damaged(&error))?;
                continue;
            }
            if self.in_frame
                && let (Some(said), Some(found)) =
                    (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum())
                && said != found
            {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "zstd: wrong checksum"));
            }
            self.in_frame = false;
            if !self.next_frame()? {
                return Ok(0);
            }
        }
    }
}

fn damaged(error: &FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {error}"))
}
