//! A config at a scale: a last layer of overrides.

use anyhow::{Context, Result, ensure};
use serde_yaml::Value;

use super::apply::{apply, at, have_last_word};
use super::cell::cells;
use super::overrides::{Conditions, Override};
use super::phases::StretchConfig;
use super::read;
use super::scale::{Full, Quick, Scale};
use super::schedule;
use super::{Config, Grid};

/// A last layer of overrides, whichever section it comes from.
struct Layer {
    seeds: Vec<u64>,
    /// Dotted keys and values that do not depend on what they replace.
    set: Vec<Override>,
    /// Factor on `training.steps`.
    steps: f64,
    /// Factor on `training.learning_rate`.
    learning_rate: f64,
    /// Further conditions.
    conditions: Conditions,
}

impl Layer {
    fn of_quick(quick: &Quick, seeds: &[u64]) -> Self {
        let samples = [
            ("task.samples.train", quick.train_samples),
            ("task.samples.test", quick.test_samples),
        ];
        let set = samples.into_iter().filter_map(|(key, count)| {
            Some(Override { key: key.to_owned(), value: (count? as u64).into() })
        });
        Layer {
            seeds: seeds.iter().take(quick.seeds).copied().collect(),
            set: set.collect(),
            steps: quick.steps,
            learning_rate: quick.learning_rate,
            conditions: Conditions::default(),
        }
    }

    fn of_full(full: &Full, seeds: &[u64]) -> Self {
        let next = seeds.iter().max().map_or(0, |last| last.saturating_add(1));
        let count = full.seeds.unwrap_or(seeds.len());
        Layer {
            seeds: seeds.iter().copied().chain(next..).take(count).collect(),
            set: full.set.0.clone(),
            steps: full.steps,
            learning_rate: full.learning_rate,
            conditions: full.conditions.clone(),
        }
    }

    /// What it writes over a config, as `--set` would; factors count from what the config would have without them.
    fn overrides(&self, config: &Config) -> Result<Vec<Override>> {
        let training = apply(config, &self.set)?.training;
        let mut overrides = self.set.clone();
        let mut set = |key: &str, value: Value| {
            overrides.push(Override { key: key.to_owned(), value });
        };
        if self.steps != 1.0 {
            set("training.steps", self.scaled(training.steps).into());
            let whole = Value::Mapping(
                [("training".into(), serde_yaml::to_value(&training)?)].into_iter().collect(),
            );
            for key in schedule::COUNTS {
                if let Some(count) = at(&whole, key).and_then(|count| self.scaled_count(key, count))
                {
                    set(key, count);
                }
            }
        }
        if self.learning_rate != 1.0 {
            set("training.learning_rate", (training.learning_rate * self.learning_rate).into());
        }
        if !config.phases.is_empty() {
            let mut phases = config.phases.clone();
            phases.iter_mut().for_each(|phase| self.change(phase));
            set("phases", serde_yaml::to_value(phases)?);
        }
        Ok(overrides)
    }

    /// Steps at this scale. One is left of any, but none is made of 0, which the range check is to find.
    fn scaled(&self, steps: u64) -> u64 {
        ((steps as f64 * self.steps).round() as u64).max(steps.min(1))
    }

    /// What a schedule's key that counts steps says at this scale; what is no number is told by whoever resolves the config.
    fn scaled_count(&self, key: &str, count: &Value) -> Option<Value> {
        Some(schedule::scaled(key, read::typed(count).ok()?, self.steps).into())
    }

    fn change(&self, phase: &mut StretchConfig) {
        self.set.iter().for_each(|last| {
            phase.overridden(last);
        });
        phase.scaled(|steps| self.scaled(steps), self.learning_rate);
        for key in schedule::COUNTS {
            phase.change(key, |count| self.scaled_count(key, count));
        }
    }

    /// What is varied: by other factors, and not what is set to one value.
    fn vary(&self, grid: &mut Grid) -> Result<()> {
        for last in &self.set {
            grid.overridden(last)?;
        }
        // What is no number, or no list of phases, is told by whoever resolves the cells.
        grid.scale("training.steps", |steps| Some(self.scaled(read::typed(steps).ok()?).into()))?;
        for key in schedule::COUNTS {
            grid.scale(key, |count| self.scaled_count(key, count))?;
        }
        if self.learning_rate != 1.0 {
            grid.scale("training.learning_rate", |rate| {
                Some((read::typed::<f64>(rate).ok()? * self.learning_rate).into())
            })?;
        }
        grid.scale("phases", |phases| {
            let mut phases: Vec<StretchConfig> = read::typed(phases).ok()?;
            phases.iter_mut().for_each(|phase| self.change(phase));
            serde_yaml::to_value(phases).ok()
        })
    }
}

impl Config {
    /// The scale at which this config runs if `asked` is asked for: without a `full` section, by default.
    pub fn scale(&self, asked: Scale) -> Scale {
        match asked {
            Scale::Full if self.full.is_none() => Scale::Default,
            Scale::Quick | Scale::Default | Scale::Full => asked,
        }
    }

    /// The config that `ocs reproduce` runs at a scale.
    ///
    /// The section is a last layer of overrides, under which a condition's own values stay as little as under `--set`: what
    /// it sets is scaled too, however it writes its keys.
    ///
    /// # Errors
    ///
    /// If a section sets what cannot be set, or the outcome is out of range; names the section and the key.
    pub fn at(&self, scale: Scale) -> Result<Config> {
        let layer = match (self.scale(scale), &self.full) {
            (Scale::Quick, _) => Layer::of_quick(&self.quick, &self.seeds),
            (Scale::Full, Some(full)) => Layer::of_full(full, &self.seeds),
            (Scale::Default, _) | (Scale::Full, None) => return Ok(self.clone()),
        };
        let section =
            || format!("the section '{}'", self.scale(scale).folder().unwrap_or_default());
        let changed = self.under(&layer).with_context(section)?;
        for cell in cells(&changed).with_context(section)? {
            let checked = cell.config.check().with_context(|| cell.in_words());
            checked.with_context(section)?;
        }
        Ok(changed)
    }

    fn under(&self, layer: &Layer) -> Result<Config> {
        let mut grid = self.grid.clone();
        layer.vary(&mut grid)?;
        let mut all = Config { grid: Grid::default(), ..self.clone() };
        for (name, entries) in &layer.conditions.0 {
            ensure!(
                all.conditions.0.iter().all(|(other, _)| other != name),
                "two conditions are named '{name}': rename one of them"
            );
            all.conditions.0.push((name.clone(), entries.clone()));
        }
        let alone = Config { conditions: Conditions::default(), ..all.clone() };
        let changed = apply(&alone, &layer.overrides(&alone)?)?;
        let before = cells(&all)?;
        // Without conditions there is nothing that could have a word of its own.
        for (cell, (_, entries)) in before.iter().zip(&mut all.conditions.0) {
            for last in layer.overrides(&cell.config)? {
                have_last_word(entries, &last);
            }
        }
        Ok(Config { seeds: layer.seeds.clone(), conditions: all.conditions, grid, ..changed })
    }
}
