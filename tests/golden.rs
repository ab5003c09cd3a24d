//! Records of quick runs, held to those of the program before its rooms were moved.
//!
//! The fixture holds a few conditions of each study that needs no images: what their first seed's record and theory say, cut to
//! five moments, and what the study claims. Another processor differs in the last digits, so numbers are held within a
//! tolerance; everything between the numbers, keys, their order, words, is held to the byte.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ocs::record::RunFolder;

use crate::quick_runs;

const FIXTURE: &str = "tests/data/golden.txt.gz";
/// Without images, and quick.
const STEMS: [&str; 7] = [
    "ocs_linear",
    "ocs_modes",
    "ocs_init_scale",
    "ocs_depth",
    "ocs_correlation",
    "ocs_frequencies",
    "ocs_loss",
];
/// Conditions of each.
const CONDITIONS: usize = 4;
/// Moments of each curve.
const MOMENTS: usize = 5;

/// Of numbers, and where they are near zero; sums of other processors differ by some 1e-12.
const TOLERANCE: (f64, f64) = (1e-6, 1e-9);

/// So many of `all`, evenly, the first and the last among them.
fn some_of<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    if all.len() <= most {
        return all.to_vec();
    }
    (0..most).map(|index| all[index * (all.len() - 1) / (most - 1)].clone()).collect()
}

/// A JSON text whose longer lists of numbers keep a few, without what differs between equal runs.
fn thinned(json: &str) -> String {
    let mut text = String::new();
    let mut rest = json;
    while let Some(start) = rest.find('[') {
        let (before, list) = rest.split_at(start + 1);
        text.push_str(before);
        let end = list.find([']', '[', '{', '"']).unwrap_or(list.len());
        let (numbers, after) = list.split_at(end);
        let numbers: Vec<&str> = numbers.split(',').collect();
        if after.starts_with(']') && numbers.len() > MOMENTS {
            text.push_str(&some_of(&numbers, MOMENTS).join(","));
        } else {
            text.push_str(&numbers.join(","));
        }
        rest = after;
    }
    text + rest
}

/// A line for each thing that is held.
fn lines_of(stem: &str, mut runs: RunFolder) -> Vec<String> {
    let line = |what: &str, json: String| format!("{stem} {what} {}", thinned(&json));
    let claims = quick_runs::claims(stem, &runs).unwrap();
    let mut lines: Vec<String> =
        claims.iter().map(|claim| line(&claim.id, serde_json::to_string(claim).unwrap())).collect();
    for record in &mut runs.records {
        record.wall_time = 0.0;
        record.revision = String::new();
        record.libtorch = String::new();
        record.threads = 1;
    }
    let mut conditions: Vec<&str> = runs.records.iter().map(|run| &*run.condition).collect();
    conditions.dedup();
    for condition in some_of(&conditions, CONDITIONS) {
        lines.push(line(condition, serde_json::to_string(runs.of(condition)[0]).unwrap()));
        if let Some(theory) = runs.theory_of(condition) {
            lines.push(line(condition, serde_json::to_string(theory).unwrap()));
        }
    }
    lines
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FIXTURE)
}

/// A text as numbers, and what stands between them. Numbers in words count too.
fn parts(text: &str) -> (Vec<f64>, Vec<&str>) {
    let (mut numbers, mut between) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let sign = usize::from(rest[..start].ends_with('-'));
        let (before, number) = rest.split_at(start - sign);
        let end = number
            .char_indices()
            .find(|&(at, c)| {
                let exponent = number[..at].ends_with('e') || number[at..].starts_with("e-");
                !(c.is_ascii_digit() || c == '.' || exponent || (c == '-' && at == 0))
            })
            .map_or(number.len(), |(at, _)| at);
        match number[..end].parse() {
            Ok(value) => numbers.push(value),
            // A version, a range: words.
            Err(_) => between.push(&number[..end]),
        }
        between.push(before);
        rest = &number[end..];
    }
    between.push(rest);
    (numbers, between)
}

/// Where two texts differ by more than the tolerance.
fn difference(old: &str, new: &str) -> Option<String> {
    let ((old_numbers, old_words), (new_numbers, new_words)) = (parts(old), parts(new));
    if let Some((old, new)) = old_words.iter().zip(&new_words).find(|(old, new)| old != new) {
        return Some(format!("'{old}' is '{new}' now"));
    }
    if old_words.len() != new_words.len() || old_numbers.len() != new_numbers.len() {
        return Some("one says more than the other".to_owned());
    }
    let (relative, absolute) = TOLERANCE;
    let differ = |(old, new): &(&f64, &f64)| {
        (*old - *new).abs() > absolute + relative * old.abs().max(new.abs())
    };
    let found = old_numbers.iter().zip(&new_numbers).find(differ);
    found.map(|(old, new)| format!("{old} is {new} now"))
}

/// A claim's measured numbers may be errors, whose own digits are those of rounding.
fn is_claim(line: &str) -> bool {
    line.contains("\"criterion\"")
}

#[test]
fn quick_records_are_those_of_before() {
    let mut old = String::new();
    GzDecoder::new(std::fs::File::open(fixture()).unwrap()).read_to_string(&mut old).unwrap();
    let new: Vec<String> =
        STEMS.iter().flat_map(|stem| lines_of(stem, quick_runs::of_study(stem).clone())).collect();
    assert_eq!(old.lines().count(), new.len());
    for (old, new) in old.lines().zip(&new) {
        let name: Vec<&str> = old.split(' ').take(2).collect();
        if is_claim(old) {
            let words = |line: &str| -> Vec<String> {
                ["sentence", "criterion", "verdict", "control"]
                    .map(|key| {
                        let value: serde_json::Value =
                            serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
                        value[key].to_string()
                    })
                    .to_vec()
            };
            assert_eq!(words(old), words(new), "{name:?}");
        } else if let Some(difference) = difference(old, new) {
            panic!("{name:?}: {difference}");
        }
    }
}

#[test]
fn a_number_a_key_or_their_order_that_changes_is_noticed() {
    let old = r#"a b {"x":[0.1,-2e-7,null],"y":3}"#;
    assert_eq!(difference(old, old), None);
    assert_eq!(difference(old, &old.replace("0.1", "0.10000000001")), None);
    for (from, to) in
        [("0.1", "0.100001"), ("-2e-7", "-3e-7"), ("null", "0"), ("3", "4"), ("\"y\"", "\"z\"")]
    {
        assert!(difference(old, &old.replace(from, to)).is_some(), "{from} to {to}");
    }
    assert!(difference(old, r#"a b {"y":3,"x":[0.1,-2e-7,null]}"#).is_some());
    assert_eq!(
        thinned("{\"a\":[1,2,3,4,5,6,7,8,9],\"b\":[[1],[2,3]]}"),
        "{\"a\":[1,3,5,7,9],\"b\":[[1],[2,3]]}"
    );
}

/// After a change that means to change records: `OCS_GOLDEN=RUNS cargo test --release -- --ignored fixture_of_golden`, with
/// RUNS the folder `runs/quick` that `ocs reproduce --quick` left.
#[test]
#[ignore = "writes the fixture from the runs that OCS_GOLDEN names"]
fn the_fixture_of_golden_records_is_written() {
    let Some(runs) = std::env::var_os("OCS_GOLDEN") else { return };
    let read = |stem: &str| RunFolder::read(&Path::new(&runs).join(stem)).unwrap();
    let lines: Vec<String> = STEMS.iter().flat_map(|stem| lines_of(stem, read(stem))).collect();
    let file = std::fs::File::create(fixture()).unwrap();
    let mut encoder = GzEncoder::new(file, Compression::best());
    encoder.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    encoder.finish().unwrap();
}
