//! From YAML values to typed ones. Numbers are read as people write them (`1e3` steps, `1_000`), and what is wrong is told
//! with its place and without the names of this program's types.

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_yaml::{Mapping, Value};

use super::fault::{Fault, Segment};
use super::name::shortened;

/// A typed value.
///
/// # Errors
///
/// If a value is not what its place asks for.
pub fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    T::deserialize(Read(value))
}

#[derive(Clone, Copy)]
struct Read<'a>(&'a Value);

/// Largest whole number that a float tells from its neighbours.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Text that is a number, as `1_000` is, which YAML takes for text.
fn number_of(text: &str) -> Option<Value> {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.chars().all(|c| c.is_ascii_digit() || "+-._eE".contains(c))
        && !text.ends_with('_');
    let digits = text.replace('_', "");
    let whole = || digits.parse::<u64>().map(Value::from).ok();
    let float = || digits.parse::<f64>().map(Value::from).ok();
    if is_number { whole().or_else(float) } else { None }
}

/// The number that a value is, however it is written: a whole one as such. `None` if it is none.
pub fn as_number(value: &Value) -> Option<Value> {
    let number = match value {
        Value::String(text) => number_of(text)?,
        Value::Number(_) => value.clone(),
        _ => return None,
    };
    let whole = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0);
    Some(match whole {
        Some(float) if (0.0..MOST_WHOLE).contains(&float) => (float as u64).into(),
        Some(float) if (-MOST_WHOLE..0.0).contains(&float) => (float as i64).into(),
        Some(_) | None => number,
    })
}

/// A value as it would be written, for messages.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => format!("'{}'", shortened(text)),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) => "a map of keys".to_owned(),
        Value::Tagged(_) => "a value with a tag".to_owned(),
    }
}

impl Read<'_> {
    fn must_be(self, expected: &str) -> Fault {
        Fault::new(format_args!("must be {expected}, not {}", written(self.0)))
    }

    /// A whole number of 0 or more, however it is written.
    fn whole(self) -> Result<u64, Fault> {
        let number = match self.0 {
            Value::String(text) => number_of(text),
            other => Some(other.clone()),
        };
        let expected = "a whole number of 0 or more";
        let Some(number) = number else { return Err(self.must_be(expected)) };
        if let Some(whole) = number.as_u64() {
            return Ok(whole);
        }
        match number.as_f64() {
            Some(float) if float > MOST_WHOLE => Err(self.must_be("a whole number below 1e16")),
            Some(float) if float >= 0.0 && float.fract() == 0.0 => Ok(float as u64),
            Some(_) | None => Err(self.must_be(expected)),
        }
    }

    fn float(self) -> Result<f64, Fault> {
        let number = match self.0 {
            Value::String(text) => number_of(text).and_then(|number| number.as_f64()),
            other => other.as_f64(),
        };
        number.ok_or_else(|| self.must_be("a number"))
    }

    /// Text; a whole number is text too where a name is asked for.
    fn text(self) -> Result<String, Fault> {
        match self.0 {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
            _ => Err(self.must_be("text (in quotes if it looks like something else)")),
        }
    }
}

impl<'de> Deserializer<'de> for Read<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, value) => visitor.visit_f64(value.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Mapping(_) => self.deserialize_map(visitor),
            Value::Tagged(_) => Err(self.must_be("a value")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.whole()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.text()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Sequence(values) => visitor.visit_seq(List { values, next: 0 }),
            Value::Number(_) | Value::String(_) => {
                let shown = written(self.0);
                let one = shown.trim_matches('\'');
                Err(Fault::new(format_args!("must be a list: write [{one}], not {shown}")))
            }
            Value::Null => Err(Fault::new(
                "must be a list, but nothing stands there: leave it out for its default",
            )),
            _ => Err(self.must_be("a list, such as [1, 2]")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Mapping(entries) => visitor.visit_map(Entries::new(entries)),
            // A section whose keys are all commented out.
            Value::Null => visitor.visit_map(Entries::new(&Mapping::new())),
            _ => Err(self.must_be("a map of keys")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Mapping(entries) => MapAccessDeserializer::new(Entries::new(entries))
                .deserialize_enum(name, variants, visitor),
            Value::Sequence(_) | Value::Tagged(_) => Err(self.must_be("one word")),
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                // `true` and `32` are no words here, and are told so by the list of those that are.
                let word = match scalar {
                    Value::String(word) => word.clone(),
                    Value::Null => "null".to_owned(),
                    other => written(other),
                };
                let word: StrDeserializer<Fault> = word.as_str().into_deserializer();
                visitor.visit_enum(word)
            }
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.0.as_str().map_or_else(|| written(self.0), str::to_owned))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_u64(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct ignored_any
    }
}

struct List<'a> {
    values: &'a [Value],
    next: usize,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.values.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        let element = seed.deserialize(Read(value));
        element.map(Some).map_err(|fault| fault.below(Segment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len() - self.next)
    }
}

struct Entries<'a> {
    entries: serde_yaml::mapping::Iter<'a>,
    /// The value whose key was asked for last, and that key.
    pending: Option<(String, &'a Value)>,
}

impl<'a> Entries<'a> {
    fn new(entries: &'a Mapping) -> Self {
        Entries { entries: entries.iter(), pending: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let name = key.as_str().map_or_else(|| written(key), str::to_owned);
        self.pending = Some((name, value));
        seed.deserialize(Read(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        // Serde asks for a key before its value.
        let (name, value) = self.pending.take().unwrap_or((String::new(), &Value::Null));
        seed.deserialize(Read(value)).map_err(|fault| fault.below(Segment::Key(name)))
    }
}
