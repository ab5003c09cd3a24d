//! What a linear network computes, and which inputs and outputs it holds alike: the map, its first and its last layer's Gram
//! matrices, and its tangent kernel.

use ndarray::Array2;

/// What the layers of a linear network without biases come to; a rotation of a hidden layer changes none of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Representation {
    /// `W_L .. W_1`, `[output, input]`.
    pub map: Array2<f64>,
    /// `W_1^T W_1`, `[input, input]`: how alike inputs are to the first hidden layer; `None` without hidden layers.
    pub input_similarity: Option<Array2<f64>>,
    /// `W_L W_L^T`, `[output, output]`: how alike outputs are to the last.
    pub output_similarity: Option<Array2<f64>>,
}

impl Representation {
    /// Of layers `[outputs, inputs]`, the one that sees inputs first; `None` without any.
    pub fn of(layers: &[Array2<f64>]) -> Option<Self> {
        let map = layers.iter().cloned().reduce(|below, above| above.dot(&below))?;
        let (first, last) = (layers.first()?, layers.last()?);
        let is_deep = layers.len() > 1;
        Some(Representation {
            map,
            input_similarity: is_deep.then(|| first.t().dot(first)),
            output_similarity: is_deep.then(|| last.dot(&last.t())),
        })
    }

    /// Its tables with their names and the names of their dimensions.
    pub fn tables(&self) -> Vec<(&'static str, [&'static str; 2], &Array2<f64>)> {
        let mut tables = vec![("network_map", ["output", "input"], &self.map)];
        let inputs = self.input_similarity.iter();
        tables.extend(inputs.map(|table| ("input_similarity", ["input", "other_input"], table)));
        let outputs = self.output_similarity.iter();
        tables
            .extend(outputs.map(|table| ("output_similarity", ["output", "other_output"], table)));
        tables
    }

    /// Numbers in its tables, for a network of so many inputs, outputs and hidden layers.
    pub fn size(n_inputs: usize, n_outputs: usize, n_hidden: usize) -> usize {
        let of_layers = n_inputs.saturating_mul(n_inputs) + n_outputs.saturating_mul(n_outputs);
        n_inputs.saturating_mul(n_outputs) + if n_hidden > 0 { of_layers } else { 0 }
    }
}

/// `||W_(l+1)^T W_(l+1) - W_l W_l^T - lambda I||` of each hidden layer (Frobenius), conserved by gradient flow: 0 where the start was
/// lambda-balanced.
pub fn balance_errors(layers: &[Array2<f64>], lambda: f64) -> Vec<f64> {
    let of_pair = |pair: &[Array2<f64>]| {
        let (below, above) = (&pair[0], &pair[1]);
        let off = above.t().dot(above)
            - below.dot(&below.t())
            - lambda * Array2::<f64>::eye(below.nrows());
        frobenius(&off)
    };
    layers.windows(2).map(of_pair).collect()
}

/// Root of the sum of squares.
pub fn frobenius(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// The neural tangent kernel of a linear network without biases, over samples and outputs, in factors (of two layers Braun et al.
/// 2022):
///
/// ```text
/// Theta = sum_l (A_l A_l^T) (x) (X^T B_l^T B_l X),   A_l = W_L .. W_(l+1),  B_l = W_(l-1) .. W_1
/// ```
#[derive(Debug, Clone)]
pub struct LinearKernel {
    /// `A_l A_l^T`, `[output, output]`, and `B_l^T B_l S`, `[input, input]`, of each layer, with the inputs' second moment S.
    parts: Vec<(Array2<f64>, Array2<f64>)>,
}

impl LinearKernel {
    /// Of layers `[outputs, inputs]` on inputs of this second moment, `[input, input]`.
    pub fn new(layers: &[Array2<f64>], second_moment: &Array2<f64>) -> Self {
        let n_outputs = layers.last().map_or(0, Array2::nrows);
        let mut above = Array2::eye(n_outputs);
        let mut outputs = Vec::with_capacity(layers.len());
        for layer in layers.iter().rev() {
            outputs.push(above.dot(&above.t()));
            above = above.dot(layer);
        }
        let mut below = Array2::eye(second_moment.nrows());
        let mut parts = Vec::with_capacity(layers.len());
        for (layer, outputs) in layers.iter().zip(outputs.into_iter().rev()) {
            parts.push((outputs, below.t().dot(&below).dot(second_moment)));
            below = layer.dot(&below);
        }
        LinearKernel { parts }
    }

    /// `<Theta, Theta'>`, the sum of products of entries, but for a factor that all kernels on the same samples share.
    fn product(&self, other: &LinearKernel) -> f64 {
        let trace = |one: &Array2<f64>, other: &Array2<f64>| (one * &other.t()).sum();
        let pairs = self.parts.iter().flat_map(|one| other.parts.iter().map(move |two| (one, two)));
        pairs.map(|(one, two)| trace(&one.0, &two.0) * trace(&one.1, &two.1)).sum()
    }

    /// `1 - cos(Theta, Theta')` (Frobenius); `None` if one of them is zero.
    pub fn distance(&self, other: &LinearKernel) -> Option<f64> {
        let sizes = (self.product(self) * other.product(other)).sqrt();
        (sizes > 0.0).then(|| 1.0 - self.product(other) / sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, columns: usize, phase: f64) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(i, j)| ((7 * i + 3 * j) as f64 + phase).sin())
    }

    #[test]
    fn the_kernels_factors_are_the_products_of_gradients() {
        let layers = [table(4, 3, 0.1), table(5, 4, 0.7), table(2, 5, 1.9)];
        let inputs = table(6, 3, 2.5);
        // d (W3 W2 W1 x)_k / d W_l, entry by entry, for every sample and output.
        let kernel_of = |layers: &[Array2<f64>; 3]| {
            let above = [layers[2].dot(&layers[1]), layers[2].clone(), Array2::eye(2)];
            let below = [Array2::eye(3), layers[0].clone(), layers[1].dot(&layers[0])];
            let gradient = |sample: usize, output: usize| -> Vec<f64> {
                let of_layer = |layer: usize| {
                    let (a, b) = (
                        above[layer].row(output).to_owned(),
                        below[layer].dot(&inputs.row(sample)),
                    );
                    a.iter().flat_map(|a| b.iter().map(move |b| a * b)).collect::<Vec<f64>>()
                };
                (0..3).flat_map(of_layer).collect()
            };
            let places: Vec<Vec<f64>> = (0..6)
                .flat_map(|sample| (0..2).map(move |output| (sample, output)))
                .map(|(s, o)| gradient(s, o))
                .collect();
            Array2::from_shape_fn((12, 12), |(i, j)| {
                places[i].iter().zip(&places[j]).map(|(a, b)| a * b).sum::<f64>()
            })
        };
        let other = [table(4, 3, 0.9), table(5, 4, 0.2), table(2, 5, 0.4)];
        let (one, two) = (kernel_of(&layers), kernel_of(&other));
        let cosine = (&one * &two).sum() / frobenius(&one) / frobenius(&two);
        let moment = inputs.t().dot(&inputs) / 6.0;
        let distance = LinearKernel::new(&layers, &moment)
            .distance(&LinearKernel::new(&other, &moment))
            .unwrap();
        assert!((distance - (1.0 - cosine)).abs() < 1e-12, "{distance}");
    }

    #[test]
    fn a_rotation_of_a_hidden_layer_changes_nothing() {
        let (first, second) = (table(2, 3, 0.1), table(2, 2, 0.6));
        let (sin, cos) = 0.7f64.sin_cos();
        let turn = ndarray::array![[cos, -sin], [sin, cos]];
        let one = Representation::of(&[first.clone(), second.clone()]).unwrap();
        let other = Representation::of(&[turn.dot(&first), second.dot(&turn.t())]).unwrap();
        for ((_, _, one), (_, _, other)) in one.tables().into_iter().zip(other.tables()) {
            assert!(frobenius(&(one - other)) < 1e-14);
        }
        assert_eq!(
            one.tables().iter().map(|(_, _, table)| table.len()).sum::<usize>(),
            Representation::size(3, 2, 1)
        );
        assert_eq!(balance_errors(&[Array2::eye(3), 2.0 * Array2::eye(3)], 3.0), [0.0]);
    }
}
