//! Runs of one stack, from their first step to their ends.

use anyhow::{Result, ensure};

use super::arrays::{to_array, to_vector};
use super::checkpoint::{Checkpoint, NamedTensors, Progress, on_host};
use super::member::{Lesson, Member};
use super::observations::{Observation, Observations};
use super::observer::{Continue, Outcome};
use super::snapshot::{Layer, Snapshot};
use super::stack::Stack;
use super::steps::observed_steps;

/// Steps between two distant observations that wait to be told of.
const MOST_UNTOLD: usize = 4096;

/// Stretches and steps at which they are observed: the first and the last of each, and log-spaced ones from its start on.
fn observations_of(lessons: &[Lesson]) -> Vec<(usize, u64)> {
    let of_stretch = |(stretch, lesson): (usize, &Lesson)| {
        let first = lesson.span.first_step;
        let steps = observed_steps(lesson.span.steps, &lesson.config.training);
        steps.into_iter().map(move |step| (stretch, first + step)).collect::<Vec<_>>()
    };
    lessons.iter().enumerate().flat_map(of_stretch).collect()
}

/// Members on their way.
pub struct Runs<'a> {
    members: Vec<Member<'a>>,
    /// Of each one's last observation; NaN before the first.
    last_losses: Vec<f64>,
    /// Of those that have ended.
    outcomes: Vec<Option<Outcome>>,
}

impl<'a> Runs<'a> {
    /// At their start, or where their checkpoints left them.
    pub fn new(members: Vec<Member<'a>>) -> Self {
        let last_loss = |member: &Member| member.resumed.map_or(f64::NAN, Checkpoint::last_loss);
        Runs {
            last_losses: members.iter().map(last_loss).collect(),
            outcomes: members.iter().map(|member| member.ended).collect(),
            members,
        }
    }

    /// Trains them all and tells how each ended.
    pub fn train(
        mut self,
        mut stack: Box<dyn Stack>,
        mut observations: Observations,
    ) -> Result<Vec<Outcome>> {
        let Some(Member { lessons, resumed, .. }) = self.members.first() else {
            return Ok(Vec::new());
        };
        let seen = resumed.map(Checkpoint::step);
        // Of runs that did all their steps, and whose process ended before they had left what they leave.
        let is_over = seen.is_some_and(|seen| self.members.iter().all(|it| it.steps() == seen));
        // A checkpoint is taken after the observations of its own step.
        let is_ahead = |(_, step): &(usize, u64)| seen.is_none_or(|seen| *step > seen);
        for (stretch, observed) in observations_of(lessons).into_iter().filter(is_ahead) {
            if stretch > stack.stretch() {
                stack.turn(&self.members, stretch)?;
            }
            while stack.step() < observed {
                let shown = self.show(&mut observations, false)?;
                if stack.meter().is_some_and(|meter| meter.len() >= MOST_UNTOLD) {
                    self.pass(&mut observations, stack.as_mut())?;
                }
                let next = shown.max(self.before_step()?);
                if next != Continue::Yes {
                    self.pass(&mut observations, stack.as_mut())?;
                    self.keep(stack.as_ref())?;
                }
                if next == Continue::No {
                    return Ok(self.ended(Outcome::Stopped));
                }
                if self.outcomes.iter().all(Option::is_some) {
                    return Ok(self.ended(Outcome::Complete));
                }
                stack.descend();
            }
            observations.ask(tch::no_grad(|| self.observation(stack.as_mut()))?)?;
        }
        if self.show(&mut observations, true)? != Continue::Yes || is_over {
            self.keep(stack.as_ref())?;
        }
        Ok(self.ended(Outcome::Complete))
    }

    /// An observation of the stack, with what members want besides.
    fn observation(&self, stack: &mut dyn Stack) -> Result<Observation> {
        let observation = stack.observation()?;
        let members = self.members.iter().enumerate();
        let layers = members.map(|(index, member)| {
            let wants = member.observer.wants(stack.step());
            let is_seen = self.outcomes[index].is_none();
            (wants.layers && is_seen).then(|| layers(stack.state(index).0)).transpose()
        });
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let weights = self.members.iter().enumerate().map(|(index, member)| {
            let is_seen = self.outcomes[index].is_none();
            let wants = is_seen && member.observer.wants_weights(stack.step());
            wants.then(|| on_host(stack.state(index).0))
        });
        let weights: Vec<Option<NamedTensors>> = weights.collect();
        if layers.iter().all(Option::is_none) && weights.iter().all(Option::is_none) {
            return Ok(observation);
        }
        let mut besides = layers.into_iter().zip(weights);
        Ok(Box::new(move |see| {
            observation(&mut |member, snapshot| {
                let (layers, weights) = besides.next().unwrap_or_default();
                see(member, Snapshot { layers, weights, ..snapshot })
            })
        }))
    }

    /// Tells all members of the steps since the last observation, after all that was observed.
    fn pass(&mut self, observations: &mut Observations, stack: &mut dyn Stack) -> Result<()> {
        self.show(observations, true)?;
        let Some(meter) = stack.meter() else { return Ok(()) };
        let passed = meter.take().of_each(self.members.len())?;
        let members = self.members.iter_mut().zip(&self.outcomes).zip(&passed);
        for ((member, _), passed) in members.filter(|((_, outcome), _)| outcome.is_none()) {
            member.observer.pass(passed);
        }
        Ok(())
    }

    /// Shows what is observed by now, or `all` that was asked for, and says what members ask for next.
    fn show(&mut self, observations: &mut Observations, all: bool) -> Result<Continue> {
        let mut next = Continue::Yes;
        observations.show(all, &mut |member, snapshot| {
            next = next.max(self.see(member, snapshot)?);
            Ok(())
        })?;
        Ok(next)
    }

    fn see(&mut self, index: usize, snapshot: Snapshot) -> Result<Continue> {
        let (step, loss) = (snapshot.step, snapshot.evaluation.loss);
        let last_finite_loss = self.last_losses[index];
        if self.outcomes[index].is_some() {
            return Ok(Continue::Yes);
        }
        if loss.is_finite() {
            self.last_losses[index] = loss;
            return self.members[index].observer.see(snapshot);
        }
        ensure!(
            last_finite_loss.is_finite(),
            "the loss is not finite before the first step: lower the initial weights, or the inputs, which reach {:.3e}",
            self.members[index].lessons[0].task.inputs.largest()
        );
        // As where a checkpoint was written on the way: what is seen does not hang on the clock.
        self.members[index].observer.pass(&snapshot.passed);
        self.outcomes[index] = Some(Outcome::Diverged { step, last_finite_loss });
        Ok(Continue::Yes)
    }

    /// They share one clock: the first that still runs speaks for all.
    fn before_step(&mut self) -> Result<Continue> {
        let speaker = self.outcomes.iter().position(Option::is_none).unwrap_or(0);
        self.members[speaker].observer.before_step()
    }

    /// Gives every run a checkpoint of its own, also those that have ended: all of one step, kept at once.
    fn keep(&mut self, stack: &dyn Stack) -> Result<()> {
        for (index, member) in self.members.iter_mut().enumerate() {
            let last_loss = self.last_losses[index];
            let progress = Progress { seed: member.seed, step: stack.step(), last_loss };
            let (tensors, place) = stack.state(index);
            let checkpoint = Checkpoint::take(progress, tensors, place);
            member.observer.keep(checkpoint, self.outcomes[index])?;
        }
        self.members.first_mut().map_or(Ok(()), |first| first.observer.kept_all())
    }

    fn ended(self, others: Outcome) -> Vec<Outcome> {
        self.outcomes.into_iter().map(|outcome| outcome.unwrap_or(others)).collect()
    }
}

/// A network's layers, from what its checkpoint would hold: `layer1.weight`, `layer1.bias`, `layer2.weight` ...
fn layers(state: NamedTensors) -> Result<Vec<Layer>> {
    let find =
        |name: String| state.iter().find(|(known, _)| *known == name).map(|(_, tensor)| tensor);
    let mut layers = Vec::new();
    while let Some(weight) = find(format!("layer{}.weight", layers.len() + 1)) {
        let rows = weight.size().first().copied().unwrap_or(1);
        let bias = find(format!("layer{}.bias", layers.len() + 1)).map(to_vector).transpose()?;
        layers.push(Layer { weight: to_array(&weight.reshape([rows, -1]))?, bias });
    }
    Ok(layers)
}
