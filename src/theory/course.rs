//! Theory on its way through time: the one shape of closed forms, exact solutions that are followed, and integrated flows.

use anyhow::Result;
use ndarray::Array2;

use super::flow::{LayerStart, LinearFlow};
use super::integrate::Integrator;
use super::riccati::{Riccati, Weights};

/// What a network in theory answers at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// t.
    pub time: f64,
    /// `[n_items, n_labels]`; probabilities under cross-entropy.
    pub responses: Array2<f64>,
    /// Outputs less the output bias, for a `ModeReader`; `None` for closed forms.
    pub without_output_bias: Option<Array2<f64>>,
    /// End-to-end strengths of the constant and each level's contrasts, `[split]`; `None` where they have to be read off the
    /// above, or are no modes.
    pub mode_strengths: Option<Vec<f64>>,
}

/// A solution on its way. It starts at time 0 and goes forward.
pub trait Course {
    /// What there is to know of a moment: responses, or of images what their second moments tell.
    type Answer;

    /// Goes on to `time`, which is not before the one it stands at.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    fn advance(&mut self, time: f64) -> Result<()>;

    /// What the network answers where it stands.
    fn answer(&self) -> Self::Answer;

    /// The weights there, from which the flow can be restarted on another task; `None` for solutions that tell of modes alone.
    fn weights(&self) -> Option<Vec<LayerStart>> {
        None
    }
}

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
pub enum FollowedCourse<'a> {
    /// With its weights and biases.
    Flow(&'a LinearFlow, Integrator),
    /// With its weights.
    Riccati(&'a Riccati, Weights),
}

impl Followed {
    /// At time 0.
    pub fn begin(&self) -> FollowedCourse<'_> {
        match self {
            Followed::Flow(flow) => FollowedCourse::Flow(flow, flow.begin()),
            Followed::Riccati(riccati) => FollowedCourse::Riccati(riccati, riccati.begin()),
        }
    }

    /// Whether each step is a closed form.
    pub fn is_closed_form(&self) -> bool {
        matches!(self, Followed::Riccati(_))
    }

    /// First time, before `until`, at which responses satisfy `reached`, to relative 1e-10; `None` if they settle before.
    ///
    /// # Errors
    ///
    /// If an integration needs too many steps.
    pub fn first_time(
        &self,
        until: f64,
        reached: &dyn Fn(&Array2<f64>) -> bool,
    ) -> Result<Option<f64>> {
        let mut course = self.begin();
        if reached(&course.responses()) {
            return Ok(Some(course.time()));
        }
        while !course.has_settled() && course.time() < until {
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
            return Ok(Some(end).filter(|&end| end <= until));
        }
        Ok(None)
    }
}

impl FollowedCourse<'_> {
    fn time(&self) -> f64 {
        match self {
            FollowedCourse::Flow(_, state) => state.time(),
            FollowedCourse::Riccati(_, weights) => weights.time(),
        }
    }

    fn has_settled(&self) -> bool {
        match self {
            FollowedCourse::Flow(flow, state) => flow.has_settled(state.state()),
            FollowedCourse::Riccati(_, weights) => weights.has_settled(),
        }
    }

    /// Responses `[n_items, n_labels]`; probabilities under cross-entropy.
    fn responses(&self) -> Array2<f64> {
        match self {
            FollowedCourse::Flow(flow, state) => flow.responses(state),
            FollowedCourse::Riccati(riccati, weights) => riccati.responses(weights),
        }
    }

    /// Outputs less the output bias: what the weights (and hidden biases) make of the inputs.
    fn responses_without_output_bias(&self) -> Array2<f64> {
        match self {
            FollowedCourse::Flow(flow, state) => flow.responses_without_output_bias(state),
            FollowedCourse::Riccati(riccati, weights) => riccati.responses(weights),
        }
    }
}

impl Course for FollowedCourse<'_> {
    type Answer = Moment;

    fn advance(&mut self, time: f64) -> Result<()> {
        match self {
            FollowedCourse::Flow(flow, state) => flow.advance(state, time),
            FollowedCourse::Riccati(riccati, weights) => {
                riccati.advance(weights, time);
                Ok(())
            }
        }
    }

    fn answer(&self) -> Moment {
        Moment {
            time: self.time(),
            responses: self.responses(),
            without_output_bias: Some(self.responses_without_output_bias()),
            mode_strengths: None,
        }
    }

    fn weights(&self) -> Option<Vec<LayerStart>> {
        Some(match self {
            FollowedCourse::Flow(flow, state) => flow.weights(state),
            FollowedCourse::Riccati(riccati, weights) => riccati.layers(weights).into(),
        })
    }
}

/// A followed solution whose own clock runs at another pace: that of the linear network that a bias-free one is.
#[derive(Debug, Clone)]
pub struct PacedCourse<'a> {
    course: FollowedCourse<'a>,
    pace: f64,
    time: f64,
}

impl<'a> PacedCourse<'a> {
    /// At time 0.
    pub fn new(course: FollowedCourse<'a>, pace: f64) -> Self {
        PacedCourse { course, pace, time: 0.0 }
    }
}

impl Course for PacedCourse<'_> {
    type Answer = Moment;

    fn advance(&mut self, time: f64) -> Result<()> {
        self.time = time;
        self.course.advance(self.pace * time)
    }

    fn answer(&self) -> Moment {
        Moment { time: self.time, ..self.course.answer() }
    }

    fn weights(&self) -> Option<Vec<LayerStart>> {
        // Those of the linear network are not the other's.
        self.course.weights().filter(|_| self.pace == 1.0)
    }
}
