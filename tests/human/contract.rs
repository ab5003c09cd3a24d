//! Small data whose answer is reckoned by hand, through the program.

use serde_json::{Value, json};

use super::{MAP, PAIR, Scene};

/// Two trials of each item, and one more.
const TABLE: &str = "\
subject,session,trial_index,stimulus,left,right
p1,1,10,0,1,0
p1,1,12,1,0,1
p1,1,14,0,1,1
p1,1,16,1,0,0
p1,1,18,0,1,0
p1,2,10,1,NA,1
";

fn scene() -> Scene {
    let scene = Scene::new(&[("pair.yaml", PAIR), ("map.yaml", MAP), ("data.csv", TABLE)]);
    let (status, _, stderr) =
        scene.human("import data.csv --columns map.yaml --config pair.yaml --out people");
    assert_eq!(status, 0, "{stderr}");
    scene
}

#[test]
fn blocks_are_judged_as_reckoned_by_hand() {
    let answer = scene().json("analyse people --config pair.yaml --block 4 --json");
    let one = &answer["participants"][0];
    assert_eq!((&one["participant"], &one["excluded"]), (&json!("p1"), &Value::Null));
    let blocks = one["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3, "blocks do not go over days");
    // Of absent labels (right of item 0: 0, 1; left of item 1: 0, 0) three are rejected; of present ones (1, 1; 1, 0) three accepted.
    // Means within items are (1, 1/2) and (0, 1/2); variances of `right` 1/2 each, over two trials 1/4.
    let expected = json!({
        "day": 1, "first_trial": 10, "trials": 4, "missed": 0,
        "true_negative_rate": [0.75], "true_positive_rate": [0.75], "level_accuracy": [0.75],
        "mean_response": [0.5, 0.5],
        // 0 + 0 - (1/4 + 1/4) / 4.
        "mean_output_error_squared": -0.125,
        // D_ocs - M^2.
        "input_dependence": 0.125,
        // left: 1/4; right: 0 - 1/4.
        "distance_to_ocs": 0.0,
        // left: 0; right: (1/2)^2 - 1/4.
        "distance_to_targets": 0.0,
    });
    assert_eq!(blocks[0], expected);
    let short = &blocks[1];
    assert_eq!((&short["first_trial"], &short["trials"]), (&json!(18), &json!(1)));
    for undefined in
        ["mean_output_error_squared", "input_dependence", "distance_to_ocs", "distance_to_targets"]
    {
        assert_eq!(short[undefined], Value::Null, "{undefined} of one trial");
    }
    assert_eq!(short["true_negative_rate"], json!([1.0]));
    // A response that is missing belongs to no rate.
    assert_eq!(blocks[2]["day"], 2);
    assert_eq!(blocks[2]["mean_response"], json!([null, 1.0]));
    assert_eq!(blocks[2]["true_negative_rate"], json!([null]));
    assert_eq!(blocks[2]["true_positive_rate"], json!([1.0]));
    assert_eq!(blocks[2]["level_accuracy"], json!([null]));
}

#[test]
fn a_group_has_bands_over_participants_and_tests_with_all_fields() {
    let scene = scene();
    let again = TABLE.replace("p1", "p2").replace("0,1,1\n", "0,0,1\n");
    scene.write("more.csv", again.as_bytes());
    let import = "import data.csv more.csv --columns map.yaml --config pair.yaml --out two";
    assert_eq!(scene.human(import).0, 0);
    let answer = scene.json("analyse two --config pair.yaml --block 4 --json");
    let rates = answer["group"]["true_negative_rate"].as_array().unwrap();
    assert_eq!(rates.len(), 3);
    assert_eq!(rates[0]["mean"], 0.75);
    assert_eq!((&rates[0]["low"], &rates[0]["high"]), (&json!(0.75), &json!(0.75)));
    assert_eq!(rates[0]["levels"][0]["mean"], 0.75);
    // Nobody's rate is defined there.
    assert_eq!(rates[2]["mean"], Value::Null);
    let tests = answer["group"]["tests"].as_array().unwrap();
    let ids: Vec<&str> = tests.iter().map(|test| test["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "top-level-dip",
            "top-level-dip-is-deep",
            "input-dependence-at-chance",
            "nearer-to-ocs-than-targets",
            "correlates-with-base-rates",
            "visits-the-ocs-first"
        ]
    );
    for test in tests {
        for field in ["statistic", "p", "interval", "holds"] {
            assert!(test.get(field).is_some(), "{field} of {}", test["id"]);
        }
    }
    // One participant tells of no spread.
    let alone = scene.json("analyse people --config pair.yaml --block 4 --json");
    assert_eq!(alone["group"]["true_negative_rate"][0]["low"], Value::Null);
}

#[test]
fn what_simulate_writes_analyse_reads_and_a_seed_is_a_study() {
    let scene = Scene::new(&[("pair.yaml", PAIR)]);
    let simulate = |out: &str, seed: u64| {
        let line = format!(
            "simulate pair.yaml --learner ideal --participants 3 --out {out} --seed {seed}"
        );
        assert_eq!(scene.human(&line).0, 0);
        std::fs::read(scene.path(out).join("trials.csv")).unwrap()
    };
    let (one, same, other) = (simulate("one", 1), simulate("same", 1), simulate("other", 2));
    assert!(one == same && one != other);
    let answer = scene.json("analyse one --config pair.yaml --block 10 --json");
    assert_eq!(answer["simulated"], "ideal");
    assert_eq!(answer["participants"].as_array().unwrap().len(), 3);
    assert_eq!(answer["participants"][0]["blocks"][0]["trials"], 10);
}

#[test]
fn nothing_is_replaced_unasked_and_nothing_foreign_at_all() {
    let scene = scene();
    let import = "import data.csv --columns map.yaml --config pair.yaml --out people";
    let (status, _, stderr) = scene.human(import);
    assert!(status == 2 && stderr.contains("is there already"), "{stderr}");
    assert_eq!(scene.human(&format!("{import} --overwrite")).0, 0);
    scene.write("people/notes.txt", b"mine");
    let (status, _, stderr) = scene.human(&format!("{import} --overwrite"));
    assert!(status == 2 && stderr.contains("notes.txt"), "{stderr}");
    assert_eq!(std::fs::read(scene.path("people/notes.txt")).unwrap(), b"mine");
}

#[test]
fn data_of_another_tree_or_cut_short_are_refused() {
    let scene = scene();
    scene.write("other.yaml", b"task: {branching: [2, 2]}\n");
    let (status, _, stderr) = scene.human("analyse people --config other.yaml");
    assert!(status == 1 && stderr.contains("is of a tree with levels of [2]"), "{stderr}");
    let path = scene.path("people/trials.csv");
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    // Within the last cell, and before it.
    for cut in [whole.len() - 1, whole.len() - 2, whole.len() - 3] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let (status, _, stderr) = scene.human("analyse people --config pair.yaml");
        assert!(status == 1 && stderr.contains("cut short, import it again"), "{stderr}");
    }
    std::fs::write(&path, lines[..4].join("\n") + "\n").unwrap();
    let (status, _, stderr) = scene.human("analyse people --config pair.yaml");
    assert!(status == 1 && stderr.contains("has 3 trials"), "{stderr}");
}

#[test]
fn the_long_table_has_a_row_a_trial_and_label() {
    let scene = scene();
    let (status, table, stderr) = scene.human("export people --config pair.yaml --block 4");
    assert_eq!(status, 0, "{stderr}");
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let heads: Vec<String> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(heads, ocs::human::COLUMNS);
    let rows: Vec<Vec<String>> =
        rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!(rows.len(), 12);
    assert_eq!(rows[1].join(","), "p1,0,1,1,10,1,0,right,1,0.5,0,0");
    assert_eq!(rows[8].join(","), "p1,0,1,2,18,5,0,left,1,0.5,1,1");
    // A missing response is empty.
    assert_eq!(rows[10].join(","), "p1,0,2,1,10,6,1,left,1,0.5,0,");
}

#[test]
fn words_that_participants_could_not_tell_apart_are_refused() {
    let scene = scene();
    for (words, told) in [
        ("[a, a]", "could not tell"),
        ("[a, ' a']", "could not tell"),
        ("[a, A]", "could not tell"),
        ("[\"\\u00e4\", \"a\\u0308\"]", "could not tell"),
        ("[a, \"b\\nc\"]", "line's end"),
        ("[a, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]", "40 letters"),
        ("[a, ' ']", "is empty"),
    ] {
        scene
            .write("words.yaml", format!("{PAIR}human: {{page: {{words: {words}}}}}\n").as_bytes());
        let (status, _, stderr) = scene.human("task words.yaml --out study");
        assert!(status == 2 && stderr.contains("human.page.words"), "{words}: {stderr}");
        assert!(stderr.contains(told), "{words}: {stderr}");
    }
}
