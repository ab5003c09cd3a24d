use ndarray::{Array1, Array2};
use ocs::config::Tree;
use ocs::metrics::{Judge, ModeReader};
use ocs::task::Hierarchy;
use ocs::theory::BalancedTree;
use proptest::prelude::*;

/// Balanced trees of up to three levels.
fn branchings() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(2usize..4, 1..4)
}

/// Uneven trees over consecutive items.
fn trees() -> impl Strategy<Value = Hierarchy> {
    prop::collection::vec(prop::collection::vec(1usize..4, 1..4), 2..4).prop_map(|shape| {
        let mut next = 0;
        let mut leaf = || {
            next += 1;
            Tree::Leaf(next - 1)
        };
        let node = |size: &usize, leaf: &mut dyn FnMut() -> Tree| match size {
            1 => leaf(),
            size => Tree::Node((0..*size).map(|_| leaf()).collect()),
        };
        let branches = shape
            .iter()
            .map(|branch| Tree::Node(branch.iter().map(|size| node(size, &mut leaf)).collect()));
        Hierarchy::nested(&Tree::Node(branches.collect()))
    })
}

/// A judge over one sample per item with these weights, and responses of any size.
fn judged(tree: &Hierarchy, numbers: &[f64], weights: &[f64]) -> (Judge, Array2<f64>, Array1<f64>) {
    let (n_items, n_labels) = (tree.n_items(), tree.n_labels());
    let weights = &weights[..n_items];
    let total: f64 = weights.iter().sum();
    let probabilities: Array1<f64> = weights.iter().map(|weight| weight / total).collect();
    let ocs = probabilities.dot(&tree.targets());
    let judge =
        Judge::new(tree.targets(), (0..n_items).collect(), weights, ocs, tree.level_columns());
    let responses = Array2::from_shape_fn((n_items, n_labels), |(i, k)| {
        numbers[(i * n_labels + k) % numbers.len()]
    });
    (judge, responses, probabilities)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn distance_to_the_ocs_splits_into_mean_error_and_input_dependence(
        tree in trees(),
        numbers in prop::collection::vec(-2.0..2.0f64, 97),
        weights in prop::collection::vec(0.01..1.0f64, 64),
    ) {
        let (judge, responses, _) = judged(&tree, &numbers, &weights);
        let judgement = judge.judge(responses.view());
        let sum = judgement.mean_output_error.powi(2) + judgement.input_dependence;
        prop_assert!((judgement.distance_to_ocs - sum).abs() < 1e-10);
        prop_assert!(judgement.distance_to_targets >= 0.0);
    }

    #[test]
    fn no_constant_is_closer_to_the_targets_than_the_ocs(
        tree in trees(),
        numbers in prop::collection::vec(-2.0..2.0f64, 97),
        weights in prop::collection::vec(0.01..1.0f64, 64),
    ) {
        let (judge, responses, probabilities) = judged(&tree, &numbers, &weights);
        let repeated = |row: &Array1<f64>| Array2::from_shape_fn(responses.dim(), |(_, k)| row[k]);
        let constant = repeated(&responses.row(0).to_owned());
        let ocs = repeated(&probabilities.dot(&tree.targets()));
        let best = judge.judge(ocs.view());
        prop_assert!((best.distance_to_targets - judge.target_variance()).abs() < 1e-10);
        prop_assert!(judge.judge(constant.view()).distance_to_targets >= best.distance_to_targets - 1e-12);
    }

    #[test]
    fn closed_forms_of_rates_are_the_metric_of_the_responses(
        branching in branchings(),
        fractions in prop::collection::vec(0.0..1.0f64, 4),
    ) {
        // (2d) holds where no response is clipped: fractions that fall with the level, as in learning.
        let mut fractions = fractions[..=branching.len()].to_vec();
        fractions.sort_by(|a, b| b.total_cmp(a));
        let tree = BalancedTree::new(&branching);
        let hierarchy = Hierarchy::balanced(&branching);
        let responses = tree.responses(&fractions);
        prop_assume!(responses.iter().all(|value| (-1e-12..=1.0 + 1e-12).contains(value)));
        let (judge, _, _) = judged(&hierarchy, &[0.0], &vec![1.0; hierarchy.n_items()]);
        let judgement = judge.judge(responses.view());
        for level in 1..=branching.len() {
            let negative = judgement.true_negative_rate[level - 1].unwrap();
            let positive = judgement.true_positive_rate[level - 1].unwrap();
            prop_assert!((negative - tree.true_negative_rate(level, &fractions).unwrap()).abs() < 1e-10);
            prop_assert!((positive - tree.true_positive_rate(level, &fractions)).abs() < 1e-10);
        }
        prop_assert!((judgement.input_dependence - tree.input_dependence(&fractions[1..])).abs() < 1e-10);
        let mean_error = (1.0 - fractions[0]).abs() * tree.ocs_norm();
        prop_assert!((judgement.mean_output_error - mean_error).abs() < 1e-10);
    }

    #[test]
    fn mode_strengths_are_read_back_from_responses(
        branching in branchings(),
        fractions in prop::collection::vec(0.0..1.5f64, 4),
    ) {
        let tree = BalancedTree::new(&branching);
        let hierarchy = Hierarchy::balanced(&branching);
        let n = tree.n_items();
        let reader = ModeReader::new(&hierarchy.targets(), &hierarchy.level_columns(), [1.0 / n, 1.0 / n]);
        let strengths = reader.strengths(&tree.responses(&fractions[..=branching.len()]));
        for (level, strength) in strengths.iter().enumerate() {
            // On one-hot inputs a mode is learned at strength sqrt(g).
            prop_assert!((strength - fractions[level] * tree.gain(level).sqrt()).abs() < 1e-9);
        }
    }
}

#[test]
fn rates_at_the_ocs_are_the_known_floors() {
    for (branching, floors) in
        [(vec![2, 2, 2], vec![0.5, 0.75, 0.875]), (vec![3, 3], vec![2.0 / 3.0, 8.0 / 9.0])]
    {
        let tree = Hierarchy::balanced(&branching);
        let (judge, responses, probabilities) = judged(&tree, &[0.0], &vec![1.0; tree.n_items()]);
        let ocs = probabilities.dot(&tree.targets());
        let constant = Array2::from_shape_fn(responses.dim(), |(_, k)| ocs[k]);
        let rates = judge.judge(constant.view()).true_negative_rate;
        for (rate, floor) in rates.iter().zip(floors) {
            assert!((rate.unwrap() - floor).abs() < 1e-12);
        }
    }
}
