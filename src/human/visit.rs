//! Do people visit the OCS first? Tests of what that claim says, over participants.
//!
//! 1. `top-level-dip`: the top level's true negative rate falls below both its first and its last block (`dip.rs`). Statistic: the mean
//!    dip; p by sign flips.
//! 2. `top-level-dip-is-deep`: it falls by more than a fifth of what it would fall to at the OCS. Small networks without biases have
//!    dips of a few hundredths, which many participants make significant, and which are no visit.
//! 3. `input-dependence-at-chance`: in the first blocks, V is what it is when items are dealt anew to a block's trials, within each
//!    participant. The *early blocks* are those before the first at which the group's mean V is above chance (p < 0.01). Statistic: mean
//!    V there; p of a value at least as large by chance. It holds while p is not small: it is a condition for the other two.
//! 4. `nearer-to-ocs-than-targets`: in the early blocks, D_ocs < D_target. Statistic: the mean of D_target - D_ocs; p by sign flips.
//!    (Any response that is the same for all items has D_target - D_ocs = V_target: alone it says nothing of the OCS.)
//! 5. `correlates-with-base-rates`: in the early blocks, mean responses to labels go with their base rates. Statistic: the mean over
//!    participants of Pearson's correlation over labels; p by sign flips.
//! 6. `visits-the-ocs-first`: all of these. p is the largest of 2, 4 and 5 (an intersection-union test: it rejects only where each
//!    does, so that its level is that of the least of them), 1 where V is above chance in the first block already or in all early
//!    ones together, `null` where no block tells V.
//!
//! Of fewer than five participants no sign flips have a probability below 0.05 (2^-4 is 0.06): nothing can be told then, and `holds` is
//! `null`.
//!
//! Where trials are dealt to other times at random, there are no dips; where items are learned one by one, as a whole, without a
//! constant before them, responses to absent labels of the top level never come to more than before. `ocs human power` measures how
//! often either is taken for a visit (docs/human.md).

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::block::{Block, responses_in};
use super::dip::{Dip, compared};
use super::estimate::Shuffled;
use super::resample::{Resamples, mean, permuted, random, sign_flip};
use super::tree::Taught;
use super::trials::Trials;
use crate::metrics::correlation;

/// Probabilities below this are told as significant.
pub const SIGNIFICANT: f64 = 0.05;
/// V is above chance below this one.
const ABOVE_CHANCE: f64 = 0.01;

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Test {
    /// Its name.
    pub id: &'static str,
    /// What is measured; `null` where it is undefined.
    pub statistic: Option<f64>,
    /// Probability of a value at least as large where the claim is wrong.
    pub p: Option<f64>,
    /// 95 % of the statistic by bootstrap over participants, `[low, high]`.
    pub interval: Option<[f64; 2]>,
    /// Whether it speaks for the claim; `null` where it cannot tell.
    pub holds: Option<bool>,
    /// What holds then.
    pub says: &'static str,
}

/// A participant whose data are not left out.
pub struct Person<'a> {
    pub blocks: &'a [Block],
    pub dip: Option<Dip>,
}

/// All tests.
pub struct Visit<'a> {
    pub trials: &'a Trials,
    pub taught: &'a Taught,
    pub people: Vec<Person<'a>>,
    /// Trials of a block.
    pub size: usize,
    pub seed: u64,
    pub resamples: &'a Resamples,
}

/// Which block of which day.
type Key = (u64, usize);

impl Visit<'_> {
    /// Every test, in their order.
    pub fn tests(&self) -> Vec<Test> {
        let dips: Vec<Option<f64>> =
            self.people.iter().map(|one| Some(one.dip.as_ref()?.value)).collect();
        let margin = self.taught.deep_dip();
        let dip = self.over_people("top-level-dip", &dips, 0.0, DIPS);
        let deep = match margin {
            Some(margin) => self.over_people("top-level-dip-is-deep", &dips, margin, DIPS_DEEPLY),
            None => Test::undefined("top-level-dip-is-deep", DIPS_DEEPLY),
        };
        let mut random = random(self.seed, 3);
        let window = self.early_blocks(&mut random);
        let chance = self.chance(&window, &mut random);
        let nearer =
            self.over_people("nearer-to-ocs-than-targets", &self.nearer(&window), 0.0, NEARER);
        let correlations = self.correlations(&window);
        let correlates =
            self.over_people("correlates-with-base-rates", &correlations, 0.0, CORRELATES);
        let visits = visits([&deep, &chance, &nearer, &correlates]);
        vec![dip, deep, chance, nearer, correlates, visits]
    }

    /// The mean over people of values, tested against being no larger than `least`.
    fn over_people(
        &self,
        id: &'static str,
        values: &[Option<f64>],
        least: f64,
        says: &'static str,
    ) -> Test {
        let beyond: Vec<f64> = values.iter().flatten().map(|value| value - least).collect();
        let p = sign_flip(&beyond, self.seed);
        // The least probability that so many signs can have.
        let can_tell = 0.5f64.powi(beyond.len().min(60) as i32) < SIGNIFICANT;
        Test {
            id,
            statistic: mean(values.iter().flatten().copied()),
            p,
            interval: self.resamples.interval_of_mean(values),
            holds: p.filter(|_| can_tell).map(|p| p < SIGNIFICANT),
            says,
        }
    }

    /// Blocks that are long enough, by day and number, each with those who have it.
    fn blocks(&self) -> BTreeMap<Key, Vec<(usize, &Block)>> {
        let mut blocks: BTreeMap<Key, Vec<(usize, &Block)>> = BTreeMap::new();
        for (person, Person { blocks: own, .. }) in self.people.iter().enumerate() {
            for (block, _) in compared(own, self.size) {
                if block.input_dependence.is_some() {
                    blocks.entry((block.day, block.of_day)).or_default().push((person, block));
                }
            }
        }
        blocks
    }

    fn shuffled(&self, block: &Block) -> Shuffled<'_> {
        let (start, end) = block.range;
        Shuffled::of(self.taught, responses_in(self.trials, start..end))
    }

    /// Probability of a mean V over blocks that is as large as theirs, by chance.
    fn p_of(&self, blocks: &[(usize, &Block)], random: &mut ChaCha8Rng) -> Option<f64> {
        let observed = mean(blocks.iter().filter_map(|(_, block)| block.input_dependence))?;
        let mut shuffled: Vec<Shuffled> =
            blocks.iter().map(|(_, block)| self.shuffled(block)).collect();
        permuted(observed, || {
            mean(shuffled.iter_mut().filter_map(|block| block.shuffled(&mut *random)))
        })
    }

    /// Blocks before the first at which V is above chance, of each person.
    fn early_blocks(&self, random: &mut ChaCha8Rng) -> Vec<(usize, &Block)> {
        let mut window = Vec::new();
        for blocks in self.blocks().into_values() {
            match self.p_of(&blocks, random) {
                Some(p) if p >= ABOVE_CHANCE => window.extend(blocks),
                Some(_) | None => break,
            }
        }
        window
    }

    fn chance(&self, window: &[(usize, &Block)], random: &mut ChaCha8Rng) -> Test {
        let id = "input-dependence-at-chance";
        let Some(p) = self.p_of(window, random) else {
            // No block tells V, or already the first is above chance.
            let holds = (!self.blocks().is_empty()).then_some(false);
            return Test { holds, ..Test::undefined(id, AT_CHANCE) };
        };
        let of_people = self.mean_over(window, |block| block.input_dependence);
        Test {
            id,
            statistic: mean(window.iter().filter_map(|(_, block)| block.input_dependence)),
            p: Some(p),
            interval: self.resamples.interval_of_mean(&of_people),
            holds: Some(p >= ABOVE_CHANCE),
            says: AT_CHANCE,
        }
    }

    /// Each person's mean over his blocks of a window.
    fn mean_over(
        &self,
        window: &[(usize, &Block)],
        of: impl Fn(&Block) -> Option<f64>,
    ) -> Vec<Option<f64>> {
        let own = |person: usize| window.iter().filter(move |(who, _)| *who == person);
        let people = 0..self.people.len();
        people.map(|person| mean(own(person).filter_map(|(_, block)| of(block)))).collect()
    }

    fn nearer(&self, window: &[(usize, &Block)]) -> Vec<Option<f64>> {
        self.mean_over(window, |block| Some(block.distance_to_targets? - block.distance_to_ocs?))
    }

    /// Each person's correlation over labels of mean responses in a window with base rates; 0 where he answers all labels alike.
    fn correlations(&self, window: &[(usize, &Block)]) -> Vec<Option<f64>> {
        let labels = 0..self.taught.n_labels();
        let of_label: Vec<Vec<Option<f64>>> = labels
            .map(|label| self.mean_over(window, |block| block.mean_response[label]))
            .collect();
        let of_person = |person: usize| {
            let responses: Option<Vec<f64>> =
                of_label.iter().map(|people| people[person]).collect();
            correlation_with(self.taught.ocs.as_slice()?, &responses?)
        };
        (0..self.people.len()).map(of_person).collect()
    }
}

const DIPS: &str = "the top level's true negative rate falls below its first and its last block";
const DIPS_DEEPLY: &str = "it falls by more than a fifth of what it would fall to at the OCS";
const AT_CHANCE: &str = "early on, responses do not differ between items by more than chance";
const NEARER: &str = "early on, responses are nearer to the label frequencies than to the targets";
const CORRELATES: &str = "early on, mean responses to labels go with their base rates";
const VISITS: &str = "people visit the OCS first: all of these";

impl Test {
    fn undefined(id: &'static str, says: &'static str) -> Test {
        Test { id, statistic: None, p: None, interval: None, holds: None, says }
    }
}

/// All of them together: the dip, chance, nearness and correlation.
fn visits([deep, chance, nearer, correlates]: [&Test; 4]) -> Test {
    let p = [deep, nearer, correlates].map(|test| test.p);
    let p = match chance.holds {
        Some(true) => p.into_iter().try_fold(0.0, |most: f64, p| Some(most.max(p?))),
        Some(false) => deep.p.map(|_| 1.0),
        None => None,
    };
    Test {
        id: "visits-the-ocs-first",
        statistic: deep.statistic,
        p,
        interval: deep.interval,
        holds: p.filter(|_| deep.holds.is_some()).map(|p| p < SIGNIFICANT),
        says: VISITS,
    }
}

/// Pearson's correlation of responses with base rates; 0 where responses do not differ, `None` where base rates do not.
fn correlation_with(rates: &[f64], responses: &[f64]) -> Option<f64> {
    let differ = |values: &[f64]| {
        const NOTHING: f64 = 1e-18;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() > NOTHING
    };
    let pairs: Vec<(f64, f64)> = responses.iter().copied().zip(rates.iter().copied()).collect();
    match (differ(rates), differ(responses)) {
        (false, _) => None,
        (true, false) => Some(0.0),
        (true, true) => correlation(&pairs),
    }
}
