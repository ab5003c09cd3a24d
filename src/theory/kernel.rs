//! Kernels: their spectra, what they are in wide ReLU networks, and what a network learns whose kernel stands still.
//!
//! THEORY section 7. Sources: Cho and Saul 2009 (*Kernel methods for deep learning*) for the arc-cosine kernels; Jacot,
//! Gabriel and Hongler 2018 (arXiv 1806.07572) for the neural tangent kernel and its recursion.

use std::f64::consts::PI;

use ndarray::{Array1, Array2, Axis};

use super::gram::EQUAL;
use crate::config::Bias;
use crate::decompositions::eigen;

/// `k0(u) = (pi - acos u) / pi`: twice the mean of `relu'(z) relu'(z')` over normal `z, z'` of correlation u, in [-1, 1].
/// Cho and Saul 2009, their degree 0.
pub fn arc_cosine_0(u: f64) -> f64 {
    (PI - u.clamp(-1.0, 1.0).acos()) / PI
}

/// `k1(u) = (sqrt(1 - u^2) + u (pi - acos u)) / pi`: twice the mean of `relu(z) relu(z')` over standard normal `z, z'` of
/// correlation u, in [-1, 1]. Cho and Saul 2009, their degree 1.
pub fn arc_cosine_1(u: f64) -> f64 {
    let u = u.clamp(-1.0, 1.0);
    ((1.0 - u * u).sqrt() + u * (PI - u.acos())) / PI
}

/// What the kernels of a wide ReLU network are expected to be at its start, `[n, n]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReluKernels {
    /// Product of the last hidden activations (NNGP kernel, up to the output weights' variance).
    pub activations: Array2<f64>,
    /// The neural tangent kernel of one output.
    pub tangent: Array2<f64>,
}

impl ReluKernels {
    /// Kernels of an MLP in the plain parametrisation: hidden layers of `widths`, independent weights of mean zero and
    /// `variances` (one more than widths: the last is the output layer's), biases that start at zero. `gram` holds the
    /// products of the inputs, `[n, n]`, none of them zero.
    ///
    /// ```text
    /// A_0 = x . x',   A_l = n_l v_l / 2 sqrt(A_l-1(x,x) A_l-1(x',x')) k1(u_l)     u_l: correlation in A_l-1
    /// B_L+1 = 1,      B_l = n_l v_l+1 / 2 k0(u_l) B_l+1
    /// Theta = sum_l (A_l-1 + 1 if layer l has a bias) B_l
    /// ```
    ///
    /// With `n_l v_l = 2` and unit inputs this is the recursion of THEORY section 7, `NTK_l+1 = S_l+1 + NTK_l k0(u_l)`.
    /// Exact in the limit of wide layers; for weights that are not normal, of many inputs too.
    pub fn new(gram: &Array2<f64>, widths: &[usize], variances: &[f64], bias: Bias) -> Self {
        let n_layers = widths.len() + 1;
        let mut activations = vec![gram.clone()];
        let mut derivatives = Vec::new();
        for (layer, &width) in widths.iter().enumerate() {
            let before = &activations[layer];
            let norms = before.diag().mapv(f64::sqrt);
            let product = |i: usize, j: usize| norms[i] * norms[j];
            let u = Array2::from_shape_fn(before.dim(), |(i, j)| before[[i, j]] / product(i, j));
            let width = width as f64;
            let after = Array2::from_shape_fn(before.dim(), |(i, j)| {
                0.5 * width * variances[layer] * product(i, j) * arc_cosine_1(u[[i, j]])
            });
            derivatives.push(u.mapv(|u| 0.5 * width * variances[layer + 1] * arc_cosine_0(u)));
            activations.push(after);
        }
        let mut tangent = Array2::zeros(gram.dim());
        let mut signals = Array2::ones(gram.dim());
        for layer in (0..n_layers).rev() {
            let constant = f64::from(bias.at_layer(layer, n_layers));
            tangent += &((&activations[layer] + constant) * &signals);
            if let Some(below) = layer.checked_sub(1) {
                signals *= &derivatives[below];
            }
        }
        ReluKernels { activations: activations.swap_remove(n_layers - 1), tangent }
    }
}

/// Eigenvalues and eigenvectors of a kernel on weighted samples, `Theta_p = P^(1/2) Theta P^(1/2)`, with `p` summing to 1;
/// `Theta / N` for equal weights.
#[derive(Debug, Clone)]
pub struct KernelSpectrum {
    /// kappa, descending.
    pub eigenvalues: Array1<f64>,
    /// `[n, n]`, a row for each.
    vectors: Array2<f64>,
    /// `sqrt(p)`.
    roots: Array1<f64>,
}

impl KernelSpectrum {
    /// Of a symmetric `kernel`, `[n, n]`, and positive `weights`, `[n]`, that sum to 1.
    pub fn new(kernel: &Array2<f64>, weights: &Array1<f64>) -> Self {
        let roots = weights.mapv(f64::sqrt);
        let scaled = kernel * &roots.view().insert_axis(Axis(1)) * &roots;
        let (values, vectors) = eigen(&scaled);
        let mut vectors = vectors.reversed_axes();
        vectors.invert_axis(Axis(0));
        KernelSpectrum { eigenvalues: values.into_iter().rev().collect(), vectors, roots }
    }

    /// `|<v_top, 1>| / sqrt(N)` (`|v_top . sqrt(p)|` with weights), in [0, 1]; its square is the constant's share in the top
    /// eigenspace, `||P_top 1||^2 / N`. Of a degenerate top eigenvalue the length of the projection on its whole eigenspace.
    /// `None` for a kernel of zeros, which has no top.
    pub fn ones_alignment(&self) -> Option<f64> {
        let largest = self.eigenvalues[0];
        if largest <= 0.0 {
            return None;
        }
        let top = self.eigenvalues.iter().take_while(|&&value| value >= (1.0 - EQUAL) * largest);
        let squares =
            top.zip(self.vectors.rows()).map(|(_, vector)| vector.dot(&self.roots).powi(2));
        Some(squares.sum::<f64>().sqrt().min(1.0))
    }

    /// `kappa_0 / kappa_1`; `None` for one sample, or if there is one eigenvalue above rounding errors.
    pub fn ratio(&self) -> Option<f64> {
        let next = self.eigenvalues.get(1)?;
        (*next > 1e-12 * self.eigenvalues[0]).then(|| self.eigenvalues[0] / next)
    }

    /// Responses of a network whose kernel stands still, `[n, n_labels]`, after `step` steps of gradient descent at learning
    /// rate `eta` on the full batch's half squared error, from responses `start` towards `targets`, both `[n, n_labels]`:
    ///
    /// ```text
    /// Yhat(step) = Y + P^(-1/2) (1 - eta Theta_p)^step P^(1/2) (Yhat(0) - Y)
    /// ```
    ///
    /// which is the flow's `e^(-Theta_p t)` for small `eta kappa_0`. Exact for one linear layer; for others as good as the
    /// kernel is still, and the same for each output.
    pub fn lazy_responses(
        &self,
        (start, targets): (&Array2<f64>, &Array2<f64>),
        learning_rate: f64,
        step: u64,
    ) -> Array2<f64> {
        let column = |values: &Array1<f64>| values.clone().insert_axis(Axis(1));
        let residual = self.vectors.dot(&((start - targets) * &column(&self.roots)));
        let exponent = i32::try_from(step).unwrap_or(i32::MAX);
        let left = self.eigenvalues.mapv(|kappa| (1.0 - learning_rate * kappa).powi(exponent));
        let residual = self.vectors.t().dot(&(residual * &column(&left)));
        targets + residual / &column(&self.roots)
    }
}

/// How far a kernel has moved: `||Theta - Theta_0|| / ||Theta_0||` in Frobenius' norm, and the cosine of the two. Undefined
/// from a kernel of zeros; to one the cosine is.
pub fn kernel_drift(kernel: &Array2<f64>, initial: &Array2<f64>) -> (Option<f64>, Option<f64>) {
    let product = |a: &Array2<f64>, b: &Array2<f64>| (a * b).sum();
    let (now, before) = (product(kernel, kernel).sqrt(), product(initial, initial).sqrt());
    let difference = kernel - initial;
    let distance = product(&difference, &difference).sqrt();
    let cosine = (product(kernel, initial) / (now * before)).min(1.0);
    ((before > 0.0).then(|| distance / before), (now > 0.0 && before > 0.0).then_some(cosine))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn even(n: usize) -> Array1<f64> {
        Array1::from_elem(n, 1.0 / n as f64)
    }

    /// He weights of width 100: `n v = 2`, the first layer's inputs of norm 1 included.
    fn he(hidden: usize) -> ReluKernels {
        let widths = vec![100; hidden];
        ReluKernels::new(&Array2::eye(8), &widths, &vec![0.02; hidden + 1], Bias::None)
    }

    #[test]
    fn arc_cosines_are_known_at_their_ends() {
        let ends = [(-1.0, 0.0, 0.0), (0.0, 0.5, 1.0 / PI), (1.0, 1.0, 1.0)];
        for (u, k0, k1) in ends {
            assert!((arc_cosine_0(u) - k0).abs() < 1e-15 && (arc_cosine_1(u) - k1).abs() < 1e-15);
        }
        // k1' = k0.
        let slope = (arc_cosine_1(0.3 + 1e-6) - arc_cosine_1(0.3 - 1e-6)) / 2e-6;
        assert!((slope - arc_cosine_0(0.3)).abs() < 1e-9);
    }

    #[test]
    fn one_hot_relu_kernels_have_the_ratios_of_theory() {
        let ratio = |kernel: &Array2<f64>| KernelSpectrum::new(kernel, &even(8)).ratio().unwrap();
        // THEORY section 7.
        assert!((ratio(&he(1).activations) - 4.736).abs() < 1e-3);
        assert!((ratio(&he(1).tangent) - 2.514).abs() < 1e-3);
        assert!((ratio(&he(8).tangent) - 4.66).abs() < 1e-2, "{}", ratio(&he(8).tangent));
        let spectrum = KernelSpectrum::new(&he(1).tangent, &even(8));
        assert!((spectrum.ones_alignment().unwrap() - 1.0).abs() < 1e-12);
        // (2 + 7 / pi) / 8.
        assert!((spectrum.eigenvalues[0] - (2.0 + 7.0 / PI) / 8.0).abs() < 1e-12);
    }

    #[test]
    fn a_bias_adds_what_an_input_of_one_would() {
        let gram = array![[2.0, 0.5], [0.5, 1.0]];
        let with = |bias| ReluKernels::new(&gram, &[10], &[0.3, 0.2], bias).tangent;
        assert!((with(Bias::Output) - with(Bias::None) - 1.0).iter().all(|v| v.abs() < 1e-12));
        let both = with(Bias::All) + with(Bias::None) - with(Bias::Input) - with(Bias::Output);
        assert!(both.iter().all(|v| v.abs() < 1e-12));
    }

    #[test]
    fn a_degenerate_top_is_judged_as_a_space() {
        let spectrum = KernelSpectrum::new(&Array2::eye(5), &even(5));
        assert!((spectrum.ones_alignment().unwrap() - 1.0).abs() < 1e-12);
        let centred = array![[1.0, -1.0], [-1.0, 1.0]];
        let spectrum = KernelSpectrum::new(&centred, &even(2));
        assert!(spectrum.ones_alignment().unwrap() < 1e-12 && spectrum.ratio().is_none());
    }

    #[test]
    fn lazy_responses_are_gradient_descent_of_one_linear_layer() {
        // f = W x, W <- W + eta <(y - W x) x^T>, weighted.
        let x = array![[1.0, 0.5], [0.2, -1.0], [0.3, 0.3]];
        let (targets, start) = (array![[1.0], [0.0], [2.0]], array![[0.7, -0.4]]);
        let weights = array![0.5, 0.3, 0.2];
        let (eta, mut w) = (0.4, start.clone());
        for _ in 0..7 {
            let error = &targets - &x.dot(&w.t());
            w = &w + &((error * weights.view().insert_axis(Axis(1))).t().dot(&x) * eta);
        }
        let spectrum = KernelSpectrum::new(&x.dot(&x.t()), &weights);
        let lazy = spectrum.lazy_responses((&x.dot(&start.t()), &targets), eta, 7);
        assert!((lazy - x.dot(&w.t())).iter().all(|gap| gap.abs() < 1e-12));
    }

    #[test]
    fn a_kernel_of_zeros_is_aligned_with_nothing() {
        let (zeros, kernel) = (Array2::zeros((2, 2)), array![[2.0, 1.0], [1.0, 3.0]]);
        let spectrum = KernelSpectrum::new(&zeros, &even(2));
        assert_eq!((spectrum.ones_alignment(), spectrum.ratio()), (None, None));
        // It has moved by all of it, in no direction.
        assert_eq!(kernel_drift(&zeros, &kernel), (Some(1.0), None));
        assert_eq!(kernel_drift(&kernel, &zeros), (None, None));
        assert_eq!(kernel_drift(&zeros, &zeros), (None, None));
    }

    #[test]
    fn drift_is_relative_and_a_factor_turns_nothing() {
        let kernel = array![[2.0, 1.0], [1.0, 3.0]];
        let drift = |kernel: &Array2<f64>, initial: &Array2<f64>| {
            let (distance, cosine) = kernel_drift(kernel, initial);
            (distance.unwrap(), cosine.unwrap())
        };
        let (distance, cosine) = drift(&(&kernel * 1.5), &kernel);
        assert!((distance - 0.5).abs() < 1e-12 && (cosine - 1.0).abs() < 1e-12);
        let (distance, cosine) =
            drift(&array![[1.0, 0.0], [0.0, 0.0]], &array![[0.0, 0.0], [0.0, 1.0]]);
        assert!((distance - 2f64.sqrt()).abs() < 1e-12 && cosine.abs() < 1e-12);
    }
}
