//! Schedules, weight decay and clipping. What they do to weights is held to PyTorch's in `matches_pytorch`; here is what else
//! hangs on them: the run's clock and theory on it, stacks, checkpoints, configs.

use std::sync::atomic::Ordering;

use ocs::config::{self, Config, Scale, Span};
use ocs::record::{Record, Status, path_of, read_checked};
use ocs::sweep::{Event, Existing, Interrupted, Options, Tasks, theory_of, train_all};
use ocs::task::Task;
use ocs::theory::Theory;
use ocs::train::{Shared, Snapshot, train};

use crate::reproducible_runs::options;
use crate::stacks::{are_alike, largest, observed, on_samples, task};

fn parsed(text: &str, keys: &[&str]) -> anyhow::Result<Config> {
    let overrides: Vec<config::Override> = keys.iter().map(|text| text.parse().unwrap()).collect();
    config::parse(text, "test", &overrides)
}

fn config(keys: &[&str]) -> Config {
    parsed("name: test", keys).unwrap_or_else(|error| panic!("{keys:?}: {error:#}"))
}

const SCHEDULES: [&str; 7] = [
    "constant",
    "{constant: {warm_up: 13}}",
    "{step: {every: 7, factor: 0.8}}",
    "{step: {every: 9, factor: 1, warm_up: 4}}",
    "{cosine: {final: 0.05}}",
    "{cosine: {warm_up: 5}}",
    "{linear: {final: 0.3, warm_up: 11}}",
];

const OPTIMISERS: [&str; 6] = [
    "{sgd: {weight_decay: 0.5}}",
    "{sgd: {momentum: 0.9}}",
    "{sgd: {momentum: 0.8, nesterov: true, weight_decay: 0.5}}",
    "adam",
    "{adam: {weight_decay: 0.5}}",
    "{adamw: {weight_decay: 2}}",
];

#[test]
fn time_is_the_sum_of_the_rates_and_steps_are_found_from_it() {
    for schedule in SCHEDULES {
        for steps in [14u64, 60, 61, 100_000] {
            // So that a tenth of a million steps are left some rate.
            let schedule = schedule.replace("every: 7", &format!("every: {}", steps / 20 + 1));
            let key = format!("training.schedule={schedule}");
            let config =
                config(&["training.learning_rate=0.3", &format!("training.steps={steps}"), &key]);
            let span = Span::first(&config);
            let (mut sum, mut rest) = (0.0, 0.0f64);
            for step in 0..=steps {
                let time = span.time(step);
                assert!((time - sum).abs() <= 1e-12 * sum, "{key}, step {step}: {time}, {sum}");
                if steps < 100 || step % 9973 == 0 {
                    let found = config.step_at(time);
                    assert!((found - step as f64).abs() < 1e-6, "{key}, step {step}: {found}");
                }
                if step == steps {
                    break;
                }
                assert!(span.time(step + 1) > time, "{key}: time stands still at {step}");
                // A sum whose rounding does not grow with the number of steps.
                let more = 0.3 * span.factor(step) - rest;
                let next = sum + more;
                (sum, rest) = (next, (next - sum) - more);
            }
        }
    }
    // The last steps of a million are too short for the clock, and still found.
    let long = config(&["training.steps=1000000", "training.schedule=cosine"]);
    let end = long.step_at(Span::first(&long).time(1_000_000));
    assert!((999_990.0..=1_000_000.0).contains(&end), "{end}");
    // With phases the clock begins with the first one's rate.
    let phased =
        config(&["training.learning_rate=0.01", "phases=[{training.learning_rate: 0.1}, {}]"]);
    assert!((phased.step_at(3.0) - 30.0).abs() < 1e-9);
    // A constant rate's clock is what it always was, to the last digit.
    let span = Span::first(&config(&["training.learning_rate=0.1"]));
    assert!((0..8000).all(|step| span.time(step).to_bits() == (0.1 * step as f64).to_bits()));
}

#[test]
fn every_stretch_has_a_schedule_of_its_own() {
    let config = config(&[
        "training.learning_rate=0.1",
        "phases=[{steps: 10, training.schedule: {linear: {final: 0.5}}}, {steps: 4}, {steps: 20, training.learning_rate: 0.2, \
         training.schedule: {constant: {warm_up: 3}}}]",
    ]);
    let stretches = config.stretches().unwrap();
    let starts: Vec<f64> = stretches.iter().map(|stretch| stretch.span.start_time).collect();
    // 0.1 (1 + 0.95 + .. + 0.55), then 4 of 0.1.
    for (found, expected) in starts.iter().zip([0.0, 0.775, 1.175]) {
        assert!((found - expected).abs() < 1e-12, "{starts:?}");
    }
    let factors =
        [10, 13, 14, 17].map(|step| stretches[if step < 14 { 1 } else { 2 }].span.factor(step));
    assert_eq!(factors, [1.0, 1.0, 0.25, 1.0]);
}

fn last(config: &Config) -> Snapshot {
    let task = Task::new(&config.task, None).unwrap();
    let mut seen = None;
    let mut observer = |snapshot: Snapshot| seen = Some(snapshot);
    train(config, &task, 0, tch::Device::Cpu, None, &mut observer).unwrap();
    seen.unwrap()
}

/// A linear run under a schedule, whose EVERY and WARM stand for a quarter and a tenth of its steps, with `finer` times as many
/// steps of rates that are as many times smaller.
fn scheduled(schedule: &str, steps: u64, finer: u64) -> Config {
    let schedule = schedule.replace("EVERY", &(steps * finer / 4).to_string());
    let schedule = schedule.replace("WARM", &(steps * finer / 10).to_string());
    config(&[
        "training.precision=float64",
        "training.observations=2",
        "network.hidden=[16]",
        "network.bias=all",
        &format!("training.learning_rate={}", 8e-3 / finer as f64),
        &format!("training.steps={}", steps * finer),
        &format!("training.schedule={schedule}"),
    ])
}

#[test]
fn a_scheduled_run_follows_theory_on_its_clock_to_the_order_of_its_step() {
    for (schedule, steps) in [
        ("{step: {every: EVERY, factor: 0.6}}", 3600),
        ("{cosine: {final: 0}}", 4500),
        ("{cosine: {final: 0.1, warm_up: WARM}}", 4200),
        ("{linear: {final: 0.2, warm_up: WARM}}", 4000),
        ("{constant: {warm_up: WARM}}", 2400),
    ] {
        let errors = [1, 2].map(|finer| {
            let config = scheduled(schedule, steps, finer);
            let Snapshot { time, evaluation, .. } = last(&config);
            let theory = Theory::new(&config).unwrap();
            let error = |time: f64| {
                let exact = theory.responses(&[time]).unwrap().remove(0);
                largest(evaluation.responses.iter().copied(), exact.as_slice().unwrap())
            };
            // On the clock of a constant rate theory would be ahead.
            let wrong = error(config.training.learning_rate * config.training.steps as f64);
            assert!(wrong > 4.0 * error(time), "{schedule}: {wrong}, {}", error(time));
            error(time)
        });
        assert!(errors[0] < 0.02, "{schedule}: {errors:?}");
        let ratio = errors[0] / errors[1];
        assert!((1.8..2.2).contains(&ratio), "{schedule}: error ratio {ratio}, expected 2");
    }
}

#[test]
fn theory_beside_a_scheduled_run_is_told_at_the_runs_times_and_sees_its_phase() {
    let config = parsed(
        "name: test\nseeds: [0]",
        &[
            "training={learning_rate: 0.02, steps: 3000, observations: 40, schedule: {cosine: {warm_up: 200}}}",
            "network={hidden: [16], bias: all}",
        ],
    )
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    train_all(&config, &options(folder.path()), &|_| ()).unwrap();
    let record = read_checked::<Record>(&path_of(folder.path(), "default", 0)).unwrap();
    let theory = theory_of("default", &config, None, &mut Tasks::new("".as_ref())).unwrap();
    assert_eq!(record.curves.time, theory.curves.time);
    let span = Span::first(&config);
    let clock: Vec<f64> = record.curves.step.iter().map(|&step| span.time(step)).collect();
    assert_eq!(record.curves.time, clock);
    for (found, expected) in
        [(record.phase.onset, theory.phase.onset), (record.phase.end, theory.phase.end)]
    {
        assert!((found.unwrap() / expected.unwrap() - 1.0).abs() < 0.02, "{found:?}, {expected:?}");
    }
    for key in [
        "training.optimiser={sgd: {weight_decay: 0.1}}",
        "training.optimiser=adamw",
        "training.gradient_clipping=1",
    ] {
        let error = Theory::new(&self::config(&[key])).unwrap_err().to_string();
        assert!(error.contains("without momentum and weight_decay"), "{key}: {error}");
    }
}

#[test]
fn linear_networks_decay_and_are_clipped_in_any_axes_as_on_the_samples() {
    let glyphs = ["task.inputs=glyphs", "task.samples={train: 120, test: 20}"];
    for keys in [&[][..], &glyphs] {
        for optimiser in ["sgd"].iter().chain(&OPTIMISERS) {
            for clipping in ["null", "0.02"] {
                let (optimiser, clipping) = (
                    format!("training.optimiser={optimiser}"),
                    format!("training.gradient_clipping={clipping}"),
                );
                let common = [
                    "network={hidden: [70, 12], bias: all, initialisation: {kaiming: {gain: 0.5}}}",
                    "training={precision: float64, learning_rate: 0.01, steps: 30, observations: 2, schedule: {cosine: {warm_up: 4}}}",
                    &optimiser,
                    &clipping,
                ];
                let config = config(&[keys, &common].concat());
                let task = task(&config);
                let expected = on_samples(&config, &task, 3);
                let seen = observed(&config, &task, &Shared::default(), 3);
                let found = seen.last().unwrap().evaluation.responses.iter().copied();
                let miss = largest(found, &expected);
                assert!(miss < 1e-11, "{keys:?}, {optimiser}, {clipping}: {miss:e}");
            }
        }
    }
}

#[test]
fn networks_of_one_stack_decay_by_their_own_rates_and_are_clipped_by_their_own_norms() {
    let networks: [&[&str]; 3] = [
        &["network={hidden: [16, 12], bias: all, initialisation: {kaiming: {gain: 0.5}}}"],
        &["network={kind: mlp, hidden: [16], bias: all, initialisation: {kaiming: {gain: 1}}}"],
        &[
            "task={inputs: glyphs, samples: {train: 60, test: 20}}",
            "network={kind: cnn, hidden: [3, 4], bias: all, initialisation: {kaiming: {gain: 1}}}",
            "training.batch_size=16",
        ],
    ];
    for network in networks {
        for optimiser in OPTIMISERS {
            for clipping in ["null", "0.3"] {
                let configs = ["0.003", "0.02"].map(|rate| {
                    config(
                        &[
                            network,
                            &[
                                "training.precision=float64",
                                "training.steps=25",
                                "training.observations=4",
                                "training.schedule={step: {every: 8, factor: 0.5}}",
                                &format!("training.learning_rate={rate}"),
                                &format!("training.optimiser={optimiser}"),
                                &format!("training.gradient_clipping={clipping}"),
                            ],
                        ]
                        .concat(),
                    )
                });
                are_alike(&configs, 2, 1e-11, &format!("{network:?}, {optimiser}, {clipping}"));
            }
        }
    }
}

/// A run's record without its wall time, and the bytes of its checkpoint's tensors.
fn left(options: &Options, config: &Config) -> Vec<(Record, Vec<u8>)> {
    let of_seed = |&seed: &u64| {
        let path = path_of(&options.folder, "default", seed);
        let mut record = read_checked::<Record>(&path).unwrap();
        assert_eq!(record.status, Status::Complete);
        record.wall_time = 0.0;
        let tensors = path.with_extension("checkpoint").join("tensors.safetensors");
        let bytes = std::fs::read(tensors).unwrap();
        let (_, contents) =
            ocs::train::checkpoint_file::from_bytes::<serde_json::Value>(bytes).unwrap();
        let told: Vec<String> = (contents.tensors.iter())
            .map(|(name, tensor)| format!("{name} {}", tensor.to_string(60).unwrap()))
            .collect();
        (record, told.concat().into_bytes())
    };
    config.seeds.iter().map(of_seed).collect()
}

/// Trains until a step was observed, then on to the end, and compares with a run that was not disturbed.
fn goes_on_to_the_same_bytes(config: &Config, at: u64) {
    let [whole, broken] = [0, 1].map(|_| tempfile::tempdir().unwrap());
    train_all(config, &options(whole.path()), &|_| ()).unwrap();
    let begun = options(broken.path());
    let stop = |event: Event| {
        if let Event::Observed { step, .. } = event {
            begun.interrupted.store(step >= at, Ordering::Relaxed);
        }
    };
    assert!(train_all(config, &begun, &stop).unwrap_err().is::<Interrupted>());
    let resumed = Options { existing: Existing::Resume, ..options(broken.path()) };
    train_all(config, &resumed, &|_| ()).unwrap();
    let (expected, found) = (left(&options(whole.path()), config), left(&resumed, config));
    assert!(expected == found, "{:?}", config.training);
}

#[test]
fn every_optimiser_under_every_schedule_goes_on_to_the_same_bytes() {
    let networks = [
        "{hidden: [6], bias: all, initialisation: {normal: {std: 0.1}}}",
        "{kind: mlp, hidden: [6], bias: all, initialisation: {kaiming: {gain: 1}}}",
    ];
    for network in networks {
        for (index, optimiser) in OPTIMISERS.iter().enumerate() {
            for schedule in SCHEDULES {
                let config = parsed(
                    "name: test\nseeds: [0, 1]",
                    &[
                        &format!("network={network}"),
                        "training={steps: 40, learning_rate: 0.01, observations: 20}",
                        &format!("training.optimiser={optimiser}"),
                        &format!("training.schedule={schedule}"),
                        &format!("training.gradient_clipping={}", ["null", "0.5"][index % 2]),
                    ],
                )
                .unwrap();
                goes_on_to_the_same_bytes(&config, 12);
            }
        }
    }
    for at in [4, 24] {
        let config = parsed(
            "name: test\nseeds: [0, 1]",
            &[
                &format!("network={}", networks[0]),
                "training={steps: 20, learning_rate: 0.01, observations: 20, optimiser: {sgd: {momentum: 0.9, nesterov: true, weight_decay: 0.1}}}",
                "phases=[{training.schedule: {cosine: {warm_up: 8}}, training.gradient_clipping: 0.5}, {keep_optimiser: true, \
                 training.learning_rate: 0.02, training.schedule: {linear: {final: 0.2}}}]",
            ],
        )
        .unwrap();
        goes_on_to_the_same_bytes(&config, at);
    }
}

#[test]
fn runs_are_extended_where_steps_done_keep_their_rates_and_refused_where_not() {
    let of = |schedule: &str, steps: u64| {
        parsed(
            "name: test\nseeds: [0]\nnetwork: {hidden: [6], initialisation: {normal: {std: 0.1}}}",
            &[
                "training={learning_rate: 0.01, observations: 20, optimiser: {sgd: {momentum: 0.5}}}",
                &format!("training.steps={steps}"),
                &format!("training.schedule={schedule}"),
            ],
        )
        .unwrap()
    };
    for (schedule, may_go_on) in [
        ("{constant: {warm_up: 30}}", true),
        ("{step: {every: 15, factor: 0.5, warm_up: 5}}", true),
        ("{cosine: {final: 0.1}}", false),
        ("{linear: {final: 0.1, warm_up: 3}}", false),
    ] {
        let (short, long) = (of(schedule, 40), of(schedule, 70));
        let [extended, whole] = [0, 1].map(|_| tempfile::tempdir().unwrap());
        train_all(&short, &options(extended.path()), &|_| ()).unwrap();
        let resumed = Options { existing: Existing::Resume, ..options(extended.path()) };
        let outcome = train_all(&long, &resumed, &|_| ());
        if !may_go_on {
            let words = format!("{:#}", outcome.unwrap_err());
            for part in
                ["training.steps was 40, is 70", "would have had other rates", "--overwrite"]
            {
                assert!(words.contains(part), "{words}");
            }
            continue;
        }
        outcome.unwrap();
        train_all(&long, &options(whole.path()), &|_| ()).unwrap();
        let [(found, weights), (expected, of_whole)] =
            [&extended, &whole].map(|folder| left(&options(folder.path()), &long).remove(0));
        assert_eq!(weights, of_whole, "{schedule}");
        assert_eq!(found.curves.time.last(), expected.curves.time.last());
        assert_eq!(found.extended_at, [40]);
    }
}

#[test]
fn what_says_nothing_is_absent_and_what_is_said_is_read_back() {
    let text = |config: &Config| serde_yaml::to_string(config).unwrap();
    let plain = text(&config(&["training.schedule=constant", "training.gradient_clipping=null"]));
    for key in ["schedule", "gradient_clipping", "nesterov", "weight_decay"] {
        assert!(!plain.contains(key), "{plain}");
    }
    for optimiser in OPTIMISERS {
        for schedule in SCHEDULES {
            let config = config(&[
                &format!("training.optimiser={optimiser}"),
                &format!("training.schedule={schedule}").replace("every: 7", "every: 1000"),
                "training.gradient_clipping=0.5",
            ]);
            assert_eq!(parsed(&text(&config), &[]).unwrap(), config);
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
        }
    }
}

#[test]
fn what_is_not_well_defined_is_refused_with_the_key_and_the_remedy() {
    for (keys, words) in [
        (
            "optimiser={sgd: {nesterov: true}}",
            "nesterov changes what momentum does, and there is none",
        ),
        ("optimiser={sgd: {momentum: 0.9, nesterov: 1}}", "sgd.nesterov must be a boolean, not 1"),
        ("optimiser={sgd: {weight_decay: -1}}", "sgd.weight_decay must be 0 or more"),
        ("optimiser={sgd: {weight_decay: 300}}", "to the other side of zero: write less than 250"),
        ("optimiser={adamw: {weight_decay: 1e9}}", "to the other side of zero"),
        ("optimiser={adamw: {weight_decay: 1e-9}}", "are the same weights in float32"),
        ("optimiser={adamw: {beta1: 1}}", "adamw.beta1 must be at least 0 and below 1"),
        (
            "optimiser={adamw: {beta: 0.9}}",
            "training.optimiser.adamw has no key 'beta': did you mean beta",
        ),
        ("gradient_clipping=0", "training.gradient_clipping must be positive"),
        ("gradient_clipping=much", "training.gradient_clipping must be a number"),
        ("schedule=step", "training.schedule lacks the key 'every'"),
        ("schedule={step: {every: 0}}", "schedule.step.every must be at least 1"),
        ("schedule={step: {every: 1000, factor: 0}}", "schedule.step.factor must be positive"),
        ("schedule={step: {every: 1000, factor: 2}}", "schedule.step.factor must be at most 1"),
        (
            "schedule={step: {every: 1000, gamma: 0.5}}",
            "has no key 'gamma': its keys are every, factor, warm_up",
        ),
        ("schedule={step: {every: 10}}", "nothing is learned any more: raise every or factor"),
        ("schedule={cosine: {final: 2}}", "schedule.cosine.final must be 0 to 1"),
        (
            "schedule={linear: {warm_up: 8000}}",
            "schedule.linear.warm_up is 8000, but there are 8000 steps",
        ),
        ("schedule={linear: {}, cosine: {}}", "makes two choices"),
        (
            "schedule=CosineAnnealingLR",
            "write constant, step, cosine or linear; the nearest is cosine",
        ),
        ("schedule=cosin", "did you mean cosine?"),
        ("lr_scheduler=cosine", "here it is schedule"),
        ("warmup=10", "write training: {schedule: {cosine: {warm_up: ...}}}"),
        ("clip_grad_norm=1", "here it is gradient_clipping"),
    ] {
        let error =
            format!("{:#}", parsed("name: test", &[&format!("training.{keys}")]).unwrap_err());
        assert!(error.contains(words), "{keys}: {error}");
    }
    for first in ["{step: {every: 0}}", "{constant: {warm_up: 18446744073709551615}}"] {
        let phases = format!("phases=[{{training.schedule: {first}}}, {{}}]");
        let error = format!("{:#}", parsed("name: test", &[&phases]).unwrap_err());
        assert!(error.contains("phase 1: training.schedule."), "{error}");
    }
    let late = ["phases=[{}, {steps: 10, training.schedule: {linear: {warm_up: 20}}}]"];
    let error = format!("{:#}", parsed("name: test", &late).unwrap_err());
    assert!(
        error.contains("phase 2: training.schedule.linear.warm_up is 20, but there are 10"),
        "{error}"
    );
}

#[test]
fn schedules_keep_their_shape_at_other_scales_and_may_be_varied() {
    let text = "name: test
training: {steps: 1000, schedule: {step: {every: 100, factor: 0.5, warm_up: 50}}}
quick: {steps: 0.1}
grid: {training.schedule.step.every: [200, 500], training.optimiser.sgd.weight_decay: [0, 0.1]}
conditions:
  as: {}
  own: {training.schedule: {cosine: {warm_up: 400}}, network.bias: all}
  later: {phases: [{steps: 300}, {training.schedule: {linear: {warm_up: 60}}}]}";
    let without_grid: String =
        text.lines().filter(|line| !line.starts_with("grid")).collect::<Vec<_>>().join("\n");
    let quick = parsed(&without_grid, &[]).unwrap().at(Scale::Quick).unwrap();
    let schedules: Vec<String> = config::resolve_conditions(&quick)
        .unwrap()
        .iter()
        .flat_map(|(_, config)| config.stretches().unwrap())
        .map(|stretch| serde_json::to_string(&stretch.config.training.schedule).unwrap())
        .collect();
    let expected = [
        r#"{"Step":{"every":10,"factor":0.5,"warm_up":4}}"#,
        r#"{"Cosine":{"final":0.0,"warm_up":39}}"#,
        r#"{"Step":{"every":10,"factor":0.5,"warm_up":4}}"#,
        r#"{"Linear":{"final":0.0,"warm_up":5}}"#,
    ];
    assert_eq!(schedules.join("\n").to_lowercase(), expected.join("\n").to_lowercase());
    // A warm-up that is shorter than training stays so at any scale.
    for warm_up in [1, 20, 23] {
        let linear = format!("steps: 24, schedule: {{linear: {{warm_up: {warm_up}}}}}");
        let text = format!("name: test\ntraining: {{{linear}}}\nquick: {{steps: 0.1}}");
        assert!(parsed(&text, &[]).unwrap().at(Scale::Quick).is_ok(), "{text}");
    }
    let quick = parsed(
        &text.replace(
            "  own: {training.schedule: {cosine: {warm_up: 400}}, network.bias: all}\n",
            "",
        ),
        &[],
    )
    .unwrap()
    .at(Scale::Quick)
    .unwrap();
    let names: Vec<String> =
        config::cells(&quick).unwrap().into_iter().map(|cell| cell.name).collect();
    assert!(names.contains(&"as,every=20,weight_decay=0".to_owned()), "{names:?}");
    assert!(names.contains(&"as,every=50,weight_decay=0.1".to_owned()), "{names:?}");
}
