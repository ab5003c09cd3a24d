//! The empirical neural tangent kernel of a network, from products of activations and back-propagated signals.

use tch::{Kind, Tensor};

use super::layer::Setting;
use super::network::{Network, weight_shapes};
use crate::config::NetworkConfig;
use crate::task::{Task, TaskInputs};

/// Samples whose forward and backward passes are in memory at a time.
const BLOCK: i64 = 64;

/// What one layer gives to the kernel, a row for each sample. A layer's part is the entrywise product of the Gram matrices
/// of `factors`, plus that of `bias`.
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
    /// inputs of 1 would. Samples are passed in blocks; memory is what `kernel_megabytes` says.
    pub fn tangent_kernel(&self, inputs: &Tensor) -> Tensor {
        let n = inputs.size()[0];
        let blocks: Vec<Vec<Features>> = (0..n)
            .step_by(BLOCK as usize)
            .map(|start| self.features(&inputs.narrow(0, start, BLOCK.min(n - start))))
            .collect();
        let n_labels = self.layers[self.layers.len() - 1].weight.size()[0] as f64;
        let mut kernel = Tensor::zeros([n, n], (Kind::Double, inputs.device()));
        for layer in 0..self.layers.len() {
            let rows = |of: &dyn Fn(&Features) -> &Tensor| {
                Tensor::cat(&blocks.iter().map(|block| of(&block[layer])).collect::<Vec<_>>(), 0)
            };
            let gram = |of: &dyn Fn(&Features) -> &Tensor| {
                let rows = rows(of);
                rows.matmul(&rows.tr())
            };
            let mut part = gram(&|features| &features.factors[0]);
            for factor in 1..blocks[0][layer].factors.len() {
                part *= gram(&|features| &features.factors[factor]);
            }
            kernel += part;
            if self.layers[layer].bias.is_some() {
                kernel += gram(&|features| features.bias.as_ref().expect("as the layer has one"));
            }
        }
        kernel / n_labels
    }

    /// What every layer gives, for one block of samples.
    fn features(&self, inputs: &Tensor) -> Vec<Features> {
        let (given, made, signals) = tch::with_grad(|| {
            let (given, made) = self.passes(inputs);
            let sums = made[made.len() - 1].sum_dim_intlist(0i64, false, None);
            let signals: Vec<Vec<Tensor>> = (0..sums.size()[0])
                .map(|label| Tensor::run_backward(&[sums.get(label)], &made, true, false))
                .collect();
            (given, made, signals)
        });
        let layers = given.iter().zip(&made).enumerate();
        layers
            .map(|(layer, (given, made))| {
                // [n, K, ...]
                let of_layer: Vec<&Tensor> = signals.iter().map(|of| &of[layer]).collect();
                let signals = Tensor::stack(&of_layer, 1).detach();
                let given = given.detach();
                let with_bias = self.layers[layer].bias.is_some();
                if made.dim() == 2 {
                    let signals = signals.flatten(1, -1);
                    let bias = with_bias.then(|| signals.shallow_clone());
                    return Features { factors: vec![given, signals], bias };
                }
                // Rows of output channel by output channel, columns of places.
                let (n, places) = (made.size()[0], made.size()[2] * made.size()[3]);
                let signals = signals.reshape([n, -1, places]);
                let patches = given.im2col([3, 3], [1, 1], [1, 1], [1, 1]);
                let gradients = signals.bmm(&patches.transpose(1, 2)).flatten(1, -1);
                let bias = with_bias.then(|| signals.sum_dim_intlist(2i64, false, None));
                Features { factors: vec![gradients], bias }
            })
            .collect()
    }

    /// What each layer is given, and what it makes of it before the nonlinearity; the computation of `forward` in float64.
    fn passes(&self, inputs: &Tensor) -> (Vec<Tensor>, Vec<Tensor>) {
        let setting = Setting { compute: Kind::Double, ..self.setting };
        let mut x = inputs.to_kind(setting.compute);
        let (mut given, mut made) = (Vec::new(), Vec::new());
        for (index, layer) in self.layers.iter().enumerate() {
            let is_last = index + 1 == self.layers.len();
            let [of_layer, by_layer, next] = self.kind.opened(layer, &x, is_last, &setting);
            given.push(of_layer);
            made.push(by_layer);
            x = next;
        }
        (given, made)
    }
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
    let mut places = image[1] * image[2];
    for shape in weight_shapes(config, image, image.iter().product(), n_labels) {
        match shape[..] {
            [outputs, inputs] => rows += inputs + n_labels * outputs,
            [outputs, inputs, height, width] => {
                let patch = inputs * height * width;
                rows += n_labels * outputs * patch;
                pass += places * (2 * n_labels * outputs + patch);
                places /= 4;
            }
            _ => {}
        }
    }
    let (n, block) = (samples as f64, (samples as f64).min(BLOCK as f64));
    8e-6 * (2.0 * n * rows as f64 + block * pass as f64 + 3.0 * n * n)
}
