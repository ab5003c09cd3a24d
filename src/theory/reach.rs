//! Where the flow of balanced layers ends: which part of the map can be reached, and what is left of it.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};

use super::representation::Representation;

/// Which part of a task's map two balanced layers reach.
#[derive(Debug, Clone, PartialEq)]
pub struct Reach {
    /// Whether all of it, and if not why.
    pub verdict: ReachVerdict,
    /// Singular values of `Sigma_yx` that are reached, descending.
    pub reached: Vec<f64>,
    /// Those that are not.
    pub unreached: Vec<f64>,
    /// `(1/2d) sum` of the squares of those that are not: what is left of the loss, above that of the least-squares map.
    pub excess_loss: f64,
}

/// Whether a map is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReachVerdict {
    /// All of it.
    Whole,
    /// The largest modes, as many as there are hidden units.
    Bottleneck,
    /// All but the smallest mode: as many inputs as outputs, and a start whose determinant has the other sign, which
    /// zero-balanced layers keep.
    WrongSign,
    /// The start has no part along some modes, and gets none.
    Start,
}

/// Modes of the flow `F` (`riccati`), the fastest first, and the start's parts along them.
pub struct FlowModes<'a> {
    /// Rates of `F`, descending.
    pub rates: Vec<f64>,
    /// Parts of `Q_0`, a row for each.
    pub rows: Vec<Array1<f64>>,
    /// Singular values of `Sigma_yx` above rounding errors, descending: the first rates' own.
    pub singular_values: Vec<f64>,
    /// Eigenvectors of `F`, one a column, in the order of the rates.
    pub vectors: ArrayView2<'a, f64>,
    /// d.
    pub input_variance: f64,
    /// lambda.
    pub lambda: f64,
    /// Inputs.
    pub n_inputs: usize,
    /// Hidden units.
    pub width: usize,
}

/// Parts of a start below this, relative to the largest, are rounding errors.
const NOTHING: f64 = 1e-13;
/// What of a part is not along faster ones, relative to it, below this is a rounding error.
const DEPENDENT: f64 = 1e-10;

impl FlowModes<'_> {
    /// Modes, by their number, that the flow ends in. What grows fastest wins a direction of the hidden layer: a mode is reached if
    /// the start's part along it is not made up of its parts along faster ones.
    fn won(&self) -> Vec<usize> {
        let size = |row: &Array1<f64>| row.dot(row).sqrt();
        let largest = self.rows.iter().map(size).fold(0.0, f64::max);
        let mut taken: Vec<Array1<f64>> = Vec::new();
        let mut won = Vec::new();
        let scale = self.rates.first().copied().unwrap_or(0.0);
        let growing = self.rates.iter().take_while(|rate| **rate > 1e-12 * scale).count();
        for (index, row) in self.rows.iter().enumerate().take(growing) {
            let mut rest = row.clone();
            for _ in 0..2 {
                for other in &taken {
                    let along = other.dot(&rest);
                    rest.scaled_add(-along, other);
                }
            }
            if size(row) > NOTHING * largest && size(&rest) > DEPENDENT * size(row) {
                taken.push(&rest / size(&rest));
                won.push(index);
            }
        }
        won
    }

    /// Which part of the map is reached.
    pub fn reach(&self) -> Reach {
        let won = self.won();
        let rank = self.singular_values.len();
        let of = |is_won: bool| -> Vec<f64> {
            let modes = (0..rank).filter(|mode| won.contains(mode) == is_won);
            modes.map(|mode| self.singular_values[mode]).collect()
        };
        let (reached, unreached) = (of(true), of(false));
        let n_outputs = self.vectors.nrows() - self.n_inputs;
        let is_square = n_outputs == self.n_inputs && rank == self.n_inputs;
        let are_largest = reached == self.singular_values[..reached.len()];
        let zero_balanced = self.lambda.abs() <= 1e-9 * self.rates.first().copied().unwrap_or(0.0);
        let verdict = match unreached.len() {
            0 => ReachVerdict::Whole,
            left if are_largest && rank > self.width && left == rank - self.width => {
                ReachVerdict::Bottleneck
            }
            1 if are_largest && is_square && zero_balanced && self.width >= rank => {
                ReachVerdict::WrongSign
            }
            _ => ReachVerdict::Start,
        };
        let squares = unreached.iter().fold(0.0, |sum, s| sum + s * s);
        Reach { verdict, reached, unreached, excess_loss: 0.5 * squares / self.input_variance }
    }

    /// What the layers come to in the end: `Q Q^T = (2/d) sum l v v^T` over the modes that are won. Of a map of full rank that is
    /// reached `W_1^T W_1 = -lambda/2 I + (lambda^2/4 I + Sigma^T Sigma)^(1/2)`, and `W_2 W_2^T` likewise with lambda's sign turned.
    pub fn end(&self) -> Representation {
        let n = self.vectors.nrows();
        let mut product = Array2::<f64>::zeros((n, n));
        for mode in self.won() {
            let vector = self.vectors.column(mode).to_owned().insert_axis(Axis(1));
            product
                .scaled_add(2.0 / self.input_variance * self.rates[mode], &vector.dot(&vector.t()));
        }
        let (inputs, outputs) = (..self.n_inputs, self.n_inputs..);
        Representation {
            map: product.slice(ndarray::s![outputs.clone(), inputs]).to_owned(),
            input_similarity: Some(product.slice(ndarray::s![inputs, inputs]).to_owned()),
            output_similarity: Some(
                product.slice(ndarray::s![outputs.clone(), outputs]).to_owned(),
            ),
        }
    }
}

/// `Q = [W_1^T; W_2]`.
pub fn stacked(first: &Array2<f64>, second: &Array2<f64>) -> Array2<f64> {
    concatenate![Axis(0), first.t(), second.view()]
}
