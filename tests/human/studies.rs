//! Visits to the OCS are found where they are, and not where they are not.

use ocs::config::HumanConfig;
use ocs::human::{Course, Learner, Network, Studies, Taught, simulate};
use ocs::metrics::Curves;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::taught;

const TREE: &str = "task: {branching: [2, 2, 2]}\n";

/// Share of studies of ten participants that show a visit.
fn visits(learner: &Learner, shuffled: bool) -> f64 {
    let taught = taught(TREE);
    let human = HumanConfig::default();
    let studies = Studies {
        learner,
        taught: &taught,
        human: &human,
        studies: 20,
        block: 40,
        seed: 100,
        shuffled,
    };
    let power = studies.power(10, || ());
    power.tests.iter().find(|test| test.id == "visits-the-ocs-first").unwrap().share.unwrap()
}

#[test]
fn a_rare_item_that_comes_once_in_a_block_is_told_and_too_many_items_are_refused() {
    let config = "task: {branching: [2, 2], frequencies: [1, 3, 3, 3]}\n";
    let scene =
        super::Scene::new(&[("rare.yaml", config), ("many.yaml", "task: {branching: [65536]}\n")]);
    scene.human("simulate rare.yaml --learner ideal --participants 4 --out people");
    let told =
        |block: usize| scene.human(&format!("analyse people --config rare.yaml --block {block}")).2;
    assert!(told(10).contains("less than twice in a block of 10"), "{}", told(10));
    assert!(told(10).contains("--block of 20 or more"), "{}", told(10));
    assert!(!told(20).contains("less than twice"), "{}", told(20));
    for command in ["simulate many.yaml --learner ideal --participants 4", "task many.yaml"] {
        let (status, _, stderr) = scene.human(&format!("{command} --out many"));
        assert!(status == 2 && stderr.contains("65536 items"), "{stderr}");
    }
}

#[test]
fn a_visit_is_found_where_there_is_one_and_in_no_control() {
    assert!(visits(&Learner::Ideal, false) >= 0.9);
    assert!(visits(&Learner::Ideal, true) <= 0.05);
    assert!(visits(&Learner::NoPhase, false) <= 0.05);
    assert!(visits(&Learner::Random, false) <= 0.05);
}

/// A run that answers so much of every label from the first observation to the last.
fn network(taught: &Taught, of: impl Fn(usize, usize, usize) -> f64) -> Learner {
    let steps = [0u64, 10, 100];
    let items = (0..taught.n_items())
        .map(|item| {
            let label = |label| (0..steps.len()).map(|at| of(item, label, at)).collect();
            (0..taught.n_labels()).map(label).collect()
        })
        .collect();
    let curves = Curves { step: steps.to_vec(), item_responses: Some(items), ..Curves::default() };
    let network = Network::of("run.json".into(), curves, &[2, 4, 8], taught).unwrap();
    Learner::Networks(vec![network])
}

#[test]
fn a_networks_responses_are_probabilities_from_its_first_step_to_its_last() {
    let taught = taught(TREE);
    // Beyond 0 and 1 they are clipped.
    let learner = network(&taught, |item, _, at| [-0.5, 0.25, 1.5][at] * (1.0 + item as f64 / 8.0));
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let course = Course::new(&learner, &taught, 101, 0, &mut random);
    assert_eq!(course.probabilities(0, 0)[3], 0.0);
    assert_eq!(course.probabilities(10, 0)[3], 0.25);
    assert!((course.probabilities(10, 4)[3] - 0.375).abs() < 1e-12);
    assert_eq!(course.probabilities(100, 0)[13], 1.0);
    let between = course.probabilities(30, 0)[0];
    // Halfway between 11 and 101 in logarithms of 1 + step.
    let share = (31f64 / 11.0).ln() / (101f64 / 11.0).ln();
    assert!((between - (0.25 + share * 1.25)).abs() < 1e-12, "{between}");
    let Err(error) = Network::of("run.json".into(), Curves::default(), &[2, 4], &taught) else {
        panic!("another tree is taken");
    };
    assert!(error.to_string().contains("levels of [2, 4]"), "{error}");
}

#[test]
fn marks_come_as_often_as_a_learner_says_and_items_as_often_as_the_task() {
    let taught = taught("task: {branching: [2, 2, 2], frequencies: [4, 1, 1, 1, 1, 1, 1, 2]}\n");
    let learner = network(&taught, |_, label, _| 0.05 * label as f64);
    let human = HumanConfig { days: 2, blocks: 5, trials: Some(50), ..HumanConfig::default() };
    let trials = simulate(&learner, &taught, &human, 40, 3);
    assert_eq!(trials.trials.len(), 40 * 500);
    let of_item = |item: u32| trials.trials.iter().filter(|trial| trial.item == item).count();
    for (item, weight) in [4, 1, 1, 1, 1, 1, 1, 2].into_iter().enumerate() {
        let expected = 40.0 * 500.0 * f64::from(weight) / 12.0;
        // Over ten blocks what is left of an item is at most one trial.
        assert!((of_item(item as u32) as f64 - expected).abs() <= 40.0, "{item}");
    }
    for label in 0..14 {
        let marks: f64 = (0..trials.trials.len()).map(|at| trials.responses(at)[label]).sum();
        let share = marks / trials.trials.len() as f64;
        // Five standard errors.
        let error = 5.0 * (0.25 / trials.trials.len() as f64).sqrt();
        assert!((share - 0.05 * label as f64).abs() < error, "{label}: {share}");
    }
    let days: Vec<u64> = trials.trials[..500].iter().map(|trial| trial.day).collect();
    assert!(days.is_sorted() && days[249] == 1 && days[250] == 2);
    assert!(trials.trials[..250].iter().map(|trial| trial.trial).eq(0..250));
}

#[test]
fn an_ideal_learner_begins_with_nothing_comes_to_the_ocs_and_ends_with_the_targets() {
    let taught = taught(TREE);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mean = |learner: &Learner, share: f64, item: usize, random: &mut ChaCha8Rng| {
        let all: Vec<_> = (0..200)
            .map(|number| {
                let course = Course::new(learner, &taught, 1000, number, random);
                course.probabilities((share * 999.0) as usize, item)
            })
            .collect();
        all.iter().fold(ndarray::Array1::zeros(14), |sum, one| sum + one) / 200.0
    };
    let far = |one: &ndarray::Array1<f64>, other: ndarray::ArrayView1<f64>| {
        (one - &other).iter().map(|gap| gap.abs()).fold(0.0, f64::max)
    };
    for item in [0, 5] {
        let target = taught.targets.row(item);
        assert!(
            far(&mean(&Learner::Ideal, 0.0, item, &mut random), ndarray::Array1::zeros(14).view())
                < 0.1
        );
        assert!(far(&mean(&Learner::Ideal, 0.14, item, &mut random), taught.ocs.view()) < 0.1);
        assert!(far(&mean(&Learner::Ideal, 1.0, item, &mut random), target) < 0.15);
        // Without the phase, absent labels of the top level are never marked but by lapses.
        for share in [0.0, 0.14, 0.5, 1.0] {
            let answered = mean(&Learner::NoPhase, share, item, &mut random);
            let absent = 1 - item / 4;
            assert!(answered[absent] < 0.021, "{share}: {answered}");
        }
    }
}

#[test]
fn fewer_than_five_participants_decide_nothing() {
    let taught = taught(TREE);
    let human = HumanConfig::default();
    let holds = |participants: usize| {
        let learner = Learner::Ideal;
        let studies = Studies {
            learner: &learner,
            taught: &taught,
            human: &human,
            studies: 3,
            block: 40,
            seed: 7,
            shuffled: false,
        };
        let power = studies.power(participants, || ());
        power.tests.iter().find(|test| test.id == "top-level-dip").unwrap().share
    };
    assert_eq!((holds(4), holds(5)), (None, Some(1.0)));
}
