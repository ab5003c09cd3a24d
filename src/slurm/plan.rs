//! Which runs each task of an array does.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Config, resolve_conditions};

/// One run of a config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// Name of its condition; with a grid, of the cell.
    pub condition: String,
    /// Its seed.
    pub seed: u64,
}

/// Runs by task: the entry at `i` is what task `i` does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks(pub Vec<Vec<RunId>>);

impl Tasks {
    /// Which task does a run.
    pub fn of_run(&self) -> BTreeMap<RunId, usize> {
        let runs = |(task, runs): (usize, &Vec<RunId>)| {
            runs.iter().map(|run| (run.clone(), task)).collect::<Vec<_>>()
        };
        self.0.iter().enumerate().flat_map(runs).collect()
    }

    /// Runs in all.
    pub fn n_runs(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// JSON with a line for each task, so that people can read and search it.
    pub fn to_json(&self) -> Result<String> {
        let lines: Vec<String> =
            self.0.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        Ok(format!("[\n{}\n]\n", lines.join(",\n")))
    }
}

/// Spreads the runs in `wanted` over tasks of at most `per_task`. Runs share a task only with those of their shape, since
/// such ones may train in one stack; the order is the config's.
///
/// # Errors
///
/// If the config's conditions cannot be resolved.
pub fn group(config: &Config, wanted: &BTreeSet<RunId>, per_task: usize) -> Result<Tasks> {
    let mut shapes: Vec<(String, Vec<RunId>)> = Vec::new();
    for (condition, resolved) in resolve_conditions(config)? {
        let shape = shape(&resolved)?;
        for &seed in &config.seeds {
            let run = RunId { condition: condition.clone(), seed };
            if !wanted.contains(&run) {
                continue;
            }
            match shapes.iter_mut().find(|(known, _)| *known == shape) {
                Some((_, runs)) => runs.push(run),
                None => shapes.push((shape.clone(), vec![run])),
            }
        }
    }
    let tasks = |(_, runs): (String, Vec<RunId>)| {
        // Evenly: no task does the rest of one run alone.
        let n_tasks = runs.len().div_ceil(per_task.max(1)).max(1);
        let (size, larger) = (runs.len() / n_tasks, runs.len() % n_tasks);
        let mut runs = runs.into_iter();
        let mut task = |index: usize| -> Vec<RunId> {
            runs.by_ref().take(size + usize::from(index < larger)).collect()
        };
        (0..n_tasks).map(&mut task).collect::<Vec<_>>()
    };
    Ok(Tasks(shapes.into_iter().flat_map(tasks).collect()))
}

/// What runs that could train in one stack have in common, as far as a config tells: whether they do is decided where they
/// train.
fn shape(config: &Config) -> Result<String> {
    let value = serde_json::to_value(config).context("a config is a map")?;
    let part = |keys: &[&str]| {
        let mut part = &value;
        for key in keys {
            part = part.get(key).unwrap_or(&Value::Null);
        }
        part.to_string()
    };
    let keys: [&[&str]; 12] = [
        &["network", "kind"],
        &["network", "hidden"],
        &["network", "bias"],
        &["task", "inputs"],
        &["task", "branching"],
        &["task", "tree"],
        &["task", "samples"],
        &["training", "steps"],
        &["training", "batch_size"],
        &["training", "precision"],
        &["training", "loss"],
        &["phases"],
    ];
    Ok(keys.map(part).join(" "))
}

/// Tasks that are submitted as one array: `offset` is added to an array's index to make a task's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Number of its first task.
    pub offset: usize,
    /// Tasks in it: its indices are `0..length`.
    pub length: usize,
}

impl Chunk {
    /// What `sbatch --array` is given.
    pub fn array(&self, at_most: Option<u32>) -> String {
        let last = self.length.saturating_sub(1);
        let indices = if last == 0 { "0".to_owned() } else { format!("0-{last}") };
        at_most.map_or(indices.clone(), |most| format!("{indices}%{most}"))
    }
}

/// Arrays for so many tasks, none of which has an index of `max_array_size` or above.
pub fn chunks(n_tasks: usize, max_array_size: usize) -> Vec<Chunk> {
    let size = max_array_size.max(1);
    let chunk = |offset| Chunk { offset, length: size.min(n_tasks - offset) };
    (0..n_tasks).step_by(size).map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    fn all(config: &Config) -> BTreeSet<RunId> {
        let mut all = BTreeSet::new();
        for (condition, _) in resolve_conditions(config).unwrap() {
            all.extend(
                config.seeds.iter().map(|&seed| RunId { condition: condition.clone(), seed }),
            );
        }
        all
    }

    const CONFIG: &str = "
conditions:
  small: {network.hidden: [8]}
  large: {network.hidden: [64]}
  quick: {network.hidden: [8], training.learning_rate: 0.1}
seeds: [0, 1, 2]
";

    #[test]
    fn runs_share_a_task_with_those_of_their_shape_alone_and_each_is_done_once() {
        let config = parse(CONFIG, "x", &[]).unwrap();
        for per_task in 1..10 {
            let tasks = group(&config, &all(&config), per_task).unwrap();
            assert_eq!(tasks.n_runs(), 9);
            assert_eq!(tasks.of_run().len(), 9);
            for task in &tasks.0 {
                assert!((1..=per_task).contains(&task.len()));
                let large = task.iter().filter(|run| run.condition == "large").count();
                assert!(large == 0 || large == task.len(), "{task:?}");
            }
        }
        let shared = group(&config, &all(&config), 6).unwrap();
        assert_eq!(shared.0.iter().map(Vec::len).collect::<Vec<_>>(), [6, 3]);
    }

    #[test]
    fn only_wanted_runs_are_planned() {
        let config = parse(CONFIG, "x", &[]).unwrap();
        let wanted = BTreeSet::from([RunId { condition: "large".to_owned(), seed: 2 }]);
        assert_eq!(group(&config, &wanted, 4).unwrap().0, [wanted.into_iter().collect::<Vec<_>>()]);
        assert_eq!(group(&config, &BTreeSet::new(), 4).unwrap().0.len(), 0);
    }

    #[test]
    fn no_index_reaches_the_size_of_an_array_and_every_task_has_one() {
        for n_tasks in [0, 1, 2, 9, 10, 11, 20, 21, 1001] {
            for size in [1, 2, 10, 1001] {
                let chunks = chunks(n_tasks, size);
                assert!(chunks.iter().all(|chunk| (1..=size).contains(&chunk.length)));
                let tasks: Vec<usize> = chunks
                    .iter()
                    .flat_map(|chunk| (0..chunk.length).map(|index| chunk.offset + index))
                    .collect();
                assert_eq!(tasks, (0..n_tasks).collect::<Vec<_>>());
            }
        }
        assert_eq!(Chunk { offset: 0, length: 1 }.array(Some(3)), "0%3");
        assert_eq!(Chunk { offset: 7, length: 5 }.array(None), "0-4");
    }
}
