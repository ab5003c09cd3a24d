//! Keys whose value is one of several named choices, each with parameters of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

/// A choice by its bare name, whose parameters take their defaults, or with parameters; `unsaid` is what nothing stands for.
/// `expected` lists the choices for whoever writes none.
pub(super) fn choice<'de, T: Deserialize<'de>, V: From<T>, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
    unsaid: Option<V>,
) -> Result<V, D::Error> {
    deserializer.deserialize_any(ChoiceVisitor { expected, unsaid, choice: PhantomData::<T> })
}

struct ChoiceVisitor<T, V> {
    expected: &'static str,
    unsaid: Option<V>,
    choice: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, V: From<T>> Visitor<'de> for ChoiceVisitor<T, V> {
    type Value = V;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.expected)
    }

    fn visit_unit<E: Error>(mut self) -> Result<V, E> {
        self.unsaid.take().ok_or_else(|| E::invalid_type(Unexpected::Unit, &self))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V, E> {
        let without_parameters = BTreeMap::<&str, &str>::new();
        let map = MapDeserializer::new(std::iter::once((name, without_parameters)));
        one_choice::<T, _>(map).map(V::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V, A::Error> {
        one_choice::<T, _>(map).map(V::from)
    }
}

/// A choice with its parameters; two of them would be none.
fn one_choice<'de, T: Deserialize<'de>, A: MapAccess<'de>>(mut map: A) -> Result<T, A::Error> {
    let choice = T::deserialize(MapAccessDeserializer::new(&mut map))?;
    match map.next_key::<String>()? {
        None => Ok(choice),
        Some(other) => {
            Err(A::Error::custom(format!("it makes two choices, '{other}' is one too many")))
        }
    }
}
