//! What is odd is reported and kept, until a rule names it.

use serde_json::{Value, json};

use super::{MAP, PAIR, Scene};

const HEAD: &str = "subject,session,trial_index,stimulus,left,right\n";

/// Twenty trials of each of some participants, by what they answer.
fn rows(who: &str, answer: impl Fn(usize) -> &'static str) -> String {
    (0..20).map(|trial| format!("{who},1,{trial},{},{}\n", trial % 2, answer(trial))).collect()
}

fn right(trial: usize) -> &'static str {
    if trial.is_multiple_of(2) { "1,0" } else { "0,1" }
}

fn scene(text: &str, exclude: &str) -> Scene {
    let map = format!("{MAP}exclude: {{{exclude}}}\n");
    Scene::new(&[("pair.yaml", PAIR), ("map.yaml", &map), ("data.csv", text)])
}

const IMPORT: &str = "import data.csv --columns map.yaml --config pair.yaml --out people --json";

fn kinds(answer: &Value) -> Vec<(String, u64, String)> {
    let odd = answer["odd"].as_array().unwrap().iter();
    odd.map(|odd| {
        let text = |field: &str| odd[field].as_str().unwrap().to_owned();
        (text("kind"), odd["trials"].as_u64().unwrap(), text("fate"))
    })
    .collect()
}

#[test]
fn oddities_are_reported_and_kept() {
    let good = rows("good", right);
    let constant = rows("same", |_| "1,1");
    let late = rows("late", |trial| if trial < 5 { "," } else { right(trial) });
    let mut twice: Vec<&str> = good.lines().collect();
    twice.insert(4, twice[3]);
    let mixed = rows("mixed", right);
    let mut swapped: Vec<&str> = mixed.lines().collect();
    swapped.swap(7, 8);
    let all = format!("{HEAD}{}\n{constant}{late}{}\n", twice.join("\n"), swapped.join("\n"));
    let scene = scene(&all, "");
    let answer = scene.json(IMPORT);
    let found = kinds(&answer);
    for (kind, trials) in
        [("duplicate", 1), ("constant responses", 20), ("missed", 5), ("out of order", 1)]
    {
        assert!(found.contains(&(kind.to_owned(), trials, "kept".to_owned())), "{kind}: {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(answer["trials"], 81);
    // Out of order in the file, in order afterwards.
    let table = std::fs::read_to_string(scene.path("people/trials.csv")).unwrap();
    let place = |row: &str| table.find(row).unwrap();
    assert!(place("mixed,1,7,") < place("mixed,1,8,"));
    let analysis = scene.json("analyse people --config pair.yaml --block 10 --json");
    assert!(
        analysis["participants"].as_array().unwrap().iter().all(|one| one["excluded"].is_null())
    );
}

#[test]
fn rules_leave_out_what_they_name_and_say_so() {
    let all = [
        HEAD.to_owned(),
        rows("good", right),
        rows("same", |_| "1,1"),
        rows("late", |trial| if trial < 5 { "," } else { right(trial) }),
        "brief,1,0,0,1,0\nbrief,1,1,1,0,1\n".to_owned(),
        rows("named", right),
    ];
    let scene = scene(
        &all.concat(),
        "constant_responders: true, missed: 0.2, fewer_trials_than: 10, participants: [named]",
    );
    scene.json(IMPORT);
    let analysis = scene.json("analyse people --config pair.yaml --block 10 --json");
    let reasons: Vec<(&str, &str)> = analysis["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["participant"].as_str().unwrap(), one["excluded"].as_str().unwrap_or("")))
        .collect();
    for (who, words) in [
        ("good", ""),
        ("same", "constant_responders"),
        ("late", "missed 5 of 20"),
        ("brief", "fewer than 10"),
        ("named", "exclude.participants"),
    ] {
        let (_, reason) = reasons.iter().find(|(name, _)| *name == who).unwrap();
        assert!(reason.contains(words) && reason.is_empty() == words.is_empty(), "{who}: {reason}");
    }
    assert_eq!(analysis["group"]["participants"], 1);
    // Blocks of those who are left out are told all the same.
    assert!(analysis["participants"][1]["blocks"].as_array().unwrap().len() == 2);
}

#[test]
fn a_rule_of_the_config_counts_as_one_of_the_map() {
    let scene = scene(&[HEAD, &rows("same", |_| "1,1"), &rows("good", right)].concat(), "");
    scene.json(IMPORT);
    scene.write(
        "rules.yaml",
        format!("{PAIR}human: {{exclude: {{constant_responders: true}}}}\n").as_bytes(),
    );
    let analysis = scene.json("analyse people --config rules.yaml --block 10 --json");
    assert_eq!(analysis["group"]["participants"], 1);
    scene.write("other.yaml", format!("{PAIR}human: {{exclude: {{missed: 0.5}}}}\n").as_bytes());
    scene.write("map.yaml", format!("{MAP}exclude: {{missed: 0.2}}\n").as_bytes());
    let (status, _, told) =
        scene.human("import data.csv --columns map.yaml --config other.yaml --out more");
    assert!(status == 2 && told.contains("exclude.missed is one thing"), "{told}");
}

#[test]
fn rows_that_come_twice_are_left_out_by_a_rule_alone() {
    let text = [HEAD, &rows("a", right), "a,1,3,0,0,0\n"].concat();
    let trials = |exclude: &str| {
        let scene = scene(&text, exclude);
        let answer = scene.json(IMPORT);
        let table = std::fs::read_to_string(scene.path("people/trials.csv")).unwrap();
        (answer["trials"].as_u64().unwrap(), table)
    };
    assert_eq!(trials("").0, 21);
    let (count, table) = trials("duplicates: first");
    assert!(count == 20 && table.contains("a,1,3,1,,0,1\n"), "{table}");
    let (count, table) = trials("duplicates: last");
    assert!(count == 20 && table.contains("a,1,3,0,,0,0\n"), "{table}");
}

#[test]
fn two_participants_of_one_id_are_refused() {
    let other = rows("a", |trial| right(trial + 1));
    // In two files.
    let scene = scene(&[HEAD, &rows("a", right)].concat(), "");
    scene.write("more.csv", [HEAD, &other].concat().as_bytes());
    let two = IMPORT.replace("data.csv", "data.csv more.csv");
    let (status, _, told) = scene.human(&two);
    assert!(status == 1 && told.contains("two participants of one id"), "{told}");
    assert!(told.contains("data.csv row 2") && told.contains("more.csv row 2"), "{told}");
    assert!(!scene.path("people").exists());
    // The same answers are one session that was kept twice.
    scene.write("more.csv", [HEAD, &rows("a", right)].concat().as_bytes());
    assert!(scene.human(&two).2.contains("one session that was kept twice"));
    scene.write("more.csv", [HEAD, &other].concat().as_bytes());
    // In one.
    scene.write("data.csv", [HEAD, &rows("a", right), &other].concat().as_bytes());
    assert!(scene.human(IMPORT).2.contains("two participants of one id"));
    // Another day of the same participant is none.
    scene.write("data.csv", [HEAD, &rows("a", right)].concat().as_bytes());
    scene.write("more.csv", [HEAD, &other.replace("a,1,", "a,2,")].concat().as_bytes());
    assert_eq!(scene.json(&two)["trials"], json!(40));
    let (status, _, told) =
        scene.human("import data.csv ./data.csv --columns map.yaml --config pair.yaml --out other");
    assert!(status == 2 && told.contains("given twice"), "{told}");
}

#[test]
fn trials_with_unknown_items_and_labels_are_left_out_by_a_rule() {
    let map = "participant: subject\ntrial: n\nitem: shown\nresponse_list: marked\nlabels: [wings, fins]\n\
               exclude: {unknown_items: true, unknown_labels: true}\n";
    let data = "subject,n,shown,marked\na,0,0,wings\na,1,5,fins\na,2,1,legs\na,3,1,fins\n";
    let scene = Scene::new(&[("pair.yaml", PAIR), ("map.yaml", map), ("data.csv", data)]);
    let answer = scene.json(IMPORT);
    assert_eq!(answer["trials"], 2);
    let found = kinds(&answer);
    for kind in ["unknown item", "unknown label"] {
        assert!(found.contains(&(kind.to_owned(), 1, "left out".to_owned())), "{found:?}");
    }
}

#[test]
fn an_empty_list_of_names_is_missed_until_the_map_says_that_it_is_an_answer() {
    let map = "participant: subject\ntrial: n\nitem: shown\nresponse_list: marked\nlabels: [wings, fins]\n";
    let data = "subject,n,shown,marked\na,0,0,wings\na,1,1,\na,2,1,NA\na,3,1,fins\n";
    let scene = Scene::new(&[("pair.yaml", PAIR), ("map.yaml", map), ("data.csv", data)]);
    let (status, _, told) = scene.human(IMPORT);
    assert!(status == 0 && told.contains("empty: nothing-marked"), "{told}");
    scene.write("map.yaml", format!("{map}empty: nothing-marked\n").as_bytes());
    let answer = scene.json(&format!("{IMPORT} --overwrite"));
    assert_eq!(kinds(&answer), [("missed".to_owned(), 1, "kept".to_owned())]);
    let table = std::fs::read_to_string(scene.path("people/trials.csv")).unwrap();
    assert!(table.contains("a,1,1,1,,0,0\na,1,2,1,,,\n"), "{table}");
}

#[test]
fn boxes_that_were_not_ticked_are_no_missing_answers_where_the_map_says_so() {
    let data = [HEAD, &rows("a", |trial| ["1,", ",1"][trial % 2])].concat();
    let scene = scene(&data, "");
    let (status, _, told) = scene.human(IMPORT);
    assert!(status == 0 && told.contains("no response is 0"), "{told}");
    assert!(told.contains("partly missed, 20 trials"), "{told}");
    scene.write("map.yaml", format!("{MAP}empty: nothing-marked\n").as_bytes());
    let again = scene.json(&format!("{IMPORT} --overwrite"));
    assert_eq!(kinds(&again), []);
    let table = std::fs::read_to_string(scene.path("people/trials.csv")).unwrap();
    assert!(table.contains("a,1,0,0,,1,0\na,1,1,1,,0,1\n"), "{table}");
}

#[test]
fn ids_that_look_alike_or_are_one_number_are_told() {
    for (one, other) in [("007", "7"), ("1", "1.0"), ("\u{c4}", "A\u{308}"), ("x", "x\u{200b}")] {
        let data = [HEAD, &rows(one, right), &rows(other, right), &rows("07a", right)].concat();
        let (status, _, told) = scene(&data, "").human(IMPORT);
        assert!(status == 0 && told.matches("look alike").count() == 1, "{one}: {told}");
        let (_, _, told) = scene(&[HEAD, &rows(one, right)].concat(), "").human(IMPORT);
        assert!(!told.contains("look alike"), "{told}");
    }
}

#[test]
fn the_same_response_is_constant_however_zero_is_written_and_whatever_is_missing() {
    let zeros = rows("a", |trial| if trial == 3 { "-0,0" } else { "0,0" });
    let gaps = rows("b", |trial| ["0,0", ",0", "0,"][trial % 3]);
    let varied = rows("c", |trial| if trial == 19 { "1,0" } else { "0,0" });
    let ticks = rows("d", |trial| ["1,", ",1"][trial % 2]);
    let once = "e,1,0,0,1,\ne,1,1,1,,1\n";
    let scene = scene(&[HEAD, &zeros, &gaps, &varied, &ticks, once].concat(), "");
    let answer = scene.json(IMPORT);
    let constant = answer["odd"].as_array().unwrap().iter();
    let constant: Vec<&str> = constant
        .filter(|odd| odd["kind"] == "constant responses")
        .map(|odd| odd["participant"].as_str().unwrap())
        .collect();
    assert_eq!(constant, ["a", "b", "d"]);
}

#[test]
fn of_rows_that_come_twice_the_one_that_is_left_out_is_named_with_its_file() {
    let scene = scene([HEAD, "a,1,0,0,1,0\n"].concat().as_str(), "duplicates: first");
    scene.write("more.csv", [HEAD, "a,1,0,0,0,1\n"].concat().as_bytes());
    let import =
        "import data.csv more.csv --columns map.yaml --config pair.yaml --out people --overwrite";
    let (_, _, told) = scene.human(import);
    assert!(told.contains("left out (more.csv row 2 is trial 0 again)"), "{told}");
    scene.write("map.yaml", format!("{MAP}exclude: {{duplicates: last}}\n").as_bytes());
    let (_, _, told) = scene.human(import);
    assert!(told.contains("left out (data.csv row 2 is trial 0, which comes again)"), "{told}");
    let table = std::fs::read_to_string(scene.path("people/trials.csv")).unwrap();
    assert!(table.ends_with("a,1,0,0,,0,1\n"), "{table}");
}

#[test]
fn who_has_no_trial_left_is_told_with_the_reason() {
    let data = [HEAD, &rows("good", right), "lost,1,0,9,1,0\n"].concat();
    let scene = scene(&data, "unknown_items: true");
    let answer = scene.json(IMPORT);
    assert_eq!(answer["participants"], 1);
    let analysis = scene.json("analyse people --config pair.yaml --block 10 --json");
    let people = analysis["participants"].as_array().unwrap();
    assert_eq!(people.len(), 2);
    assert_eq!(people[1]["participant"], "lost");
    assert!(people[1]["excluded"].as_str().unwrap().contains("no trial is left"));
    assert_eq!(people[1]["blocks"], json!([]));
    assert_eq!(analysis["group"]["participants"], 1);
}

#[test]
fn the_order_of_files_is_no_order_of_trials() {
    let all = rows("a", right);
    let lines: Vec<&str> = all.lines().collect();
    let scene = scene(&format!("{HEAD}{}\n", lines[10..].join("\n")), "");
    scene.write("first.csv", format!("{HEAD}{}\n", lines[..10].join("\n")).as_bytes());
    let two = IMPORT.replace("data.csv", "data.csv first.csv");
    assert_eq!(kinds(&scene.json(&two)), []);
}

#[test]
fn days_that_the_map_does_not_name_are_asked_for() {
    let other = rows("a", |trial| right(trial + 1)).replace("a,1,", "a,2,");
    let scene = scene(&[HEAD, &rows("a", right), &other].concat(), "");
    scene.json(IMPORT);
    scene.write("map.yaml", MAP.replace("day: session\n", "").as_bytes());
    let (status, _, told) = scene.human(&IMPORT.replace("--out people", "--out other"));
    assert!(status == 1 && told.contains("(day: COLUMN)"), "{told}");
}

#[test]
fn data_of_other_frequencies_are_refused() {
    let scene = scene(&[HEAD, &rows("a", right)].concat(), "");
    scene.json(IMPORT);
    scene.write("skewed.yaml", b"task: {branching: [2], frequencies: [3, 1]}\n");
    let (status, _, told) = scene.human("analyse people --config skewed.yaml --block 10 --json");
    assert!(status == 1 && told.contains("[0.500, 0.500]") && told.contains("0.750"), "{told}");
}

#[test]
fn trees_on_which_no_visit_can_be_told_are_told() {
    let scene = scene(&[HEAD, &rows("a", right)].concat(), "");
    scene.json(IMPORT);
    let (_, _, told) = scene.human("analyse people --config pair.yaml --block 10");
    assert!(told.contains("all labels come equally often"), "{told}");
    scene.write("deep.yaml", b"task: {branching: [2, 2]}\n");
    let (_, _, told) = scene.human("power deep.yaml --learner random --participants 5 --studies 1");
    assert!(!told.contains("cannot be decided on this tree"), "{told}");
}
