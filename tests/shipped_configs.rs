use std::path::{Path, PathBuf};

use ocs::config::{self, Config, NetworkKind, Preprocessing, Scale, resolve_conditions};

fn path_of(experiment: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(experiment).with_extension("yaml")
}

#[test]
fn every_file_in_configs_loads_and_one_stem_names_everything() {
    let mut stems = Vec::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("configs")).unwrap() {
        let path = entry.unwrap().path();
        // Profiles of clusters, which are no configs.
        if path.is_dir() {
            continue;
        }
        let config = config::load(&path, &[]).unwrap();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(config.name, stem);
        if let Some(experiment) = config.experiment {
            assert_eq!(experiment, stem);
            stems.push(stem);
        }
    }
    for experiment in ocs::studies::stems() {
        assert!(stems.iter().any(|stem| stem == experiment), "no config of {experiment:?}");
    }
}

#[test]
fn the_image_experiments_are_the_full_table() {
    for experiment in ["ocs_mnist", "ocs_cifar10"] {
        let config = config::load(&path_of(experiment), &[]).unwrap();
        let conditions = resolve_conditions(&config).unwrap();
        assert_eq!(conditions.len(), 16);
        assert!(config.seeds.len() >= 3);
        for (name, resolved) in conditions {
            // The name must not lie.
            let centred = resolved.task.preprocessing == Preprocessing::PixelCentred;
            let (network, rest) = match resolved.network.kind {
                NetworkKind::Linear => ("linear", ""),
                NetworkKind::Mlp => ("mlp", ""),
                NetworkKind::Cnn => (
                    "cnn",
                    if resolved.network.activation == config::Activation::Relu {
                        "-relu"
                    } else {
                        "-tanh"
                    },
                ),
            };
            let inputs = if centred { "centred" } else { "raw" };
            assert_eq!(name, format!("{network}{rest}-{}-{inputs}", resolved.network.bias.name()));
        }
    }
}

#[test]
fn the_gram_experiment_is_three_data_sets_by_three_preprocessings_of_two_layers_and_of_one() {
    let config = config::load(&path_of("ocs_gram"), &[]).unwrap();
    let conditions = resolve_conditions(&config).unwrap();
    assert_eq!(conditions.len(), 18);
    for (name, resolved) in conditions {
        let suffix = if resolved.network.hidden.is_empty() { "-shallow" } else { "" };
        let inputs = match resolved.task.preprocessing {
            Preprocessing::Raw => "raw",
            Preprocessing::PixelCentred => "centred",
            Preprocessing::ChannelStandardised => "standardised",
            Preprocessing::PcaWhitened | Preprocessing::ZcaWhitened => "whitened",
        };
        assert_eq!(name, format!("{}-{inputs}{suffix}", resolved.task.inputs.name()));
        assert_eq!(
            (resolved.network.bias, resolved.task.samples.train),
            (config::Bias::None, Some(2000))
        );
        // The claim on centred images is decided to 1e-6.
        let is_double = resolved.training.precision == config::Precision::Float64;
        assert_eq!(is_double, inputs == "centred", "{name}");
    }
}

#[test]
fn the_trees_of_classes_mean_what_their_names_say() {
    let config = config::load(&path_of("ocs_classes"), &[]).unwrap();
    let conditions = resolve_conditions(&config).unwrap();
    assert_eq!(conditions.len(), 9);
    let classes_of = |name: &str| {
        let (_, resolved) = conditions.iter().find(|(condition, _)| condition == name).unwrap();
        resolved.task.classes.clone().unwrap()
    };
    let semantic = classes_of("linear-semantic");
    for (name, resolved) in &conditions {
        let classes = resolved.task.classes.clone().unwrap();
        let mut sorted = classes.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 3, 4, 5, 7, 8, 9], "{name}");
        // Both networks learn the same trees.
        let tree = name.split_once('-').unwrap().1;
        assert_eq!(classes, classes_of(&format!("linear-{tree}")), "{name}");
        let sides = resolved.task.vehicles().unwrap();
        let halves: Vec<f64> = sides.chunks(4).map(|half| half.iter().sum()).collect();
        let is_mixed = sides.chunks(2).all(|pair| pair[0] != pair[1]);
        match tree {
            "semantic" => assert_eq!((halves, is_mixed), (vec![4.0, -4.0], false)),
            "mirrored" => {
                let exchanged: Vec<usize> = classes.iter().rev().copied().collect();
                assert_eq!(exchanged, semantic);
            }
            _ => assert_eq!((halves, is_mixed), (vec![0.0, 0.0], true), "{name}"),
        }
    }
}

#[test]
fn a_printed_config_reads_back_as_itself() {
    for experiment in ocs::studies::stems() {
        let config = config::load(&path_of(experiment), &[]).unwrap();
        let text = serde_yaml::to_string(&config).unwrap();
        assert_eq!(config::parse(&text, "other", &[]).unwrap(), config);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
    }
}

/// Steps, learning rate, training samples and seeds of each condition at a scale.
fn at(text: &str, scale: Scale) -> Vec<(String, u64, f64, Option<usize>, usize)> {
    let config = config::parse(text, "x", &[]).unwrap().at(scale).unwrap();
    let row = |(name, c): (String, Config)| {
        let training = c.training;
        (name, training.steps, training.learning_rate, c.task.samples.train, c.seeds.len())
    };
    resolve_conditions(&config).unwrap().into_iter().map(row).collect()
}

#[test]
fn quick_shortens_what_conditions_set_too_however_they_write_it() {
    let text = "
training: {steps: 100, learning_rate: 0.1}
quick: {steps: 0.4, learning_rate: 2.0, train_samples: 50}
conditions:
  dotted: {training.steps: 1000, task.samples.train: 99}
  nested: {training: {steps: 1000, learning_rate: 0.5}, task: {samples: {train: 98}}}
  base: {network.bias: all}";
    let row = |name: &str, steps, rate| (name.to_owned(), steps, rate, Some(50), 1);
    assert_eq!(
        at(text, Scale::Quick),
        [row("dotted", 400, 0.2), row("nested", 400, 1.0), row("base", 40, 0.2)]
    );
    let row = |name: &str, steps, rate, samples| (name.to_owned(), steps, rate, samples, 5);
    assert_eq!(
        at(text, Scale::Default),
        [
            row("dotted", 1000, 0.1, Some(99)),
            row("nested", 1000, 0.5, Some(98)),
            row("base", 100, 0.1, None)
        ]
    );
    assert_eq!(at(text, Scale::Full), at(text, Scale::Default));
}

#[test]
fn full_goes_on_counting_seeds_and_has_the_last_word_and_further_conditions() {
    let text = "
seeds: [4, 2]
task: {samples: {train: 64}}
training: {steps: 100}
full:
  seeds: 4
  steps: 3.0
  learning_rate: 0.5
  set: {task.samples.train: null, network: {hidden: [7]}}
  conditions: {more: {training.steps: 10}}
conditions:
  narrow: {network.hidden: [3], task: {samples: {train: 16}}}";
    let config = config::parse(text, "x", &[]).unwrap();
    assert_eq!(config.scale(Scale::Full), Scale::Full);
    let full = config.at(Scale::Full).unwrap();
    assert_eq!(full.seeds, [4, 2, 5, 6]);
    let row = |name: &str, steps| (name.to_owned(), steps, 0.002, None, 4);
    assert_eq!(at(text, Scale::Full), [row("narrow", 300), row("more", 30)]);
    for (_, resolved) in resolve_conditions(&full).unwrap() {
        assert_eq!(resolved.network.hidden, [7]);
    }
    assert_eq!(at(text, Scale::Quick).len(), 1);
}

#[test]
fn a_config_without_a_full_section_is_run_as_by_default() {
    let config = config::parse("training: {steps: 7}", "x", &[]).unwrap();
    assert_eq!(config.scale(Scale::Full), Scale::Default);
    assert_eq!(config.at(Scale::Full).unwrap(), config);
    // Also where there are no conditions.
    assert_eq!(at("full: {steps: 2.0}\ntraining: {steps: 7}", Scale::Full)[0].1, 14);
}

#[test]
fn every_shipped_experiment_says_what_is_heavier() {
    for experiment in ocs::studies::stems() {
        let config = config::load(&path_of(experiment), &[]).unwrap();
        assert_eq!(config.scale(Scale::Full), Scale::Full, "{experiment:?}");
        let full = config.at(Scale::Full).unwrap();
        let work = |config: &Config| -> (u64, usize) {
            let steps =
                resolve_conditions(config).unwrap().iter().map(|c| c.1.training.steps).sum();
            (steps, config.seeds.len())
        };
        let samples = |config: &Config| {
            let conditions = resolve_conditions(config).unwrap();
            conditions.iter().filter(|c| c.1.task.samples.train.is_none()).count()
        };
        assert!(
            work(&full) > work(&config) || samples(&full) > samples(&config),
            "{experiment:?} does no more at full scale"
        );
    }
}

#[test]
fn the_default_config_is_the_papers_linear_task() {
    let config = config::parse("", "empty", &[]).unwrap();
    assert_eq!(config.name, "empty");
    assert_eq!(config.task.branching, Some(vec![2, 2, 2]));
    assert_eq!(config.training.learning_rate, 0.004);
}

#[test]
fn set_has_the_last_word_and_replaces_choices() {
    let set = |text: &str| vec![text.parse().unwrap()];
    let config = config::parse(
        "network: {initialisation: {aligned: {a0: 1.0e-3}}}",
        "x",
        &set("network.initialisation.kaiming.gain=0.5"),
    );
    let expected = config::Initialisation::Kaiming(config::Kaiming { gain: 0.5 });
    assert_eq!(config.unwrap().network.initialisation, expected);
    let text = "conditions: {short: {training.steps: 10}, long: {training.steps: 20}}";
    let config = config::parse(text, "x", &set("training.steps=5")).unwrap();
    for (_, resolved) in resolve_conditions(&config).unwrap() {
        assert_eq!(resolved.training.steps, 5);
    }
}

#[test]
fn a_map_is_merged_and_not_put_in_place_of_its_siblings() {
    let base = "network: {hidden: [8], initialisation: {normal: {std: 0.01}}}";
    let nested = format!("{base}\nconditions: {{a: {{network: {{bias: all}}}}}}");
    let (_, resolved) =
        resolve_conditions(&config::parse(&nested, "x", &[]).unwrap()).unwrap().remove(0);
    assert_eq!((resolved.network.hidden, resolved.network.bias), (vec![8], config::Bias::All));
    let set = ["network={bias: output}".parse().unwrap()];
    let (_, resolved) =
        resolve_conditions(&config::parse(&nested, "x", &set).unwrap()).unwrap().remove(0);
    assert_eq!((resolved.network.hidden, resolved.network.bias), (vec![8], config::Bias::Output));
}

#[test]
fn set_reaches_into_what_a_condition_sets_as_a_whole() {
    let text = "conditions: {random: {network.initialisation: {normal: {std: 0.001}}}}";
    let set = ["network.initialisation.normal.std=0.5".parse().unwrap()];
    let (_, resolved) =
        resolve_conditions(&config::parse(text, "x", &set).unwrap()).unwrap().remove(0);
    let expected = config::Initialisation::Normal(config::Normal { std: 0.5 });
    assert_eq!(resolved.network.initialisation, expected);
}

#[test]
fn chosen_conditions_alone_need_to_fit_what_is_set() {
    let text = "network: {kind: mlp, hidden: [8, 8]}\nquick: {steps: 0.5}\nconditions: {three: {network.layer_scales: [1, 1, 0.1]}, any: {}}";
    let set = ["network.hidden=[8]".parse().unwrap()];
    let error = format!("{:#}", config::parse(text, "x", &set).unwrap_err());
    assert!(error.contains("three") && error.contains("layer_scales"), "{error}");
    let chosen = config::parse_conditions(text, "x", &set, &["any".to_owned()]).unwrap();
    let resolved = resolve_conditions(&chosen).unwrap();
    assert_eq!((resolved.len(), &resolved[0].1.network.hidden[..]), (1, &[8][..]));
    // What is chosen is checked.
    for (name, key) in [("three", "layer_scales"), ("non", "did you mean")] {
        let error = config::parse_conditions(text, "x", &set, &[name.to_owned()]).unwrap_err();
        assert!(format!("{error:#}").contains(name), "{error:#}");
        assert!(format!("{error:#}").contains(key) || name == "non", "{error:#}");
    }
}

#[test]
fn a_tree_takes_back_a_branching_and_the_other_way_round() {
    let uneven = "task: {tree: [[0, 1], [2]]}";
    let set = ["task.branching=[2, 2]".parse().unwrap()];
    assert_eq!(config::parse(uneven, "x", &set).unwrap().task.n_items(), 4);
    let both = format!("{uneven}\nconditions: {{even: {{task.branching: [3]}}}}");
    let (_, resolved) =
        resolve_conditions(&config::parse(&both, "x", &[]).unwrap()).unwrap().remove(0);
    assert_eq!((resolved.task.tree, resolved.task.branching), (None, Some(vec![3])));
    // Classes that nobody gave follow the tree.
    let images = "task: {inputs: glyphs}\nnetwork: {initialisation: {kaiming: {gain: 1}}}\nconditions: {few: {task.branching: [3]}}";
    let (_, resolved) =
        resolve_conditions(&config::parse(images, "x", &[]).unwrap()).unwrap().remove(0);
    assert_eq!(resolved.task.classes, Some(vec![0, 1, 2]));
}

#[test]
fn a_condition_may_take_over_another_by_yamls_merge_key() {
    let text = "conditions: {a: &a {training.steps: 10, network.bias: all}, b: {<<: *a, network.bias: none}}";
    let conditions = resolve_conditions(&config::parse(text, "x", &[]).unwrap()).unwrap();
    assert_eq!(conditions[1].1.training.steps, 10);
    assert_eq!(conditions[1].1.network.bias, config::Bias::None);
    // Which may itself take over a third.
    let text = "conditions: {a: &a {training.steps: 10, network.bias: all}, b: &b {<<: *a, network.bias: none}, c: {<<: *b}}";
    let conditions = resolve_conditions(&config::parse(text, "x", &[]).unwrap()).unwrap();
    assert_eq!(conditions[2].1, conditions[1].1);
}

#[test]
fn wrong_configs_are_refused_with_the_key_and_the_remedy() {
    let cases = [
        (
            "training: {learning_rat: 0.1}",
            "training has no key 'learning_rat': did you mean learning_rate?",
        ),
        ("training: {learning_rat: 0.1}", "at line 1"),
        (
            "training: {steps: many}",
            "training.steps must be a whole number of 0 or more, not 'many'",
        ),
        (
            "training: {learning_rate: -1}",
            "training.learning_rate must be positive and finite, not -1",
        ),
        ("training: {steps: 0}", "training.steps must be at least 1"),
        ("phases: null", "phases must be a list, but nothing stands there: leave it out"),
        ("phases: [{}, {steps: 0}]", "phase 2: steps must be at least 1, not 0"),
        ("phases: [{label: ''}]", "phase 1: label is empty: leave it out"),
        (
            "training: {optimiser: rmsprop}",
            "training.optimiser cannot be 'rmsprop': write sgd, adam or adamw; the nearest is adam",
        ),
        ("training: {optimiser: {sgd: {momentum: 1.0}}}", "training.optimiser.sgd.momentum"),
        ("training: {batch_size: 0}", "training.batch_size"),
        ("phase_threshold: 0", "phase_threshold must be above 0"),
        ("seeds: []", "seeds is empty"),
        ("seeds: [1, 1]", "seeds lists 1 twice"),
        (
            "task: {inputs: circle, targets: sine}\nnetwork: {initialisation: {normal: {std: 0.1}}}\ntraining: {loss: binary-cross-entropy}",
            "are numbers, no probabilities",
        ),
        ("probes: [layer-spectra, layer-spectra]", "probes lists layer-spectra twice"),
        ("seeds: [-1]", "seeds"),
        (
            "conditions: {a: {network.bias: all}, a: {network.bias: none}}",
            "conditions: 'a' stands twice: rename or remove one",
        ),
        ("conditions: {a: {network.bais: all}}", "network has no key 'bais': did you mean bias?"),
        ("conditions: {a: {seeds: [1]}}", "a condition cannot override 'seeds'"),
        ("conditions: {'../x': {network.bias: all}}", "names a folder"),
        ("name: a/b", "names a folder"),
        ("task: {branching: []}", "task.branching is empty"),
        ("task: {branching: [2, 0]}", "task.branching has a 0"),
        ("task: {branching: [1]}", "must make 2 to 65536 items"),
        ("task: {branching: [4000000000, 4000000000, 4000000000]}", "must make 2 to 65536 items"),
        ("task: {tree: []}", "empty list"),
        ("task: {tree: [[0, 1], []]}", "empty list"),
        ("task: {tree: [[0, 1], [1, 2]]}", "each once"),
        ("task: {tree: [[0, 1], [2]], branching: [2]}", "exclude each other"),
        ("task: {frequencies: [1, 2]}", "task.frequencies has 2 weights for 8 items"),
        (
            "task: {frequencies: [1, 1, 1, 1, 1, 1, 1, 0]}",
            "each of task.frequencies must be positive",
        ),
        (
            "task: {frequencies: [1, 1, 1, 1, 1, 1, 1, -2]}",
            "each of task.frequencies must be positive",
        ),
        (
            "task: {inputs: correlated, correlation: 1.0}",
            "task.correlation must be at least 0 and below 1",
        ),
        ("task: {correlation: 0.5}", "set task.inputs to correlated"),
        (
            "task: {inputs: mnist, classes: [0, 1, 2]}",
            "task.classes lists 3 classes, but the tree has 8 items",
        ),
        ("task: {inputs: mnist, classes: [0, 1, 2, 3, 4, 5, 6, 6]}", "lists class 6 twice"),
        ("task: {inputs: mnist, classes: [0, 1, 2, 3, 4, 5, 6, 10]}", "mnist has classes 0 to 9"),
        ("task: {inputs: mnist, branching: [3, 4]}", "has classes 0 to 9"),
        ("task: {inputs: imagenet}", "the nearest is cifar10"),
        (
            "network: {kind: cnn, hidden: [8], initialisation: {normal: {std: 0.1}}}",
            "task.inputs is one-hot",
        ),
        ("network: {hidden: [0]}", "network.hidden has a width of 0"),
        (
            "network: {initialisation: {aligned: {a0: 0}}}",
            "network.initialisation.aligned.a0 must be positive",
        ),
        (
            "network: {initialisation: {normal: {std: .nan}}}",
            "normal.std must be positive and at most 1000, not NaN",
        ),
        ("network: {kind: mlp, initialisation: aligned}", "aligned is for linear networks"),
        ("training: {precision: bfloat16}", "bfloat16 is for mlp and cnn"),
        ("task: {frequencies: [1e308, 1e308, 1, 1, 1, 1, 1, 1]}", "within a factor of 1e6"),
        (
            "task: {inputs: glyphs, branching: [4294967296, 4294967296]}",
            "must make 2 to 65536 items",
        ),
        ("network: {hidden: [100000000000]}", "every layer has 1 to 65536 units"),
        ("training: {observations: 1000000000000}", "training.observations must be 2 to 100000"),
        ("training: {learning_rate: 1e-320}", "between 1e-12 and 1e6"),
        ("network: {initialisation: {aligned: {a0: 1e8}}}", "positive and at most 1000"),
        (
            "network: {kind: mlp, initialisation: {normal: {std: 1}}}\nkernel: {samples: 1}",
            "kernel.samples must be 2 to 4096, not 1",
        ),
        ("kernel: {times: 1}", "kernel.times must be 2 to 1000, not 1"),
        ("kernel: {}", "kernel is for network.kind mlp and cnn"),
        ("kernel: {width: 3}", "kernel has no key 'width': its keys are samples, times"),
        ("quick: {steps: 2}", "quick.steps must be in (0, 1]"),
        ("full: {steps: 0.5}", "full.steps must be in [1, 1e6], not 0.5"),
        ("full: {seeds: 1}", "full.seeds must be at least the 5 of seeds, not 1"),
        ("full: {train_samples: 1}", "full has no key 'train_samples'"),
        ("full: {set: {seeds: [1]}}", "full.set cannot set 'seeds'"),
        ("full: {set: {training.steps: 0}}", "the section 'full'"),
        ("full: {set: {network.bais: all}}", "network has no key 'bais'"),
        ("conditions: {a: }\nfull: {conditions: {a: }}", "two conditions are named 'a'"),
        ("conditions: {a: {full: {steps: 2}}}", "a condition cannot override 'full'"),
        ("training: [", "at line"),
        ("- 1", "a config must be a map of keys, not a list"),
    ];
    for (text, expected) in cases {
        let error = config::parse(text, "test", &[]).expect_err(text);
        let message = format!("{error:#}");
        assert!(
            message.contains(expected),
            "{text}\n  said:     {message}\n  expected: {expected}"
        );
    }
}
