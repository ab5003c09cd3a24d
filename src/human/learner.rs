//! Who answers where no people are asked: probabilities of marking each label, trial by trial.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ndarray::{Array1, Array2};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::metrics::Curves;
use crate::record::{Record, read_checked};

use super::tree::Taught;

/// A learner.
pub enum Learner {
    /// What the claim says, as plainly as can be: marks nothing at first, then learns the label frequencies, the constant, and only
    /// then what distinguishes items, level by level from the top.
    Ideal,
    /// Learns every item by itself and as a whole: from marking nothing straight to its labels, each item at its own time. It has the
    /// same start, the same end and the same stretch of trials, and no phase.
    NoPhase,
    /// Marks each label at chance, for ever.
    Random,
    /// Networks: a participant answers as one of these runs did, from its first step at the first trial to its last at the last.
    Networks(Vec<Network>),
}

/// A run's responses over learning.
pub struct Network {
    path: PathBuf,
    curves: Curves,
    last_step: u64,
}

/// How often a person does not do what he knows, whatever he knows.
const LAPSES: f64 = 0.02;
/// When the constant and the levels are half learned, as shares of all trials: the constant, the top level, the last level.
const CONSTANT: f64 = 1.0 / 18.0;
const TOP: f64 = 0.3;
const BOTTOM: f64 = 0.7;
/// How long it takes from then to 73 %, likewise: of the constant, of each level.
const RISE_OF_CONSTANT: f64 = 1.0 / 90.0;
const RISE: f64 = 1.0 / 30.0;
/// Standard deviations of the logarithms of participants' and of items' learning times.
const BETWEEN_PEOPLE: f64 = 0.25;
const BETWEEN_ITEMS: f64 = 0.5;

impl Learner {
    /// Reads what was typed: a word, a record, or a folder of records.
    ///
    /// # Errors
    ///
    /// If it is none of these, or the records are of another tree.
    pub fn of(given: &str, taught: &Taught) -> Result<Learner> {
        match given {
            "ideal" => return Ok(Learner::Ideal),
            "no-phase" => return Ok(Learner::NoPhase),
            "random" => return Ok(Learner::Random),
            _ => {}
        }
        let path = Path::new(given);
        if !path.exists() {
            bail!(
                "--learner {given}: there is no such file, and no such learner{}: give ideal, no-phase, random, or the record of a run",
                crate::config::did_you_mean(given, ["ideal", "no-phase", "random"])
            );
        }
        let files = if path.is_dir() { records_in(path)? } else { vec![path.to_owned()] };
        ensure!(!files.is_empty(), "--learner {given}: the folder holds no record, SEED.json");
        let networks = files.into_iter().map(|file| Network::read(file, taught));
        networks.collect::<Result<_>>().map(Learner::Networks)
    }

    /// For `data.json`.
    pub fn name(&self) -> String {
        match self {
            Learner::Ideal => "ideal".to_owned(),
            Learner::NoPhase => "no-phase".to_owned(),
            Learner::Random => "random".to_owned(),
            Learner::Networks(networks) => {
                let files = networks.iter().map(|network| network.path.display().to_string());
                files.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

/// Records of a condition's folder, by seed.
fn records_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let seed = |path: &PathBuf| -> Option<u64> {
        let is_json = path.extension().is_some_and(|end| end == "json");
        if is_json { path.file_stem()?.to_str()?.parse().ok() } else { None }
    };
    let mut files: Vec<(u64, PathBuf)> =
        entries.flatten().filter_map(|entry| Some((seed(&entry.path())?, entry.path()))).collect();
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

impl Network {
    fn read(path: PathBuf, taught: &Taught) -> Result<Network> {
        let record: Record = read_checked(&path)?;
        taught.ensure_learned_by(&record.config, &path.display().to_string())?;
        Network::of(path, record.curves, &record.levels, taught)
    }

    /// Of a run's curves.
    ///
    /// # Errors
    ///
    /// If they are of another tree, or hold no responses item by item.
    pub fn of(path: PathBuf, curves: Curves, levels: &[usize], taught: &Taught) -> Result<Network> {
        let wanted: Vec<usize> = taught.levels.iter().map(|columns| columns.len()).collect();
        ensure!(
            levels == wanted,
            "{} learned levels of {levels:?} labels, the config's tree has {wanted:?}",
            path.display()
        );
        let n_items = curves.item_responses.as_ref().map(Vec::len);
        ensure!(
            n_items == Some(taught.n_items()) && !curves.step.is_empty(),
            "{} holds no responses item by item for {} items: its tree is too large, or another",
            path.display(),
            taught.n_items()
        );
        let last_step = curves.step.last().copied().unwrap_or_default();
        Ok(Network { path, curves, last_step })
    }

    /// Responses to each item at a step, linearly between observations in ln(1 + step).
    fn at(&self, step: f64) -> Array2<f64> {
        let steps = &self.curves.step;
        let after = steps.partition_point(|&observed| (observed as f64) < step);
        let after = after.min(steps.len() - 1);
        let before = if steps[after] as f64 <= step { after } else { after.saturating_sub(1) };
        let log = |step: f64| step.ln_1p();
        let (from, to) = (log(steps[before] as f64), log(steps[after] as f64));
        let share =
            if to > from { ((log(step) - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 };
        let items = self.curves.item_responses.as_deref().unwrap_or_default();
        let n_labels = items.first().map_or(0, Vec::len);
        Array2::from_shape_fn((items.len(), n_labels), |(item, label)| {
            let over_time = &items[item][label];
            over_time[before] + share * (over_time[after] - over_time[before])
        })
    }
}

/// One participant's course.
pub struct Course<'a> {
    learner: &'a Learner,
    taught: &'a Taught,
    n_trials: usize,
    /// How slow he is.
    pace: f64,
    /// How late each item comes, of those that are learned one by one.
    items: Vec<f64>,
    /// Which of the networks he answers as.
    network: usize,
    /// Mean targets of those that share an item's node, `[level from 0, the root][item][label]`.
    means: Vec<Array2<f64>>,
}

impl<'a> Course<'a> {
    /// Of the participant of a number.
    pub fn new(
        learner: &'a Learner,
        taught: &'a Taught,
        n_trials: usize,
        number: usize,
        random: &mut impl Rng,
    ) -> Course<'a> {
        let mut factor = |spread: f64| {
            let normal: f64 = StandardNormal.sample(random);
            (spread * normal).exp()
        };
        let pace = factor(BETWEEN_PEOPLE);
        let items = (0..taught.n_items()).map(|_| factor(BETWEEN_ITEMS)).collect();
        let network = match learner {
            Learner::Networks(networks) => number % networks.len().max(1),
            Learner::Ideal | Learner::NoPhase | Learner::Random => 0,
        };
        let means = means_of_levels(taught);
        Course { learner, taught, n_trials, pace, items, network, means }
    }

    /// Probability that each label is marked for an item at a trial, counted from 0.
    pub fn probabilities(&self, trial: usize, item: usize) -> Array1<f64> {
        let share = trial as f64 / self.n_trials.max(1) as f64;
        let known = match self.learner {
            Learner::Ideal => self.ideal(share, item),
            Learner::NoPhase => {
                let middle = 0.5 * (TOP + BOTTOM) * self.pace * self.items[item];
                learned(share, middle, RISE * self.pace) * &self.taught.targets.row(item)
            }
            Learner::Random => return Array1::from_elem(self.taught.n_labels(), 0.5),
            // Networks do not lapse: their responses are probabilities.
            Learner::Networks(networks) => {
                let network = &networks[self.network];
                let step = network.last_step as f64 * trial as f64
                    / self.n_trials.saturating_sub(1).max(1) as f64;
                return network.at(step).row(item).mapv(|response| response.clamp(0.0, 1.0));
            }
        };
        known.mapv(|probability| LAPSES + (1.0 - 2.0 * LAPSES) * probability)
    }

    /// `sum_l f_l (Ybar_l - Ybar_(l-1))`: what is learned of the constant, and of each level's contrasts.
    fn ideal(&self, share: f64, item: usize) -> Array1<f64> {
        let n_levels = self.means.len() - 1;
        let mut response = learned(share, CONSTANT * self.pace, RISE_OF_CONSTANT * self.pace)
            * &self.means[0].row(item);
        for level in 1..=n_levels {
            let place = (level - 1) as f64 / (n_levels - 1).max(1) as f64;
            let middle = (TOP + place * (BOTTOM - TOP)) * self.pace;
            let contrast = &self.means[level].row(item) - &self.means[level - 1].row(item);
            response += &(learned(share, middle, RISE * self.pace) * &contrast);
        }
        response
    }
}

/// A logistic course.
fn learned(share: f64, middle: f64, rise: f64) -> f64 {
    1.0 / (1.0 + (-(share - middle) / rise).exp())
}

/// Mean targets over the items that share a node with each item: of the root, all; of a level, those with the same label there, or
/// the item alone if it has none.
fn means_of_levels(taught: &Taught) -> Vec<Array2<f64>> {
    let n_items = taught.n_items();
    let mean_over = |shares: &dyn Fn(usize, usize) -> bool| {
        let mut means = Array2::zeros(taught.targets.dim());
        for item in 0..n_items {
            let mut weight = 0.0;
            for other in (0..n_items).filter(|&other| shares(item, other)) {
                weight += taught.frequencies[other];
                means
                    .row_mut(item)
                    .scaled_add(taught.frequencies[other], &taught.targets.row(other));
            }
            means.row_mut(item).mapv_inplace(|sum| sum / weight);
        }
        means
    };
    let mut means = vec![mean_over(&|_, _| true)];
    for columns in &taught.levels {
        let label =
            |item: usize| columns.clone().find(|&label| taught.targets[[item, label]] == 1.0);
        means.push(mean_over(&|item, other| {
            item == other || label(item).is_some() && label(item) == label(other)
        }));
    }
    means
}
