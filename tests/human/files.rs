//! What files say is read, whatever their form; what is wrong is told with file, row and column, and nothing is written.

use super::{MAP, PAIR, Scene};

const HEAD: &str = "subject,session,trial_index,stimulus,left,right\n";
const ROWS: &str = "a,1,1,0,1,0\na,1,2,1,0,1\na,1,3,0,,\n";

fn import(scene: &Scene, files: &str) -> (i32, String) {
    let line =
        format!("import {files} --columns map.yaml --config pair.yaml --out people --overwrite");
    let (status, _, stderr) = scene.human(&line);
    (status, stderr)
}

/// The table that an import leaves.
fn table(scene: &Scene) -> String {
    std::fs::read_to_string(scene.path("people/trials.csv")).unwrap()
}

fn scene_with(map: &str, name: &str, bytes: &[u8]) -> Scene {
    let scene = Scene::new(&[("pair.yaml", PAIR), ("map.yaml", map)]);
    scene.write(name, bytes);
    scene
}

/// What is left of data that are fine.
fn read(map: &str, name: &str, bytes: &[u8]) -> String {
    let scene = scene_with(map, name, bytes);
    let (status, stderr) = import(&scene, name);
    assert_eq!(status, 0, "{stderr}");
    table(&scene)
}

/// What is said of data that are not; nothing is written then.
fn refused(map: &str, name: &str, bytes: &[u8]) -> String {
    let scene = scene_with(map, name, bytes);
    let (status, stderr) = import(&scene, name);
    assert!(status != 0, "read: {}", table(&scene));
    assert!(!scene.path("people").exists(), "something was written");
    assert!(stderr.contains(name), "the file is not named: {stderr}");
    stderr
}

fn same() -> String {
    read(MAP, "data.csv", [HEAD, ROWS].concat().as_bytes())
}

#[test]
fn forms_of_csv_are_one_table() {
    let plain = same();
    assert_eq!(plain.lines().count(), 4);
    assert!(plain.contains("a,1,3,0,,,\n"), "{plain}");
    let whole = [HEAD, ROWS].concat();
    let crlf = whole.replace('\n', "\r\n");
    let bom = format!("\u{feff}{whole}");
    let quoted = whole.replace("a,1,", "\"a\",\"1\",");
    for (name, text) in [("crlf.csv", crlf), ("bom.csv", bom), ("quoted.csv", quoted)] {
        assert_eq!(read(MAP, name, text.as_bytes()), plain, "{name}");
    }
    for (separator, name) in [(";", "found.csv"), ("\t", "found.tsv"), ("|", "bars.txt")] {
        assert_eq!(read(MAP, name, whole.replace(',', separator).as_bytes()), plain, "{name}");
    }
    let named = format!("{MAP}separator: ';'\n");
    assert_eq!(read(&named, "named.csv", whole.replace(',', ";").as_bytes()), plain);
    // Rows of separators alone, as spreadsheets leave them, and other columns with anything in them.
    let spread = whole.replace('\n', ",\"he said \"\"no\"\"\nand left\"\n") + ",,,,,,\n";
    assert_eq!(read(MAP, "spread.csv", spread.as_bytes()), plain);
}

#[test]
fn forms_of_responses_are_one_table() {
    let plain = same();
    for (one, none) in [("true", "false"), ("TRUE", "False"), ("1.0", "0.0")] {
        let words = |row: &str| {
            row.replace(",1,0\n", &format!(",{one},{none}\n"))
                .replace(",0,1\n", &format!(",{none},{one}\n"))
        };
        let text = [HEAD, &words(ROWS)].concat();
        assert_eq!(read(MAP, "words.csv", text.as_bytes()), plain, "{one}");
    }
    for nothing in ["NA", "NaN", "null", "n/a"] {
        let text = [HEAD, ROWS].concat().replace(",,\n", &format!(",{nothing},{nothing}\n"));
        assert_eq!(read(MAP, "nothing.csv", text.as_bytes()), plain, "{nothing}");
    }
    let graded = [HEAD, "a,1,1,0,0.25,1\n"].concat();
    assert!(read(MAP, "graded.csv", graded.as_bytes()).contains("a,1,1,0,,0.25,1\n"));
}

#[test]
fn lists_and_names_and_days_are_read() {
    let map = "participant: who\nday: when\ntrial: n\nitem: shown\nresponse_list: marked\n\
               items: [bird, fish]\ndays: [first, second]\n";
    let text = "who,when,n,shown,marked\nb,second,1,fish,\"[0, 1]\"\na,first,2,bird,1 0\n\
                a,first,3,bird,\n";
    let table = read(map, "names.csv", text.as_bytes());
    for row in ["b,2,1,1,,0,1\n", "a,1,2,0,,1,0\n", "a,1,3,0,,,\n"] {
        assert!(table.contains(row), "{table}");
    }
    let named = format!("{map}labels: [wings, fins]\n");
    let text = "who,when,n,shown,marked\na,first,1,fish,fins\na,first,2,bird,wings;fins\n\
                a,first,3,bird,[]\n";
    let table = read(&named, "labels.csv", text.as_bytes());
    for row in ["a,1,1,1,,0,1\n", "a,1,2,0,,1,1\n", "a,1,3,0,,0,0\n"] {
        assert!(table.contains(row), "{table}");
    }
}

#[test]
fn json_in_arrays_and_lines_is_the_same_table() {
    let plain = same();
    let rows = [
        r#"{"subject":"a","session":1,"trial_index":1,"stimulus":0,"left":1,"right":0}"#,
        r#"{"subject":"a","session":"1","trial_index":2,"stimulus":1,"left":false,"right":true}"#,
        r#"{"subject":"a","session":1.0,"trial_index":3,"stimulus":0,"left":null,"right":"NA"}"#,
    ];
    let array = format!("[{}]", rows.join(",\n"));
    let lines = rows.join("\n") + "\n";
    // As JATOS exports: an array for each session.
    let arrays = format!("[{}]\n[{}, {}]\n", rows[0], rows[1], rows[2]);
    // As Python writes what is missing.
    let bare = lines.replace("\"NA\"", "NaN").replace("null", "NaN");
    assert_eq!(read(MAP, "n.jsonl", bare.as_bytes()), plain);
    for (name, text) in [("a.json", array), ("l.jsonl", lines), ("j.txt", arrays)] {
        assert_eq!(read(MAP, name, text.as_bytes()), plain, "{name}");
    }
}

#[test]
fn what_stands_for_nothing_in_responses_is_a_name_elsewhere() {
    let text = "subject,trial_index,stimulus,marked\nNA,1,none,\"[\"\"null\"\"]\"\nnone,1,NaN,NA\n";
    let map = "participant: subject\ntrial: trial_index\nitem: stimulus\nitems: [none, NaN]\nlabels: [left, 'null']\nresponse_list: marked\n";
    let told = read(map, "names.csv", text.as_bytes());
    assert!(told.contains("NA,1,1,0,,0,1\n"), "{told}");
    assert!(told.contains("none,1,1,1,,,\n"), "{told}");
}

#[test]
fn the_browser_tasks_own_files_need_no_map() {
    let scene = Scene::new(&[("pair.yaml", PAIR)]);
    let text = r#"[{"trial_type": "instructions", "rt": 12},
        {"trial_type": "mark-labels", "participant": "p", "day": 1, "block": 1, "trial": 1, "item": 0, "responses": [1, 0],
         "targets": [1, 0], "missed": false, "reaction_time": 812.5},
        {"trial_type": "mark-labels", "participant": "p", "day": 1, "block": 1, "trial": 2, "item": 1, "responses": null,
         "targets": [0, 1], "missed": true, "reaction_time": null}]"#;
    scene.write("session.json", text.as_bytes());
    let (status, _, stderr) = scene.human("import session.json --config pair.yaml --out people");
    assert!(status == 0 && stderr.contains("missed, 1 trial"), "{stderr}");
    let table = table(&scene);
    assert!(table.contains("p,1,1,0,812.5,1,0\np,1,2,1,,,\n"), "{table}");
    // The same in jsPsych's CSV, with lists as text.
    let csv = "trial_type,participant,day,trial,item,responses,reaction_time\ninstructions,,,,,,\n\
               mark-labels,p,1,1,0,\"[1,0]\",812.5\nmark-labels,p,1,2,1,null,null\n";
    scene.write("session.csv", csv.as_bytes());
    assert_eq!(scene.human("import session.csv --config pair.yaml --out other").0, 0);
    assert_eq!(std::fs::read_to_string(scene.path("other/trials.csv")).unwrap(), table);
}

#[test]
fn values_that_are_wrong_are_told_with_row_and_column() {
    for (rows, words) in [
        ("a,1,1,0,2,0\n", &["row 2", "'left'", "'2'"][..]),
        ("a,1,1,0,1,0\na,1,2,1,0,maybe\n", &["row 3", "'right'", "'maybe'"]),
        ("a,1,1,7,1,0\n", &["row 2", "'stimulus'", "items are 0 to 1"]),
        ("a,1,1,bird,1,0\n", &["row 2", "'stimulus'", "list them in the column map under items"]),
        ("a,1,x,0,1,0\n", &["row 2", "'trial_index'", "whole number"]),
        ("a,monday,1,0,1,0\n", &["row 2", "'session'", "under days"]),
        (",1,1,0,1,0\n", &["row 2", "'subject'", "is empty"]),
        ("a,1,1,0,\"0,5\",0\n", &["row 2", "'left'", "write 0.5"]),
        ("a,1,1,0,1\n", &["row 2", "has 5 cells, the heading has 6"]),
        ("a,1,1,0,1,0,1\n", &["row 2", "has 7 cells"]),
        ("a,1,1,0,1,\"0\na,1,2,1,0,1\n", &["row 2", "never closed"]),
    ] {
        let told = refused(MAP, "data.csv", [HEAD, rows].concat().as_bytes());
        for word in words {
            assert!(told.contains(word), "{rows}: {word}: {told}");
        }
    }
}

#[test]
fn lists_of_the_wrong_length_and_unknown_names_are_told() {
    let map = "participant: who\ntrial: n\nitem: shown\nresponse_list: marked\n";
    let head = "who,n,shown,marked\n";
    let told = refused(map, "data.csv", [head, "a,1,0,1 0\na,2,1,1 0 1\n"].concat().as_bytes());
    assert!(
        told.contains("row 3") && told.contains("has 3 responses, the config's tree has 2"),
        "{told}"
    );
    let map = format!("{map}items: [bird, fish]\nlabels: [wings, fins]\n");
    let told = refused(&map, "data.csv", [head, "a,1,brid,wings\n"].concat().as_bytes());
    assert!(told.contains("did you mean 'bird'?"), "{told}");
    let told = refused(&map, "data.csv", [head, "a,1,bird,wing\n"].concat().as_bytes());
    assert!(told.contains("did you mean 'wings'?") && told.contains("unknown_labels"), "{told}");
}

#[test]
fn files_that_are_no_tables_are_told() {
    let utf16: Vec<u8> = [0xff, 0xfe, b's', 0].to_vec();
    let latin = [HEAD.as_bytes(), b"M\xfcller,1,1,0,1,0\n"].concat();
    let half = br#"[{"subject":"a","session":1,"trial_index":1,"stimulus":0,"left":1,"right":0}, {"subject":"#;
    for (bytes, words) in [
        (&b""[..], "is empty"),
        (b"  \n\n", "is empty"),
        (HEAD.as_bytes(), "a heading and no rows"),
        (&utf16, "UTF-16"),
        (&latin, "line 2 is no text in UTF-8"),
        (half, "cut short after row 1"),
        (b"{\"subject\": 1} trailing", "no JSON after row"),
        (b"[1, 2]", "no JSON after row 0"),
        (b"[]", "has no rows"),
        (b"a\0b", "bytes that are no text"),
    ] {
        let told = refused(MAP, "data.any", bytes);
        assert!(told.contains(words) || told.contains("there is no column"), "{words}: {told}");
    }
}

#[test]
fn columns_that_are_missing_or_there_twice_are_told() {
    let told = refused(MAP, "data.csv", HEAD.replace("stimulus", "stimlus").as_bytes());
    assert!(told.contains("no column 'stimulus'; did you mean 'stimlus'?"), "{told}");
    let told = refused(MAP, "data.csv", HEAD.replace("left,right", "left,left").as_bytes());
    assert!(told.contains("2 columns 'left'") || told.contains("no column 'right'"), "{told}");
    let twice = format!("{}a,1,1,0,1,0,0\n", HEAD.replace("right", "right,left"));
    let told = refused(MAP, "data.csv", twice.as_bytes());
    assert!(told.contains("2 columns 'left'"), "{told}");
    let told = refused(MAP, "data.json", br#"[{"subject": "a", "sesion": 1}]"#);
    assert!(told.contains("row 1") && told.contains("did you mean 'sesion'?"), "{told}");
}

#[test]
fn column_maps_that_are_wrong_are_told() {
    let data = [HEAD, ROWS].concat();
    for (map, words) in [
        (MAP.replace("participant", "particpant"), "did you mean participant?"),
        (MAP.replace("item: stimulus\n", ""), "does not say item"),
        (MAP.replace("responses: [left, right]\n", ""), "neither responses"),
        (format!("{MAP}response_list: all\n"), "both responses and response_list"),
        (
            MAP.replace("[left, right]", "[left]"),
            "responses lists 1, the config's tree has 2 labels",
        ),
        (MAP.replace("[left, right]", "[left, left]"), "'left' twice"),
        (format!("{MAP}items: [a, b, c]\n"), "items lists 3"),
        (format!("{MAP}separator: xx\n"), "separator cannot be 'xx'"),
        (format!("{MAP}exclude: {{missing: 0.1}}\n"), "missed"),
        (format!("{MAP}exclude: {{missed: 2}}\n"), "exclude.missed must be"),
        (format!("{MAP}exclude: {{duplicates: middle}}\n"), "first or last"),
    ] {
        let scene = scene_with(&map, "data.csv", data.as_bytes());
        let (status, told) = import(&scene, "data.csv");
        assert!(status != 0 && told.contains(words), "{words}: {told}");
    }
}
