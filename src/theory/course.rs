//! Solutions that have to be followed from time to time, and when one first does something.

use anyhow::Result;
use ndarray::Array2;

use super::flow::LinearFlow;
use super::integrate::Integrator;
use super::riccati::{Riccati, Weights};

/// A solution that has to be followed from time 0.
#[derive(Debug, Clone)]
pub enum Followed {
    /// A flow that is integrated.
    Flow(LinearFlow),
    /// Semigroup steps of an exact solution.
    Riccati(Riccati),
}

/// Where a followed solution stands.
#[derive(Debug, Clone)]
pub enum Course<'a> {
    /// With its weights and biases.
    Flow(&'a LinearFlow, Integrator),
    /// With its weights.
    Riccati(&'a Riccati, Weights),
}

impl Followed {
    /// At time 0.
    pub fn begin(&self) -> Course<'_> {
        match self {
            Followed::Flow(flow) => Course::Flow(flow, flow.begin()),
            Followed::Riccati(riccati) => Course::Riccati(riccati, riccati.begin()),
        }
    }

    /// Whether each step is a closed form.
    pub fn is_closed_form(&self) -> bool {
        matches!(self, Followed::Riccati(_))
    }

    /// First time at which responses satisfy `reached`, to relative 1e-10; `None` if they settle before.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    pub fn first_time(&self, reached: &dyn Fn(&Array2<f64>) -> bool) -> Result<Option<f64>> {
        let mut course = self.begin();
        if reached(&course.responses()) {
            return Ok(Some(course.time()));
        }
        while !course.has_settled() {
            let mut later = course.clone();
            later.advance((course.time() * 1.05).max(course.time() + 1e-3))?;
            if !reached(&later.responses()) {
                course = later;
                continue;
            }
            let mut end = later.time();
            while end - course.time() > 1e-10 * end {
                let middle = 0.5 * (course.time() + end);
                let mut state = course.clone();
                state.advance(middle)?;
                if reached(&state.responses()) { end = middle } else { course = state }
            }
            return Ok(Some(end));
        }
        Ok(None)
    }
}

impl Course<'_> {
    fn time(&self) -> f64 {
        match self {
            Course::Flow(_, state) => state.time(),
            Course::Riccati(_, weights) => weights.time(),
        }
    }

    fn has_settled(&self) -> bool {
        match self {
            Course::Flow(flow, state) => flow.has_settled(state.state()),
            Course::Riccati(_, weights) => weights.has_settled(),
        }
    }

    /// Goes on to `time`.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    pub fn advance(&mut self, time: f64) -> Result<()> {
        match self {
            Course::Flow(flow, state) => flow.advance(state, time),
            Course::Riccati(riccati, weights) => {
                riccati.advance(weights, time);
                Ok(())
            }
        }
    }

    /// Responses `[n_items, n_labels]`; probabilities under cross-entropy.
    pub fn responses(&self) -> Array2<f64> {
        match self {
            Course::Flow(flow, state) => flow.responses(state),
            Course::Riccati(riccati, weights) => riccati.responses(weights),
        }
    }

    /// Outputs less the output bias: what the weights (and hidden biases) make of the inputs.
    pub fn responses_without_output_bias(&self) -> Array2<f64> {
        match self {
            Course::Flow(flow, state) => flow.responses_without_output_bias(state),
            Course::Riccati(riccati, weights) => riccati.responses(weights),
        }
    }
}
