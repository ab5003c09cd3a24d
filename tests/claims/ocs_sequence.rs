use std::ops::Range;

use super::spoil::{run, theory};
use super::{Case, breaks};
use ocs::metrics::Curves;
use ocs::record::RunFolder;

/// Curves of a stretch, its moments, and the unit of its distances.
type Change = fn(&mut Curves, Range<usize>, f64);

/// Changes a stretch of a condition's run, and of its theory alike.
fn both(runs: &mut RunFolder, condition: &str, label: &str, change: Change) {
    let found = run(runs, condition);
    let index = found.stretches.iter().position(|stretch| stretch.label == label).unwrap();
    let unit = found.stretches[index].target_variance;
    let moments = found.moments_of_stretches()[index].clone();
    change(&mut found.curves, moments.clone(), unit);
    change(&mut theory(runs, condition).curves, moments, unit);
}

fn away(share: f64) -> impl Fn(&mut Curves, Range<usize>, f64) {
    move |curves, moments, unit| {
        for distance in &mut curves.distance_to_ocs[moments] {
            *distance = distance.max(share * unit);
        }
    }
}

/// The nearest moment so near.
fn near(share: f64) -> impl Fn(&mut Curves, Range<usize>, f64) {
    move |curves, moments, unit| {
        let distances = &mut curves.distance_to_ocs[moments];
        let nearest = distances.iter_mut().min_by(|one, other| one.total_cmp(other)).unwrap();
        *nearest = share * unit;
    }
}

/// Targets that are hardly far any more.
fn at_targets(curves: &mut Curves, moments: Range<usize>, unit: f64) {
    for distance in &mut curves.distance_to_targets[moments] {
        *distance = distance.min(0.49 * unit);
    }
}

/// The last moment near the OCS, and moments of a stretch with the times since it began.
fn leaves(curves: &Curves, moments: &Range<usize>, unit: f64) -> f64 {
    let start = curves.time[moments.start - 1];
    let is_near = |moment: &usize| curves.distance_to_ocs[*moment] <= 0.1 * unit;
    curves.time[moments.clone().rev().find(is_near).unwrap()] - start
}

/// The network comes to the OCS so late that it stays hardly longer than one layer does.
fn comes_late(curves: &mut Curves, moments: Range<usize>, unit: f64) {
    let comes = leaves(curves, &moments, unit) * f64::exp(-1.34);
    let start = curves.time[moments.start - 1];
    for moment in moments {
        if curves.time[moment] - start < comes {
            curves.distance_to_ocs[moment] = curves.distance_to_ocs[moment].max(0.101 * unit);
        }
    }
}

/// Level 2 crosses zero later.
fn turns_late(curves: &mut Curves, moments: Range<usize>, _: f64) {
    let start = curves.time[moments.start - 1];
    let strengths = &mut curves.mode_strengths.as_mut().unwrap()[2];
    let turn = moments.clone().find(|&moment| strengths[moment] >= 0.0).unwrap();
    let late = 1.18 * (curves.time[turn] - start);
    for moment in moments.filter(|&moment| curves.time[moment] - start < late) {
        strengths[moment] = strengths[moment].min(-1e-9);
    }
}

pub fn cases() -> Vec<Case> {
    const STAY: &str = "deeper-networks-stay-at-the-ocs";
    const AS_NEAR: &str = "a-permutation-comes-as-near-as-its-labels-differ";
    const SAME: &str = "the-same-tree-again-leaves-nothing-to-relearn";
    let mut cases = Vec::new();
    for (bias, how) in [("none", "without"), ("all", "with")] {
        let passes = format!("a-reversal-passes-through-the-ocs-{how}-biases");
        cases.push(
            breaks(&*passes, move |runs| {
                both(runs, &format!("3-layers-{bias}"), "reversed", |c, m, u| away(0.101)(c, m, u));
            })
            .with(&[STAY]),
        );
        cases.push(breaks(passes, move |runs| {
            both(runs, &format!("2-layers-{bias}"), "reversed", at_targets);
        }));
    }
    cases.extend([
        breaks("a-permutation-does-not-pass-through-the-ocs", |runs| {
            both(runs, "3-layers-all", "permuted", |c, m, u| near(0.099)(c, m, u));
        })
        .with(&[AS_NEAR]),
        breaks(AS_NEAR, |runs| {
            both(runs, "1-layer-none", "permuted", |c, m, u| away(1.06 * 5.0 / 17.0)(c, m, u));
        }),
        breaks("the-constant-stays", |runs| {
            both(runs, "2-layers-none", "permuted", |curves, moments, _| {
                curves.mean_output_error[moments.start + 3] = 0.051 * f64::sqrt(7.0 / 8.0);
            });
        }),
        breaks("exchanged-siblings-keep-the-upper-levels", |runs| {
            both(runs, "2-layers-all-controls", "siblings", |c, m, u| {
                away(1.06 * 13.0 / 17.0)(c, m, u);
            });
        }),
        breaks(SAME, |runs| {
            both(runs, "1-layer-all-controls", "the same", |c, m, u| near(0.949)(c, m, u));
        }),
        breaks(SAME, |runs| {
            both(runs, "3-layers-none-controls", "the same", |curves, moments, unit| {
                curves.distance_to_targets[moments.start + 3] = 0.051 * unit;
            });
        }),
        breaks("one-layer-passes-in-a-time-that-nothing-sets", |runs| {
            both(runs, "1-layer-all", "reversed", |curves, moments, _| {
                curves.distance_to_ocs[moments].iter_mut().for_each(|distance| *distance *= 0.92);
            });
        }),
        breaks(STAY, |runs| both(runs, "3-layers-none", "reversed", comes_late)),
        breaks("one-layer-turns-all-signs-at-once", |runs| {
            both(runs, "1-layer-none", "reversed", |curves, moments, _| {
                let strengths = &mut curves.mode_strengths.as_mut().unwrap()[1][moments];
                let shift = 0.0104 * strengths.last().unwrap();
                strengths.iter_mut().for_each(|strength| *strength -= shift);
            });
        }),
        breaks("two-layers-turn-signs-level-by-level", |runs| {
            both(runs, "2-layers-none", "reversed", turns_late);
        }),
        breaks("turned-signs-pass-through-the-new-ocs-with-biases", |runs| {
            both(runs, "2-layers-all-controls", "signs turned", |c, m, u| away(0.101)(c, m, u));
        }),
        breaks("turned-signs-pass-through-the-new-ocs-with-biases", |runs| {
            both(runs, "1-layer-all-controls", "signs turned", at_targets);
        }),
        breaks("turned-signs-do-not-without", |runs| {
            both(runs, "2-layers-none-controls", "signs turned", |c, m, u| near(0.099)(c, m, u));
        }),
        breaks("one-layer-without-biases-turns-on-a-straight-line", |runs| {
            both(runs, "1-layer-none-controls", "signs turned", |c, m, u| {
                away(1.03 * 7.0 / 24.0)(c, m, u);
            });
        }),
        breaks("distances-are-theorys-through-all-phases", |runs| {
            let theory = theory(runs, "2-layers-all-controls");
            let moment = theory.moments_of_stretches()[2].start + 20;
            theory.curves.distance_to_ocs[moment] += 0.06 * theory.target_variance;
        }),
    ]);
    cases
}
