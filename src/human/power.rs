//! How often a study of so many participants shows a visit to the OCS: power where there is one, false positives where there is
//! none.

use serde::Serialize;

use crate::config::HumanConfig;

use super::analysis::{in_parallel, tests_of};
use super::learner::Learner;
use super::simulate::simulate;
use super::tree::Taught;

/// Studies of one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Power {
    /// Participants of each study.
    pub participants: usize,
    /// Studies that were simulated.
    pub studies: usize,
    /// Share of them in which each test holds.
    pub tests: Vec<PowerOfTest>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerOfTest {
    /// Its name.
    pub id: &'static str,
    /// Share of studies in which it holds; `null` where no study can decide it.
    pub share: Option<f64>,
    /// 95 % of that share (Wilson 1927); `null` likewise.
    pub interval: Option<[f64; 2]>,
    /// Share of studies that cannot decide it, and in which it does not hold.
    pub undecided: f64,
}

/// What is simulated.
pub struct Studies<'a> {
    pub learner: &'a Learner,
    pub taught: &'a Taught,
    pub human: &'a HumanConfig,
    /// How many of each size.
    pub studies: usize,
    /// Trials of a block of the analysis.
    pub block: usize,
    /// Of the first study; each has its own.
    pub seed: u64,
    /// Whether trials are dealt to other times.
    pub shuffled: bool,
}

impl Studies<'_> {
    /// Simulates studies of `participants` each and tests the claim in every one; calls `told` after each study.
    pub fn power(&self, participants: usize, told: impl Fn() + Sync) -> Power {
        let seeds: Vec<u64> =
            (0..self.studies as u64).map(|study| self.seed.wrapping_add(study)).collect();
        let found = in_parallel(seeds, |seed| {
            let trials = simulate(self.learner, self.taught, self.human, participants, seed);
            let tests = tests_of(&trials, self.taught, self.block, seed, self.shuffled);
            told();
            tests
        });
        let ids: Vec<&'static str> = found
            .first()
            .map(|tests| tests.iter().map(|test| test.id).collect())
            .unwrap_or_default();
        let of = |(at, id): (usize, &'static str)| {
            let count = |wanted: Option<bool>| {
                found.iter().filter(|tests| tests[at].holds == wanted).count()
            };
            let (held, undecided) = (count(Some(true)), count(None));
            let is_decided = undecided < found.len();
            PowerOfTest {
                id,
                share: is_decided.then(|| held as f64 / found.len() as f64),
                interval: is_decided.then(|| wilson(held, found.len())),
                undecided: undecided as f64 / found.len() as f64,
            }
        };
        Power {
            participants,
            studies: self.studies,
            tests: ids.into_iter().enumerate().map(of).collect(),
        }
    }
}

/// Wilson's interval of a share.
fn wilson(count: usize, of: usize) -> [f64; 2] {
    const Z: f64 = 1.96;
    let (n, share) = (of as f64, count as f64 / of as f64);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}
