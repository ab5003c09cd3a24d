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
fn keys_that_json_leaves_out_are_missing_and_columns_that_no_row_has_are_told() {
    // As R's jsonlite writes what is NA.
    let rows = r#"[{"subject":"a","session":1,"trial_index":3,"stimulus":0},
        {"subject":"a","session":1,"trial_index":1,"stimulus":0,"left":1,"right":0},
        {"subject":"a","session":1,"trial_index":2,"stimulus":1,"left":0,"right":1}]"#;
    assert_eq!(read(MAP, "omitted.json", rows.as_bytes()), same());
    let told = refused(MAP, "d.json", rows.replace("\"right\"", "\"rigth\"").as_bytes());
    assert!(told.contains("no column 'right'; did you mean 'rigth'?"), "{told}");
    let told = refused(MAP, "d.json", rows.replace("\"trial_index\":3,", "").as_bytes());
    assert!(told.contains("row 1:") && told.contains("'trial_index': is empty"), "{told}");
}

#[test]
fn half_a_line_of_json_lines_is_named_wherever_it_stands() {
    let row = |trial: usize| {
        format!(
            r#"{{"subject":"a","session":1,"trial_index":{trial},"stimulus":0,"left":1,"right":0}}"#
        )
    };
    let rows: Vec<String> = (1..=5).map(row).collect();
    for cut in 0..5 {
        let mut lines = rows.clone();
        lines[cut].truncate(20);
        let told = refused(MAP, "d.jsonl", (lines.join("\n") + "\n").as_bytes());
        let words = format!("line {} is cut short", cut + 1);
        assert!(told.contains(&words), "{words}: {told}");
    }
    let mut lines = rows;
    lines[2] = lines[2].replace("\"left\":", "\"left\" ");
    let told = refused(MAP, "d.jsonl", lines.join("\n").as_bytes());
    assert!(told.contains("line 3 is no JSON"), "{told}");
}

/// A reader that looks back to the beginning at each line would take 64 times as long.
#[test]
fn json_lines_take_time_in_proportion_to_their_number() {
    let seconds = |n: usize| {
        let row = |trial: usize| {
            format!(
                "{{\"subject\":\"a\",\"session\":1,\"trial_index\":{trial},\"stimulus\":0,\"left\":1,\"right\":0}}\n"
            )
        };
        let rows: String = (1..=n).map(row).collect();
        let scene = scene_with(MAP, "long.jsonl", rows.as_bytes());
        let started = std::time::Instant::now();
        let (status, stderr) = import(&scene, "long.jsonl");
        assert_eq!(status, 0, "{stderr}");
        assert_eq!(table(&scene).lines().count(), n + 1);
        started.elapsed().as_secs_f64()
    };
    let (few, many) = (seconds(10_000), seconds(80_000));
    assert!(many < 24.0 * few, "{few} s for 10,000 lines, {many} s for 80,000");
}

#[test]
fn rows_count_as_in_a_spreadsheet_with_empty_lines_and_cells_of_several_lines() {
    let head = "subject,session,trial_index,stimulus,left,right,note\n";
    let rows = "a,1,1,0,1,0,\"one\ntwo\"\n\na,1,2,1,0,1,\n,,,,,,\na,1,3,0,9,0,\n";
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("{head}{rows}").replace('\n', end);
        let told = refused(MAP, "d.csv", text.as_bytes());
        assert!(told.contains("row 6 (line 7)") && told.contains("'9'"), "{end:?}: {told}");
    }
    let text = format!("\n\n{head}a,1,1,0,9,0,\n");
    assert!(refused(MAP, "d.csv", text.as_bytes()).contains("row 4:"));
}

#[test]
fn a_separator_on_a_line_of_its_own_is_read() {
    for (separator, said) in [(";", "sep=;"), ("\t", "sep=\t"), ("|", "\"sep=|\""), (",", "SEP=,")]
    {
        let text = format!("{said}\r\n{}", [HEAD, ROWS].concat().replace(',', separator));
        assert_eq!(read(MAP, "excel.csv", text.as_bytes()), same(), "{said}");
        let wrong = text.replace("stimulus", "");
        let told = refused(MAP, "excel.csv", wrong.as_bytes());
        assert!(told.contains("no column 'stimulus': its columns are subject"), "{told}");
    }
}

#[test]
fn files_of_other_kinds_are_told_with_what_to_do() {
    for (bytes, words) in [
        (&[0x1f, 0x8b, 8, 0][..], "gunzip"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (&[0xd0, 0xcf, 0x11, 0xe0], "save it as CSV"),
        (b"PAR1", "write it as CSV"),
    ] {
        assert!(refused(MAP, "data.bin", bytes).contains(words), "{words}");
    }
}

#[test]
fn a_pipe_is_read_once() {
    let scene = scene_with(MAP, "data.csv", [HEAD, ROWS].concat().as_bytes());
    let line = "import /dev/stdin --columns map.yaml --config pair.yaml --out people";
    let (status, _, told) = scene.human_reading(line, [HEAD, ROWS].concat().as_bytes());
    assert_eq!(status, 0, "{told}");
    assert_eq!(table(&scene), same());
    let about = std::fs::read_to_string(scene.path("people/data.json")).unwrap();
    let (status, _) = import(&scene, "data.csv");
    let again = std::fs::read_to_string(scene.path("people/data.json")).unwrap();
    let sum = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["origin"]["imported"]["files"][0]["sha256"].clone()
    };
    assert!(status == 0 && sum(&about).is_string() && sum(&about) == sum(&again), "{about}");
}

#[test]
fn a_session_without_trials_is_told_and_keeps_no_others_out() {
    let scene = Scene::new(&[("pair.yaml", PAIR)]);
    let trial = r#"[{"trial_type": "mark-labels", "participant": "p", "day": 1, "trial": 1, "item": 0, "responses": [1, 0],
        "reaction_time": 1}]"#;
    scene.write("one.json", trial.as_bytes());
    scene.write("declined.json", br#"[{"trial_type": "consent", "rt": 12}]"#);
    let (status, _, told) =
        scene.human("import declined.json one.json --config pair.yaml --out people");
    assert!(status == 0 && told.contains("declined.json has no row of a trial"), "{told}");
    scene.write("mine.csv", b"Participant,x\na,1\n");
    let (_, _, told) = scene.human("import mine.csv --config pair.yaml --out none");
    assert!(told.contains("did you mean 'Participant'?") && told.contains("--columns"), "{told}");
    let (status, _, told) = scene.human("import declined.json --config pair.yaml --out none");
    assert!(status == 1 && told.contains("trial_type: mark-labels"), "{told}");
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
        ("a,1,1,2,1,0\n", &["row 2", "'stimulus'", "count from 1", "items: [1, .., 2]"]),
        ("a,1,1,bird,1,0\n", &["row 2", "'stimulus'", "list them in the column map under items"]),
        ("a,1,x,0,1,0\n", &["row 2", "'trial_index'", "whole number"]),
        ("a,monday,1,0,1,0\n", &["row 2", "'session'", "under days"]),
        (",1,1,0,1,0\n", &["row 2", "'subject'", "is empty"]),
        ("a,1,1,0,\"0,5\",0\n", &["row 2", "'left'", "write 0.5"]),
        ("a,1,1,0,1\n", &["row 2", "has 5 cells, the heading has 6"]),
        ("a,1,1,0,1,0,1\n", &["row 2", "has 7 cells"]),
        ("a,1,1,0,1,\"0\na,1,2,1,0,1\n", &["line 2", "never closed"]),
    ] {
        let told = refused(MAP, "data.csv", [HEAD, rows].concat().as_bytes());
        for word in words {
            assert!(told.contains(word), "{rows}: {word}: {told}");
        }
    }
}

#[test]
fn quotation_marks_that_swallow_rows_are_told() {
    let head = "subject,session,trial_index,stimulus,left,right,note\n";
    for (rows, words) in [
        // Two slips, which together are one cell of several rows.
        ("a,1,1,0,1,0,\"hm\na,1,2,1,0,1,\na,1,3,0,1,0,\"oh\n", "line 4 goes on after"),
        ("\"a,1,1,0,1,0,\na,1,2,1,0,1,\n\"a,1,3,0,1,0,\n", "line 4 goes on after"),
        (
            "a,1,1,0,1,0,\"hm\na,1,2,1,0,1,\na,1,3,0,1,0,\"\n",
            "row 2 has a cell in quotation marks that holds whole rows",
        ),
        ("a,1,1,0,1,0,\"said \"no\" twice\"\n", "line 2 goes on after"),
        ("a,1,1,0,1,0,\"cut", "line 2 opens a quotation mark that is never closed"),
    ] {
        for end in ["\n", "\r\n", "\r"] {
            let text = [head, rows].concat().replace('\n', end);
            let told = refused(MAP, "slip.csv", text.as_bytes());
            assert!(told.contains(words), "{end:?} {rows}: {told}");
        }
    }
    let fine = "a,1,1,0,1,0,\"said \"\"no\"\", twice,\nand, \"\"left\"\"\" \na,1,2,1,0,1,5\" wide\na,1,3,0,,,\"\"\n";
    assert_eq!(read(MAP, "fine.csv", [head, fine].concat().as_bytes()), same());
}

#[test]
fn a_heading_of_several_lines_is_split_at_the_tables_own_separator() {
    let text = [HEAD, ROWS]
        .concat()
        .replace(',', ";")
        .replace("subject", "\"note, with\nanother, line\";subject");
    let text = text.replace("\na;", "\nx;a;");
    assert_eq!(read(MAP, "heading.csv", text.as_bytes()), same());
    let told = refused(MAP, "colons.csv", [HEAD, ROWS].concat().replace(',', ":").as_bytes());
    assert!(told.contains("separator: ':' ") || told.contains("separator: ':'"), "{told}");
}

#[test]
fn null_is_no_answer_where_an_empty_cell_is_one() {
    let named = "participant: p\ntrial: t\nitem: i\nresponse_list: r\nlabels: [left, right]\nempty: nothing-marked\n";
    let own = "participant: p\ntrial: t\nitem: i\nresponses: [l, r]\nempty: nothing-marked\n";
    let row = |trial: usize, rest: &str| format!("{{\"p\":\"a\",\"t\":{trial},\"i\":0{rest}}}\n");
    let lists = [", \"r\": [\"left\"]", ", \"r\": null", ", \"r\": NaN", "", ", \"r\": \"\""];
    let lists: String = lists.iter().enumerate().map(|(at, rest)| row(at, rest)).collect();
    let columns = [
        ", \"l\": 1, \"r\": 0",
        ", \"l\": null, \"r\": null",
        ", \"l\": NaN, \"r\": null",
        "",
        ", \"l\": \"\", \"r\": \"\"",
    ];
    let columns: String = columns.iter().enumerate().map(|(at, rest)| row(at, rest)).collect();
    for (map, text) in [(named, lists), (own, columns)] {
        let table = read(map, "nulls.jsonl", text.as_bytes());
        let expected = "a,1,0,0,,1,0\na,1,1,0,,,\na,1,2,0,,,\na,1,3,0,,,\na,1,4,0,,0,0\n";
        assert!(table.ends_with(expected), "{table}");
    }
}

#[test]
fn what_a_row_says_twice_or_in_two_ways_is_told() {
    let row = r#"{"subject":"a","session":1,"trial_index":1,"stimulus":0,"stimulus":1,"left":1,"right":0}"#;
    let told = refused(MAP, "twice.jsonl", row.as_bytes());
    assert!(told.contains("row 1") && told.contains("'stimulus' twice, 0 and 1"), "{told}");
    let timed = format!("{MAP}reaction_time: rt\n");
    let head = HEAD.replace("right", "right,rt");
    let told = refused(&timed, "times.csv", [&head, "a,1,1,0,1,0,\"1,234\"\n"].concat().as_bytes());
    assert!(told.contains("1234 where commas part thousands and 1.234"), "{told}");
    let told = refused(&timed, "times.csv", [HEAD, ROWS].concat().as_bytes());
    assert!(told.contains("no column 'rt'"), "{told}");
    let told = refused(MAP, "name.csv", [HEAD, "\"a\nb\",1,1,0,1,0\n"].concat().as_bytes());
    assert!(told.contains("'subject'") && told.contains("no name has"), "{told}");
}

#[test]
fn rows_that_are_trials_by_a_number_are_so_however_it_is_written() {
    let map = format!("{MAP}only: {{phase: [1]}}\n");
    let row = |trial: usize, phase: &str| {
        format!(
            "{{\"subject\":\"a\",\"session\":1,\"trial_index\":{trial},\"stimulus\":0,\"left\":1,\"right\":0,\"phase\":{phase}}}\n"
        )
    };
    let text = [row(1, "1"), row(2, "1.0"), row(3, "2"), row(4, "\"1\"")].concat();
    let scene = scene_with(&map, "d.jsonl", text.as_bytes());
    let (status, told) = import(&scene, "d.jsonl");
    assert!(status == 0 && told.contains("trials=3 other_rows=1"), "{told}");
}

#[test]
fn sessions_of_another_tree_than_the_configs_are_refused() {
    let scene = Scene::new(&[("pair.yaml", PAIR)]);
    let session = |who: &str, targets: &str, hash: &str| {
        format!(
            r#"[{{"trial_type": "mark-labels", "participant": "{who}", "day": 1, "trial": 1, "item": 0, "responses": [1, 0], "reaction_time": 1,
                 "targets": {targets}, "config_hash": "{hash}"}}]"#
        )
    };
    scene.write("a.json", session("a", "[1, 0]", "4f").as_bytes());
    scene.write("b.json", session("b", "[1, 0]", "5e").as_bytes());
    scene.write("other.json", session("c", "[0, 1]", "4f").as_bytes());
    let (status, _, told) = scene.human("import a.json other.json --config pair.yaml --out people");
    assert!(status == 1 && told.contains("other.json") && told.contains("row 1"), "{told}");
    assert!(told.contains("item 0 had the labels 0 1 when it was learned and has 1 0"), "{told}");
    let (status, _, told) = scene.human("import a.json b.json --config pair.yaml --out people");
    assert!(status == 0 && told.contains("2 versions of the task"), "{told}");
    let (_, _, told) = scene.human("import a.json --config pair.yaml --out alone");
    assert!(!told.contains("versions of the task"), "{told}");
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
        (format!("{MAP}labels: [left, right]\n"), "names none: write response_list"),
        (
            MAP.replace("responses: [left, right]", "response_list: all\nempty: missed"),
            "neither labels nor responses",
        ),
        (format!("{MAP}empty: nothing\n"), "nothing-marked"),
        (format!("{MAP}only: {{left: []}}\n"), "lets no row be a trial"),
        (format!("{MAP}exclude: {{missing: 0.1}}\n"), "missed"),
        (format!("{MAP}exclude: {{missed: 2}}\n"), "exclude.missed must be"),
        (format!("{MAP}exclude: {{duplicates: middle}}\n"), "first or last"),
    ] {
        let scene = scene_with(&map, "data.csv", data.as_bytes());
        let (status, told) = import(&scene, "data.csv");
        assert!(status != 0 && told.contains(words), "{words}: {told}");
    }
}
