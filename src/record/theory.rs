//! What theory leaves on disk: its answer to one condition, and the Gram matrix of a condition's inputs.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::series::Series;
use super::stretches::{StretchRecord, moments_of};
use crate::config::{Config, TaskConfig};
use crate::metrics::{Curves, Phase, norm};

/// What theory says of one condition; printed by `ocs theory --json` and kept as `theory.json` beside the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TheoryRecord {
    /// Name of the condition.
    pub condition: String,
    /// The condition's own config, every default written out.
    pub config: Config,
    /// How the curves were found.
    pub method: Method,
    /// What the answer is good for, in a sentence.
    pub validity: String,
    /// The optimal constant solution, `[label]`.
    pub ocs: Vec<f64>,
    /// `V_target`.
    pub target_variance: f64,
    /// Number of labels of each level.
    pub levels: Vec<usize>,
    /// Singular modes, the constant first, then level by level.
    pub modes: Vec<ModeRecord>,
    /// The OCS phase, solved for (not read off the curves).
    pub phase: Phase,
    /// The same metrics as a network's.
    pub curves: Curves,
    /// What belongs to each stretch of training, as in a run's record; `modes` above are the first one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretches: Vec<StretchRecord>,
    /// Which part of the task's map two balanced layers reach, in each stretch; empty where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<ReachRecord>,
    /// How far an independent integration of the layers' own equations is from `series`, where these are of a closed form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<VerifiedRecord>,
    /// What a linear network without biases computes and holds alike at the times of `curves`, as the probe `representations`
    /// tells it of a run: `network_map`, `[time, output, input]`, `input_similarity` and `output_similarity`. Of `ocs theory --json`,
    /// and where the config lists that probe.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<String, Series>,
}

/// A closed form held to the flow that it solves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VerifiedRecord {
    /// Last time compared: 8 over the inputs' variance, or the last of the first stretch before. (Later, rounding lets flows escape
    /// from saddles, each at its own time.)
    pub until: f64,
    /// Moments compared.
    pub moments: usize,
    /// Largest difference of a number.
    pub difference: f64,
}

/// Which part of a task's map is reached in a stretch of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReachRecord {
    /// Whether all of it, and if not why.
    pub verdict: ReachVerdict,
    /// lambda of `W_2^T W_2 - W_1 W_1^T = lambda I`, which is conserved.
    pub lambda: f64,
    /// Singular values of `Sigma_yx` that are reached, descending.
    pub reached: Vec<f64>,
    /// Those that are not.
    pub unreached: Vec<f64>,
    /// What is left of the loss in the end, above that of the least-squares map.
    pub excess_loss: f64,
}

/// Whether a map is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReachVerdict {
    /// All of it.
    Whole,
    /// The largest modes, as many as there are hidden units.
    Bottleneck,
    /// All but the smallest mode: of a square map the start has the other sign of the determinant, which is kept.
    WrongSign,
    /// The start has no part along some modes, and gets none.
    Start,
}

impl TheoryRecord {
    /// Which moments of `curves` belong to each stretch of training.
    pub fn moments_of_stretches(&self) -> Vec<Range<usize>> {
        moments_of(&self.stretches, &self.curves)
    }

    /// `||ybar||`.
    pub fn ocs_norm(&self) -> f64 {
        norm(&self.ocs)
    }

    /// One of the (degenerate) modes of a split: 0 is the constant, l the contrasts of level l. For balanced trees on which
    /// every level splits; `None` beyond them, and where modes are not known.
    pub fn mode_of_split(&self, split: usize) -> Option<&ModeRecord> {
        // A level has as many modes as it has more nodes than the one above: the modes above it are as many as those.
        if self.levels.windows(2).any(|pair| pair[0] >= pair[1]) {
            return None;
        }
        let index = match split {
            0 | 1 => split,
            _ => *self.levels.get(split - 2)?,
        };
        self.modes.get(index)
    }

    /// Learned fraction `a d / s` of a split in the weights, `[time]`, in a run's curves or in this theory's own. An output
    /// bias is no part of it. `None` where strengths or modes are not known.
    pub fn learned_fraction(&self, curves: &Curves, split: usize) -> Option<Vec<f64>> {
        let mode = self.mode_of_split(split)?;
        let strengths = curves.mode_strengths.as_ref()?.get(split)?;
        Some(strengths.iter().map(|a| a * mode.input_variance / mode.singular_value).collect())
    }

    /// Output bias along the OCS, `[time]`: the norm that a run recorded; in a theory's curves, which have none, what the
    /// mean response has beyond the weights' share, `||ybar|| (f_0 - a d / s)`. `None` for a run without output bias.
    pub fn output_bias(&self, curves: &Curves) -> Option<Vec<f64>> {
        if let Some(norms) = curves.bias_norms.last() {
            return norms.iter().copied().collect();
        }
        let whole = curves.constant_fraction(&self.ocs);
        let of_weights = self.learned_fraction(curves, 0)?;
        let norm = self.ocs_norm();
        Some(std::iter::zip(whole, of_weights).map(|(f, weights)| norm * (f - weights)).collect())
    }
}

/// How a theory found its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// An exact solution (or a named approximation of the start, see `validity`).
    ClosedForm,
    /// The flow's equations, integrated.
    Integrated,
    /// Eigenvectors of a kernel.
    Spectral,
}

/// One singular mode of Sigma_yx.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModeRecord {
    /// s.
    pub singular_value: f64,
    /// d.
    pub input_variance: f64,
    /// a(0), end to end.
    pub initial_strength: f64,
    /// a(infinity).
    pub final_strength: f64,
}

/// The Gram matrix of one condition's training inputs; printed by `ocs gram --json`, and kept as `gram.json` beside
/// `theory.json` where theory covers images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GramRecord {
    /// Name of the condition.
    pub condition: String,
    /// What is learned.
    pub task: TaskConfig,
    /// N.
    pub samples: usize,
    /// D.
    pub features: usize,
    /// Of `X X^T / N`, the largest 64, descending. With `task.frequencies` on one vector per item: of
    /// `P^(1/2) X X^T P^(1/2)`.
    pub eigenvalues: Vec<f64>,
    /// `|<v_top, 1>| / sqrt(N)`, in [0, 1].
    pub ones_overlap: f64,
    /// `kappa_0 / kappa_1`; `null` if there is one eigenvalue above rounding errors.
    pub ratio: Option<f64>,
    /// Standard deviation over mean of the samples' projections on the mean input; `null` where the mean is zero.
    pub projection_cv: Option<f64>,
}
