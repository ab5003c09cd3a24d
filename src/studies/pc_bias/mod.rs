//! Is the direction that inputs vary along most learned first?

mod analysis;
mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{
    Claim, above, at_least, at_most, below, between, claim, within, within_percent,
};
use crate::metrics::rank_correlation;
use crate::record::{Record, RunFolder};
use analysis::{
    Kind, Labelled, Side, accessibilities, by_data_set, by_width, depth, half_time_ratios,
    last_epoch, loss_error, map_error, mean, order, pick, range, share_of_ten, spread_errors,
    surroundings, width,
};

/// The study.
pub static STUDY: Study = Study {
    stem: "pc_bias",
    question: "Is the direction that inputs vary along most learned first?",
    source: "Hacohen, Weinshall 2022 (arXiv 2105.05553): the principal component bias of wide deep linear networks; the limits of its \
             law at infinite width, and critical components that all further ones keep right, are our own",
    config: include_str!("../../../configs/pc_bias.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: super::nothing_more,
    claims,
    page: page::page,
};

/// c_L of `e = c_L / sqrt(m)`, from independent simulation.
const CONSTANTS: [(usize, f64); 3] = [(2, 0.7), (3, 1.1), (5, 1.6)];
/// Spearman's correlation from which on half times follow variances.
const ORDERED: f64 = 0.93;
/// What e is.
const ERROR: &str = "e = largest ‖W − W of (B1)‖ / ‖W(0) − W_opt‖";
/// What is correlated in ReLU networks.
const ACCESSIBILITY: &str = "Spearman's correlation of accessibility and critical component";

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = law(runs)?;
    claims.extend(movement(runs)?);
    claims.extend(half_times(runs)?);
    claims.extend(start(runs)?);
    claims.extend(relu(runs)?);
    Ok(claims)
}

/// c_L of a run's depth.
fn constant(run: &Record) -> Option<f64> {
    CONSTANTS.iter().find(|(layers, _)| *layers as f64 == depth(run)).map(|(_, c)| *c)
}

/// e over `c_L / sqrt(m)`.
fn over_law(run: &Record) -> Option<f64> {
    Some(map_error(run)? * width(run).sqrt() / constant(run)?)
}

/// Runs of all depths that there are with such targets.
fn of_all_depths(runs: &RunFolder, small_targets: bool) -> Result<Vec<&Record>> {
    let mut all = Vec::new();
    for (depth, _) in CONSTANTS {
        // Small targets are learned by two and three layers.
        if !(small_targets && depth > 3) {
            all.extend(pick(runs, Kind::Lazy { depth, small_targets })?);
        }
    }
    Ok(all)
}

/// Mean e of four times the width over mean e, at each depth.
fn falls(runs: &RunFolder, small_targets: bool) -> Result<Vec<Option<f64>>> {
    let mut ratios = Vec::new();
    for (depth, _) in CONSTANTS {
        if small_targets && depth > 3 {
            continue;
        }
        let groups = by_width(runs, Kind::Lazy { depth, small_targets })?;
        for (width, narrow) in &groups {
            if let Some((_, wide)) = groups.iter().find(|(other, _)| *other == 4.0 * width) {
                let pair = mean(wide, map_error).zip(mean(narrow, map_error));
                ratios.push(pair.map(|(wide, narrow)| wide / narrow));
            }
        }
    }
    Ok(ratios)
}

/// The law, and how it comes nearer with the width.
fn law(runs: &RunFolder) -> Result<Vec<Claim>> {
    const EXACT: f64 = 1e-12;
    const TIMES: f64 = 1.6;
    const LEAST: f64 = 0.35;
    const MOST: f64 = 0.8;
    Ok(vec![
        claim("one-layer-is-exact")
            .says("One layer learns each principal component by itself, w_j − w_opt,j times 1 − η d_j at each step.")
            .of(&pick(runs, Kind::OneLayer)?)
            .measures(ERROR, map_error)
            .each(at_most(EXACT), "in every run"),
        claim("deep-networks-are-near")
            .says("So do several layers of m units from weights of variance 1/m, times 1 − η d_j L, the wider the nearer: e goes to 0 as c_L / √m.")
            .predicted()
            .of(&of_all_depths(runs, false)?)
            .measures("e √m / c_L, c = 0.7, 1.1 and 1.6 of 2, 3 and 5 layers", over_law)
            .each(at_most(TIMES), "in every run, L t <= 3"),
        claim("wider-is-nearer")
            .says("Four times the width brings a network nearer.")
            .values("mean e of 4 m units / of m", falls(runs, false)?)
            .each(between(LEAST, MOST), "at every depth"),
        claim("loss-of-wide-networks")
            .says("How far the loss is from what (B3) makes of it.")
            .of(&of_all_depths(runs, false)?)
            .measures("largest |loss − (B3)| / loss at the start", loss_error)
            .reported(),
    ])
}

/// What width does not take away is the layers' own movement: it goes with the targets.
fn movement(runs: &RunFolder) -> Result<Vec<Claim>> {
    const TIMES: f64 = 1.6;
    const HALF: f64 = 0.15;
    Ok(vec![
        claim("small-targets-are-near")
            .says("With targets ten times smaller e is as small as c_L / √m at every width.")
            .of(&of_all_depths(runs, true)?)
            .measures("e √m / c_L of small targets", over_law)
            .each(at_most(TIMES), "in every run, L t <= 3"),
        claim("small-targets-fall-as-root")
            .says("It falls as 1 / √m.")
            .values("mean e of 4 m units / of m, small targets", falls(runs, true)?)
            .each(within(HALF, 0.5), "at every depth"),
    ])
}

/// Half times of components.
fn half_times(runs: &RunFolder) -> Result<Vec<Claim>> {
    const SHORTEST: f64 = 0.6;
    const LONGEST: f64 = 1.15;
    const APART: f64 = 6.0;
    const ALIKE: f64 = 2.0;
    const FAILS: f64 = 0.9;
    let raw = pick(runs, Kind::Raw)?;
    let small = pick(runs, Kind::SmallStart)?;
    Ok(vec![
        claim("large-components-first")
            .says("The more inputs vary along a component, the sooner it is learned, whatever the targets.")
            .of(&raw)
            .measures("Spearman's correlation of half times and 1 / d_j", order)
            .each(at_least(ORDERED), "in every run"),
        claim("half-times")
            .says("Half times are ln 2 / (L d_j), or a little shorter along small components, once layers have grown.")
            .values("half time · L d_j / ln 2", raw.iter().flat_map(|run| half_time_ratios(run)))
            .each(between(SHORTEST, LONGEST), "for every component of every run"),
        claim("components-come-apart")
            .says("The last component takes as many times as long as it varies less.")
            .of(&raw)
            .measures("longest half time / shortest", range)
            .each(above(APART), "in every run"),
        claim("white-inputs-have-no-order")
            .says("On inputs of equal variances all components take as long.")
            .control()
            .of(&pick(runs, Kind::White)?)
            .measures("longest half time / shortest", range)
            .each(below(ALIKE), "in every run"),
        claim("small-start-has-another-law")
            .says("From a small start the law fails.")
            .control()
            .of(&small)
            .measures(ERROR, map_error)
            .each(above(FAILS), "in every run"),
        claim("small-start-has-another-order")
            .says("And half times no longer follow variances.")
            .control()
            .of(&small)
            .measures("Spearman's correlation of half times and 1 / d_j", order)
            .each(below(ORDERED), "in every run"),
    ])
}

/// Networks over their starts, and starts of networks.
fn start(runs: &RunFolder) -> Result<Vec<Claim>> {
    const OFF: f64 = 0.3;
    const PERCENT: f64 = 25.0;
    let two = by_width(runs, Kind::Lazy { depth: 2, small_targets: false })?;
    let spread: Vec<_> = two
        .iter()
        .find(|(width, _)| *width == 512.0)
        .map(|(_, runs)| spread_errors(runs))
        .unwrap_or_default();
    let three = by_width(runs, Kind::Lazy { depth: 3, small_targets: false })?;
    let of_side = |side| {
        let of = match side {
            Side::Above => |run: &Record| surroundings(run, Side::Above),
            Side::Below => |run: &Record| surroundings(run, Side::Below),
        };
        three.iter().map(|(_, runs)| mean(runs, of)).collect::<Vec<_>>()
    };
    Ok(vec![
        claim("networks-come-together")
            .says("Networks that start apart come together along each component as they learn it.")
            .values(
                "largest |standard deviation over networks / at the start − (1 − η d_j L)^s|",
                spread,
            )
            .each(at_most(OFF), "for every component; 2 layers of 512 units"),
        claim("surroundings-below")
            .says("At the start what lies below the last layer is I to within 2 √((L − 1) K / m), K inputs.")
            .values("mean ‖B_3 − I‖ / 2 √(2K/m)", of_side(Side::Below))
            .each(within_percent(PERCENT, 1.0), "{} of 1, for every width"),
        claim("surroundings-above")
            .says("And what lies above the first to within 2 √((L − 1) q / m), q outputs.")
            .values("mean ‖A_1 − I‖ / 2 √(2q/m)", of_side(Side::Above))
            .each(within_percent(PERCENT, 1.0), "{} of 1, for every width"),
    ])
}

/// Spearman's correlation of accessibility and critical component of a data set; critical components are those of `labelled`.
fn accessibility(
    sets: &[(u64, Vec<&Record>)],
    labelled: &[(u64, Vec<&Record>)],
) -> Vec<Option<f64>> {
    let of_set = |(seed, runs): &(u64, Vec<&Record>)| {
        let (_, own) = labelled.iter().find(|(other, _)| other == seed)?;
        rank_correlation(&accessibilities(runs, own.first()?)?)
    };
    sets.iter().map(of_set).collect()
}

/// Mean over all data sets.
fn mean_share(sets: &[(u64, Vec<&Record>)], epoch: usize) -> Option<f64> {
    let shares: Option<Vec<f64>> = sets.iter().map(|(_, runs)| share_of_ten(runs, epoch)).collect();
    let shares = shares.filter(|shares| !shares.is_empty())?;
    Some(shares.iter().sum::<f64>() / shares.len() as f64)
}

/// Accuracy on held-out samples at the end.
fn final_accuracy(run: &Record) -> Option<f64> {
    *run.series.get("accuracy")?.last().last()?
}

/// ReLU networks.
fn relu(runs: &RunFolder) -> Result<Vec<Claim>> {
    const CORRELATION: f64 = -0.5;
    const CHANCE: f64 = -0.2;
    const DROP: f64 = 0.2;
    const START: f64 = 0.15;
    const NEAR_CHANCE: f64 = 0.05;
    let [raw, white, shuffled] = [Labelled::Raw, Labelled::White, Labelled::Shuffled]
        .map(|labelled| by_data_set(runs, labelled));
    let (raw, white, shuffled) = (raw?, white?, shuffled?);
    let drop = |(_, runs): &(u64, Vec<&Record>)| {
        Some(share_of_ten(runs, 1)? - share_of_ten(runs, last_epoch(runs)?)?)
    };
    let accuracy = |(_, runs): &(u64, Vec<&Record>)| mean(runs, final_accuracy);
    let start = mean_share(&raw, 1).zip(mean_share(&white, 1)).map(|(raw, white)| raw - white);
    Ok(vec![
        claim("accessible-samples-need-few-components")
            .says("ReLU networks answer those samples right early that the first components tell right.")
            .values(ACCESSIBILITY, accessibility(&raw, &raw))
            .each(at_most(CORRELATION), "for every data set"),
        claim("first-components-carry-the-beginning")
            .says("After the first epoch the first ten components carry more of what is right than at the end.")
            .values("share of the accuracy above 1/2, epoch 1 − last", raw.iter().map(drop))
            .each(at_least(DROP), "for every data set"),
        claim("shuffled-labels-have-no-order")
            .says("Networks that learn shuffled labels answer no samples first.")
            .control()
            .values(ACCESSIBILITY, accessibility(&shuffled, &raw))
            .each(above(CHANCE), "for every data set"),
        claim("shuffled-labels-are-chance")
            .says("They are right by chance.")
            .control()
            .values("accuracy at the end, mean over networks", shuffled.iter().map(accuracy))
            .each(within(NEAR_CHANCE, 0.5), "for every data set"),
        claim("white-inputs-begin-with-all")
            .says("On inputs of equal variances ten components carry less of the beginning.")
            .control()
            .values("mean share after epoch 1 of raw inputs − of white ones", [start])
            .each(at_least(START), "over the data sets"),
        claim("easy-samples-stay-easy")
            .says("The correlation remains there: what is easy is so in any axes, and it is no sign of the bias by itself.")
            .values(ACCESSIBILITY, accessibility(&white, &white))
            .reported(),
    ])
}
