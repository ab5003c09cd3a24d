//! Bytes in and out of files: a mistaken or hostile file must not fill the memory, nor half-replace a good one.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::file::{self, hex};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// All bytes of `path`, at most `most`.
///
/// # Errors
///
/// Names the file if it cannot be read, or is larger than any file of its kind.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let read = || -> Result<Vec<u8>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        ensure!(length <= most, "its {length} bytes are more than any such file has");
        let mut bytes = Vec::with_capacity(usize::try_from(length)?);
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// A file's contents, uncompressed if it is a gzip file.
///
/// The contents decide, not the name: some servers hand out `NAME.gz` already unpacked.
pub enum Unpacked {
    /// As they stand, and their length.
    Plain(File, u64),
    /// Uncompressed; what follows gzip's end must be gzip again.
    Gzip(Box<MultiGzDecoder<BufReader<File>>>),
}

impl Unpacked {
    /// Bytes in all, if known before they are read.
    pub fn length(&self) -> Option<u64> {
        match self {
            Unpacked::Plain(_, length) => Some(*length),
            Unpacked::Gzip(_) => None,
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Unpacked::Plain(file, _) => file.read(buffer),
            Unpacked::Gzip(decoder) => decoder.read(buffer),
        }
    }
}

/// The contents of `path`, to be read bit by bit: a small gzip file may hold more than memory does.
///
/// # Errors
///
/// If the file cannot be opened.
pub fn unpacked(path: &Path) -> Result<Unpacked> {
    let mut file = File::open(path).context("cannot open it")?;
    let mut magic = Vec::new();
    file.by_ref().take(2).read_to_end(&mut magic).context("cannot read it")?;
    file.rewind().context("cannot read it")?;
    Ok(if magic == GZIP_MAGIC {
        Unpacked::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(file))))
    } else {
        let length = file.metadata()?.len();
        Unpacked::Plain(file, length)
    })
}

/// All bytes of `path`, at most `most`, uncompressed if it is a gzip file.
///
/// # Errors
///
/// Names the file if it cannot be read, is damaged, or has or unpacks to more.
pub fn read_unpacked(path: &Path, most: u64) -> Result<Vec<u8>> {
    let read = || -> Result<Vec<u8>> {
        let unpacked = unpacked(path)?;
        let is_small = unpacked.length().is_none_or(|length| length <= most);
        let mut bytes = Vec::new();
        if is_small {
            unpacked.take(most + 1).read_to_end(&mut bytes)?;
        }
        let is_small = is_small && bytes.len() as u64 <= most;
        ensure!(is_small, "it has more than the {most} bytes of any such file");
        Ok(bytes)
    };
    read().with_context(|| format!("cannot unpack {}", path.display()))
}

/// Writes `bytes` to `path` at once, making its folder if need be: a reader sees the old file or the new one.
///
/// # Errors
///
/// Names the path and the ways to choose another folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    file::replace(path, bytes).with_context(|| unwritable(path))
}

/// Makes `folder` and tries to write there, so that nothing is downloaded for a folder that cannot take it.
///
/// # Errors
///
/// Names the folder and the ways to choose another.
pub fn ensure_writable(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::tempfile_in(folder))
        .map(|_| ())
        .with_context(|| unwritable(folder))
}

fn unwritable(path: &Path) -> String {
    format!("cannot write {}: choose another folder with --data-dir or OCS_DATA", path.display())
}

/// SHA-256 of `bytes`, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
