//! Whether a run of this process has something that it would keep if it were asked to end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static KEEPING: AtomicUsize = AtomicUsize::new(0);

/// Whether some run has trained since its last checkpoint and will write one if it is asked to end. Nothing is lost by
/// ending a process in which none has.
pub fn is_keeping() -> bool {
    KEEPING.load(Ordering::SeqCst) > 0
}

/// Counts a stack of runs from the moment when one of them has something to keep.
#[derive(Default)]
pub struct Keeping {
    begun: AtomicBool,
}

impl Keeping {
    /// There is something to keep.
    pub fn begin(&self) {
        if !self.begun.swap(true, Ordering::SeqCst) {
            KEEPING.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if *self.begun.get_mut() {
            KEEPING.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
