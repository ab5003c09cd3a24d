//! Progress: a bar on a terminal, a line every half minute in a log, never escape codes in a file.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::bar::BAR;
use super::log::is_dumb;
use super::meter::Meter;
use crate::metrics::Curves;
use crate::record::Status;
use crate::sweep::Event;

/// Shows what runs do.
pub struct Progress {
    bar: ProgressBar,
    meter: Arc<Mutex<Meter>>,
    planned: Arc<Mutex<Instant>>,
    /// Dropped to end the ticker.
    tick: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

/// So long after one line on the progress comes the next, where no bar can be shown.
const BETWEEN_LINES: Duration = Duration::from_secs(30);
const BETWEEN_TICKS: Duration = Duration::from_millis(500);

impl Progress {
    /// A bar where stderr is a terminal that can show it, else a line every half minute. `part` of a larger whole stands
    /// before both, if it is not empty; `name` is the config's.
    pub fn new(part: &str, name: &str) -> Self {
        let term = std::env::var_os("TERM");
        if io::stderr().is_terminal() && !is_dumb(term.as_deref()) {
            let prefix = if part.is_empty() { String::new() } else { format!("{part}: ") };
            let progress = Progress::with_bar(prefix, ProgressDrawTarget::stderr());
            *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress.bar.clone());
            let bar = progress.bar.clone();
            progress.every(BETWEEN_TICKS, move |_| bar.tick())
        } else {
            let before = if part.is_empty() { String::new() } else { format!("{part} ({name}): ") };
            Progress::with_bar(String::new(), ProgressDrawTarget::hidden())
                .every(BETWEEN_LINES, move |line| tracing::info!("{before}{line}"))
        }
    }

    fn with_bar(prefix: String, target: ProgressDrawTarget) -> Self {
        // An empty bar of length 0 would be a full one.
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let meter: Arc<Mutex<Meter>> = Arc::default();
        let planned = Arc::new(Mutex::new(Instant::now()));
        let paced = meter.clone();
        let pace = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let _ = text.write_str(&locked(&paced).pace_in_words());
        };
        let (asked, since) = (meter.clone(), planned.clone());
        let left = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            let elapsed = locked(&since).elapsed();
            // A bar that cannot be written is no reason to stop.
            let _ = text.write_str(&locked(&asked).left_in_words(elapsed));
        };
        let style = ProgressStyle::with_template(
            "{prefix}{bar:16} {percent:>3}% after {elapsed}, {pace}{left}\n{wide_msg}",
        );
        bar.set_style(
            style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("left", left)
                .with_key("pace", pace),
        );
        bar.set_prefix(prefix);
        bar.set_message("preparing data and theory");
        Progress { bar, meter, planned, tick: None, ticker: None }
    }

    /// Tells a line on the progress each time that `interval` has passed.
    fn every(mut self, interval: Duration, tell: impl Fn(String) + Send + 'static) -> Self {
        let (tick, ended) = std::sync::mpsc::channel();
        let (meter, planned) = (self.meter.clone(), self.planned.clone());
        let ticker = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                let elapsed = locked(&planned).elapsed();
                let line = locked(&meter).line(elapsed);
                tell(line);
            }
        });
        // Where no thread may be started, training is worth more than news of it.
        self.ticker = ticker.ok();
        self.tick = Some(tick);
        self
    }

    /// Shows one event; the bar counts observed steps of all runs.
    pub fn tell(&self, event: Event) {
        if let Event::Planned { .. } = event {
            *locked(&self.planned) = Instant::now();
        }
        let elapsed = locked(&self.planned).elapsed();
        // The bar asks the meter when it draws: neither may be held while the other is.
        let (behind, all) = {
            let mut meter = locked(&self.meter);
            meter.note(&event, elapsed);
            meter.position()
        };
        self.bar.set_length(all.max(1));
        self.bar.set_position(behind);
        match event {
            Event::Planned { runs, steps } => tracing::info!(runs, steps, "training"),
            Event::Kept { condition, seed, .. } => {
                tracing::info!(condition, seed, "kept: this run is complete");
            }
            Event::Started { condition, seed, step } => {
                self.bar.set_message(format!("{condition}, seed {seed}"));
                if step > 0 {
                    tracing::info!(condition, seed, step, "continued from its checkpoint");
                }
            }
            Event::Observed { condition, seed, step, curves, .. } => {
                let loss = curves.evaluation.loss.last();
                tracing::debug!(condition, seed, step, loss, "observed");
                if !self.bar.is_hidden() {
                    let last = last_in_words(curves.evaluation);
                    self.bar.set_message(format!("{condition}, seed {seed}: {last}"));
                }
            }
            Event::Failed { condition, seed, reason } => {
                tracing::warn!(condition, seed, "failed: {reason}");
            }
            Event::Finished { record } => {
                let Status::Complete = record.status else { return };
                tracing::info!(
                    condition = record.condition,
                    seed = record.seed,
                    onset = record.phase.onset,
                    end = record.phase.end,
                    phase = record.phase.verdict.word(),
                    seconds = format!("{:.1}", record.wall_time),
                    "done"
                );
            }
        }
    }
}

/// The newest M, V and graded true negative rate of the top level.
fn last_in_words(curves: &Curves) -> String {
    let rate = curves.true_negative_rate.first().and_then(|rates| *rates.last()?);
    let told = [
        ("M", curves.mean_output_error.last().copied()),
        ("V", curves.input_dependence.last().copied()),
        ("TNR_1", rate),
    ];
    let known = told.iter().filter_map(|(name, value)| Some(format!("{name} {:.3}", (*value)?)));
    known.collect::<Vec<_>>().join(", ")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.tick = None;
        if let Some(ticker) = self.ticker.take() {
            // Had it panicked, its message was told.
            let _ = ticker.join();
        }
        *BAR.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Observed;

    #[test]
    fn the_bar_tells_what_is_known_of_the_newest_moment() {
        let mut curves = Curves::default();
        assert_eq!(last_in_words(&curves), "");
        curves.mean_output_error = vec![0.5, 0.25];
        curves.input_dependence = vec![0.0, 1.0 / 3.0];
        assert_eq!(last_in_words(&curves), "M 0.250, V 0.333");
        curves.true_negative_rate = vec![vec![Some(0.5), Some(0.75)], vec![None, None]];
        assert_eq!(last_in_words(&curves), "M 0.250, V 0.333, TNR_1 0.750");
    }

    #[test]
    fn a_log_gets_a_line_each_time_the_interval_has_passed_also_before_training() {
        let (lines, told) = std::sync::mpsc::channel();
        let progress = Progress::with_bar(String::new(), ProgressDrawTarget::hidden())
            .every(Duration::from_millis(1), move |line| lines.send(line).unwrap());
        let next = |words: &str| {
            let limit = Duration::from_secs(60);
            while !told.recv_timeout(limit).expect("a line within the limit").contains(words) {}
        };
        next("preparing data and theory");
        progress.tell(Event::Planned { runs: 2, steps: 200 });
        next("0 % of all steps, 0 of 2 runs ended, time left not known");
        let evaluation = &Curves::default();
        let curves = Observed { evaluation, training: None };
        progress.tell(Event::Observed { condition: "c", seed: 0, step: 50, steps: 100, curves });
        next("25 % of all steps");
        drop(progress);
        assert!(told.iter().count() < 1_000, "lines end with the training");
    }
}
