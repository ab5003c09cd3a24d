//! Starts that conserve a difference of layers, tasks of any linear map, and what theory and probes tell of both.

use ndarray::Array2;
use ocs::config::{self, Config, Override};
use ocs::model::{Network, Placement};
use ocs::record::{ReachVerdict, Record, RunFolder, Series, TheoryRecord};
use ocs::sweep::{Tasks, add_representations, theory_of};
use ocs::task::Task;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use crate::quick_runs::trained;

/// Four inputs, a drawn map to four outputs, six hidden units; `rest` holds further overrides.
fn parsed(rest: &[&str]) -> Result<Config, String> {
    let plain = [
        "experiment=prior_knowledge",
        "task.inputs=gaussian",
        "task.gaussian={dimension: 4, count: 20, mirrored: false}",
        "task.targets={linear: {outputs: 4, singular_values: [2.0, 1.5, 1.0, 0.5]}}",
        "network.hidden=[6]",
        "network.initialisation={balanced: {std: 0.4}}",
        "training.precision=float64",
        "training.learning_rate=0.01",
        "training.steps=600",
        "training.observations=20",
        "seeds=[0]",
    ];
    let overrides: Vec<Override> =
        plain.iter().chain(rest).map(|text| text.parse().unwrap()).collect();
    config::parse("name: test", "test", &overrides).map_err(|error| format!("{error:#}"))
}

fn config(rest: &[&str]) -> Config {
    parsed(rest).unwrap()
}

/// Weights that a seed draws.
fn weights(config: &Config, seed: u64) -> Result<Vec<Array2<f64>>, String> {
    let task = Task::new(&config.task, None).unwrap();
    let placement = Placement { device: Device::Cpu, weights: Kind::Double, compute: Kind::Double };
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let network = Network::new(&config.network, &task, placement, &mut generator);
    let array = |tensor: &Tensor| {
        let (rows, columns) = tensor.size2().unwrap();
        let values = Vec::<f64>::try_from(&tensor.detach().contiguous().view(-1)).unwrap();
        Array2::from_shape_vec((rows as usize, columns as usize), values).unwrap()
    };
    let network = network.map_err(|error| format!("{error:#}"))?;
    Ok(network.layers().iter().map(|layer| array(&layer.weight)).collect())
}

/// Largest entry of `W_2^T W_2 - W_1 W_1^T - lambda I` of any hidden layer.
fn off_balance(layers: &[Array2<f64>], lambda: f64) -> f64 {
    let errors = layers.windows(2).map(|pair| {
        let off = pair[1].t().dot(&pair[1]) - pair[0].dot(&pair[0].t());
        let off = off - lambda * Array2::<f64>::eye(pair[0].nrows());
        off.iter().fold(0.0, |most: f64, value| most.max(value.abs()))
    });
    errors.fold(0.0, f64::max)
}

#[test]
fn balanced_starts_are_balanced_at_any_depth_shape_and_lambda() {
    for hidden in ["[6]", "[3]", "[6, 3, 5]"] {
        let config = config(&[&format!("network.hidden={hidden}")]);
        let layers = weights(&config, 3).unwrap();
        assert!(off_balance(&layers, 0.0) < 1e-13, "{hidden}");
        // As large as the product of the layers that it is made from.
        let map = layers.iter().cloned().reduce(|below, above| above.dot(&below)).unwrap();
        assert!(map.iter().map(|entry| entry * entry).sum::<f64>() > 1e-4, "{hidden}");
    }
    for lambda in [-2.0, -0.5, 0.5, 2.0] {
        let start = format!("network.initialisation={{balanced: {{lambda: {lambda}}}}}");
        let config = config(&["network.hidden=[4]", &start]);
        assert!(off_balance(&weights(&config, 1).unwrap(), lambda) < 1e-13, "{lambda}");
        let wide = self::config(&["network.hidden=[5]", &start]);
        let error = weights(&wide, 1).unwrap_err();
        let whose = if lambda > 0.0 { "outputs" } else { "inputs" };
        assert!(error.contains("balanced.lambda") && error.contains(whose), "{error}");
    }
}

#[test]
fn a_learned_start_answers_its_task_and_a_perturbation_unbalances_it() {
    let learned = config(&["network.initialisation={balanced: {map: learned}}"]);
    let runs = trained(&learned, |_| false);
    assert!(runs.records[0].curves.loss[0] < 1e-25);
    let start = "network.initialisation={balanced: {map: learned, perturbation: 1e-3}}";
    let layers = weights(&config(&[start]), 0).unwrap();
    let off = off_balance(&layers, 0.0);
    assert!((1e-4..1e-1).contains(&off), "{off}");
}

#[test]
fn what_cannot_go_together_is_refused_with_the_key_and_the_remedy() {
    for (keys, words) in [
        (
            vec!["network.initialisation={balanced: {lambda: 1}}", "network.hidden=[4, 4]"],
            "two layers",
        ),
        (
            vec!["network.initialisation={balanced: {map: learned, std: 1}}"],
            "leave one of them out",
        ),
        (vec!["network.initialisation={balanced: {map: learned, lambda: 1}}"], "set lambda to 0"),
        (vec!["task.targets.linear.singular_values=[1, 1, 1, 1, 1]"], "lists 5"),
        (vec!["task.targets.linear.entries=1"], "each of which says how large"),
        (vec!["task.targets=contrasts"], "for task.inputs one-hot"),
        (vec!["probes=[representations]", "network.bias=all"], "without biases"),
        (vec!["probes=[forgetting]"], "list phases"),
    ] {
        let error = parsed(&keys).expect_err(&format!("{keys:?}"));
        assert!(error.contains(words), "{keys:?}: {error}");
    }
}

/// Theory of one seed, with its series.
fn theory(config: &Config, seed: u64) -> TheoryRecord {
    let folder = tempfile::tempdir().unwrap();
    let mut theory =
        theory_of("default", config, Some(seed), &mut Tasks::new(folder.path())).unwrap();
    add_representations(&mut theory, Some(seed)).unwrap();
    theory
}

fn moment(series: &Series, moment: usize) -> Array2<f64> {
    let size = series.size();
    let values = series.values[moment * size..(moment + 1) * size].iter().map(|v| v.unwrap());
    Array2::from_shape_vec((series.shape[0], series.shape[1]), values.collect()).unwrap()
}

fn determinant(matrix: &Array2<f64>) -> f64 {
    let mut matrix = matrix.clone();
    let n = matrix.nrows();
    let mut product = 1.0;
    for pivot in 0..n {
        let row = (pivot..n)
            .max_by(|a, b| matrix[[*a, pivot]].abs().total_cmp(&matrix[[*b, pivot]].abs()))
            .unwrap();
        if row != pivot {
            for column in 0..n {
                matrix.swap([row, column], [pivot, column]);
            }
            product = -product;
        }
        product *= matrix[[pivot, pivot]];
        for below in pivot + 1..n {
            let factor = matrix[[below, pivot]] / matrix[[pivot, pivot]];
            for column in pivot..n {
                matrix[[below, column]] -= factor * matrix[[pivot, column]];
            }
        }
    }
    product
}

#[test]
fn a_square_map_is_reached_from_starts_of_its_own_sign_alone() {
    let config = config(&["training.steps=2000"]);
    let task = Task::new(&config.task, None).unwrap();
    let map = task.input_output_correlation();
    let mut verdicts = Vec::new();
    for seed in 0..6 {
        let theory = theory(&config, seed);
        let start = moment(&theory.series["network_map"], 0);
        let same_sign = determinant(&start) * determinant(&map) > 0.0;
        let reach = &theory.reach[0];
        let expected = if same_sign { ReachVerdict::Whole } else { ReachVerdict::WrongSign };
        assert_eq!(reach.verdict, expected, "seed {seed}");
        let left = if same_sign { 0.0 } else { 0.125 };
        assert!((reach.excess_loss - left).abs() < 1e-12);
        assert!((theory.curves.loss.last().unwrap() - left).abs() < 1e-5, "seed {seed}");
        assert!(theory.verified.unwrap().difference < 1e-10);
        verdicts.push(same_sign);
    }
    assert!(verdicts.contains(&true) && verdicts.contains(&false));
}

#[test]
fn verdicts_name_what_is_not_reached() {
    let verdict = |rest: &[&str]| theory(&config(rest), 0).reach[0].clone();
    let bottleneck = verdict(&["network.hidden=[2]"]);
    assert_eq!(bottleneck.verdict, ReachVerdict::Bottleneck);
    assert!((bottleneck.excess_loss - 0.5 * (1.0 + 0.25)).abs() < 1e-9);
    // Signs turned without an imbalance: no mode has a part along its own any more.
    let turned = [
        "network.initialisation={balanced: {map: learned}}",
        "phases=[{steps: 5}, {steps: 100, task.target_scale: {mean: -1, contrasts: -1}}]",
    ];
    let theory = theory(&config(&turned), 0);
    assert_eq!(theory.reach[0].verdict, ReachVerdict::Whole);
    assert_eq!(theory.reach[1].verdict, ReachVerdict::Start);
    assert_eq!(theory.reach[1].reached, Vec::<f64>::new());
    // Rank that the task lacks is none that is missed.
    let low = ["task.targets={linear: {outputs: 4, singular_values: [2.0, 1.0]}}"];
    assert_eq!(verdict(&low).verdict, ReachVerdict::Whole);
}

#[test]
fn runs_start_where_theory_does_and_follow_it_to_the_order_of_their_steps() {
    let error = |rate: &str, steps: &str| {
        let keys = ["probes=[representations]", rate, steps];
        let runs: RunFolder = trained(&config(&keys), |_| false);
        let (run, theory): (&Record, _) = (&runs.records[0], &runs.theories[0]);
        let names = ["network_map", "input_similarity", "output_similarity"];
        let of = |name: &str| {
            let (one, other) = (&run.series[name], &theory.series[name]);
            assert_eq!(
                (&one.dims, &one.shape, &one.step),
                (&other.dims, &other.shape, &other.step)
            );
            let first = moment(one, 0) - moment(other, 0);
            assert!(first.iter().all(|value| value.abs() < 1e-13), "{name}");
            let off =
                one.values.iter().zip(&other.values).map(|(a, b)| (a.unwrap() - b.unwrap()).abs());
            off.fold(0.0, f64::max)
        };
        names.map(of).into_iter().fold(0.0, f64::max)
    };
    let coarse = error("training.learning_rate=0.01", "training.steps=400");
    let fine = error("training.learning_rate=0.005", "training.steps=800");
    assert!((1.7..2.3).contains(&(coarse / fine)), "{coarse}, {fine}");
}

#[test]
fn one_layer_goes_straight_to_its_map() {
    let config = config(&["network.hidden=[]", "network.initialisation={normal: {std: 0.5}}"]);
    let theory = theory(&config, 2);
    let series = &theory.series["network_map"];
    let map = Task::new(&config.task, None).unwrap().input_output_correlation();
    let start = moment(series, 0);
    for (index, time) in theory.curves.time.iter().enumerate() {
        let expected = &map + &((&start - &map) * (-time).exp());
        let off = moment(series, index) - expected;
        assert!(off.iter().all(|value| value.abs() < 1e-9), "at {time}");
    }
    assert!(!theory.series.contains_key("input_similarity"));
}

#[test]
fn a_task_is_forgotten_by_half_the_squared_distance_of_the_next() {
    let keys = [
        "probes=[forgetting]",
        "training.learning_rate=0.1",
        "phases=[{steps: 1500}, {steps: 1500, task.targets.linear.seed: 7}]",
    ];
    let runs = trained(&config(&keys), |_| false);
    let run = &runs.records[0];
    let losses = &run.series["task_losses"];
    let learned = losses.step.iter().position(|&step| step == 1500).unwrap();
    let first = losses.at(&[0]);
    let distances = &run.series["task_distances"];
    let distance = distances.at(&[0, 1])[0].unwrap();
    assert_eq!(distances.step, [0]);
    let forgotten = first.last().unwrap().unwrap() - first[learned].unwrap();
    assert!(distance > 0.5 && (forgotten / distance - 1.0).abs() < 1e-6, "{forgotten}, {distance}");
    // What is learned now is the loss that the run itself tells.
    let own = losses.at(&[1]).last().copied().flatten().unwrap();
    assert!((own - run.curves.loss.last().unwrap()).abs() < 1e-12);
}

/// Mean products of two items' samples in what each layer of a perceptron but the first is given, by hand.
fn by_hand(config: &Config, seed: u64) -> Vec<Array2<f64>> {
    let task = Task::new(&config.task, None).unwrap();
    let layers = weights(config, seed).unwrap();
    let mut given = task.item_means();
    let mut all = Vec::new();
    for layer in &layers[..layers.len() - 1] {
        given = given.dot(&layer.t()).mapv(f64::tanh);
        all.push(given.dot(&given.t()) / given.ncols() as f64);
    }
    all
}

#[test]
fn hidden_layers_hold_items_as_alike_as_products_of_what_they_make() {
    let config = config(&[
        "network.kind=mlp",
        "network.activation=tanh",
        "network.hidden=[7, 5]",
        "network.initialisation={normal: {std: 0.6}}",
        "training.steps=30",
        "probes=[representations]",
        "seeds=[0, 1]",
    ]);
    // Two seeds, in one stack.
    let runs = trained(&config, |_| true);
    for run in &runs.records {
        for (index, expected) in by_hand(&config, run.seed).iter().enumerate() {
            let series = &run.series[&format!("hidden_similarity_{}", index + 1)];
            assert_eq!((&*series.dims[0], series.shape[0]), ("item", 20));
            let off = moment(series, 0) - expected;
            assert!(off.iter().all(|value| value.abs() < 1e-13));
            assert_eq!((series.step[0], *series.step.last().unwrap()), (0, 30));
            assert_ne!(moment(series, 0), moment(series, series.step.len() - 1));
        }
    }
}

#[test]
fn convolutions_hold_images_of_one_glyph_more_alike_than_of_two() {
    let config = self::config(&[
        "task.targets=null",
        "task.gaussian=null",
        "task.inputs=glyphs",
        "task.branching=[2, 2]",
        "task.samples={train: 40, test: 40}",
        "network.kind=cnn",
        "network.hidden=[3, 4]",
        "network.initialisation={kaiming: {gain: 1.0}}",
        "training.steps=3",
        "probes=[representations]",
    ]);
    let runs = trained(&config, |_| true);
    let series = &runs.records[0].series["hidden_similarity_2"];
    assert_eq!(series.shape, [4, 4]);
    let table = moment(series, 0);
    let cosine = |one: usize, other: usize| {
        table[[one, other]] / (table[[one, one]] * table[[other, other]]).sqrt()
    };
    for (one, other) in [(0, 1), (0, 2), (1, 3)] {
        assert!((cosine(one, other) - cosine(other, one)).abs() < 1e-12);
        assert!(cosine(one, other) < 1.0);
    }
}
