//! What people are taught: the tree of a config, as a judge and a learner need it.

use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use ndarray::{Array1, Array2};

use crate::config::{self, Config};
use crate::task::Hierarchy;

/// Items and their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Taught {
    /// `[n_items, n_labels]`, 0 or 1.
    pub targets: Array2<f64>,
    /// Columns of each level's labels, from the top.
    pub levels: Vec<Range<usize>>,
    /// How often each item comes, `[n_items]`; sums to 1.
    pub frequencies: Array1<f64>,
    /// Share of trials with each label, `[n_labels]`.
    pub ocs: Array1<f64>,
}

impl Taught {
    /// The tree of a config, whatever learns it: people see items, not the network's inputs.
    ///
    /// # Errors
    ///
    /// If there is no tree, or the conditions teach several.
    pub fn of(config: &Config) -> Result<Taught> {
        let mut taught: Option<Taught> = None;
        for (condition, resolved) in config::resolve_conditions(config)? {
            let own = Taught::of_condition(&resolved)?;
            match &taught {
                None => taught = Some(own),
                Some(first) => ensure!(
                    *first == own,
                    "conditions of {} have several trees: choose those of one tree, such as --condition {condition}",
                    config.name
                ),
            }
        }
        match taught {
            Some(taught) => Ok(taught),
            None => Taught::of_condition(config),
        }
    }

    fn of_condition(config: &Config) -> Result<Taught> {
        let task = &config.task;
        config.ensure_people_can_learn()?;
        let mut hierarchy = Hierarchy::new(task);
        if let Some(places) = &task.permutation {
            hierarchy = hierarchy.permuted(places);
        }
        let targets = hierarchy.targets();
        let weights = task.frequencies.clone().unwrap_or_else(|| vec![1.0; hierarchy.n_items()]);
        let total: f64 = weights.iter().sum();
        let frequencies: Array1<f64> = weights.iter().map(|weight| weight / total).collect();
        let ocs = frequencies.dot(&targets);
        Ok(Taught { targets, levels: hierarchy.level_columns(), frequencies, ocs })
    }

    /// Makes sure that a network learned this tree.
    ///
    /// # Errors
    ///
    /// If it learned another, or what people cannot learn; `what` is named.
    pub fn ensure_learned_by(&self, config: &Config, what: &str) -> Result<()> {
        let own = Taught::of_condition(config).with_context(|| what.to_owned())?;
        let sizes =
            |taught: &Taught| taught.levels.iter().map(|level| level.len()).collect::<Vec<_>>();
        ensure!(
            sizes(self) == sizes(&own),
            "{what} learned levels of {:?} labels, the config's tree has {:?}: give the config of its run, or runs of this tree",
            sizes(&own),
            sizes(self)
        );
        let pairs = own.labels_of_items().into_iter().zip(self.labels_of_items());
        if let Some((item, (its, ours))) = pairs.enumerate().find(|(_, (its, ours))| its != ours) {
            bail!(
                "{what} learned another tree: item {item} has the labels {its:?} there and {ours:?} in the config's; give the config of its \
                 run, or runs of this tree"
            );
        }
        if self.frequencies != own.frequencies {
            tracing::warn!("{what} learned items of other frequencies than the config's");
        }
        Ok(())
    }

    /// Number of items.
    pub fn n_items(&self) -> usize {
        self.targets.nrows()
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.targets.ncols()
    }

    /// `||ybar||`.
    pub fn ocs_norm(&self) -> f64 {
        self.ocs.dot(&self.ocs).sqrt()
    }

    /// `V_target = <||y - ybar||^2>`.
    pub fn target_variance(&self) -> f64 {
        let rows = self.targets.rows().into_iter().zip(&self.frequencies);
        rows.map(|(row, weight)| {
            let from_mean = &row - &self.ocs;
            weight * from_mean.dot(&from_mean)
        })
        .sum()
    }

    /// A level's true negative rate at the OCS, levels from 0 at the top: absent labels are then marked as often as they are there.
    /// `None` where no label of it is ever absent.
    pub fn true_negative_rate_at_ocs(&self, level: usize) -> Option<f64> {
        let labels = self.levels.get(level)?.clone();
        let (mut rejected, mut absent) = (0.0, 0.0);
        for label in labels {
            let share = 1.0 - self.ocs[label];
            absent += share;
            rejected += share * share;
        }
        (absent > 1e-12).then(|| rejected / absent)
    }

    /// A dip of the top level's true negative rate that is deep: a fifth of what the rate would fall by, from 1, at the OCS. `None` as
    /// above.
    pub fn deep_dip(&self) -> Option<f64> {
        const SHARE: f64 = 0.2;
        self.true_negative_rate_at_ocs(0).map(|rate| SHARE * (1.0 - rate))
    }

    /// Why it cannot be told on this tree whether people visit the OCS first; `None` if it can.
    pub fn undecidable(&self) -> Option<&'static str> {
        let least = self.ocs.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.ocs.iter().copied().fold(0.0, f64::max);
        if self.deep_dip().is_none() {
            return Some(
                "every item has all labels of the top level: none can be marked in error there, so that its true negative rate cannot dip",
            );
        }
        (most - least < 1e-9).then_some(
            "all labels come equally often: mean responses cannot go with base rates that do not differ",
        )
    }

    /// Numbers of the labels that each item has, `[item][..]`: the tree as files tell of it.
    pub fn labels_of_items(&self) -> Vec<Vec<usize>> {
        let has = |row: ndarray::ArrayView1<f64>| {
            (0..row.len()).filter(|&label| row[label] == 1.0).collect()
        };
        self.targets.rows().into_iter().map(has).collect()
    }
}
