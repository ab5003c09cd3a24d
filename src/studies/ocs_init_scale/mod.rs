//! How long is the phase? Its length ln(end/onset) under each bias option, from weaker and weaker starts.

mod page;

use anyhow::Result;

use super::Study;
use crate::claim::{Claim, above, at_most, below, claim};
use crate::config::{Aligned, Bias, Config, Initialisation, resolve_conditions};
use crate::metrics::Phase;
use crate::record::RunFolder;

/// The study.
pub static STUDY: Study = Study {
    stem: "ocs_init_scale",
    question: "How long is the phase?",
    source: "own, from the closed forms: ln(end/onset) against the start's strength",
    config: include_str!("../../../configs/ocs_init_scale.yaml"),
    optional_inputs: &[],
    theory_of_images: false,
    also_predict,
    claims,
    page: page::page,
};

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
        let (depth, bias) = (trained.network.n_layers(), trained.network.bias);
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

/// Lengths of the phase, measured and of theory's grid, at one depth and bias, from the strongest start to the weakest.
struct Lengths {
    measured: Vec<Option<f64>>,
    theory: Vec<Option<f64>>,
}

impl Lengths {
    fn of(runs: &RunFolder, depth: usize, bias: Bias) -> Result<Lengths> {
        let wanted = format!("{depth} layers and bias: {}", bias.name());
        let fits = |c: &Config| c.network.n_layers() == depth && c.network.bias == bias;
        let runs_of = runs.pick(&wanted, fits)?.into_iter().map(|r| (&r.config, &r.phase));
        let theories = runs.pick_predicted(&wanted, fits)?.into_iter();
        Ok(Lengths {
            measured: by_start(runs_of),
            theory: by_start(theories.map(|theory| (&theory.config, &theory.phase))),
        })
    }

    fn all(&self) -> Vec<Option<f64>> {
        [self.measured.clone(), self.theory.clone()].concat()
    }

    fn increase(&self) -> bool {
        let increases = |lengths: &[Option<f64>]| {
            let known: Option<Vec<f64>> = lengths.iter().copied().collect();
            known.is_some_and(|lengths| lengths.is_sorted_by(|stronger, weaker| stronger < weaker))
        };
        increases(&self.measured) && increases(&self.theory)
    }

    fn at_weakest(&self) -> Option<f64> {
        self.theory.last().copied().flatten()
    }
}

fn by_start<'a>(found: impl Iterator<Item = (&'a Config, &'a Phase)>) -> Vec<Option<f64>> {
    let start = |config: &Config| config.network.initialisation.aligned_strength();
    let mut starts: Vec<(f64, Option<f64>)> =
        found.filter_map(|(config, phase)| Some((start(config)?, phase.log_ratio))).collect();
    starts.sort_by(|one, other| other.0.total_cmp(&one.0));
    starts.into_iter().map(|(_, length)| length).collect()
}

fn claims(runs: &RunFolder) -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for (depth, near) in DEPTHS {
        let lengths = |bias| Lengths::of(runs, depth, bias);
        claims.push(
            claim(format!("none-at-depth-{depth}"))
                .says(format!("Without biases {depth} layers have no phase from any start."))
                .control()
                .values("ln(end/onset), measured and theory", lengths(Bias::None)?.all())
                .each(below(0.0), "at every a0"),
        );
        claims.push(saturates_with_input_bias(depth, near, &lengths(Bias::Input)?));
        for bias in [Bias::Output, Bias::All] {
            claims.push(grows_with_output_bias(depth, bias, &lengths(bias)?));
        }
    }
    let mut errors = Vec::new();
    for run in &runs.records {
        let expected = runs.theory_beside(run)?.phase.log_ratio;
        errors.push(run.phase.log_ratio.zip(expected).map(|(seen, other)| (seen - other).abs()));
    }
    claims.push(
        claim("lengths-are-theorys")
            .says("Gradient descent has phases of the length that theory says.")
            .values("|ln(end/onset) − theory's|", errors)
            .each(at_most(0.02), "in every run: 2 % of end/onset"),
    );
    Ok(claims)
}

fn saturates_with_input_bias(depth: usize, near: f64, lengths: &Lengths) -> Claim {
    let limit = 3f64.ln();
    let gap = lengths.at_weakest().map(|length| limit - length);
    claim(format!("input-saturates-at-depth-{depth}"))
        .says(format!(
            "With an input bias the phase of {depth} layers lengthens towards ln 3 and not beyond."
        ))
        .values("ln 3 − ln(end/onset) at a0 = 1e-10, theory", [gap])
        .also(lengths.increase())
        .also(below(limit).admits_each(&lengths.all()))
        .each_in_words(
            at_most(near),
            format!(
                "increasing and < ln 3 at every a0, measured and theory; within {near} of ln 3 at the weakest start"
            ),
        )
}

fn grows_with_output_bias(depth: usize, bias: Bias, lengths: &Lengths) -> Claim {
    const TIMES: f64 = 2.0;
    let (name, longest) = (bias.name(), lengths.at_weakest());
    claim(format!("{name}-grows-at-depth-{depth}"))
        .says(format!(
            "With bias: {name} the phase of {depth} layers lengthens on, past what an input bias can give."
        ))
        .values("ln(end/onset) at a0 = 1e-10, theory", [longest])
        .also(lengths.increase())
        .each_in_words(
            above(TIMES * 3f64.ln()),
            format!("increasing at every a0, measured and theory; > {TIMES} ln 3 at the weakest start"),
        )
}
