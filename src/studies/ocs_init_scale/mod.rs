//! How long is the phase? Its length ln(end/onset) under each bias option, from weaker and weaker starts.

mod page;

use super::Study;
use anyhow::{Result, ensure};

use crate::claim::{Claim, Measurement};
use crate::config::{Aligned, Bias, Config, Initialisation, resolve_conditions};
use crate::metrics::Phase;
use crate::record::{RunFolder, TheoryRecord};

/// The study.
pub static STUDY: Study = Study {
    stem: STEM,
    question: "How long is the phase?",
    source: "own, from the closed forms: ln(end/onset) against the start's strength",
    config: include_str!("../../../configs/ocs_init_scale.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict: also_predict,
    claims,
    figure: page::figure,
};

const STEM: &str = "ocs_init_scale";
/// Depths, and how near the longest phase under an input bias comes to ln 3.
///
/// From the aligned start mode a takes the time `ln(1/a0) / (2 s)` and a constant at depth 2, so that the length is
/// `ln 3 + ln((ln(1/a0) + 0.94) / (ln(1/a0) + 2.07))`: 0.046 short of ln 3 at a0 = 1e-10. At depth 3 the times are
/// `1 / (s a0^(1/3))` and a constant, and it is a thousandth short at most.
const DEPTHS: [(usize, f64); 2] = [(2, 0.05), (3, 0.001)];
/// Weakest of theory's starts, as a power of ten.
const WEAKEST: i32 = -10;

/// Theory's grid: half decades of a0 down to the weakest start, for each depth and bias that is trained.
fn also_predict(config: &Config) -> Result<Vec<(String, Config)>> {
    let mut pairs: Vec<(usize, Bias)> = Vec::new();
    let mut grid = Vec::new();
    for (_, trained) in resolve_conditions(config)? {
        let (depth, bias) = (trained.network.hidden.len() + 1, trained.network.bias);
        let Initialisation::Aligned(aligned) = trained.network.initialisation else { continue };
        if pairs.contains(&(depth, bias)) {
            continue;
        }
        pairs.push((depth, bias));
        for half_decades in 4..=-2 * WEAKEST {
            let power = f64::from(half_decades) / 2.0;
            let mut asked = trained.clone();
            asked.network.initialisation =
                Initialisation::Aligned(Aligned { a0: 10f64.powf(-power), ..aligned });
            // Onset and end are solved for, not read off curves.
            (asked.training.steps, asked.training.observations) = (1, 2);
            grid.push((format!("theory-depth-{depth}-{}-1e-{power}", bias.name()), asked));
        }
    }
    Ok(grid)
}

/// A phase, and from which start.
struct Start {
    depth: usize,
    bias: Bias,
    a0: f64,
    length: Option<f64>,
}

fn start(config: &Config, phase: &Phase) -> Option<Start> {
    let Initialisation::Aligned(aligned) = config.network.initialisation else { return None };
    Some(Start {
        depth: config.network.hidden.len() + 1,
        bias: config.network.bias,
        a0: aligned.a0,
        length: phase.log_ratio,
    })
}

/// Lengths at one depth and bias, from the strongest start to the weakest.
fn lengths(starts: &[Start], depth: usize, bias: Bias) -> Result<Vec<Option<f64>>> {
    let mut chosen: Vec<&Start> =
        starts.iter().filter(|start| start.depth == depth && start.bias == bias).collect();
    ensure!(
        !chosen.is_empty(),
        "{0} lacks depth {depth} with bias: {1}: run `ocs reproduce {0}`",
        STEM,
        bias.name()
    );
    chosen.sort_by(|one, other| other.a0.total_cmp(&one.a0));
    Ok(chosen.into_iter().map(|start| start.length).collect())
}

/// What was measured and what theory says of it, at one depth and bias.
struct Series {
    measured: Vec<Option<f64>>,
    theory: Vec<Option<f64>>,
}

impl Series {
    fn all(&self) -> impl Iterator<Item = Option<f64>> {
        self.measured.iter().chain(&self.theory).copied()
    }

    fn increase(&self) -> bool {
        let increases = |lengths: &[Option<f64>]| {
            lengths.windows(2).all(|pair| match (pair[0], pair[1]) {
                (Some(stronger), Some(weaker)) => stronger < weaker,
                _ => false,
            })
        };
        increases(&self.measured) && increases(&self.theory)
    }

    fn at_weakest(&self) -> Option<f64> {
        self.theory.last().copied().flatten()
    }
}

/// The claims.
fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let measured: Vec<Start> =
        runs.records.iter().filter_map(|record| start(&record.config, &record.phase)).collect();
    // What is trained has a theory of its own, at a strength that the grid has too.
    let on_grid = |theory: &&TheoryRecord| theory.condition.starts_with("theory-");
    let theory: Vec<Start> = runs
        .theories
        .iter()
        .filter(on_grid)
        .filter_map(|theory| start(&theory.config, &theory.phase))
        .collect();
    let series = |depth, bias| -> Result<Series> {
        Ok(Series {
            measured: lengths(&measured, depth, bias)?,
            theory: lengths(&theory, depth, bias)?,
        })
    };
    let mut claims = Vec::new();
    for (depth, near) in DEPTHS {
        claims.push(never_without(depth, &series(depth, Bias::None)?));
        claims.push(saturates_with_input_bias(depth, near, &series(depth, Bias::Input)?));
        for bias in [Bias::Output, Bias::All] {
            claims.push(grows_with_output_bias(depth, bias, &series(depth, bias)?));
        }
    }
    claims.push(lengths_are_theorys(runs));
    Ok(claims)
}

fn never_without(depth: usize, series: &Series) -> Claim {
    let values: Vec<Option<f64>> = series.all().collect();
    Claim::new(
        STEM,
        &format!("none-at-depth-{depth}"),
        &format!("Without biases {depth} layers have no phase from any start."),
        Measurement::of("ln(end/onset), measured and theory", &values),
        "< 0 at every a0",
        values.iter().all(|length| length.is_some_and(|length| length < 0.0)),
    )
    .as_control()
}

fn saturates_with_input_bias(depth: usize, near: f64, series: &Series) -> Claim {
    let limit = 3f64.ln();
    let gap = series.at_weakest().map(|length| limit - length);
    let below = series.all().all(|length| length.is_some_and(|length| length < limit));
    Claim::new(
        STEM,
        &format!("input-saturates-at-depth-{depth}"),
        &format!(
            "With an input bias the phase of {depth} layers lengthens towards ln 3 and not beyond."
        ),
        Measurement::of("ln 3 − ln(end/onset) at a0 = 1e-10, theory", &[gap]),
        &format!(
            "increasing and < ln 3 at every a0, measured and theory; within {near} of ln 3 at the weakest start"
        ),
        series.increase() && below && gap.is_some_and(|gap| gap <= near),
    )
}

fn grows_with_output_bias(depth: usize, bias: Bias, series: &Series) -> Claim {
    let longest = series.at_weakest();
    Claim::new(
        STEM,
        &format!("{}-grows-at-depth-{depth}", bias.name()),
        &format!(
            "With bias: {} the phase of {depth} layers lengthens on, past what an input bias can give.",
            bias.name()
        ),
        Measurement::of("ln(end/onset) at a0 = 1e-10, theory", &[longest]),
        "increasing at every a0, measured and theory; > 2 ln 3 at the weakest start",
        series.increase() && longest.is_some_and(|length| length > 2.0 * 3f64.ln()),
    )
}

fn lengths_are_theorys(runs: &RunFolder) -> Claim {
    let errors: Vec<Option<f64>> = runs
        .records
        .iter()
        .map(|record| {
            let expected = runs.theory_of(&record.condition)?.phase.log_ratio?;
            Some((record.phase.log_ratio? - expected).abs())
        })
        .collect();
    Claim::new(
        STEM,
        "lengths-are-theorys",
        "Gradient descent has phases of the length that theory says.",
        Measurement::of("|ln(end/onset) − theory's|", &errors),
        "<= 0.02 in every run: 2 % of end/onset",
        !errors.is_empty() && errors.iter().all(|error| error.is_some_and(|error| error <= 0.02)),
    )
}
