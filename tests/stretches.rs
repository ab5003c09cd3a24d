//! What `phases` promise: one network that goes on through several tasks, whose clocks, checkpoints and theory go on with it.

use std::path::Path;
use std::sync::atomic::Ordering;

use ocs::config::{self, Config, Scale};
use ocs::metrics::ModeReader;
use ocs::record::{Method, Record, TheoryRecord, path_of, read_checked};
use ocs::sweep::{Event, Existing, Interrupted, Options, Tasks, theory_of, train_all};
use ocs::task::Task;

use crate::reproducible_runs::options;

fn parsed(keys: &[&str]) -> anyhow::Result<Config> {
    let overrides: Vec<config::Override> = keys.iter().map(|text| text.parse().unwrap()).collect();
    config::parse("name: test\nseeds: [3]", "test", &overrides)
}

fn config(keys: &[&str]) -> Config {
    parsed(keys).unwrap_or_else(|error| panic!("{keys:?}: {error:#}"))
}

/// Small steps in float64 from weights that a seed draws.
const LINEAR: [&str; 4] = [
    "network={hidden: [12], initialisation: {normal: {std: 0.1}}}",
    "training={precision: float64, learning_rate: 0.02, steps: 200, observations: 20}",
    "task.branching=[2, 2]",
    "network.bias=all",
];

fn linear(more: &[&str]) -> Config {
    config(&[&LINEAR, more].concat())
}

/// The records of a config's seeds, trained as `options` say.
fn records(config: &Config, options: &Options) -> Vec<Record> {
    train_all(config, options, &|_| ()).unwrap();
    let conditions = config::resolve_conditions(config).unwrap();
    let paths = conditions.iter().flat_map(|(name, _)| {
        config.seeds.iter().map(move |&seed| path_of(&options.folder, name, seed))
    });
    paths.map(|path| read_checked(&path).unwrap()).collect()
}

fn record(config: &Config) -> Record {
    let folder = tempfile::tempdir().unwrap();
    records(config, &options(folder.path())).remove(0)
}

/// Responses to all items at the last moment.
fn answers(record: &Record) -> Vec<f64> {
    let items = record.curves.item_responses.as_ref().unwrap();
    items.iter().flatten().map(|row| *row.last().unwrap()).collect()
}

fn gap(one: &[f64], other: &[f64]) -> f64 {
    assert_eq!(one.len(), other.len());
    std::iter::zip(one, other).fold(0.0, |gap: f64, (a, b)| gap.max((a - b).abs()))
}

#[test]
fn one_stretch_written_as_phases_is_the_run_without_them() {
    let (plain, phased) = (record(&linear(&[])), record(&linear(&["phases=[{label: all}]"])));
    assert_eq!(plain.curves, phased.curves);
    assert_eq!((plain.phase, plain.phase_sensitivity), (phased.phase, phased.phase_sensitivity));
    assert!(phased.stretches.is_empty());
    let text = |config: &Config| serde_yaml::to_string(config).unwrap();
    for key in ["phases", "permutation", "target_scale"] {
        assert!(!text(&linear(&[])).contains(key), "an unset key is absent: {key}");
    }
}

#[test]
fn two_equal_stretches_are_one_of_twice_the_length() {
    for momentum in ["0.0", "0.9"] {
        let momentum = format!("training.optimiser={{sgd: {{momentum: {momentum}}}}}");
        // So small steps that the velocity still matters at the end.
        let linear = |more: &[&str]| linear(&[more, &["training.learning_rate=0.005"]].concat());
        let long = record(&linear(&[&momentum, "training.steps=400"]));
        let kept = record(&linear(&[&momentum, "phases=[{}, {keep_optimiser: true}]"]));
        assert!(gap(&answers(&long), &answers(&kept)) < 1e-12, "{momentum}");
        assert_eq!(kept.curves.step.last(), long.curves.step.last());
        assert!((kept.curves.time.last().unwrap() - 2.0).abs() < 1e-12);
        let anew = record(&linear(&[&momentum, "phases=[{}, {}]"]));
        let differs = gap(&answers(&long), &answers(&anew)) > 1e-6;
        assert_eq!(differs, momentum.contains("0.9"), "a new velocity starts at zero");
    }
    let adam = "training.optimiser=adam";
    let long = record(&linear(&[adam, "training.steps=400"]));
    let kept = record(&linear(&[adam, "phases=[{}, {keep_optimiser: true}]"]));
    assert!(gap(&answers(&long), &answers(&kept)) < 1e-12, "Adam's count of updates goes on");
}

#[test]
fn a_velocity_that_is_kept_is_that_of_gradients_whatever_the_rate() {
    // Steps of half the length, at which the velocity of PyTorch's SGD stays what it is: one step by hand.
    let linear = |phases: &str| {
        let sgd = ["training.learning_rate=0.004", "training.optimiser={sgd: {momentum: 0.9}}"];
        record(&linear(&[&sgd[..], &[phases]].concat()))
    };
    let before = linear("phases=[{}]");
    let longer = linear("phases=[{}, {keep_optimiser: true, steps: 1}]");
    let after =
        linear("phases=[{}, {keep_optimiser: true, steps: 1, training.learning_rate: 0.002}]");
    let (a, b, c) = (answers(&before), answers(&longer), answers(&after));
    let halves: Vec<f64> = std::iter::zip(&a, &b).map(|(a, b)| 0.5 * (a + b)).collect();
    // Half the step to second order in its length.
    let step = gap(&a, &b);
    assert!(gap(&halves, &c) < step * step && step > 1e-4, "{} {step}", gap(&halves, &c));
}

/// Runs whose state is of every kind, in three stretches that differ in task, supply and optimiser.
const RUNS: [&[&str]; 5] = [
    &[
        "network={hidden: [16], bias: output, initialisation: {normal: {std: 0.1}}}",
        "training={steps: 20, learning_rate: 0.02, observations: 8}",
        "phases=[{}, {training.optimiser: adam}, {training.optimiser: adam, keep_optimiser: true}, {training.optimiser: {sgd: {momentum: 0.9}}}, {training.optimiser: {sgd: {momentum: 0.9}}, keep_optimiser: true}]",
    ],
    &[
        "network={hidden: [24], bias: all, initialisation: {normal: {std: 0.05}}}",
        "training={steps: 60, learning_rate: 0.02, observations: 12}",
        "phases=[{}, {task.permutation: [4, 5, 6, 7, 0, 1, 2, 3], training.learning_rate: 0.05}, {task.target_scale.contrasts: -1, steps: 40}]",
    ],
    &[
        "task.inputs=glyphs",
        "task.samples={train: 200, test: 80}",
        "network={kind: linear, hidden: [12], bias: none, initialisation: {normal: {std: 0.01}}}",
        "training={steps: 12, learning_rate: 0.001, optimiser: {sgd: {momentum: 0.5}}, observations: 5}",
        "phases=[{}, {task.preprocessing: pixel-centred, keep_optimiser: true}, {task.classes: [7, 6, 5, 4, 3, 2, 1, 0]}]",
    ],
    &[
        "task.inputs=glyphs",
        "task.samples={train: 200, test: 80}",
        "network={kind: mlp, hidden: [16], bias: input, initialisation: {kaiming: {gain: 0.5}}}",
        "training={steps: 24, batch_size: 48, learning_rate: 0.003, optimiser: adam, observations: 6}",
        "phases=[{}, {task.permutation: [1, 0, 3, 2, 5, 4, 7, 6], keep_optimiser: true}, {training.batch_size: 30, steps: 20}]",
    ],
    &[
        "task.inputs=glyphs",
        "task.samples={train: 80, test: 80}",
        "network={kind: linear, hidden: [], bias: output, initialisation: {normal: {std: 0.01}}}",
        "training={steps: 20, batch_size: 32, learning_rate: 0.001, observations: 6}",
        "phases=[{}, {training.batch_size: full}, {training.batch_size: 20, task.permutation: [1, 0, 3, 2, 5, 4, 7, 6]}]",
    ],
];

fn bytes(folder: &Path) -> String {
    let mut record: Record = read_checked(&path_of(folder, "default", 3)).unwrap();
    record.wall_time = 0.0;
    serde_json::to_string(&record).unwrap()
}

#[test]
fn a_run_resumed_in_any_stretch_ends_with_the_same_bytes() {
    for keys in RUNS {
        let config = config(keys);
        let whole = tempfile::tempdir().unwrap();
        train_all(&config, &options(whole.path()), &|_| ()).unwrap();
        let expected = bytes(whole.path());
        let stretches = config.stretches().unwrap();
        let ends: Vec<u64> = stretches.iter().map(|stretch| stretch.span.end()).collect();
        // Before, at and behind each boundary, each in a process of its own.
        let broken = tempfile::tempdir().unwrap();
        for until in [ends[0] / 2, ends[0], ends[0] + 3, ends[1], ends[1] + 1] {
            let existing = if until < ends[0] { Existing::Refuse } else { Existing::Resume };
            let options = Options { existing, ..options(broken.path()) };
            let interrupt = |event: Event| {
                if matches!(event, Event::Observed { step, .. } if step >= until) {
                    options.interrupted.store(true, Ordering::Relaxed);
                }
            };
            let error = train_all(&config, &options, &interrupt).unwrap_err();
            assert!(error.is::<Interrupted>(), "{keys:?}: {error:#}");
        }
        let options = Options { existing: Existing::Resume, ..options(broken.path()) };
        train_all(&config, &options, &|_| ()).unwrap();
        assert_eq!(bytes(broken.path()), expected, "{keys:?}");
    }
}

#[test]
fn runs_that_turn_to_other_tasks_together_are_what_each_is_alone() {
    let config = linear(&[
        "phases=[{}, {task.permutation: [2, 3, 0, 1]}]",
        "seeds=[0, 1]",
        "conditions={one: {}, turned: {phases: [{}, {task.target_scale.mean: -1}]}, fast: {training.learning_rate: 0.04}}",
    ]);
    let (together, alone) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stacked = records(&config, &options(together.path()));
    let single = records(&config, &Options { stack: Some(1), ..options(alone.path()) });
    assert_eq!(stacked.len(), 6);
    for (one, other) in std::iter::zip(&stacked, &single) {
        assert!(gap(&answers(one), &answers(other)) < 1e-12, "{}", one.condition);
        assert!(gap(&one.curves.time, &other.curves.time) < 1e-12);
        assert_eq!(one.stretches[1].ocs, other.stretches[1].ocs);
    }
}

#[test]
fn moments_of_other_images_are_learned_as_their_samples_are() {
    // Inputs of the second stretch have another covariance, which the axes of the first do not diagonalise. A minibatch in the
    // third makes all stretches learn from samples.
    let phases = |last: &str| {
        format!(
            "phases=[{{}}, {{task.preprocessing: pixel-centred}}, {{steps: 1, training.batch_size: {last}}}]"
        )
    };
    let of = |last: &str| {
        let mut keys = RUNS[2][..3].to_vec();
        let phases = phases(last);
        keys.extend([
            "training={precision: float64, steps: 12, learning_rate: 0.001, observations: 5}",
            &phases,
        ]);
        record(&config(&keys))
    };
    let (moments, samples) = (of("full"), of("200"));
    assert!(gap(&answers(&moments), &answers(&samples)) < 1e-10);
    assert!(moments.curves.distance_to_targets.last() < moments.curves.distance_to_targets.first());
}

#[test]
fn clocks_go_on_and_each_moment_belongs_to_one_stretch() {
    let run = record(&linear(&[
        "phases=[{label: first}, {steps: 50, training.learning_rate: 0.1}, {task.permutation: [2, 3, 0, 1]}]",
    ]));
    let of = |field: fn(&ocs::record::StretchRecord) -> f64| -> Vec<f64> {
        run.stretches.iter().map(field).collect()
    };
    assert_eq!(of(|stretch| stretch.first_step as f64), [0.0, 200.0, 250.0]);
    assert!(gap(&of(|stretch| stretch.start_time), &[0.0, 4.0, 9.0]) < 1e-12);
    let labels: Vec<&str> = run.stretches.iter().map(|stretch| stretch.label.as_str()).collect();
    assert_eq!(labels, ["first", "phase 2", "phase 3"]);
    let ranges = run.moments_of_stretches();
    let steps: Vec<(u64, u64)> = ranges
        .iter()
        .map(|range| (run.curves.step[range.start], run.curves.step[range.end - 1]))
        .collect();
    assert_eq!(steps, [(0, 200), (201, 250), (251, 450)]);
    assert_eq!(ranges.last().unwrap().end, run.curves.time.len());
    assert_eq!(run.stretches[0].phase, run.phase);
    // The same targets again: nothing is left to learn, and the mean is where it was when the stretch began.
    assert_eq!(run.stretches[1].phase.onset, Some(0.0));
}

fn theory(config: &Config) -> TheoryRecord {
    theory_of("default", config, None, &mut Tasks::new(Path::new("unused"))).unwrap()
}

/// Three tasks, the last of which turns every contrast, at a learning rate.
fn sequence(depth: usize, bias: &str, rate: f64, steps: u64) -> Config {
    let hidden = vec!["10"; depth - 1].join(", ");
    let network = format!(
        "network={{hidden: [{hidden}], bias: {bias}, initialisation: {{normal: {{std: 0.2}}}}}}"
    );
    let training = format!(
        "training={{precision: float64, learning_rate: {rate}, steps: {steps}, observations: 30}}"
    );
    let phases = "phases=[{}, {task.permutation: [2, 1, 0, 3]}, {task.target_scale: {mean: 0.5, contrasts: -1}}]";
    config(&["task.branching=[2, 2]", &network, &training, phases])
}

#[test]
fn gradient_descent_follows_the_restarted_flow_to_the_order_of_its_step() {
    for depth in 1..=3 {
        for bias in ["none", "input", "output", "all"] {
            let miss = |rate: f64, steps: u64| {
                let config = sequence(depth, bias, rate, steps);
                let (run, exact) = (record(&config), theory(&config));
                assert_eq!(exact.stretches.len(), 3);
                let last = |curve: &[Vec<Vec<f64>>]| -> Vec<f64> {
                    curve.iter().flatten().map(|row| *row.last().unwrap()).collect()
                };
                assert_eq!(run.curves.time.last(), exact.curves.time.last());
                gap(&answers(&run), &last(exact.curves.item_responses.as_ref().unwrap()))
            };
            let (coarse, fine) = (miss(0.04, 150), miss(0.02, 300));
            let order = (coarse / fine).log2();
            assert!((0.85..1.2).contains(&order), "depth {depth}, {bias}: order {order}");
            assert!(fine < 0.03, "depth {depth}, {bias}: {fine}");
        }
    }
}

#[test]
fn a_run_and_its_theory_agree_in_every_stretchs_targets_and_modes() {
    let config = sequence(2, "none", 0.01, 600);
    let (run, exact) = (record(&config), theory(&config));
    for (one, other) in std::iter::zip(&run.stretches, &exact.stretches) {
        assert_eq!((one.start_time, &one.label), (other.start_time, &other.label));
        assert!(gap(&one.ocs, &other.ocs) < 1e-15);
        assert!((one.target_variance - other.target_variance).abs() < 1e-15);
    }
    let strengths = |of: &ocs::metrics::Curves| of.mode_strengths.clone().unwrap();
    for (one, other) in std::iter::zip(strengths(&run.curves), strengths(&exact.curves)) {
        assert!(gap(&one, &other) < 0.05, "{}", gap(&one, &other));
    }
    // Contrasts that were learned are those of opposite targets with the sign turned.
    let ranges = run.moments_of_stretches();
    let split = &strengths(&run.curves)[1];
    assert!(split[ranges[2].start] < 0.0 && split[ranges[2].end - 1] > 0.0);
}

#[test]
fn two_balanced_layers_without_biases_are_followed_exactly_through_all_stretches() {
    let keys = |bias: &str| {
        [
            "task.branching=[2, 2]".to_owned(),
            format!(
                "network={{hidden: [8], bias: {bias}, initialisation: {{aligned: {{a0: 0.01}}}}}}"
            ),
            "training={precision: float64, learning_rate: 0.01, steps: 1500}".to_owned(),
            "phases=[{}, {task.permutation: [0, 2, 1, 3]}]".to_owned(),
        ]
    };
    let of = |bias: &str| theory(&config(&keys(bias).each_ref().map(String::as_str)));
    assert_eq!(of("none").method, Method::ClosedForm);
    assert_eq!(of("output").method, Method::Integrated);
}

#[test]
fn a_permutation_leaves_the_ocs_and_factors_scale_mean_and_contrasts() {
    let task = |keys: &[&str]| Task::new(&config(keys).task, None).unwrap();
    let variance = |task: &Task| {
        let differences = &task.targets - &task.ocs();
        (&differences * &differences).sum() / task.targets.nrows() as f64
    };
    let tree = task(&[]);
    let permuted = task(&["task.permutation=[3, 5, 0, 6, 7, 1, 2, 4]"]);
    assert_eq!(tree.ocs(), permuted.ocs());
    assert!((variance(&tree) - variance(&permuted)).abs() < 1e-15);
    assert_eq!(permuted.targets.row(2), tree.targets.row(0), "item 2 takes the place of leaf 0");
    let scaled = task(&["task.target_scale={mean: 0.5, contrasts: -2}"]);
    assert!((&scaled.ocs() - &(0.5 * tree.ocs())).iter().all(|gap| gap.abs() < 1e-15));
    assert!((variance(&scaled) - 4.0 * variance(&tree)).abs() < 1e-12);
    let turned = task(&["task.target_scale={mean: -1, contrasts: -1}"]);
    assert_eq!(turned.targets, -&tree.targets);
    // Modes are those of the task's own targets: learned whole, they are positive.
    let reader = ModeReader::new(&tree.targets, &tree.level_columns(), [0.125, 0.125]);
    let whole = reader.strengths(&tree.targets);
    assert!(whole.iter().all(|strength| *strength > 0.0));
    let of_turned = reader.towards(&turned.targets).strengths(&turned.targets);
    assert!(gap(&whole, &of_turned) < 1e-12);
}

#[test]
fn rates_of_targets_that_are_no_labels_are_undefined() {
    let run = record(&linear(&["phases=[{}, {task.target_scale.contrasts: -1}]"]));
    let [first, second] = &run.moments_of_stretches()[..] else { panic!("two stretches") };
    let rates = &run.curves.true_negative_rate[0];
    assert!(rates[first.clone()].iter().all(Option::is_some));
    assert!(rates[second.clone()].iter().all(Option::is_none));
    assert_eq!(rates.len(), run.curves.time.len());
}

#[test]
fn a_phase_that_cannot_be_is_told_with_its_number_and_key() {
    let cases: [(&[&str], &[&str]); 11] = [
        (
            &["phases=[{}, {network.hidden: [4]}]"],
            &["phase 2", "network.hidden", "task and training"],
        ),
        (&["phases=[{training.loss: binary-cross-entropy}]"], &["phase 1", "training.loss"]),
        (&["phases=[{}, {}, {task.permutatoin: [0]}]"], &["phase 3", "permutatoin", "permutation"]),
        (&["phases=[{}, {training.steps: 5}]"], &["phase 2", "'steps'"]),
        (&["phases=[{}, {steps: 0}]"], &["phase 2", "at least 1"]),
        (&["phases=[{steps: many}]"], &["phases[0]", "steps", "whole number"]),
        (&["phases=[{keep_optimiser: true}]"], &["phase 1", "keep_optimiser"]),
        (
            &["phases=[{}, {keep_optimiser: true, training.optimiser: adam}]"],
            &["phase 2", "keep_optimiser"],
        ),
        (&["phases=[{}, {task.permutation: [0, 0]}]"], &["phase 2", "task.permutation"]),
        (&["task.target_scale={mean: 0}"], &["target_scale.mean", "not 0"]),
        (
            &["task.target_scale={mean: 2}", "training.loss=binary-cross-entropy"],
            &["task.target_scale", "half-squared-error"],
        ),
    ];
    for (keys, words) in cases {
        let error = format!("{:#}", parsed(keys).unwrap_err());
        for word in words {
            assert!(error.contains(word), "{keys:?} lacks {word}: {error}");
        }
    }
    // What only the tasks themselves can tell is told before anything is trained.
    let config = config(&["phases=[{}, {task.branching: [2, 3]}]"]);
    let folder = tempfile::tempdir().unwrap();
    let error = format!("{:#}", train_all(&config, &options(folder.path()), &|_| ()).unwrap_err());
    assert!(error.contains("phase 2") && error.contains("shape"), "{error}");
    assert!(!folder.path().join("default").exists());
}

#[test]
fn the_command_line_and_scales_reach_into_phases() {
    let text = "name: test
training: {steps: 100, learning_rate: 0.1}
quick: {steps: 0.5, learning_rate: 2.0}
phases: [{}, {steps: 30, training: {learning_rate: 0.2}}]
conditions: {one: {}, other: {phases: [{steps: 10}, {training.learning_rate: 0.4}]}}
";
    let of = |config: &Config| -> Vec<(u64, f64)> {
        let conditions = config::resolve_conditions(config).unwrap();
        let stretches = conditions.iter().flat_map(|(_, config)| config.stretches().unwrap());
        stretches.map(|stretch| (stretch.span.steps, stretch.span.learning_rate)).collect()
    };
    let plain = config::parse(text, "test", &[]).unwrap();
    assert_eq!(of(&plain), [(100, 0.1), (30, 0.2), (10, 0.1), (100, 0.4)]);
    assert_eq!(of(&plain.at(Scale::Quick).unwrap()), [(50, 0.2), (15, 0.4), (5, 0.2), (50, 0.8)]);
    let set = ["training.steps=7".parse().unwrap(), "training.learning_rate=0.5".parse().unwrap()];
    assert_eq!(of(&config::parse(text, "test", &set).unwrap()), [(7, 0.5); 4]);
    let again = serde_yaml::to_string(&plain).unwrap();
    assert_eq!(config::parse(&again, "test", &[]).unwrap(), plain, "it is read as it is written");
}

#[test]
fn what_a_first_phase_overrides_is_what_its_record_is_held_against() {
    for phases in [
        "phases=[{task.target_scale.mean: -1}, {}]",
        "phases=[{task.branching: [2, 4]}, {task.branching: [2, 4]}]",
    ] {
        // It is read back, and holds the OCS of that phase.
        let run = record(&linear(&["training.steps=10", phases]));
        assert_eq!(run.levels.iter().sum::<usize>(), run.ocs.len(), "{phases}");
    }
    let keys =
        ["task={inputs: gaussian, targets: linear}", "network.initialisation={normal: {std: 0.1}}"];
    let keys =
        keys.iter().chain(&["probes=[parity]", "phases=[{}, {}]"]).map(|key| key.parse().unwrap());
    let error = config::parse("", "x", &keys.collect::<Vec<_>>()).unwrap_err();
    assert!(format!("{error:#}").contains("parity, which follows one stretch"), "{error:#}");
}

#[test]
fn weights_of_both_ends_are_those_of_the_first_and_the_last_phase() {
    let run = record(&linear(&["training.steps=10", "phases=[{}, {}]", "probes=[layer-weights]"]));
    for (name, series) in &run.series {
        assert_eq!(series.step, [0, 20], "{name}");
    }
    assert!(!run.series.is_empty());
}

#[test]
fn steps_of_all_phases_together_have_a_bound() {
    for steps in [u64::MAX, 1 << 53] {
        let phases = format!("phases=[{{steps: {steps}}}, {{steps: {steps}}}]");
        let error = config::parse("", "x", &[phases.parse().unwrap()]).unwrap_err();
        assert!(format!("{error:#}").contains("lower their steps"), "{error:#}");
    }
}
