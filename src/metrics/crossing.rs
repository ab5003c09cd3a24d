//! When a quantity was at its threshold or beyond, and whether it stayed there.

use serde::{Deserialize, Serialize};

/// A quantity comes to its threshold, or leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reversal {
    /// When, interpolated between the two moments around it, linearly in the logarithms of time and value.
    pub time: f64,
    /// The moment before it.
    pub after: f64,
    /// The moment behind it.
    pub before: f64,
    /// How far off the interpolation may be.
    pub error: f64,
    /// Whether the threshold is reached from here on.
    reached: bool,
    /// The third moment from here on; `None` before it.
    third: Option<f64>,
    /// How many moments there were before it.
    n_before: u64,
}

/// The history of one quantity against its threshold, from moment to moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Crossings {
    /// The last moment, and value over threshold then.
    last: Option<(f64, f64)>,
    /// The first moment after time 0: the logarithmic clock starts there.
    first: Option<f64>,
    reversals: Vec<Reversal>,
    n_moments: u64,
}

/// A crossing is to persist until so many times its time.
const PERSISTENCE: f64 = 1.25;
/// And until so many moments from it on were seen.
const MOMENTS: u64 = 3;
/// The share of logarithmic time for which the threshold is to be reached from the crossing on.
const SHARE: f64 = 0.5;

/// A visit shorter than this share of its time is none. It keeps oscillations from step to step from filling memory.
const SHORTEST_VISIT: f64 = 1e-3;

impl Crossings {
    /// Takes note of a moment, later than those before; `ratio` is value over threshold, at least 1 where it is reached.
    pub fn see(&mut self, time: f64, ratio: f64) {
        if time > 0.0 {
            self.first.get_or_insert(time);
        }
        match self.last {
            None if ratio >= 1.0 => {
                self.push(time, [time, time], 0.0, true);
            }
            Some(last) if (last.1 >= 1.0) != (ratio >= 1.0) => self.reverse(last, (time, ratio)),
            None | Some(_) => {}
        }
        self.last = Some((time, ratio));
        self.n_moments += 1;
        for reversal in self.reversals.iter_mut().rev().take(MOMENTS as usize) {
            if self.n_moments == reversal.n_before + MOMENTS {
                reversal.third = Some(time);
            }
        }
    }

    fn push(&mut self, time: f64, [after, before]: [f64; 2], error: f64, reached: bool) {
        let n_before = self.n_moments;
        self.reversals.push(Reversal {
            time,
            after,
            before,
            error,
            reached,
            third: None,
            n_before,
        });
    }

    fn reverse(&mut self, (t0, v0): (f64, f64), (t1, v1): (f64, f64)) {
        let time = interpolated((t0, v0), (t1, v1));
        let reached = v1 >= 1.0;
        if self.reversals.last().is_some_and(|last| time <= last.time * (1.0 + SHORTEST_VISIT)) {
            self.reversals.pop();
            return;
        }
        self.push(time, [t0, t1], uncertainty((t0, v0), (t1, v1)), reached);
    }

    /// The last moment that was seen.
    pub fn last_time(&self) -> Option<f64> {
        self.last.map(|(time, _)| time)
    }

    /// The first time that the threshold is reached and stays so: until `PERSISTENCE` times that time and `MOMENTS` moments from
    /// it on, or the last moment if that is earlier, it was at every moment reached for half of the logarithmic time that had
    /// passed since.
    pub fn first_persistent(&self) -> Option<Reversal> {
        let (last, _) = self.last?;
        let persists = |index: &usize| {
            let Reversal { time, third, .. } = self.reversals[*index];
            let until = third.map_or(last, |third| third.max(PERSISTENCE * time).min(last));
            self.holds(*index, until)
        };
        let reached = (0..self.reversals.len()).filter(|&index| self.reversals[index].reached);
        reached.into_iter().find(persists).map(|index| self.reversals[index])
    }

    /// Logarithmic time between two moments; the clock starts at the first moment after time 0.
    fn log_time(&self, from: f64, to: f64) -> f64 {
        self.first.map_or(0.0, |start| (to.max(start) / from.max(start)).ln().max(0.0))
    }

    /// The share of the logarithmic time between two moments, from a reversal on, for which the threshold was reached.
    pub fn share_between(&self, from: f64, to: f64) -> f64 {
        let mut reached_for = 0.0;
        for (index, reversal) in self.reversals.iter().enumerate() {
            let next = self.reversals.get(index + 1).map_or(to, |next| next.time.min(to));
            if reversal.reached && next > from {
                reached_for += self.log_time(reversal.time.max(from), next);
            }
        }
        let all = self.log_time(from, to);
        if all > 0.0 { reached_for / all } else { 1.0 }
    }

    /// Whether what is reached at a reversal is so for at least half of the time from there, at every moment `until`.
    fn holds(&self, index: usize, until: f64) -> bool {
        let (mut reached_for, mut all) = (0.0, 0.0);
        for (now, reversal) in self.reversals.iter().enumerate().skip(index) {
            if reversal.time >= until {
                break;
            }
            let next = self.reversals.get(now + 1).map_or(until, |next| next.time.min(until));
            let passed = self.log_time(reversal.time, next);
            all += passed;
            if reversal.reached {
                reached_for += passed;
            } else if reached_for < SHARE * all {
                return false;
            }
        }
        true
    }
}

/// When a value that goes from below 1 to 1 or beyond, or back, is 1; the moments are (time, value).
fn interpolated((t0, v0): (f64, f64), (t1, v1): (f64, f64)) -> f64 {
    // Logarithms need positive numbers; the first interval starts at time 0.
    let fraction =
        if v0 > 0.0 && v1 > 0.0 { -v0.ln() / (v1.ln() - v0.ln()) } else { (1.0 - v0) / (v1 - v0) };
    if t0 > 0.0 { t0 * (t1 / t0).powf(fraction) } else { t0 + fraction * (t1 - t0) }
}

/// How far off an interpolation between two moments may be: in the middle of the logarithms, its distance from the one that is
/// linear in time and value.
fn uncertainty((t0, v0): (f64, f64), (t1, v1): (f64, f64)) -> f64 {
    if t0 <= 0.0 || v0 <= 0.0 || v1 <= 0.0 {
        return 0.5 * (t1 - t0);
    }
    let linear = t0 + (t1 - t0) / (1.0 + (v1 / v0).sqrt());
    ((t0 * t1).sqrt() - linear).abs()
}
