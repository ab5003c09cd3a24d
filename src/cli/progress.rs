//! Progress: a bar on a terminal, one line per decade of steps in a log, never escape codes in a file.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::experiment::Event;
use crate::record::Status;

/// The bar on the terminal, if one is shown; log lines must be printed above it.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

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

/// Shows what runs do.
pub struct Progress {
    bar: ProgressBar,
    /// Step that each run was last seen at.
    seen: Mutex<HashMap<(String, u64), u64>>,
}

impl Progress {
    /// A bar that is visible on a terminal only.
    pub fn new() -> Self {
        let visible = io::stderr().is_terminal();
        let target =
            if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template(
            "{bar:30} {percent:>3}% {elapsed} elapsed, {eta} left  {msg}",
        );
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        if visible {
            // It takes a thread, and panics without.
            if crate::experiment::affordable(1) == 1 {
                bar.enable_steady_tick(Duration::from_millis(500));
            }
            *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        }
        Progress { bar, seen: Mutex::default() }
    }

    /// Shows one event; the bar counts observed steps of all runs.
    pub fn tell(&self, event: Event) {
        match event {
            Event::Planned { runs, steps } => {
                self.bar.set_length(steps);
                tracing::info!(runs, steps, "training");
            }
            Event::Kept { condition, seed, steps } => {
                self.bar.inc(steps);
                tracing::info!(condition, seed, "kept: this run is complete");
            }
            Event::Started { condition, seed, step } => {
                self.bar.set_message(format!("{condition}, seed {seed}"));
                self.advance(condition, seed, step);
                if step > 0 {
                    tracing::info!(condition, seed, step, "continued from its checkpoint");
                }
            }
            Event::Observed { condition, seed, step, steps, loss } => {
                let before = self.advance(condition, seed, step);
                let decade = |step: u64| step.checked_ilog10();
                if self.bar.is_hidden() && decade(step) != decade(before) && step < steps {
                    tracing::info!(condition, seed, step, loss, "training");
                }
            }
            Event::Finished { record } => {
                let Status::Complete = record.status else { return };
                tracing::info!(
                    condition = record.condition,
                    seed = record.seed,
                    onset = record.phase.onset,
                    end = record.phase.end,
                    phase = record.phase.exists,
                    seconds = format!("{:.1}", record.wall_time),
                    "done"
                );
            }
        }
    }

    /// Moves the bar to a run's step and returns the step before.
    fn advance(&self, condition: &str, seed: u64, step: u64) -> u64 {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = seen.entry((condition.to_owned(), seed)).or_insert(0);
        let before = *last;
        self.bar.inc(step.saturating_sub(before));
        *last = step;
        before
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        *BAR.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bar.finish_and_clear();
    }
}

/// A flag that the first SIGINT, SIGTERM or SIGUSR1 sets, so that runs can write their checkpoints; a second SIGINT or
/// SIGTERM ends the process at once.
pub fn interrupted_flag() -> Result<Arc<AtomicBool>> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(flag) = FLAG.get() {
        return Ok(flag.clone());
    }
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, flag.clone())
            .context("cannot watch for signals")?;
        signal_hook::flag::register(signal, flag.clone()).context("cannot watch for signals")?;
    }
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, flag.clone())
        .context("cannot watch for signals")?;
    super::watchdog::start(flag.clone());
    Ok(FLAG.get_or_init(|| flag).clone())
}

/// Whether somebody asked the process to end.
pub fn is_interrupted() -> bool {
    interrupted_flag().is_ok_and(|flag| flag.load(Ordering::Relaxed))
}
