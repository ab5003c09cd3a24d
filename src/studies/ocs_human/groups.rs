//! Simulated participants in groups, judged as people are. Nobody was asked: learners answer, and networks that were trained.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use super::STUDY;
use crate::config::{Bias, Config, Exclude, HumanConfig};
use crate::human::{Analysis, Learner, Network, Options, Taught, Test, analyse, simulated};
use crate::record::{Record, RunFolder, path_of};

/// Of each group.
pub const PARTICIPANTS: usize = 20;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// The learner who visits the OCS first by his making.
    Ideal,
    /// Networks with biases in all layers, taken in turn.
    Biases,
    /// Networks without biases, likewise.
    NoBiases,
    /// The learner who learns each item as a whole.
    NoPhase,
    /// Chance.
    Random,
    /// The ideal learner's trials, dealt to other times.
    Shuffled,
}

impl Group {
    /// All, those first who visit the OCS.
    pub const ALL: [Group; 6] = [
        Group::Ideal,
        Group::Biases,
        Group::NoBiases,
        Group::NoPhase,
        Group::Random,
        Group::Shuffled,
    ];

    /// Whether the OCS is visited first, as the group is made.
    pub fn visits(self) -> bool {
        match self {
            Group::Ideal | Group::Biases => true,
            Group::NoBiases | Group::NoPhase | Group::Random | Group::Shuffled => false,
        }
    }

    /// Below an axis.
    pub fn name(self) -> &'static str {
        match self {
            Group::Ideal => "ideal learner",
            Group::Biases => "networks, biases",
            Group::NoBiases => "networks, no biases",
            Group::NoPhase => "items one by one",
            Group::Random => "chance",
            Group::Shuffled => "ideal, shuffled",
        }
    }
}

/// Runs with biases in all layers, or without any.
pub fn networks(runs: &RunFolder, bias: Bias) -> Result<Vec<&Record>> {
    runs.pick(format!("bias: {}", bias.name()), |config| config.network.bias == bias)
}

/// What all groups have in common.
pub struct Experiment<'a> {
    runs: &'a RunFolder,
    config: Config,
    human: HumanConfig,
    seed: u64,
    /// The tree.
    pub taught: Taught,
}

impl<'a> Experiment<'a> {
    /// That of the runs; without any, of the config that is built in.
    ///
    /// # Errors
    ///
    /// If there is no tree.
    pub fn of(runs: &'a RunFolder) -> Result<Experiment<'a>> {
        let config = match runs.records.first() {
            Some(run) => run.config.clone(),
            None => STUDY.built_in()?,
        };
        let seed = runs.records.iter().map(|run| run.seed).min().unwrap_or_default();
        let human = config.human.clone().unwrap_or_default();
        Ok(Experiment { runs, taught: Taught::of(&config)?, config, human, seed })
    }

    /// Trials of a block.
    fn block(&self) -> usize {
        self.human.trials_of_block(self.taught.n_items())
    }

    /// Trials of a participant.
    pub fn trials(&self) -> usize {
        self.human.days * self.human.blocks * self.block()
    }

    fn learner(&self, group: Group) -> Result<Learner> {
        let bias = match group {
            Group::Ideal | Group::Shuffled => return Ok(Learner::Ideal),
            Group::NoPhase => return Ok(Learner::NoPhase),
            Group::Random => return Ok(Learner::Random),
            Group::Biases => Bias::All,
            Group::NoBiases => Bias::None,
        };
        let network = |run: &Record| {
            let path = path_of(Path::new(""), &run.condition, run.seed);
            Network::of(path, run.curves.clone(), &run.levels, &self.taught)
        };
        let found = networks(self.runs, bias)?.into_iter().map(network);
        Ok(Learner::Networks(found.collect::<Result<_>>()?))
    }

    /// What the analysis of people says of a group.
    ///
    /// # Errors
    ///
    /// If its networks were not run, or their records hold no responses.
    pub fn analysis(&self, group: Group) -> Result<Arc<Analysis>> {
        let learner = self.learner(group)?;
        once(self.fingerprint(group), || {
            let data = simulated(&learner, &self.taught, &self.human, PARTICIPANTS, self.seed);
            let options = Options {
                block: self.block(),
                seed: self.seed,
                shuffled: group == Group::Shuffled,
                exclude: Exclude::default(),
            };
            analyse(&data, &self.config, &self.taught, &options)
        })
    }

    /// Of everything that an analysis hangs on.
    fn fingerprint(&self, group: Group) -> u64 {
        let mut hasher = DefaultHasher::new();
        (group, self.seed).hash(&mut hasher);
        format!("{:?} {} {:?}", self.human, self.config.phase_threshold, self.taught)
            .hash(&mut hasher);
        let bias = match group {
            Group::Biases => Bias::All,
            Group::NoBiases => Bias::None,
            Group::Ideal | Group::NoPhase | Group::Random | Group::Shuffled => {
                return hasher.finish();
            }
        };
        for run in networks(self.runs, bias).unwrap_or_default() {
            run.curves.step.hash(&mut hasher);
            for response in run.curves.item_responses.iter().flatten().flatten().flatten() {
                response.to_bits().hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

/// The test of the claim.
pub fn visit(analysis: &Analysis) -> Option<&Test> {
    analysis.group.tests.iter().find(|test| test.id == "visits-the-ocs-first")
}

/// An analysis of some data: claims and figure ask for the same ones, which take seconds.
fn once(fingerprint: u64, make: impl FnOnce() -> Analysis) -> Result<Arc<Analysis>> {
    /// More than claims and figure ask for together.
    const MOST: usize = 64;
    static MADE: Mutex<Vec<(u64, Arc<Analysis>)>> = Mutex::new(Vec::new());
    let known = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known().iter().find(|(of, _)| *of == fingerprint).map(|(_, made)| Arc::clone(made));
    if let Some(made) = found {
        return Ok(made);
    }
    let made = Arc::new(make());
    let mut all = known();
    if all.len() >= MOST {
        all.remove(0);
    }
    all.push((fingerprint, Arc::clone(&made)));
    Ok(made)
}
