//! What is wrong with a value of a config, in words of someone who writes configs.

use std::fmt;

use serde::de;

use super::suggest::{meant_by_key, meant_by_value};

/// One step down into a config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Under a key of a map.
    Key(String),
    /// To an entry of a list, counted from 0.
    Index(usize),
}

/// A value that cannot be what its place asks for.
#[derive(Debug)]
pub struct Fault {
    /// From the innermost place outwards: it grows as the error travels up.
    upwards: Vec<Segment>,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    UnknownKey { key: String, known: &'static [&'static str] },
    UnknownValue { value: String, known: &'static [&'static str] },
    Other(String),
}

impl Fault {
    /// A problem whose sentence goes on after the place: `must be a number, not 'x'`.
    pub fn new(sentence: impl fmt::Display) -> Self {
        Fault { upwards: Vec::new(), problem: Problem::Other(sentence.to_string()) }
    }

    /// The same fault, seen from one place further up.
    pub fn below(mut self, segment: Segment) -> Self {
        self.upwards.push(segment);
        self
    }

    /// Where the fault stands; an unknown key's own place included.
    pub fn path(&self) -> Vec<Segment> {
        let mut path: Vec<Segment> = self.upwards.iter().rev().cloned().collect();
        if let Problem::UnknownKey { key, .. } = &self.problem {
            path.push(Segment::Key(key.clone()));
        }
        path
    }

    /// The place as a dotted key, `task.tree[0][1]`; empty for the whole config.
    fn place(&self) -> String {
        let mut place = String::new();
        for segment in self.upwards.iter().rev() {
            match segment {
                Segment::Key(key) if place.is_empty() => place.push_str(key),
                Segment::Key(key) => place.extend([".", key]),
                Segment::Index(index) => place.push_str(&format!("[{index}]")),
            }
        }
        place
    }

    /// A sentence with the place, what is wrong and what to write; `all` are the dotted keys of a config.
    pub fn sentence(&self, all: &[String]) -> String {
        let place = super::name::shortened(&self.place());
        let last = place.rsplit('.').next().unwrap_or_default();
        match &self.problem {
            Problem::UnknownKey { key, known } => {
                let holder = if place.is_empty() { "a config" } else { &place };
                let key = super::name::shortened(key);
                let meant = meant_by_key(&place, &key, known, all);
                format!("{holder} has no key '{key}': {meant}")
            }
            Problem::UnknownValue { value, known } => {
                let value = super::name::shortened(value);
                format!("{place} cannot be '{value}': {}", meant_by_value(last, &value, known))
            }
            Problem::Other(sentence) if place.is_empty() => format!("a config {sentence}"),
            Problem::Other(sentence) => format!("{place} {sentence}{}", remedy(&place)),
        }
    }
}

/// What a list's or a key's own meaning adds to a message on its type.
fn remedy(place: &str) -> &'static str {
    let is = |key: &str| {
        place == key || place.strip_prefix(key).is_some_and(|rest| rest.starts_with('['))
    };
    if is("task.classes") {
        ": classes are the data set's numbers (`ocs data show` draws them), or names where it has some"
    } else if is("task.tree") {
        ": leaves are the items 0, 1, 2, ...; what they stand for is said by task.classes"
    } else if place == "seeds" {
        " (or give --seeds 0..5 on the command line)"
    } else if place == "conditions" || place.starts_with("conditions.") {
        ": each condition maps keys to values, such as all: {network.bias: all}"
    } else {
        ""
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.sentence(&[]))
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Fault::new(format_args!("is not valid: {message}"))
    }

    fn invalid_type(found: de::Unexpected, expected: &dyn de::Expected) -> Self {
        Fault::new(format_args!("must be {expected}, not {}", words(found)))
    }

    fn invalid_value(found: de::Unexpected, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(value: &str, known: &'static [&'static str]) -> Self {
        let value = value.to_owned();
        Fault { upwards: Vec::new(), problem: Problem::UnknownValue { value, known } }
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        let key = key.to_owned();
        Fault { upwards: Vec::new(), problem: Problem::UnknownKey { key, known } }
    }

    fn missing_field(key: &'static str) -> Self {
        Fault::new(format_args!("lacks the key '{key}'"))
    }

    fn duplicate_field(key: &'static str) -> Self {
        Fault::new(format_args!("has the key '{key}' twice: remove one"))
    }
}

/// A value as a person would call it.
fn words(found: de::Unexpected) -> String {
    match found {
        de::Unexpected::Bool(value) => value.to_string(),
        de::Unexpected::Unsigned(value) => value.to_string(),
        de::Unexpected::Signed(value) => value.to_string(),
        de::Unexpected::Float(value) => value.to_string(),
        de::Unexpected::Str(value) => format!("'{}'", super::name::shortened(value)),
        de::Unexpected::Unit | de::Unexpected::Option => "empty".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a map of keys".to_owned(),
        other => other.to_string(),
    }
}
