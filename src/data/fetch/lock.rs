//! One fetch at a time into one folder: a second one waits, and then finds the files there.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Held until it is dropped; the system lets go of it too if the process dies.
pub struct Lock {
    path: PathBuf,
    /// `None` on a file system without locks.
    _file: Option<File>,
    /// Whether another process held it.
    pub had_to_wait: bool,
}

impl Lock {
    /// Takes the lock that is the file `path`, making its folder if need be. `tell` is given what a person should know:
    /// that it waits, or that the file system knows no locks.
    ///
    /// # Errors
    ///
    /// If the file cannot be made, or `interrupted` is set while it waits.
    pub fn hold(path: &Path, interrupted: &AtomicBool, tell: &mut dyn FnMut(&str)) -> Result<Lock> {
        let unusable = || format!("cannot make the lock {}", path.display());
        let mut had_to_wait = false;
        loop {
            let file = open(path).with_context(unusable)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_still(path, &file) => {
                    return Ok(Lock { path: path.to_owned(), _file: Some(file), had_to_wait });
                }
                // Whoever held it has removed it: the next round makes a new file.
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    if !had_to_wait {
                        tell(&format!("waiting for another fetch to let go of {}", path.display()));
                    }
                    had_to_wait = true;
                    // Not a lock that blocks: signals do not end that.
                    std::thread::sleep(BETWEEN_TRIES);
                    ensure!(!interrupted.load(Ordering::Relaxed), "interrupted while waiting");
                }
                Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS | Errno::BADF) => {
                    tell("this file system has no locks: do not fetch into it twice at once");
                    return Ok(Lock { path: path.to_owned(), _file: None, had_to_wait });
                }
                Err(error) => return Err(io::Error::from(error)).with_context(unusable),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Best effort: an empty file that stays is found and locked by the next fetch.
        std::fs::remove_file(&self.path).ok();
        self.path.parent().map(|folder| std::fs::remove_dir(folder).ok());
    }
}

/// Opens the file, making it and its folder, which another fetch may just be removing.
fn open(path: &Path) -> io::Result<File> {
    let mut tries = 0;
    loop {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match OpenOptions::new().create(true).truncate(false).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && tries < 100 => tries += 1,
            done => return done,
        }
    }
}

/// Whether `path` is the file that was opened.
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (std::fs::metadata(path), file.metadata()) {
        (Ok(there), Ok(here)) => identity(there) == identity(here),
        (_, _) => false,
    }
}
