//! A claim while it is being made.

use super::{Bound, Claim, Measurement, Order, Verdict, order};
use crate::metrics::Phase;
use crate::record::Record;

/// Begins a claim; the id names it within its study.
pub fn claim<'a>(id: impl Into<String>) -> Draft<'a> {
    Draft {
        id: id.into(),
        sentence: String::new(),
        control: false,
        predicted: false,
        runs: Vec::new(),
        phases: Vec::new(),
        quantity: String::new(),
        values: Vec::new(),
        also: true,
        at_other_thresholds: false,
    }
}

/// A claim without a verdict.
#[must_use = "a claim says nothing before its criterion"]
pub struct Draft<'a> {
    id: String,
    sentence: String,
    control: bool,
    predicted: bool,
    runs: Vec<&'a Record>,
    phases: Vec<Phase>,
    quantity: String,
    values: Vec<Option<f64>>,
    also: bool,
    at_other_thresholds: bool,
}

impl<'a> Draft<'a> {
    /// The claim in words.
    pub fn says(self, sentence: impl Into<String>) -> Self {
        Draft { sentence: sentence.into(), ..self }
    }

    /// It is a negative control: something that must not happen.
    pub fn control(self) -> Self {
        Draft { control: true, ..self }
    }

    /// It is a prediction, written in the config's head before its runs: where it does not hold, something was found out, and
    /// nothing is broken.
    pub fn predicted(self) -> Self {
        Draft { predicted: true, ..self }
    }

    /// The runs that it is about; what is measured is the length of their phases, until said otherwise.
    pub fn of(self, runs: &[&'a Record]) -> Self {
        let phases = runs.iter().map(|run| run.phase.clone());
        Draft { runs: runs.to_vec(), ..self.phases("ln(end/onset)", phases) }
    }

    /// The phases that it is about, where they are not those of runs on the evaluation set; their length is measured.
    pub fn phases(self, quantity: &str, phases: impl IntoIterator<Item = Phase>) -> Self {
        let phases: Vec<Phase> = phases.into_iter().collect();
        let lengths: Vec<Option<f64>> = phases.iter().map(|phase| phase.log_ratio).collect();
        Draft { phases, ..self.values(quantity, lengths) }
    }

    /// A quantity of each run; `None` where it does not exist.
    pub fn measures(self, quantity: &str, of: impl Fn(&Record) -> Option<f64>) -> Self {
        let values: Vec<Option<f64>> = self.runs.iter().map(|run| of(run)).collect();
        self.values(quantity, values)
    }

    /// A quantity that is no single run's: errors of several crossings, ratios of two runs, numbers of a theory.
    pub fn values(self, quantity: &str, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Draft { quantity: quantity.to_owned(), values: values.into_iter().collect(), ..self }
    }

    /// What must be so besides the criterion's number; the criterion's words are to say it.
    pub fn also(self, condition: bool) -> Self {
        Draft { also: self.also && condition, ..self }
    }

    /// Tells in how many runs `every` would be met at other thresholds of the phase.
    pub fn at_other_thresholds(self) -> Self {
        Draft { at_other_thresholds: true, ..self }
    }

    /// It holds if there are phases and all are in an order. `words` say where, behind the order's own words or around them at
    /// `{}`: "at every depth", "{}, in every run".
    pub fn every(self, order: Order, words: &str) -> Claim {
        let holds = !self.phases.is_empty() && self.phases.iter().all(order.test);
        let criterion = around(words, order.words);
        let sensitivity = match self.at_other_thresholds {
            true => order::sensitivity(&self.runs, order.test),
            false => String::new(),
        };
        Claim { sensitivity, ..self.holds_if(holds, criterion) }
    }

    /// It holds if there are values, all exist, and each meets a bound. `words` as for `every`: "in every run",
    /// "{}: steps delay the fastest sigmoid by 1.1 η".
    pub fn each(self, bound: Bound, words: &str) -> Claim {
        self.each_in_words(bound, around(words, &bound.to_string()))
    }

    /// The same, where the criterion says the bound in words of its own: make them from the bound's constants.
    pub fn each_in_words(self, bound: Bound, criterion: impl Into<String>) -> Claim {
        let holds = bound.admits_each(&self.values);
        self.holds_if(holds, criterion)
    }

    /// For criteria of several numbers. Make `criterion` from the constants that decided.
    pub fn holds_if(self, holds: bool, criterion: impl Into<String>) -> Claim {
        let verdict = match (holds && self.also, self.predicted) {
            (true, _) => Verdict::Holds,
            (false, false) => Verdict::Fails,
            (false, true) => Verdict::Refuted,
        };
        self.with(verdict, criterion.into())
    }

    /// Nothing is claimed: it is measured and told.
    pub fn reported(self) -> Claim {
        let sensitivity = match self.at_other_thresholds {
            true => order::sensitivity(&self.runs, order::PRESENT.test),
            false => String::new(),
        };
        Claim { sensitivity, ..self.with(Verdict::Reported, "none".to_owned()) }
    }

    fn with(self, verdict: Verdict, criterion: String) -> Claim {
        Claim {
            experiment: String::new(),
            id: self.id,
            sentence: self.sentence,
            control: self.control,
            measured: Measurement::of(&self.quantity, &self.values),
            criterion,
            verdict,
            sensitivity: String::new(),
        }
    }
}

/// A criterion's words with what is asked in them at `{}`, or before them.
fn around(words: &str, asked: &str) -> String {
    if words.contains("{}") { words.replace("{}", asked) } else { format!("{asked} {words}") }
}
