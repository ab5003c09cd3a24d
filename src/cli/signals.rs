//! Signals: they ask runs to write their checkpoints and end, and the exit status tells which one it was.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

/// The number of the last signal; 0 before the first.
static LAST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// A flag that the first SIGINT, SIGTERM, SIGUSR1 or SIGHUP sets, so that runs can write their checkpoints; a second SIGINT
/// ends the process at once. A SIGHUP that is ignored, as under `nohup`, stays so.
pub fn interrupted_flag() -> Result<Arc<AtomicBool>> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(flag) = FLAG.get() {
        return Ok(flag.clone());
    }
    let flag = Arc::new(AtomicBool::new(false));
    let last = LAST.get_or_init(Arc::default).clone();
    let second_interrupt = Arc::new(AtomicBool::new(false));
    // In this order: the first one finds nothing set, the second one ends the process.
    signal_hook::flag::register_conditional_shutdown(
        SIGINT,
        status_of(SIGINT),
        second_interrupt.clone(),
    )
    .context("cannot watch for signals")?;
    signal_hook::flag::register(SIGINT, second_interrupt).context("cannot watch for signals")?;
    for signal in [SIGINT, SIGTERM, SIGUSR1, SIGHUP] {
        if signal == SIGHUP && is_ignored(SIGHUP) {
            continue;
        }
        signal_hook::flag::register_usize(signal, last.clone(), signal as usize)
            .context("cannot watch for signals")?;
        signal_hook::flag::register(signal, flag.clone()).context("cannot watch for signals")?;
    }
    super::watchdog::start(flag.clone(), || signal().map_or(1, status_of));
    Ok(FLAG.get_or_init(|| flag).clone())
}

/// Whether somebody asked the process to end.
pub fn is_interrupted() -> bool {
    interrupted_flag().is_ok_and(|flag| flag.load(Ordering::Relaxed))
}

/// The signal that asked for it, the last one if there were several.
pub fn signal() -> Option<i32> {
    let number = LAST.get()?.load(Ordering::Relaxed);
    (number != 0).then_some(number as i32)
}

/// The exit status after a signal, as shells have it: 130 after SIGINT, 143 SIGTERM, 138 SIGUSR1, 129 SIGHUP.
pub fn status_of(signal: i32) -> i32 {
    128 + signal
}

/// Whether whoever started this process had it ignore a signal.
fn is_ignored(signal: i32) -> bool {
    let status = procfs::process::Process::myself().and_then(|process| process.status());
    status.is_ok_and(|status| status.sigign >> (signal - 1) & 1 == 1)
}
