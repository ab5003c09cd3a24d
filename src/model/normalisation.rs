//! Normalisation of what a layer of networks side by side makes.

use tch::{Kind, Tensor};

use super::placement::Placement;
use crate::config::{Affine, GroupNormalisation, Normalisation};

/// Added to variances, as in PyTorch.
const EPSILON: f64 = 1e-5;
/// Share of a batch's statistics in the running ones, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// What batch normalisation takes its statistics from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics {
    /// From the batch, which changes the running ones.
    OfTraining,
    /// From the samples at hand.
    OfSamples,
    /// The running ones.
    Running,
}

/// Normalisation of one layer, with a scale and a shift for each channel or unit, `[n_members * n_outputs]`.
#[derive(Debug)]
pub struct Norm {
    kind: Normalisation,
    /// Starts at 1.
    pub scale: Option<Tensor>,
    /// Starts at 0.
    pub shift: Option<Tensor>,
    /// Running mean and (unbiased) variance of batch normalisation, `[n_members * n_outputs]`, from 0 and 1 on.
    pub running: Option<[Tensor; 2]>,
}

impl Norm {
    /// Of so many outputs of all networks; `None` where nothing is normalised.
    pub fn new(kind: Normalisation, n_outputs: i64, placement: Placement) -> Option<Self> {
        let (affine, format) = (kind.affine(), (placement.weights, placement.device));
        let (has_scale, has_shift) = match affine {
            Affine::All => (true, true),
            Affine::Scale => (true, false),
            Affine::None => (false, false),
        };
        let (ones, zeros) =
            (|| Tensor::ones([n_outputs], format), || Tensor::zeros([n_outputs], format));
        let keeps = kind.evaluation().is_some();
        (!kind.is_none()).then(|| Norm {
            kind,
            scale: has_scale.then(|| ones().set_requires_grad(true)),
            shift: has_shift.then(|| zeros().set_requires_grad(true)),
            running: keeps.then(|| [zeros(), ones()]),
        })
    }

    /// Whether `affine` changes anything.
    pub fn is_affine(&self) -> bool {
        self.scale.is_some() || self.shift.is_some()
    }

    /// The same with tensors of its own.
    pub fn copied(&self, copy: impl Fn(&Tensor) -> Tensor) -> Self {
        Norm {
            kind: self.kind,
            scale: self.scale.as_ref().map(&copy),
            shift: self.shift.as_ref().map(&copy),
            running: self.running.as_ref().map(|tensors| tensors.each_ref().map(copy)),
        }
    }

    /// Of `x`, `[n_samples, n_members * channels, height, width]` or `[n_members, n_samples, n_units]`: normalised, scaled and
    /// shifted. In half precision it is done in that of the weights, as PyTorch's autocast does.
    pub fn of(&self, x: &Tensor, n_members: i64, statistics: Statistics) -> Tensor {
        let (scale, shift) = (self.scale.as_ref(), self.shift.as_ref());
        self.normalised(x, (scale, shift), n_members, statistics)
    }

    /// The same without scale and shift.
    pub fn plain_of(&self, x: &Tensor, n_members: i64, statistics: Statistics) -> Tensor {
        self.normalised(x, (None, None), n_members, statistics)
    }

    /// Scaled and shifted, in plain operations.
    pub fn affine_of(&self, x: &Tensor) -> Tensor {
        let kind = x.kind();
        let broadcast = |tensor: &Tensor| {
            let tensor = tensor.to_kind(kind);
            if x.dim() == 4 {
                tensor.view([1, -1, 1, 1])
            } else {
                self.of_units(&tensor, x.size()[0])
            }
        };
        let scaled = match &self.scale {
            Some(scale) => x * broadcast(scale),
            None => x.shallow_clone(),
        };
        match &self.shift {
            Some(shift) => scaled + broadcast(shift),
            None => scaled,
        }
    }

    /// Numbers for each unit of each network, as `[n_members, 1, n_units]`.
    fn of_units(&self, tensor: &Tensor, n_members: i64) -> Tensor {
        tensor.view([n_members, 1, -1])
    }

    fn normalised(
        &self,
        x: &Tensor,
        (scale, shift): (Option<&Tensor>, Option<&Tensor>),
        n_members: i64,
        statistics: Statistics,
    ) -> Tensor {
        let given = x.kind();
        let computed = if given == Kind::BFloat16 { Kind::Float } else { given };
        let x = x.to_kind(computed);
        let in_format = |tensor: Option<&Tensor>| tensor.map(|tensor| tensor.to_kind(computed));
        let (scale, shift) = (in_format(scale), in_format(shift));
        let are_images = x.dim() == 4;
        let y = match self.kind {
            Normalisation::None {} => x,
            Normalisation::Batch(_) => {
                let beside = |x: &Tensor| x.transpose(0, 1).reshape([x.size()[1], -1]);
                let each = if are_images { x.shallow_clone() } else { beside(&x) };
                let y = self.over_batch(&each, scale, shift, statistics);
                if are_images { y } else { y.view([x.size()[1], n_members, -1]).transpose(0, 1) }
            }
            Normalisation::Layer(_) if !are_images => {
                let n_units = x.size()[2];
                let plain = x.layer_norm::<Tensor>([n_units], None, None, EPSILON, false);
                let of_units = |tensor: &Tensor| self.of_units(tensor, n_members);
                let scaled = match &scale {
                    Some(scale) => plain * of_units(scale),
                    None => plain,
                };
                match &shift {
                    Some(shift) => scaled + of_units(shift),
                    None => scaled,
                }
            }
            Normalisation::Layer(_) => x.group_norm(n_members, scale, shift, EPSILON, false),
            Normalisation::Group(GroupNormalisation { groups, .. }) => {
                x.group_norm(n_members * groups as i64, scale, shift, EPSILON, false)
            }
        };
        y.to_kind(given)
    }

    /// Of `[n_samples, n_channels]` or `[n_samples, n_channels, height, width]`.
    fn over_batch(
        &self,
        x: &Tensor,
        scale: Option<Tensor>,
        shift: Option<Tensor>,
        statistics: Statistics,
    ) -> Tensor {
        let [mean, variance] = match &self.running {
            Some([mean, variance]) if statistics != Statistics::OfSamples => {
                [Some(mean), Some(variance)]
            }
            _ => [None, None],
        };
        // A kernel's passes are in double precision, whatever the weights are in.
        let in_format = |tensor: &Tensor| tensor.to_kind(x.kind());
        let is_batch = statistics != Statistics::Running;
        let (mean, variance) = if is_batch {
            (mean.map(Tensor::shallow_clone), variance.map(Tensor::shallow_clone))
        } else {
            (mean.map(in_format), variance.map(in_format))
        };
        x.batch_norm(scale, shift, mean, variance, is_batch, MOMENTUM, EPSILON, false)
    }
}
