//! The empirical neural tangent kernel of a network, from products of activations and back-propagated signals.

use tch::{Kind, Tensor};

use super::network::{Mode, Network, plan};
use super::pass::{Pass, Tap};
use super::plan::LayerPlan;
use super::setting::Setting;
use crate::config::{Affine, NetworkConfig, Parametrisation};
use crate::task::{Task, TaskInputs};

/// Samples whose forward and backward passes are in memory at a time.
const BLOCK: i64 = 64;

/// What one part of a network, a layer or a normalisation's scale and shift, gives to the kernel, a row for each sample. Its
/// share is the entrywise product of the Gram matrices of `factors`, plus that of `bias`.
struct Features {
    factors: Vec<Tensor>,
    bias: Option<Tensor>,
}

impl Network {
    /// The empirical neural tangent kernel (Jacot, Gabriel and Hongler 2018, arXiv 1806.07572), averaged over outputs:
    ///
    /// ```text
    /// Theta(x, x') = (1/K) sum_k <d f_k(x) / d theta, d f_k(x') / d theta>
    /// ```
    ///
    /// `[n, n]` in float64, of `inputs`, `[n, n_inputs]`, over all `K` outputs and all trainable tensors. It is exact: no
    /// projection, no sampling. With `a` what a layer is given and `delta_k` the gradient of output k with respect to what
    /// the layer makes of it before the nonlinearity, a dense layer gives `(a . a') (1/K) sum_k delta_k . delta_k'`, a
    /// convolution the product of the gradients `sum_p delta_k(p) a(p)^T` over places p of its kernel; a bias gives what
    /// inputs of 1 would. A normalisation's scale gives what `a` of one channel does, its shift what a bias does. Batch
    /// normalisation takes its running statistics, which are held fixed, and dropout leaves nothing out: the kernel is that of
    /// the function that is observed. Samples are passed in blocks; memory is what `kernel_megabytes` says.
    pub fn tangent_kernel(&self, inputs: &Tensor) -> Tensor {
        let n = inputs.size()[0];
        let blocks: Vec<Vec<Features>> = (0..n)
            .step_by(BLOCK as usize)
            .map(|start| self.features(&inputs.narrow(0, start, BLOCK.min(n - start))))
            .collect();
        let n_labels = self.layers[self.layers.len() - 1].weight.size()[0] as f64;
        let mut kernel = Tensor::zeros([n, n], (Kind::Double, inputs.device()));
        for part in 0..blocks[0].len() {
            let rows = |of: &dyn Fn(&Features) -> &Tensor| {
                Tensor::cat(&blocks.iter().map(|block| of(&block[part])).collect::<Vec<_>>(), 0)
            };
            let gram = |of: &dyn Fn(&Features) -> &Tensor| {
                let rows = rows(of);
                rows.matmul(&rows.tr())
            };
            let n_factors = blocks[0][part].factors.len();
            if n_factors > 0 {
                let mut share = gram(&|features| &features.factors[0]);
                for factor in 1..n_factors {
                    share *= gram(&|features| &features.factors[factor]);
                }
                kernel += share;
            }
            if blocks[0][part].bias.is_some() {
                kernel += gram(&|features| features.bias.as_ref().expect("as the first block has"));
            }
        }
        kernel / n_labels
    }

    /// What every part gives, for one block of samples.
    fn features(&self, inputs: &Tensor) -> Vec<Features> {
        let (taps, signals) = tch::with_grad(|| {
            let taps = self.taps(inputs);
            let made: Vec<&Tensor> = taps.iter().map(|tap| &tap.made).collect();
            // [1, n, K] of the last layer.
            let sums = made[made.len() - 1].sum_dim_intlist([0i64, 1].as_slice(), false, None);
            let signals: Vec<Vec<Tensor>> = (0..sums.size()[0])
                .map(|label| Tensor::run_backward(&[sums.get(label)], &made, true, false))
                .collect();
            (taps, signals)
        });
        let of_tap = |(index, tap): (usize, &Tap)| {
            let of_outputs: Vec<Tensor> =
                signals.iter().map(|of| by_sample(&of[index].detach())).collect();
            // [n, K, ...]
            self.features_of(tap, &Tensor::stack(&of_outputs, 1))
        };
        taps.iter().enumerate().map(of_tap).collect()
    }

    /// What one part gives, of the gradients of outputs with respect to what it makes, `[n, K, ...]`.
    fn features_of(&self, tap: &Tap, signals: &Tensor) -> Features {
        let layer = &self.layers[tap.layer];
        let given = by_sample(&tap.given.detach());
        let n = given.size()[0];
        let are_images = given.dim() == 4;
        let summed = |of_places: Tensor| {
            let places = of_places.flatten(3, -1);
            places.sum_dim_intlist(-1i64, false, None).flatten(1, -1)
        };
        let per_output = |with: bool| match (with, are_images) {
            (false, _) => None,
            (true, false) => Some(signals.flatten(1, -1)),
            (true, true) => Some(summed(signals.shallow_clone())),
        };
        if tap.is_affine {
            let norm = layer.norm.as_ref();
            let by_channel = || {
                let products = signals * given.unsqueeze(1);
                if are_images { summed(products) } else { products.flatten(1, -1) }
            };
            let has_scale = norm.is_some_and(|norm| norm.scale.is_some());
            let factors = has_scale.then(by_channel).into_iter().collect();
            return Features {
                factors,
                bias: per_output(norm.is_some_and(|norm| norm.shift.is_some())),
            };
        }
        if !are_images {
            let signals = signals.flatten(1, -1);
            let bias = layer.bias.is_some().then(|| signals.shallow_clone());
            return Features { factors: vec![given, signals], bias };
        }
        // Rows of output channel by output channel, columns of places.
        let size = tap.made.size();
        let signals = signals.reshape([n, -1, size[2] * size[3]]);
        let side = layer.weight.size()[2];
        let (padding, stride) = (layer.padding(), layer.stride);
        let patches = given.im2col([side; 2], [1, 1], [padding; 2], [stride; 2]);
        let gradients = signals.bmm(&patches.transpose(1, 2)).flatten(1, -1);
        let bias = layer.bias.is_some().then(|| signals.sum_dim_intlist(2i64, false, None));
        Features { factors: vec![gradients], bias }
    }

    /// What each part is given, and what it makes of it before the nonlinearity; the computation of `forward` in float64.
    fn taps(&self, inputs: &Tensor) -> Vec<Tap> {
        let pass = self.pass(Mode::Observed);
        let setting = Setting { compute: Kind::Double, ..self.setting };
        let mut pass = Pass { setting, taps: Some(Vec::new()), ..pass };
        let _outputs = self.kind.forward(&inputs.to_kind(setting.compute).unsqueeze(0), &mut pass);
        pass.taps.unwrap_or_default()
    }
}

impl Network {
    /// How alike samples are to each layer but the first, by what it is given (after nonlinearity, normalisation and pooling): mean
    /// products over its units, `[n_members, n, n]` in float64, for `inputs` `[n, n_inputs]`. Networks are asked as they are observed.
    pub fn similarities(&self, inputs: &Tensor) -> Vec<Tensor> {
        let n_members = self.setting.n_members;
        let taps = tch::no_grad(|| self.taps(inputs));
        let of_layer = |layer: usize| {
            let tap = taps.iter().find(|tap| tap.layer == layer && !tap.is_affine)?;
            let given = match tap.given.dim() {
                3 => tap.given.shallow_clone(),
                // `[n, n_members * channels, height, width]`
                _ => tap.given.reshape([tap.given.size()[0], n_members, -1]).transpose(0, 1),
            };
            let given = given.to_kind(Kind::Double);
            // A factor on weights stands on what they are given.
            let of_units = match self.setting.parametrisation {
                Parametrisation::Standard => 1.0,
                Parametrisation::Ntk => {
                    self.layers[layer].weight.size()[1..].iter().product::<i64>() as f64
                }
            };
            Some(given.bmm(&given.transpose(1, 2)) * (of_units / given.size()[2] as f64))
        };
        (1..self.layers.len()).filter_map(of_layer).collect()
    }
}

/// `[n, units]` of one network's `[1, n, units]`; images as they are.
fn by_sample(x: &Tensor) -> Tensor {
    if x.dim() == 3 { x.squeeze_dim(0) } else { x.shallow_clone() }
}

/// Memory that the kernel of `samples` samples takes at most, in megabytes: rows of every layer (twice, while they are put
/// together), what a block needs for its passes, and three `[n, n]` matrices.
pub fn kernel_megabytes(config: &NetworkConfig, task: &Task, samples: usize) -> f64 {
    let image = match &task.inputs {
        TaskInputs::Images { preprocessor, .. } => preprocessor.shape.map(|size| size as i64),
        TaskInputs::Vectors(vectors) => [1, 1, vectors.ncols() as i64],
    };
    kernel_megabytes_of((config, image, task.targets.ncols() as i64), samples)
}

/// The same for images (or vectors, `[1, 1, n]`) and a number of labels.
pub fn kernel_megabytes_of(
    (config, image, n_labels): (&NetworkConfig, [i64; 3], i64),
    samples: usize,
) -> f64 {
    let (mut rows, mut pass) = (0, 0);
    let affine = match config.normalisation.affine() {
        Affine::All => 2,
        Affine::Scale => 1,
        Affine::None => 0,
    };
    for LayerPlan { weight, places, is_normalised, .. } in
        plan(config, image, image.iter().product(), n_labels).layers
    {
        let outputs = weight[0];
        match weight[..] {
            [outputs, inputs] => rows += inputs + n_labels * outputs,
            [outputs, inputs, height, width] => {
                let patch = inputs * height * width;
                rows += n_labels * outputs * patch;
                pass += places * (2 * n_labels * outputs + patch);
            }
            _ => {}
        }
        if is_normalised {
            rows += affine * n_labels * outputs;
            pass += places * 2 * n_labels * outputs;
        }
    }
    let (n, block) = (samples as f64, (samples as f64).min(BLOCK as f64));
    8e-6 * (2.0 * n * rows as f64 + block * pass as f64 + 3.0 * n * n)
}
