//! SGD and Adam whose state are named tensors of our own: tch cannot save its optimisers' state, and resuming needs it.

use tch::Tensor;

use super::{Lesson, Member};
use crate::config::{Adam, Optimiser, Sgd};

/// An optimiser and what it remembers of each parameter.
pub struct OptimiserState {
    optimiser: Optimiser,
    learning_rate: f64,
    /// Updates done since its state was zero; Adam corrects its means by it.
    pub updates: u64,
    /// Momentum's velocity, or Adam's mean gradient; one per parameter, or none.
    first: Vec<Tensor>,
    /// Adam's mean squared gradient; one per parameter, or none.
    second: Vec<Tensor>,
    names: Vec<String>,
}

impl OptimiserState {
    /// State at the first step: zeros.
    pub fn new(optimiser: Optimiser, learning_rate: f64, parameters: &[(String, Tensor)]) -> Self {
        let zeros =
            || tch::no_grad(|| parameters.iter().map(|(_, tensor)| tensor.zeros_like()).collect());
        let (first, second) = match optimiser {
            Optimiser::Sgd(Sgd { momentum: 0.0 }) => (Vec::new(), Vec::new()),
            Optimiser::Sgd(Sgd { momentum: _ }) => (zeros(), Vec::new()),
            Optimiser::Adam(_) => (zeros(), zeros()),
        };
        let names = parameters.iter().map(|(name, _)| name.clone()).collect();
        OptimiserState { optimiser, learning_rate, updates: 0, first, second, names }
    }

    /// Turns to the members' lesson of a stretch: with its state, whose velocities carry their learning rates, if that is kept,
    /// else with zeros. `parameters` are those of all members, and `of_member` finds one's own in a tensor.
    pub fn turn(
        &mut self,
        members: &[Member],
        stretch: usize,
        parameters: &[(String, Tensor)],
        of_member: impl Fn(usize, &Tensor) -> Tensor,
    ) {
        let Lesson { config, span, keeps_optimiser, .. } = members[0].lesson(stretch);
        let optimiser = config.training.optimiser;
        if !keeps_optimiser {
            *self = OptimiserState::new(optimiser, span.learning_rate, parameters);
            return;
        }
        self.learning_rate = span.learning_rate;
        let Optimiser::Sgd(_) = optimiser else { return };
        for (index, member) in members.iter().enumerate() {
            let [before, now] =
                [stretch - 1, stretch].map(|stretch| member.lesson(stretch).span.learning_rate);
            for velocity in &self.first {
                let mut own = of_member(index, velocity);
                tch::no_grad(|| own *= now / before);
            }
        }
    }

    /// Factor that gradients of a network with this learning rate shall carry, so that an update is as few operations as
    /// can be: SGD's step size, and 1 for Adam, which scales by itself, by one rate for all.
    pub fn gradient_scale(&self, learning_rate: f64) -> f64 {
        match self.optimiser {
            Optimiser::Sgd(_) => learning_rate,
            Optimiser::Adam(_) => 1.0,
        }
    }

    /// One step of all parameters, in place; `gradients` carry `gradient_scale`.
    ///
    /// ```text
    /// SGD    v <- momentum v + eta g,                                       w <- w - v
    /// Adam   m <- b1 m + (1-b1) g,  s <- b2 s + (1-b2) g^2,                 w <- w - eta m^ / (sqrt(s^) + epsilon)
    ///        with  m^ = m / (1 - b1^k),  s^ = s / (1 - b2^k)  at update k
    /// ```
    ///
    /// Both as PyTorch defines them (no dampening, no weight decay; its velocity is ours over eta);
    /// Adam: Kingma and Ba 2015, algorithm 1.
    pub fn update<'a>(
        &mut self,
        parameters: impl IntoIterator<Item = &'a Tensor>,
        gradients: &[Tensor],
    ) {
        self.updates += 1;
        let rate = self.learning_rate;
        tch::no_grad(|| {
            for (index, (parameter, gradient)) in parameters.into_iter().zip(gradients).enumerate()
            {
                let mut parameter = parameter.shallow_clone();
                match self.optimiser {
                    Optimiser::Sgd(Sgd { momentum }) => match self.first.get_mut(index) {
                        None => parameter -= gradient,
                        Some(velocity) => {
                            *velocity *= momentum;
                            *velocity += gradient;
                            parameter -= &*velocity;
                        }
                    },
                    Optimiser::Adam(Adam { beta1, beta2, epsilon }) => {
                        let (mean, square) = (&mut self.first[index], &mut self.second[index]);
                        *mean *= beta1;
                        *mean += gradient * (1.0 - beta1);
                        *square *= beta2;
                        *square += gradient.square() * (1.0 - beta2);
                        let update = self.updates as f64;
                        let root = (&*square / (1.0 - beta2.powf(update))).sqrt() + epsilon;
                        parameter -= &*mean / root * (rate / (1.0 - beta1.powf(update)));
                    }
                }
            }
        });
    }

    /// State with names, `layer1.weight.first`, ...
    pub fn named(&self) -> Vec<(String, Tensor)> {
        let named = |tensors: &[Tensor], suffix: &str| -> Vec<(String, Tensor)> {
            self.names
                .iter()
                .zip(tensors)
                .map(|(name, t)| (format!("{name}.{suffix}"), t.shallow_clone()))
                .collect()
        };
        let mut all = named(&self.first, "first");
        all.extend(named(&self.second, "second"));
        all
    }
}
