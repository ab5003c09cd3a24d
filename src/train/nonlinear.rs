//! Networks of one shape whose gradients libtorch finds, perceptrons and convolutions, trained side by side.

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

use super::arrays::{to_array, to_vector};
use super::batches::{Samples, Set};
use super::checkpoint::{NamedTensors, Place};
use super::dropout::Dropout;
use super::member::{Lesson, Member};
use super::observations::Observation;
use super::optimiser::{OptimiserState, rates};
use super::passed::{Meter, Of};
use super::projections::Projections;
use super::snapshot::{Answer, Snapshot};
use super::stack::{Stack, Watched};
use super::steps::{kernel_steps, spread_steps};
use super::supply::Feed;
use crate::config::{Config, KernelConfig, Precision, ProbeKind, Span};
use crate::model::{Layer, Mode, Network, Norm, Objective, Placement};
use crate::task::Task;

/// Networks between two steps, one for each member. Several convolutions pay on a GPU alone, where a small one leaves most
/// of the machine idle.
pub struct NonlinearStack {
    n_members: usize,
    /// The first member's of this stretch; the others' differ in what no step asks for.
    config: Config,
    objective: Objective,
    network: Network,
    parameters: NamedTensors,
    /// Those of them that are trained.
    trained: NamedTensors,
    /// The same tensors without their names.
    tensors: Vec<Tensor>,
    /// Running statistics.
    buffers: NamedTensors,
    dropout: Dropout,
    optimiser: OptimiserState,
    placement: Placement,
    watched: Watched,
    /// Updates done.
    step: u64,
    stretch: usize,
    /// Of each member: they differ in their learning rates alone.
    spans: Vec<Span>,
    samples: Samples,
    /// What is seen of the evaluation set through few components, if that is watched.
    projections: Option<Projections>,
    feed: Feed,
    meter: Option<Meter>,
}

impl NonlinearStack {
    /// At step 0. Members must be stackable.
    pub fn new(members: &[Member], device: Device, watched: Watched) -> Result<Self> {
        let lessons = &members.first().context("a stack has members")?.lessons;
        let Lesson { config, task, shared, .. } =
            *lessons.first().context("a run has a stretch")?;
        let training = &config.training;
        let (weights, compute) = match training.precision {
            Precision::Float32 => (Kind::Float, Kind::Float),
            Precision::Float64 => (Kind::Double, Kind::Double),
            Precision::Bfloat16 => (Kind::Float, Kind::BFloat16),
        };
        let mut generators: Vec<ChaCha8Rng> =
            members.iter().map(|member| ChaCha8Rng::seed_from_u64(member.seed)).collect();
        let configs = members.iter().map(|member| &member.lessons[0].config.network);
        let mut starts: Vec<_> = configs.zip(&mut generators).collect();
        let placement = Placement { device, weights, compute };
        let network = Network::side_by_side(&mut starts, task, placement)?;
        let parameters = network.parameters();
        let trained = trained(&parameters, &training.frozen);
        let seeds = members.iter().map(|member| member.seed);
        let dropout = Dropout::new(config.network.dropout, seeds, &network, (compute, device));
        let optimiser = OptimiserState::new(training, rates(members, 0), &trained);
        let samples = Samples::new((task, shared), config, device, weights, true)?;
        let feed = samples.feed(members.iter().map(|member| member.seed), None);
        Ok(NonlinearStack {
            meter: meter(members, 0, placement, watched)?,
            n_members: members.len(),
            config: config.clone(),
            objective: Objective::new(training.loss, task),
            buffers: network.buffers(),
            dropout,
            network,
            parameters,
            tensors: without_names(&trained),
            trained,
            optimiser,
            placement,
            watched,
            step: 0,
            stretch: 0,
            spans: spans(members, 0),
            projections: Projections::of(&config.projections, task, samples.evaluation())?,
            samples,
            feed,
        })
    }

    /// What the tangent kernel is to be found of, where one is asked for; then there is one member.
    fn kernel_inputs(&self) -> Option<Tensor> {
        let KernelConfig { samples, .. } = self.config.kernel?;
        let is_due = kernel_steps(&self.config).contains(&self.step());
        is_due.then(|| self.samples.first_training_inputs(samples))
    }
}

/// Samples of the evaluation set whose similarities are told, and about how many times in a stretch.
const SIMILAR_SAMPLES: i64 = 256;
const SIMILAR_TIMES: usize = 12;

/// Parameters, but those of layers that stay as they are, counted from 1.
fn trained(parameters: &NamedTensors, frozen: &[usize]) -> NamedTensors {
    let stays = |name: &str| frozen.iter().any(|layer| name.starts_with(&format!("layer{layer}.")));
    let trained = parameters.iter().filter(|(name, _)| !stays(name));
    trained.map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect()
}

fn without_names(parameters: &NamedTensors) -> Vec<Tensor> {
    parameters.iter().map(|(_, tensor)| tensor.shallow_clone()).collect()
}

/// Where each member's stretch lies on its clocks.
fn spans(members: &[Member], stretch: usize) -> Vec<Span> {
    members.iter().map(|member| member.lesson(stretch).span).collect()
}

/// What reads responses of a stretch at each step, if anything is to.
fn meter(
    members: &[Member],
    stretch: usize,
    placement: Placement,
    watched: Watched,
) -> Result<Option<Meter>> {
    let tasks: Vec<&Task> = members.iter().map(|member| member.lesson(stretch).task).collect();
    let n_labels = tasks.first().map_or(0, |task| task.targets.ncols() as i64);
    // Elsewhere a step's responses are not those that would be observed.
    let are_observed = members[0].lesson(stretch).config.network.answers_as_it_trains();
    match watched {
        Watched::AtEachStep if are_observed => {
            Meter::new(&tasks, &Of::Responses, n_labels, (placement.weights, placement.device))
        }
        Watched::AtEachStep | Watched::No => Ok(None),
    }
}

/// Norms of what normalisation multiplies by and adds, a pair for each layer; none where nothing is normalised.
fn affine_norms(layers: &[Layer], norm: impl Fn(&Tensor) -> f64) -> Vec<[Option<f64>; 2]> {
    if layers.iter().all(|layer| layer.norm.is_none()) {
        return Vec::new();
    }
    let of = |tensor: Option<&Tensor>| tensor.map(&norm);
    let of_norm = |of_layer: &Norm| [of(of_layer.scale.as_ref()), of(of_layer.shift.as_ref())];
    layers.iter().map(|layer| layer.norm.as_ref().map_or([None; 2], of_norm)).collect()
}

impl Stack for NonlinearStack {
    fn step(&self) -> u64 {
        self.step
    }

    fn stretch(&self) -> usize {
        self.stretch
    }

    fn turn(&mut self, members: &[Member], stretch: usize) -> Result<()> {
        let Lesson { config, task, shared, .. } = members[0].lesson(stretch);
        let Placement { device, weights, .. } = self.placement;
        self.trained = trained(&self.parameters, &config.training.frozen);
        self.tensors = without_names(&self.trained);
        self.optimiser.turn(members, stretch, &self.trained, |member, tensor| {
            self.network.member(member, tensor)
        });
        let samples = Samples::new((task, shared), config, device, weights, true)?;
        let seeds = members.iter().map(|member| member.seed);
        self.feed = samples.feed(seeds, Some(&self.feed));
        self.projections = Projections::of(&config.projections, task, samples.evaluation())?;
        self.meter = meter(members, stretch, self.placement, self.watched)?;
        (self.config, self.spans, self.samples, self.stretch) =
            (config.clone(), spans(members, stretch), samples, stretch);
        Ok(())
    }

    /// One update of every member. Losses of different members have no weight in common: their sum's gradient is each
    /// one's own.
    fn descend(&mut self) {
        let batch = self.samples.next_batch(&mut self.feed);
        let factors = self.dropout.factors(self.step, batch.inputs.size()[1]);
        let outputs = self.network.forward_in(Mode::Training(&factors), &batch.inputs);
        let (step, since) = (self.step, self.step - self.spans[0].first_step);
        if let Some(meter) = self.meter.as_mut().filter(|_| Meter::is_due(since)) {
            // A full batch answers for all items, a minibatch for some.
            let of_all = match self.config.training.batch_size {
                None => outputs.detach(),
                Some(_) => {
                    let inputs = self.samples.evaluation().all_inputs().unsqueeze(0);
                    tch::no_grad(|| self.network.forward(&inputs))
                }
            };
            meter.read(step, &self.objective.responses(&of_all));
        }
        let losses = self.objective.losses(&outputs, &batch.targets, &batch.weights);
        let loss = self.optimiser.weighed(&losses);
        let gradients = Tensor::run_backward(&[loss], &self.tensors, false, false);
        self.optimiser.update(&self.tensors, &gradients, self.spans[0].factor(step));
        self.step += 1;
    }

    fn meter(&mut self) -> Option<&mut Meter> {
        self.meter.as_mut()
    }

    fn observation(&mut self) -> Result<Observation> {
        let norm = |tensor: &Tensor| tensor.to_kind(Kind::Double).norm().double_value(&[]);
        let layers = self.network.layers();
        let of_members = (0..self.n_members).map(|member| {
            let of_member = |tensor: &Tensor| self.network.member(member, tensor);
            let biases = || layers.iter().map(|l| l.bias.as_ref().map(of_member));
            let weight_norms: Vec<f64> =
                layers.iter().map(|layer| norm(&of_member(&layer.weight))).collect();
            let bias_norms: Vec<Option<f64>> =
                biases().map(|bias| bias.as_ref().map(norm)).collect();
            let output_bias = biases().next_back().flatten();
            let output_bias = output_bias.as_ref().map(to_vector).transpose()?;
            let affine_norms = affine_norms(layers, |tensor| norm(&of_member(tensor)));
            Ok((weight_norms, bias_norms, affine_norms, output_bias))
        });
        let of_members = of_members.collect::<Result<Vec<_>>>()?;
        let (network, config) = (self.network.copy(), self.config.clone());
        let objective = self.objective.clone();
        let (step, stretch) = (self.step, self.stretch);
        let times: Vec<f64> = self.spans.iter().map(|span| span.time(step)).collect();
        let kernel_inputs = self.kernel_inputs();
        let is_similar = self.config.probes.contains(&ProbeKind::Representations)
            && spread_steps(&self.config, SIMILAR_TIMES)
                .contains(&(step - self.spans[0].first_step));
        let evaluation = self.samples.evaluation().share();
        let passed = self.meter.as_mut().map(Meter::take).unwrap_or_default();
        let training = self.samples.training_to_observe().map(Set::share);
        let projections = self.projections.as_ref().map(Projections::share);
        Ok(Box::new(move |see| {
            let answers = |set: &Set| {
                let forward = |inputs: &Tensor| network.forward(&inputs.unsqueeze(0));
                let outputs = match config.network.answers_in_batches() {
                    true => set.in_parts(config.training.batch_size, forward),
                    false => set.in_chunks(config.network.kind, of_members.len(), forward),
                };
                Answer::of_each(&outputs, set, &objective)
            };
            let similarities = match is_similar {
                true => network.similarities(&evaluation.first_inputs(SIMILAR_SAMPLES)),
                false => Vec::new(),
            };
            let projected = match &projections {
                Some(projections) => Answer::through(projections.sets(&evaluation), answers)?,
                None => Vec::new(),
            };
            let evaluation = answers(&evaluation)?;
            let training = Answer::or_none(training.as_ref().map(answers), evaluation.len())?;
            let kernel = kernel_inputs.map(|inputs| to_array(&network.tangent_kernel(&inputs)));
            let kernel = kernel.transpose()?;
            let passed = passed.of_each(evaluation.len())?;
            let snapshots = of_members.into_iter().zip(evaluation).zip(training).zip(passed);
            for (member, (((of_member, evaluation), training), passed)) in snapshots.enumerate() {
                let (weight_norms, bias_norms, affine_norms, output_bias) = of_member;
                let kernel = kernel.clone();
                let of_layer = |all: &Tensor| to_array(&all.get(member as i64));
                let similarities = similarities.iter().map(of_layer).collect::<Result<_>>()?;
                let projected = projected.get(member).cloned().unwrap_or_default();
                let snapshot = Snapshot {
                    step,
                    time: times[member],
                    stretch,
                    evaluation,
                    training,
                    weight_norms,
                    bias_norms,
                    affine_norms,
                    output_bias,
                    kernel,
                    similarities,
                    projected,
                    layers: None,
                    weights: None,
                    passed,
                };
                see(member, snapshot)?;
            }
            Ok(())
        }))
    }

    fn state(&self, member: usize) -> (NamedTensors, Option<Place>) {
        (self.tensors_of(member), self.feed.supplies[member].place())
    }

    fn tensors_of(&self, member: usize) -> NamedTensors {
        let named = self.optimiser.named();
        let all = self.parameters.iter().chain(&self.buffers).chain(&named);
        all.map(|(name, tensor)| (name.clone(), self.network.member(member, tensor))).collect()
    }

    fn feed(&mut self) -> &mut Feed {
        &mut self.feed
    }

    fn go_to(&mut self, step: u64, of_optimiser: u64) {
        self.step = step;
        self.optimiser.updates = of_optimiser;
    }

    fn parameters(&self) -> &[(String, Tensor)] {
        &self.parameters
    }
}
