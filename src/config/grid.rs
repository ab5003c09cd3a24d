//! `grid`: keys that are varied together, each over a list of values, and the cells that they make of conditions.

use std::collections::HashMap;
use std::fmt;

use anyhow::{Result, bail, ensure};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::apply::{at, set};
use super::name::shortened;
use super::overrides::{Override, Overrides, is_fixed, overlap};
use super::read::as_number;

/// Keys that are varied, in the file's order. Every combination of their values is a cell; the last key varies fastest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid(pub Vec<Axis>);

/// One key that is varied.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Dotted key, such as `training.learning_rate`.
    pub key: String,
    /// What it is set to, in turn. Numbers are numbers, however they were written.
    pub values: Vec<Value>,
}

/// More cells (conditions included) would take longer to list than anyone wants to wait for.
pub(super) const MOST_CELLS: usize = 20_000;

impl Grid {
    /// Whether nothing is varied.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same keys, each without values.
    pub fn without_values(&self) -> Grid {
        let bare = |axis: &Axis| Axis { key: axis.key.clone(), values: Vec::new() };
        Grid(self.0.iter().map(bare).collect())
    }

    /// With the values that another grid gives to the same keys besides.
    pub fn with_more(mut self, other: &Grid) -> Grid {
        for axis in &mut self.0 {
            let more = other.0.iter().filter(|more| more.key == axis.key);
            for value in more.flat_map(|more| &more.values) {
                if !axis.values.contains(value) {
                    axis.values.push(value.clone());
                }
            }
        }
        self
    }

    /// The dotted keys, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|axis| &*axis.key)
    }

    /// Combinations of values; 1 without keys.
    pub fn n_combinations(&self) -> usize {
        self.0.iter().fold(1, |product, axis| product.saturating_mul(axis.values.len()))
    }

    /// Every combination of values, in order.
    pub(super) fn combinations(&self) -> Vec<Overrides> {
        let mut all = vec![Overrides::default()];
        for Axis { key, values } in &self.0 {
            let with = |before: &Overrides| {
                let more = values.iter().map(|value| {
                    let entry = Override { key: key.clone(), value: value.clone() };
                    Overrides(before.0.iter().cloned().chain([entry]).collect())
                });
                more.collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    /// Makes sure that each key may be varied and has values, and that none says what another says.
    ///
    /// # Errors
    ///
    /// Names the key, and what to write.
    pub(super) fn check(&self, n_conditions: usize) -> Result<()> {
        for (index, Axis { key, values }) in self.0.iter().enumerate() {
            ensure_may_vary(key)?;
            ensure!(!values.is_empty(), "grid.{key} is empty: list its values, or leave it out");
            for (place, value) in values.iter().enumerate() {
                ensure!(
                    !values[..place].contains(value),
                    "grid.{key} lists {} twice: remove one",
                    written(value)
                );
            }
            for other in self.0[..index].iter().map(|axis| &axis.key) {
                ensure!(other != key, "grid has the key '{key}' twice: remove one");
                ensure!(
                    !overlap(other, key) && !overlap(key, other),
                    "grid varies '{other}' and '{key}', of which one says what the other says: keep one of them, with values \
                     that say both"
                );
            }
        }
        let cells = self.n_combinations().saturating_mul(n_conditions.max(1));
        let sizes: Vec<String> =
            self.0.iter().map(|axis| format!("{} of {}", axis.values.len(), axis.key)).collect();
        ensure!(
            cells <= MOST_CELLS,
            "grid makes more than {MOST_CELLS} cells ({}; {} conditions): give fewer values, or share them out over several configs",
            sizes.join(", "),
            n_conditions.max(1)
        );
        Ok(())
    }

    /// Gives an override the last word: keys that it says all of are varied no more, what it says part of is changed in each
    /// value. Tells whether anything changed.
    pub(super) fn overridden(&mut self, entry: &Override) -> Result<bool> {
        let before = self.clone();
        self.0.retain(|axis| axis.is_below(&entry.key) || !overlap(&axis.key, &entry.key));
        for axis in self.0.iter_mut().filter(|axis| axis.is_below(&entry.key)) {
            axis.change(|root| set(root, entry))?;
        }
        Ok(*self != before)
    }

    /// Scales a number, wherever it is varied.
    pub(super) fn scale(
        &mut self,
        key: &str,
        scaled: impl Fn(&Value) -> Option<Value>,
    ) -> Result<()> {
        for axis in self.0.iter_mut().filter(|axis| axis.key == key || axis.is_below(key)) {
            axis.change(|root| match at(root, key).and_then(&scaled) {
                Some(value) => set(root, &Override { key: key.to_owned(), value }),
                None => Ok(()),
            })?;
        }
        Ok(())
    }

    /// How each key is called where it is clear what is meant: by its last part, or by more where two end alike.
    pub fn short_keys(&self) -> Vec<&str> {
        let short = |key| {
            let is_clear = |parts: &usize| {
                let mut others = self.keys().filter(|other| *other != key);
                others.all(|other| last_parts(other, *parts) != last_parts(key, *parts))
            };
            (1..).find(is_clear).map_or(key, |parts| last_parts(key, parts))
        };
        self.keys().map(short).collect()
    }
}

/// The last so many parts of a dotted key.
fn last_parts(key: &str, parts: usize) -> &str {
    key.rmatch_indices('.').nth(parts - 1).map_or(key, |(dot, _)| &key[dot + 1..])
}

impl Axis {
    /// Whether a key stands under this one, as a part of its values.
    fn is_below(&self, key: &str) -> bool {
        key.strip_prefix(&*self.key).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Changes each value in its place in a config; those that are alike then are one.
    fn change(&mut self, change: impl Fn(&mut Value) -> Result<()>) -> Result<()> {
        let mut changed: Vec<Value> = Vec::new();
        for value in &self.values {
            let mut root = Value::Null;
            set(&mut root, &Override { key: self.key.clone(), value: value.clone() })?;
            change(&mut root)?;
            let value = canonical(at(&root, &self.key).cloned().unwrap_or_default());
            if !changed.contains(&value) {
                changed.push(value);
            }
        }
        self.values = changed;
        Ok(())
    }
}

fn ensure_may_vary(key: &str) -> Result<()> {
    let shown = shortened(key);
    let instead = match key.split('.').next().unwrap_or_default() {
        "seeds" => "list them under seeds, or give --seeds",
        "label" => "figures and tables name cells by their values",
        "conditions" => "a condition has every combination already",
        first if first.starts_with("phases") && key != "phases" => {
            "write a condition for each value, which sets 'phases' as a whole, or list whole values of 'phases'"
        }
        _ if is_fixed(key) => "it says what all runs have in common",
        "" => "write dotted keys, such as training.learning_rate",
        _ => return Ok(()),
    };
    bail!("grid cannot vary '{shown}': {instead}")
}

/// A value as it would be written on one line.
pub(super) fn written(value: &Value) -> String {
    match serde_json::to_string(value) {
        Ok(text) => shortened(text.trim_matches('"')),
        Err(_) => "a value".to_owned(),
    }
}

/// The one form of a value that can be written in several: `1e3`, `1_000` and `1000.0` are 1000.
pub(super) fn canonical(value: Value) -> Value {
    match value {
        Value::Sequence(values) => Value::Sequence(values.into_iter().map(canonical).collect()),
        Value::Mapping(map) => {
            Value::Mapping(map.into_iter().map(|(key, value)| (key, canonical(value))).collect())
        }
        scalar => as_number(&scalar).unwrap_or(scalar),
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for Axis { key, values } in &self.0 {
            map.serialize_entry(key, values)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GridVisitor;
        impl<'de> Visitor<'de> for GridVisitor {
            type Value = Grid;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a map from dotted keys to lists of values")
            }

            fn visit_unit<E>(self) -> Result<Grid, E> {
                Ok(Grid::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Grid, A::Error> {
                let mut axes = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    for (key, values) in map.next_value::<Values>()?.below(key) {
                        let values = values.into_iter().map(canonical).collect();
                        if axes.iter().any(|axis: &Axis| axis.key == key) {
                            return Err(A::Error::custom(format!(
                                "it has the key '{key}' twice: remove one"
                            )));
                        }
                        axes.push(Axis { key, values });
                    }
                }
                Ok(Grid(axes))
            }
        }
        deserializer.deserialize_any(GridVisitor)
    }
}

/// A list, or a section of keys with lists.
enum Values {
    List(Vec<Value>),
    Section(Vec<(String, Values)>),
}

impl Values {
    fn below(self, key: String) -> Vec<(String, Vec<Value>)> {
        match self {
            Values::List(values) => vec![(key, values)],
            Values::Section(entries) => {
                let of = |(part, values): (String, Values)| values.below(format!("{key}.{part}"));
                entries.into_iter().flat_map(of).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;
        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = Values;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list of values, such as [0.01, 0.1]")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Values::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Values::Section(entries))
            }
        }
        deserializer.deserialize_any(ValuesVisitor)
    }
}

/// Which of several equal things comes first, and which again.
pub(super) fn first_twice<K: std::hash::Hash + Eq>(
    keys: impl Iterator<Item = K>,
) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    keys.enumerate().find_map(|(index, key)| seen.insert(key, index).map(|first| (first, index)))
}
