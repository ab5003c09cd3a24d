//! Numbers over runs.

use serde::{Deserialize, Serialize};

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
