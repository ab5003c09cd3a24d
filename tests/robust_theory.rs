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
