//! The entries of `phases`: what each calls itself, how long it is, and what it overrides.

use anyhow::{Result, ensure};
use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use super::fault::{Fault, Segment};
use super::overrides::{CHOICES, Override, flatten, is_at_or_below, overlap};
use super::read;

/// One entry of `phases`: what it calls itself, how long it is, and the dotted keys that it overrides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StretchConfig {
    /// What figures and tables call it.
    pub label: Option<String>,
    /// Number of updates; absent = `training.steps`.
    pub steps: Option<u64>,
    /// Whether momentum, or Adam's means, go on from the stretch before; else they start anew.
    pub keep_optimiser: bool,
    /// Keys of `task` and `training`, each down to its value.
    pub set: Vec<Override>,
}

/// Keys that a phase may not override although it overrides their section: responses and weights would be others.
const FIXED: [&str; 2] = ["training.loss", "training.precision"];

impl StretchConfig {
    /// Makes sure that it overrides nothing that it may not.
    ///
    /// # Errors
    ///
    /// Names the key.
    pub(super) fn ensure_may_be(&self) -> Result<()> {
        self.set.iter().try_for_each(|entry| ensure_may_change(&entry.key))
    }

    /// Gives an override the last word over what this phase says itself, and tells whether it said any of it.
    pub(super) fn overridden(&mut self, entry: &Override) -> bool {
        // A section that cannot be taken apart is told where it is set itself.
        let leaves = to_the_values(entry.key.clone(), entry.value.clone()).unwrap_or_default();
        let mut is_told = false;
        for leaf in leaves.into_iter().filter(|leaf| leaf.key.contains('.')) {
            if leaf.key == "training.steps" {
                is_told |= self.steps.take().is_some();
            } else if self.set.iter().any(|own| overlap(&own.key, &leaf.key)) {
                is_told = true;
                self.set.push(leaf);
            }
        }
        is_told
    }

    /// With other numbers of steps and learning rates, as a scale makes them.
    pub(super) fn scaled(&mut self, steps: impl Fn(u64) -> u64, learning_rate: f64) {
        self.steps = self.steps.map(steps);
        for entry in self.set.iter_mut().filter(|entry| entry.key == "training.learning_rate") {
            if let Ok(rate) = read::typed::<f64>(&entry.value) {
                entry.value = (rate * learning_rate).into();
            }
        }
    }

    /// Changes a value that it overrides, by itself or as a part of one.
    pub(super) fn change(&mut self, key: &str, changed: impl Fn(&Value) -> Option<Value>) {
        for entry in self.set.iter_mut().filter(|entry| is_at_or_below(key, &entry.key)) {
            let below = key[entry.key.len()..].split('.').filter(|part| !part.is_empty());
            let mut parts = below.map(Value::from);
            let place = parts.try_fold(&mut entry.value, |place, part| place.get_mut(part));
            if let Some(place) = place
                && let Some(value) = changed(place)
            {
                *place = value;
            }
        }
    }

    fn of(mapping: Mapping) -> Result<Self> {
        let mut phase = StretchConfig::default();
        for Override { key, value } in flatten(mapping)? {
            let wrong = |fault: Fault| fault.below(Segment::Key(key.clone()));
            match key.as_str() {
                "label" => phase.label = Some(read::typed(&value).map_err(wrong)?),
                "steps" => phase.steps = Some(read::typed(&value).map_err(wrong)?),
                "keep_optimiser" => phase.keep_optimiser = read::typed(&value).map_err(wrong)?,
                _ => phase.set.extend(to_the_values(key, value)?),
            }
        }
        Ok(phase)
    }
}

fn ensure_may_change(key: &str) -> Result<()> {
    ensure!(key != "training.steps", "a phase says how long it is by 'steps', not '{key}'");
    let section = key.split('.').next().unwrap_or_default();
    let is_fixed = FIXED.iter().any(|fixed| overlap(fixed, key));
    ensure!(
        ["task", "training"].contains(&section) && !is_fixed,
        "a phase cannot override '{key}': it has label, steps, keep_optimiser and keys of task and training, but for {}",
        FIXED.join(" and ")
    );
    Ok(())
}

/// A section's entries as dotted keys of their own.
fn to_the_values(key: String, value: Value) -> Result<Vec<Override>> {
    match value {
        Value::Mapping(map) if !CHOICES.contains(&key.as_str()) && !map.is_empty() => {
            let mut all = Vec::new();
            for entry in flatten(map)? {
                all.extend(to_the_values(format!("{key}.{}", entry.key), entry.value)?);
            }
            Ok(all)
        }
        value => Ok(vec![Override { key, value }]),
    }
}

impl Serialize for StretchConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = Mapping::new();
        let mut put = |key: &str, value: Value| map.insert(key.into(), value);
        if let Some(label) = &self.label {
            put("label", label.as_str().into());
        }
        if let Some(steps) = self.steps {
            put("steps", steps.into());
        }
        if self.keep_optimiser {
            put("keep_optimiser", true.into());
        }
        for entry in &self.set {
            put(&entry.key, entry.value.clone());
        }
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StretchConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Option::<Mapping>::deserialize(deserializer)?.unwrap_or_default();
        StretchConfig::of(map).map_err(|error| D::Error::custom(format!("{error:#}")))
    }
}

/// Gives an override the last word over the phases that a condition sets.
pub(super) fn override_phases(entries: &mut [Override], entry: &Override) -> Result<()> {
    for own in entries.iter_mut().filter(|own| own.key == "phases") {
        // What is wrong with them is told when conditions are resolved.
        let Ok(mut phases) = read::typed::<Vec<StretchConfig>>(&own.value) else { continue };
        let before = phases.clone();
        phases.iter_mut().for_each(|phase| {
            phase.overridden(entry);
        });
        if phases != before {
            own.value = serde_yaml::to_value(phases)?;
        }
    }
    Ok(())
}
