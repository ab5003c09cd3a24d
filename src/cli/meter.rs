//! How much of the training is done, and how long the rest may take.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::HumanDuration;

use crate::record::Status;
use crate::sweep::Event;

/// No pace is told before.
const FIRST: Duration = Duration::from_secs(2);

/// Steps and runs, done and to do. Times are those since the training was planned.
#[derive(Debug, Default)]
pub struct Meter {
    /// Of all runs together; `None` before they are planned.
    planned: Option<(usize, u64)>,
    /// Runs that have ended.
    ended: usize,
    /// Steps that cost no time now: kept from earlier, or never done by runs that diverged.
    skipped: u64,
    /// Steps done now.
    done: u64,
    /// When the last of them was seen.
    seen_at: Duration,
    /// Where each run is.
    steps: HashMap<(String, u64), u64>,
}

impl Meter {
    /// Takes note of what happened at `now`.
    pub fn note(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Planned { runs, steps } => self.planned = Some((*runs, *steps)),
            Event::Kept { steps, .. } => {
                self.skipped = self.skipped.saturating_add(*steps);
                self.ended += 1;
            }
            Event::Started { condition, seed, step } => {
                let before = self.steps.insert(((*condition).to_owned(), *seed), *step);
                let skipped = step.saturating_sub(before.unwrap_or(0));
                self.skipped = self.skipped.saturating_add(skipped);
            }
            Event::Observed { condition, seed, step, .. } => {
                let before = self.steps.insert(((*condition).to_owned(), *seed), *step);
                let done = step.saturating_sub(before.unwrap_or(0));
                if done > 0 {
                    self.done = self.done.saturating_add(done);
                    self.seen_at = now;
                }
            }
            Event::Failed { .. } => self.ended += 1,
            Event::Finished { record } => match record.status {
                Status::Running => {}
                Status::Complete | Status::Diverged { .. } => {
                    let key = (record.condition.clone(), record.seed);
                    let at = self.steps.get(&key).copied().unwrap_or(0);
                    let left = record.config.total_steps().saturating_sub(at);
                    self.skipped = self.skipped.saturating_add(left);
                    self.ended += 1;
                }
            },
        }
    }

    /// Steps behind us, and all.
    pub fn position(&self) -> (u64, u64) {
        let (_, all) = self.planned.unwrap_or_default();
        (self.skipped.saturating_add(self.done).min(all), all)
    }

    /// Time that the steps left take at the pace so far; `None` before anything is known of it: a run's first steps tell of
    /// its set-up.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let (behind, all) = self.position();
        if self.done == 0 || self.seen_at < FIRST {
            return None;
        }
        let pace = self.seen_at.as_secs_f64() / self.done as f64;
        let since = now.saturating_sub(self.seen_at).as_secs_f64();
        let left = (pace * (all - behind) as f64 - since).max(0.0);
        Duration::try_from_secs_f64(left).ok()
    }

    /// Steps a second of all runs together, in words that end before what is told next: `1.2 k steps/s, `; nothing before it is
    /// known.
    pub fn pace_in_words(&self) -> String {
        if self.done == 0 || self.seen_at < FIRST {
            return String::new();
        }
        let pace = self.done as f64 / self.seen_at.as_secs_f64();
        let (number, unit) = match pace {
            pace if pace >= 1e6 => (pace / 1e6, " M"),
            pace if pace >= 1e3 => (pace / 1e3, " k"),
            pace => (pace, ""),
        };
        let digits = if number < 100.0 { 1 } else { 0 };
        format!("{number:.digits$}{unit} steps/s, ")
    }

    /// The same in words.
    pub fn left_in_words(&self, now: Duration) -> String {
        match self.left(now) {
            Some(left) if left.as_secs() > 0 => format!("{} left", HumanDuration(left)),
            Some(_) => "nearly done".to_owned(),
            None => "time left not known yet".to_owned(),
        }
    }

    /// All in a line.
    pub fn line(&self, now: Duration) -> String {
        let Some((runs, _)) = self.planned else {
            return format!("preparing data and theory for {}", HumanDuration(now));
        };
        let (behind, all) = self.position();
        let percent = 100.0 * behind as f64 / all.max(1) as f64;
        format!(
            "{percent:.0} % of all steps, {} of {runs} runs ended, {}",
            self.ended,
            self.left_in_words(now)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::metrics::Curves;
    use crate::sweep::Observed;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn observed(seed: u64, step: u64) -> Event<'static> {
        static NOTHING: LazyLock<Curves> = LazyLock::new(Curves::default);
        let curves = Observed { evaluation: &NOTHING, training: None };
        Event::Observed { condition: "c", seed, step, steps: 100, curves }
    }

    #[test]
    fn the_time_left_is_told_by_the_steps_done_now_not_by_those_kept() {
        let mut meter = Meter::default();
        assert_eq!(meter.line(seconds(40)), "preparing data and theory for 40 seconds");
        meter.note(&Event::Planned { runs: 10, steps: 1000 }, seconds(0));
        assert_eq!(
            meter.line(seconds(0)),
            "0 % of all steps, 0 of 10 runs ended, time left not known yet"
        );
        for seed in 0..8 {
            meter.note(&Event::Kept { condition: "c", seed, steps: 100 }, seconds(0));
        }
        // One run goes on from its checkpoint at step 50.
        meter.note(&Event::Started { condition: "c", seed: 8, step: 50 }, seconds(0));
        assert_eq!(meter.position(), (850, 1000));
        assert_eq!(meter.left(seconds(5)), None);
        meter.note(&observed(8, 60), seconds(20));
        assert_eq!(meter.left(seconds(20)), Some(seconds(280)), "140 steps at 2 seconds");
        assert_eq!(meter.pace_in_words(), "0.5 steps/s, ");
        assert_eq!(meter.left(seconds(80)), Some(seconds(220)), "time passes between observations");
        assert_eq!(meter.left(seconds(900)), Some(seconds(0)));
        assert_eq!(
            meter.line(seconds(20)),
            "86 % of all steps, 8 of 10 runs ended, 5 minutes left"
        );
    }

    #[test]
    fn a_diverged_run_has_no_steps_left() {
        let mut meter = Meter::default();
        meter.note(&Event::Planned { runs: 2, steps: u64::MAX }, seconds(0));
        meter.note(&observed(0, u64::MAX), seconds(1));
        meter.note(&observed(1, u64::MAX), seconds(2));
        assert_eq!(meter.position(), (u64::MAX, u64::MAX));
        assert_eq!(meter.left(seconds(2)), Some(seconds(0)));
        // An observation that comes late takes nothing back.
        meter.note(&observed(1, 5), seconds(3));
        assert_eq!(meter.position(), (u64::MAX, u64::MAX));
    }
}
