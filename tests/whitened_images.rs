//! Principal components of the training inputs: whitened images, projected inputs, random labels, and what is watched through them.

use std::path::Path;
use std::sync::LazyLock;

use ndarray::{Array2, Axis};
use ocs::config::{self, Config, Inputs, Labels, RandomLabels};
use ocs::data::{self, Dataset};
use ocs::metrics::Right;
use ocs::record::{Record, path_of, read_checked};
use ocs::sweep::train_all;
use ocs::task::{Task, TaskInputs};
use ocs::theory::critical_components;

use crate::checkpoints::{eager, interrupted, resumed, trained_on};

static GLYPHS: LazyLock<Dataset> =
    LazyLock::new(|| data::load(Inputs::Glyphs, Path::new("unused")).unwrap());

const IMAGES: &str = "name: test
task: {inputs: glyphs, branching: [2, 2], samples: {train: 300, test: 60}}
network: {kind: mlp, hidden: [6]}
training: {steps: 24, batch_size: 20, learning_rate: 0.02, observations: 8}
seeds: [0, 1]";
const VECTORS: &str = "name: test
task: {inputs: gaussian, gaussian: {dimension: 5, count: 60, held_out: 25, mirrored: false, whitened: false, spread: [2, 1, 3, 0.5, 1.5]}, targets: sign}
network: {kind: mlp, hidden: [6]}
training: {steps: 24, learning_rate: 0.02, observations: 8}
seeds: [0, 1]";

fn parsed(text: &str, keys: &[&str]) -> anyhow::Result<Config> {
    let keys: Vec<config::Override> = keys.iter().map(|key| key.parse().unwrap()).collect();
    config::parse(text, "test", &keys)
}

fn config(text: &str, keys: &[&str]) -> Config {
    parsed(text, keys).unwrap()
}

fn task(text: &str, keys: &[&str]) -> Task {
    let config = config(text, keys);
    let dataset = config.task.inputs.are_images().then_some(&*GLYPHS);
    Task::of(&config, dataset).unwrap()
}

/// Inputs of the training set, and of the evaluation set.
fn inputs(task: &Task) -> [Array2<f64>; 2] {
    match &task.inputs {
        TaskInputs::Images { train, test, preprocessor } => [train, test].map(|images| {
            let n = images.n_samples();
            let values = preprocessor.inputs(images, 0..n);
            Array2::from_shape_vec((n, values.len() / n), values).unwrap()
        }),
        TaskInputs::Vectors(all) => {
            let n = task.n_samples();
            [0..n, n..all.nrows()].map(|rows| all.slice(ndarray::s![rows, ..]).to_owned())
        }
    }
}

fn furthest(one: &Array2<f64>, other: &Array2<f64>) -> f64 {
    (one - other).iter().fold(0.0, |most, value| value.abs().max(most))
}

fn covariance(inputs: &Array2<f64>) -> Array2<f64> {
    let centred = inputs - &inputs.mean_axis(Axis(0)).unwrap();
    centred.t().dot(&centred) / inputs.nrows() as f64
}

const EXACT: &str = "task.whitening.ridge=0";

#[test]
fn whitened_training_images_have_variance_one_along_every_component_and_none_beyond() {
    for kind in ["zca-whitened", "pca-whitened"] {
        let task = task(IMAGES, &[&format!("task.preprocessing={kind}"), EXACT]);
        let [white, _] = inputs(&task);
        let components = task.components.as_ref().unwrap();
        assert!(components.count() > 50 && components.count() < 300);
        let along = components.directions.dot(&covariance(&white)).dot(&components.directions.t());
        assert!(furthest(&along, &Array2::eye(components.count())) < 1e-6, "{kind}");
        let total: f64 = covariance(&white).diag().sum();
        assert!((total - components.count() as f64).abs() < 1e-6, "{kind}: {total}");
    }
    // A ridge leaves less of what hardly varies, in the order of what varies.
    let task = task(IMAGES, &["task.preprocessing=pca-whitened", "task.whitening.ridge=0.5"]);
    let variances = covariance(&inputs(&task)[0]).diag().to_vec();
    assert!(variances.windows(2).all(|pair| pair[0] >= pair[1] - 1e-12));
    assert!(variances[0] > 0.9 && variances[0] < 1.0 && variances[100] < 0.5);
}

#[test]
fn zca_is_a_symmetric_map_and_its_images_the_white_ones_nearest_to_centred_ones() {
    let centred = inputs(&task(IMAGES, &["task.preprocessing=pixel-centred"]));
    let of = |kind: &str| inputs(&task(IMAGES, &[&format!("task.preprocessing={kind}"), EXACT]));
    let (zca, pca) = (of("zca-whitened"), of("pca-whitened"));
    // x' = W x: what image i becomes, seen along image j, is what j becomes along i.
    let along = zca[0].dot(&centred[0].t());
    assert!(furthest(&along, &along.t().to_owned()) < 1e-8);
    let far = |white: &Array2<f64>| (white - &centred[0]).mapv(|value| value * value).sum();
    assert!(far(&zca[0]) < far(&pca[0]));
    // Any rotation of white images is white, and further: here one of two components.
    let components = task(IMAGES, &["task.preprocessing=zca-whitened", EXACT]).components.unwrap();
    let (one, other) = (components.directions.row(0), components.directions.row(1));
    let mut turned = zca[0].clone();
    for (mut image, white) in turned.rows_mut().into_iter().zip(zca[0].rows()) {
        let (a, b) = (white.dot(&one), white.dot(&other));
        let (sine, cosine) = 0.3f64.sin_cos();
        image.scaled_add(cosine * a - sine * b - a, &one);
        image.scaled_add(sine * a + cosine * b - b, &other);
    }
    assert!(far(&zca[0]) < far(&turned));
    // Evaluation images go through the same map: turned back into components they are the others'.
    let scores = zca[1].dot(&components.directions.t());
    let columns = ndarray::s![.., ..components.count()];
    assert!(furthest(&scores, &pca[1].slice(columns).to_owned()) < 1e-6);
}

#[test]
fn a_projection_on_all_components_changes_no_training_input_and_one_on_some_changes_nothing_twice()
{
    for (text, keys, all) in [
        (IMAGES, vec!["task.preprocessing=raw"], 0),
        (IMAGES, vec!["task.preprocessing=channel-standardised"], 0),
        (VECTORS, vec![], 5),
    ] {
        let with = |key: &str| task(text, &[&keys[..], &[key]].concat());
        let whole = with("projections=[1]");
        let components = whole.components.clone().unwrap();
        assert!(all == 0 || components.count() == all);
        let projected = |count: usize| with(&format!("task.projection.components={count}"));
        let same = projected(components.count());
        assert!(furthest(&inputs(&same)[0], &inputs(&whole)[0]) < 1e-9, "{keys:?}");
        assert_eq!(same.targets, whole.targets);
        let few = projected(3);
        for (few, whole) in inputs(&few).into_iter().zip(inputs(&whole)) {
            let kept = components.first(3, "x").unwrap();
            assert!(furthest(&few, &kept.projected(&whole)) < 1e-9);
            assert!(furthest(&few, &kept.projected(&few)) < 1e-9);
        }
        // The mean stays, and so does the variance along what is kept.
        let [few, whole] = [&few, &whole].map(|task| inputs(task)[0].clone());
        let mean = |inputs: &Array2<f64>| inputs.mean_axis(Axis(0)).unwrap().insert_axis(Axis(0));
        assert!(furthest(&mean(&few), &mean(&whole)) < 1e-9);
        let left = covariance(&few).diag().sum();
        assert!((left - components.variances.slice(ndarray::s![..3]).sum()).abs() < 1e-8);
    }
}

#[test]
fn components_of_uncorrelated_vectors_are_their_axes_in_the_order_of_variances() {
    let keys = ["task.gaussian.whitened=true", "task.gaussian.spread=[1, 2, 1, 3, 2]"];
    let task = task(VECTORS, &[&keys[..], &["projections=[2]"]].concat());
    // Exactly white about 0, not about the mean of the draws: nearly the axes.
    let directions = &task.components.as_ref().unwrap().directions;
    assert!(directions[[0, 3]] > 0.95, "{directions}");
    let columns = Array2::from_shape_fn((40, 3), |(row, column)| {
        let sign = if (row >> column) % 2 == 0 { 1.0 } else { -1.0 };
        if row < 8 { sign * [1.0, 2.0, 2.0][column] } else { 0.0 }
    });
    let rows = ocs::task::Rows {
        count: 8,
        n_inputs: 3,
        of: &|range| columns.slice(ndarray::s![range, ..]).to_owned(),
    };
    let components = ocs::task::Components::of(&rows).unwrap();
    assert_eq!(components.directions, ndarray::array![[0., 1., 0.], [0., 0., 1.], [1., 0., 0.]]);
    for (found, variance) in components.variances.iter().zip([4.0, 4.0, 1.0]) {
        assert!((found - variance).abs() < 1e-12);
    }
}

/// How many samples each item has.
fn counts(items: &[usize], n_items: usize) -> Vec<usize> {
    (0..n_items).map(|item| items.iter().filter(|&&other| other == item).count()).collect()
}

#[test]
fn random_labels_keep_frequencies_and_evaluation_samples_their_own() {
    let keys = ["task.frequencies=[4, 2, 2, 1]", "task.samples.train=180"];
    let own = task(IMAGES, &keys);
    let shuffled = |key: &str| task(IMAGES, &[&keys[..], &[key]].concat());
    let random = shuffled("task.labels=random");
    let items = |task: &Task| task.training_items();
    assert_ne!(items(&own), items(&random));
    assert_eq!(counts(&items(&own), 4), counts(&items(&random), 4));
    assert_eq!(own.evaluation_items(), random.evaluation_items());
    assert_eq!((own.ocs(), inputs(&own)), (random.ocs(), inputs(&random)));
    assert_ne!(items(&random), items(&shuffled("task.labels.random.seed=1")));
    // Of a share of samples, and of none.
    let half = shuffled("task.labels={random: {share: 0.5}}");
    let changed =
        items(&own).iter().zip(items(&half)).filter(|(one, other)| **one != *other).count();
    assert!((20..=90).contains(&changed), "{changed}");
    assert_eq!(items(&own), items(&shuffled("task.labels={random: {share: 0}}")));
    let Some(Labels::Random(RandomLabels { seed, share })) =
        config(IMAGES, &["task.labels=random"]).task.labels
    else {
        panic!("labels");
    };
    assert_eq!((seed, share), (0, 1.0));
    // Vectors: targets of those that are learned change places, and those held out keep theirs.
    let (own, random) = (task(VECTORS, &[]), task(VECTORS, &["task.labels=random"]));
    let learned = |task: &Task| task.targets.slice(ndarray::s![..60, 0]).to_vec();
    let sorted = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values
    };
    assert_ne!(learned(&own), learned(&random));
    assert_eq!(sorted(learned(&own)), sorted(learned(&random)));
    assert_eq!(
        own.targets.slice(ndarray::s![60.., ..]),
        random.targets.slice(ndarray::s![60.., ..])
    );
}

#[test]
fn a_critical_component_is_the_first_from_which_on_regressions_are_right() {
    let task = task(VECTORS, &["projections=[5]"]);
    let [learned, judged] = inputs(&task);
    let components = task.components.as_ref().unwrap();
    let y = task.targets.slice(ndarray::s![..60, 0]).to_owned();
    let truth: Vec<f64> = task.targets.slice(ndarray::s![60.., 0]).to_vec();
    // Least squares with a constant, by normal equations that are solved anew for each number of components.
    let answers = |count: usize| -> Vec<f64> {
        let features = |inputs: &Array2<f64>| {
            let scores = components.scores(inputs);
            let mut all = Array2::ones((inputs.nrows(), count + 1));
            all.slice_mut(ndarray::s![.., 1..]).assign(&scores.slice(ndarray::s![.., ..count]));
            all
        };
        let x = features(&learned);
        let inverse = ocs::decompositions::inverse(&x.t().dot(&x));
        let weights: ndarray::Array1<f64> = inverse.dot(&x.t().dot(&y));
        features(&judged).dot(&weights).to_vec()
    };
    let right: Vec<Vec<bool>> = (1..=5)
        .map(|count| {
            let sides = answers(count).into_iter().zip(&truth);
            sides.map(|(answer, truth)| (answer >= 0.0) == (*truth >= 0.0)).collect()
        })
        .collect();
    let rule = Right::by_sides(truth.iter().copied(), 0.0);
    let found = critical_components(&task, 5, |responses| rule.of(responses.view())).unwrap();
    for (sample, found) in found.iter().enumerate() {
        let wrong = (1..=5).rev().find(|count| !right[count - 1][sample]);
        assert_eq!(*found, wrong.unwrap_or(0) + 1, "sample {sample}");
    }
    assert!(found.contains(&1) && found.iter().any(|c| *c > 2));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_remedy() {
    let cnn = ["network.kind=cnn", "network.hidden=[4]", "task.preprocessing=pca-whitened"];
    for (text, keys, words) in [
        (IMAGES, &cnn[..], &["pca-whitened", "cnn", "zca-whitened"][..]),
        (IMAGES, &["task.whitening.ridge=0.1"], &["task.whitening", "zca-whitened"]),
        (IMAGES, &["task.preprocessing=zca-whitened", "task.whitening.ridge=-1"], &["ridge"]),
        (IMAGES, &["task.projection.components=0"], &["at least 1", "task.projection"][1..]),
        (IMAGES, &["projections=[3, 2]"], &["projections", "increasing"]),
        (IMAGES, &["projections=[0, 2]"], &["projections", "from 1 on"]),
        (IMAGES, &["task.labels={random: {share: 2}}"], &["share", "0 to 1"]),
        (IMAGES, &["task.preprocessing=whitened"], &["zca-whitened"]),
        (IMAGES, &["probes=[examples]", "task.target_scale.contrasts=2"], &["target_scale"]),
        (VECTORS, &["task.preprocessing=zca-whitened"], &["gaussian", "task.gaussian.whitened"]),
        (VECTORS, &["probes=[examples]", "task.targets=linear"], &["examples", "sign"]),
        (VECTORS, &["projections=[1]", "task.targets=linear"], &["projections", "sign"]),
        ("name: x", &["task.labels=random"], &["task.permutation"]),
        ("name: x", &["task.projection.components=2"], &["gaussian"]),
        (
            "name: x\ntask: {inputs: gaussian, targets: sign, labels: random}",
            &[],
            &["task.gaussian.mirrored"],
        ),
    ] {
        let error = parsed(text, keys).map(|_| ()).unwrap_err();
        let told = format!("{error:#}");
        assert!(words.iter().all(|word| told.contains(word)), "{keys:?}: {told}");
    }
}

/// Those that the config tells when it is read, and those that data tell when they are looked at.
#[test]
fn more_components_than_there_are_are_refused() {
    for (text, keys) in [
        (VECTORS, &["task.projection.components=6"][..]),
        (VECTORS, &["projections=[6]"]),
        (VECTORS, &["projections=[1, 3]", "task.projection.components=2"]),
        (IMAGES, &["task.projection.components=40", "task.samples.train=40"]),
        (IMAGES, &["projections=[40]", "task.samples.train=40"]),
    ] {
        let told = format!("{:#}", parsed(text, keys).map(|_| ()).unwrap_err());
        assert!(told.contains("ask for no more"), "{keys:?}: {told}");
        assert!(told.contains("projection"), "{keys:?}: {told}");
    }
    // Most pixels of small images never vary.
    let config = config(IMAGES, &["task.projection.components=800", "task.samples.train=900"]);
    let folder = tempfile::tempdir().unwrap();
    let error = train_all(&config, &eager(folder.path()), &|_| ()).unwrap_err();
    let told = format!("{error:#}");
    assert!(
        told.contains("task.projection.components") && told.contains("ask for no more"),
        "{told}"
    );
}

fn record(folder: &Path, seed: u64) -> Record {
    read_checked(&path_of(folder, "default", seed)).unwrap()
}

/// Keys of images that everything is watched of.
const WATCHED: [&str; 4] = [
    "probes=[examples]",
    "projections=[1, 4, 20]",
    "task.labels={random: {share: 0.5}}",
    "task.preprocessing=zca-whitened",
];

#[test]
fn examples_are_those_that_accuracy_counts_and_accessibility_is_their_mean() {
    for network in
        ["kind: mlp, hidden: [6]", "kind: linear, hidden: [], initialisation: {normal: {std: 0.1}}"]
    {
        let folder = tempfile::tempdir().unwrap();
        let network = format!("network={{{network}}}");
        let config = config(IMAGES, &[&WATCHED[..], &[&network]].concat());
        train_all(&config, &eager(folder.path()), &|_| ()).unwrap();
        let record = record(folder.path(), 1);
        let path = path_of(folder.path(), "default", 1);
        let moments = record.curves.step.len();
        let sets = [
            (
                "training-examples",
                "training_accessibility",
                record.training_curves.as_ref().unwrap(),
            ),
            ("examples", "accessibility", &record.curves),
        ];
        for (index, (name, series, curves)) in sets.into_iter().enumerate() {
            let rows = record.arrays[name].read_rows(&path, name, moments).unwrap();
            let n = rows[0].len() as f64;
            assert_eq!(n, if index == 0 { 300.0 } else { 60.0 });
            for (moment, row) in rows.iter().enumerate() {
                let share = row.iter().sum::<f64>() / n;
                assert_eq!(record.series["accuracy"].at(&[index])[moment], Some(share));
                // On the deepest level, which `branching: [2, 2]` has the items on.
                let of_level = curves.level_accuracy[1][moment].unwrap();
                assert!((of_level - share).abs() < 1e-9, "{name} {moment}");
            }
            for (sample, share) in record.series[series].last().iter().enumerate() {
                let mean = rows.iter().map(|row| row[sample]).sum::<f64>() / moments as f64;
                assert!((share.unwrap() - mean).abs() < 1e-12);
            }
        }
        let error =
            record.arrays["examples"].read_rows(&path, "examples", moments + 1).unwrap_err();
        assert!(format!("{error:#}").contains("examples.npz"));
    }
}

#[test]
fn all_components_of_vectors_answer_as_the_inputs_themselves_do_for_every_kind_of_network() {
    for network in ["kind: mlp, hidden: [6]", "kind: linear, hidden: [3]"] {
        let folder = tempfile::tempdir().unwrap();
        let network = format!("network={{{network}}}");
        let config = config(
            VECTORS,
            &["probes=[examples]", "projections=[1, 5]", "training.steps=200", &network],
        );
        train_all(&config, &eager(folder.path()), &|_| ()).unwrap();
        let record = record(folder.path(), 0);
        let through = &record.series["projected_accuracy"];
        assert_eq!(through.at(&[1]), record.series["accuracy"].at(&[1]));
        assert_ne!(through.at(&[0]), through.at(&[1]));
        assert_eq!(record.series["component_variance"].shape, [5]);
        assert_eq!(record.series["critical_component"].shape, [25]);
    }
}

#[test]
fn interrupted_runs_leave_the_same_series_and_arrays() {
    let config = config(IMAGES, &WATCHED);
    let whole = tempfile::tempdir().unwrap();
    train_all(&config, &eager(whole.path()), &|_| ()).unwrap();
    let part = tempfile::tempdir().unwrap();
    interrupted(&config, &eager(part.path()), 9);
    trained_on(&config, &resumed(part.path()));
    for seed in [0, 1] {
        let [one, other] = [whole.path(), part.path()].map(|folder| record(folder, seed));
        assert_eq!(one.series, other.series);
        for name in ["examples", "training-examples"] {
            let bytes = |folder: &Path| {
                let path = path_of(folder, "default", seed).with_extension(format!("{name}.npz"));
                std::fs::read(path).unwrap()
            };
            assert_eq!(bytes(whole.path()), bytes(part.path()), "{name} {seed}");
        }
    }
}

#[test]
fn networks_that_are_watched_through_other_components_share_no_stack() {
    let one = config(VECTORS, &["projections=[1, 2]"]);
    let other = config(VECTORS, &["projections=[1, 3]"]);
    let task = Task::of(&one, None).unwrap();
    assert!(ocs::train::can_be_stacked((&one, &task), (&one, &task)));
    assert!(!ocs::train::can_be_stacked((&one, &task), (&other, &task)));
}
