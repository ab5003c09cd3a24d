use ocs::config;
use ocs::metrics::{Curves, Phase, PhaseVerdict};
use ocs::record::{Record, Status, distinct_runs, path_of, read_json};
use ocs::sweep::train_all;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::reproducible_runs::options;

/// The record of seed 0 of a config with these keys.
fn record(keys: &[&str]) -> Record {
    let folder = tempfile::tempdir().unwrap();
    let overrides: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    let config = config::parse("name: phases\nseeds: [0]", "phases", &overrides).unwrap();
    train_all(&config, &options(folder.path()), &|_| ()).unwrap();
    read_json(&path_of(folder.path(), "default", 0)).unwrap()
}

fn is_near(a: Option<f64>, b: Option<f64>, distance: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= distance,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[test]
fn crossings_of_one_vector_per_item_do_not_depend_on_when_it_is_observed() {
    let networks = [
        "network.bias=none",
        "network.bias=input",
        "network.bias=all",
        "network={kind: mlp, hidden: [32], bias: all, initialisation: {normal: {std: 0.05}}}",
        "network={bias: output, initialisation: {normal: {std: 0.01}}}",
    ];
    for network in networks {
        for loss in ["half-squared-error", "binary-cross-entropy"] {
            let loss = format!("training.loss={loss}");
            let of = |observations: &str| {
                let rate = "training.learning_rate=0.04";
                record(&[network, &loss, rate, "training.steps=1000", observations])
            };
            // As many as there are steps: interpolation between neighbours.
            let exact = of("training.observations=100000");
            for observations in ["training.observations=2", "training.observations=10"] {
                let sparse = of(observations);
                let all = exact.phase_sensitivity.iter().zip(&sparse.phase_sensitivity);
                let all = all.map(|(one, other)| (&one.phase, &other.phase));
                for (one, other) in all.chain([(&exact.phase, &sparse.phase)]) {
                    let case = format!("{network}, {loss}, {observations}: {one:?}, {other:?}");
                    assert_eq!(one.verdict, other.verdict, "{case}");
                    // Half a step: single precision moves a crossing by some 1e-5 of it.
                    assert!(is_near(one.onset, other.onset, 0.02), "{case}");
                    assert!(is_near(one.end, other.end, 0.02), "{case}");
                }
            }
        }
    }
}

#[test]
fn ten_observations_of_a_network_without_biases_make_no_phase() {
    let record = record(&["network.bias=none", "training.observations=10"]);
    assert_eq!(record.phase.verdict, PhaseVerdict::NoPhase);
    assert!((record.phase.onset.unwrap() / 18.72 - 1.0).abs() < 5e-3, "{:?}", record.phase);
    assert!((record.phase.end.unwrap() / 15.34 - 1.0).abs() < 5e-3, "{:?}", record.phase);
}

#[test]
fn a_run_that_stops_early_has_no_verdict() {
    let phase = record(&["network.bias=all", "training.steps=1500"]).phase;
    assert_eq!((phase.verdict, phase.exists), (PhaseVerdict::Undecided, None));
    assert!(phase.onset.is_some() && phase.why.contains("training.steps"), "{phase:?}");
}

#[test]
fn conditions_with_other_numbers_of_items_train_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    // Nine inputs and twelve labels each; nine items and eight.
    let text = "name: items\nseeds: [0]\ntraining: {steps: 20}\nconditions:\n  \
                one: {task.inputs: one-hot, task.branching: [3, 3]}\n  \
                other: {task.inputs: correlated, task.branching: [4, 2]}";
    let config = config::parse(text, "items", &[]).unwrap();
    let summary = train_all(&config, &options(folder.path()), &|_| ()).unwrap();
    assert_eq!(summary.complete, 2);
}

#[test]
fn a_run_that_diverged_has_no_verdict() {
    let record = record(&["network.bias=none", "training.learning_rate=20", "training.steps=400"]);
    assert!(matches!(record.status, Status::Diverged { .. }), "{:?}", record.status);
    // What differs between inputs there was not learned: V crosses its threshold, and that is no end.
    let threshold = 0.1 * record.target_variance;
    assert!(record.curves.input_dependence.iter().any(|variance| *variance > threshold));
    assert_eq!((record.phase.onset, record.phase.end), (None, None));
    assert_eq!((record.phase.verdict, record.phase.exists), (PhaseVerdict::Undecided, None));
    assert!(record.phase.why.contains("diverged"), "{:?}", record.phase);
}

#[test]
fn images_that_are_observed_too_rarely_are_undecided_and_say_so() {
    let keys = [
        "task={inputs: glyphs, samples: {train: 200, test: 100}}",
        "network={kind: mlp, hidden: [32], bias: none, initialisation: {kaiming: {gain: 0.2}}}",
        "training={steps: 2000, batch_size: 32, learning_rate: 0.05, observations: 2}",
    ];
    let phase = record(&keys).phase;
    assert_eq!(phase.verdict, PhaseVerdict::Undecided, "{phase:?}");
    assert!(phase.why.contains("training.observations"), "{phase:?}");
}

#[test]
fn runs_that_differ_by_rounding_are_counted_once() {
    let runs = |keys: &str| {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "name: seeds\nseeds: [0, 1, 2]\ntraining: {{steps: 800, learning_rate: 0.04}}\n{keys}"
        );
        let config = config::parse(&text, "seeds", &[]).unwrap();
        train_all(&config, &options(folder.path()), &|_| ()).unwrap();
        let path = |seed| path_of(folder.path(), "default", seed);
        (0..3).map(|seed| read_json::<Record>(&path(seed)).unwrap()).collect::<Vec<_>>()
    };
    let aligned = runs("network: {bias: all}");
    assert_eq!(distinct_runs(aligned.clone()).len(), 1);
    let drawn = runs("network: {bias: all, initialisation: {normal: {std: 0.01}}}");
    assert_eq!(distinct_runs(drawn.clone()).len(), 3);
    // Kept in their order, and of equal ones the first.
    let mixed: Vec<Record> =
        [&drawn[2], &drawn[0], &drawn[2], &drawn[1], &drawn[0]].map(Record::clone).to_vec();
    let seeds: Vec<u64> = distinct_runs(mixed).iter().map(|record| record.seed).collect();
    assert_eq!(seeds, [2, 0, 1]);
}

/// `M` in units of `||ybar||` that falls to a level and stays there, with lognormal noise that forgets itself over so many
/// units of time; observed at times that grow by a ratio. `V` jumps at time 500.
fn noisy(seed: u64, level: f64, noise: f64, memory: f64, ratio: f64) -> Curves {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = || -> f64 {
        let (a, b): (f64, f64) = (generator.random(), generator.random());
        (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    };
    let mut curves = Curves::default();
    let (mut time, mut before, mut state) = (1.0, 0.0, normal());
    while time < 1000.0 {
        let kept = f64::exp(-(time - before) / memory);
        state = kept * state + (1.0 - kept * kept).sqrt() * normal();
        curves.time.push(time);
        curves.mean_output_error.push(level.max((-time / 20.0).exp()) * (noise * state).exp());
        curves.input_dependence.push(if time < 500.0 { 0.0 } else { 1.0 });
        before = time;
        time *= ratio;
    }
    curves
}

/// Share of simulated runs in which there is a phase, and the median of their onsets.
fn simulated(level: f64, noise: f64, memory: f64, ratio: f64) -> (f64, f64) {
    const RUNS: u64 = 300;
    let phases =
        (0..RUNS).map(|seed| Phase::of(&noisy(seed, level, noise, memory, ratio), 0.1, 1.0, 1.0));
    let mut onsets: Vec<f64> =
        phases.filter(Phase::is_there).filter_map(|phase| phase.onset).collect();
    onsets.sort_by(f64::total_cmp);
    (onsets.len() as f64 / RUNS as f64, onsets.get(onsets.len() / 2).copied().unwrap_or(f64::NAN))
}

#[test]
fn noise_that_touches_the_threshold_makes_few_phases_and_hides_none() {
    for memory in [5.0, 30.0] {
        for ratio in [1.05, 1.1, 1.2] {
            let case = format!("memory {memory}, ratio {ratio}");
            // The number that docs/metrics.md and the doc comment of `Phase` tell.
            let (hovering, _) = simulated(0.12, 0.1, memory, ratio);
            assert!(hovering <= 0.05, "{case}: {hovering}");
            let (far, _) = simulated(0.15, 0.1, memory, ratio);
            assert!(far == 0.0, "{case}: {far}");
            let (found, onset) = simulated(0.07, 0.4, memory, ratio);
            // Without noise M crosses at 20 ln 10.
            let exact = 20.0 * 10f64.ln();
            assert!(found >= 0.99, "{case}: {found}");
            assert!((onset / exact - 1.0).abs() < 0.05, "{case}: {onset}, exact {exact}");
        }
    }
}

#[test]
fn touches_alone_would_make_many_phases() {
    // What the rule is for: of the same runs, those whose M is at the threshold at any observation before the end.
    let touches = |memory, ratio| {
        let touched = (0..300).filter(|&seed| {
            let curves = noisy(seed, 0.12, 0.1, memory, ratio);
            let early = curves.time.iter().zip(&curves.mean_output_error);
            early.filter(|(time, _)| **time < 500.0).any(|(_, error)| *error <= 0.1)
        });
        touched.count() as f64 / 300.0
    };
    for (memory, ratio) in [(5.0, 1.05), (30.0, 1.05), (5.0, 1.2), (30.0, 1.2)] {
        assert!(touches(memory, ratio) > 0.25, "{memory} {ratio}: {}", touches(memory, ratio));
    }
}
