//! Which runs train together.

use std::collections::VecDeque;

use tch::Device;

use super::job::{Job, Part};
use super::options::Options;
use crate::config::Config;
use crate::model::{Step, architecture};
use crate::train::runs_can_be_stacked;

/// How many runs of one shape, with so many weights of a fully connected network and so many training samples, train in one
/// stack.
pub fn most_together(
    config: &Config,
    n_weights: usize,
    n_samples: usize,
    options: &Options,
) -> usize {
    if let Some(most) = options.stack {
        return most.max(1);
    }
    let step = Step {
        n_weights,
        n_samples: config.training.batch_size.unwrap_or(n_samples),
        on_cpu: options.device == Device::Cpu,
    };
    architecture(config.network.kind).most_together(&step).max(1)
}

/// Jobs that train together: networks of one shape, as many as `most_together` says, spread over the workers. The longest
/// first, so that the last to end are short.
pub fn stacks(jobs: Vec<Job>, options: &Options) -> VecDeque<Vec<Job>> {
    let mut groups: Vec<Vec<Job>> = Vec::new();
    for job in jobs {
        match groups
            .iter_mut()
            .find(|group| runs_can_be_stacked(&group[0].lessons(), &job.lessons()))
        {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    let mut stacks: VecDeque<Vec<Job>> = VecDeque::new();
    for mut group in groups {
        let workers = options.jobs.max(1);
        let first = &group[0];
        let of_part = |part: &Part| {
            most_together(&part.stretch.config, n_weights(first), part.task.n_samples(), options)
        };
        // As many as the most demanding stretch allows.
        let most = first.parts.iter().map(of_part).min().unwrap_or(1);
        let fewest = group.len().div_ceil(most);
        // Evenly, and as many for each worker, so that none waits for another's rest.
        let size = group.len().div_ceil(fewest.next_multiple_of(workers));
        while !group.is_empty() {
            stacks.push_back(group.drain(..size.min(group.len())).collect());
        }
    }
    let takes_long = |config: &Config| architecture(config.network.kind).takes_long();
    stacks.make_contiguous().sort_by_key(|stack| !takes_long(&stack[0].config));
    stacks
}

/// Weights of a fully connected network.
fn n_weights(job: &Job) -> usize {
    let mut widths = vec![job.task().n_inputs()];
    widths.extend(&job.config.network.hidden);
    widths.push(job.task().targets.ncols());
    widths.windows(2).map(|pair| pair[0] * pair[1]).sum()
}
