//! The Gram matrix of a task's inputs: its spectrum, and how far its top eigenvector is the constant that makes the OCS.

use std::ops::Range;

use anyhow::{Result, ensure};
use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use tch::{Device, Kind, Tensor};

use crate::decompositions::{to_array, to_tensor};
use crate::task::{ImageSet, Preprocessor, Task, TaskInputs};

/// Which of the two matrices with the same non-zero eigenvalues is diagonalised: the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// `Sigma_x = <x x^T>`, features by features.
    Features,
    /// `P^(1/2) X X^T P^(1/2)`, samples by samples; with equal weights `X X^T / N`.
    Samples,
}

/// The inputs' second moments, diagonalised in float64.
///
/// With weights `p` of the samples (`1/N` each for images) the Gram matrix is `K_p = P^(1/2) X X^T P^(1/2)`, the constant
/// is `r = sqrt(p)`, and `K_p v_a = kappa_a v_a` goes with `Sigma_x w_a = kappa_a w_a` by `w_a = X^T P^(1/2) v_a /
/// sqrt(kappa_a)`: so `v_a . r = w_a . xbar / sqrt(kappa_a)`, whichever side was diagonalised. THEORY section 0.
#[derive(Debug, Clone)]
pub struct Gram {
    /// N.
    pub samples: usize,
    /// D.
    pub features: usize,
    /// What was diagonalised.
    pub space: Space,
    /// kappa, descending, those above rounding errors.
    pub variances: Array1<f64>,
    /// `[n_kept, features]`: unit vectors `w_a`.
    pub directions: Array2<f64>,
    /// `xbar`, `[features]`.
    pub mean: Array1<f64>,
    /// Standard deviation over mean of `x_i . xbar`; `None` where `xbar` is zero up to rounding errors.
    pub projection_cv: Option<f64>,
}

/// Rows that are turned to float64 at a time: 50 MB of CIFAR-10.
const BLOCK: usize = 2048;

/// Eigenvalues below this share of the largest are rounding errors.
const ZERO: f64 = 1e-12;

/// Eigenvalues nearer than this share of the largest are one eigenvalue.
pub(super) const EQUAL: f64 = 1e-9;

/// Size of `||xbar||^2 / <||x||^2>` up to which the mean is zero: centring leaves rounding errors of 1e-32.
const NO_MEAN: f64 = 1e-20;

/// A larger matrix would not fit into memory, nor be diagonalised today.
const LARGEST: usize = 8192;

impl Gram {
    /// The Gram matrix of a task's training inputs; cost as `space` and `megabytes` say.
    ///
    /// # Errors
    ///
    /// If all inputs are zero, or both samples and features are more than 8,192.
    pub fn new(task: &Task) -> Result<Self> {
        let (.., space) = Gram::size(task);
        Gram::in_space(&Samples::of(task), space, BLOCK)
    }

    /// N, D, and which of the two matrices `new` diagonalises.
    pub fn size(task: &Task) -> (usize, usize, Space) {
        let samples = Samples::of(task);
        let (n, d) = (samples.count(), samples.features());
        (n, d, if d < n { Space::Features } else { Space::Samples })
    }

    fn in_space(samples: &Samples, space: Space, block: usize) -> Result<Self> {
        let (n, d) = (samples.count(), samples.features());
        ensure_fits(n, d)?;
        let blocks: Vec<Range<usize>> =
            (0..n).step_by(block).map(|start| start..(start + block).min(n)).collect();
        let mut mean = zeros(&[d]);
        for range in &blocks {
            mean += samples.rows(range).tr().mv(&samples.weights(range));
        }
        let matrix = second_moments(samples, space, &blocks);
        let size = matrix.diagonal(0, 0, 1).sum(Kind::Double).double_value(&[]);
        ensure!(size > 0.0 && size.is_finite(), "all inputs are zero: they have no Gram matrix");
        let (values, vectors) = matrix.linalg_eigh("L");
        drop(matrix);
        let threshold = ZERO * values.max().double_value(&[]);
        let kept = values.gt(threshold).sum(Kind::Int64).int64_value(&[]);
        // Ascending: the last are the largest.
        let variances = values.narrow(0, values.size()[0] - kept, kept).flip([0]);
        let vectors = vectors.narrow(1, values.size()[0] - kept, kept).flip([1]).tr();
        let directions = match space {
            Space::Features => vectors,
            Space::Samples => {
                vectors.matmul(&samples.scaled_rows(&(0..n))) / variances.sqrt().unsqueeze(1)
            }
        };
        Ok(Gram {
            samples: n,
            features: d,
            space,
            variances: to_vector(&variances),
            directions: to_array(&directions),
            projection_cv: projection_cv(samples, &blocks, &mean, size),
            mean: to_vector(&mean),
        })
    }

    /// Memory that its making takes at most: the matrix, its eigenvectors with LAPACK's workspace, and a block of inputs.
    pub fn megabytes(task: &Task) -> f64 {
        let (n, d, _) = Gram::size(task);
        let (n, d, side) = (n as f64, d as f64, n.min(d) as f64);
        8e-6 * (5.0 * side * side + 3.0 * d * n.min(BLOCK as f64))
    }

    /// The `count` largest eigenvalues of `K_p`, descending, of which it has as many as there are samples.
    pub fn eigenvalues(&self, count: usize) -> Vec<f64> {
        let zeros = std::iter::repeat(0.0);
        self.variances.iter().copied().chain(zeros).take(count.min(self.samples)).collect()
    }

    /// `|v_0 . r|`, which is `|v_0 . 1| / sqrt(N)` for equal weights, in [0, 1]. Where the largest eigenvalue is
    /// degenerate (one-hot inputs) its eigenvectors are arbitrary: then the length of the constant's projection on all of
    /// them, the largest that any of them can have.
    pub fn ones_overlap(&self) -> f64 {
        let largest = self.variances[0];
        let top = self.variances.iter().take_while(|&&value| value >= (1.0 - EQUAL) * largest);
        let squares = top.zip(self.directions.rows()).map(|(kappa, direction)| {
            let projection = direction.dot(&self.mean);
            projection * projection / kappa
        });
        squares.sum::<f64>().sqrt().min(1.0)
    }

    /// `kappa_0 / kappa_1`; `None` if there is one eigenvalue alone.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.variances[0] / self.variances.get(1)?)
    }
}

/// Products `x_i . x_j` of the first `count` training inputs (or of as many as there are), `[n, n]`.
pub fn input_products(task: &Task, count: usize) -> Array2<f64> {
    let samples = Samples::of(task);
    let rows = samples.rows(&(0..count.min(samples.count())));
    to_array(&rows.matmul(&rows.tr()))
}

/// `Sigma_x`, or `K_p`. In features block by block: no more than a block is ever float64.
fn second_moments(samples: &Samples, space: Space, blocks: &[Range<usize>]) -> Tensor {
    match space {
        Space::Features => {
            let d = samples.features();
            let mut matrix = zeros(&[d, d]);
            for range in blocks {
                let rows = samples.scaled_rows(range);
                matrix += rows.tr().matmul(&rows);
            }
            matrix
        }
        Space::Samples => {
            let rows = samples.scaled_rows(&(0..samples.count()));
            rows.matmul(&rows.tr())
        }
    }
}

fn ensure_fits(n: usize, d: usize) -> Result<()> {
    ensure!(
        n.min(d) <= LARGEST,
        "the Gram matrix of {n} samples of {d} values has more than {LARGEST} rows either way: ask for fewer \
         task.samples or items"
    );
    Ok(())
}

/// In two passes, so that equal projections have a spread of zero and not of the root of a rounding error.
fn projection_cv(
    samples: &Samples,
    blocks: &[Range<usize>],
    mean: &Tensor,
    size: f64,
) -> Option<f64> {
    let squared = mean.dot(mean).double_value(&[]);
    if squared <= NO_MEAN * size {
        return None;
    }
    let variance: f64 = blocks
        .iter()
        .map(|range| {
            let deviations = samples.rows(range).mv(mean) - squared;
            samples.weights(range).dot(&deviations.square()).double_value(&[])
        })
        .sum();
    Some(variance.sqrt() / squared)
}

/// A task's training samples as rows of float64. In float32 the eigenvalues of 48,000 samples are off by 3e-6 (measured).
enum Samples<'a> {
    /// The first `count`: those that are held out stand last.
    Vectors {
        vectors: &'a Array2<f64>,
        count: usize,
        probabilities: &'a Array1<f64>,
    },
    Images {
        images: &'a ImageSet,
        preprocessor: &'a Preprocessor,
    },
}

impl<'a> Samples<'a> {
    fn of(task: &'a Task) -> Self {
        match &task.inputs {
            TaskInputs::Vectors(vectors) => Samples::Vectors {
                vectors,
                count: task.n_samples(),
                probabilities: &task.probabilities,
            },
            TaskInputs::Images { train, preprocessor, .. } => {
                Samples::Images { images: train, preprocessor }
            }
        }
    }

    fn count(&self) -> usize {
        match self {
            Samples::Vectors { count, .. } => *count,
            Samples::Images { images, .. } => images.items.len(),
        }
    }

    fn features(&self) -> usize {
        match self {
            Samples::Vectors { vectors, .. } => vectors.ncols(),
            Samples::Images { preprocessor, .. } => preprocessor.mean.len(),
        }
    }

    /// `[n, features]`.
    fn rows(&self, range: &Range<usize>) -> Tensor {
        match self {
            Samples::Vectors { vectors, .. } => {
                to_tensor(&vectors.slice(s![range.clone(), ..]).to_owned())
            }
            Samples::Images { images, preprocessor } => {
                let inputs = preprocessor.inputs(images, range.clone());
                Tensor::from_slice(&inputs).view([-1, self.features() as i64])
            }
        }
    }

    /// `[n]`; all together sum to 1.
    fn weights(&self, range: &Range<usize>) -> Tensor {
        match self {
            Samples::Vectors { probabilities, .. } => {
                let chosen: ArrayView1<f64> = probabilities.slice(s![range.clone()]);
                Tensor::from_slice(&chosen.to_vec())
            }
            Samples::Images { images, .. } => {
                let weight = 1.0 / images.items.len() as f64;
                Tensor::full([range.len() as i64], weight, (Kind::Double, Device::Cpu))
            }
        }
    }

    /// `P^(1/2) X`.
    fn scaled_rows(&self, range: &Range<usize>) -> Tensor {
        self.rows(range) * self.weights(range).sqrt().unsqueeze(1)
    }
}

fn zeros(shape: &[usize]) -> Tensor {
    let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    Tensor::zeros(shape, (Kind::Double, Device::Cpu))
}

fn to_vector(tensor: &Tensor) -> Array1<f64> {
    to_array(&tensor.unsqueeze(0)).index_axis_move(Axis(0), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Preprocessing};

    fn vectors(rest: &[&str]) -> Task {
        let overrides: Vec<config::Override> =
            rest.iter().map(|text| text.parse().unwrap()).collect();
        Task::new(&config::parse("name: x", "x", &overrides).unwrap().task, None).unwrap()
    }

    /// 120 images of 48 values in 8 classes, without a pattern.
    fn images(preprocessing: Preprocessing) -> Task {
        let pixels = (0..120 * 48u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        let train = ImageSet::of(pixels.collect(), (0..120).map(|i| i % 8).collect());
        let preprocessor =
            Preprocessor::fit(&train, [3, 4, 4], preprocessing, config::InputScale::None);
        let mut task = vectors(&[]);
        task.inputs = TaskInputs::Images { test: train.clone(), train, preprocessor };
        task
    }

    fn near(one: f64, other: f64, tolerance: f64) -> bool {
        (one - other).abs() <= tolerance
    }

    #[test]
    fn held_out_vectors_do_not_count() {
        let gaussian = |held_out: &str| {
            let keys = [
                "task.inputs=gaussian",
                "task.targets={linear: {norm: 1}}",
                "task.gaussian.count=6",
                "task.gaussian.dimension=4",
                "task.gaussian.whitened=false",
                "task.gaussian.mirrored=false",
            ];
            let held_out = format!("task.gaussian.held_out={held_out}");
            vectors(&[&keys[..], &[held_out.as_str()]].concat())
        };
        let all = gaussian("5");
        let TaskInputs::Vectors(inputs) = &all.inputs else { panic!("vectors") };
        let learned = inputs.slice(s![..6, ..]);
        let size = learned.iter().map(|x| x * x).sum::<f64>() / 6.0;
        let gram = Gram::new(&all).unwrap();
        let trace = gram.variances.sum();
        assert!((trace - size).abs() < 1e-12, "{trace} and {size}");
        assert_eq!(gram.samples, 6);
    }

    #[test]
    fn correlated_inputs_have_the_eigenvalues_of_theory_and_the_constant_on_top() {
        let rho = 0.3;
        let gram =
            Gram::new(&vectors(&["task.inputs=correlated", "task.correlation=0.3"])).unwrap();
        let values = gram.eigenvalues(64);
        assert_eq!((gram.samples, gram.features, values.len()), (8, 9, 8));
        assert!(near(values[0], (1.0 + 7.0 * rho) / 8.0, 1e-14), "{values:?}");
        assert!(values[1..].iter().all(|value| near(*value, (1.0 - rho) / 8.0, 1e-14)));
        assert!(near(gram.ones_overlap(), 1.0, 1e-14));
        assert!(near(gram.ratio().unwrap(), (1.0 + 7.0 * rho) / (1.0 - rho), 1e-12));
        assert!(gram.projection_cv.unwrap() < 1e-14);
    }

    #[test]
    fn one_hot_inputs_hold_the_constant_in_their_only_eigenspace() {
        let gram = Gram::new(&vectors(&[])).unwrap();
        assert!(gram.eigenvalues(64).iter().all(|value| near(*value, 0.125, 1e-15)));
        assert!(near(gram.ones_overlap(), 1.0, 1e-14) && near(gram.ratio().unwrap(), 1.0, 1e-14));
    }

    #[test]
    fn unequal_frequencies_weight_samples() {
        // The Gram matrix is diag(p): its top eigenvector is the most frequent item, of which sqrt(p) has a share of sqrt(3/4).
        let gram = Gram::new(&vectors(&["task.branching=[2]", "task.frequencies=[3, 1]"])).unwrap();
        assert_eq!(gram.eigenvalues(2).len(), 2);
        assert!(near(gram.eigenvalues(2)[0], 0.75, 1e-15));
        assert!(near(gram.ones_overlap(), 0.75f64.sqrt(), 1e-14));
    }

    #[test]
    fn features_and_samples_give_the_same_and_so_do_blocks() {
        for preprocessing in [Preprocessing::Raw, Preprocessing::ChannelStandardised] {
            let task = images(preprocessing);
            let samples = Samples::of(&task);
            let whole = Gram::in_space(&samples, Space::Features, 120).unwrap();
            for (space, block) in
                [(Space::Samples, 120), (Space::Features, 7), (Space::Samples, 50)]
            {
                let other = Gram::in_space(&samples, space, block).unwrap();
                for (one, two) in whole.eigenvalues(64).iter().zip(other.eigenvalues(64)) {
                    assert!(near(*one, two, 1e-10), "{space:?} {block}: {one} {two}");
                }
                assert!(near(whole.ones_overlap(), other.ones_overlap(), 1e-10));
                assert!(near(whole.projection_cv.unwrap(), other.projection_cv.unwrap(), 1e-10));
                assert_eq!(whole.eigenvalues(64).len(), 64);
            }
        }
    }

    #[test]
    fn the_spectrum_is_that_of_the_samples_themselves() {
        // sum kappa = <||x||^2>, sum kappa^2 = <(x_i . x_j)^2>, and the constant's share of the top mode by hand.
        let task = images(Preprocessing::Raw);
        let gram = Gram::new(&task).unwrap();
        assert_eq!(gram.space, Space::Features);
        let x = to_array(&Samples::of(&task).rows(&(0..120)));
        let k = x.dot(&x.t()) / 120.0;
        assert!(near(gram.variances.sum(), k.diag().sum(), 1e-10));
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
        let (one, two) =
            (squares(&mut gram.variances.iter().copied()), squares(&mut k.iter().copied()));
        assert!(near(one, two, 1e-10 * two));
        // Power iteration from the constant.
        let mut v = Array1::from_elem(120, 120f64.sqrt().recip());
        let ones = v.clone();
        for _ in 0..2000 {
            v = k.dot(&v);
            v /= v.dot(&v).sqrt();
        }
        assert!(near(gram.ones_overlap(), v.dot(&ones).abs(), 1e-10));
    }

    #[test]
    fn centred_images_have_no_mean_and_no_constant() {
        let gram = Gram::new(&images(Preprocessing::PixelCentred)).unwrap();
        assert!(gram.projection_cv.is_none() && gram.ones_overlap() < 1e-14);
    }

    #[test]
    fn inputs_that_are_zero_or_too_many_are_refused() {
        let mut task = vectors(&[]);
        task.inputs = TaskInputs::Vectors(Array2::zeros((8, 8)));
        let error = Gram::new(&task).unwrap_err().to_string();
        assert!(error.contains("all inputs are zero"), "{error}");
        assert!(ensure_fits(48_000, 3072).is_ok() && ensure_fits(8, 65_536).is_ok());
        let error = ensure_fits(9000, 9001).unwrap_err().to_string();
        assert!(error.contains("ask for fewer"), "{error}");
    }
}
