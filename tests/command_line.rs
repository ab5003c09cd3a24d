use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// The program, with an empty cache of its own.
fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// Exit status and the last line of stderr.
fn failure(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    let last = text.trim_end().lines().last().unwrap_or_default().to_owned();
    (output.status.code().expect("no signal"), last)
}

fn json(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const TINY: &str = "
task: {inputs: glyphs, samples: {train: 320, test: 80}}
network: {kind: mlp, hidden: [16], initialisation: {kaiming: {gain: 0.5}}}
training: {steps: 40, batch_size: 32, learning_rate: 0.05, observations: 12}
conditions: {none: {network.bias: none}, all: {network.bias: all}}
seeds: [0, 1]
";

const LINEAR: &str = "
training: {steps: 800, learning_rate: 0.02, observations: 30}
conditions: {none: {network.bias: none}, all: {network.bias: all}}
seeds: [0]
";

#[test]
fn training_leaves_a_record_for_each_run_and_a_summary_on_stdout() {
    let folder = folder();
    write(folder.path(), "tiny.yaml", TINY);
    let summary = json(ocs(folder.path()).args(["train", "tiny.yaml", "--json"]));
    assert_eq!(summary.as_array().unwrap().len(), 4);
    for run in summary.as_array().unwrap() {
        assert_eq!(run["status"], "complete");
        let text =
            std::fs::read_to_string(folder.path().join(run["record"].as_str().unwrap())).unwrap();
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(record["phase"], run["phase"]);
        assert_eq!(record["config"]["seeds"].as_array().unwrap().len(), 1);
        assert_eq!(record["levels"], serde_json::json!([2, 4, 8]));
        let curves = &record["curves"];
        let n = curves["time"].as_array().unwrap().len();
        for key in [
            "mean_output_error",
            "input_dependence",
            "distance_to_ocs",
            "distance_to_targets",
            "loss",
        ] {
            assert_eq!(curves[key].as_array().unwrap().len(), n, "{key}");
        }
        assert_eq!(curves["true_negative_rate"].as_array().unwrap().len(), 3);
        assert!(!text.contains("NaN"));
    }
    assert!(folder.path().join("runs/tiny/all/1.checkpoint/tensors.safetensors").exists());
}

#[test]
fn stdout_carries_data_alone_and_a_log_file_no_escape_codes() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let output = ocs(folder.path()).args(["train", "linear.yaml"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("condition") && stdout.lines().count() == 3, "{stdout}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    // What takes less than half a minute has no line on its progress: its start and its ends are told.
    for line in ["training runs=2 steps=", "done condition="] {
        assert!(stderr.contains(line) && !stderr.contains('\u{1b}'), "{stderr}");
    }
}

#[test]
fn a_working_folder_that_is_gone_is_told() {
    let binary = env!("CARGO_BIN_EXE_ocs");
    let script =
        format!("d=$(mktemp -d) && cd \"$d\" && rmdir \"$d\" && exec '{binary}' config ocs_linear");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && stderr.contains("working folder is gone"),
        "{stderr}"
    );
}

#[test]
fn each_stretch_of_training_has_a_row_and_an_entry() {
    let folder = folder();
    let text = "training: {steps: 60, observations: 10}\nseeds: [0]\n\
                phases: [{label: first}, {label: second, task.permutation: [7, 6, 5, 4, 3, 2, 1, 0]}]\n";
    write(folder.path(), "p.yaml", text);
    let runs = json(ocs(folder.path()).args(["train", "p.yaml", "--json"]));
    let stretches = runs[0]["stretches"].as_array().unwrap();
    let of = |key: &str| stretches.iter().map(|stretch| stretch[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("label"), ["first", "second"]);
    assert_eq!(of("first_step"), [0, 60]);
    assert_eq!(stretches[0]["phase"], runs[0]["phase"]);
    assert_eq!(stretches[1]["final_loss"], runs[0]["final_loss"]);
    assert_ne!(stretches[0]["final_loss"], runs[0]["final_loss"]);
    for (command, more) in [("train", &["--resume"][..]), ("theory", &[])] {
        let output = ocs(folder.path()).args([command, "p.yaml"]).args(more).output().unwrap();
        let table = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), 3, "{table}");
        assert!(
            rows[0].contains("stretch") && rows[1].contains("first") && rows[2].contains("second"),
            "{table}"
        );
    }
}

#[test]
fn theory_answers_in_json_as_documented() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let answer = json(ocs(folder.path()).args(["theory", "linear.yaml", "--json"]));
    let conditions = answer["conditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 2);
    for condition in conditions {
        assert_eq!(condition["method"], "closed-form");
        assert_eq!(condition["modes"].as_array().unwrap().len(), 8);
        assert_eq!(condition["ocs"].as_array().unwrap().len(), 14);
        for key in ["onset", "end", "exists", "log_ratio"] {
            assert!(!condition["phase"][key].is_null(), "{key}");
        }
        for key in ["singular_value", "input_variance", "initial_strength", "final_strength"] {
            assert!(condition["modes"][0][key].is_number(), "{key}");
        }
    }
    assert_eq!(conditions[0]["phase"]["exists"], false);
    assert_eq!(conditions[1]["phase"]["exists"], true);
}

#[test]
fn theory_refuses_with_the_reason() {
    let folder = folder();
    write(folder.path(), "deep.yaml", "network: {hidden: []}");
    let (status, line) = failure(ocs(folder.path()).args(["theory", "deep.yaml"]));
    assert_eq!(status, 1);
    assert!(line.contains("2 to 6 layers, not 1"), "{line}");
}

#[test]
fn gram_answers_in_json_as_documented() {
    let folder = folder();
    write(folder.path(), "tiny.yaml", TINY);
    write(folder.path(), "linear.yaml", "task: {inputs: correlated, correlation: 0.5}");
    let keys = ["samples", "features", "eigenvalues", "ones_overlap", "ratio", "projection_cv"];
    let one = json(ocs(folder.path()).args(["gram", "linear.yaml", "--json"]));
    for key in keys {
        assert!(!one[key].is_null(), "{key}");
    }
    assert_eq!(one["eigenvalues"].as_array().unwrap().len(), 8);
    assert!((one["eigenvalues"][0].as_f64().unwrap() - 4.5 / 8.0).abs() < 1e-12);
    assert!((one["ratio"].as_f64().unwrap() - 9.0).abs() < 1e-10);
    let set = ["--set", "task.preprocessing=pixel-centred"];
    let both = json(ocs(folder.path()).args(["gram", "tiny.yaml", "--json"]).args(set));
    let both = both["conditions"].as_array().unwrap();
    assert_eq!(both.len(), 2);
    for condition in both {
        assert_eq!((&condition["samples"], &condition["features"]), (&320.into(), &784.into()));
        assert_eq!(condition["eigenvalues"].as_array().unwrap().len(), 64);
        assert!(condition["ones_overlap"].as_f64().unwrap() < 1e-6);
        assert!(condition["projection_cv"].is_null());
    }
}

#[test]
fn the_help_of_gram_documents_every_key_and_the_list_of_commands_one_line() {
    let folder = folder();
    let help = |arguments: &[&str]| {
        String::from_utf8(ocs(folder.path()).args(arguments).output().unwrap().stdout).unwrap()
    };
    let long = help(&["gram", "--help"]);
    for key in ["samples", "features", "eigenvalues", "ones_overlap", "ratio", "projection_cv"] {
        assert!(long.contains(&format!("\n  {key} ")), "{key} is missing in\n{long}");
    }
    let listed = help(&["-h"]);
    let line = listed.lines().find(|line| line.trim_start().starts_with("gram")).unwrap();
    assert!(line.contains("Print the Gram spectrum"), "{listed}");
}

#[test]
fn gram_says_on_stderr_what_it_costs_and_on_stdout_what_it_found() {
    let folder = folder();
    write(folder.path(), "tiny.yaml", TINY);
    let output = ocs(folder.path()).args(["gram", "tiny.yaml"]).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stdout.starts_with("condition") && stdout.lines().count() == 3, "{stdout}");
    for words in ["space=\"samples\"", "megabytes=", "seconds="] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }
}

#[test]
fn a_config_is_printed_with_every_default() {
    let folder = folder();
    write(folder.path(), "x.yaml", "name: x");
    let output = ocs(folder.path())
        .args(["config", "x.yaml", "--set", "training.steps=7"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for key in [
        "branching:",
        "frequencies: null",
        "steps: 7",
        "phase_threshold: 0.1",
        "initialisation:",
        "optimiser:",
    ] {
        assert!(text.contains(key), "{key} is missing in\n{text}");
    }
}

#[test]
fn misuse_exits_with_2_and_names_the_remedy() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    write(folder.path(), "wrong.yaml", "training: {learning_rat: 0.1}");
    let cases: [(&[&str], &str); 12] = [
        (&["train", "wrong.yaml"], "has no key 'learning_rat': did you mean learning_rate?"),
        (&["train", "missing.yaml"], "cannot read the config missing.yaml"),
        (&["train", "linear.yaml", "--set", "training.steps"], "write key=value"),
        (
            &["train", "linear.yaml", "--set", "training.stepz=3"],
            "training has no key 'stepz': did you mean steps?",
        ),
        (&["train", "linear.yaml", "--set", "training.steps.x=3"], "holds a value, not a map"),
        (&["train", "linear.yaml", "--condition", "bogus"], "there are the conditions none, all"),
        (&["train", "linear.yaml", "--device", "tpu"], "write auto, cpu, cuda or cuda:N"),
        (&["train", "linear.yaml", "--device", "cuda:99"], "--device cuda:99"),
        (&["train", "linear.yaml", "--seeds", "3..1"], "holds no seed"),
        (&["train", "linear.yaml", "--threads", "0"], "1..=1024"),
        (&["reproduce", "ocs_bogus"], "choose from ocs_linear"),
        (&["plot", "nowhere"], "is no folder of runs"),
    ];
    for (arguments, expected) in cases {
        let output = ocs(folder.path()).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected) && !text.contains("panicked"), "{arguments:?}: {text}");
    }
    assert!(!folder.path().join("runs").exists(), "misuse left something behind");
}

#[test]
fn cuda_without_a_gpu_is_an_error_with_the_remedy() {
    if tch::Cuda::is_available() {
        return; // nothing to refuse on this machine
    }
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let (status, line) =
        failure(ocs(folder.path()).args(["train", "linear.yaml", "--device", "cuda"]));
    assert_eq!(status, 2);
    assert!(line.contains("--device cpu"), "{line}");
}

#[test]
fn failures_exit_with_1_and_name_the_remedy() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    write(
        folder.path(),
        "mnist.yaml",
        "task: {inputs: mnist}\nnetwork: {initialisation: {kaiming: {gain: 1}}}",
    );
    write(
        folder.path(),
        "large_batch.yaml",
        TINY.replace("batch_size: 32", "batch_size: 5000").as_str(),
    );
    write(folder.path(), "many_samples.yaml", TINY.replace("train: 320", "train: 320000").as_str());
    write(folder.path(), "narrow.yaml", "network: {hidden: [3]}");
    write(
        folder.path(),
        "small.yaml",
        "task: {inputs: glyphs}\nnetwork: {kind: cnn, hidden: [2, 2, 2, 2], initialisation: {kaiming: {gain: 1}}}\ntraining: {steps: 2, batch_size: 8}",
    );
    write(folder.path(), "file", "");
    let cases: [(&[&str], &str); 12] = [
        (&["train", "mnist.yaml"], "ocs data fetch mnist"),
        (&["gram", "mnist.yaml"], "ocs data fetch mnist"),
        (&["gram", "many_samples.yaml"], "ask for fewer"),
        (&["train", "large_batch.yaml"], "training.batch_size is 5000, but there are 320"),
        (&["train", "many_samples.yaml"], "ask for fewer"),
        (&["train", "narrow.yaml"], "network.hidden has a width of 3"),
        (&["train", "linear.yaml", "--out", "file/runs"], "choose another folder with --out"),
        (&["plot", "ocs_linear"], "ocs reproduce"),
        (&["claims"], "ocs reproduce"),
        (&["claims", "ocs_mnist"], "ocs reproduce"),
        (&["data", "verify", "mnist"], "ocs data fetch"),
        (&["data", "show", "mnist"], "ocs data fetch mnist"),
    ];
    for (arguments, expected) in cases {
        let (status, line) = failure(ocs(folder.path()).args(arguments));
        assert_eq!(status, 1, "{arguments:?}: {line}");
        assert!(line.contains(expected), "{arguments:?}: {line}");
        assert!(line.starts_with("error: "), "{arguments:?}: {line}");
    }
    // 28 pixels can be halved four times.
    ocs(folder.path()).args(["train", "small.yaml", "--seeds", "0"]).assert().success();
}

#[test]
fn theory_of_an_earlier_config_is_not_left_beside_new_runs() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    ocs(folder.path()).args(["train", "linear.yaml"]).assert().success();
    assert!(folder.path().join("runs/linear/all/theory.json").exists());
    ocs(folder.path())
        .args(["train", "linear.yaml", "--overwrite"])
        .args(["--set", "training.optimiser.sgd.momentum=0.5"])
        .assert()
        .success();
    assert!(!folder.path().join("runs/linear/all/theory.json").exists());
}

#[test]
fn finished_runs_are_not_replaced_without_a_word() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let train = |rest: &[&str]| {
        let mut command = ocs(folder.path());
        command.args(["train", "linear.yaml"]).args(rest);
        command
    };
    train(&[]).assert().success();
    let files = ["none/0.json", "none/theory.json", "config.yaml"];
    let files =
        || files.map(|name| std::fs::read(folder.path().join("runs/linear").join(name)).unwrap());
    let before = files();
    let others: [(&[&str], &str); 3] = [
        (&["--set", "training.steps=900"], "holds 2 of these 2 runs already"),
        (&["--resume", "--set", "training.steps=700"], "training.steps was 800, is 700"),
        (&["--resume", "--overwrite"], "cannot be used with"),
    ];
    for (arguments, words) in others {
        let output = train(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(words), "{text}");
        assert!(files() == before, "{arguments:?} changed what was there");
    }
    train(&["--resume"]).assert().success();
    assert!(files() == before);
    train(&["--set", "name=longer", "--set", "training.steps=900"]).assert().success();
    train(&["--overwrite", "--set", "training.steps=900"]).assert().success();
    assert!(files() != before);
}

#[test]
fn reproducing_again_refuses_before_anything_is_made() {
    let folder = folder();
    short_modes(folder.path(), "");
    let reproduce = |rest: &[&str]| {
        let mut command = ocs(folder.path());
        command.args(["reproduce", "ocs_modes"]).args(rest);
        command
    };
    // Its claims do not matter.
    reproduce(&[]).output().unwrap();
    let figure = folder.path().join("plots/ocs_modes.png");
    std::fs::remove_file(&figure).unwrap();
    let (status, line) = failure(&mut reproduce(&[]));
    assert_eq!(status, 2, "{line}");
    assert!(line.contains("--resume") && line.contains("--overwrite"), "{line}");
    assert!(!figure.exists());
    reproduce(&["--resume"]).output().unwrap();
    assert!(figure.exists());
}

#[test]
fn records_of_another_experiment_are_not_drawn_as_an_empty_figure() {
    let folder = folder();
    write(
        folder.path(),
        "linear.yaml",
        &LINEAR.replace("none:", "other:").replace("all:", "another:"),
    );
    ocs(folder.path())
        .args(["train", "linear.yaml", "--set", "name=ocs_linear"])
        .assert()
        .success();
    let (status, line) = failure(ocs(folder.path()).args(["plot", "ocs_linear"]));
    assert_eq!(status, 1);
    assert!(
        line.contains("holds no condition of ocs_linear") && line.contains("--general"),
        "{line}"
    );
    ocs(folder.path()).args(["plot", "ocs_linear", "--general"]).assert().success();
}

#[test]
fn a_diverging_run_exits_with_1_and_says_what_to_lower() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let arguments =
        ["train", "linear.yaml", "--set", "training.learning_rate=9", "--condition", "all"];
    let output = ocs(folder.path()).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("lower 'training.learning_rate' (now 9)"), "{text}");
    assert!(folder.path().join("runs/linear/all/0.json").exists());
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_nothing_half_written() {
    // A limit on the size of files stands for a disk without room: the write fails halfway.
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let program = assert_cmd::cargo::cargo_bin("ocs");
    let output = std::process::Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" train linear.yaml"])
        .arg(program)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("error: cannot write runs/linear") && text.contains("make room"),
        "{text}"
    );
    for condition in std::fs::read_dir(folder.path().join("runs/linear")).unwrap() {
        let path = condition.unwrap().path();
        if path.ends_with("config.yaml") {
            continue; // small enough
        }
        let left: Vec<_> = std::fs::read_dir(path).unwrap().collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

#[test]
fn printing_to_a_full_disk_is_an_error() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return; // only Linux has a disk that is always full
    }
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let file = std::fs::OpenOptions::new().write(true).open(full).unwrap();
    let program = assert_cmd::cargo::cargo_bin("ocs");
    let output = std::process::Command::new(program)
        .current_dir(folder.path())
        .args(["config", "linear.yaml"])
        .stdout(file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("No space left"));
}

#[test]
fn glyphs_go_from_config_to_figure_without_any_file() {
    let folder = folder();
    write(folder.path(), "tiny.yaml", TINY);
    ocs(folder.path()).args(["train", "tiny.yaml"]).assert().success();
    let output = ocs(folder.path()).args(["plot", "runs/tiny"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        folder.path().join("plots/tiny.png").exists()
            && folder.path().join("plots/tiny.svg").exists()
    );
    ocs(folder.path()).args(["data", "show", "glyphs"]).assert().success();
    assert!(folder.path().join("glyphs-samples.png").exists());
}

#[test]
fn reproducing_writes_figure_and_claims_and_the_claims_hold() {
    let folder = folder();
    let output = ocs(folder.path()).args(["reproduce", "ocs_linear", "--quick"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["ocs_linear.png", "ocs_linear.svg", "CLAIMS.md"] {
        assert!(folder.path().join("plots/quick").join(name).exists(), "{name}");
    }
    let text = std::fs::read_to_string(folder.path().join("plots/quick/CLAIMS.md")).unwrap();
    assert!(text.contains("Quick run") && text.contains("Negative control"), "{text}");
    let claims = json(ocs(folder.path()).args(["claims", "--runs", "runs/quick", "--json"]));
    assert!(claims.as_array().unwrap().iter().all(|claim| claim["verdict"] == "holds"), "{claims}");
}

/// A config of ocs_modes so short that it takes a second; its claims do not matter.
fn short_modes(folder: &Path, section: &str) {
    std::fs::create_dir(folder.join("configs")).unwrap();
    let text = format!(
        "experiment: ocs_modes\ntraining: {{steps: 400, learning_rate: 0.1, observations: 40, precision: float64}}\n\
         network: {{hidden: [16]}}\nseeds: [0]\n{section}conditions: {{none: {{network.bias: none}}, \
         input: {{network.bias: input}}, output: {{network.bias: output}}, all: {{network.bias: all}}}}\n"
    );
    write(folder, "configs/ocs_modes.yaml", &text);
}

#[test]
fn a_full_run_is_kept_apart_and_marked() {
    let folder = folder();
    short_modes(folder.path(), "full: {steps: 2.0}\n");
    let output = ocs(folder.path()).args(["reproduce", "ocs_modes", "--full"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let claims = std::fs::read_to_string(folder.path().join("plots/full/CLAIMS.md")).expect(&told);
    assert!(claims.contains("**Full run"), "{claims}");
    let svg = std::fs::read_to_string(folder.path().join("plots/full/ocs_modes.svg")).unwrap();
    assert!(svg.contains("Full run"));
    let record = folder.path().join("runs/full/ocs_modes/none/0.json");
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    assert_eq!(
        (&record["scale"], &record["config"]["training"]["steps"]),
        (&"full".into(), &800.into())
    );
    assert!(!folder.path().join("runs/ocs_modes").exists());
    assert!(!folder.path().join("plots/ocs_modes.png").exists());
}

#[test]
fn a_config_without_a_full_section_runs_as_by_default_and_says_so() {
    let folder = folder();
    short_modes(folder.path(), "");
    let output = ocs(folder.path()).args(["reproduce", "ocs_modes", "--full"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let words = "runs as by default: its config has no section 'full'";
    assert!(told.contains(words), "{told}");
    let claims = std::fs::read_to_string(folder.path().join("plots/full/CLAIMS.md")).expect(&told);
    assert!(claims.contains(words) && !claims.contains("Full run"), "{claims}");
    let record = folder.path().join("runs/full/ocs_modes/none/0.json");
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    assert_eq!(record["scale"], "default");
}

#[test]
fn quick_and_full_exclude_each_other() {
    let folder = folder();
    let output = ocs(folder.path()).args(["reproduce", "--quick", "--full"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("--quick") && told.contains("--full"), "{told}");
}

#[test]
fn a_failed_claim_fails_the_command() {
    // At such a threshold the mean target is crossed first by whatever learns: the negative control must notice.
    let folder = folder();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/ocs_linear.yaml");
    let text = std::fs::read_to_string(source).unwrap() + "\nphase_threshold: 0.45\n";
    std::fs::create_dir(folder.path().join("configs")).unwrap();
    write(folder.path(), "configs/ocs_linear.yaml", &text);
    let output = ocs(folder.path()).args(["reproduce", "ocs_linear", "--quick"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let claims = std::fs::read_to_string(folder.path().join("plots/quick/CLAIMS.md")).unwrap();
    assert!(claims.contains("FAILS"), "{claims}");
    assert!(folder.path().join("plots/quick/ocs_linear.png").exists());
}

#[test]
fn images_that_cannot_be_had_are_told_plainly() {
    let folder = folder();
    // No npm on PATH and no network: every source fails.
    let output = ocs(folder.path())
        .args(["reproduce", "ocs_mnist", "--quick", "--device", "cpu"])
        .env("PATH", "/nonexistent")
        .env("http_proxy", "http://127.0.0.1:9")
        .env("https_proxy", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("this figure needs real images of mnist"), "{text}");
    assert!(
        text.trim_end()
            .lines()
            .last()
            .unwrap()
            .contains("no figure and no claims were made of ocs_mnist"),
        "{text}"
    );
}

#[test]
fn help_and_completions_are_there_for_every_command() {
    let folder = folder();
    for command in [
        "train",
        "theory",
        "plot",
        "reproduce",
        "claims",
        "data",
        "new",
        "config",
        "doctor",
        "completions",
    ] {
        ocs(folder.path()).args([command, "--help"]).assert().success();
    }
    for shell in ["bash", "zsh", "fish"] {
        ocs(folder.path()).args(["completions", shell]).assert().success();
    }
    let doctor = json(ocs(folder.path()).args(["doctor", "--json"]));
    assert!(doctor["libtorch"].is_string() && doctor["cuda_available"].is_boolean());
}

#[test]
fn the_program_runs_with_an_empty_environment() {
    let folder = folder();
    let output = ocs(folder.path()).env_clear().arg("doctor").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Exit status and stderr under a limit of so many processes. It does not hold for root, who becomes nobody for this (and
/// may read what root may); `None` where that cannot be.
#[cfg(unix)]
fn limited(folder: &Path, processes: u32, arguments: &[&str]) -> Option<(i32, String)> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let user: &[&str] = match std::fs::metadata("/proc/self").ok()?.uid() {
        0 => &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=+dac_read_search",
            "--ambient-caps=+dac_read_search",
        ],
        _ => &["env"],
    };
    let program = assert_cmd::cargo::cargo_bin("ocs");
    let may =
        std::process::Command::new(user[0]).args(&user[1..]).arg(&program).arg("--help").output();
    if !may.is_ok_and(|output| output.status.success()) {
        return None;
    }
    // Processes that have just ended count for a moment.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let output = std::process::Command::new("prlimit")
        .arg(format!("--nproc={processes}"))
        .args(user)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stderr).unwrap();
    Some((output.status.code().expect("no signal"), text))
}

#[cfg(unix)]
#[test]
fn a_limit_on_processes_makes_work_slower_but_not_impossible() {
    let folder = folder();
    write(folder.path(), "tiny.yaml", TINY);
    let cases: [&[&str]; 4] = [
        &["train", "tiny.yaml", "--jobs", "4", "--overwrite"],
        &["bench", "tiny.yaml", "--jobs", "4"],
        &["gram", "tiny.yaml"],
        &[
            "theory",
            "tiny.yaml",
            "--condition",
            "none",
            "--set",
            "network={kind: linear, bias: none}",
        ],
    ];
    for processes in [1, 2] {
        // An earlier turn's records.
        std::fs::remove_dir_all(folder.path().join("runs")).ok();
        for arguments in cases {
            let Some((_, text)) = limited(folder.path(), processes, arguments) else {
                eprintln!("skipped: cannot run the program as another user here");
                return;
            };
            assert!(!text.contains("panicked") && !text.contains("libgomp"), "{text}");
        }
        assert!(folder.path().join("runs/tiny/all/1.json").exists());
    }
    let many = ["train", "tiny.yaml", "--threads", "4", "--overwrite"];
    let (status, text) = limited(folder.path(), 1, &many).unwrap();
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("lower --threads") && text.contains("ulimit -u"), "{text}");
}

#[test]
fn steps_without_end_are_counted_without_overflow() {
    let folder = folder();
    write(folder.path(), "linear.yaml", LINEAR);
    let endless = "training.steps=18446744073709551615";
    for command in ["train", "bench"] {
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("ocs"))
            .current_dir(folder.path())
            .args([command, "linear.yaml", "--set", endless])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert!(child.try_wait().unwrap().is_none(), "{command} has ended by itself");
        // Shells start what runs in the background without SIGINT.
        stop(&child, "TERM");
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains("panicked"), "{text}");
    }
}

/// Sends a signal.
pub fn stop(child: &std::process::Child, signal: &str) {
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
}

#[test]
fn diagonalising_is_left_within_seconds_of_a_signal() {
    // Before a network of 6,000 items takes its first step, products of its matrices take longer than the test waits.
    let folder = folder();
    std::fs::create_dir(folder.path().join("configs")).unwrap();
    write(
        folder.path(),
        "configs/ocs_gram.yaml",
        "experiment: ocs_gram
task: {inputs: one-hot, branching: [6000]}
network: {hidden: [], bias: none, initialisation: {normal: {std: 0.1}}}
training: {steps: 10}
seeds: [0]
",
    );
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let child = std::process::Command::new(assert_cmd::cargo::cargo_bin("ocs"))
            .current_dir(folder.path())
            .args(["reproduce", "ocs_gram", "--device", "cpu", "--overwrite"])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_secs(4));
        stop(&child, signal);
        let start = std::time::Instant::now();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains("error: interrupted") && text.contains("--resume"), "{text}");
        assert!(start.elapsed().as_secs() < 5, "{:?}: {text}", start.elapsed());
    }
}
