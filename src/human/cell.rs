//! One value of a table, and what it can be read as. Errors are the end of a sentence that says where it stands.

use std::borrow::Cow;

use anyhow::{Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::config::did_you_mean;

use super::columns::Empty;

/// A value as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Empty, or what stands for nothing, as it is written: NA, NaN. It may be a name.
    Missing(&'a str),
    /// `null` of JSON, or a key that an object leaves out.
    Null,
    /// Of CSV, or in quotes.
    Text(Cow<'a, str>),
    /// Of JSON.
    Json(&'a Value),
}

/// What tables write where there is nothing, in small letters.
const NOTHING: [&str; 8] = ["", "na", "n/a", "#n/a", "nan", "null", "none", "undefined"];

/// Largest whole number that a float tells from its neighbours.
const MOST: f64 = 9_007_199_254_740_992.0;

fn is_nothing(text: &str) -> bool {
    NOTHING.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// A value for a sentence.
fn shown(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut short: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push_str("...");
    }
    format!("'{short}'")
}

impl<'a> Cell<'a> {
    /// Of text.
    pub fn of_text(text: &'a str) -> Cell<'a> {
        let text = text.trim();
        if is_nothing(text) { Cell::Missing(text) } else { Cell::Text(Cow::Borrowed(text)) }
    }

    /// Of JSON.
    pub fn of_json(value: &'a Value) -> Cell<'a> {
        match value {
            Value::Null => Cell::Null,
            Value::String(text) => Cell::of_text(text),
            other => Cell::Json(other),
        }
    }

    fn is_missing(&self) -> bool {
        matches!(self, Cell::Missing(_) | Cell::Null)
    }

    /// Whether it is empty, and that is an answer.
    pub fn says_nothing_marked(&self, empty: Option<Empty>) -> bool {
        *self == Cell::Missing("") && empty == Some(Empty::NothingMarked)
    }

    /// As text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Null => Cow::Borrowed(""),
            Cell::Missing(text) => Cow::Borrowed(text),
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Json(value) => Cow::Owned(value.to_string()),
        }
    }

    /// Whether it is a value of a map; numbers are one however they are written.
    pub fn is_called(&self, name: &str) -> bool {
        let is_number = |number: &f64| name.trim().parse() == Ok(*number);
        match self {
            Cell::Json(Value::Number(number))
                if number.as_f64().is_some_and(|it| is_number(&it)) =>
            {
                true
            }
            _ => *self.text() == *name,
        }
    }

    /// Somebody's or something's name, which may be NA or none.
    ///
    /// # Errors
    ///
    /// If it is empty, a list, a number that is too large to be told from others, or of more than one line.
    pub fn name(&self) -> Result<Cow<'_, str>> {
        match self {
            Cell::Missing("") | Cell::Null => bail!("is empty"),
            Cell::Text(text) if text.contains(char::is_control) => {
                bail!("is {}, which holds line ends or other signs that no name has", shown(text))
            }
            Cell::Json(Value::Array(_) | Value::Object(_)) => {
                bail!("is {}, no name", shown(&self.text()))
            }
            Cell::Json(Value::Number(number)) => {
                let whole = number.as_f64().filter(|float| float.fract() == 0.0);
                ensure!(
                    number.is_u64()
                        || number.is_i64()
                        || number.as_f64().is_none_or(|it| it.abs() < MOST),
                    "is a number of too many digits to be told from others: write names in quotes"
                );
                Ok(Cow::Owned(match (number.as_u64(), whole) {
                    (None, Some(whole)) => format!("{whole:.0}"),
                    _ => number.to_string(),
                }))
            }
            Cell::Json(_) | Cell::Text(_) | Cell::Missing(_) => Ok(self.text()),
        }
    }

    fn number(&self) -> Option<f64> {
        let number = match self {
            Cell::Missing(_) | Cell::Null => None,
            Cell::Text(text) => text.parse().ok(),
            Cell::Json(value) => value.as_f64(),
        };
        number.filter(|number: &f64| number.is_finite())
    }

    /// A whole number of 0 or more; `12.0` is one.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn whole(&self) -> Result<u64> {
        ensure!(!self.text().is_empty(), "is empty: write a whole number of 0 or more");
        let number = self.number().filter(|number| number.fract() == 0.0);
        match number {
            Some(number) if (0.0..MOST).contains(&number) => Ok(number as u64),
            Some(_) | None => {
                bail!("is {}, not a whole number of 0 or more", shown(&self.text()))
            }
        }
    }

    /// A number, if there is one; as text with a point, or with a comma as spreadsheets of some languages have it.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub fn optional_number(&self) -> Result<Option<f64>> {
        let with_comma = || match self {
            Cell::Text(text) if !text.contains('.') => {
                Cell::Text(text.replacen(',', ".", 1).into()).number()
            }
            Cell::Text(_) | Cell::Missing(_) | Cell::Null | Cell::Json(_) => None,
        };
        if let Cell::Text(text) = self {
            ensure!(
                !may_be_thousands(text),
                "is {}, which is {} where commas part thousands and {} where they stand for points: write one of them",
                shown(text),
                text.replace(',', ""),
                text.replace(',', ".")
            );
        }
        match (self, self.number().or_else(with_comma)) {
            (Cell::Missing(_) | Cell::Null, _) => Ok(None),
            (_, Some(number)) => Ok(Some(number)),
            (_, None) => bail!("is {}, no number", shown(&self.text())),
        }
    }

    /// A response: whether a label was marked, or how far, in [0, 1]; `None` if it is missing.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn response(&self) -> Result<Option<f64>> {
        let wrong = || {
            let text = self.text();
            let comma = match text.replace(',', ".").parse::<f64>() {
                Ok(number) if text.contains(',') => format!("; write {number}, with a point"),
                Ok(_) | Err(_) => String::new(),
            };
            anyhow!(
                "is {}, not a response: 0, 1, true, false, a number between 0 and 1, or nothing{comma}",
                shown(&text)
            )
        };
        let number = match self {
            Cell::Missing(_) | Cell::Null => return Ok(None),
            Cell::Json(Value::Bool(marked)) => f64::from(u8::from(*marked)),
            Cell::Json(value) => value.as_f64().ok_or_else(wrong)?,
            Cell::Text(text) if text.eq_ignore_ascii_case("true") => 1.0,
            Cell::Text(text) if text.eq_ignore_ascii_case("false") => 0.0,
            Cell::Text(text) => text.parse().map_err(|_| wrong())?,
        };
        ensure!((0.0..=1.0).contains(&number), wrong());
        // -0 is 0.
        Ok(Some(number + 0.0))
    }

    /// Entries of a list: of JSON, also as text; or text with blanks, semicolons, bars or commas between.
    fn entries(&self) -> Result<Vec<Value>> {
        match self {
            Cell::Missing(_) | Cell::Null => Ok(Vec::new()),
            Cell::Json(Value::Array(entries)) => Ok(entries.clone()),
            Cell::Json(_) => bail!("is {}, not a list such as [1, 0]", shown(&self.text())),
            Cell::Text(text) => match serde_json::from_str(text) {
                Ok(Value::Array(entries)) => Ok(entries),
                Ok(_) | Err(_) => split(text),
            },
        }
    }

    /// Responses to so many labels into `given`, NaN where one is missing; all of them are if the whole list is.
    ///
    /// # Errors
    ///
    /// If the list is longer or shorter, or an entry is no response.
    pub fn responses(&self, n_labels: usize, given: &mut Vec<f64>) -> Result<()> {
        if self.is_missing() {
            given.extend(std::iter::repeat_n(f64::NAN, n_labels));
            return Ok(());
        }
        let entries = self.entries()?;
        ensure!(
            entries.len() == n_labels,
            "has {} responses, the config's tree has {n_labels} labels: {}",
            entries.len(),
            shown(&self.text())
        );
        for (label, entry) in entries.iter().enumerate() {
            let response = Cell::of_json(entry)
                .response()
                .map_err(|error| anyhow!("has an entry for label {} that {error}", label + 1))?;
            given.push(response.unwrap_or(f64::NAN));
        }
        Ok(())
    }

    /// Which of the named labels a list holds, into `given`, 1 or 0; all are missing if the list is, or if it is empty and `empty`
    /// does not say that nothing was marked then. Tells a name that is none of them.
    ///
    /// # Errors
    ///
    /// If it is no list of names.
    pub fn marked(
        &self,
        labels: &[String],
        empty: Option<Empty>,
        given: &mut Vec<f64>,
    ) -> Result<Option<String>> {
        let start = given.len();
        if self.is_missing() && !labels.contains(&self.text().into_owned()) {
            let response = if self.says_nothing_marked(empty) { 0.0 } else { f64::NAN };
            given.extend(std::iter::repeat_n(response, labels.len()));
            return Ok(None);
        }
        given.extend(std::iter::repeat_n(0.0, labels.len()));
        let mut unknown = None;
        let single = self.text().into_owned();
        let entries = match labels.contains(&single) {
            true => vec![Value::String(single)],
            false => self.entries()?,
        };
        for entry in &entries {
            let name = Cell::of_json(entry);
            let name = name.name().map_err(|error| anyhow!("has an entry that {error}"))?;
            match labels.iter().position(|label| *label == *name) {
                Some(label) => given[start + label] = 1.0,
                None => {
                    let near = did_you_mean(&name, labels.iter().map(String::as_str));
                    unknown
                        .get_or_insert(format!("marks {}, which is no label{near}", shown(&name)));
                }
            }
        }
        Ok(unknown)
    }
}

/// Entries of a list that is no JSON: `1 0 1`, `1;0;1`, `[True, False]`, `(1, 0)`.
fn split(text: &str) -> Result<Vec<Value>> {
    ensure!(
        text.starts_with(['[', '(']) == text.ends_with([']', ')']),
        "is {}, a list of which one end is missing: is it cut short?",
        shown(text)
    );
    let bare = text.trim_start_matches(['[', '(']).trim_end_matches([']', ')']).trim();
    if bare.is_empty() {
        return Ok(Vec::new());
    }
    let separator = [';', '|', ','].into_iter().find(|sign| bare.contains(*sign));
    let entry = |part: &str| Value::String(part.trim().trim_matches(['\'', '"']).to_owned());
    Ok(match separator {
        Some(separator) => bare.split(separator).map(entry).collect(),
        None => bare.split_whitespace().map(entry).collect(),
    })
}

/// `1,234`: 1234 or 1.234.
fn may_be_thousands(text: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match text.trim_start_matches('-').split_once(',') {
        Some((before, after)) => {
            (1..=3).contains(&before.len())
                && !before.starts_with('0')
                && after.len() == 3
                && is_digits(before)
                && is_digits(after)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn responses(text: &str) -> Result<Vec<f64>> {
        let mut given = Vec::new();
        Cell::of_text(text).responses(3, &mut given).map(|()| given)
    }

    #[test]
    fn a_response_is_marked_or_not_graded_or_missing() {
        for (text, response) in [
            ("0", Some(0.0)),
            ("1", Some(1.0)),
            (" TRUE", Some(1.0)),
            ("false", Some(0.0)),
            ("0.25", Some(0.25)),
            ("1.0", Some(1.0)),
            ("", None),
            ("NA", None),
            ("NaN", None),
            ("null", None),
        ] {
            assert_eq!(Cell::of_text(text).response().unwrap(), response, "{text}");
        }
        for text in ["2", "-0.1", "yes", "inf", "0,5"] {
            let error = Cell::of_text(text).response().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("not a response"), "{error}");
        }
        assert!(Cell::of_text("0,5").response().unwrap_err().to_string().contains("write 0.5"));
    }

    #[test]
    fn a_list_is_json_or_plain_and_of_the_trees_length() {
        for text in ["[1, 0, 1]", "1 0 1", "1;0;1", "1,0,1", "[True, False, True]", "(1 0 1)"] {
            assert_eq!(responses(text).unwrap(), [1.0, 0.0, 1.0], "{text}");
        }
        let partly = responses("[1, null, 0]").unwrap();
        assert!(partly[1].is_nan() && partly[0] == 1.0);
        assert!(responses("").unwrap().iter().all(|response| response.is_nan()));
        for half in ["[1, 0, 0.7", "1, 0, 1]", "(1 0 1"] {
            let told = responses(half).unwrap_err().to_string();
            assert!(told.contains("one end is missing"), "{told}");
        }
        assert!(responses("1 0").unwrap_err().to_string().contains("has 2 responses"));
        assert!(responses("[1, 3, 0]").unwrap_err().to_string().contains("label 2"));
    }

    #[test]
    fn names_of_marked_labels_are_found_and_strange_ones_told() {
        let labels = ["bird", "fish", "blue bird"].map(str::to_owned);
        let marked = |text: &str| {
            let mut given = Vec::new();
            let unknown = Cell::of_text(text).marked(&labels, None, &mut given).unwrap();
            (given, unknown)
        };
        assert_eq!(marked("bird; blue bird").0, [1.0, 0.0, 1.0]);
        assert_eq!(marked("blue bird").0, [0.0, 0.0, 1.0]);
        assert_eq!(marked(r#"["fish"]"#).0, [0.0, 1.0, 0.0]);
        assert_eq!(marked("[]").0, [0.0; 3]);
        assert!(marked("brid;fish").1.unwrap().contains("did you mean 'bird'?"));
    }

    #[test]
    fn what_stands_for_nothing_may_be_a_name() {
        for text in ["NA", "none", "NaN"] {
            assert_eq!(Cell::of_text(text).name().unwrap(), text);
            assert_eq!(Cell::of_text(text).response().unwrap(), None);
        }
        assert!(Cell::of_text(" ").name().is_err());
        let labels = ["none", "some"].map(str::to_owned);
        for (text, expected) in [("none", [1.0, 0.0]), ("none;some", [1.0, 1.0])] {
            let mut given = Vec::new();
            assert_eq!(Cell::of_text(text).marked(&labels, None, &mut given).unwrap(), None);
            assert_eq!(given, expected);
        }
        let mut given = Vec::new();
        Cell::of_text("NA").marked(&labels, None, &mut given).unwrap();
        assert!(given.iter().all(|response| response.is_nan()));
    }

    #[test]
    fn an_empty_list_of_names_is_no_answer_unless_it_is_said_to_be_one() {
        let labels = ["left", "right"].map(str::to_owned);
        let marked = |text: &str, empty: Option<Empty>| {
            let mut given = Vec::new();
            Cell::of_text(text).marked(&labels, empty, &mut given).unwrap();
            given
        };
        for empty in [None, Some(Empty::Missed)] {
            assert!(marked("", empty).iter().all(|response| response.is_nan()));
        }
        assert_eq!(marked(" ", Some(Empty::NothingMarked)), [0.0, 0.0]);
        assert!(marked("NA", Some(Empty::NothingMarked)).iter().all(|it| it.is_nan()));
        assert_eq!(marked("[]", None), [0.0, 0.0]);
    }

    #[test]
    fn names_that_a_number_cannot_hold_are_refused() {
        let of = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            Cell::of_json(&value).name().map(|name| name.into_owned()).map_err(|it| it.to_string())
        };
        assert_eq!(of("9007199254740993").unwrap(), "9007199254740993");
        assert_eq!(of("12.0").unwrap(), "12");
        assert!(of("100000000000000000000001").unwrap_err().contains("in quotes"));
    }

    #[test]
    fn numbers_have_a_point_or_a_comma() {
        for (text, number) in
            [("2.5", 2.5), ("2,5050", 2.505), ("0,512", 0.512), ("-3", -3.0), ("1e3", 1000.0)]
        {
            assert_eq!(Cell::of_text(text).optional_number().unwrap(), Some(number), "{text}");
        }
        assert_eq!(Cell::of_text("#N/A").optional_number().unwrap(), None);
        for text in ["1,2,3", "1.000,5", "fast", "1,234", "-12,345"] {
            assert!(Cell::of_text(text).optional_number().is_err(), "{text}");
        }
    }

    #[test]
    fn whole_numbers_may_be_written_as_floats() {
        assert_eq!(Cell::of_text("12.0").whole().unwrap(), 12);
        for text in ["-1", "1.5", "x", ""] {
            assert!(Cell::of_text(text).whole().is_err(), "{text}");
        }
    }
}
