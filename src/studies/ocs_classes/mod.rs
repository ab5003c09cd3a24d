//! Does the order of learning follow the labels or the images? Trees of one shape over the same classes, of which one means
//! something, and the others part vehicles from animals nowhere but in their leaves.

mod page;

use anyhow::{Context, Result};

use super::{Study, other_seeds};
use crate::claim::{Claim, Measurement, above, at_most, between, claim};
use crate::config::{Config, NetworkKind};
use crate::metrics::{Contrasts, Curves, first_time};
use crate::record::{Record, RunFolder, TheoryRecord};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_classes",
    question: "Does the order of learning follow the labels, or the images?",
    source: "own, a control of Rubruck et al. 2024's hierarchies on CIFAR-10",
    config: include_str!("../../../configs/ocs_classes.yaml"),
    optional_inputs: &[],
    theory_of_images: true,
    also_predict,
    claims,
    page: page::page,
};

/// What a tree over CIFAR-10's classes means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// Its top split parts vehicles from animals.
    Semantic,
    /// The same with the children of every node exchanged: animals first.
    Mirrored,
    /// Vehicles and animals stand on both sides.
    Regrouped,
}

impl Tree {
    /// Of a config's classes; `None` where they are not given.
    pub fn of(config: &Config) -> Option<Tree> {
        let sides = config.task.vehicles()?;
        let (left, right) = sides.split_at(sides.len() / 2);
        let all = |half: &[f64], side: f64| half.iter().all(|other| *other == side);
        Some(match () {
            () if all(left, 1.0) && all(right, -1.0) => Tree::Semantic,
            () if all(left, -1.0) && all(right, 1.0) => Tree::Mirrored,
            () => Tree::Regrouped,
        })
    }
}

/// Theory answers linear networks for their first seed; here for the others.
fn also_predict(config: &Config) -> Result<Vec<(String, Config)>> {
    other_seeds(config, |condition| condition.starts_with("linear-"))
}

/// When a run has learned what; `None`: not by its end.
#[derive(Clone)]
pub(super) struct Learned {
    seed: u64,
    onset: Option<f64>,
    /// First time at which each level's fraction reaches the phase's threshold.
    pub levels: Vec<Option<f64>>,
    /// Likewise, of the contrast between vehicles and animals, wherever the labels tell of it.
    pub vehicles: Option<f64>,
}

/// Learned fractions of each level, from the top, and of vehicles against animals, `[contrast][time]`.
pub(super) fn fractions(
    config: &Config,
    levels: &[usize],
    curves: &Curves,
) -> Option<Vec<Vec<f64>>> {
    let contrasts = Contrasts::new(levels)?;
    let vehicles = contrasts.between(&config.task.vehicles()?);
    let of_levels = (0..levels.len()).map(|level| contrasts.of_level(level));
    of_levels.chain([vehicles]).map(|direction| contrasts.fraction(curves, &direction)).collect()
}

impl Learned {
    fn of(config: &Config, levels: &[usize], curves: &Curves, onset: Option<f64>) -> Option<Self> {
        let fractions = fractions(config, levels, curves)?;
        let time = |values: &Vec<f64>| first_time(&curves.time, values, config.phase_threshold);
        let (vehicles, of_levels) = fractions.split_last()?;
        Some(Learned {
            seed: config.seeds.first().copied()?,
            onset,
            levels: of_levels.iter().map(time).collect(),
            vehicles: time(vehicles),
        })
    }

    /// On the training set, where a run was observed there.
    pub fn of_run(run: &Record) -> Option<Self> {
        let curves = run.training_curves.as_ref().unwrap_or(&run.curves);
        Learned::of(&run.config, &run.levels, curves, run.phase.onset)
    }

    pub fn of_theory(theory: &TheoryRecord) -> Option<Self> {
        Learned::of(&theory.config, &theory.levels, &theory.curves, theory.phase.onset)
    }

    fn top(&self) -> Option<f64> {
        self.levels.first().copied().flatten()
    }

    /// Each level, from the top, and vehicles against animals.
    pub fn all(&self) -> impl Iterator<Item = Option<f64>> {
        self.levels.iter().copied().chain([self.vehicles])
    }
}

/// Whether one time came before another, which may not have come at all.
fn is_before(one: Option<f64>, other: Option<f64>) -> bool {
    one.is_some_and(|one| other.is_none_or(|other| one < other))
}

/// What networks of a kind learned under trees of a sort, run by run.
fn learned(runs: &RunFolder, kind: NetworkKind, tree: Tree) -> Result<Vec<Learned>> {
    let found = runs.pick(format!("a {kind:?} network under a {tree:?} tree"), |config| {
        config.network.kind == kind && Tree::of(config) == Some(tree)
    })?;
    found.into_iter().map(responses_of).collect()
}

fn responses_of(run: &Record) -> Result<Learned> {
    Learned::of_run(run).with_context(|| {
        format!(
            "the run of '{}' with seed {} lacks responses item by item: run `ocs reproduce ocs_classes`",
            run.condition, run.seed
        )
    })
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for (kind, network, words) in [
        (NetworkKind::Linear, "linear", "linear networks"),
        (NetworkKind::Cnn, "cnn", "CNNs with biases"),
    ] {
        let semantic = learned(runs, kind, Tree::Semantic)?;
        let regrouped = learned(runs, kind, Tree::Regrouped)?;
        claims.push(constant_first(network, words, &[&*semantic, &*regrouped].concat()));
        claims.push(meaning_is_faster(network, words, &semantic, &regrouped));
        claims.push(top_down(network, words, &semantic));
        claims.extend(images_lead(network, words, &regrouped));
    }
    claims.push(names_do_not_matter(
        &learned(runs, NetworkKind::Linear, Tree::Semantic)?,
        &learned(runs, NetworkKind::Linear, Tree::Mirrored)?,
    ));
    claims.push(predicted(runs)?);
    Ok(claims)
}

fn constant_first(network: &str, words: &str, all: &[Learned]) -> Claim {
    let lead = |run: &Learned| Some(run.all().flatten().min_by(f64::total_cmp)? / run.onset?);
    claim(format!("{network}-constant-first"))
        .says(format!("Whatever the labels mean, {words} learn the constant before any contrast."))
        .values("first contrast's time over onset", all.iter().map(lead))
        .each(above(1.0), "in every run, of which each learns a contrast")
}

/// The data say so: a top split's singular value is `sqrt(7) / 8 ||sum_i v_i m_i||` with mean images `m_i` of the items and
/// signs `v_i / sqrt(8)`, and vehicles differ from animals more than halves that hold two of each.
fn meaning_is_faster(
    network: &str,
    words: &str,
    semantic: &[Learned],
    regrouped: &[Learned],
) -> Claim {
    let pairs = semantic.iter().flat_map(|with| {
        regrouped.iter().filter(|without| without.seed == with.seed).map(move |w| (with, w))
    });
    let verdicts: Vec<bool> =
        pairs.map(|(with, without)| is_before(with.top(), without.top())).collect();
    let times: Vec<Option<f64>> = regrouped.iter().map(Learned::top).collect();
    let other = Measurement::of("", &times);
    let other = match other.min {
        Some(min) => format!(
            "with regrouped ones at t = {min:.2} at the earliest, in {} of {} runs",
            other.n, other.runs
        ),
        None => "with regrouped ones never by the last step".to_owned(),
    };
    claim(format!("{network}-meaning-is-faster"))
        .says(format!(
            "With the semantic tree {words} learn the top split earlier than with regrouped ones ({other})."
        ))
        .values("time of the semantic top split", semantic.iter().map(Learned::top))
        .holds_if(
            !verdicts.is_empty() && verdicts.iter().all(|&earlier| earlier),
            "earlier than with each regrouped tree, for every seed",
        )
}

fn top_down(network: &str, words: &str, semantic: &[Learned]) -> Claim {
    let in_order = |run: &Learned| {
        run.levels.windows(2).all(|pair| is_before(pair[0], pair[1]) || pair == [None; 2])
    };
    let ratio = |run: &Learned| Some(run.levels.get(1).copied().flatten()? / run.top()?);
    claim(format!("{network}-top-down"))
        .says(format!("With the semantic tree {words} learn it from the top down."))
        .values("time of level 2 over time of level 1", semantic.iter().map(ratio))
        .holds_if(
            semantic.iter().all(|run| run.top().is_some() && in_order(run)),
            "each level before the next, in every run",
        )
}

fn images_lead(network: &str, words: &str, regrouped: &[Learned]) -> [Claim; 2] {
    let finest_first = |run: &Learned| {
        let (finest, others) = run.levels.split_last()?;
        Some(f64::from(others.iter().all(|&other| is_before(*finest, other))))
    };
    [
        claim(format!("{network}-images-lead"))
            .says(format!(
                "The order follows the images: with regrouped trees {words} part vehicles from animals, of which only the \
                 finest labels tell, before they learn the top split of the labels."
            ))
            .values("time of vehicles against animals", regrouped.iter().map(|run| run.vehicles))
            .holds_if(
                regrouped.iter().all(|run| is_before(run.vehicles, run.top())),
                "earlier than the labels' top split in every run",
            ),
        claim(format!("{network}-finest-first"))
            .says(format!("With regrouped trees {words} learn the finest level first."))
            .values("1 where that is so", regrouped.iter().map(finest_first))
            .reported(),
    ]
}

fn names_do_not_matter(semantic: &[Learned], mirrored: &[Learned]) -> Claim {
    let mean = |runs: &[Learned]| {
        let times: Option<Vec<f64>> = runs.iter().map(Learned::top).collect();
        let times = times?;
        Some(times.iter().sum::<f64>() / times.len() as f64)
    };
    let ratio = mean(mirrored).zip(mean(semantic)).map(|(one, other)| (one / other).ln());
    claim("mirrored")
        .says("Exchanging the children of every node of the semantic tree does not change when its top split is learned.")
        .control()
        .values("ln of the times' ratio, means over seeds", [ratio])
        .each(between(-0.1, 0.1), "{}")
}

/// From second moments and each seed's initial weights.
fn predicted(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    for run in runs.pick("a linear network", |c| c.network.kind == NetworkKind::Linear)? {
        let theory = runs.theory_of_run(run).and_then(Learned::of_theory).with_context(|| {
            format!("there is no theory of '{}': run `ocs reproduce ocs_classes`", run.condition)
        })?;
        for (expected, seen) in theory.all().zip(responses_of(run)?.all()) {
            // One that the other lacks has no error, and meets no bound.
            if expected.is_some() || seen.is_some() {
                errors.push(expected.zip(seen).map(|(p, o)| (p / o - 1.0).abs()));
            }
        }
    }
    Ok(claim("predicted")
        .says(
            "Theory tells from the second moments of the images and the initial weights when linear networks learn each level, \
             and vehicles against animals, under every tree.",
        )
        .values("relative error of the times", errors)
        .each(
            at_most(0.05),
            "in every run; what is not learned by the last step is predicted not to be",
        ))
}
