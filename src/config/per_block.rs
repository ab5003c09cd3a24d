//! A value for all blocks of a network, or one for each.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// What a key says of blocks: `2`, or `[1, 1, 2, 2]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum PerBlock<T> {
    /// The same of all.
    All(T),
    /// Of each in their order.
    Each(Vec<T>),
}

impl<T: Copy> PerBlock<T> {
    /// Of one block, counted from 0; `None` of one that a list does not reach.
    pub fn of(&self, block: usize) -> Option<T> {
        match self {
            PerBlock::All(value) => Some(*value),
            PerBlock::Each(values) => values.get(block).copied(),
        }
    }

    /// All values that are written.
    pub fn values(&self) -> &[T] {
        match self {
            PerBlock::All(value) => std::slice::from_ref(value),
            PerBlock::Each(values) => values,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerBlock<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PerBlockVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for PerBlockVisitor<T> {
            type Value = PerBlock<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("one value for all blocks, or a list of one for each")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
                T::deserialize(word.into_deserializer()).map(PerBlock::All)
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
                T::deserialize(number.into_deserializer()).map(PerBlock::All)
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
                // A whole number, however it is written.
                let is_whole = number >= 0.0 && number.fract() == 0.0 && number < 1e9;
                if is_whole {
                    self.visit_u64(number as u64)
                } else {
                    self.visit_str(&number.to_string())
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(PerBlock::Each)
            }
        }
        deserializer.deserialize_any(PerBlockVisitor(PhantomData))
    }
}
