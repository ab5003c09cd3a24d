use std::path::Path;
use std::time::{Duration, Instant};

use assert_cmd::Command;

use ocs::config::{
    self, Bias, Config, Initialisation, Kaiming, NetworkKind, Normal, Override, resolve_conditions,
};

fn load(text: &str) -> Result<Config, String> {
    load_with(text, &[])
}

fn load_with(text: &str, set: &[&str]) -> Result<Config, String> {
    let overrides: Result<Vec<Override>, _> = set.iter().map(|set| set.parse()).collect();
    let overrides = overrides.map_err(|error: anyhow::Error| format!("{error:#}"))?;
    config::parse(text, "test", &overrides).map_err(|error| format!("{error:#}"))
}

fn kaiming(gain: f64) -> Initialisation {
    Initialisation::Kaiming(Kaiming { gain })
}

#[test]
fn the_first_config_for_images_needs_no_initialisation() {
    let cnn = load("task: {inputs: cifar10}\nnetwork: {kind: cnn}").unwrap();
    assert_eq!(cnn.network.initialisation, kaiming(0.5));
    assert_eq!(load("network: {kind: mlp}").unwrap().network.initialisation, kaiming(0.2));
    let linear = load("network: {initialisation: null}").unwrap();
    assert_eq!(linear.network.initialisation.aligned_strength(), Some(1e-4));
    let set = load_with("task: {inputs: glyphs}", &["network.kind=cnn"]).unwrap();
    assert_eq!(set.network.initialisation, kaiming(0.5));
}

#[test]
fn a_condition_that_chooses_a_kind_starts_as_its_kind_does() {
    let text = "
task: {inputs: glyphs}
conditions: {linear: , mlp: {network: {kind: mlp}}, cnn: {network.kind: cnn}, own: {network.kind: cnn, network.initialisation: normal}}
full: {conditions: {more: {network.kind: mlp}}}";
    let starts = |text: &str| -> Vec<Initialisation> {
        let full = load(text).unwrap().at(config::Scale::Full).unwrap();
        let resolved = resolve_conditions(&full).unwrap();
        resolved.into_iter().map(|(_, c)| c.network.initialisation).collect()
    };
    let linear = NetworkKind::Linear.default_start();
    let normal = Initialisation::Normal(Normal { std: 0.01 });
    assert_eq!(starts(text), [linear, kaiming(0.2), kaiming(0.5), normal, kaiming(0.2)]);
    // Printed with every default, it means the same.
    let printed = serde_yaml::to_string(&load(text).unwrap()).unwrap();
    assert_eq!(starts(&printed), starts(text));
    // What the base says holds for all.
    let said = text.replace("task:", "network: {initialisation: {normal: {std: 0.01}}}\ntask:");
    assert_eq!(starts(&said), [normal; 5]);
}

#[test]
fn a_bare_initialisation_takes_its_default_as_a_bare_optimiser_does() {
    for (text, start) in [
        ("kaiming", kaiming(1.0)),
        ("{kaiming: }", kaiming(1.0)),
        ("{kaiming: {gain: 2}}", kaiming(2.0)),
        ("normal", Initialisation::Normal(Normal { std: 0.01 })),
        ("orthogonal", Initialisation::Orthogonal(config::Orthogonal { scale: 1.0 })),
        ("aligned", NetworkKind::Linear.default_start()),
    ] {
        let set = format!("network.initialisation={text}");
        assert_eq!(load_with("", &[&set]).unwrap().network.initialisation, start, "{text}");
    }
    let set = ["network.initialisation=kaiming", "network.initialisation.kaiming.gain=3"];
    assert_eq!(load_with("", &set).unwrap().network.initialisation, kaiming(3.0));
}

#[test]
fn numbers_are_read_as_people_write_them() {
    for written in ["1000", "1e3", "1000.0", "1_000", "\"1000\"", "+1000", "1.0e+3"] {
        let config = load(&format!("training: {{steps: {written}}}")).expect(written);
        assert_eq!(config.training.steps, 1000, "{written}");
        let set = format!("training.steps={written}");
        assert_eq!(load_with("", &[&set]).unwrap().training.steps, 1000, "{written}");
    }
    let text = "network: {hidden: [1.6e1]}\nseeds: [1e1, 2_0]\nphase_threshold: '0.2'\nname: 2024";
    let config = load(text).unwrap();
    assert_eq!((config.network.hidden, config.seeds), (vec![16], vec![10, 20]));
    assert_eq!((config.phase_threshold, config.name.as_str()), (0.2, "2024"));
    for (written, size) in [("full", None), ("FULL", None), ("null", None), ("64.0", Some(64))] {
        let text = format!("task: {{inputs: glyphs}}\ntraining: {{batch_size: {written}}}");
        let config = load(&text).expect(written);
        assert_eq!(config.training.batch_size, size, "{written}");
    }
    let error = format!("{:#}", load("training: {batch_size: 64}").unwrap_err());
    assert!(error.contains("batch_size: full") && error.contains("task.inputs"), "{error}");
}

#[test]
fn a_file_may_be_json_or_empty_or_come_from_windows() {
    let text = "\u{feff}training:\r\n  steps: 7\r\n";
    assert_eq!(load(text).unwrap().training.steps, 7);
    assert_eq!(load("{\"training\": {\"steps\": 7}}").unwrap().training.steps, 7);
    assert_eq!(load("# nothing\n").unwrap(), load("").unwrap());
    // Sections whose keys are all commented out.
    assert_eq!(load("training:\n  # steps: 7\ntask:\nquick:\n").unwrap(), load("").unwrap());
}

/// What a newcomer writes, and a part of the message that says what to write instead.
const MISTAKES: [(&str, &str); 54] = [
    (
        "training: {steps: -5}",
        "training.steps must be a whole number of 0 or more, not -5 (at line 1",
    ),
    ("training: {steps: 1e30}", "a whole number below 1e16"),
    ("training: {steps: 10.5}", "must be a whole number"),
    ("training: {steps: [1]}", "must be a whole number of 0 or more, not a list"),
    ("training: {learning_rate: small}", "training.learning_rate must be a number, not 'small'"),
    ("training: {learning_rate: nan}", "must be a number, not 'nan'"),
    ("training: {batch_size: big}", "must be a whole number of samples, or full, not 'big'"),
    ("training: {batch_size: 1.5}", "must be a whole number of samples, or full, not 1.5"),
    (
        "training: {batch_size: 9}",
        "one-hot, one vector for each of 8 items: write batch_size: full",
    ),
    (
        "task: {frequencies: [2, 1, 1, 1, 1, 1, 1, 1]}\ntraining: {batch_size: 1}",
        "task.frequencies weighs items, and in minibatches each comes once an epoch",
    ),
    ("training: {optimizer: adam}", "here it is optimiser"),
    ("training: {lr: 0.1}", "here it is learning_rate"),
    ("training: {epochs: 3}", "here it is steps, which counts updates, not epochs"),
    ("lr: 0.1", "here it is training.learning_rate"),
    ("steps: 5", "write training: {steps: ...}"),
    ("Training: {steps: 5}", "write training"),
    ("trainin: {steps: 5}", "did you mean training?"),
    ("device: cuda", "give --device on the command line"),
    ("training: {dropout: 0.1}", "write network: {dropout"),
    ("training: {augmentation: flips}", "there is no such thing here"),
    ("training: {weight_decay: 0.1}", "write training: {optimiser"),
    ("training: {optimiser: AdamW}", "write sgd, adam or adamw; did you mean adamw?"),
    ("training: {optimiser: adm}", "did you mean adam?"),
    ("training: {optimiser: {sgd: {}, adam: {}}}", "makes two choices"),
    ("training: {loss: mse}", "the nearest is half-squared-error"),
    ("training: {loss: cross-entropy}", "the nearest is softmax-cross-entropy"),
    ("training: {precision: half}", "the nearest is bfloat16"),
    ("training: {precision: 64}", "the nearest is float64"),
    ("network: {bias: true}", "the nearest is all"),
    ("network: {bias: no}", "the nearest is none"),
    ("network: {activation: ReLU}", "did you mean relu?"),
    ("network: {activation: gelu}", "the nearest is relu"),
    ("network: {kind: resnet}", "the nearest is cnn"),
    ("network: {hidden: 64}", "network.hidden must be a list: write [64]"),
    ("network: {initialisation: xavier}", "the nearest is kaiming"),
    ("network: {initialisation: {kaiming: {std: 1}}}", "its keys are gain"),
    ("network: {initialisation: {kaiming: 2}}", "must be a map of keys, not 2"),
    ("network: {initialisation: {kaiming: {}, normal: {}}}", "makes two choices"),
    ("network: {kind: cnn}", "mnist, fashion-mnist, cifar10, cifar100, glyphs or {path: PATH}"),
    ("task: {inputs: imagenet}", "the nearest is cifar10"),
    ("task: {inputs: CIFAR-10}", "did you mean cifar10?"),
    ("task: {inputs: mnist, classes: [cat, dog]}", "classes are the data set's numbers"),
    (
        "task: {inputs: mnist, tree: [[0, 2], [7, 9]]}",
        "said by task.classes: write tree: [[0, 1], [2, 3]] and classes: [0, 2, 7, 9]",
    ),
    ("task: {inputs: glyphs, tree: [5, [1, 3]]}", "write tree: [0, [1, 2]] and classes: [5, 1, 3]"),
    (
        "task: {tree: [[1, 2], [3]]}",
        "must be the items 0 to 2, each once: write tree: [[0, 1], [2]]",
    ),
    (
        "task: {tree: [cat, dog]}",
        "task.tree[0] must be an item's number or a list of them, not 'cat'",
    ),
    ("task: {samples: 100}", "task.samples must be a map of keys"),
    ("seeds: 5", "write [5], not 5 (or give --seeds 0..5"),
    ("conditions: [a, b]", "all: {network.bias: all}"),
    ("conditions: {no bias: {network.bias: none}}", "write no-bias, and keep yours as its label"),
    ("conditions: {a: {bias: none}}", "write network: {bias: ...}"),
    ("name: my run", "write my-run"),
    ("training:\n\tsteps: 5", "not by tabs"),
    ("training: {steps: 5, steps: 6}", "'steps' stands twice"),
];

#[test]
fn what_newcomers_mistype_is_told_with_what_to_write() {
    for (text, expected) in MISTAKES {
        let message = load(text).expect_err(text);
        assert!(
            message.contains(expected),
            "{text}\n  said:     {message}\n  expected: {expected}"
        );
    }
}

#[test]
fn an_experiment_that_there_is_not_is_told_with_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), "experiment: ocs_liner").unwrap();
    let (status, _, stderr) = told(ocs(folder.path()).args(["config", "x.yaml"]));
    let words = ["x.yaml is not a valid config", "key 'experiment'", "did you mean 'ocs_linear'?"];
    assert!(status == Some(2) && words.iter().all(|word| stderr.contains(word)), "{stderr}");
}

#[test]
fn no_message_speaks_of_types_of_the_program() {
    for (text, _) in MISTAKES {
        let message = load(text).expect_err(text);
        for word in [
            "f64", "u64", "usize", "variant", "struct", "enum", "sequence", "Number(", "untagged",
            "unit",
        ] {
            assert!(!message.contains(word), "{text}: '{word}' in {message}");
        }
    }
}

#[test]
fn a_label_is_a_conditions_display_name_and_absent_when_unset() {
    let text =
        "conditions: {none: {label: no biases, network.bias: none}, all: {network.bias: all}}";
    let conditions = resolve_conditions(&load(text).unwrap()).unwrap();
    assert_eq!(conditions[0].1.label.as_deref(), Some("no biases"));
    assert_eq!((&conditions[1].1.label, conditions[1].1.network.bias), (&None, Bias::All));
    assert!(!serde_json::to_string(&conditions[1].1).unwrap().contains("label"));
    for wrong in
        ["label: ''", "label: \"two\\nlines\"", "conditions: {a: {label: x}, b: {label: x}}"]
    {
        assert!(load(wrong).expect_err(wrong).contains("label"), "{wrong}");
    }
}

/// Texts that took seconds, minutes or for ever to be refused, or to be read.
fn slow_texts() -> Vec<(&'static str, String, Option<&'static str>)> {
    let numbers = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let nested = |depth: usize| "[".repeat(depth) + "0" + &"]".repeat(depth);
    let alias =
        |n: u32| format!("  a{}: &a{} [{}]\n", n + 1, n + 1, vec![format!("*a{n}"); 9].join(","));
    let bomb = format!("task:\n  a0: &a0 [x,x]\n{}", (0..12).map(alias).collect::<String>());
    let conditions = |count: usize| -> String {
        (0..count)
            .map(|n| format!("  c{n}: {{network.bias: all, task.branching: [2, 2]}}\n"))
            .collect()
    };
    vec![
        (
            "tree 30,000 deep",
            format!("task: {{tree: {}}}", nested(30_000)),
            Some("nested more than 100 deep"),
        ),
        (
            "tree 100,000 deep",
            format!("task: {{tree: {}}}", nested(100_000)),
            Some("nested more than 100 deep"),
        ),
        (
            "brackets behind closing quotes",
            format!("task: {{tree: {}}}", "['] ]',".repeat(30_000)),
            Some("nested more"),
        ),
        (
            "brackets behind comments",
            format!("task: {{tree: {}}}", "[ # ]]\n".repeat(30_000)),
            Some("nested more"),
        ),
        ("maps in keys", format!("task: {}", "{? ".repeat(30_000)), Some("nested more")),
        (
            "block lists 30,000 deep",
            format!("task:\n  tree:\n    {}0", "- ".repeat(30_000)),
            Some("nested more"),
        ),
        ("tree 90 deep", format!("task: {{tree: {}}}", nested(90)), Some("at most 64 levels")),
        (
            "tree of a condition",
            format!("conditions: {{a: {{task.tree: {}}}}}", nested(80)),
            Some("at most 64 levels"),
        ),
        ("100,000 seeds", format!("seeds: [{}]", numbers(100_000)), None),
        ("1,000,000 seeds", format!("seeds: [{}]", numbers(1_000_000)), Some("1048576 bytes")),
        ("140,000 seeds", format!("seeds: [{}]", numbers(140_000)), Some("at most 100000")),
        (
            "10,000 levels",
            format!("task: {{branching: [2,{}]}}", ["1"; 9999].join(",")),
            Some("at most 64"),
        ),
        (
            "too many labels",
            format!("task: {{branching: [65536,{}]}}", ["1"; 60].join(",")),
            Some("at most 131072"),
        ),
        (
            "hidden layers",
            format!("network: {{hidden: [{}]}}", numbers(100_000)),
            Some("at most 100"),
        ),
        (
            "frequencies",
            format!("task: {{frequencies: [{}]}}", numbers(100_000)),
            Some("100000 weights for 8 items"),
        ),
        (
            "classes",
            format!("task: {{inputs: mnist, classes: [{}]}}", numbers(100_000)),
            Some("100000 classes"),
        ),
        (
            "1,000 conditions",
            format!("seeds: [{}]\nconditions:\n{}", numbers(1000), conditions(1000)),
            None,
        ),
        ("4,000 conditions", format!("conditions:\n{}", conditions(4000)), Some("at most 1000")),
        (
            "too many runs",
            format!("seeds: [{}]\nconditions:\n{}", numbers(2000), conditions(999)),
            Some("1000000 runs"),
        ),
        ("aliases of aliases", bomb, Some("multiply beyond all bounds")),
        (
            "seeds to come",
            "full: {seeds: 1e15}".to_owned(),
            Some("full.seeds must be at most 100000"),
        ),
        ("a long name", format!("name: {}", "x".repeat(1_000_000)), Some("name names a folder")),
        ("a long key", format!("{}: 1", "x".repeat(1000)), Some("has no key")),
        (
            "a huge gain",
            "network: {initialisation: {kaiming: {gain: 1e19}}}".to_owned(),
            Some("at most 1000"),
        ),
    ]
}

#[test]
fn every_config_is_answered_within_a_second() {
    for (name, text, refused) in slow_texts() {
        let start = Instant::now();
        let answer = load(&text);
        let took = start.elapsed();
        match (refused, &answer) {
            (Some(words), Err(message)) => {
                assert!(message.contains(words) && message.len() < 1000, "{name}: {message}");
            }
            (None, Ok(_)) => {}
            (_, answer) => panic!("{name}: {:?}", answer.as_ref().map(|config| config.seeds.len())),
        }
        // On a machine that does nothing else each is answered within a second; unmended, each took ten at least.
        assert!(took < Duration::from_secs(5), "{name} took {took:?}");
    }
}

#[test]
fn a_long_override_is_answered_within_a_second() {
    let deep_value = format!("task.tree={}", "[".repeat(60_000));
    let deep_key = "a.".repeat(60_000) + "a=1";
    let start = Instant::now();
    assert!(load_with("", &[&deep_value]).unwrap_err().contains("nested more than 100 deep"));
    assert!(load_with("", &[&deep_key]).unwrap_err().contains("more parts than any key"));
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// A config, what is wrong with it in its precision, and the same in one that holds it, if any.
#[test]
fn what_rounds_to_zero_is_refused_with_the_precision_that_holds_it() {
    let deep = "network: {hidden: [8, 8], ";
    let cases = [
        ("network: {initialisation: {aligned: {a0: 1e-100}}}", "aligned.a0 is 1e-100", true),
        ("network: {initialisation: {normal: {std: 1e-60}}}", "normal.std is 1e-60", true),
        ("network: {initialisation: {orthogonal: {scale: 1e-50}}}", "orthogonal.scale", true),
        ("network: {initialisation: {kaiming: {gain: 1e-45}}}", "kaiming.gain", true),
        ("network: {hidden: [], initialisation: {aligned: {a0: 1e-60}}}", "aligned.a0", true),
        // Each weight is held, but not what two layers give the third's gradient.
        (
            &format!("{deep}initialisation: {{normal: {{std: 1e-30}}}}}}"),
            "what 2 of its 3 layers",
            true,
        ),
        (
            &format!(
                "{deep}initialisation: {{aligned: {{a0: 1e-66}}}}}}\ntraining: {{learning_rate: 1e-6}}"
            ),
            "times training.learning_rate 1e-6",
            true,
        ),
        (
            "network: {hidden: [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8], initialisation: {normal: {std: 1000}}}",
            "infinite",
            true,
        ),
        (
            "training: {optimiser: {adam: {epsilon: 1e-60}}}",
            "adam.epsilon is 1e-60, which is 0 in float32",
            true,
        ),
        ("training: {optimiser: {adam: {epsilon: 1e60}}}", "infinite in float32", true),
        ("training: {optimiser: {adam: {beta2: 0.99999999999}}}", "which is 1 in float32", true),
        (
            "training: {optimiser: {sgd: {momentum: 0.9999999999}}}",
            "momentum is 0.9999999999, which is 1",
            true,
        ),
        ("task: {inputs: correlated, correlation: 1e-100}", "task.correlation is 1e-100", true),
        ("phase_threshold: 1e-10", "float32 resolves 1.2e-7 of a mean target", true),
        (
            "network: {kind: mlp, initialisation: {normal: {std: 1e-42}}}\ntraining: {precision: bfloat16}",
            "is 0 in bfloat16",
            false,
        ),
        (
            "conditions: {a: {network.initialisation: {normal: {std: 1e-60}}}}",
            "condition 'a'",
            false,
        ),
    ];
    for (text, expected, is_held) in cases {
        let message = load(text).expect_err(text);
        assert!(message.contains(expected), "{text}: {message}");
        assert!(message.contains("set training.precision to float64"), "{text}: {message}");
        if is_held {
            load_with(text, &["training.precision=float64"]).expect(text);
        }
    }
    // What no precision holds is told so, and what is small but held is no error.
    let message = load("network: {hidden: [8, 8, 8], initialisation: {normal: {std: 1e-200}}}\ntraining: {precision: float64}").unwrap_err();
    assert!(message.contains("is 0 in float64: write a larger value"), "{message}");
    let message = load("phase_threshold: 1e-60\ntraining: {precision: float64}").unwrap_err();
    assert!(message.contains("float64 resolves 2.2e-16"), "{message}");
    load("network: {initialisation: {aligned: {a0: 1e-60}}}").unwrap();
    load("network: {kind: mlp, initialisation: {normal: {std: 1e-40}}}\ntraining: {precision: bfloat16}").unwrap();
}

#[test]
fn scales_are_checked_for_what_they_make_of_a_number() {
    let text = "network: {hidden: [8, 8], initialisation: {aligned: {a0: 1e-66}}}\nquick: {learning_rate: 1e-5}\ntraining: {learning_rate: 0.1}";
    let message = load(text).unwrap_err();
    assert!(message.contains("the section 'quick'") && message.contains("float32"), "{message}");
}

/// The program in a folder of its own.
fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

/// Exit status, stdout and stderr.
fn told(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_shipped_experiment_is_taken_by_its_name_wherever_a_config_is() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(ocs(folder.path()).args(arguments));
    let (status, printed, _) = run(&["config", "ocs_linear"]);
    assert_eq!(status, Some(0));
    assert_eq!(load(&printed).unwrap().name, "ocs_linear");
    let short = ["--set", "training.steps=50", "--condition", "none", "--seeds", "0"];
    for command in ["train", "bench"] {
        let (status, _, stderr) = run(&[&[command, "ocs_linear"], &short[..]].concat());
        assert_eq!(status, Some(0), "{command}: {stderr}");
    }
    assert!(folder.path().join("runs/ocs_linear/none/0.json").exists());
    let (status, table, _) = run(&["theory", "ocs_correlation", "--condition", "input-bias"]);
    assert!(status == Some(0) && table.contains("input-bias"), "{table}");
    let set = ["--set", "task.inputs=glyphs", "--set", "task.samples={train: 80, test: 16}"];
    let (status, _, stderr) =
        run(&[&["gram", "ocs_mnist", "--condition", "linear-all-raw"], &set[..]].concat());
    assert_eq!(status, Some(0), "{stderr}");
    let (status, _, stderr) = run(&["data", "show", "glyphs", "--config", "ocs_mnist"]);
    assert_eq!(status, Some(0), "{stderr}");
    // A config in the folder `configs` is what `ocs reproduce` would take.
    std::fs::create_dir(folder.path().join("configs")).unwrap();
    std::fs::write(folder.path().join("configs/ocs_modes.yaml"), "seeds: [77]").unwrap();
    assert!(run(&["config", "ocs_modes"]).1.contains("- 77"));
    // A file of that very name goes first.
    std::fs::write(folder.path().join("ocs_modes"), "seeds: [78]").unwrap();
    assert!(run(&["config", "ocs_modes"]).1.contains("- 78"));
}

#[test]
fn a_config_that_is_not_there_is_told_with_what_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("runs")).unwrap();
    std::fs::write(folder.path().join("utf16.yaml"), b"\xff\xfen\0a\0").unwrap();
    std::fs::write(folder.path().join("image.png"), b"\x89PNG\xff\xff").unwrap();
    for (given, expected) in [
        ("ocs_liner", "did you mean ocs_linear, which is built in?"),
        ("configs/ocs_mnist.yaml", "did you mean ocs_mnist, which is built in?"),
        ("mine.yaml", "there is no such file: give a file, or one that is built in (ocs_linear"),
        ("runs", "runs is a folder: give a config's file"),
        ("utf16.yaml", "save it as UTF-8"),
        ("image.png", "is it the right file?"),
    ] {
        let (status, _, stderr) = told(ocs(folder.path()).args(["train", given]));
        assert!(status == Some(2) && stderr.contains(expected), "{given}: {stderr}");
    }
    let (_, _, stderr) =
        told(ocs(folder.path()).args(["train", "ocs_linear", "--condition", "non"]));
    assert!(stderr.contains("did you mean 'none'?"), "{stderr}");
    let (_, _, stderr) = told(ocs(folder.path()).args(["reproduce", "ocs_lienar"]));
    assert!(stderr.contains("did you mean 'ocs_linear'?"), "{stderr}");
    let (status, printed, _) =
        told(ocs(folder.path()).args(["config", "-"]).write_stdin("seeds: [3]"));
    assert!(status == Some(0) && printed.contains("name: stdin\n"), "{printed}");
}

#[test]
fn a_file_whose_name_is_no_folders_name_gives_its_runs_a_valid_one() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{}.yaml", "x".repeat(240));
    let mut files: Vec<(std::ffi::OsString, &str)> = vec![
        ("my config.yaml".into(), "my-config"),
        ("Größe (1).yml".into(), "Grosse-1"),
        (".hidden.yaml".into(), "hidden"),
        ("plain".into(), "plain"),
        ("a.b.yaml".into(), "a.b"),
        (long.into(), "xxxxxxxxxxxxxxxxxxxx"),
    ];
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        files.push((std::ffi::OsString::from_vec(b"latin\xfc1.yaml".to_vec()), "latin-1"));
    }
    for (file, name) in &files {
        std::fs::write(folder.path().join(file), "training: {steps: 5}").unwrap();
        let (status, printed, stderr) = told(ocs(folder.path()).arg("config").arg(file));
        assert!(
            status == Some(0) && printed.starts_with(&format!("name: {name}")),
            "{file:?}: {printed}{stderr}"
        );
    }
    let (status, _, stderr) =
        told(ocs(folder.path()).args(["train", "my config.yaml", "--seeds", "0"]));
    assert!(status == Some(0) && stderr.contains("runs are named 'my-config'"), "{stderr}");
    assert!(folder.path().join("runs/my-config/default/0.json").exists());
    std::fs::write(folder.path().join("---.yaml"), "").unwrap();
    let (status, _, stderr) = told(ocs(folder.path()).args(["config", "./---.yaml"]));
    assert!(status == Some(2) && stderr.contains("set name, or --set name=..."), "{stderr}");
}

#[test]
fn a_new_config_is_commented_loads_and_trains() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(ocs(folder.path()).args(arguments));
    let (status, stdout, stderr) = run(&["new", "mine"]);
    assert_eq!((status, stdout.as_str()), (Some(0), "mine.yaml\n"), "{stderr}");
    let text = std::fs::read_to_string(folder.path().join("mine.yaml")).unwrap();
    assert!(
        text.starts_with("# Made by `ocs new mine`.") && text.contains("ocs train mine.yaml"),
        "{text}"
    );
    assert_eq!(load(&text).unwrap().name, "mine");
    let (status, table, stderr) = run(&["train", "mine.yaml", "--set", "training.steps=200"]);
    assert!(status == Some(0) && table.contains("biases everywhere"), "{table}{stderr}");
    // With its comments on images taken out it is a config for images.
    let images = text
        .replace("# classes", "classes")
        .replace("# samples: {train: null", "samples: {train: 80");
    let set = [
        "task.inputs=glyphs",
        "network.kind=cnn",
        "training.batch_size=16",
        "task.samples.test=16",
    ];
    let config = load_with(&images, &set).unwrap();
    assert_eq!(
        (config.task.samples.train, config.network.initialisation),
        (Some(80), kaiming(0.5))
    );
    // Nothing is overwritten.
    std::fs::write(folder.path().join("mine.yaml"), "mine").unwrap();
    let (status, _, stderr) = run(&["new", "mine"]);
    assert!(status == Some(2) && stderr.contains("mine.yaml is there already"), "{stderr}");
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.yaml")).unwrap(), "mine");
}

#[test]
fn a_new_config_from_a_shipped_one_is_that_one_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(ocs(folder.path()).args(arguments));
    for experiment in ocs::studies::ALL {
        let stem = experiment.stem;
        let name = format!("my_{stem}");
        let (status, _, stderr) = run(&["new", &name, "--from", stem]);
        assert_eq!(status, Some(0), "{stderr}");
        let text = std::fs::read_to_string(folder.path().join(format!("{name}.yaml"))).unwrap();
        let shipped =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(stem).with_extension("yaml");
        let comments = std::fs::read_to_string(&shipped).unwrap();
        for comment in comments.lines().filter(|line| line.trim_start().starts_with('#')) {
            assert!(text.contains(comment), "{stem} lacks {comment}");
        }
        let shipped = config::load(&shipped, &[]).unwrap();
        assert_eq!(load(&text).unwrap(), Config { name, ..shipped });
    }
    let arguments =
        ["train", "my_ocs_linear.yaml", "--set", "training.steps=20", "--condition", "none"];
    assert_eq!(run(&arguments).0, Some(0));
    // From a file without a name, elsewhere, and from standard input.
    std::fs::write(folder.path().join("bare.yaml"), "# why\nseeds: [4] # four\n").unwrap();
    assert_eq!(run(&["new", "copy", "--from", "bare.yaml", "--out", "elsewhere.yml"]).0, Some(0));
    let text = std::fs::read_to_string(folder.path().join("elsewhere.yml")).unwrap();
    assert!(text.ends_with("# why\nname: copy\nseeds: [4] # four\n"), "{text}");
    let (status, _, _) =
        told(ocs(folder.path()).args(["new", "piped", "--from", "-"]).write_stdin("seeds: [9]"));
    assert!(
        status == Some(0)
            && std::fs::read_to_string(folder.path().join("piped.yaml")).unwrap().contains("[9]")
    );
}

#[test]
fn a_new_config_that_cannot_be_made_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wrong.yaml"), "training: {stepz: 3}").unwrap();
    std::fs::write(folder.path().join("flow.yaml"), "{\"name\": \"x\", \"seeds\": [1]}").unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["new", "my config"], "write my-config"),
        (&["new", "ocs_linear"], "give yours another name"),
        (&["new", "x", "--from", "ocs_liner"], "did you mean ocs_linear"),
        (&["new", "x", "--from", "wrong.yaml"], "did you mean steps?"),
        (&["new", "x", "--from", "flow.yaml"], "print it with `ocs config`"),
        (&["new", "x", "--from", "missing.yaml"], "there is no such file"),
    ];
    for (arguments, expected) in cases {
        let (status, _, stderr) = told(ocs(folder.path()).args(arguments));
        assert!(status == Some(2) && stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    let (status, _, stderr) =
        told(ocs(folder.path()).args(["new", "x", "--out", "no/folder/x.yaml"]));
    assert!(status == Some(1) && stderr.contains("choose another folder with --out"), "{stderr}");
    assert!(!folder.path().join("x.yaml").exists());
}

#[test]
fn full_batches_of_a_whole_set_of_images_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let text = "task: {inputs: mnist}\nnetwork: {kind: cnn}\n";
    std::fs::write(folder.path().join("first.yaml"), text).unwrap();
    let warned = |set: &str| {
        told(ocs(folder.path()).args(["train", "first.yaml", "--set", set]))
            .2
            .contains("set training.batch_size, such as 64")
    };
    // Training then stops at the data, which are not there.
    assert!(
        warned("seeds=[0]")
            && !warned("training.batch_size=64")
            && !warned("task.samples.train=100")
    );
}

#[test]
fn a_start_too_large_for_its_steps_does_not_keep_theory_busy_for_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    for (start, layers) in [("kaiming: {gain: 1000}", "[64]"), ("normal: {std: 100}", "[8, 8]")] {
        let text =
            format!("network: {{hidden: {layers}, initialisation: {{{start}}}}}\nseeds: [0]");
        std::fs::write(folder.path().join("large.yaml"), text).unwrap();
        let begun = Instant::now();
        let (status, _, stderr) = told(ocs(folder.path()).args(["theory", "large.yaml"]));
        assert!(status == Some(1) && stderr.contains("overshoots"), "{start}: {stderr}");
        let (status, _, stderr) =
            told(ocs(folder.path()).args(["train", "large.yaml", "--overwrite"]));
        assert!(
            status == Some(1) && stderr.contains("training.learning_rate"),
            "{start}: {stderr}"
        );
        // Unmended: two and a half minutes.
        assert!(begun.elapsed() < Duration::from_secs(40), "{start} took {:?}", begun.elapsed());
    }
}
