//! Turns capture files into segments.
//!
//! The file's BLAKE3 names the chain, so that the same file gives the same recording, and importing
//! it twice is noticed. Times, interfaces, link types, comments, names and secrets are kept. Needs
//! no capability and has none: these bytes are hostile.
//!
//! ```text
//!   file ─▶ input: decompress ─▶ reading: parse ─(4 batches)─▶ writing ─(2)─▶ seal
//! ```

mod input;
mod reading;
mod registry;
mod writing;

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, tick};
use segment::{Chain, Digest, SigningKey};

use crate::cli::{ImportArgs, Progress};
use crate::data::{DataDir, remove_segment, segment_ids};
use crate::error::Error;
use crate::event::Event;
use crate::import::input::Input;
use crate::import::registry::Registry;
use crate::import::writing::{Summary, Writing};
use crate::privileges::keep_nothing;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// Hexadecimal digits of the file's digest in the chain's name.
const DIGEST_DIGITS: usize = 12;

/// Imports every file; says whether all of them were read whole.
///
/// # Errors
/// Where the data directory can't be used. What is wrong with one file is said, and the next is imported.
pub fn run(args: &ImportArgs) -> Result<bool, Error> {
    // Files are opened by the rights of who typed the command, before these are given up.
    let opened: Vec<_> = args.files.iter().map(|file| (file, Input::open(file))).collect();
    keep_nothing()?;
    let data = DataDir::prepare(&args.data)?;
    let key = data.key()?;
    let mut ok = true;
    for (file, input) in opened {
        let imported = input.and_then(|input| import(input, args, &data, &key));
        let problem = match imported {
            Ok(problem) => problem,
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            ok = false;
            eprintln!("remora-recorder: {}: {problem}", file.to_string_lossy());
        }
    }
    Event::Finished { ok }.print();
    Ok(ok)
}

/// Imports one file; says what could not be read.
fn import(
    input: Input,
    args: &ImportArgs,
    data: &DataDir,
    key: &SigningKey,
) -> Result<Option<String>, Error> {
    let name = input.name().to_owned();
    let input = input.with_digest(data)?;
    // One import at a time: two of the same file would write the same chain.
    let mut registry = Registry::open(data)?;
    let before = registry.of(input.digest());
    if let (Some(first), false) = (before.first(), args.again) {
        Event::Imported {
            file: name,
            chain: first.chain.clone(),
            packets: 0,
            segments: 0,
            already: true,
            problem: None,
        }
        .print();
        return Ok(None);
    }
    let chain = chain_name(input.digest(), before.len())?;
    remove_unfinished(data, &chain)?;

    let (bytes_total, digest) = (input.size_bytes(), input.digest());
    let done = Arc::new(AtomicU64::new(0));
    let (finish, finished) = bounded(0);
    let telling = (args.progress == Some(Progress::Json)).then(|| {
        let (file, done) = (name.clone(), Arc::clone(&done));
        std::thread::spawn(move || tell_progress(&file, bytes_total, &done, &finished))
    });
    let writing = Writing {
        data: data.clone(),
        key: key.clone(),
        chain: chain.clone(),
        file: name.clone(),
        digest,
        rotate_bytes: args.rotate_bytes,
        compression_level: args.compression_level,
    };
    let result = reading::start(input, Arc::clone(&done)).and_then(|batches| writing.run(&batches));
    drop(finish);
    if let Some(telling) = telling {
        telling.join().expect("telling progress doesn't fail");
    }
    let Summary { packets, segments, problem } = match result {
        Ok(summary) => summary,
        Err(error) => {
            // Half an import looks like a whole one: take it back. The file is still there.
            remove_unfinished(data, &chain)?;
            return Err(error);
        }
    };
    if segments > 0 {
        registry.add(digest, bytes_total, &name, &chain)?;
    }
    let chain = chain.to_string();
    Event::Imported { file: name, chain, packets, segments, already: false, problem: problem.clone() }
        .print();
    Ok(problem)
}

/// `import-` and the digest's first digits; a repeated import gets a number.
fn chain_name(digest: Digest, before: usize) -> Result<Chain, Error> {
    let digits: String = digest.to_string().chars().take(DIGEST_DIGITS).collect();
    let name = match before {
        0 => format!("import-{digits}"),
        times => format!("import-{digits}-{}", times + 1),
    };
    Ok(name.parse()?)
}

/// Removes what an import that was interrupted left: nobody was told of it, and it is incomplete.
fn remove_unfinished(data: &DataDir, chain: &Chain) -> Result<(), Error> {
    for folder in [data.open(), data.sealed()] {
        for id in segment_ids(&folder)? {
            if id.chain == *chain {
                remove_segment(&folder, &id)?;
            }
        }
    }
    Ok(())
}

fn tell_progress(file: &str, bytes_total: u64, done: &AtomicU64, finished: &Receiver<()>) {
    let ticks = tick(PROGRESS_EVERY);
    let tell = || {
        let bytes_done = done.load(Ordering::Relaxed);
        Event::Progress { file: file.to_owned(), bytes_done, bytes_total: Some(bytes_total) }.print();
    };
    loop {
        crossbeam_channel::select! {
            recv(ticks) -> _ => tell(),
            recv(finished) -> _ => break,
        }
    }
    tell();
}

/// How a file is called in segments and events: the last part of its path.
fn file_name(path: &OsStr) -> String {
    Path::new(path).file_name().unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_named_by_digest_and_numbered() {
        let digest = Digest([0xab; 32]);
        assert_eq!(chain_name(digest, 0).unwrap().as_str(), "import-abababababab");
        assert_eq!(chain_name(digest, 1).unwrap().as_str(), "import-abababababab-2");
    }
}
