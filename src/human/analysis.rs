//! What `ocs human analyse` answers: participants block by block, the group, and tests.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::{Config, Exclude};

use super::block::{Block, blocks_of};
use super::crossings::{GroupCurves, HumanPhase, Threshold, of_participant};
use super::dip::{Dip, dip};
use super::folder::{HumanData, Origin};
use super::oddities::{Odd, excluded};
use super::resample::{Resamples, mean, random};
use super::tree::Taught;
use super::trials::Trials;
use super::visit::{Person, Test, Visit};

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Analysis {
    /// Trials of a block.
    pub block: usize,
    /// q of onset and end.
    pub threshold: f64,
    /// Of everything that is drawn.
    pub seed: u64,
    /// Whether trials were dealt to other times first, as a control.
    pub shuffled: bool,
    /// The learner, if no people were asked; `null` of people.
    pub simulated: Option<String>,
    /// Labels of each level.
    pub levels: Vec<usize>,
    /// Base rates, `[label]`.
    pub ocs: Vec<f64>,
    /// One a participant, in the order of the data; at the end those none of whose trials are left.
    pub participants: Vec<ParticipantAnalysis>,
    /// All whose data are not left out.
    pub group: GroupAnalysis,
}

/// One participant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParticipantAnalysis {
    /// Who.
    pub participant: String,
    /// Why the data are left out of the group; `null` if they are not.
    pub excluded: Option<String>,
    /// In their order.
    pub blocks: Vec<Block>,
    /// Onset and end.
    pub phase: HumanPhase,
    /// The top level's dip; `null` of fewer than three blocks.
    pub dip: Option<Dip>,
}

/// Mean over participants, and 95 % of it by bootstrap; an end is `null` of fewer than two participants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// Of those who have a value; `null` if nobody has.
    pub mean: Option<f64>,
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// A rate of the top level, and of all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// The top level's.
    #[serde(flatten)]
    pub top: Band,
    /// `[level]`.
    pub levels: Vec<Band>,
}

/// A block of the group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupBlock {
    /// Day.
    pub day: u64,
    /// Its number on that day, from 1.
    pub block: usize,
    /// Trials before its middle; the mean over participants.
    pub time: f64,
    /// Who has it.
    pub participants: usize,
}

/// The group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupAnalysis {
    /// How many are in it.
    pub participants: usize,
    /// Blocks that any of them has, in their order.
    pub blocks: Vec<GroupBlock>,
    /// `[block]`, as all that follows.
    pub true_negative_rate: Vec<Rate>,
    /// Likewise.
    pub true_positive_rate: Vec<Rate>,
    /// Likewise.
    pub level_accuracy: Vec<Rate>,
    /// `[block][label]`.
    pub mean_response: Vec<Vec<Band>>,
    /// `M^2`.
    pub mean_output_error_squared: Vec<Band>,
    /// `V`.
    pub input_dependence: Vec<Band>,
    /// `D_ocs`.
    pub distance_to_ocs: Vec<Band>,
    /// `D_target`.
    pub distance_to_targets: Vec<Band>,
    /// Of the means of M^2 and V.
    pub phase: HumanPhase,
    /// Mean of the participants' dips.
    pub dip: Band,
    /// Of the claim.
    pub tests: Vec<Test>,
}

/// How data are analysed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Trials of a block.
    pub block: usize,
    /// Of everything that is drawn.
    pub seed: u64,
    /// Deals trials to other times within each participant first: nothing that hangs on their order is left.
    pub shuffled: bool,
    /// Rules by which participants are left out.
    pub exclude: Exclude,
}

/// Analyses data.
pub fn analyse(data: &HumanData, config: &Config, taught: &Taught, options: &Options) -> Analysis {
    let odd = &data.about.odd;
    let dealt;
    let trials = if options.shuffled {
        dealt = shuffled(&data.trials, options.seed);
        &dealt
    } else {
        &data.trials
    };
    let threshold = Threshold {
        share: config.phase_threshold,
        ocs_norm: taught.ocs_norm(),
        target_variance: taught.target_variance(),
    };
    let mut participants = in_parallel(trials.of_participants(), |own| {
        let blocks = blocks_of(trials, own.clone(), taught, options.block);
        participant(trials, own, blocks, taught, options, odd, threshold)
    });
    participants.extend(data.about.without_trials.iter().map(|who| ParticipantAnalysis {
        participant: who.clone(),
        excluded: Some(
            "no trial is left (exclude.unknown_items, exclude.unknown_labels)".to_owned(),
        ),
        blocks: Vec::new(),
        phase: HumanPhase::unknown(),
        dip: None,
    }));
    let group = group(trials, &participants, taught, options, threshold);
    Analysis {
        block: options.block,
        threshold: threshold.share,
        seed: options.seed,
        shuffled: options.shuffled,
        simulated: match &data.about.origin {
            Origin::Simulated { learner, .. } => Some(learner.clone()),
            Origin::Imported { .. } => None,
        },
        levels: data.about.levels.clone(),
        ocs: taught.ocs.to_vec(),
        participants,
        group,
    }
}

/// The tests alone, of data of which nothing is odd: what a study that is simulated many times asks for.
pub fn tests_of(
    trials: &Trials,
    taught: &Taught,
    block: usize,
    seed: u64,
    is_shuffled: bool,
) -> Vec<Test> {
    let dealt;
    let trials = if is_shuffled {
        dealt = shuffled(trials, seed);
        &dealt
    } else {
        trials
    };
    let blocks: Vec<Vec<Block>> = trials
        .of_participants()
        .into_iter()
        .map(|own| blocks_of(trials, own, taught, block))
        .collect();
    let people =
        blocks.iter().map(|blocks| Person { blocks, dip: dip(trials, blocks, taught, block) });
    let people: Vec<Person> = people.collect();
    let resamples = Resamples::new(0, seed);
    Visit { trials, taught, people, size: block, seed, resamples: &resamples }.tests()
}

/// Items and responses of each participant dealt to other of his trials.
fn shuffled(trials: &Trials, seed: u64) -> Trials {
    use rand::seq::SliceRandom;
    let mut random = random(seed, 4);
    let mut order: Vec<usize> = (0..trials.trials.len()).collect();
    for own in trials.of_participants() {
        order[own].shuffle(&mut random);
    }
    let mut dealt = trials.chosen(&order);
    for (new, old) in dealt.trials.iter_mut().zip(&trials.trials) {
        (new.day, new.trial) = (old.day, old.trial);
    }
    dealt
}

fn participant(
    trials: &Trials,
    own: std::ops::Range<usize>,
    blocks: Vec<Block>,
    taught: &Taught,
    options: &Options,
    odd: &[Odd],
    threshold: Threshold,
) -> ParticipantAnalysis {
    let number = trials.trials.get(own.start).map_or(0, |trial| trial.participant as usize);
    ParticipantAnalysis {
        participant: trials.participants[number].clone(),
        excluded: excluded(trials, own, odd, &options.exclude),
        phase: of_participant(trials, &blocks, taught, threshold),
        dip: dip(trials, &blocks, taught, options.block),
        blocks,
    }
}

/// Blocks of all, by day and number: `None` where somebody has none.
struct Aligned<'a> {
    /// `[block][participant]`.
    blocks: Vec<Vec<Option<&'a Block>>>,
    resamples: &'a Resamples,
}

impl Aligned<'_> {
    fn band(&self, at: &[Option<&Block>], of: impl Fn(&Block) -> Option<f64>) -> Band {
        let values: Vec<Option<f64>> = at.iter().map(|block| of((*block)?)).collect();
        let interval = self.resamples.interval_of_mean(&values);
        Band {
            mean: mean(values.iter().flatten().copied()),
            low: interval.map(|[low, _]| low),
            high: interval.map(|[_, high]| high),
        }
    }

    /// What each block is told to be.
    fn each<T: Send>(&self, of: impl Fn(&[Option<&Block>]) -> T + Sync) -> Vec<T> {
        in_parallel((0..self.blocks.len()).collect(), |block: usize| of(&self.blocks[block]))
    }

    fn bands(&self, of: impl Fn(&Block) -> Option<f64> + Sync) -> Vec<Band> {
        self.each(|at| self.band(at, &of))
    }

    fn rates(&self, n_levels: usize, of: impl Fn(&Block) -> &[Option<f64>] + Sync) -> Vec<Rate> {
        let nothing = Band { mean: None, low: None, high: None };
        self.each(|at| {
            let levels: Vec<Band> =
                (0..n_levels).map(|level| self.band(at, |block| of(block)[level])).collect();
            Rate { top: levels.first().copied().unwrap_or(nothing), levels }
        })
    }
}

fn group(
    trials: &Trials,
    participants: &[ParticipantAnalysis],
    taught: &Taught,
    options: &Options,
    threshold: Threshold,
) -> GroupAnalysis {
    let members: Vec<&ParticipantAnalysis> =
        participants.iter().filter(|one| one.excluded.is_none()).collect();
    let resamples = Resamples::new(members.len(), options.seed);
    let mut keyed: BTreeMap<(u64, usize), Vec<Option<&Block>>> = BTreeMap::new();
    for (number, member) in members.iter().enumerate() {
        for block in &member.blocks {
            let at =
                keyed.entry((block.day, block.of_day)).or_insert_with(|| vec![None; members.len()]);
            at[number] = Some(block);
        }
    }
    let blocks: Vec<GroupBlock> = keyed
        .iter()
        .map(|(&(day, of_day), at)| GroupBlock {
            day,
            block: of_day + 1,
            time: mean(at.iter().flatten().map(|block| block.time)).unwrap_or_default(),
            participants: at.iter().flatten().count(),
        })
        .collect();
    let aligned = Aligned { blocks: keyed.into_values().collect(), resamples: &resamples };
    let of_member = |number: usize| {
        let values = aligned.blocks.iter().map(|at| {
            let block = at[number]?;
            Some((block.mean_output_error_squared?, block.input_dependence?))
        });
        values.collect()
    };
    let curves = GroupCurves {
        time: blocks.iter().map(|block| block.time).collect(),
        values: (0..members.len()).map(of_member).collect(),
    };
    let dips: Vec<Option<f64>> = members.iter().map(|one| Some(one.dip.as_ref()?.value)).collect();
    let dip_interval = resamples.interval_of_mean(&dips);
    let people = members.iter().map(|one| Person { blocks: &one.blocks, dip: one.dip });
    let visit = Visit {
        trials,
        taught,
        people: people.collect(),
        size: options.block,
        seed: options.seed,
        resamples: &resamples,
    };
    let n_levels = taught.levels.len();
    let labels = 0..taught.n_labels();
    GroupAnalysis {
        participants: members.len(),
        true_negative_rate: aligned.rates(n_levels, |block| &block.true_negative_rate),
        true_positive_rate: aligned.rates(n_levels, |block| &block.true_positive_rate),
        level_accuracy: aligned.rates(n_levels, |block| &block.level_accuracy),
        mean_response: aligned.each(|at| {
            let band = |label| aligned.band(at, |block| block.mean_response[label]);
            labels.clone().map(band).collect()
        }),
        mean_output_error_squared: aligned.bands(|block| block.mean_output_error_squared),
        input_dependence: aligned.bands(|block| block.input_dependence),
        distance_to_ocs: aligned.bands(|block| block.distance_to_ocs),
        distance_to_targets: aligned.bands(|block| block.distance_to_targets),
        phase: curves.phase_of_group(threshold, &resamples),
        dip: Band {
            mean: mean(dips.iter().flatten().copied()),
            low: dip_interval.map(|[low, _]| low),
            high: dip_interval.map(|[_, high]| high),
        },
        tests: visit.tests(),
        blocks,
    }
}

/// The results for all, in their order, on as many threads as there are cores.
pub fn in_parallel<T, R>(all: Vec<T>, of: impl Fn(T) -> R + Sync) -> Vec<R>
where
    T: Clone + Send + Sync,
    R: Send,
{
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = all.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let of = &of;
        let parts: Vec<_> = all
            .chunks(share)
            .map(|part| scope.spawn(move || part.iter().cloned().map(of).collect::<Vec<R>>()))
            .collect();
        let done = parts.into_iter().map(|part| part.join());
        // A thread that panicked does so again here.
        done.flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
