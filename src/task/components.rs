//! Principal components of a task's training inputs.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use ndarray::{Array1, Array2, Axis, s};

use crate::decompositions::{eigen, product};
use crate::derived::Tables;

/// Orthogonal directions of the training inputs, the one along which they vary most first; those along which they do not vary are
/// left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// `[n_inputs]`, the mean training input.
    pub mean: Array1<f64>,
    /// `[n_components, n_inputs]`: unit vectors whose entry of largest size is positive.
    pub directions: Array2<f64>,
    /// `[n_components]`, descending: variances of the training inputs along them.
    pub variances: Array1<f64>,
}

/// Training inputs that are seen block by block.
pub struct Rows<'a> {
    /// Samples.
    pub count: usize,
    /// Input values.
    pub n_inputs: usize,
    /// Some of them, `[n, n_inputs]`.
    pub of: &'a dyn Fn(Range<usize>) -> Array2<f64>,
}

/// Rows that are float64 at a time.
const BLOCK: usize = 2048;
/// Variances below this share of the largest are rounding errors.
const ZERO: f64 = 1e-10;
/// Correlations, and differences of variances, below this share of the largest variance are none.
const EQUAL: f64 = 1e-9;
/// A larger matrix would not fit into memory, nor be diagonalised today.
const LARGEST: usize = 8192;

impl Components {
    /// Of training inputs: the smaller of the matrices of inputs by inputs and of samples by samples is diagonalised. Where inputs are
    /// uncorrelated, components are their axes; those of equal variance stay in the axes' order.
    ///
    /// # Errors
    ///
    /// If no input varies, or both samples and input values are more than 8,192.
    pub fn of(rows: &Rows) -> Result<Self> {
        let Rows { count, n_inputs, .. } = *rows;
        ensure!(
            count.min(n_inputs) <= LARGEST,
            "principal components of {count} samples of {n_inputs} values ask for a matrix of more than {LARGEST} rows: ask for fewer \
             task.samples"
        );
        let blocks: Vec<Range<usize>> =
            (0..count).step_by(BLOCK).map(|start| start..(start + BLOCK).min(count)).collect();
        let mut mean = Array1::zeros(n_inputs);
        for range in &blocks {
            mean += &((rows.of)(range.clone()).sum_axis(Axis(0)) / count as f64);
        }
        let root = (count as f64).sqrt();
        let scaled = |range: &Range<usize>| ((rows.of)(range.clone()) - &mean) / root;
        let (variances, directions) = if n_inputs <= count {
            let mut covariance = Array2::<f64>::zeros((n_inputs, n_inputs));
            for range in &blocks {
                let block = scaled(range);
                covariance += &product(&block.t().to_owned(), &block);
            }
            match axes_of(&covariance) {
                Some(axes) => axes,
                None => descending(&covariance),
            }
        } else {
            let all = scaled(&(0..count));
            let (variances, vectors) = descending(&product(&all, &all.t().to_owned()));
            let roots = variances.mapv(f64::sqrt).insert_axis(Axis(1));
            (variances, product(&vectors, &all) / &roots)
        };
        ensure!(!variances.is_empty(), "all training inputs are the same: nothing of them varies");
        let mut components = Components { mean, directions, variances };
        components.turn_up();
        Ok(components)
    }

    /// Makes the largest entry of each direction positive.
    fn turn_up(&mut self) {
        for mut direction in self.directions.rows_mut() {
            let largest = direction.iter().copied().fold(0.0, |largest: f64, entry| {
                if entry.abs() > largest.abs() { entry } else { largest }
            });
            if largest < 0.0 {
                direction.mapv_inplace(|entry| -entry);
            }
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.variances.len()
    }

    /// The first so many.
    ///
    /// # Errors
    ///
    /// If there are fewer; names the key that asks for them.
    pub fn first(&self, count: usize, key: &str) -> Result<Self> {
        ensure!(
            count <= self.count(),
            "{key} asks for {count} principal components, but the training inputs vary along {}: ask for no more",
            self.count()
        );
        Ok(Components {
            mean: self.mean.clone(),
            directions: self.directions.slice(s![..count, ..]).to_owned(),
            variances: self.variances.slice(s![..count]).to_owned(),
        })
    }

    /// Inputs `[n, n_inputs]` told along them, `[n, n_components]`, counted from the mean.
    pub fn scores(&self, inputs: &Array2<f64>) -> Array2<f64> {
        product(&(inputs - &self.mean), &self.directions.t().to_owned())
    }

    /// What of inputs `[n, n_inputs]` is their mean and lies along these components.
    pub fn projected(&self, inputs: &Array2<f64>) -> Array2<f64> {
        product(&self.scores(inputs), &self.directions) + &self.mean
    }

    /// As tables that can be kept.
    pub fn tables(self) -> Tables {
        let row = |values: Array1<f64>| values.insert_axis(Axis(0));
        let Components { mean, directions, variances } = self;
        [("mean", row(mean)), ("variances", row(variances)), ("directions", directions)]
            .map(|(name, table)| (name.to_owned(), table))
            .into()
    }

    /// And back.
    ///
    /// # Errors
    ///
    /// If one is missing.
    pub fn of_tables(mut tables: Tables) -> Result<Self> {
        let mut take = |name: &str| tables.remove(name).with_context(|| format!("no {name} kept"));
        let row = |table: Array2<f64>| table.index_axis_move(Axis(0), 0);
        Ok(Components {
            mean: row(take("mean")?),
            variances: row(take("variances")?),
            directions: take("directions")?,
        })
    }
}

/// The inputs' own axes where nothing is correlated, in the order of their variances; `None` elsewhere.
fn axes_of(covariance: &Array2<f64>) -> Option<(Array1<f64>, Array2<f64>)> {
    let variances = covariance.diag();
    let largest = variances.iter().copied().fold(0.0, f64::max);
    let is_diagonal = covariance
        .indexed_iter()
        .all(|((row, column), entry)| row == column || entry.abs() <= EQUAL * largest);
    if !is_diagonal {
        return None;
    }
    let mut axes: Vec<usize> =
        (0..variances.len()).filter(|&axis| variances[axis] > ZERO * largest).collect();
    // In steps of what counts as equal; the sort is stable.
    let step = |axis: &usize| (variances[*axis] / (EQUAL * largest)).round() as i64;
    axes.sort_by_key(|axis| std::cmp::Reverse(step(axis)));
    let mut directions = Array2::zeros((axes.len(), variances.len()));
    for (index, &axis) in axes.iter().enumerate() {
        directions[[index, axis]] = 1.0;
    }
    Some((axes.iter().map(|&axis| variances[axis]).collect(), directions))
}

/// Eigenvalues above rounding errors, descending, and their eigenvectors, one a row.
fn descending(matrix: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let (values, vectors) = eigen(matrix);
    let largest = values.last().copied().unwrap_or(0.0);
    let kept: Vec<usize> =
        (0..values.len()).rev().filter(|&index| values[index] > ZERO * largest.max(0.0)).collect();
    let vectors = vectors.select(Axis(1), &kept).reversed_axes();
    (kept.iter().map(|&index| values[index]).collect(), vectors.as_standard_layout().into_owned())
}
