//! Theory answers with numbers, whatever it is asked within its range.

use ocs::config::{self, Config};
use ocs::theory::Theory;

fn config(rest: &[String]) -> Config {
    let overrides: Vec<config::Override> = rest.iter().map(|text| text.parse().unwrap()).collect();
    config::parse("name: test", "test", &overrides).unwrap()
}

const STARTS: [f64; 5] = [1e-12, 1e-8, 1e-4, 1e-2, 1.0];
const TIMES: [f64; 9] = [0.0, 1e-9, 0.3, 3.0, 30.0, 300.0, 1e4, 1e5, 1e6];

/// Asks for responses, strengths, onset and end, and looks for what cannot be.
fn ask(keys: &[String]) {
    let config = config(keys);
    let theory = Theory::new(&config).unwrap_or_else(|error| panic!("{keys:?}: {error:#}"));
    let responses = theory.responses(&TIMES).unwrap_or_else(|error| panic!("{keys:?}: {error:#}"));
    for (time, responses) in TIMES.iter().zip(&responses) {
        let within = responses.iter().all(|value| value.abs() < 3.0);
        assert!(within, "{keys:?}, t {time}: {responses}");
    }
    for strengths in theory.mode_strengths(&TIMES).into_iter().flatten() {
        assert!(strengths.iter().all(|a| a.is_finite() && *a >= 0.0), "{keys:?}: {strengths:?}");
    }
    for (mode, last) in theory.modes() {
        assert!(mode.singular_value > 0.0 && mode.input_variance > 0.0, "{keys:?}: {mode:?}");
        assert!(last.is_finite() && last >= 0.0, "{keys:?}: {mode:?} ends at {last}");
    }
    let (onset, end) = theory.onset_and_end(0.1).unwrap();
    for time in [onset, end].into_iter().flatten() {
        assert!(time.is_finite() && time >= 0.0, "{keys:?}: {onset:?}, {end:?}");
    }
}

/// Every depth, bias option and start; `rest` holds further keys.
fn ask_all(rest: &[&str], depths: std::ops::RangeInclusive<usize>, starts: &[f64]) {
    for depth in depths {
        for bias in ["none", "input", "output", "all"] {
            for biases in ["zero", "aligned"] {
                for a0 in starts {
                    let widths = vec!["8"; depth - 1].join(", ");
                    let mut keys = vec![
                        format!("network.hidden=[{widths}]"),
                        format!("network.bias={bias}"),
                        format!(
                            "network.initialisation={{aligned: {{a0: {a0:?}, biases: {biases}}}}}"
                        ),
                    ];
                    keys.extend(rest.iter().map(|key| (*key).to_owned()));
                    ask(&keys);
                }
            }
        }
    }
}

#[test]
fn balanced_trees_have_an_answer_at_every_depth_start_and_time() {
    ask_all(&[], 2..=6, &STARTS);
}

#[test]
fn correlated_inputs_have_an_answer_at_every_depth_start_and_time() {
    let rho = "task.correlation=0.9";
    ask_all(&["task.inputs=correlated", rho], 2..=6, &[1e-12, 1e-2]);
}

#[test]
fn uneven_trees_have_an_answer_too() {
    // Deeper ones from 1e-12 would wait for their phase until 1e7 and beyond, at a minute or more each.
    let tree = "task.tree=[[0, 1, 2], [3, [4, 5]]]";
    ask_all(&[tree], 2..=3, &[1e-12, 1.0]);
    ask_all(&[tree], 4..=6, &[1e-2, 1.0]);
}

#[test]
fn a_flow_that_would_take_for_ever_is_refused_with_the_remedy() {
    let keys = [
        "task.tree=[[0, 1, 2], [3, [4, 5]]]",
        "network.hidden=[8, 8, 8, 8, 8]",
        "network.initialisation={aligned: {a0: 1.0e-21}}",
        "network.bias=output",
    ];
    let error = Theory::new(&config(&keys.map(str::to_owned))).unwrap_err();
    assert!(error.to_string().contains("a0 >= 1e-20"), "{error:#}");
}

fn phase_of(keys: &[&str]) -> (f64, f64) {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let (onset, end) = Theory::new(&config(&keys)).unwrap().onset_and_end(0.1).unwrap();
    (onset.unwrap(), end.unwrap())
}

#[test]
fn without_correlation_correlated_inputs_are_one_hot_inputs() {
    for bias in ["none", "input", "output", "all"] {
        let bias = format!("network.bias={bias}");
        let plain = phase_of(&[&bias]);
        let nearly = phase_of(&[&bias, "task.inputs=correlated", "task.correlation=1e-9"]);
        assert!((nearly.0 / plain.0 - 1.0).abs() < 1e-7, "{bias}: {nearly:?} against {plain:?}");
        assert!((nearly.1 / plain.1 - 1.0).abs() < 1e-7, "{bias}: {nearly:?} against {plain:?}");
    }
}

#[test]
fn inputs_that_hardly_differ_teach_the_constant_at_once_and_differences_hardly() {
    // rho -> 1: s_0 -> ||ybar||, d_0 -> 1, and all contrasts slow down as sqrt(1 - rho), THEORY (13).
    let beta = (7.0f64 / 8.0).sqrt();
    let logit = |q: f64| (q / (1.0 - q)).ln();
    let limit = (logit(0.9) - logit(1e-4 / beta)) / (2.0 * beta);
    let at = |rho: &str| {
        phase_of(&[
            "task.inputs=correlated",
            &format!("task.correlation={rho}"),
            "network.bias=none",
        ])
    };
    let (near, nearer) = (at("0.999999"), at("0.99999999"));
    assert!((nearer.0 / limit - 1.0).abs() < 1e-5, "{nearer:?} against {limit}");
    // Ten times slower, and a little more: the start is nearer to the end, by ln 10 of the logarithm of the way.
    let ratio = nearer.1 / near.1;
    assert!((10.0..13.0).contains(&ratio), "{near:?}, {nearer:?}");
}

#[test]
fn from_ever_smaller_starts_the_phase_of_an_input_bias_tends_to_ln_3() {
    let gap = |a0: &str| {
        let start = format!("network.initialisation={{aligned: {{a0: {a0}, biases: aligned}}}}");
        // Single precision does not hold the smallest of them.
        let precision = "training.precision=float64";
        let (onset, end) = phase_of(&["network.bias=input", precision, &start]);
        (end / onset).ln() - 3.0f64.ln()
    };
    let gaps = ["1.0e-4", "1.0e-20", "1.0e-100", "1.0e-300"].map(gap);
    assert!(gaps.windows(2).all(|pair| pair[1].abs() < pair[0].abs()), "{gaps:?}");
    assert!(gaps[3].abs() < 2e-3, "{gaps:?}");
}

#[test]
fn the_ocs_is_the_weighted_mean_target_and_the_best_constant_answer() {
    let trees =
        ["[[0, 1, 2], [3, [4, 5]]]", "[[0, 1], [2, 3, 4, 5]]", "[[[0, 1], [2]], [3, 4, 5]]"];
    for (seed, tree) in trees.into_iter().enumerate() {
        let weight = |item: usize| 1.0 + ((seed + 3 * item) % 5) as f64;
        let frequencies: Vec<String> = (0..6).map(|item| weight(item).to_string()).collect();
        let keys =
            [format!("task.tree={tree}"), format!("task.frequencies=[{}]", frequencies.join(", "))];
        let task = ocs::task::Task::new(&config(&keys).task, None).unwrap();
        let total: f64 = (0..6).map(weight).sum();
        let loss = |answer: &ndarray::Array1<f64>| -> f64 {
            (0..6)
                .map(|item| {
                    let error = &task.targets.row(item) - answer;
                    weight(item) / total * error.dot(&error)
                })
                .sum()
        };
        let ocs = task.ocs();
        for label in 0..ocs.len() {
            let mean: f64 =
                (0..6).map(|item| weight(item) / total * task.targets[[item, label]]).sum();
            assert!((ocs[label] - mean).abs() < 1e-14, "{tree}, label {label}");
            for shift in [-1e-3, 1e-3] {
                let mut other = ocs.clone();
                other[label] += shift;
                assert!(loss(&other) > loss(&ocs), "{tree}, label {label}");
            }
        }
    }
}
