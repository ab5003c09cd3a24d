//! Participants who are none: the experiment of a config, answered by a learner.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::config::{Exclude, HumanConfig};

use super::folder::{DataRecord, HumanData, Origin, SCHEMA_VERSION};
use super::learner::{Course, Learner};
use super::resample::random;
use super::tree::Taught;
use super::trials::{Trial, Trials};

/// Data of `n` participants that say who answered.
pub fn simulated(
    learner: &Learner,
    taught: &Taught,
    human: &HumanConfig,
    n: usize,
    seed: u64,
) -> HumanData {
    let trials = simulate(learner, taught, human, n, seed);
    let about = DataRecord {
        schema_version: SCHEMA_VERSION,
        revision: env!("OCS_REVISION").to_owned(),
        levels: taught.levels.iter().map(|columns| columns.len()).collect(),
        labels_of_items: taught.labels_of_items(),
        frequencies: taught.frequencies.to_vec(),
        item_names: Vec::new(),
        label_names: Vec::new(),
        participants: trials.participants.len(),
        trials: trials.trials.len(),
        without_trials: Vec::new(),
        exclude: Exclude::default(),
        odd: Vec::new(),
        origin: Origin::Simulated { learner: learner.name(), seed },
    };
    HumanData { about, trials }
}

/// Trials of `n` participants. Each marks every label by itself, with the probability that the learner has it at that trial; items
/// come in every block equally often, or by their frequencies, in an order of the participant's own.
pub fn simulate(
    learner: &Learner,
    taught: &Taught,
    human: &HumanConfig,
    n: usize,
    seed: u64,
) -> Trials {
    let mut random = random(seed, 5);
    let per_block = human.trials_of_block(taught.n_items());
    let per_day = human.blocks * per_block;
    let n_trials = human.days * per_day;
    let mut trials = Trials { n_labels: taught.n_labels(), ..Trials::default() };
    let width = n.to_string().len();
    for number in 0..n {
        trials.participants.push(format!("simulated-{:0width$}", number + 1));
        let course = Course::new(learner, taught, n_trials, number, &mut random);
        let mut debts = vec![0.0; taught.n_items()];
        for block in 0..human.days * human.blocks {
            for (at, item) in
                items_of_block(taught, per_block, &mut debts, &mut random).into_iter().enumerate()
            {
                let index = block * per_block + at;
                for probability in course.probabilities(index, item) {
                    trials.responses.push(f64::from(u8::from(random.random_bool(probability))));
                }
                trials.trials.push(Trial {
                    participant: number as u32,
                    day: (index / per_day + 1) as u64,
                    trial: (index % per_day) as u64,
                    item: item as u32,
                    reaction_time: None,
                });
            }
        }
    }
    trials
}

/// Items of a block in random order: each as often as it is due. `debts` is what earlier blocks have left of each, which has no
/// whole number of trials in a block.
fn items_of_block(
    taught: &Taught,
    size: usize,
    debts: &mut [f64],
    random: &mut impl Rng,
) -> Vec<usize> {
    let mut items = Vec::with_capacity(size);
    for (item, (debt, frequency)) in debts.iter_mut().zip(&taught.frequencies).enumerate() {
        *debt += frequency * size as f64;
        // A hair below a whole number is one.
        let due = (*debt + 1e-9).floor().max(0.0);
        *debt -= due;
        items.extend(std::iter::repeat_n(item, due as usize));
    }
    // Those that are owed most fill the block; of equals, any.
    let mut order: Vec<usize> = (0..debts.len()).collect();
    order.shuffle(random);
    order.sort_by(|&one, &other| debts[other].total_cmp(&debts[one]));
    while items.len() > size {
        let Some(item) = items.pop() else { break };
        debts[item] += 1.0;
    }
    for &item in order.iter().cycle().take(size - items.len()) {
        debts[item] -= 1.0;
        items.push(item);
    }
    items.shuffle(random);
    items
}
