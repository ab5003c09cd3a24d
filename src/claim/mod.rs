//! A sentence, a number, a criterion fixed beforehand, and a verdict.

/// What records say of the phase.
pub mod verdicts;

use serde::{Deserialize, Serialize};

/// What an experiment says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Stem of the experiment.
    pub experiment: String,
    /// Names the claim within its experiment.
    pub id: String,
    /// The claim in words.
    pub sentence: String,
    /// Whether it is a negative control: something that must not happen.
    pub control: bool,
    /// What was measured.
    pub measured: Measurement,
    /// When it holds.
    pub criterion: String,
    /// Whether it does.
    pub verdict: Verdict,
    /// What other thresholds of the phase would say; empty where the phase plays no part.
    pub sensitivity: String,
}

impl Claim {
    /// A claim that is decided, without sensitivity.
    pub fn new(
        stem: &str,
        id: &str,
        sentence: &str,
        measured: Measurement,
        criterion: &str,
        holds: bool,
    ) -> Claim {
        Claim {
            experiment: stem.to_owned(),
            id: id.to_owned(),
            sentence: sentence.to_owned(),
            control: false,
            measured,
            criterion: criterion.to_owned(),
            verdict: Verdict::of(holds),
            sensitivity: String::new(),
        }
    }

    /// The same as a negative control.
    pub fn as_control(self) -> Claim {
        Claim { control: true, ..self }
    }
}

/// Verdict on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The criterion is met by every run.
    Holds,
    /// It is not.
    Fails,
    /// Measured without a claim.
    Reported,
}

impl Verdict {
    /// Holds or fails.
    pub fn of(holds: bool) -> Self {
        if holds { Verdict::Holds } else { Verdict::Fails }
    }

    /// As in CLAIMS.md.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Fails => "FAILS",
            Verdict::Reported => "reported",
        }
    }
}

/// A number with its spread over runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured.
    pub quantity: String,
    /// Over the runs in which it exists; `null` if in none.
    pub mean: Option<f64>,
    /// Sample standard deviation; `null` for fewer than two.
    pub standard_deviation: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Runs in which it exists.
    pub n: usize,
    /// Runs looked at.
    pub runs: usize,
}

impl Measurement {
    /// Of one value a run, `None` where it does not exist.
    pub fn of(quantity: &str, values: &[Option<f64>]) -> Self {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        let n = known.len();
        let mean = (n > 0).then(|| known.iter().sum::<f64>() / n as f64);
        let standard_deviation = mean.filter(|_| n > 1).map(|mean| {
            (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt()
        });
        Measurement {
            quantity: quantity.to_owned(),
            mean,
            standard_deviation,
            min: known.iter().copied().min_by(f64::total_cmp),
            max: known.iter().copied().max_by(f64::total_cmp),
            n,
            runs: values.len(),
        }
    }

    /// In words: mean ± sd [min, max], n.
    pub fn words(&self) -> String {
        let number = |value: f64| {
            if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e4) {
                format!("{value:.2e}")
            } else {
                format!("{value:.4}")
            }
        };
        let count = if self.n == self.runs {
            format!("n = {}", self.n)
        } else {
            format!("n = {} of {}", self.n, self.runs)
        };
        let (Some(mean), Some(min), Some(max)) = (self.mean, self.min, self.max) else {
            return format!("{}: in none of {} runs", self.quantity, self.runs);
        };
        match self.standard_deviation {
            Some(deviation) => format!(
                "{} = {} ± {} [{}, {}], {count}",
                self.quantity,
                number(mean),
                number(deviation),
                number(min),
                number(max)
            ),
            None => format!("{} = {}, {count}", self.quantity, number(mean)),
        }
    }
}

/// CLAIMS.md: a table an experiment. `origins` says for each stem where its numbers come from.
pub fn to_markdown(claims: &[Claim], origins: &[(String, String)]) -> String {
    let count = |verdict| claims.iter().filter(|claim| claim.verdict == verdict).count();
    let mut text = format!(
        "# Claims\n\nWritten by `ocs reproduce` from the records of its runs. {} hold, {} fail, {} are reported without a claim.\n\
         Measured: mean ± standard deviation [min, max] over runs. A negative control says that something does not happen.\n",
        count(Verdict::Holds),
        count(Verdict::Fails),
        count(Verdict::Reported)
    );
    for (stem, origin) in origins {
        text.push_str(&format!("\n## {stem}\n\n{origin}\n\n![{stem}]({stem}.png)\n\n"));
        text.push_str("| claim | measured | criterion | verdict | at other thresholds |\n|---|---|---|---|---|\n");
        for claim in claims.iter().filter(|claim| claim.experiment == *stem) {
            let control = if claim.control { "**Negative control.** " } else { "" };
            text.push_str(&format!(
                "| {control}{} | {} | {} | {} | {} |\n",
                claim.sentence,
                claim.measured.words().replace('|', "\\|"),
                claim.criterion.replace('|', "\\|"),
                claim.verdict.word(),
                claim.sensitivity
            ));
        }
    }
    text
}
