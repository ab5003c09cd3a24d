//! Who judges a run's responses, and what is kept of the verdicts.

use crate::config::{Bias, Config, Loss};
use crate::metrics::{Curves, Judge, Judgement, ModeReader, PhaseWatch};
use crate::record::Record;
use crate::task::{Task, TaskInputs};
use crate::train::Snapshot;

/// The judges of one run's responses.
pub struct Judges {
    /// On the evaluation set.
    pub evaluation: Judge,
    training: Option<Judge>,
    modes: Option<ModeReader>,
}

impl Judges {
    /// The judges that a run needs.
    pub fn new(task: &Task, config: &Config) -> Self {
        let levels = task.level_columns();
        let judge = |items: Vec<usize>, weights: &[f64]| {
            Judge::new(task.targets.clone(), items, weights, task.ocs(), levels.clone())
                .rating_by(task.labels.as_ref())
        };
        let (items, weights) = task.evaluation_items();
        let training = task.judges_training(config.training.batch_size).then(|| {
            let items = task.training_items();
            let weights = vec![1.0; items.len()];
            judge(items, &weights)
        });
        Judges { evaluation: judge(items, &weights), training, modes: mode_reader(task, config) }
    }

    /// Makes the judges of a run's stretches tell the same: mode strengths are those of every stretch or of none.
    pub fn read_the_same(all: &mut [Judges]) {
        if all.iter().any(|judges| judges.modes.is_none()) {
            all.iter_mut().for_each(|judges| judges.modes = None);
        }
    }

    /// Judges a snapshot and appends the verdicts to the record's curves; returns those on the evaluation set.
    pub fn judge(&self, snapshot: &Snapshot, record: &mut Record) -> Judgement {
        let judgement = self.evaluation.judge(snapshot.evaluation.responses.view());
        let push = |curves: &mut Curves, judgement, loss| {
            curves.push(snapshot.time, judgement);
            curves.push_network(snapshot.step, loss, &snapshot.weight_norms, &snapshot.bias_norms);
        };
        push(&mut record.curves, &judgement, snapshot.evaluation.loss);
        if let Some(modes) = &self.modes {
            let mut responses = snapshot.evaluation.responses.clone();
            if let Some(bias) = &snapshot.output_bias {
                responses -= &ndarray::ArrayView1::from(bias);
            }
            record.curves.push_mode_strengths(&modes.strengths(&responses));
        }
        if let (Some(judge), Some(answer)) = (&self.training, &snapshot.training) {
            let on_training_set = judge.judge(answer.responses.view());
            push(
                record.training_curves.get_or_insert_with(Curves::default),
                &on_training_set,
                answer.loss,
            );
        }
        judgement
    }

    /// What finds the OCS phase of the evaluation set, at a threshold.
    pub fn phase_watch(&self, threshold: f64) -> PhaseWatch {
        PhaseWatch::new(threshold, self.evaluation.ocs_norm(), self.evaluation.target_variance())
    }
}

/// Linear networks under squared error on one vector per item, balanced tree, equal frequencies: there responses are
/// linear in the modes, and the modes are known.
fn mode_reader(task: &Task, config: &Config) -> Option<ModeReader> {
    let TaskInputs::Vectors(_) = &task.inputs else { return None };
    let n_items = task.targets.nrows() as f64;
    let linear = config.network.kind.is_linear() && config.training.loss == Loss::HalfSquaredError;
    if !linear || !task.is_even() {
        return None;
    }
    let rho = config.task.correlation;
    let depth = config.network.hidden.len() + 1;
    if depth > 2 && config.network.bias == Bias::All {
        return None; // biases of hidden layers answer too, and belong to no mode of the weights
    }
    // The only layer's bias is the output's, which is taken off the responses.
    let counts_bias = depth > 1 && config.network.bias.at_input();
    let constant = (1.0 + (n_items - 1.0) * rho) / n_items + if counts_bias { 1.0 } else { 0.0 };
    let variances = [constant, (1.0 - rho) / n_items];
    let labels = task.hierarchy.as_ref()?.targets();
    let levels = task.level_columns();
    let reader = match config.training.smoothing() {
        Some(_) => ModeReader::along(&labels, &task.targets, &levels, variances),
        None => ModeReader::new(&labels, &levels, variances),
    };
    Some(reader.towards(&task.targets))
}
