//! Onset and end of participants, and networks beside them.

use super::Scene;

const TREE: &str = "task: {branching: [2, 2, 2]}\nhuman: {days: 2, blocks: 9, trials: 16}\n";

const MAP: &str = "participant: participant\nday: day\ntrial: trial\nitem: item\nresponses: [response_1, response_2, response_3, response_4, \
                   response_5, response_6, response_7, response_8, response_9, response_10, response_11, response_12, response_13, \
                   response_14]\n";

fn simulated(participants: usize) -> Scene {
    let scene = Scene::new(&[("tree.yaml", TREE), ("map.yaml", MAP)]);
    let (status, _, told) = scene.human(&format!(
        "simulate tree.yaml --learner ideal --participants {participants} --seed 3 --out people"
    ));
    assert_eq!(status, 0, "{told}");
    scene
}

/// Onset and end of a participant: low, value, high.
fn phases(analysis: &serde_json::Value) -> Vec<[[Option<f64>; 3]; 2]> {
    let of =
        |crossing: &serde_json::Value| ["low", "value", "high"].map(|key| crossing[key].as_f64());
    let people = analysis["participants"].as_array().unwrap();
    people.iter().map(|one| ["onset", "end"].map(|key| of(&one["phase"][key]))).collect()
}

/// Of sixteen trials an item has two: without the one that is missed a block cannot spare the other, and tells M and V all the same.
#[test]
fn a_missed_trial_takes_no_block_from_the_phase_of_its_participant() {
    let scene = simulated(12);
    let table = std::fs::read_to_string(scene.path("people/trials.csv")).unwrap();
    let missed = table.lines().enumerate().map(|(row, line)| match row % 33 == 5 {
        true => {
            format!("{}{}", line.split(',').take(5).collect::<Vec<_>>().join(","), ",".repeat(14))
        }
        false => line.to_owned(),
    });
    scene.write("missed.csv", (missed.collect::<Vec<_>>().join("\n") + "\n").as_bytes());
    let (status, _, told) =
        scene.human("import missed.csv --columns map.yaml --config tree.yaml --out missed");
    assert_eq!(status, 0, "{told}");
    let all = phases(&scene.json("analyse people --config tree.yaml --json"));
    let some = phases(&scene.json("analyse missed --config tree.yaml --json"));
    for (all, some) in all.iter().zip(&some) {
        for (all, some) in all.iter().zip(some) {
            // A block more or less: sixteen trials, and half of one on either side.
            let (Some(all), Some(some)) = (all[1], some[1]) else { panic!("{all:?} {some:?}") };
            assert!((all - some).abs() <= 32.0, "{all} without missed trials, {some} with");
        }
    }
}

#[test]
fn a_crossing_lies_within_its_interval() {
    let scene = simulated(30);
    let mut told = 0;
    for block in [16, 48, 72, 144] {
        let answer =
            scene.json(&format!("analyse people --config tree.yaml --block {block} --json"));
        for crossing in phases(&answer).into_iter().flatten() {
            if let [Some(low), Some(value), Some(high)] = crossing {
                assert!(low <= value && value <= high, "block {block}: {crossing:?}");
                told += 1;
            }
        }
    }
    assert!(told > 100, "{told}");
}

#[test]
fn blocks_too_short_to_tell_differences_decide_nothing() {
    let scene = simulated(8);
    let (status, stdout, told) = scene.human("analyse people --config tree.yaml --block 8 --json");
    assert!(status == 0 && told.contains("too short") && told.contains("--block of 16"), "{told}");
    let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    for id in ["input-dependence-at-chance", "visits-the-ocs-first"] {
        let tests = answer["group"]["tests"].as_array().unwrap();
        let test = tests.iter().find(|test| test["id"] == id).unwrap();
        assert!(test["p"].is_null() && test["holds"].is_null(), "{test}");
    }
    let (status, stdout, _) =
        scene.human("power tree.yaml --learner ideal --participants 6 --studies 2 --block 8");
    assert!(status == 0 && stdout.contains("undecided"), "{stdout}");
}

#[test]
fn networks_of_another_tree_stand_neither_for_people_nor_beside_them() {
    let scene = simulated(2);
    scene.write("net.yaml", format!("{TREE}training: {{steps: 20}}\nseeds: [0]\n").as_bytes());
    let mut ocs = assert_cmd::Command::cargo_bin("ocs").unwrap();
    ocs.current_dir(scene.path(""))
        .args(["train", "net.yaml", "--device", "cpu"])
        .assert()
        .success();
    let learner = "simulate net.yaml --learner runs/net/default/0.json --participants 2 --out";
    let figure =
        "analyse people --config tree.yaml --figure both.png --overwrite --networks runs/net";
    assert_eq!(scene.human(&format!("{learner} own")).0, 0);
    assert_eq!(scene.human(figure).0, 0);
    let permuted = "--set 'task.permutation=[0, 4, 1, 5, 2, 6, 3, 7]'";
    let (status, _, told) = scene.human(&format!("{learner} other {permuted}"));
    assert!(status == 2 && told.contains("another tree") && told.contains("0.json"), "{told}");
    scene.write("other.yaml", b"task: {branching: [3, 3]}\n");
    let (_, _, told) =
        scene.human("simulate other.yaml --learner ideal --participants 2 --out three");
    let beside = "analyse three --config other.yaml --figure no.png --networks runs/net";
    let (status, _, refused) = scene.human(beside);
    assert!(status == 2 && refused.contains("--networks runs/net"), "{told}{refused}");
    assert!(!scene.path("no.png").exists() && !scene.path("other").exists());
}

#[test]
fn what_people_cannot_learn_is_refused_with_or_without_a_section_for_them() {
    for keys in [
        "task: {branching: [2, 2], target_scale: {contrasts: -1}}",
        "task: {branching: [2, 2]}\nphases: [{steps: 9}, {steps: 9, task.permutation: [3, 2, 1, 0]}]",
        "task: {branching: [2, 2], inputs: mnist, labels: random}\nnetwork: {kind: mlp, hidden: [4]}",
    ] {
        let scene = Scene::new(&[("x.yaml", keys)]);
        let (status, _, told) =
            scene.human("simulate x.yaml --learner ideal --participants 2 --out people");
        assert!(status == 2 && told.contains("people"), "{keys}: {told}");
        assert!(told.contains("leave"), "{keys}: {told}");
    }
}

#[test]
fn pages_and_rules_for_people_keep_no_run_from_going_on() {
    let scene =
        Scene::new(&[("net.yaml", &format!("{TREE}training: {{steps: 20}}\nseeds: [0]\n"))]);
    let train = |more: &[&str]| {
        let mut ocs = assert_cmd::Command::cargo_bin("ocs").unwrap();
        ocs.current_dir(scene.path("")).args(["train", "net.yaml", "--device", "cpu"]);
        let answer = ocs.args(more).output().unwrap();
        (answer.status.success(), String::from_utf8(answer.stderr).unwrap())
    };
    assert!(train(&[]).0);
    for key in ["human.page.seed=3", "human.exclude.missed=0.3"] {
        let (went, told) = train(&["--resume", "--set", key]);
        assert!(went, "{key}: {told}");
    }
    let (went, told) = train(&["--resume", "--set", "training.learning_rate=0.3"]);
    assert!(!went && told.contains("learning_rate"), "{told}");
}
