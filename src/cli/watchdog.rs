//! Ends the process when somebody asked for it and nothing would be lost: however long libtorch diagonalises a matrix.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::Duration;

use crate::file;
use crate::sweep::{Interrupted, is_keeping};

/// How often the flag is looked at.
const TICK: Duration = Duration::from_millis(100);
/// For so many ticks the process may end by itself, which is tidier.
const PATIENCE: u32 = 15;
/// So many ticks a step and its observation may take to their end, so that nothing is lost.
const PATIENCE_WITH_STEPS: u32 = 100;

/// What is done before the process is ended from here.
static BEFORE_LEAVING: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();

/// Has something done before the process is ended from here; the first word holds.
pub fn before_leaving(last: Box<dyn Fn() + Send + Sync>) {
    // Whoever comes second is as well served by the first.
    let _ = BEFORE_LEAVING.set(last);
}

/// Watches the flag that signals set. Runs that have something to keep see it themselves, and write their checkpoints; while
/// there are none, or where one does not come to the end of its step (a kernel is diagonalised, say), this thread ends the
/// process, with the status that `status` tells: what stands on the disk is whole, and is gone on from.
pub fn start(interrupted: Arc<AtomicBool>, status: fn() -> i32) {
    let watch = move || {
        let (mut ticks, mut all) = (0, 0);
        while ticks < PATIENCE && all < PATIENCE_WITH_STEPS {
            std::thread::sleep(TICK);
            let is_asked = interrupted.load(Ordering::Relaxed);
            all += u32::from(is_asked);
            ticks = if is_asked && !is_keeping() { ticks + 1 } else { 0 };
        }
        leave(status());
    };
    // Where the system gives no thread, signals are answered between two steps, and a second one at once.
    if let Err(error) = Builder::new().name("watchdog".to_owned()).spawn(watch) {
        tracing::debug!("no watchdog: {error}");
    }
}

fn leave(status: i32) -> ! {
    if let Some(last) = BEFORE_LEAVING.get() {
        last();
    }
    // A file that is being written gets its name first.
    file::stop_writing();
    let _ = writeln!(std::io::stderr(), "error: {Interrupted}");
    // Other threads compute on: destructors must not take their libtorch away.
    signal_hook::low_level::exit(status)
}
