//! Does relearning pass through the optimal constant solution again? The tree, its items permuted, its contrasts reversed. What
//! that means where the mean target stays, and what theory says of it, stands in `theory::reversal`.

mod page;
mod passage;

use anyhow::{Context, Result};

use super::Study;
use crate::claim::{Bound, Claim, Draft, above, at_least, at_most, claim, within_percent};
use crate::config::{Bias, Config};
use crate::metrics::norm;
use crate::record::{Record, RunFolder};
use crate::theory::{BalancedTree, closest_share, one_layers_visit};
use passage::{
    LEVELS, NEAR, PERMUTED, Passage, REVERSED, SAME, SIBLINGS, TURNED, has_stretch,
    predicted_sign_change,
};

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_sequence",
    question: "Does relearning pass through the optimal constant solution again?",
    source: "own, from Rubruck et al. 2024 and the two-layer flow of Saxe et al. 2014 and Braun et al. 2022",
    config: include_str!("../../../configs/ocs_sequence.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// `D_target` that is still high, in units of `V_target`.
const FAR: f64 = 0.5;
/// `M / ||ybar||` of a constant that stays.
const STAYS: f64 = 0.05;
/// Deeper networks stay longer at the OCS than one layer, on the logarithmic clock, by this factor at least.
const LONGER: f64 = 1.5;

/// Runs with a stretch of this label whose config fits; `wanted` says which.
fn with<'a>(
    runs: &'a RunFolder,
    label: &str,
    wanted: &str,
    fits: impl Fn(&Config) -> bool,
) -> Result<Vec<&'a Record>> {
    let wanted = format!("a phase '{label}'{wanted}");
    runs.pick(wanted, |config| has_stretch(config, label) && fits(config))
}

/// The tree, and where items stand in a phase.
fn places(config: &Config, label: &str) -> Result<(BalancedTree, Vec<usize>)> {
    let branching = config.task.branching.as_ref().context("the tree has a branching")?;
    let stretches = config.stretches()?;
    let stretch = stretches.into_iter().find(|stretch| stretch.label == label);
    let task = stretch.with_context(|| format!("there is no phase '{label}'"))?.config.task;
    let own = (0..task.n_items()).collect();
    Ok((BalancedTree::new(branching), task.permutation.unwrap_or(own)))
}

/// How near the OCS a permutation of the tree brings relearning, by theory.
fn predicted_share(run: &Record, label: &str) -> Result<f64> {
    let (tree, now) = places(&run.config, label)?;
    let before: Vec<usize> = (0..now.len()).collect();
    Ok(closest_share(&tree, &before, &now))
}

/// A claim on the least `D_ocs` in a stretch.
fn closest<'a>(id: &str, sentence: &str, runs: &[&'a Record], label: &str) -> Draft<'a> {
    let of = |run: &Record| Some(Passage::of(run, label)?.closest()[0]);
    let quantity = format!("least D_ocs / V_target, {label}");
    claim(id).says(sentence).of(runs).measures(&quantity, of)
}

/// It passes through the OCS while targets are far.
fn passes(id: &str, sentence: &str, runs: &[&Record], label: &str) -> Claim {
    let is_far =
        |run: &&Record| Passage::of(run, label).is_some_and(|passage| passage.closest()[1] >= FAR);
    let words = format!("{{}} with D_target >= {FAR} V_target at that moment, in every run");
    closest(id, sentence, runs, label).also(runs.iter().all(is_far)).each(at_most(NEAR), &words)
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = vec![
        passes(
            "a-reversal-passes-through-the-ocs-without-biases",
            "Relearning reversed contrasts passes through the OCS without biases, at every depth: all contrasts cross zero while \
             the constant stays.",
            &with(runs, REVERSED, " and no biases", |config| config.network.bias == Bias::None)?,
            REVERSED,
        ),
        passes(
            "a-reversal-passes-through-the-ocs-with-biases",
            "With biases it does so too.",
            &with(runs, REVERSED, " and biases", |config| config.network.bias != Bias::None)?,
            REVERSED,
        ),
    ];
    claims.extend(permutations(runs)?);
    claims.extend(visits(runs)?);
    claims.extend(sign_changes(runs)?);
    claims.extend(turned(runs)?);
    claims.push(follows_theory(runs)?);
    Ok(claims)
}

/// Switches that keep contrasts, or all.
fn permutations(runs: &RunFolder) -> Result<[Claim; 5]> {
    let all = |label| with(runs, label, "", |_| true);
    let (permuted, siblings, same) = (all(PERMUTED)?, all(SIBLINGS)?, all(SAME)?);
    let near = |share: f64| -> (Bound, String) {
        (within_percent(5.0, share), format!("{{}} of (1 + rho) / 2 = {share:.4}, in every run"))
    };
    let of_permuted = near(predicted_share(permuted[0], PERMUTED)?);
    let of_siblings = near(predicted_share(siblings[0], SIBLINGS)?);
    let errors = [PERMUTED, REVERSED].map(|label| {
        permuted.iter().map(move |run| Some(Passage::of(run, label)?.largest_mean_error()))
    });
    Ok([
        closest(
            "a-permutation-does-not-pass-through-the-ocs",
            "Relearning items that have exchanged halves does not pass through the OCS, although no item keeps a label.",
            &permuted,
            PERMUTED,
        )
        .control()
        .each(above(NEAR), "in every run"),
        closest(
            "a-permutation-comes-as-near-as-its-labels-differ",
            "How near the OCS relearning comes is what old and new contrasts have in common, at every depth.",
            &permuted,
            PERMUTED,
        )
        .each(of_permuted.0, &of_permuted.1),
        claim("the-constant-stays")
            .says("Through permutation and reversal the mean response stays at the OCS: M says nothing.")
            .values("largest M / ||ybar||", errors.into_iter().flatten())
            .each(at_most(STAYS), "in each stretch"),
        closest(
            "exchanged-siblings-keep-the-upper-levels",
            "Relearning exchanged siblings leaves the upper levels where they are.",
            &siblings,
            SIBLINGS,
        )
        .control()
        .each(of_siblings.0, &of_siblings.1),
        closest(
            "the-same-tree-again-leaves-nothing-to-relearn",
            "The same tree again moves nothing.",
            &same,
            SAME,
        )
        .control()
        .also(same.iter().all(|run| {
            Passage::of(run, SAME).is_some_and(|passage| passage.farthest_from_targets() <= STAYS)
        }))
        .each(at_least(1.0 - STAYS), &format!("{{}} and D_target <= {STAYS} V_target, in every run")),
    ])
}

/// How long networks stay at the OCS.
fn visits(runs: &RunFolder) -> Result<[Claim; 2]> {
    const QUANTITY: &str = "ln(leaves/comes), reversed";
    let length = |run: &Record| {
        let [comes, leaves] = Passage::of(run, REVERSED)?.visit()?;
        Some((leaves / comes).ln())
    };
    let shallow = with(runs, REVERSED, " and one layer", |config| config.network.n_layers() == 1)?;
    let deep =
        with(runs, REVERSED, " and two layers or more", |config| config.network.n_layers() > 1)?;
    let [comes, leaves] = one_layers_visit(1.0 / shallow[0].config.task.n_items() as f64, NEAR);
    let predicted = (leaves / comes).ln();
    let least = LONGER * predicted;
    Ok([
        claim("one-layer-passes-in-a-time-that-nothing-sets")
            .says("One layer goes straight through the OCS, in a time that depends on no weight.")
            .of(&shallow)
            .measures(QUANTITY, length)
            .each(within_percent(3.0, predicted), &format!("{{}} of {predicted:.3}, in every run")),
        claim("deeper-networks-stay-at-the-ocs")
            .says("Deeper networks, whose layers have to go back to where they started, stay there for longer.")
            .of(&deep)
            .measures(QUANTITY, length)
            .each(
                above(least),
                &format!("{{}} = {LONGER} times that of one layer, in every run"),
            ),
    ])
}

fn sign_changes(runs: &RunFolder) -> Result<[Claim; 2]> {
    let of_depth = |n_layers: usize| {
        with(runs, REVERSED, &format!(" and {n_layers} layers"), |config| {
            config.network.n_layers() == n_layers
        })
    };
    let (shallow, deep) = (of_depth(1)?, of_depth(2)?);
    let n_items = shallow[0].config.task.n_items() as f64;
    let errors = |runs: &[&Record], predicted: &dyn Fn(&Config, usize) -> Option<f64>| {
        let of_level = |run: &Record, level: usize| {
            let found = Passage::of(run, REVERSED)?.sign_change(level)?;
            Some((found / predicted(&run.config, level)? - 1.0).abs())
        };
        let mut errors = Vec::new();
        for run in runs {
            errors.extend(LEVELS.map(|level| of_level(run, level)));
        }
        errors
    };
    const QUANTITY: &str = "relative error of the times at which levels 1 to 3 cross zero";
    Ok([
        claim("one-layer-turns-all-signs-at-once")
            .says("In one layer the contrasts of all levels cross zero at time N ln 2.")
            .values(QUANTITY, errors(&shallow, &|_, _| Some(n_items * 2f64.ln())))
            .each(at_most(0.01), "each"),
        claim("two-layers-turn-signs-level-by-level")
            .says(
                "In two layers each level crosses zero when the flow of its own mode does, from weights of mean size: upper levels \
                 first.",
            )
            .values(QUANTITY, errors(&deep, &predicted_sign_change))
            .each(at_most(0.1), "each"),
    ])
}

/// The mean target turned too.
fn turned(runs: &RunFolder) -> Result<[Claim; 3]> {
    let biased = with(runs, TURNED, " and biases", |config| config.network.bias != Bias::None)?;
    let without = with(runs, TURNED, " and no biases", |config| config.network.bias == Bias::None)?;
    let shallow: Vec<&Record> =
        without.iter().copied().filter(|run| run.config.network.n_layers() == 1).collect();
    let first = shallow.first().context("one layer was run without biases")?;
    let passage = Passage::of(first, TURNED).context("it came to its last phase")?;
    let mean_square = norm(&passage.stretch.ocs).powi(2);
    let predicted = mean_square / (mean_square + passage.stretch.target_variance);
    Ok([
        passes(
            "turned-signs-pass-through-the-new-ocs-with-biases",
            "Where the mean target turns its sign too, networks with biases pass through the new OCS.",
            &biased,
            TURNED,
        ),
        closest(
            "turned-signs-do-not-without",
            "Networks without biases do not: the constant has to leave zero together with the top split.",
            &without,
            TURNED,
        )
        .control()
        .each(above(NEAR), "in every run"),
        closest(
            "one-layer-without-biases-turns-on-a-straight-line",
            "One layer without biases goes from -y to y on a straight line, which passes the new OCS at a distance.",
            &shallow,
            TURNED,
        )
        .each(
            within_percent(2.0, predicted),
            &format!("{{}} of ||ybar||^2 / <||y||^2> = {predicted:.4}, in every run"),
        ),
    ])
}

/// Runs of the seed that theory answers for.
fn follows_theory(runs: &RunFolder) -> Result<Claim> {
    let mut misses = Vec::new();
    for theory in &runs.theories {
        let Some(run) = runs.records.iter().find(|run| {
            run.condition == theory.condition && theory.config.seeds.first() == Some(&run.seed)
        }) else {
            continue;
        };
        let theory = runs.theory_along(run)?;
        let pairs = run.curves.distance_to_ocs.iter().zip(&theory.curves.distance_to_ocs);
        let gaps = pairs.map(|(one, other)| (one - other).abs() / run.target_variance);
        misses.push(gaps.reduce(f64::max));
    }
    Ok(claim("distances-are-theorys-through-all-phases")
        .says("D_ocs is that of the flow restarted from the weights that it left, through all phases.")
        .values("largest |D_ocs - theory| / V_target", misses)
        .each(at_most(0.05), "in each condition"))
}
