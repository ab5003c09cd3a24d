//! Stderr, where a bar and log lines are beside each other.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

/// The bar on the terminal, if one is shown; log lines must be printed above it.
pub static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Stderr for log lines, which suspends the bar while it writes.
#[derive(Default)]
pub struct StderrBesideBar;

impl Write for StderrBesideBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Losing a message (a full disk behind stderr) must not end a run of days.
        let _ = match bar {
            Some(bar) => bar.suspend(|| io::stderr().write_all(bytes)),
            None => io::stderr().write_all(bytes),
        };
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
