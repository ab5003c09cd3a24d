//! Dotted keys and their new values, as `--set`, conditions and `full.set` write them.

use std::collections::HashSet;
use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_yaml::{Mapping, Value};

use super::name::shortened;

/// One `key=value` of the command line, or one entry of a condition: a dotted key and its new value.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Dotted key, such as `training.learning_rate`.
    pub key: String,
    /// Any YAML value.
    pub value: Value,
}

impl std::str::FromStr for Override {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("'{}' has no '=': write key=value", shortened(text)))?;
        ensure!(
            !key.trim().is_empty(),
            "'{}' names no key before '=': write key=value",
            shortened(text)
        );
        let value = super::text::value(value)
            .with_context(|| format!("the value of '{}' is not YAML", shortened(key)))?;
        Ok(Override { key: key.trim().to_owned(), value })
    }
}

/// The settings that an experiment compares, in the file's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conditions(pub Vec<(String, Vec<Override>)>);

/// Dotted keys and their new values, in the file's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides(pub Vec<Override>);

impl Serialize for Overrides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        mapping(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Overrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Option::<Mapping>::deserialize(deserializer)?.unwrap_or_default();
        flatten(entries).map(Overrides).map_err(D::Error::custom)
    }
}

fn mapping(overrides: &[Override]) -> Mapping {
    overrides.iter().map(|o| (o.key.clone().into(), o.value.clone())).collect()
}

impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, overrides) in &self.0 {
            map.serialize_entry(name, &mapping(overrides))?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConditionsVisitor;
        impl<'de> Visitor<'de> for ConditionsVisitor {
            type Value = Conditions;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter
                    .write_str("a map from names of conditions to the keys that each overrides")
            }

            fn visit_unit<E>(self) -> Result<Conditions, E> {
                Ok(Conditions::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Conditions, A::Error> {
                let mut conditions: Vec<(String, Vec<Override>)> = Vec::new();
                let mut names = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!(
                            "two conditions are named '{name}': rename one of them"
                        )));
                    }
                    let overrides = map.next_value::<Option<Mapping>>()?.unwrap_or_default();
                    conditions.push((name, flatten(overrides).map_err(A::Error::custom)?));
                }
                Ok(Conditions(conditions))
            }
        }
        deserializer.deserialize_any(ConditionsVisitor)
    }
}

/// Writes a list at a key of a raw config's grid, whose sections become dotted keys.
pub(super) fn set_axis(grid: &mut Value, key: &str, values: &Value) -> Result<()> {
    fn flat(key: Option<&str>, value: Value, into: &mut Mapping) {
        match value {
            Value::Mapping(map) => {
                for (part, value) in map {
                    let part = part.as_str().map_or_else(|| format!("{part:?}"), str::to_owned);
                    let key = key.map_or_else(|| part.clone(), |key| format!("{key}.{part}"));
                    flat(Some(&key), value, into);
                }
            }
            value => {
                let key = key.unwrap_or_default();
                into.insert(key.into(), value);
            }
        }
    }
    let mut map = Mapping::new();
    if !grid.is_null() {
        ensure!(grid.is_mapping(), "'grid' holds a value, not a map of keys");
        flat(None, std::mem::take(grid), &mut map);
    }
    // One that is varied already keeps its place.
    flat(Some(key), values.clone(), &mut map);
    *grid = Value::Mapping(map);
    Ok(())
}

/// The entries of one condition, whose keys must be strings; YAML's merge key `<<: *other` takes over another's.
pub(super) fn flatten(mapping: Mapping) -> Result<Vec<Override>> {
    let mut merged = Value::Mapping(mapping);
    // What is taken over may itself take over another's: each pass brings the next one's key.
    loop {
        let before = merged.clone();
        merged.apply_merge()?;
        if merged == before {
            break;
        }
    }
    let Value::Mapping(mapping) = merged else { bail!("a condition must be a map of keys") };
    mapping
        .into_iter()
        .map(|(key, value)| match key {
            Value::String(key) => Ok(Override { key, value }),
            _ => {
                bail!("a condition overrides dotted keys, such as network.bias: a key must be text")
            }
        })
        .collect()
}

/// Keys whose value is one of several named choices: setting another choice's parameter replaces the choice.
pub(super) const CHOICES: [&str; 7] = [
    "network.initialisation",
    "network.normalisation",
    "training.optimiser",
    "training.schedule",
    "task.targets",
    "task.inputs",
    "task.labels",
];

/// Ways to say the same, of which giving one takes back the others.
pub(super) const EXCLUSIVE: [(&str, &str); 6] = [
    ("task.tree", "task.branching"),
    ("task.branching", "task.tree"),
    ("task.targets", "task.branching"),
    ("task.targets", "task.tree"),
    ("task.branching", "task.targets"),
    ("task.tree", "task.targets"),
];

/// Whether a key is another one, or stands under it.
pub(super) fn is_at_or_below(key: &str, above: &str) -> bool {
    key.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether setting one key changes what the other says.
pub(super) fn overlap(one: &str, other: &str) -> bool {
    let exclude =
        |(given, taken): &(&str, &str)| is_at_or_below(one, given) && is_at_or_below(other, taken);
    is_at_or_below(one, other) || is_at_or_below(other, one) || EXCLUSIVE.iter().any(exclude)
}

/// Keys that a condition may not override, because they say what the conditions are.
const FIXED_IN_CONDITIONS: [&str; 8] =
    ["name", "experiment", "conditions", "grid", "seeds", "quick", "full", "human"];

/// Whether a key says what the conditions are.
pub(super) fn is_fixed(key: &str) -> bool {
    FIXED_IN_CONDITIONS.contains(&key.split('.').next().unwrap_or_default())
}
