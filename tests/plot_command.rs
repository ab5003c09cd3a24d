use std::fs;
use std::path::Path;

use assert_cmd::Command;
use ocs::record::{Record, path_of, write_json};

use crate::figures::fake;

fn ocs(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA");
    command
}

/// Writes the records of `ocs_linear`, as far as their conditions are listed, to `run`.
fn train(run: &Path, conditions: &[&str], experiment: Option<&str>) {
    for record in fake::linear().records {
        if conditions.contains(&&*record.condition) {
            let mut record = Record { ..record };
            record.config.experiment = experiment.map(str::to_owned);
            write_json(&path_of(run, &record.condition, record.seed), &record).unwrap();
        }
    }
}

/// Plots, and returns the lines of stdout.
fn plotted(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = ocs(folder).arg("plot").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Plots what cannot be plotted, and returns the message.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = ocs(folder).arg("plot").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert!(text.starts_with("error: ") && text.lines().count() == 1, "{text}");
    text
}

#[test]
fn plotting_ones_own_runs_leaves_the_shipped_figures_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let shipped = ["plots/ocs_linear.png", "plots/ocs_linear.svg", "plots/ocs_depth.png"];
    fs::create_dir(at.join("plots")).unwrap();
    for path in shipped {
        fs::write(at.join(path), "shipped").unwrap();
    }
    let linear = Some("ocs_linear");
    for run in ["three_by_three", "ocs_linear", "ocs_depth", "quick/ocs_linear"] {
        train(&at.join("runs").join(run), &["none", "all"], linear);
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("three_by_three", at.join("runs/ocs_modes")).unwrap();
    let cases = [
        ("runs/three_by_three", "three_by_three"),
        ("runs/three_by_three/", "three_by_three"),
        ("runs/three_by_three/.", "three_by_three"),
        ("runs/three_by_three/none/..", "three_by_three"),
        ("runs/ocs_linear", "ocs_linear-plot"),
        ("ocs_linear", "ocs_linear-plot"),
        ("runs/quick/ocs_linear", "ocs_linear-plot"),
        // Another experiment's name.
        ("runs/ocs_depth", "ocs_depth-plot"),
        ("runs/ocs_modes", "ocs_modes-plot"),
    ];
    for (index, (target, name)) in cases.into_iter().enumerate() {
        let general: &[&str] = if index % 2 == 0 { &[] } else { &["--general"] };
        let expected = [format!("plots/{name}.png"), format!("plots/{name}.svg")];
        assert_eq!(plotted(at, &[&[target], general].concat()), expected, "{target}");
    }
    for path in shipped {
        assert_eq!(fs::read_to_string(at.join(path)).unwrap(), "shipped", "{path}");
    }
    let within = at.join("runs/three_by_three");
    assert_eq!(
        plotted(&within, &[".", "--out", "../../plots"])[0],
        "../../plots/three_by_three.png"
    );
    assert!(refused(at, &["runs/ocs_linear", "--name", "ocs_linear"]).contains("ocs reproduce"));
}

#[test]
fn a_figure_of_the_same_name_is_drawn_again_and_a_name_keeps_two_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    train(&at.join("runs/mine"), &["none"], None);
    train(&at.join("others/mine"), &["all"], None);
    let read = |name: &str| fs::read(at.join("plots").join(name)).unwrap();
    plotted(at, &["runs/mine"]);
    let first = read("mine.svg");
    plotted(at, &["others/mine", "--name", "theirs"]);
    assert_eq!(read("mine.svg"), first);
    plotted(at, &["others/mine"]);
    assert_eq!(read("mine.svg"), read("theirs.svg"));
}

#[test]
fn files_of_other_kinds_that_an_earlier_drawing_left_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    train(&at.join("runs/mine"), &["none", "all"], None);
    let told = |arguments: &[&str]| {
        let output = ocs(at).args(["plot", "runs/mine"]).args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(told(&[]), "");
    assert_eq!(told(&["--condition", "all"]), "", "both files were drawn again");
    let left = told(&["--condition", "none", "--format", "pdf"]);
    assert!(left.contains("plots/mine.png is of an earlier drawing"), "{left}");
    assert!(left.contains("plots/mine.svg") && !left.contains("mine.pdf"), "{left}");
    assert_eq!(told(&["--condition", "none", "--format", "pdf", "--name", "none"]), "");
}

#[test]
fn a_file_for_the_folder_of_figures_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    train(&at.join("runs/mine"), &["none"], None);
    fs::write(at.join("file"), "mine").unwrap();
    for out in ["file", "mine.png", "figures/mine.svg"] {
        let text = refused(at, &["runs/mine", "--out", out]);
        assert!(text.contains("--out names a folder") && text.contains("--name"), "{text}");
        assert!(out == "file" || !at.join(out).exists());
        let reproduced = ocs(at).args(["reproduce", "ocs_modes", "--plots", out]).output().unwrap();
        assert_eq!(reproduced.status.code(), Some(2));
        assert!(!at.join("runs/ocs_modes").exists(), "trained before it was refused");
    }
    assert_eq!(fs::read_to_string(at.join("file")).unwrap(), "mine");
}

#[test]
fn a_folder_of_several_runs_is_answered_with_their_list() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for run in ["runs/first", "runs/second", "runs/quick/ocs_linear"] {
        train(&at.join(run), &["none", "all"], None);
    }
    fs::create_dir_all(at.join("plots/empty")).unwrap();
    fs::write(at.join("plots/first.png"), "").unwrap();
    fs::write(at.join("my.yaml"), "").unwrap();
    let draw_first = "`ocs plot runs/first`";
    let cases: [(&str, &[&str]); 12] = [
        ("runs", &["several runs (runs/first, runs/quick/ocs_linear, runs/second)", draw_first]),
        (".", &["several runs", draw_first]),
        ("runs/quick", &["`ocs plot runs/quick/ocs_linear`"]),
        ("runs/first/none", &["part of the run runs/first", "--condition none`"]),
        ("runs/first/none/0.json", &["part of the run runs/first", "--condition none`"]),
        ("runs/third", &["no folder of runs", "runs holds", "runs/second"]),
        ("runs/secnd", &["did you mean 'runs/second'?"]),
        ("ocs_liner", &["no experiment (ocs_linear, ", "did you mean 'ocs_linear'?"]),
        ("plots", &["plots holds no records", "ocs train"]),
        ("plots/empty", &["plots/empty holds no records"]),
        ("plots/first.png", &["is a file, not a folder of runs"]),
        ("my.yaml", &["is a file, not a folder of runs"]),
    ];
    for (target, expected) in cases {
        let text = refused(at, &[target]);
        for words in expected {
            assert!(text.contains(words), "{target}: {text}");
        }
    }
    let within = at.join("runs/first/none");
    let output = ocs(&within).args(["plot", "."]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("part of the run /"));
}

#[test]
fn chosen_conditions_alone_are_drawn_in_the_general_figure() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    train(&at.join("runs/mine"), &["none", "input", "all"], Some("ocs_linear"));
    plotted(at, &["runs/mine", "--condition", "none", "--condition", "all"]);
    let svg = fs::read_to_string(at.join("plots/mine.svg")).unwrap();
    let says = |words: &str| svg.lines().any(|line| line.trim() == words);
    assert!(says("none") && says("all") && !says("input"), "{svg}");
    let text = refused(at, &["runs/mine", "--condition", "inptu"]);
    assert!(text.contains("--condition inptu: the conditions are all, input, none"), "{text}");
    assert!(text.contains("did you mean 'input'?"), "{text}");
}

#[test]
fn several_runs_are_overlaid_in_one_figure_or_drawn_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    train(&at.join("runs/first"), &["none", "all"], None);
    train(&at.join("runs/second"), &["none"], None);
    let both = ["runs/first", "runs/second"];
    let overlaid = [&both[..], &["--overlay", "--format", "svg,pdf,svg", "--width", "85"]].concat();
    assert_eq!(
        plotted(at, &overlaid),
        ["plots/first-second-overlay.svg", "plots/first-second-overlay.pdf"]
    );
    let svg = fs::read_to_string(at.join("plots/first-second-overlay.svg")).unwrap();
    assert!(svg.contains("first") && svg.contains("second"), "{svg}");
    let one = ["runs/first", "--overlay", "--name", "mine", "--condition", "all", "--x", "step"];
    assert_eq!(plotted(at, &one), ["plots/mine.png", "plots/mine.svg"]);
    assert_eq!(
        plotted(at, &[&both[..], &["--format", "png"]].concat()),
        ["plots/first.png", "plots/second.png"]
    );
    for (arguments, words) in [
        (vec!["--name", "x"], "--name names one figure, and 2 runs"),
        (vec!["--panels", "M"], "--panels is of --overlay"),
        (vec!["--x", "step"], "--x is of --overlay"),
        (vec!["--overlay", "--width", "20"], "--width 20: millimetres from 60 to 300"),
        (vec!["--overlay", "--panels", "mm"], "these runs have no such quantity but M, V"),
        (vec!["--condition", "all"], "runs/second has none of the conditions"),
        (vec!["--overlay", "--name", "ocs_linear"], "ocs reproduce"),
    ] {
        let text = refused(at, &[&both[..], &arguments].concat());
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
}
