//! M^2, V and distances of marks have no bias; the plain ones have, and a split into halves is what V stands for.

use ndarray::{Array2, Axis};
use ocs::human::{Estimates, Sums, Taught};
use ocs::metrics::Judge;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::taught;

/// Trials, item and responses each.
type Trials = Vec<(usize, Vec<f64>)>;

const NAMES: [&str; 4] = ["M^2", "V", "D_ocs", "D_target"];

fn judged(taught: &Taught, responses: &Array2<f64>) -> [f64; 4] {
    let judge = Judge::new(
        taught.targets.clone(),
        (0..taught.n_items()).collect(),
        taught.frequencies.as_slice().unwrap(),
        taught.ocs.clone(),
        taught.levels.clone(),
    );
    let judgement = judge.judge(responses.view());
    let error = judgement.mean_output_error;
    [
        error * error,
        judgement.input_dependence,
        judgement.distance_to_ocs,
        judgement.distance_to_targets,
    ]
}

fn estimated(taught: &Taught, trials: &Trials) -> Option<[f64; 4]> {
    let sums = Sums::of(taught, trials.iter().map(|(item, responses)| (*item, &responses[..])));
    let Estimates {
        mean_output_error_squared,
        input_dependence,
        distance_to_ocs,
        distance_to_targets,
    } = sums.estimates(taught)?;
    Some([mean_output_error_squared, input_dependence, distance_to_ocs, distance_to_targets])
}

/// Means of each item's trials, put where a network's responses go.
fn plain(taught: &Taught, trials: &Trials) -> [f64; 4] {
    let mut means = Array2::zeros(taught.targets.dim());
    for item in 0..taught.n_items() {
        let own: Vec<&Vec<f64>> =
            trials.iter().filter(|(other, _)| *other == item).map(|(_, own)| own).collect();
        for label in 0..taught.n_labels() {
            let given = own.iter().map(|responses| responses[label]).filter(|it| !it.is_nan());
            let (count, sum) = given.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
            means[[item, label]] = sum / count;
        }
    }
    judged(taught, &means)
}

/// Mean, and standard error, of each number.
fn summary(draws: &[[f64; 4]]) -> [(f64, f64); 4] {
    let n = draws.len() as f64;
    [0, 1, 2, 3].map(|of| {
        let mean = draws.iter().map(|draw| draw[of]).sum::<f64>() / n;
        let variance = draws.iter().map(|draw| (draw[of] - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    })
}

/// Draws blocks with so many trials of each item, and holds the means of estimates to the truth within five standard errors.
fn unbiased(
    tree: &str,
    counts: impl Fn(usize) -> usize,
    mut respond: impl FnMut(f64, &mut ChaCha8Rng) -> f64,
) {
    const DRAWS: usize = 4000;
    let taught = taught(tree);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    // Half learned, and not alike for all items.
    let probabilities = Array2::from_shape_fn(taught.targets.dim(), |(item, label)| {
        let known = 0.1 + 0.05 * item as f64;
        let wild: f64 = random.random_range(-0.1..0.1);
        (taught.ocs[label] + known * (taught.targets[[item, label]] - taught.ocs[label]) + wild)
            .clamp(0.02, 0.98)
    });
    let truth = judged(&taught, &probabilities);
    let (mut estimates, mut plain_ones) = (Vec::new(), Vec::new());
    for _ in 0..DRAWS {
        let mut trials: Trials = Vec::new();
        for item in 0..taught.n_items() {
            for _ in 0..counts(item) {
                let row = probabilities.row(item);
                trials.push((item, row.iter().map(|&p| respond(p, &mut random)).collect()));
            }
        }
        if let Some(estimate) = estimated(&taught, &trials) {
            estimates.push(estimate);
            plain_ones.push(plain(&taught, &trials));
        }
    }
    assert!(estimates.len() > DRAWS * 9 / 10);
    for (of, (mean, error)) in summary(&estimates).into_iter().enumerate() {
        let name = NAMES[of];
        assert!((mean - truth[of]).abs() < 5.0 * error, "{name}: {mean} {} {error}", truth[of]);
    }
    // The same check notices plain squares.
    for (of, (mean, error)) in summary(&plain_ones).into_iter().enumerate() {
        assert!(mean - truth[of] > 20.0 * error, "{}: {mean} {} {error}", NAMES[of], truth[of]);
    }
}

fn mark(probability: f64, random: &mut ChaCha8Rng) -> f64 {
    f64::from(u8::from(random.random_bool(probability)))
}

const TREE: &str = "task: {branching: [2, 2, 2]}\n";

#[test]
fn estimates_of_marks_have_no_bias_and_plain_squares_fail_the_same_test() {
    unbiased(TREE, |_| 5, mark);
}

#[test]
fn nor_have_those_of_two_trials_an_item_or_of_unequal_items() {
    unbiased(TREE, |_| 2, mark);
    let uneven = "task: {tree: [[0, 1, 2], [3, [4, 5]]], frequencies: [1, 1, 2, 3, 1, 1]}\n";
    unbiased(uneven, |item| 2 + item % 3, mark);
}

#[test]
fn nor_have_those_of_graded_or_missing_responses() {
    // Between 0 and 1, with the mean p.
    unbiased(
        TREE,
        |_| 3,
        |p, random| {
            let spread = p.min(1.0 - p);
            p + spread * random.random_range(-1.0..1.0)
        },
    );
    unbiased(
        TREE,
        |_| 6,
        |p, random| match random.random_bool(0.1) {
            true => f64::NAN,
            false => mark(p, random),
        },
    );
}

#[test]
fn v_is_the_mean_over_all_splits_into_halves() {
    let taught = taught("task: {branching: [2, 2]}\n");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let trial = |item: usize, random: &mut ChaCha8Rng| {
        (item, (0..6).map(|_| random.random_range(0.0..1.0)).collect::<Vec<f64>>())
    };
    let trials: Trials = (0..8).map(|at| trial(at / 2, &mut random)).collect();
    // Two trials an item: each split says for each item which of them is in the first half.
    let mut total = 0.0;
    for split in 0..16usize {
        let half = |which: usize| {
            let mut means = Array2::zeros((4, 6));
            for item in 0..4 {
                let first = 2 * item + (split >> item & 1);
                let chosen = if which == 0 { first } else { 4 * item + 1 - first };
                means.row_mut(item).assign(&ndarray::ArrayView1::from(&trials[chosen].1));
            }
            let mean = means.mean_axis(Axis(0)).unwrap();
            means - &mean
        };
        total += (half(0) * half(1)).sum() / 4.0;
    }
    let [_, v, ..] = estimated(&taught, &trials).unwrap();
    assert!((v - total / 16.0).abs() < 1e-12, "{v} {}", total / 16.0);
}

#[test]
fn what_is_answered_alike_without_noise_is_judged_as_a_network_is() {
    let taught = taught(TREE);
    let responses = Array2::from_shape_fn(taught.targets.dim(), |(item, label)| {
        0.3 + 0.4 * taught.targets[[item, label]] + 0.01 * item as f64
    });
    let trials: Trials =
        (0..24).map(|trial| (trial % 8, responses.row(trial % 8).to_vec())).collect();
    let found = estimated(&taught, &trials).unwrap();
    for (found, judged) in found.into_iter().zip(judged(&taught, &responses)) {
        assert!((found - judged).abs() < 1e-12, "{found} {judged}");
    }
}

#[test]
fn a_block_without_an_item_or_with_each_once_tells_nothing() {
    let taught = taught(TREE);
    let once: Trials = (0..8).map(|item| (item, vec![1.0; 14])).collect();
    assert_eq!(estimated(&taught, &once), None);
    let without: Trials = (0..14).map(|trial| (trial % 7, vec![1.0; 14])).collect();
    assert_eq!(estimated(&taught, &without), None);
    // One item that was shown once borrows the others' variance.
    let nearly: Trials = (0..15).map(|trial| (trial % 8, vec![1.0; 14])).collect();
    assert!(estimated(&taught, &nearly).is_some());
}
