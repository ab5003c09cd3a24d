use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn ocs(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("ocs"));
    command.current_dir(folder).env_remove("OCS_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

#[test]
fn sizes_that_cannot_fit_are_refused_at_once_with_the_estimate() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), "seeds: [0]").unwrap();
    let glyphs = "task.inputs=glyphs";
    let wide = "network.hidden=[65536, 65536]";
    let kaiming = "network.initialisation={kaiming: {gain: 1}}";
    let cases: [(&[&str], &str); 7] = [
        (&["train", "--set", "task.branching=[65536]"], "task.branching"),
        (&["theory", "--set", "task.branching=[65536]"], "task.branching"),
        (&["gram", "--set", "task.branching=[65536]"], "task.branching"),
        (&["bench", "--set", "task.branching=[65536]"], "task.branching"),
        (&["train", "--set", wide], "network.hidden"),
        (
            &["train", "--set", wide, "--set", "network.kind=mlp", "--set", kaiming],
            "network.hidden",
        ),
        (
            &[
                "train",
                "--set",
                wide,
                "--set",
                "network.kind=cnn",
                "--set",
                glyphs,
                "--set",
                kaiming,
            ],
            "network.hidden",
        ),
    ];
    for (arguments, key) in cases {
        let start = Instant::now();
        let (command, rest) = arguments.split_first().unwrap();
        let output = ocs(folder.path()).args([command, "x.yaml"]).args(rest).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        let words = [" GB of memory", "lower", key];
        assert!(words.iter().all(|word| text.contains(word)), "{arguments:?}: {text}");
        assert!(start.elapsed() < Duration::from_secs(5), "{arguments:?}: {:?}", start.elapsed());
    }
    assert!(!folder.path().join("runs").exists());
}

/// Runs `ocs` under `ulimit -v` of so many kilobytes.
#[cfg(unix)]
#[test]
fn a_limit_of_the_shell_is_seen_and_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), "seeds: [0]\nnetwork: {hidden: [20000, 20000]}")
        .unwrap();
    let output = Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", "ulimit -v 6000000; exec \"$0\" train x.yaml --jobs 1"])
        .arg(assert_cmd::cargo::cargo_bin("ocs"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("left under `ulimit -v`"), "{text}");
}

/// The largest estimate that a run tells, and the largest resident memory that it had, in bytes.
#[cfg(target_os = "linux")]
fn estimated_and_measured(folder: &Path) -> (f64, f64) {
    let told = folder.join("told");
    let mut child = ocs(folder)
        .args(["train", "x.yaml", "--jobs", "1", "--device", "cpu"])
        .env("RUST_LOG", "debug")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    let process = procfs::process::Process::new(child.id() as i32).unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(process.status().ok().and_then(|status| status.vmhwm).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = std::fs::read_to_string(told).unwrap();
    assert!(child.wait().unwrap().success(), "{told}");
    let number = |rest: &str| -> f64 {
        let digits = rest.trim_start_matches('"').split(|c: char| !c.is_ascii_digit()).next();
        digits.unwrap().parse().unwrap()
    };
    let estimates = told.split("bytes=").skip(1).map(number);
    (estimates.fold(0.0, f64::max), 1024.0 * most as f64)
}

#[cfg(target_os = "linux")]
#[test]
fn estimates_are_within_a_factor_of_two_of_what_runs_take() {
    /// What the program takes before it computes anything.
    const OWN: f64 = 3e8;
    let cases = [
        (
            "linear",
            "network: {hidden: [4000, 4000], bias: all, initialisation: {normal: {std: 0.01}}}\ntraining: {steps: 2, optimiser: {sgd: {momentum: 0.5}}}",
        ),
        (
            "linear on items",
            "task: {branching: [2, 1000]}\nnetwork: {hidden: [64], initialisation: {normal: {std: 0.01}}}\ntraining: {steps: 2, observations: 2, optimiser: {sgd: {momentum: 0.5}}}",
        ),
        (
            "mlp",
            "network: {kind: mlp, hidden: [6000, 6000], initialisation: {kaiming: {gain: 1}}}\ntraining: {steps: 2, optimiser: adam}",
        ),
        (
            "mlp on images",
            "task: {inputs: glyphs, samples: {test: 80}}\nnetwork: {kind: mlp, hidden: [8000], initialisation: {kaiming: {gain: 1}}}\ntraining: {steps: 2}",
        ),
        (
            "cnn",
            "task: {inputs: glyphs, samples: {test: 80}}\nnetwork: {kind: cnn, hidden: [64, 128], initialisation: {kaiming: {gain: 1}}}\ntraining: {steps: 2, batch_size: 1000}",
        ),
        (
            "residual",
            "task: {inputs: glyphs, samples: {test: 80}}\nnetwork: {kind: cnn, hidden: [32, 32, 64], residual: true, stride: [1, 1, 2], pooling: none, global_average: true, normalisation: batch, initialisation: {kaiming: {gain: 1}}}\ntraining: {steps: 2, batch_size: 1000}",
        ),
    ];
    for (name, text) in cases {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.yaml"), format!("{text}\nseeds: [0]")).unwrap();
        let (estimate, measured) = estimated_and_measured(folder.path());
        let estimate = estimate + OWN;
        println!("{name}: estimated {estimate:.3e}, measured {measured:.3e}");
        let ratio = estimate / measured;
        assert!(
            (0.5..2.0).contains(&ratio),
            "{name}: estimated {estimate:.3e}, measured {measured:.3e}"
        );
    }
}

#[test]
fn what_dropout_keeps_of_a_step_is_counted() {
    use ocs::config::{NetworkConfig, NetworkKind};
    use ocs::model::{StackSize, architecture};
    let (batch, width) = (100.0, 4.0);
    let bytes = |kind, dropout| {
        let config =
            NetworkConfig { kind, dropout, hidden: vec![50, 30], ..NetworkConfig::default() };
        let plan = architecture(kind).plan(&config, [1, 28, 28], 784, 14);
        let [_, of_step] = architecture(kind).bytes(&StackSize {
            n_members: 2.0,
            plan: &plan,
            image: [1, 28, 28],
            batch,
            is_full_batch: false,
            from_moments: false,
            width,
            remembered: 0.0,
        });
        of_step
    };
    // Of all hidden units, or of what the last layer sees.
    for (kind, values) in [(NetworkKind::Mlp, 80.0), (NetworkKind::Cnn, 30.0 * 49.0)] {
        let kept = (bytes(kind, 0.5) - bytes(kind, 0.0)) / (2.0 * batch * width * values);
        assert!((2.0..=4.0).contains(&kept), "{kind:?}: {kept}");
    }
}

#[test]
fn the_most_demanding_phase_and_cell_are_seen_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let options = crate::reproducible_runs::options(folder.path());
    let fits = |keys: &[&str]| {
        let overrides: Vec<ocs::config::Override> =
            keys.iter().map(|key| key.parse().unwrap()).collect();
        let config = ocs::config::parse("name: x", "x", &overrides).unwrap();
        ocs::sweep::ensure_runs_fit(&config, &options).map_err(|error| error.to_string())
    };
    let images = ["task.inputs=glyphs", "network.kind=cnn", "network.hidden=[16384]"];
    let small = [&images[..], &["training.batch_size=1"]].concat();
    assert_eq!(fits(&small), Ok(()));
    let later = "phases=[{}, {training.batch_size: 1}, {training.batch_size: full}]";
    let said = fits(&[&small[..], &[later]].concat()).unwrap_err();
    assert!(said.contains("GB of memory") && said.contains("training.batch_size"), "{said}");
    let said = fits(&["grid={network.hidden: [[8], [65536, 65536]]}"]).unwrap_err();
    assert!(said.contains("hidden=") && said.contains("network.hidden"), "{said}");
    assert_eq!(fits(&["grid={network.hidden: [[8], [16, 16]]}"]), Ok(()));
}
