//! What updates do to weights: a rule for each parameter, which remembers named tensors of our own. tch cannot save its
//! optimisers' state, and resuming needs it.

use std::fmt::Debug;

use tch::{Device, Tensor};

use super::member::{Lesson, Member};
use crate::config::{Adam, AdamW, Optimiser, Sgd, TrainingConfig};
use crate::model::from_host;

/// What one update does to one parameter.
trait Rule: Debug {
    /// Tensors of the parameter's shape that it remembers, all zero at first.
    fn remembers(&self) -> usize;

    /// Whether gradients may carry the learning rate, so that an update is as few operations as can be.
    fn takes_rates(&self) -> bool;

    /// One step in place.
    fn step(&self, parameter: &mut Tensor, gradient: &Tensor, memory: &mut [Tensor], now: Now);

    /// Makes what it remembers that of another learning rate, so many times as large.
    fn turn(&self, _memory: &[Tensor], _factor: f64) {}
}

/// The moment of an update.
#[derive(Debug, Clone, Copy)]
struct Now<'a> {
    /// Updates done, this one included.
    update: u64,
    rates: &'a Rates,
    /// Of the schedule, on all rates: velocities carry the rates alone, so that a step takes the present one for all of them.
    factor: f64,
    /// Whether gradients carry the learning rate of each network.
    has_rates: bool,
}

/// Learning rates of a stack's networks.
#[derive(Debug)]
enum Rates {
    /// Of all.
    One(f64),
    /// Of each, `[n_members]`, float64, where the parameters are: no step copies them there.
    Each(Tensor),
}

impl Rates {
    fn of(rates: &[f64], device: Device) -> Self {
        match rates {
            [first, others @ ..] if others.iter().any(|other| other != first) => {
                Rates::Each(from_host(rates).to_device(device))
            }
            [first, ..] => Rates::One(*first),
            [] => Rates::One(1.0),
        }
    }

    /// `tensor` times the rates over a number: each network's own part, which is its share of the first dimension, by its own.
    fn times(&self, tensor: &Tensor, over: f64) -> Tensor {
        match self {
            Rates::One(rate) => tensor * (*rate / over),
            Rates::Each(rates) => times_each(tensor, &(rates / over)),
        }
    }
}

/// `tensor` times a factor for each network, `[n_members]`, on its share of the first dimension.
fn times_each(tensor: &Tensor, factors: &Tensor) -> Tensor {
    let size = tensor.size();
    let shares = size[0] / factors.size()[0];
    let mut shape = vec![1; size.len()];
    shape[0] = size[0];
    let each = factors.to_kind(tensor.kind()).repeat_interleave_self_int(shares, 0, None);
    tensor * each.view(&shape[..])
}

/// `min(1, most / (|g| + 1e-6))` of each network, `[n_members]`, g being the gradients of all its parameters together: PyTorch's
/// `clip_grad_norm_`.
fn clipping(gradients: &[Tensor], n_members: i64, most: f64) -> Tensor {
    let norm = |tensor: Tensor| tensor.norm_scalaropt_dim(2, [1i64].as_slice(), false);
    let of_each = |gradient: &Tensor| norm(gradient.reshape([n_members, -1]));
    let norms: Vec<Tensor> = gradients.iter().map(of_each).collect();
    (most / (norm(Tensor::stack(&norms, 1)) + 1e-6)).clamp_max(1.0)
}

/// `w <- w - factor change`.
fn descend(parameter: &mut Tensor, change: &Tensor, factor: f64) {
    if factor == 1.0 {
        *parameter -= change;
    } else {
        *parameter -= change * factor;
    }
}

/// ```text
/// g <- g + lambda w,   v <- momentum v + eta g,   w <- w - v   (Nesterov: w <- w - (eta g + momentum v))
/// ```
///
/// with the schedule's factor on what is taken from w. As PyTorch's (no dampening; its velocity is ours over eta).
impl Rule for Sgd {
    fn remembers(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn takes_rates(&self) -> bool {
        self.weight_decay == 0.0
    }

    fn step(&self, parameter: &mut Tensor, gradient: &Tensor, memory: &mut [Tensor], now: Now) {
        let scaled;
        let change = if now.has_rates {
            gradient
        } else {
            let decayed = with_decay(gradient, parameter, self.weight_decay);
            scaled = now.rates.times(decayed.as_ref().unwrap_or(gradient), 1.0);
            &scaled
        };
        match memory {
            [velocity] => {
                *velocity *= self.momentum;
                *velocity += change;
                if self.nesterov {
                    descend(parameter, &(change + &*velocity * self.momentum), now.factor);
                } else {
                    descend(parameter, velocity, now.factor);
                }
            }
            _ => descend(parameter, change, now.factor),
        }
    }

    fn turn(&self, memory: &[Tensor], factor: f64) {
        for velocity in memory {
            let mut velocity = velocity.shallow_clone();
            velocity *= factor;
        }
    }
}

/// `g + lambda w`, where weights decay.
fn with_decay(gradient: &Tensor, parameter: &Tensor, decay: f64) -> Option<Tensor> {
    (decay != 0.0).then(|| gradient + parameter * decay)
}

/// ```text
/// m <- b1 m + (1-b1) g,  s <- b2 s + (1-b2) g^2,   w <- w - eta m^ / (sqrt(s^) + epsilon)
/// with  m^ = m / (1 - b1^k),  s^ = s / (1 - b2^k)  at update k
/// ```
///
/// and the schedule's factor on eta; where weights decay, g is first `g + lambda w`. As PyTorch's; Kingma and Ba 2015, algorithm 1.
impl Rule for Adam {
    fn remembers(&self) -> usize {
        2
    }

    fn takes_rates(&self) -> bool {
        false
    }

    fn step(&self, parameter: &mut Tensor, gradient: &Tensor, memory: &mut [Tensor], now: Now) {
        let [mean, square] = memory else { return };
        let Adam { beta1, beta2, epsilon, weight_decay } = *self;
        let decayed = with_decay(gradient, parameter, weight_decay);
        let gradient = decayed.as_ref().unwrap_or(gradient);
        *mean *= beta1;
        *mean += gradient * (1.0 - beta1);
        *square *= beta2;
        *square += gradient.square() * (1.0 - beta2);
        let update = now.update as f64;
        let root = (&*square / (1.0 - beta2.powf(update))).sqrt() + epsilon;
        let correction = 1.0 - beta1.powf(update);
        *parameter -= now.rates.times(&(&*mean / root), correction / now.factor);
    }
}

/// `w <- w - eta lambda w`, with the schedule's factor on eta, and then Adam's step. As PyTorch's; Loshchilov and Hutter 2019,
/// algorithm 2.
impl Rule for AdamW {
    fn remembers(&self) -> usize {
        2
    }

    fn takes_rates(&self) -> bool {
        false
    }

    fn step(&self, parameter: &mut Tensor, gradient: &Tensor, memory: &mut [Tensor], now: Now) {
        let AdamW { beta1, beta2, epsilon, weight_decay } = *self;
        let decayed = now.rates.times(&(&*parameter * weight_decay), 1.0 / now.factor);
        *parameter -= decayed;
        let adam = Adam { beta1, beta2, epsilon, weight_decay: 0.0 };
        adam.step(parameter, gradient, memory, now);
    }
}

/// The rule of a parameter, `layer1.weight`, under an optimiser.
fn rule_of(optimiser: Optimiser, _name: &str) -> Box<dyn Rule> {
    match optimiser {
        Optimiser::Sgd(sgd) => Box::new(sgd),
        Optimiser::Adam(adam) => Box::new(adam),
        Optimiser::AdamW(adam) => Box::new(adam),
    }
}

/// A parameter's rule, and what it remembers.
struct Kept {
    name: String,
    rule: Box<dyn Rule>,
    memory: Vec<Tensor>,
}

/// Rules of all parameters, with what they remember.
pub struct OptimiserState {
    optimiser: Optimiser,
    rates: Rates,
    n_members: i64,
    /// Largest norm of a network's gradient; `None`: as it is.
    most: Option<f64>,
    /// Updates done since the state was zero, which Adam corrects its means by.
    pub updates: u64,
    kept: Vec<Kept>,
}

fn device_of(parameters: &[(String, Tensor)]) -> Device {
    parameters.first().map_or(Device::Cpu, |(_, parameter)| parameter.device())
}

/// The members' learning rates in a stretch.
pub fn rates(members: &[Member], stretch: usize) -> Vec<f64> {
    members.iter().map(|member| member.lesson(stretch).span.learning_rate).collect()
}

/// What remembered tensors are called in checkpoints.
const SUFFIXES: [&str; 2] = ["first", "second"];

impl OptimiserState {
    /// State at the first step: zeros. `rates` are the learning rates of the stack's networks, whose shares of the first
    /// dimension of each parameter are equal.
    pub fn new(
        training: &TrainingConfig,
        rates: Vec<f64>,
        parameters: &[(String, Tensor)],
    ) -> Self {
        let optimiser = training.optimiser;
        let keep = |(name, parameter): &(String, Tensor)| {
            let rule = rule_of(optimiser, name);
            let zeros = || tch::no_grad(|| parameter.zeros_like());
            let memory = (0..rule.remembers()).map(|_| zeros()).collect();
            Kept { name: name.clone(), rule, memory }
        };
        let kept = parameters.iter().map(keep).collect();
        OptimiserState {
            optimiser,
            rates: Rates::of(&rates, device_of(parameters)),
            n_members: rates.len() as i64,
            most: training.gradient_clipping,
            updates: 0,
            kept,
        }
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
        let Lesson { config, keeps_optimiser, .. } = members[0].lesson(stretch);
        let rates = rates(members, stretch);
        // A run that goes on from a checkpoint turns from its first stretch, whose rules and parameters may be others.
        let are_kept =
            self.kept.iter().map(|kept| &kept.name).eq(parameters.iter().map(|(name, _)| name));
        if !keeps_optimiser || self.optimiser != config.training.optimiser || !are_kept {
            *self = OptimiserState::new(&config.training, rates, parameters);
            return;
        }
        self.most = config.training.gradient_clipping;
        self.rates = Rates::of(&rates, device_of(parameters));
        for (index, member) in members.iter().enumerate() {
            let [before, now] =
                [stretch - 1, stretch].map(|stretch| member.lesson(stretch).span.learning_rate);
            for Kept { rule, memory, .. } in &self.kept {
                let of_member: Vec<Tensor> =
                    memory.iter().map(|tensor| of_member(index, tensor)).collect();
                tch::no_grad(|| rule.turn(&of_member, now / before));
            }
        }
    }

    /// Factor that gradients of a network with this learning rate shall carry: the rate, if all rules take it with gradients,
    /// else 1.
    pub fn gradient_scale(&self, learning_rate: f64) -> f64 {
        if self.has_rates() { learning_rate } else { 1.0 }
    }

    /// Losses of all networks as one, whose gradients carry `gradient_scale` of each one's learning rate.
    pub fn weighed(&self, losses: &Tensor) -> Tensor {
        match &self.rates {
            Rates::One(rate) => losses.sum(None) * self.gradient_scale(*rate),
            Rates::Each(_) if !self.has_rates() => losses.sum(None),
            rates @ Rates::Each(_) => rates.times(losses, 1.0).sum(None),
        }
    }

    fn has_rates(&self) -> bool {
        self.most.is_none() && self.kept.iter().all(|kept| kept.rule.takes_rates())
    }

    /// One step of all parameters, in place; `gradients` carry `gradient_scale`, and `factor` is the schedule's.
    pub fn update<'a>(
        &mut self,
        parameters: impl IntoIterator<Item = &'a Tensor>,
        gradients: &[Tensor],
        factor: f64,
    ) {
        self.updates += 1;
        let has_rates = self.has_rates();
        let now = Now { update: self.updates, rates: &self.rates, factor, has_rates };
        tch::no_grad(|| {
            let shorter = self.most.map(|most| clipping(gradients, self.n_members, most));
            for ((kept, parameter), gradient) in self.kept.iter_mut().zip(parameters).zip(gradients)
            {
                let mut parameter = parameter.shallow_clone();
                let clipped = shorter.as_ref().map(|shorter| times_each(gradient, shorter));
                let gradient = clipped.as_ref().unwrap_or(gradient);
                kept.rule.step(&mut parameter, gradient, &mut kept.memory, now);
            }
        });
    }

    /// State with names, `layer1.weight.first`, ...
    pub fn named(&self) -> Vec<(String, Tensor)> {
        let mut all = Vec::new();
        for (index, suffix) in SUFFIXES.iter().enumerate() {
            for Kept { name, memory, .. } in &self.kept {
                let tensor = memory.get(index).map(Tensor::shallow_clone);
                all.extend(tensor.map(|tensor| (format!("{name}.{suffix}"), tensor)));
            }
        }
        all
    }
}
