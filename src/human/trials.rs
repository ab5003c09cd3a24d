//! What participants did: one row a trial.

/// One trial of one participant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// Number of the participant, in the order of `Trials::participants`.
    pub participant: u32,
    /// Day, from 1 where days have names or none.
    pub day: u64,
    /// Number of the trial within its day, as the data have it.
    pub trial: u64,
    /// Which item was shown, from 0.
    pub item: u32,
    /// As the data have it; `None` if they do not.
    pub reaction_time: Option<f64>,
}

/// Where a trial was read.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Number of the file.
    pub file: usize,
    /// Its row, from 1.
    pub row: u64,
}

/// All trials, ordered by participant, day and number once they are read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trials {
    /// Their ids, in the order in which they were first read.
    pub participants: Vec<String>,
    /// One a trial.
    pub trials: Vec<Trial>,
    /// Number of labels.
    pub n_labels: usize,
    /// `[n_trials, n_labels]`, row after row: 1 where a label was marked, 0 where not, between where graded, NaN where missing.
    pub responses: Vec<f64>,
}

impl Trials {
    /// Responses of a trial, `[n_labels]`.
    pub fn responses(&self, trial: usize) -> &[f64] {
        &self.responses[trial * self.n_labels..(trial + 1) * self.n_labels]
    }

    /// Those of a choice, in its order.
    pub fn chosen(&self, order: &[usize]) -> Trials {
        let responses = order.iter().flat_map(|&trial| self.responses(trial)).copied();
        Trials {
            participants: self.participants.clone(),
            trials: order.iter().map(|&trial| self.trials[trial]).collect(),
            n_labels: self.n_labels,
            responses: responses.collect(),
        }
    }

    /// Whether every response of a trial is missing.
    pub fn is_missed(&self, trial: usize) -> bool {
        self.responses(trial).iter().all(|response| response.is_nan())
    }

    /// Trials of each participant, who stand one after the other.
    pub fn of_participants(&self) -> Vec<std::ops::Range<usize>> {
        let mut start = 0;
        let of = |participant: usize| {
            let own = self.trials[start..].iter();
            let count = own.take_while(|trial| trial.participant as usize == participant).count();
            start += count;
            start - count..start
        };
        (0..self.participants.len()).map(of).collect()
    }
}
