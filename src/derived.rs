//! What was computed from data once and need not be computed again: a cache that nobody needs, by content.
//!
//! An entry is named by the SHA-256 of all that it was computed from, so that it is never out of date; it carries the SHA-256 of
//! its own bytes, so that a damaged one is found. Numbers are kept to the bit, together with what else decides their last digits:
//! libtorch, the processor, the device and the number of threads. So a run with the cache is a run without it.

use std::collections::BTreeMap;
use std::fs::{File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use ndarray::Array2;
use sha2::{Digest, Sha256};

use crate::file::{self, hex};

/// Matrices by their names.
pub type Tables = BTreeMap<String, Array2<f64>>;

/// Bytes that all entries may have together; the longest unused go first.
const MOST_BYTES: u64 = 2 << 30;

/// What every entry begins with; another number is another format.
const MAGIC: &[u8] = b"ocs derived 1\n";

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// Unfinished files of processes that were killed are removed after so long.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Names an entry by all that it is computed from.
pub struct Key {
    kind: &'static str,
    hasher: Sha256,
}

impl Key {
    /// Of a kind of computation, `gram`, in a version that is raised when its meaning or its rounding changes.
    pub fn of(kind: &'static str, version: u32) -> Self {
        Key { kind, hasher: Sha256::new() }.words(kind).words(&version.to_string())
    }

    /// Computed by this libtorch on a processor of this kind, on a device, with so many threads.
    pub fn on(self, device: &str, threads: i32) -> Self {
        self.words(env!("OCS_LIBTORCH"))
            .words(&processor())
            .words(device)
            .words(&threads.to_string())
    }

    /// From this text too.
    pub fn words(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// From these numbers too.
    pub fn numbers(mut self, numbers: &[f64]) -> Self {
        self.hasher.update((numbers.len() as u64).to_le_bytes());
        for number in numbers {
            self.hasher.update(number.to_le_bytes());
        }
        self
    }

    /// From these bytes too.
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.hasher.update((bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
        self
    }

    /// From parts of equal length, of which there are many.
    pub fn parts<'a>(mut self, parts: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut count = 0u64;
        for part in parts {
            self.hasher.update(part);
            count += 1;
        }
        self.hasher.update(count.to_le_bytes());
        self
    }

    fn file_name(self) -> String {
        format!("{}-{}", self.kind, hex(&self.hasher.finalize()))
    }
}

/// The processor's name; MKL takes other ways on others.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find(|line| line.starts_with("model name"));
    name.unwrap_or_default().to_owned()
}

/// Where entries are kept, if anywhere.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    folder: Option<PathBuf>,
}

/// `$OCS_CACHE/derived`, or `ocs/derived` in the user's cache folder.
pub fn default_folder() -> Option<PathBuf> {
    let explicit = std::env::var_os("OCS_CACHE").filter(|value| !value.is_empty());
    let caches = match explicit {
        Some(folder) => file::with_home(Path::new(&folder)),
        None => dirs::cache_dir()?.join("ocs"),
    };
    Some(caches.join("derived"))
}

impl Derived {
    /// Keeps nothing.
    pub fn nowhere() -> Self {
        Derived::default()
    }

    /// Keeps entries in a folder.
    pub fn in_folder(folder: PathBuf) -> Self {
        Derived { folder: Some(folder) }
    }

    /// Keeps entries where this user keeps what can be had again.
    pub fn of_user() -> Self {
        Derived { folder: default_folder() }
    }

    /// What was kept under `key`, or what `make` makes, which is kept then. A damaged entry is told and made anew; that the folder
    /// cannot be written is told once.
    ///
    /// # Errors
    ///
    /// Those of `make`.
    pub fn kept_or(
        &self,
        key: impl FnOnce() -> Key,
        make: impl FnOnce() -> Result<Tables>,
    ) -> Result<Tables> {
        let Some(folder) = &self.folder else { return make() };
        let path = folder.join(key().file_name());
        match std::fs::read(&path) {
            Ok(bytes) => match read(&bytes) {
                Ok(tables) => {
                    touch(&path);
                    return Ok(tables);
                }
                Err(reason) => {
                    tracing::warn!("{} is damaged ({reason:#}): computed anew", path.display());
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tell_unusable(folder, &error),
        }
        let made = make()?;
        let bytes = written(&made);
        if bytes.len() as u64 <= MOST_BYTES / 4 {
            match file::replace(&path, &bytes) {
                Ok(()) => forget_unused(folder, &path, MOST_BYTES),
                Err(error) => tell_unusable(folder, &error),
            }
        }
        Ok(made)
    }
}

/// Entries in a folder, with their bytes in all.
pub fn kept_in(folder: &Path) -> (usize, u64) {
    let entries = entries(folder);
    (entries.len(), entries.iter().map(|(_, size, _)| size).sum())
}

fn tell_unusable(folder: &Path, error: &std::io::Error) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "decompositions are not kept for later: {} cannot be used ({error}); OCS_CACHE moves it",
            folder.display()
        );
    }
}

/// Marks an entry as used now. That it cannot be marked only makes it go earlier.
fn touch(path: &Path) {
    let now = FileTimes::new().set_modified(SystemTime::now());
    let _ = File::options().append(true).open(path).and_then(|file| file.set_times(now));
}

/// Files, sizes, and when each was last used, the longest unused first.
fn entries(folder: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries: Vec<_> = found
        .filter_map(|entry| {
            let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((entry.path(), about.len(), about.modified().ok()?))
        })
        .collect();
    entries.sort_by_key(|(.., used)| *used);
    entries
}

/// Removes the longest unused entries, but not `newest`, until the others have no more than `most` bytes together.
fn forget_unused(folder: &Path, newest: &Path, most: u64) {
    let entries = entries(folder);
    let mut total: u64 = entries.iter().map(|(_, size, _)| size).sum();
    for (path, size, used) in entries {
        let is_unfinished =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".writing-"));
        let is_abandoned = used.elapsed().is_ok_and(|age| age > ABANDONED);
        let goes = if is_unfinished { is_abandoned } else { total > most && path != newest };
        // Another process may have removed it.
        if goes && std::fs::remove_file(&path).is_ok() {
            total -= size;
        }
    }
}

fn written(tables: &Tables) -> Vec<u8> {
    let mut content = Vec::new();
    let number = |content: &mut Vec<u8>, number: usize| {
        content.extend((number as u64).to_le_bytes());
    };
    number(&mut content, tables.len());
    for (name, table) in tables {
        number(&mut content, name.len());
        content.extend(name.as_bytes());
        number(&mut content, table.nrows());
        number(&mut content, table.ncols());
        content.extend(table.iter().flat_map(|value| value.to_le_bytes()));
    }
    [MAGIC, &Sha256::digest(&content)[..], &content].concat()
}

fn read(bytes: &[u8]) -> Result<Tables> {
    let content = bytes.strip_prefix(MAGIC).context("its first bytes are others")?;
    let (digest, mut content) = content.split_at_checked(DIGEST).context("it is cut short")?;
    ensure!(Sha256::digest(content)[..] == *digest, "its checksum is another");
    let mut tables = Tables::new();
    let count = take_number(&mut content)?;
    for _ in 0..count {
        let length = take_number(&mut content)?;
        let name = String::from_utf8(take(&mut content, length)?.to_vec())?;
        let (rows, columns) = (take_number(&mut content)?, take_number(&mut content)?);
        let size = rows.checked_mul(columns).and_then(|size| size.checked_mul(8));
        let values = take(&mut content, size.context("it is too large")?)?;
        let values = values.as_chunks().0.iter().map(|value| f64::from_le_bytes(*value));
        tables.insert(name, Array2::from_shape_vec((rows, columns), values.collect())?);
    }
    Ok(tables)
}

fn take<'a>(content: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = content.split_at_checked(length).context("it is cut short")?;
    *content = rest;
    Ok(taken)
}

fn take_number(content: &mut &[u8]) -> Result<usize> {
    let bytes = take(content, 8)?.try_into()?;
    Ok(usize::try_from(u64::from_le_bytes(bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Tables {
        let odd = ndarray::array![[0.1, -0.0, f64::MIN_POSITIVE], [f64::MAX, 1e-320, -3.5]];
        Tables::from([("odd".to_owned(), odd), ("none".to_owned(), Array2::zeros((0, 4)))])
    }

    fn key(text: &str) -> Key {
        Key::of("test", 1).words(text)
    }

    #[test]
    fn what_is_kept_is_made_once_and_comes_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let derived = Derived::in_folder(folder.path().join("derived"));
        let first = derived.kept_or(|| key("a"), || Ok(tables())).unwrap();
        let again = derived.kept_or(|| key("a"), || panic!("it was made")).unwrap();
        let bits = |tables: &Tables| tables["odd"].mapv(f64::to_bits);
        assert_eq!((bits(&first), bits(&again)), (bits(&tables()), bits(&tables())));
        assert_eq!(again["none"].dim(), (0, 4));
        let other = derived.kept_or(|| key("b"), || Ok(Tables::new())).unwrap();
        assert!(other.is_empty());
        assert_eq!(kept_in(&folder.path().join("derived")).0, 2);
    }

    #[test]
    fn every_flipped_bit_is_found_and_the_entry_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let derived = Derived::in_folder(folder.path().to_owned());
        derived.kept_or(|| key("a"), || Ok(tables())).unwrap();
        let path = folder.path().join(key("a").file_name());
        let whole = std::fs::read(&path).unwrap();
        for bit in 0..8 * whole.len() {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_err(), "bit {bit}");
        }
        assert!((0..whole.len()).all(|length| read(&whole[..length]).is_err()));
        std::fs::write(&path, &whole[..40]).unwrap();
        derived.kept_or(|| key("a"), || Ok(tables())).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_folder_that_cannot_be_used_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        for derived in [Derived::nowhere(), Derived::in_folder(folder.path().join("file/below"))] {
            for _ in 0..2 {
                assert_eq!(derived.kept_or(|| key("a"), || Ok(tables())).unwrap(), tables());
            }
        }
    }

    #[test]
    fn the_longest_unused_go_first_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::now() - 3 * ABANDONED;
        for (age, name) in ["oldest", "older", "newest", ".writing-x"].iter().enumerate() {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_len(100).unwrap();
            let used = long_ago + Duration::from_secs(age as u64);
            file.set_times(FileTimes::new().set_modified(used)).unwrap();
        }
        touch(&folder.path().join("oldest"));
        forget_unused(folder.path(), &folder.path().join("newest"), 250);
        let left = |name: &str| folder.path().join(name).exists();
        assert_eq!(
            ["oldest", "older", "newest", ".writing-x"].map(left),
            [true, false, true, false]
        );
    }

    #[test]
    fn a_key_tells_apart_what_is_computed_from_something_else() {
        let names = [
            Key::of("a", 1),
            Key::of("b", 1),
            Key::of("a", 2),
            Key::of("a", 1).on("cpu", 1),
            Key::of("a", 1).on("cpu", 2),
            Key::of("a", 1).on("cuda:0", 1),
            Key::of("a", 1).words("x").words("yz"),
            Key::of("a", 1).words("xy").words("z"),
            Key::of("a", 1).numbers(&[1.0]),
            Key::of("a", 1).numbers(&[1.0, 0.0]),
        ]
        .map(Key::file_name);
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }
}
