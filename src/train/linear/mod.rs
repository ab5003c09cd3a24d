//! Linear networks of one shape, trained side by side in one stack of tensors with their gradients written out.

mod drive;
mod start;

use anyhow::{Context, Result};
use tch::{Device, Kind, Tensor};

use super::arrays::to_vector;
use super::batches::{Samples, Set};
use super::checkpoint::{NamedTensors, Place};
use super::member::{Lesson, Member};
use super::moments::Moments;
use super::observations::Observation;
use super::optimiser::{OptimiserState, rates};
use super::passed::{Meter, Of};
use super::projections::Projections;
use super::snapshot::{Answer, Snapshot};
use super::stack::{Stack, Watched, learns_from_moments};
use super::supply::Feed;
use crate::config::{Bias, Loss, NetworkKind, Precision, Span};
use crate::model::Objective;
use crate::task::{Task, TaskInputs};

use drive::{Drive, GroupMoments, outputs};
use start::{Axes, StackedLayer, handy, initial_layers};

/// Linear networks `yhat = W_L (.. (W_1 x + b_1) ..) + b_L` of any depth, one for each member.
///
/// With `U_l = W_{l+1}^T .. W_L^T` the whole map of inputs `x`, with a 1 appended if there are biases, is `T`: `W_1^T U_1`
/// and a last row `c = sum_l b_l^T U_l`. All gradients follow from how the loss changes with it:
///
/// ```text
/// E = dL/dT   [n_rows, n_labels],  its last row e
/// P_1 = E^T [W_1^T; b_1^T],  P_l = P_{l-1} W_l^T + e^T b_l^T
/// dL/d[W_1^T; b_1^T] = E U_1^T,  dL/dW_l = U_l P_{l-1},  dL/db_l^T = e U_l^T
/// ```
pub struct LinearStack {
    layers: Vec<StackedLayer>,
    n_inputs: i64,
    n_labels: i64,
    /// Outputs with those beyond the labels'.
    n_outputs: i64,
    /// All weights and biases, as the optimiser takes them, with their names.
    parameters: Vec<(String, Tensor)>,
    optimiser: OptimiserState,
    axes: Axes,
    objective: Objective,
    has_biases: bool,
    /// Axes of the inputs, float64; `None`: their own.
    basis: Option<Tensor>,
    device: Device,
    kind: Kind,
    watched: Watched,
    /// Updates done.
    step: u64,
    stretch: usize,
    lesson: Learning,
}

/// What members learn in one stretch.
struct Learning {
    drive: Drive,
    /// Members in their order. Those that learn from samples are one group.
    groups: Vec<Group>,
    feed: Feed,
    meter: Option<Meter>,
    /// Updates done before.
    first_step: u64,
}

/// Members that learn one task with one learning rate.
struct Group {
    n_members: i64,
    samples: Samples,
    projections: Option<Projections>,
    span: Span,
}

impl LinearStack {
    /// Members must be stackable.
    pub fn new(members: &[Member], device: Device, watched: Watched) -> Result<Self> {
        let lessons = &members.first().context("a stack has members")?.lessons;
        let Lesson { config, task, .. } = lessons.first().context("a run has a stretch")?;
        let kind = match config.training.precision {
            // Linear networks gain nothing from short formats: their products are small.
            Precision::Float32 | Precision::Bfloat16 => Kind::Float,
            Precision::Float64 => Kind::Double,
        };
        let from_moments = lessons.iter().all(|lesson| learns_from_moments(lesson.config));
        let rotated =
            (lessons.iter()).all(|lesson| lesson.config.training.optimiser.turns_with_axes());
        // A few vectors are as fast in their own axes.
        let inputs_rotated =
            from_moments && rotated && matches!(task.inputs, TaskInputs::Images { .. });
        let basis = match inputs_rotated {
            true => lessons[0].shared.moments(task, device, true)?.basis,
            false => None,
        };
        let n_labels = task.targets.ncols() as i64;
        // Moments hold no targets for further outputs, which stay at zero; samples' losses count them.
        let n_outputs = if from_moments { handy(n_labels) } else { n_labels };
        let (layers, axes) =
            initial_layers(members, device, kind, basis.as_ref(), rotated, n_outputs)?;
        let parameters = named(&layers);
        let objective = Objective::new(config.training.loss, task);
        let optimiser = OptimiserState::new(&config.training, rates(members, 0), &parameters);
        let has_biases = config.network.bias != Bias::None;
        let lesson = Learning {
            drive: Drive::Samples { scale: 1.0, objective: objective.clone() },
            groups: Vec::new(),
            feed: Feed::of(Vec::new()),
            meter: None,
            first_step: 0,
        };
        let mut stack = LinearStack {
            layers,
            n_inputs: task.n_inputs() as i64,
            n_labels,
            n_outputs,
            parameters,
            optimiser,
            axes,
            objective,
            has_biases,
            basis,
            device,
            kind,
            watched,
            step: 0,
            stretch: 0,
            lesson,
        };
        stack.lesson = stack.learning(members, 0)?;
        Ok(stack)
    }

    /// What members learn in a stretch, after what they learn now.
    fn learning(&self, members: &[Member], stretch: usize) -> Result<Learning> {
        let is_one_group = |one: &Member, other: &Member| {
            let (one, other) = (one.lesson(stretch), other.lesson(stretch));
            std::ptr::eq(one.task, other.task) && one.span == other.span
        };
        let from_moments =
            members[0].lessons.iter().all(|lesson| learns_from_moments(lesson.config));
        let (mut groups, mut moments) = (Vec::new(), Vec::new());
        for group in members.chunk_by(is_one_group) {
            let Lesson { config, task, shared, span, .. } = group[0].lesson(stretch);
            let n_members = group.len() as i64;
            let samples =
                Samples::new((task, shared), config, self.device, self.kind, !from_moments)?;
            let projections = Projections::of(&config.projections, task, samples.evaluation())?;
            groups.push(Group { n_members, samples, projections, span });
            if from_moments {
                let moments_here = self.moments(members[0].lesson(0), group[0].lesson(stretch))?;
                let scale = self.optimiser.gradient_scale(span.learning_rate);
                moments.push(GroupMoments { moments: moments_here, n_members, scale });
            }
        }
        let n_outputs = self.n_outputs;
        let first = members[0].lesson(stretch);
        let drive = if from_moments {
            Drive::of(&moments, n_outputs, self.has_biases, self.kind)
        } else {
            let scale = self.optimiser.gradient_scale(first.span.learning_rate);
            Drive::Samples { scale, objective: self.objective.clone() }
        };
        let samples = &groups[0].samples;
        let seeds = members.iter().map(|member| member.seed);
        let feed = samples.feed(seeds, Some(&self.lesson.feed));
        let meter = match self.watched {
            Watched::AtEachStep => {
                let tasks: Vec<&Task> =
                    members.iter().map(|member| member.lesson(stretch).task).collect();
                let of = if self.objective.kind() == Loss::HalfSquaredError {
                    Of::Maps { with_ones: self.has_biases }
                } else {
                    Of::Responses
                };
                Meter::new(&tasks, &of, n_outputs, (self.kind, self.device))?
            }
            Watched::No => None,
        };
        Ok(Learning { drive, groups, feed, meter, first_step: first.span.first_step })
    }

    /// A lesson's moments in the axes in which this stack's inputs are told, which are those of its `first` lesson. The same images
    /// have the same axes, whatever they are called; of others only the moments themselves are found.
    fn moments(&self, first: Lesson, lesson: Lesson) -> Result<Moments> {
        let plain = || lesson.shared.moments(lesson.task, self.device, false);
        let Some(basis) = &self.basis else { return plain() };
        if !lesson.task.inputs.are_those_of(&first.task.inputs) {
            return Ok(plain()?.along(basis));
        }
        let known = first.shared.moments(first.task, self.device, true)?;
        match std::ptr::eq(first.task, lesson.task) {
            true => Ok(known),
            false => Ok(known.beside(lesson.task, self.device)),
        }
    }

    /// `U_1 .. U_{L-1}`, `[n_members, width, n_labels]`.
    fn above(&self) -> Vec<Tensor> {
        let mut above: Vec<Tensor> = Vec::new();
        for layer in self.layers[1..].iter().rev() {
            let weight = layer.weight.transpose(1, 2);
            above.push(match above.last() {
                None => weight,
                Some(next) => weight.bmm(next),
            });
        }
        above.reverse();
        above
    }

    /// `T`, `[n_members, n_rows, n_labels]`.
    fn map(&self, above: &[Tensor]) -> Tensor {
        let first = &self.layers[0].weight;
        let mut map = above.first().map_or_else(|| first.copy(), |above| first.bmm(above));
        let later = self.layers.iter().enumerate().skip(1);
        for (index, bias) in later.filter_map(|(index, layer)| Some((index, layer.bias.as_ref()?)))
        {
            let through =
                above.get(index).map_or_else(|| bias.shallow_clone(), |above| bias.bmm(above));
            if map.size()[1] == self.n_inputs {
                map = Tensor::cat(&[map, through], 1);
            } else {
                let mut last = map.narrow(1, self.n_inputs, 1);
                last += through;
            }
        }
        map
    }

    /// Reads what the responses of now are.
    fn read(&mut self, map: &Tensor) {
        let step = self.step;
        let Learning { meter, groups, first_step, .. } = &mut self.lesson;
        let Some(meter) = meter.as_mut().filter(|_| Meter::is_due(step - *first_step)) else {
            return;
        };
        match self.objective.kind() {
            Loss::HalfSquaredError => meter.read(step, map),
            Loss::BinaryCrossEntropy | Loss::SoftmaxCrossEntropy => {
                let inputs = groups[0].samples.evaluation().all_inputs().unsqueeze(0);
                let outputs = outputs(&inputs, map, self.n_inputs);
                meter.read(step, &self.objective.responses(&outputs));
            }
        }
    }

    /// A layer's weights, the first layer's transposed, and bias; of the last those of labels.
    fn weight_and_bias(&self, index: usize) -> (Tensor, Option<Tensor>) {
        let StackedLayer { weight, bias } = &self.layers[index];
        let (weight, bias) = if index == 0 && weight.size()[1] > self.n_inputs {
            (weight.narrow(1, 0, self.n_inputs), Some(weight.narrow(1, self.n_inputs, 1)))
        } else {
            (weight.shallow_clone(), bias.as_ref().map(Tensor::shallow_clone))
        };
        if index + 1 < self.layers.len() {
            return (weight, bias);
        }
        let outputs = if index == 0 { 2 } else { 1 };
        let bias = bias.map(|bias| bias.narrow(2, 0, self.n_labels));
        (weight.narrow(outputs, 0, self.n_labels), bias)
    }
}

impl Stack for LinearStack {
    fn step(&self) -> u64 {
        self.step
    }

    fn stretch(&self) -> usize {
        self.stretch
    }

    fn turn(&mut self, members: &[Member], stretch: usize) -> Result<()> {
        let of_member = |member: usize, tensor: &Tensor| tensor.select(0, member as i64);
        self.optimiser.turn(members, stretch, &self.parameters, of_member);
        self.lesson = self.learning(members, stretch)?;
        self.stretch = stretch;
        Ok(())
    }

    fn descend(&mut self) {
        let above = self.above();
        let map = self.map(&above);
        self.read(&map);
        let Learning { drive, groups, feed, .. } = &mut self.lesson;
        let batch = || groups[0].samples.next_batch(feed);
        let drive = drive.at(&map, self.n_inputs, batch);
        let through_ones = drive.narrow(1, drive.size()[1] - 1, 1);
        let mut gradients = Vec::with_capacity(self.parameters.len());
        let first = &self.layers[0].weight;
        let through_first = drive.narrow(1, 0, first.size()[1]);
        gradients.push(match above.first() {
            None => through_first.shallow_clone(),
            Some(above) => through_first.bmm(&above.transpose(1, 2)),
        });
        let mut below = through_first.transpose(1, 2);
        for (index, pair) in self.layers.windows(2).enumerate() {
            let [before, layer] = pair else { break };
            below = match index {
                0 => below.bmm(first),
                _ => below.bmm(&before.weight.transpose(1, 2)),
            };
            if let Some(bias) = &before.bias {
                below = below.baddbmm(&through_ones.transpose(1, 2), bias, 1, 1);
            }
            let above = above.get(index + 1);
            gradients.push(match above {
                None => below.shallow_clone(),
                Some(above) => above.bmm(&below),
            });
            if layer.bias.is_some() {
                gradients.push(match above {
                    None => through_ones.shallow_clone(),
                    Some(above) => through_ones.bmm(&above.transpose(1, 2)),
                });
            }
        }
        let parameters = self.parameters.iter().map(|(_, tensor)| tensor);
        self.optimiser.update(parameters, &gradients, groups[0].span.factor(self.step));
        self.step += 1;
    }

    fn meter(&mut self) -> Option<&mut Meter> {
        self.lesson.meter.as_mut()
    }

    fn observation(&mut self) -> Result<Observation> {
        let map = self.map(&self.above());
        let n_rows = map.size()[1];
        let map = match &self.axes.inputs {
            None => map,
            Some(axes) => {
                let of_inputs = axes.matmul(&map.narrow(1, 0, self.n_inputs));
                Tensor::cat(&[of_inputs, map.narrow(1, self.n_inputs, n_rows - self.n_inputs)], 1)
            }
        };
        let norms = |tensor: &Tensor| {
            let squares = tensor.to_kind(Kind::Double).square();
            to_vector(&squares.sum_dim_intlist([1i64, 2].as_slice(), false, None).sqrt())
        };
        let (mut weight_norms, mut bias_norms) = (Vec::new(), Vec::new());
        for index in 0..self.layers.len() {
            let (weight, bias) = self.weight_and_bias(index);
            weight_norms.push(norms(&weight)?);
            bias_norms.push(bias.as_ref().map(norms).transpose()?);
        }
        let (_, output_bias) = self.weight_and_bias(self.layers.len() - 1);
        let output_biases = output_bias.as_ref().map(to_vector).transpose()?;
        let (step, n_inputs, n_labels) = (self.step, self.n_inputs, self.n_labels);
        let objective = self.objective.clone();
        let stretch = self.stretch;
        let passed = self.lesson.meter.as_mut().map(Meter::take).unwrap_or_default();
        let mut first = 0;
        let groups: Vec<_> = self
            .lesson
            .groups
            .iter()
            .map(|Group { n_members, samples, projections, span }| {
                let map = map.narrow(0, first, *n_members);
                first += n_members;
                let training = samples.training_to_observe().map(Set::share);
                let projections = projections.as_ref().map(Projections::share);
                (map, span.time(step), samples.evaluation().share(), training, projections)
            })
            .collect();
        Ok(Box::new(move |see| {
            let n_labels_of_bias = n_labels as usize;
            let n_members = groups.iter().map(|(map, ..)| map.size()[0] as usize).sum();
            let mut passed = passed.of_each(n_members)?.into_iter();
            let mut member = 0;
            for (map, time, evaluation, training, projections) in &groups {
                let answers =
                    |set: &Set, map: &Tensor| answers(set, map, [n_inputs, n_labels], &objective);
                for map in in_blocks(map, evaluation, training.as_ref()) {
                    let evaluations = answers(evaluation, &map)?;
                    let projected = match projections {
                        Some(of) => Answer::through(of.sets(evaluation), |set| answers(set, &map))?,
                        None => vec![Vec::new(); evaluations.len()],
                    };
                    let trainings = training.as_ref().map(|training| answers(training, &map));
                    let trainings = Answer::or_none(trainings, evaluations.len())?;
                    let answered = evaluations.into_iter().zip(trainings).zip(projected);
                    for ((evaluation, training), projected) in answered {
                        let snapshot = Snapshot {
                            step,
                            time: *time,
                            stretch,
                            evaluation,
                            training,
                            weight_norms: weight_norms.iter().map(|norms| norms[member]).collect(),
                            bias_norms: bias_norms
                                .iter()
                                .map(|norms| norms.as_ref().map(|norms| norms[member]))
                                .collect(),
                            affine_norms: Vec::new(),
                            output_bias: output_biases.as_ref().map(|biases| {
                                biases[member * n_labels_of_bias..][..n_labels_of_bias].to_vec()
                            }),
                            // Of a linear network the Gram matrix of its inputs says what a kernel would.
                            kernel: None,
                            similarities: Vec::new(),
                            projected,
                            layers: None,
                            weights: None,
                            passed: passed.next().unwrap_or_default(),
                        };
                        see(member, snapshot)?;
                        member += 1;
                    }
                }
            }
            Ok(())
        }))
    }

    /// One member's tensors and place in its order of samples: as they are, `stack.layer1.weight` and so on, for an exact
    /// continuation, and as weights and biases in the networks' own axes, `layer1.weight`, for other readers.
    fn state(&self, member: usize) -> (NamedTensors, Option<Place>) {
        let of_member = |tensor: &Tensor| tensor.select(0, member as i64);
        let mut tensors = self.tensors_of(member);
        let mut below = self.axes.inputs.as_ref().map(Tensor::shallow_clone);
        for index in 0..self.layers.len() {
            let above = self.axes.hidden.get(index).and_then(Option::as_ref).map(of_member);
            let (weight, bias) = self.weight_and_bias(index);
            let weight = of_member(&weight);
            let mut weight = if index == 0 { weight.tr() } else { weight };
            if let Some(below) = &below {
                weight = weight.matmul(&below.tr());
            }
            let mut bias = bias.as_ref().map(of_member);
            if let Some(above) = &above {
                weight = above.matmul(&weight);
                bias = bias.map(|bias| bias.matmul(&above.tr()));
            }
            let number = index + 1;
            tensors.push((format!("layer{number}.weight"), weight));
            tensors.extend(bias.map(|bias| (format!("layer{number}.bias"), bias.squeeze_dim(0))));
            below = above;
        }
        (tensors, self.lesson.feed.supplies[member].place())
    }

    fn tensors_of(&self, member: usize) -> NamedTensors {
        let named = self.optimiser.named();
        let all = self.parameters.iter().chain(&named);
        all.map(|(name, tensor)| (name.clone(), tensor.select(0, member as i64))).collect()
    }

    fn feed(&mut self) -> &mut Feed {
        &mut self.lesson.feed
    }

    fn go_to(&mut self, step: u64, of_optimiser: u64) {
        self.step = step;
        self.optimiser.updates = of_optimiser;
    }

    fn parameters(&self) -> &[(String, Tensor)] {
        &self.parameters
    }
}

/// Responses that are found together: 2^23 of them, with their loss and in float64, take 200 MB.
const MOST_RESPONSES: i64 = 1 << 23;

/// Maps of as many members as answer together. One product for many is faster than one for each, but all answers of a large
/// stack would fill the memory.
fn in_blocks(map: &Tensor, evaluation: &Set, training: Option<&Set>) -> Vec<Tensor> {
    let (n_members, n_outputs) = (map.size()[0], map.size()[2]);
    let samples = training.map_or(0, Set::n_samples).max(evaluation.n_samples()) as i64;
    let together = (MOST_RESPONSES / (samples * n_outputs).max(1)).max(1);
    (0..n_members)
        .step_by(together as usize)
        .map(|first| map.narrow(0, first, together.min(n_members - first)))
        .collect()
}

/// Responses of maps `[n_members, n_rows, n_outputs]` to a set, and their losses, one for each member.
fn answers(
    set: &Set,
    map: &Tensor,
    [n_inputs, n_labels]: [i64; 2],
    objective: &Objective,
) -> Result<Vec<Answer>> {
    let (n_members, n_rows, n_outputs) = map.size3()?;
    // One product for all members.
    let side_by_side = map.permute([1, 0, 2]).reshape([1, n_rows, -1]);
    let outputs = set.in_chunks(NetworkKind::Linear, n_members as usize, |inputs| {
        let outputs = outputs(inputs, &side_by_side, n_inputs).squeeze_dim(0);
        outputs.view([-1, n_members, n_outputs]).transpose(0, 1)
    });
    Answer::of_each(&outputs.narrow(2, 0, n_labels), set, objective)
}

/// `stack.layer1.weight`, `stack.layer1.bias`, ...
fn named(layers: &[StackedLayer]) -> NamedTensors {
    let mut named = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let name = |part: &str| format!("stack.layer{}.{part}", index + 1);
        named.push((name("weight"), layer.weight.shallow_clone()));
        named.extend(layer.bias.as_ref().map(|bias| (name("bias"), bias.shallow_clone())));
    }
    named
}
