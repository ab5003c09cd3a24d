use std::path::Path;

use assert_cmd::Command;

/// The program, with an empty cache of its own, beside a config that trains in a moment.
fn ocs(folder: &Path) -> Command {
    let config = "
training: {steps: 800, learning_rate: 0.02, observations: 30}
conditions: {none: {network.bias: none}, all: {network.bias: all}}
";
    std::fs::write(folder.join("linear.yaml"), config).unwrap();
    let mut command = Command::cargo_bin("ocs").unwrap();
    command.current_dir(folder).env_remove("OCS_DATA").env("XDG_CACHE_HOME", folder.join("cache"));
    command
}

#[test]
fn messages_tell_local_time_to_the_second_without_colours_in_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    // Minutes since midnight, of the first message.
    let minutes = |zone: &str| {
        let output = ocs(folder.path())
            .env("TZ", zone)
            .env_remove("CLICOLOR_FORCE")
            .env("CI", "true")
            .env("TERM", "xterm-256color")
            .args(["train", "linear.yaml", "--overwrite"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains('\u{1b}'), "{text}");
        let words: Vec<&str> = text.split_whitespace().take(3).collect();
        let [date, time, level] = words[..] else { panic!("{text}") };
        assert!((date.len(), time.len(), level) == (10, 8, "INFO"), "{text}");
        let number = |part: &str| part.parse::<i64>().unwrap();
        60 * number(&time[..2]) + number(&time[3..5])
    };
    let ahead = (minutes("XYZ-5:30") - minutes("UTC0")).rem_euclid(24 * 60);
    assert!((329..=330).contains(&ahead), "{ahead} minutes instead of five and a half hours");
}

#[test]
fn a_level_of_messages_that_does_not_exist_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let output = ocs(folder.path())
        .env("RUST_LOG", "ocs=loud")
        .args(["train", "linear.yaml"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("RUST_LOG=ocs=loud is ignored") && text.contains("debug"), "{text}");
    assert!(text.contains("records written"), "{text}");
}

#[test]
fn a_reproduction_says_which_experiment_of_how_many_it_is_at() {
    let folder = tempfile::tempdir().unwrap();
    let output = ocs(folder.path())
        .args(["reproduce", "--quick", "ocs_loss", "ocs_linear"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    for words in ["experiment 1 of 2: ocs_loss", "experiment 2 of 2: ocs_linear"] {
        assert!(text.contains(words), "{text}");
    }
}
