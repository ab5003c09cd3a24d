//! From bytes to YAML values, within bounds that are checked while reading: whoever gives a config that no experiment could
//! need hears so at once.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_yaml::{Mapping, Value};

use super::fault::Segment;
use super::name::shortened;

/// A longer config holds data, not settings.
pub const MOST_BYTES: usize = 1 << 20;
/// Lists and maps within each other, and a tree's levels.
pub(super) const MOST_NESTED: usize = 100;
/// Values of a config with its aliases (`*name`) written out: they multiply.
const MOST_VALUES: usize = 300_000;

/// Reads a config's file as text.
///
/// # Errors
///
/// If it cannot be read, is too long, or no text; says what to do.
pub fn text_of(path: &Path) -> Result<String> {
    let context = || format!("cannot read {}", path.display());
    let length = std::fs::metadata(path).with_context(context)?.len();
    // Checked before reading: a data set given by mistake may be larger than memory.
    ensure_short(usize::try_from(length).unwrap_or(usize::MAX)).with_context(context)?;
    // Devices and pipes tell no length.
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(context)?;
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).with_context(context)?;
    ensure_short(bytes.len()).with_context(context)?;
    decode(bytes).with_context(context)
}

fn ensure_short(length: usize) -> Result<()> {
    ensure!(
        length <= MOST_BYTES,
        "it has more than {MOST_BYTES} bytes, which no config needs: is it the right file?"
    );
    Ok(())
}

/// Text of bytes.
///
/// # Errors
///
/// If they are too many, or not UTF-8.
pub fn decode(bytes: Vec<u8>) -> Result<String> {
    ensure_short(bytes.len())?;
    ensure!(
        !bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff]),
        "it is text in UTF-16: save it as UTF-8"
    );
    let text = String::from_utf8(bytes).ok();
    let text = text
        .context("it is not text in UTF-8: save it in that encoding, or is it the right file?")?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The value that a text holds.
///
/// # Errors
///
/// If it is not YAML, holds a key twice, or goes beyond the bounds; says line and column.
pub(super) fn value(text: &str) -> Result<Value> {
    ensure_short(text.len())?;
    ensure!(
        flow_depth(text) <= MOST_NESTED,
        "lists and maps are nested more than {MOST_NESTED} deep: no tree and no section needs so many levels"
    );
    let left = Cell::new(MOST_VALUES);
    let seed = Bounded { depth: 0, left: &left };
    // An empty text holds no document; for serde_yaml that is null.
    let read = seed.deserialize(serde_yaml::Deserializer::from_str(text));
    read.map_err(|error| {
        let is_indented_by_tabs =
            text.lines().any(|line| line.trim_start_matches(' ').starts_with('\t'));
        let tabs =
            if is_indented_by_tabs { "; YAML is indented by spaces, not by tabs" } else { "" };
        let words = error.to_string();
        // The parser's words for aliases of aliases of aliases.
        let words = words
            .replace("repetition limit exceeded", "its aliases (*name) multiply beyond all bounds");
        anyhow::anyhow!("{words}{tabs}")
    })
}

/// Upper bound on how deep `[` and `{` stand within each other, outside of comments and quotes.
///
/// Counted before the text goes to the YAML parser, which looks at all open brackets at each token: its time grows with
/// the square of the depth, and 100,000 of them take it minutes to refuse.
fn flow_depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut previous = '\n';
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let starts_a_token = previous.is_whitespace() || "[{,:'".contains(previous);
        match character {
            '#' if previous.is_whitespace() => {
                characters.by_ref().find(|&c| c == '\n');
                previous = '\n';
                continue;
            }
            '\'' if starts_a_token => {
                characters.by_ref().find(|&c| c == '\'');
            }
            '"' if starts_a_token => {
                let mut is_escaped = false;
                characters.by_ref().find(|&c| {
                    let ends = c == '"' && !is_escaped;
                    is_escaped = c == '\\' && !is_escaped;
                    ends
                });
            }
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        previous = character;
    }
    deepest
}

/// Builds a value as long as it stays within the bounds.
#[derive(Clone, Copy)]
struct Bounded<'a> {
    depth: usize,
    left: &'a Cell<usize>,
}

impl Bounded<'_> {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MOST_NESTED {
            return Err(E::custom(format!(
                "lists and maps are nested more than {MOST_NESTED} deep: no tree and no section needs so many levels"
            )));
        }
        Ok(Bounded { depth: self.depth + 1, left: self.left })
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(D::Error::custom(format!(
                "it holds more than {MOST_VALUES} values, aliases written out: no config needs so many"
            )));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok((value as f64).into())
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok((value as f64).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Value::Sequence(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Mapping::new();
        while let Some(key) = map.next_key_seed(below)? {
            if values.contains_key(&key) {
                let key = key
                    .as_str()
                    .map_or_else(|| "a key".to_owned(), |key| format!("'{}'", shortened(key)));
                return Err(A::Error::custom(format!("{key} stands twice: rename or remove one")));
            }
            let value = map.next_value_seed(below)?;
            values.insert(key, value);
        }
        Ok(Value::Mapping(values))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Value, A::Error> {
        Err(A::Error::custom("a config has no tags, such as !name: leave the tag out"))
    }
}

/// Line and column of what stands at a path, counted from 1.
pub(super) fn position(text: &str, path: &[Segment]) -> Option<(usize, usize)> {
    let error = Walk(path).deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    let location = error.location()?;
    Some((location.line(), location.column()))
}

/// Goes down a path and fails at its end: then the parser says where that is.
struct Walk<'a>(&'a [Segment]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("the end of a path")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Segment::Index(wanted), rest)) = self.0.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*wanted {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Walk(rest)).map(|_| ())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Segment::Key(wanted), rest)) = self.0.split_first() else {
            return Err(A::Error::custom("here"));
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *wanted {
                return map.next_value_seed(Walk(rest));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Err(A::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_comments_and_quotes_do_not_count() {
        assert_eq!(
            flow_depth("a: [1, {b: [2]}] # [[[[\nc: '[[' # it's\nd: \"\\\"[[\"\ne: don't [x]"),
            3
        );
        assert_eq!(flow_depth(&"[".repeat(1000)), 1000);
    }

    #[test]
    fn a_path_has_a_line_and_a_column() {
        let text = "a: 1\nb:\n  c: [1,\n    2]\n";
        let path = [Segment::Key("b".into()), Segment::Key("c".into()), Segment::Index(1)];
        assert_eq!(position(text, &path), Some((4, 5)));
    }
}
