use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use ocs::metrics::Curves;
use ocs::record::{GramRecord, Record, RunFolder, TheoryRecord};
use ocs::studies;
use serde::{Deserialize, Serialize};

/// Studies on images, whose data sets tests do not have, and one whose runs take longer than tests may.
const STEMS: [&str; 9] = [
    "ocs_gram",
    "ocs_kernel",
    "ocs_mnist",
    "ocs_cifar10",
    "ocs_architectures",
    "ocs_classes",
    "early_linear",
    "pc_bias",
    "pc_bias_images",
];

/// What claims read of a quick run's folder.
#[derive(Serialize, Deserialize)]
struct Kept {
    records: Vec<Record>,
    theories: Vec<TheoryRecord>,
    grams: Vec<GramRecord>,
}

fn path(stem: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/claims");
    tests.join(stem).with_extension("json.gz")
}

/// The records that are kept of a study; `None` of one that tests can train.
pub fn read(stem: &str) -> Option<RunFolder> {
    STEMS.contains(&stem).then(|| {
        let file = File::open(path(stem)).unwrap();
        let Kept { records, theories, grams } =
            serde_json::from_reader(GzDecoder::new(file)).unwrap();
        RunFolder { records, theories, grams }
    })
}

/// To so many significant digits.
fn round(value: &mut f64, digits: usize) {
    *value = format!("{value:.*e}", digits - 1).parse().unwrap();
}

/// What claims read of curves: of every item's responses, every fifth moment to four digits; else `M`, `V` and `D_ocs`.
fn thin(curves: &Curves, responses: bool) -> Curves {
    if responses {
        let time = curves.time.iter().step_by(5).copied().collect();
        let mut items = curves.item_responses.clone().unwrap();
        for row in items.iter_mut().flatten() {
            *row = row.iter().step_by(5).copied().collect();
            row.iter_mut().for_each(|response| round(response, 4));
        }
        return Curves { time, item_responses: Some(items), ..Curves::default() };
    }
    let mut thin = Curves {
        time: curves.time.clone(),
        mean_output_error: curves.mean_output_error.clone(),
        input_dependence: curves.input_dependence.clone(),
        distance_to_ocs: curves.distance_to_ocs.clone(),
        ..Curves::default()
    };
    let of_network =
        [&mut thin.mean_output_error, &mut thin.input_dependence, &mut thin.distance_to_ocs];
    of_network.into_iter().flatten().for_each(|value| round(value, 8));
    thin
}

/// What claims and figure read of `pc_bias`: maps of the networks whose spread is told, distances where half times are, and extremes of
/// errors.
fn thin_components(run: &mut Record) {
    let curves = std::mem::take(&mut run.curves);
    run.curves =
        Curves { step: curves.step, time: curves.time, loss: curves.loss, ..Curves::default() };
    run.curves.loss.iter_mut().for_each(|value| round(value, 5));
    run.training_curves = None;
    let condition = run.condition.clone();
    let has_half_times = ["raw", "white", "small-start"].contains(&&*condition);
    run.series.retain(|name, _| match name.as_str() {
        "component_map" => condition == "two-512" || condition.starts_with("three"),
        "component_distances" => has_half_times,
        "wide_distances" => condition == "raw",
        "component_half_times" => false,
        _ => true,
    });
    for (name, series) in &mut run.series {
        if name == "component_map" && condition != "two-512" {
            series.truncate_after(0);
        }
        series.values.iter_mut().flatten().for_each(|value| round(value, 4));
    }
}

fn thinned(stem: &str, runs: RunFolder) -> Kept {
    let RunFolder { mut records, mut theories, mut grams } = runs;
    let responses = stem == "ocs_classes";
    // Whose claims read other models along the way.
    let has_twins = stem == "early_linear";
    if stem == "pc_bias" {
        records.iter_mut().for_each(thin_components);
        theories.clear();
    }
    for run in records.iter_mut().filter(|_| stem != "pc_bias") {
        let on_training_set = run.training_curves.is_some();
        run.curves = match (responses && !on_training_set) || has_twins {
            true => thin(&run.curves, responses),
            false => Curves::default(),
        };
        for series in run.series.values_mut().filter(|_| has_twins) {
            series.values.iter_mut().flatten().for_each(|value| round(value, 8));
        }
        if has_twins {
            run.training_curves = run.training_curves.take().filter(|_| run.kernel.is_some());
            run.training_curves = run.training_curves.as_ref().map(|curves| thin(curves, false));
            continue;
        }
        run.training_curves = run.training_curves.as_ref().map(|curves| thin(curves, responses));
        if let Some(lazy) = run.kernel.as_mut().and_then(|kernel| kernel.lazy.as_mut()) {
            lazy.time.clear();
            lazy.mean_output_error.clear();
            lazy.input_dependence.clear();
        }
    }
    for theory in &mut theories {
        theory.curves = match responses {
            true => thin(&theory.curves, true),
            false => Curves::default(),
        };
    }
    grams.iter_mut().for_each(|gram| gram.eigenvalues.truncate(2));
    Kept { records, theories, grams }
}

#[test]
#[ignore = "writes tests/data/claims anew: OCS_RUNS=runs/quick cargo test --release -- --ignored records_are_kept"]
fn records_are_kept_from_quick_runs_and_decide_the_same() {
    // The folder of runs that `ocs reproduce --quick` left.
    let Some(folder) = std::env::var_os("OCS_RUNS") else { return };
    let folder = Path::new(&folder);
    for stem in STEMS.into_iter().filter(|stem| folder.join(stem).exists()) {
        let runs = RunFolder::read(&folder.join(stem)).unwrap().distinct();
        let study = studies::find(stem).unwrap();
        let verdicts = |runs: &RunFolder| -> Vec<_> {
            let claims = study.decide(runs).unwrap();
            claims.into_iter().map(|claim| (claim.id, claim.verdict)).collect()
        };
        let whole = verdicts(&runs);
        let kept = thinned(stem, runs);
        std::fs::create_dir_all(path(stem).parent().unwrap()).unwrap();
        let file = GzEncoder::new(File::create(path(stem)).unwrap(), Compression::best());
        serde_json::to_writer(file, &kept).unwrap();
        assert_eq!(verdicts(&read(stem).unwrap()), whole, "{stem}");
    }
}
