//! Does the order of learning follow the labels or the images? Trees of one shape over the same classes, of which one means
//! something, and the others part vehicles from animals nowhere but in their leaves.

mod page;

use super::Study;
use anyhow::{Context, Result, ensure};

use super::other_seeds;
use crate::claim::{Claim, Measurement, Verdict};
use crate::config::Config;
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
    also_predict: also_predict,
    claims,
    figure: page::figure,
};

const REGROUPED: [&str; 3] = ["regrouped-1", "regrouped-2", "regrouped-3"];

/// Theory answers linear networks for their first seed; here for the others.
fn also_predict(config: &Config) -> Result<Vec<(String, Config)>> {
    other_seeds(config, |condition| condition.starts_with("linear-"))
}

/// When a run has learned what; `None`: not by its end.
#[derive(Clone)]
struct Learned {
    seed: u64,
    onset: Option<f64>,
    /// First time at which each level's fraction reaches the phase's threshold.
    levels: Vec<Option<f64>>,
    /// Likewise, of the contrast between vehicles and animals, wherever the labels tell of it.
    vehicles: Option<f64>,
}

impl Learned {
    fn of(config: &Config, levels: &[usize], curves: &Curves, onset: Option<f64>) -> Option<Self> {
        let contrasts = Contrasts::new(levels)?;
        let time_of = |direction| {
            let fractions = contrasts.fraction(curves, &direction)?;
            Some(first_time(&curves.time, &fractions, config.phase_threshold))
        };
        Some(Learned {
            seed: config.seeds.first().copied()?,
            onset,
            levels: (0..levels.len())
                .map(|level| time_of(contrasts.of_level(level)))
                .collect::<Option<_>>()?,
            vehicles: time_of(contrasts.between(&config.task.vehicles()?))?,
        })
    }

    /// On the training set, where a run was observed there.
    fn of_run(run: &Record) -> Option<Self> {
        let curves = run.training_curves.as_ref().unwrap_or(&run.curves);
        Learned::of(&run.config, &run.levels, curves, run.phase.onset)
    }

    fn of_theory(theory: &TheoryRecord) -> Option<Self> {
        Learned::of(&theory.config, &theory.levels, &theory.curves, theory.phase.onset)
    }

    fn top(&self) -> Option<f64> {
        self.levels.first().copied().flatten()
    }
}

/// Whether one time came before another, which may not have come at all.
fn is_before(one: Option<f64>, other: Option<f64>) -> bool {
    one.is_some_and(|one| other.is_none_or(|other| one < other))
}

fn learned(runs: &RunFolder, condition: &str) -> Result<Vec<Learned>> {
    let lacks = || {
        format!(
            "ocs_classes lacks runs of '{condition}', or their item responses: run `ocs reproduce ocs_classes`"
        )
    };
    let found: Option<Vec<Learned>> = runs.of(condition).into_iter().map(Learned::of_run).collect();
    let found = found.with_context(lacks)?;
    ensure!(!found.is_empty(), lacks());
    Ok(found)
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for (network, words) in [("linear", "linear networks"), ("cnn", "CNNs with biases")] {
        let semantic = learned(runs, &format!("{network}-semantic"))?;
        let mut regrouped = Vec::new();
        for name in REGROUPED {
            regrouped.extend(learned(runs, &format!("{network}-{name}"))?);
        }
        let all = [semantic.clone(), regrouped.clone()].concat();
        claims.extend([
            constant_first(network, words, &all),
            meaning_is_faster(network, words, &semantic, &regrouped),
            top_down(network, words, &semantic),
            images_lead(network, words, &regrouped),
            finest_first(network, words, &regrouped),
        ]);
    }
    let (semantic, mirrored) =
        (learned(runs, "linear-semantic")?, learned(runs, "linear-mirrored")?);
    claims.push(names_do_not_matter(&semantic, &mirrored));
    claims.push(predicted(runs)?);
    Ok(claims)
}

fn claim(id: &str, sentence: &str, measured: Measurement, criterion: &str, holds: bool) -> Claim {
    Claim::new("ocs_classes", id, sentence, measured, criterion, holds)
}

fn constant_first(network: &str, words: &str, all: &[Learned]) -> Claim {
    let leads: Vec<Option<f64>> = all
        .iter()
        .map(|run| {
            let first = run.levels.iter().flatten().chain(&run.vehicles).copied();
            Some(first.min_by(f64::total_cmp)? / run.onset?)
        })
        .collect();
    claim(
        &format!("{network}-constant-first"),
        &format!("Whatever the labels mean, {words} learn the constant before any contrast."),
        Measurement::of("first contrast's time over onset", &leads),
        "> 1 in every run, of which each learns a contrast",
        leads.iter().all(|lead| lead.is_some_and(|lead| lead > 1.0)),
    )
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
    let times: Vec<Option<f64>> = semantic.iter().map(Learned::top).collect();
    claim(
        &format!("{network}-meaning-is-faster"),
        &format!(
            "With the semantic tree {words} learn the top split earlier than with regrouped ones ({other})."
        ),
        Measurement::of("time of the semantic top split", &times),
        "earlier than with each regrouped tree, for every seed",
        !verdicts.is_empty() && verdicts.iter().all(|&earlier| earlier),
    )
}

fn top_down(network: &str, words: &str, semantic: &[Learned]) -> Claim {
    let in_order = |run: &Learned| {
        run.levels.windows(2).all(|pair| is_before(pair[0], pair[1]) || pair == [None; 2])
    };
    let ratios: Vec<Option<f64>> = semantic
        .iter()
        .map(|run| Some(run.levels.get(1).copied().flatten()? / run.top()?))
        .collect();
    claim(
        &format!("{network}-top-down"),
        &format!("With the semantic tree {words} learn it from the top down."),
        Measurement::of("time of level 2 over time of level 1", &ratios),
        "each level before the next, in every run",
        semantic.iter().all(|run| run.top().is_some() && in_order(run)),
    )
}

fn images_lead(network: &str, words: &str, regrouped: &[Learned]) -> Claim {
    let times: Vec<Option<f64>> = regrouped.iter().map(|run| run.vehicles).collect();
    claim(
        &format!("{network}-images-lead"),
        &format!(
            "The order follows the images: with regrouped trees {words} part vehicles from animals, of which only the \
             finest labels tell, before they learn the top split of the labels."
        ),
        Measurement::of("time of vehicles against animals", &times),
        "earlier than the labels' top split in every run",
        regrouped.iter().all(|run| is_before(run.vehicles, run.top())),
    )
}

fn finest_first(network: &str, words: &str, regrouped: &[Learned]) -> Claim {
    let first = |run: &Learned| {
        let finest = run.levels.last().copied().flatten();
        let others = &run.levels[..run.levels.len() - 1];
        Some(f64::from(others.iter().all(|&other| is_before(finest, other))))
    };
    let measured: Vec<Option<f64>> = regrouped.iter().map(first).collect();
    Claim {
        verdict: Verdict::Reported,
        ..claim(
            &format!("{network}-finest-first"),
            &format!("With regrouped trees {words} learn the finest level first."),
            Measurement::of("1 where that is so", &measured),
            "none",
            true,
        )
    }
}

fn names_do_not_matter(semantic: &[Learned], mirrored: &[Learned]) -> Claim {
    let mean = |runs: &[Learned]| {
        let times: Option<Vec<f64>> = runs.iter().map(Learned::top).collect();
        let times = times?;
        Some(times.iter().sum::<f64>() / times.len() as f64)
    };
    let ratio = mean(mirrored).zip(mean(semantic)).map(|(one, other)| (one / other).ln());
    claim(
        "mirrored",
        "Exchanging the children of every node of the semantic tree does not change when its top split is learned.",
        Measurement::of("ln of the times' ratio, means over seeds", &[ratio]),
        "between -0.1 and 0.1",
        ratio.is_some_and(|ratio| ratio.abs() <= 0.1),
    )
    .as_control()
}

/// From second moments and each seed's initial weights.
fn predicted(runs: &RunFolder) -> Result<Claim> {
    let mut errors = Vec::new();
    let mut agree = true;
    let is_linear = |run: &&Record| run.condition.starts_with("linear-");
    for run in runs.records.iter().filter(is_linear) {
        let lacks = || {
            format!(
                "ocs_classes lacks theory of '{}': run `ocs reproduce ocs_classes`",
                run.condition
            )
        };
        let theory = runs.theory_of_run(run).with_context(lacks)?;
        let (expected, seen) =
            Learned::of_theory(theory).zip(Learned::of_run(run)).with_context(lacks)?;
        let pairs = expected.levels.iter().zip(&seen.levels);
        for (expected, seen) in pairs.chain([(&expected.vehicles, &seen.vehicles)]) {
            agree &= expected.is_some() == seen.is_some();
            if expected.is_some() || seen.is_some() {
                errors.push(expected.zip(*seen).map(|(p, o)| (p / o - 1.0).abs()));
            }
        }
    }
    Ok(claim(
        "predicted",
        "Theory tells from the second moments of the images and the initial weights when linear networks learn each level, \
         and vehicles against animals, under every tree.",
        Measurement::of("relative error of the times", &errors),
        "<= 0.05 in every run; what is not learned by the last step is predicted not to be",
        agree && !errors.is_empty() && errors.iter().all(|e| e.is_some_and(|e| e <= 0.05)),
    ))
}
