//! Bytes in and out of files: a mistaken or hostile file must not fill the memory, nor half-replace a good one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;

use crate::file;

/// More than any file of these data sets, packed or not.
const MAX_BYTES: u64 = 1 << 30;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// All bytes of `path`.
///
/// # Errors
///
/// Names the file if it cannot be read or is larger than any file of these data sets.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let read = || -> Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        ensure!(length <= MAX_BYTES, "its {length} bytes are more than any file of this data set");
        let mut bytes = Vec::with_capacity(usize::try_from(length)?);
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// All bytes of `path`, uncompressed if it is a gzip file.
///
/// The contents decide, not the name: some servers hand out `NAME.gz` already unpacked.
///
/// # Errors
///
/// Names the file if it cannot be read, is damaged, or unpacks to too much.
pub fn read_unpacked(path: &Path) -> Result<Vec<u8>> {
    let bytes = read(path)?;
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .take(MAX_BYTES)
        .read_to_end(&mut unpacked)
        .with_context(|| format!("cannot unpack {}", path.display()))?;
    Ok(unpacked)
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

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
