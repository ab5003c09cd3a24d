//! Rows of JSON and of JSON lines, one object each.

use std::borrow::Cow;
use std::cell::RefCell;

use anyhow::{Result, anyhow, bail};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::keys::Keys;
use super::row::Row;
use super::wanted::Wanted;

/// One array of objects, or objects (or such arrays) one after the other, as JSON lines are.
pub fn read(
    text: &str,
    wanted: &Wanted,
    see: &mut impl FnMut(u64, &Row) -> Result<()>,
) -> Result<u64> {
    let text = null_for_nan(text);
    let keys = RefCell::new(Keys::of(wanted));
    let mut rows = Rows { row: 0, wanted, keys: &keys, fault: None, see };
    // Of a string, `end` would count the lines from its beginning each time: minutes for 10^5 lines.
    let mut reader = serde_json::Deserializer::from_reader(text.as_bytes());
    let told = loop {
        if let Err(error) = rows.read(&mut reader) {
            break Err(error);
        }
        // At the end of the text, no value follows.
        match reader.end() {
            Ok(()) => break Ok(()),
            Err(_) => continue,
        }
    };
    let Rows { row, fault, .. } = rows;
    match (fault, told) {
        // A column that is nowhere explains what else is wrong with a row.
        (Some(fault), _) => keys.borrow().ensure_all(wanted).and(Err(fault)),
        (None, Ok(())) => keys.borrow().ensure_all(wanted).map(|()| row),
        (None, Err(error)) => match (line_at_fault(&text), error.is_eof()) {
            (Some((line, what)), _) => bail!("line {line} {what}"),
            (None, true) => bail!(
                "it is cut short after row {row} (line {}), as by an interrupted download: fetch it again",
                error.line()
            ),
            (None, false) => bail!("it is no JSON after row {row}: {error}"),
        },
    }
}

/// The first line that is no JSON by itself, from 1, and what it is, of a text most of whose lines are: half a line swallows the next,
/// and the reader stumbles later.
fn line_at_fault(text: &str) -> Option<(usize, String)> {
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |line: &str| serde_json::from_str::<serde::de::IgnoredAny>(line);
    let (mut n_whole, mut first) = (0, None);
    for (number, line) in lines() {
        let is_row = line.trim_start().starts_with(['{', '[']);
        match read(line) {
            Ok(_) if is_row => n_whole += 1,
            Ok(_) => {}
            Err(error) if first.is_none() => first = Some((number + 1, error)),
            Err(_) => {}
        }
    }
    let (number, error) = first.filter(|_| 2 * n_whole >= lines().count())?;
    let what = match error.is_eof() {
        true => "is cut short, as by a program that was stopped while it wrote: mend or delete it"
            .to_owned(),
        false => {
            // Its own line is always the first.
            let told = error.to_string();
            let what = told.split(" at line ").next().unwrap_or_default();
            format!("is no JSON: {what} at column {}", error.column())
        }
    };
    Some((number, what))
}

/// JSON has no NaN, but Python's `json.dumps` and others write it: outside of strings it is `null`.
fn null_for_nan(text: &str) -> Cow<'_, str> {
    const NAN: &str = "NaN";
    if !text.contains(NAN) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + text.len() / 8);
    let (mut is_quoted, mut is_escaped, mut kept) = (false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'N' if !is_quoted && text[at..].starts_with(NAN) => {
                written.push_str(&text[kept..at]);
                written.push_str("null");
                kept = at + NAN.len();
            }
            _ => {}
        }
    }
    written.push_str(&text[kept..]);
    Cow::Owned(written)
}

/// Shows objects of JSON without keeping them.
struct Rows<'s, S> {
    row: u64,
    wanted: &'s Wanted,
    keys: &'s RefCell<Keys>,
    /// What `see` said.
    fault: Option<anyhow::Error>,
    see: &'s mut S,
}

impl<S: FnMut(u64, &Row) -> Result<()>> Rows<'_, S> {
    fn read<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        reader: &mut serde_json::Deserializer<R>,
    ) -> serde_json::Result<()> {
        DeserializeSeed::deserialize(Level { rows: self, is_outermost: true }, reader)
    }
}

struct Level<'r, 's, S> {
    rows: &'r mut Rows<'s, S>,
    is_outermost: bool,
}

impl<'de, S: FnMut(u64, &Row) -> Result<()>> DeserializeSeed<'de> for Level<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: FnMut(u64, &Row) -> Result<()>> Visitor<'de> for Level<'_, '_, S> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str("an object with a value for each column, or a list of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.is_outermost {
            return Err(A::Error::custom("a list within a list: each row is an object"));
        }
        let rows = self.rows;
        while list.next_element_seed(Level { rows: &mut *rows, is_outermost: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut object, mut twice) = (Map::new(), None);
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if let Some(first) = object.get(&key) {
                twice.get_or_insert_with(|| {
                    anyhow!("it has '{key}' twice, {first} and {value}: remove one")
                });
            }
            object.insert(key, value);
        }
        let Rows { row, wanted, keys, fault, see } = self.rows;
        *row += 1;
        keys.borrow_mut().see(&object, wanted);
        if fault.is_some() {
            // Read on for columns alone, which may explain it.
            return Ok(());
        }
        let told = match twice {
            Some(twice) => Err(twice),
            None => see(*row, &Row::Object(&object, wanted, keys)),
        };
        if let Err(told) = told {
            *fault = Some(told.context(format!("row {row}")));
        }
        keys.borrow_mut().number(*row);
        match fault.is_some() && keys.borrow().ensure_all(wanted).is_ok() {
            true => Err(A::Error::custom("a row at fault")),
            false => Ok(()),
        }
    }
}
