//! Which line is whose: values of a grid's key by colour, from dark to light; conditions and runs by colour, or by how a line is
//! broken where colours say something else.

use anyhow::{Result, ensure};
use serde_yaml::Value;

use super::group::Group;
use crate::config::value_in_words;
use crate::plot::axis::power_of_ten;
use crate::plot::page::{ColourKey, Entry, Sample, ramp};
use crate::plot::style::{
    BLUE, Colour, Dash, GREEN, GREY, INK, Look, Marker, ORANGE, PURPLE, SKY, Stroke, VERMILION,
};

/// The looks of some lines, in their order, and what explains them.
pub struct Looks {
    /// Of each group: its look, and the entries of the legend that tell it.
    pub of: Vec<(Look, Vec<Entry>)>,
    /// Of a grid's key, if colours tell its values.
    pub key: Option<ColourKey>,
}

/// Colours of conditions.
const COLOURS: [Colour; 8] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK, GREY];
/// How lines are broken.
const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::DashDotted, Dash::Dotted];
/// Width of lines in legends, and in panels.
pub const WIDTH: f64 = 1.0;

/// What groups differ in: its name, and for each group which of its values it has, in words.
struct Dimension {
    name: String,
    values: Vec<String>,
    of: Vec<usize>,
}

impl Dimension {
    fn new(name: &str, of: Vec<String>) -> Dimension {
        let mut values: Vec<String> = Vec::new();
        let index = of.iter().map(|value| match values.iter().position(|known| known == value) {
            Some(index) => index,
            None => {
                values.push(value.clone());
                values.len() - 1
            }
        });
        let index = index.collect();
        Dimension { name: name.to_owned(), values, of: index }
    }

    /// Values of a dotted key that every group has, numbers from the lowest.
    fn of_key(key: &str, groups: &[Group]) -> Option<Dimension> {
        let of: Option<Vec<_>> = groups.iter().map(|group| group.value(key)).collect();
        let of = of?;
        let mut values: Vec<&Value> = Vec::new();
        for value in &of {
            if !values.iter().any(|known| same_value(known, value)) {
                values.push(value);
            }
        }
        let number = |value: &Value| value.as_f64().filter(|number| !number.is_nan());
        if values.iter().all(|value| number(value).is_some()) {
            values.sort_by(|one, other| {
                number(one).unwrap_or_default().total_cmp(&number(other).unwrap_or_default())
            });
        }
        let index = |value: &&Value| {
            values.iter().position(|known| same_value(known, value)).unwrap_or_default()
        };
        let of = of.iter().map(index).collect();
        let values = in_words(&values);
        Some(Dimension { name: key.to_owned(), values, of })
    }

    fn varies(&self) -> bool {
        self.values.len() > 1
    }
}

/// Powers of ten as such where one of them would be long, all other values as tables have them.
fn in_words(values: &[&Value]) -> Vec<String> {
    let power = |value: &&Value| -> Option<i32> {
        let logarithm = value.as_f64().filter(|number| *number > 0.0)?.log10();
        ((logarithm - logarithm.round()).abs() < 1e-9).then_some(logarithm.round() as i32)
    };
    let powers: Option<Vec<i32>> = values.iter().map(power).collect();
    match powers.filter(|powers| powers.iter().any(|power| power.abs() > 3)) {
        Some(powers) => powers.into_iter().map(power_of_ten).collect(),
        None => values.iter().map(|value| value_in_words(value)).collect(),
    }
}

/// `1` and `1.0` are one value.
fn same_value(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| other.as_f64() == Some(number))
}

/// Whether no two groups have the same of both.
fn tells_apart(one: &Dimension, other: &Dimension) -> bool {
    let pairs: std::collections::HashSet<_> = std::iter::zip(&one.of, &other.of).collect();
    pairs.len() == one.of.len()
}

/// The looks of groups.
///
/// # Errors
///
/// If there are more than can be told apart; says what they differ in.
pub fn looks(groups: &[Group]) -> Result<Looks> {
    let runs = Dimension::new("run", groups.iter().map(|group| group.run.clone()).collect());
    let conditions =
        Dimension::new("condition", groups.iter().map(|group| group.condition.clone()).collect());
    let mut keys: Vec<Dimension> = keys_of(groups)
        .iter()
        .filter_map(|key| Dimension::of_key(key, groups))
        .filter(Dimension::varies)
        .collect();
    let most = keys.iter().map(|key| key.values.len()).max();
    let sequential = keys.iter().position(|key| Some(key.values.len()) == most);
    let sequential = sequential.map(|index| keys.remove(index));
    let mut others: Vec<Dimension> = Vec::new();
    others.extend([conditions, runs].into_iter().filter(Dimension::varies));
    others.extend(keys);
    match sequential {
        Some(key) => with_ramp(groups, &key, &others),
        None => by_category(groups, others),
    }
}

/// Dotted keys of all grids.
fn keys_of(groups: &[Group]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in groups.iter().flat_map(|group| &group.values) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// Several dimensions as one: what a group has of all of them.
fn together(groups: &[Group], dimensions: &[Dimension]) -> Dimension {
    let words = |group: usize| -> String {
        let word = |it: &Dimension| {
            let value = &it.values[it.of[group]];
            match &*it.name {
                "condition" | "run" => value.clone(),
                key => format!("{} {value}", key.rsplit('.').next().unwrap_or(key)),
            }
        };
        dimensions.iter().map(word).collect::<Vec<_>>().join(", ")
    };
    Dimension::new("", (0..groups.len()).map(words).collect())
}

fn with_ramp(groups: &[Group], key: &Dimension, others: &[Dimension]) -> Result<Looks> {
    let rest = together(groups, others);
    if !tells_apart(key, &rest) {
        return one_each(groups);
    }
    ensure!(
        rest.values.len() <= DASHES.len(),
        "colours tell the values of {}, and how lines are broken tells {} others apart, of which these runs have {} ({}): \
         choose some with --condition",
        key.name,
        DASHES.len(),
        rest.values.len(),
        others.iter().map(|it| &*it.name).collect::<Vec<_>>().join(", ")
    );
    let colours = ramp(key.values.len());
    let look = |index: usize| {
        let (colour, dash) = (colours[key.of[index]], DASHES[rest.of[index]]);
        let stroke = Stroke { colour: INK, width: WIDTH, dash };
        let entry = Entry::new(Sample::Line(stroke), &*rest.values[rest.of[index]]);
        let entries = if rest.varies() { vec![entry] } else { Vec::new() };
        (Look::new(colour, dash, Marker::Disc), entries)
    };
    let of = (0..groups.len()).map(look).collect();
    let values = std::iter::zip(colours.iter().copied(), key.values.iter().cloned()).collect();
    Ok(Looks { of, key: Some(ColourKey { title: key.name.clone(), values }) })
}

/// Colours for one thing and dashes for what else differs, or both for each group where that is too little.
fn by_category(groups: &[Group], mut others: Vec<Dimension>) -> Result<Looks> {
    if others.len() < 2 {
        return one_each(groups);
    }
    let first = others.remove(0);
    let rest = together(groups, &others);
    let is_enough = first.values.len() <= COLOURS.len() && rest.values.len() <= DASHES.len();
    // Where most combinations are missing, runs have little in common to be told by.
    let is_crossed = 4 * groups.len() >= 3 * first.values.len() * rest.values.len();
    if !is_enough || !is_crossed || !tells_apart(&first, &rest) {
        return one_each(groups);
    }
    let look = |index: usize| {
        let (colour, dash) = (COLOURS[first.of[index]], DASHES[rest.of[index]]);
        let solid = Stroke::solid(colour, WIDTH);
        let broken = Stroke { colour: GREY, width: WIDTH, dash };
        let entries = vec![
            Entry::new(Sample::Line(solid), &*first.values[first.of[index]]),
            Entry::new(Sample::Line(broken), &*rest.values[rest.of[index]]),
        ];
        (Look::new(colour, dash, Marker::Disc), entries)
    };
    Ok(Looks { of: (0..groups.len()).map(look).collect(), key: None })
}

/// A colour and a dash for each group.
fn one_each(groups: &[Group]) -> Result<Looks> {
    let most = COLOURS.len() * DASHES.len();
    ensure!(
        groups.len() <= most,
        "these runs have {} conditions, and colours and broken lines tell {most} apart: choose some with --condition",
        groups.len()
    );
    let look = |(index, group): (usize, &Group)| {
        let dash = DASHES[(index + index / COLOURS.len()) % DASHES.len()];
        let look = Look::new(COLOURS[index % COLOURS.len()], dash, Marker::Disc);
        (look, vec![Entry::new(Sample::Line(look.stroke(WIDTH)), &*group.name)])
    };
    Ok(Looks { of: groups.iter().enumerate().map(look).collect(), key: None })
}
