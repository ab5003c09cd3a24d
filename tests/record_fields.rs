use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocs::config::{self, Config};
use ocs::derived::Derived;
use ocs::metrics::Phase;
use ocs::record::{
    Algorithms, CellRecord, CoresRecord, FailureRecord, PhaseAt, ProgramRecord, ReachRecord,
    ReachVerdict, Record, Status, StretchRecord, VerifiedRecord, path_of, read_checked,
};
use ocs::sweep::{Tasks, gram_of, theory_of, train_all};
use serde_json::{Map, Value, json};

use crate::reproducible_runs::options;

/// A row of the page.
struct Row {
    kind: String,
    axes: Vec<String>,
    missing: String,
}

/// Rows by section and field.
type Page = BTreeMap<String, BTreeMap<String, Row>>;

fn page() -> Page {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/records.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut page, mut section) = (Page::new(), String::new());
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
            section = title.to_owned();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, field, holds, missing, what, _] = cells[..] else { continue };
        let Some(field) = field.strip_prefix('`').and_then(|field| field.strip_suffix('`')) else {
            continue;
        };
        assert!(!what.is_empty(), "{field} says nothing");
        let first = holds.find(['[', '{']).unwrap_or(holds.len());
        let (kind, axes) = holds.split_at(first);
        let axes = axes.split_inclusive([']', '}']).map(str::to_owned).collect();
        let row = Row { kind: kind.trim().to_owned(), axes, missing: missing.to_owned() };
        let twice = page.entry(section.clone()).or_default().insert(field.to_owned(), row);
        assert!(twice.is_none(), "{section}: {field} is there twice");
    }
    page
}

/// Holds objects to the page.
struct Holder {
    page: Page,
    /// Sections and fields that some object had, not null.
    seen: BTreeSet<(String, String)>,
    /// Sizes of axes of the file at hand.
    sizes: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

/// Axes that have one size throughout a file.
const FIXED: [&str; 4] = ["label", "level", "item", "layer"];

impl Holder {
    fn file(&mut self, section: &str, value: &Value) {
        self.sizes.clear();
        self.object(section, value);
    }

    fn object(&mut self, section: &str, value: &Value) {
        let Some(object) = value.as_object() else {
            self.wrong.push(format!("{section} is no object: {value}"));
            return;
        };
        let Some(fields) = self.page.get(section) else {
            self.wrong.push(format!("no section {section}"));
            return;
        };
        let missing = fields.iter().filter(|(field, row)| {
            !object.contains_key(*field) && !row.missing.starts_with("absent")
        });
        let missing: Vec<String> =
            missing.map(|(field, _)| format!("{section}.{field} is absent")).collect();
        self.wrong.extend(missing);
        for (field, value) in object {
            self.field(section, field, value, object);
        }
    }

    fn field(&mut self, section: &str, field: &str, value: &Value, around: &Map<String, Value>) {
        let Some(Row { kind, axes, missing }) =
            self.page.get(section).and_then(|fields| fields.get(field))
        else {
            self.wrong.push(format!("{section}.{field} is not on the page"));
            return;
        };
        let (kind, axes, may_be_null) = (kind.clone(), axes.clone(), missing.contains("null"));
        if !value.is_null() {
            self.seen.insert((section.to_owned(), field.to_owned()));
        }
        let moments = |name: &str| around.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        let scope = [("time", moments("time")), ("moment", moments("step"))];
        self.value(&format!("{section}.{field}"), value, (&kind, &axes), may_be_null, scope);
    }

    fn value(
        &mut self,
        name: &str,
        value: &Value,
        (kind, axes): (&str, &[String]),
        may_be_null: bool,
        scope: [(&str, usize); 2],
    ) {
        if value.is_null() && kind != "any" {
            if !may_be_null {
                self.wrong.push(format!("{name} is null"));
            }
            return;
        }
        let Some((axis, inner)) = axes.split_first() else { return self.leaf(name, value, kind) };
        let values: Vec<&Value> = match value {
            Value::Array(values) if axis.starts_with('[') => values.iter().collect(),
            Value::Object(values) if axis.starts_with('{') => values.values().collect(),
            _ => return self.wrong.push(format!("{name} has not the axis {axis}")),
        };
        let axis = axis.trim_matches(['[', ']', '{', '}']);
        // What is empty is of a theory, or of a task without a tree.
        let expected = scope.iter().find(|(of, _)| *of == axis).map(|(_, size)| *size);
        let expected = expected.or_else(|| {
            let is_fixed = FIXED.contains(&axis) && !values.is_empty();
            is_fixed.then(|| *self.sizes.entry(axis.to_owned()).or_insert(values.len()))
        });
        if expected.is_some_and(|expected| values.len() != expected && !values.is_empty()) {
            self.wrong.push(format!("{name} has {} along {axis}, not {expected:?}", values.len()));
        }
        for value in values {
            self.value(name, value, (kind, inner), may_be_null, scope);
        }
    }

    fn leaf(&mut self, name: &str, value: &Value, kind: &str) {
        let fits = match kind {
            "number" => value.is_number(),
            "integer" => value.is_u64(),
            "text" => value.is_string(),
            "true or false" => value.is_boolean(),
            "any" => true,
            "Status" => match value.get("diverged") {
                Some(diverged) => {
                    self.object("Diverged", diverged);
                    true
                }
                None => value.is_string(),
            },
            structure => {
                self.object(structure, value);
                true
            }
        };
        if !fits {
            self.wrong.push(format!("{name} is no {kind}: {value}"));
        }
    }

    /// Fields of the page that no file had.
    fn unseen(&self) -> Vec<String> {
        let all = self.page.iter().flat_map(|(section, fields)| {
            fields.keys().map(move |field| (section.clone(), field.clone()))
        });
        let unseen = all.filter(|place| !self.seen.contains(place));
        unseen.map(|(section, field)| format!("{section}.{field}")).collect()
    }
}

fn parsed(text: &str) -> Config {
    config::parse(text, "test", &[]).unwrap()
}

fn trained(text: &str) -> Record {
    let folder = tempfile::tempdir().unwrap();
    train_all(&parsed(text), &options(folder.path()), &|_| ()).unwrap();
    read_checked(&path_of(folder.path(), "default", 0)).unwrap()
}

const IMAGES: &str = "name: test
task: {inputs: glyphs, samples: {train: 24, test: 16}, branching: [2, 2], classes: [3, 1, 4, 5]}
network: {kind: mlp, hidden: [6], bias: output}
training: {steps: 8, learning_rate: 0.01, observations: 5, checkpoints: log}
kernel: {samples: 24, times: 3}
probes: [layer-spectra]
record: {responses: each-sample}
seeds: [0]";
const PHASES: &str = "name: test
training: {steps: 20, observations: 5}
phases: [{}, {task.permutation: [1, 0, 2, 3, 4, 5, 6, 7]}]
seeds: [0]";

/// A map that is reached.
fn whole() -> ReachRecord {
    ReachRecord {
        verdict: ReachVerdict::Whole,
        lambda: 0.0,
        reached: vec![1.0],
        unreached: Vec::new(),
        excess_loss: 0.0,
    }
}

/// A record in which everything is that may be absent.
fn fullest(mut record: Record) -> Record {
    record.cell = Some(CellRecord {
        condition: Some("none".to_owned()),
        values: serde_json::from_value(json!({"training.learning_rate": 0.1})).unwrap(),
    });
    record.algorithms = Some(Algorithms::Fast);
    record.cores = Some(CoresRecord { count: 2, origin: "affinity mask".to_owned() });
    record.stack = 3;
    record.dataset.as_mut().unwrap().classes = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    record.extended_at = vec![4];
    let (revision, libtorch) = (record.revision.clone(), record.libtorch.clone());
    record.programs =
        vec![ProgramRecord { from_step: 0, revision, libtorch, threads: 1, stack: 3 }];
    record.status = Status::Diverged { step: 8, last_finite_loss: 1.5 };
    let phase = Phase::between(Some(0.1), Some(0.4));
    record.phase = phase.clone();
    record.stretches = vec![StretchRecord {
        label: "first".to_owned(),
        first_step: 0,
        start_time: 0.0,
        ocs: record.ocs.clone(),
        target_variance: 1.0,
        phase: phase.clone(),
        phase_sensitivity: vec![PhaseAt { threshold: 0.2, phase }],
    }];
    record.reach = vec![whole()];
    record
}

#[test]
fn the_page_has_every_field_of_every_file_and_no_other() {
    let mut holder =
        Holder { page: page(), seen: BTreeSet::new(), sizes: BTreeMap::new(), wrong: Vec::new() };
    let images = trained(IMAGES);
    for record in [trained(PHASES), fullest(images.clone()), images] {
        holder.file("SEED.json", &serde_json::to_value(record).unwrap());
    }
    let mut tasks = Tasks::keeping(Path::new("unused"), &Derived::nowhere());
    let linear =
        parsed("network: {bias: none}\nprobes: [representations]\ntraining: {observations: 5}");
    let phases = parsed(&PHASES.replace("name: test", "network: {bias: none}"));
    for config in [linear, phases] {
        let mut theory = theory_of("default", &config, None, &mut tasks).unwrap();
        theory.verified = Some(VerifiedRecord { until: 1.0, moments: 3, difference: 0.0 });
        theory.reach = vec![whole()];
        holder.file("theory.json", &serde_json::to_value(theory).unwrap());
    }
    let raw = parsed(
        "task: {inputs: glyphs, samples: {train: 24, test: 16}}\nnetwork: {kind: mlp, hidden: [4]}",
    );
    let gram = gram_of("default", &raw, &mut tasks).unwrap();
    holder.file("gram.json", &serde_json::to_value(gram).unwrap());
    let failure = FailureRecord {
        record: Some("ab".to_owned()),
        ..FailureRecord::now("it failed".to_owned())
    };
    holder.file("SEED.failed.json", &serde_json::to_value(failure).unwrap());
    assert!(holder.wrong.is_empty(), "docs/records.md: {:#?}", holder.wrong);
    assert_eq!(holder.unseen(), Vec::<String>::new(), "docs/records.md has what no file has");
}

#[test]
fn a_page_that_is_wrong_would_be_noticed() {
    let record = serde_json::to_value(trained(PHASES)).unwrap();
    let wrong = |change: &dyn Fn(&mut Page)| {
        let mut page = page();
        change(&mut page);
        let mut holder =
            Holder { page, seen: BTreeSet::new(), sizes: BTreeMap::new(), wrong: Vec::new() };
        holder.file("SEED.json", &record);
        holder.wrong
    };
    assert_eq!(wrong(&|_| ()), Vec::<String>::new());
    let of = |page: &mut Page, section: &str, field: &str, change: &dyn Fn(&mut Row)| {
        change(page.get_mut(section).unwrap().get_mut(field).unwrap());
    };
    let none = wrong(&|page| drop(page.get_mut("Curves").unwrap().remove("loss")));
    assert!(none[0].contains("Curves.loss is not on the page"), "{none:?}");
    let kind = wrong(&|page| of(page, "SEED.json", "seed", &|row| row.kind = "text".to_owned()));
    assert!(kind[0].contains("SEED.json.seed is no text"), "{kind:?}");
    let axes = wrong(&|page| of(page, "Curves", "mean_response", &|row| row.axes.reverse()));
    assert!(axes[0].contains("Curves.mean_response has"), "{axes:?}");
    let null =
        wrong(&|page| of(page, "SEED.json", "dataset", &|row| row.missing = "never".to_owned()));
    assert!(null[0].contains("SEED.json.dataset is null"), "{null:?}");
}
