use super::spoil::{another, onset_at};
use super::{Case, breaks};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for network in ["linear", "mlp", "cnn-relu", "cnn-tanh"] {
        for (bias, inputs) in
            [("all", "raw"), ("all", "centred"), ("none", "raw"), ("none", "centred")]
        {
            let condition = format!("{network}-{bias}-{inputs}");
            let is_control =
                ["linear-none-centred", "cnn-tanh-none-centred"].contains(&&*condition);
            let share = if is_control { 0.99 } else { 1.01 };
            cases.push(breaks(condition.clone(), move |runs| {
                another(runs, &condition, |run| onset_at(share)(&mut run.phase));
            }));
        }
    }
    cases
}
