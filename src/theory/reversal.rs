//! Relearning: a linear network that has learned a tree is given the same tree with its items permuted, or reversed. Does it come
//! back to the optimal constant solution on its way?
//!
//! A switch that leaves `ybar` as it is leaves `M` at zero, so that `M` says nothing. What can be asked is whether the response to
//! *every* item comes near the OCS, that is whether
//!
//! ```text
//! D_ocs = <||yhat - ybar||^2> <= q V_target        (q = 0.1: `phase_threshold`)
//! ```
//!
//! somewhere between the old targets, where `D_ocs = V_target`, and the new ones, where it is that again. By the triangle inequality
//! the targets are far then, whatever the network: `D_target >= (1 - sqrt(q))^2 V_target`, 0.47 of it.
//!
//! With one-hot inputs, `p = 1/N`, the error of the constant is not coupled to that of the contrasts; it stays at zero, and
//! `D_ocs = V`.
//!
//! **One layer.** `Yhat` goes straight from the old targets to the new at the one rate `d = 1/N`. With `rho` the correlation of old
//! and new contrasts, `rho V_target = <(y - ybar) . (y' - ybar)>`, and `x = 1 - 2 e^(-d t)` from -1 to 1
//!
//! ```text
//! D_ocs / V_target = (1 + rho)/2 + x^2 (1 - rho)/2,   least (1 + rho)/2, at t = ln 2 / d                               (R1)
//! ```
//!
//! A reversal, `y' = 2 ybar - y`, has `rho = -1`: it passes through the OCS exactly, and is within q of it from
//! `ln(2/(1 + sqrt(q)))/d` to `ln(2/(1 - sqrt(q)))/d`, whose ratio depends on q alone. A permutation has
//! `rho V_target = n - ||ybar||^2`, n the mean number of labels that an item keeps, so that the OCS is never nearer than
//! `(V_target - ||ybar||^2) / (2 V_target)`; of the 2-2-2 tree 5/17. No permutation passes through it.
//!
//! **Two layers, modes that change their sign.** Let `u, s, v` be a mode of the old targets and `u, -s, v` one of the new. With
//! `A = W_1 v`, `B = W_2^T u`, `a = A . B`, decoupled from other modes (small starts; exactly so in the aligned ones):
//!
//! ```text
//! A' = e B, B' = e A,  e = -s - d a:     P = |A + B|^2 ~ e^(2E), Q = |A - B|^2 ~ e^(-2E), E = int e;   a = (P - Q)/4      (R2)
//! ```
//!
//! `P Q` is conserved through all stretches, and weights are a function of E alone. So a mode that must change its sign goes back the
//! way it came: when E is what it was before anything was learned, so are its weights, to the number, and it escapes from there
//! anew along `A - B`. With `lambda = sqrt(P Q)`, `a = (lambda/2) sinh(theta)`, `theta' = -2 (s + d (lambda/2) sinh(theta))` it crosses
//! zero after
//!
//! ```text
//! t = int_0^theta1 dtheta / (2 s + d lambda sinh(theta)),  sinh(theta1) = 2 a(0)/lambda;  near ln(2 a(0)/lambda) / (2 s)      (R3)
//! ```
//!
//! and is learned anew by twice that time. Contrasts vanish at rates 2 s, long before: in between the network answers with the OCS,
//! for a time that grows with the logarithm of the start, which a network of one layer has not. A start that is balanced in every
//! mode (`Q = 0`, the aligned one) never crosses: it comes to rest at the saddle, until rounding lifts it.
//! Gaussian weights of standard deviation sigma in a layer of width h have `P = Q = 2 h sigma^2` on average, so
//! `lambda = 2 h sigma^2`.
//!
//! Permutations that map every contrast to itself or its negative (of a tree of branching 2 the shifts `i -> i XOR m`) turn some
//! signs: each turned mode vanishes, the others stay, and `D_ocs` falls to the share that is kept, which again is `(1 + rho)/2`.
//!
//! **The mean turned too**, `y' = -y`. The new OCS is `-ybar`. An output bias carries the constant there in time 1, before any
//! contrast turns, and the network passes through it. Without biases constant and top split share their singular value and leave
//! zero together: with equal fractions f of both, `D_ocs/V_target = ((1 - f)^2 + f^2) ||ybar||^2 / V_target` is never below
//! `||ybar||^2 / (2 V_target)`, 7/34 of the 2-2-2 tree (starts that favour one of the two by chance: some 0.15 to 0.4). In one layer
//! `D_ocs/V_target = x^2 + (1 - x)^2 ||ybar||^2 / V_target` is never below `||ybar||^2 / <||y||^2>`, 7/24.
//!
//! Own derivation; (R2) is the hyperbolic flow of two layers (Saxe et al. 2014, Braun et al. 2022), followed backwards.

use super::tree::BalancedTree;
use crate::config::Normal;

/// A mode of two layers that has to change its sign, (R3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignChange {
    /// s, of the old mode and, but for its sign, of the new.
    pub singular_value: f64,
    /// d.
    pub input_variance: f64,
    /// `a(0) > 0`, when the targets change.
    pub strength: f64,
    /// lambda, which is conserved.
    pub imbalance: f64,
}

impl SignChange {
    /// Time from the change of targets to `a = 0`.
    ///
    /// ```text
    /// A = 2 s,  B = d lambda,  R = sqrt(A^2 + B^2),  w = e^theta,  w_+- = (-A +- R)/B:
    /// t = (1/R) [ln((w - w_+)/(w - w_-))] from w = 1 to e^theta1
    /// ```
    pub fn crossing(&self) -> f64 {
        self.until(0.0)
    }

    /// Time from the change of targets to `a = -strength`, which must be below `s/d`: after it has crossed zero where `strength` is
    /// above 0. Near `(1/s) ln(c s / (d lambda))` for small imbalances, so that a hundred times better balance costs a reversal of
    /// `ln(100)/s`.
    ///
    /// ```text
    /// w from e^(-asinh(2 strength/lambda)) to e^theta1 in the above
    /// ```
    pub fn until(&self, strength: f64) -> f64 {
        let (a, b) = (2.0 * self.singular_value, self.input_variance * self.imbalance);
        let root = a.hypot(b);
        // -A + R without cancellation.
        let (plus, minus) = (b / (a + root), -(a + root) / b);
        let w = |strength: f64| (2.0 * strength / self.imbalance).asinh().exp();
        let at = |w: f64| ((w - plus) / (w - minus)).ln();
        (at(w(self.strength)) - at(1.0 / w(strength))) / root
    }
}

/// `lambda = 2 h sigma^2`, of normal weights in two layers, averaged over seeds.
pub fn imbalance(Normal { std }: Normal, width: usize) -> f64 {
    2.0 * width as f64 * std * std
}

/// `(1 + rho)/2`: how near, in units of `V_target`, relearning of a balanced tree comes to the OCS when items that stood at leaves
/// `before` stand at `now`. Exact for one layer, (R1), and for two where the permutation only turns signs of contrasts.
pub fn closest_share(tree: &BalancedTree, before: &[usize], now: &[usize]) -> f64 {
    let targets = tree.responses(&vec![1.0; tree.n_levels() + 1]);
    let shared: f64 = std::iter::zip(before, now)
        .map(|(&one, &two)| targets.row(one).dot(&targets.row(two)))
        .sum();
    let mean_square = tree.ocs_norm() * tree.ocs_norm();
    let variance = tree.n_levels() as f64 - mean_square;
    let rho = (shared / before.len() as f64 - mean_square) / variance;
    (1.0 + rho) / 2.0
}

/// When one layer of input variance d comes within a share q of the OCS, and when it leaves, relearning reversed contrasts.
pub fn one_layers_visit(input_variance: f64, q: f64) -> [f64; 2] {
    [q.sqrt(), -q.sqrt()].map(|root| (2.0 / (1.0 + root)).ln() / input_variance)
}

#[cfg(test)]
mod tests {
    use super::super::integrate::Integrator;
    use super::*;

    #[test]
    fn a_sign_changes_when_its_two_layers_say() {
        for (s, d, a, lambda) in
            [(0.331, 0.125, 2.6, 0.0128), (0.125, 0.125, 0.9, 1e-4), (0.2, 1.0, 0.1, 0.5)]
        {
            let change =
                SignChange { singular_value: s, input_variance: d, strength: a, imbalance: lambda };
            // A . B = a and |A + B|^2 |A - B|^2 = lambda^2, along two axes: P = 2a + sqrt(4a^2 + lambda^2).
            let p: f64 = 2.0 * a + (4.0 * a * a + lambda * lambda).sqrt();
            let q = lambda * lambda / p;
            let (sum, difference) = (0.5 * p.sqrt(), 0.5 * q.sqrt());
            let mut flow = Integrator::new(vec![sum, difference, sum, -difference]);
            flow.advance(change.crossing(), &|_, state, rate| {
                let strength = state[0] * state[2] + state[1] * state[3];
                let error = -s - d * strength;
                for i in 0..2 {
                    (rate[i], rate[i + 2]) = (error * state[i + 2], error * state[i]);
                }
            });
            let state = flow.state();
            let strength = state[0] * state[2] + state[1] * state[3];
            assert!(strength.abs() < 1e-9 * a, "{s}, {d}, {a}, {lambda}: {strength:e}");
        }
    }

    #[test]
    fn a_balanced_reversal_takes_the_logarithm_of_its_imbalance() {
        let of = |imbalance: f64| {
            let change =
                SignChange { singular_value: 1.0, input_variance: 1.0, strength: 1.0, imbalance };
            change.until(0.5)
        };
        // The integral of NEIGHBOURS (A6), s = 1, q = 1/2.
        for (imbalance, time) in [(1e-2, 5.64485), (1e-4, 10.25006), (1e-8, 19.46040)] {
            assert!((of(imbalance) - time).abs() < 1e-5, "{imbalance}: {}", of(imbalance));
        }
        let slope = (of(1e-10) - of(1e-8)) / 100f64.ln();
        assert!((slope - 1.0).abs() < 1e-6, "{slope}");
        // And the equation itself, w_1' = -(s + a) w_2 and likewise.
        for imbalance in [0.3, 1e-3] {
            let square = 0.5 * (imbalance + (imbalance * imbalance + 4.0f64).sqrt());
            let mut flow = Integrator::new(vec![square.sqrt(), 1.0 / square.sqrt()]);
            flow.advance(of(imbalance), &|_, state, rate| {
                let error = -1.0 - state[0] * state[1];
                (rate[0], rate[1]) = (error * state[1], error * state[0]);
            });
            let strength = flow.state()[0] * flow.state()[1];
            assert!((strength + 0.5).abs() < 1e-8, "{imbalance}: {strength}");
        }
    }

    #[test]
    fn a_small_start_crosses_near_the_logarithm() {
        let change = SignChange {
            singular_value: 0.3,
            input_variance: 0.125,
            strength: 2.4,
            imbalance: 1e-6,
        };
        let near = (2.0 * change.strength / change.imbalance).ln() / 0.6;
        assert!((change.crossing() / near - 1.0).abs() < 1e-3);
    }

    #[test]
    fn one_layer_is_on_the_straight_line_between_targets() {
        let tree = BalancedTree::new(&[2, 2, 2]);
        let targets = tree.responses(&[1.0; 4]);
        let own: Vec<usize> = (0..8).collect();
        for places in [[4, 5, 6, 7, 0, 1, 2, 3], [1, 0, 3, 2, 5, 4, 7, 6], [0, 4, 2, 6, 1, 5, 3, 7]]
        {
            let now = targets.select(ndarray::Axis(0), &places);
            let ocs = targets.mean_axis(ndarray::Axis(0)).unwrap();
            let square =
                |rows: &ndarray::Array2<f64>| (rows - &ocs).mapv(|value| value * value).sum() / 8.0;
            let least = (0..=100)
                .map(|step| f64::from(step) / 100.0)
                .map(|share| square(&((1.0 - share) * &targets + share * &now)) / square(&targets))
                .fold(f64::INFINITY, f64::min);
            assert!((closest_share(&tree, &own, &places) - least).abs() < 1e-12, "{places:?}");
        }
        // None shares a label with where it was.
        assert!((closest_share(&tree, &own, &[4, 5, 6, 7, 0, 1, 2, 3]) - 5.0 / 17.0).abs() < 1e-12);
    }

    #[test]
    fn one_layers_visit_is_where_its_contrasts_are_small() {
        let [enter, leave] = one_layers_visit(0.125, 0.1);
        for time in [enter, leave] {
            let x: f64 = 1.0 - 2.0 * f64::exp(-0.125 * time);
            assert!((x * x - 0.1).abs() < 1e-12);
        }
        assert!(enter < leave);
    }
}
