//! Tasks whose input and target kernels share their eigenvectors: every mode is learned by itself.

use anyhow::Result;
use ndarray::{Array1, Array2, Axis};

use super::course::{Course, Moment};
use super::modes::Mode;
use crate::decompositions::eigen;

/// Common modes `v_a`: `K_p v_a = kappa_a v_a`, `Y_p v_a = sigma_a u_a`, THEORY section 0.
///
/// Responses are `sum_a f_a(t) sigma_a u_a v_a^T P^(-1/2)` with the learned fractions `f_a`.
#[derive(Debug, Clone)]
pub struct CommonModes {
    /// Modes that are learned: positive kappa and sigma.
    modes: Vec<Mode>,
    /// `[n_modes, n_items]`: `v_a`.
    vectors: Array2<f64>,
    /// `[n_items, n_labels]`.
    targets: Array2<f64>,
    /// `sqrt(p)`, `[n_items]`.
    root: Array1<f64>,
}

/// Relative size up to which a commutator, or a value, counts as zero.
const ZERO: f64 = 1e-10;

impl CommonModes {
    /// The modes of inputs `[n_items, n_inputs]` (with a constant 1 appended if the first layer has a bias), or `None` if
    /// the kernels do not commute: relative norm of `[X_p Y_p^T Y_p X_p^T, X_p X_p^T]` above 1e-10.
    pub fn find(
        inputs: &Array2<f64>,
        targets: &Array2<f64>,
        probabilities: &Array1<f64>,
        a0: f64,
        n_layers: usize,
    ) -> Option<Self> {
        let root = probabilities.mapv(f64::sqrt);
        let weighted = |rows: &Array2<f64>| rows * &root.view().insert_axis(Axis(1));
        let (x, y) = (weighted(inputs), weighted(targets));
        let (k, g) = (x.dot(&x.t()), y.dot(&y.t()));
        let norm =
            |matrix: &Array2<f64>| matrix.iter().map(|value| value * value).sum::<f64>().sqrt();
        // X_p maps the sample space to inputs; sandwiched between it, [K, G] is the commutator above up to K's range.
        let commutator = k.dot(&g).dot(&k);
        let (left, right) = (commutator.dot(&k), k.dot(&commutator));
        if norm(&(&left - &right)) > ZERO * norm(&left) {
            return None;
        }
        // A generic combination has no eigenvalue in common that the pair does not share.
        let mix = &(&k / norm(&k)) + &(&g * (0.377_123_456_789 / norm(&g)));
        let (_, vectors) = eigen(&mix);
        let along = |matrix: &Array2<f64>, v: ndarray::ArrayView1<f64>| v.dot(&matrix.dot(&v));
        let (largest_k, largest_g) = (norm(&k), norm(&g));
        let (mut modes, mut rows) = (Vec::new(), Vec::new());
        for v in vectors.columns() {
            let (kappa, gain) = (along(&k, v), along(&g, v));
            if kappa > ZERO * largest_k && gain > ZERO * largest_g {
                modes.push(Mode {
                    singular_value: (kappa * gain).sqrt(),
                    input_variance: kappa,
                    initial_strength: a0,
                    n_layers,
                });
                rows.push(v.to_owned());
            }
        }
        let vectors =
            ndarray::stack(Axis(0), &rows.iter().map(Array1::view).collect::<Vec<_>>()).ok()?;
        Some(CommonModes { modes, vectors, targets: targets.clone(), root })
    }

    /// Modes, the fastest first.
    pub fn modes(&self) -> Vec<Mode> {
        let mut modes = self.modes.clone();
        modes.sort_by(|a, b| b.singular_value.total_cmp(&a.singular_value));
        modes
    }

    /// Responses `[n_items, n_labels]` at a time: `P^(-1/2) V diag(f) V^T P^(1/2) Y`.
    pub fn responses(&self, time: f64) -> Array2<f64> {
        let root = self.root.view().insert_axis(Axis(1));
        let mut projected = self.vectors.dot(&(&self.targets * &root));
        for (mut row, mode) in projected.rows_mut().into_iter().zip(&self.modes) {
            row *= mode.learned_fraction(time);
        }
        self.vectors.t().dot(&projected) / root
    }
}

/// All modes on their way.
#[derive(Debug, Clone)]
pub struct CommonCourse<'a> {
    modes: &'a CommonModes,
    time: f64,
}

impl CommonModes {
    /// At time 0.
    pub fn begin(&self) -> CommonCourse<'_> {
        CommonCourse { modes: self, time: 0.0 }
    }
}

impl Course for CommonCourse<'_> {
    type Answer = Moment;

    fn advance(&mut self, time: f64) -> Result<()> {
        self.time = time;
        Ok(())
    }

    fn answer(&self) -> Moment {
        Moment {
            time: self.time,
            responses: self.modes.responses(self.time),
            without_output_bias: None,
            mode_strengths: None,
        }
    }
}
