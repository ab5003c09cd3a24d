//! Every key of a config, as its schema has them.

use serde::Serialize;
use serde_json::Value;

use super::schema;

/// A key, and what may stand there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Dotted, such as `training.learning_rate`; a choice's parameters stand below its name, `training.optimiser.sgd.momentum`.
    pub key: String,
    /// What its value is, such as `number`, `list of (max | none)`, `section`.
    pub kind: String,
    /// What holds where it is left out, as JSON; `None` where nothing does.
    pub default: Option<String>,
    /// Meaning and range, in Markdown.
    pub meaning: String,
    /// Words that may stand there, each with its meaning.
    pub choices: Vec<(String, String)>,
}

impl Key {
    /// An entry of a list in Markdown.
    pub fn in_markdown(&self) -> String {
        let default = match &self.default {
            Some(default) => format!("; default `{default}`"),
            None => String::new(),
        };
        // What follows a line's end goes on in the entry, but empty lines stay empty.
        let indented = |text: &str, by: &str| {
            text.replace('\n', &format!("\n{by}")).replace(&format!("\n{by}\n"), "\n\n")
        };
        let mut entry = format!(
            "- **`{}`** ({}{default}): {}",
            self.key,
            self.kind,
            indented(&self.meaning, "  ")
        );
        for (word, meaning) in self.choices.iter().filter(|(_, meaning)| !meaning.is_empty()) {
            entry.push_str(&format!("\n  - `{word}`: {}", indented(meaning, "    ")));
        }
        entry
    }

    /// Its name within its section.
    pub fn last(&self) -> &str {
        self.key.rsplit('.').next().unwrap_or_default()
    }

    /// The section at the top of a config in which it stands; itself, if it is one.
    pub fn section(&self) -> &str {
        self.key.split('.').next().unwrap_or_default()
    }
}

/// All keys, in alphabetical order within their sections.
pub fn keys() -> Vec<Key> {
    let schema = schema::schema();
    let mut walk = Walk { definitions: &schema["$defs"], found: Vec::new() };
    walk.below("", &schema);
    walk.found
}

struct Walk<'a> {
    definitions: &'a Value,
    found: Vec<Key>,
}

/// What a schema allows.
#[derive(Default)]
struct Allowed<'a> {
    kinds: Vec<String>,
    choices: Vec<(String, String)>,
    /// Schemas with keys of their own, and the name of the choice whose parameters they are.
    sections: Vec<(Option<&'a str>, &'a Value)>,
}

impl<'a> Walk<'a> {
    fn below(&mut self, prefix: &str, section: &'a Value) {
        let Some(properties) = section["properties"].as_object() else { return };
        for (name, schema) in properties {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let mut allowed = Allowed::default();
            self.allow(schema, &mut allowed);
            // Keys of a section have defaults of their own.
            let is_section = allowed.sections.iter().any(|(choice, _)| choice.is_none());
            let default = schema.get("default").filter(|value| !(is_section && value.is_object()));
            self.found.push(Key {
                key: key.clone(),
                kind: allowed.kinds.join(" | "),
                default: default.map(Value::to_string),
                meaning: text(schema),
                choices: allowed.choices,
            });
            for (choice, section) in allowed.sections {
                let key = choice.map_or(key.clone(), |choice| format!("{key}.{choice}"));
                self.below(&key, section);
            }
        }
    }

    /// The schema that another one refers to, or itself.
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let definition = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
        definition.map_or(schema, |name| &self.definitions[name])
    }

    fn allow(&self, schema: &'a Value, allowed: &mut Allowed<'a>) {
        let schema = self.resolved(schema);
        let ways = ["oneOf", "anyOf"].into_iter().find_map(|key| schema[key].as_array());
        if let Some(ways) = ways {
            ways.iter().for_each(|way| match choice_of(way) {
                Some(choice) => {
                    allowed.choose(choice, text(way));
                    let parameters = self.resolved(&way["properties"][choice]);
                    allowed.sections.push((Some(choice), parameters));
                }
                None => self.allow(way, allowed),
            });
        } else if let Some(word) = schema["const"].as_str() {
            allowed.choose(word, text(schema));
        } else if let Some(words) = schema["enum"].as_array() {
            words.iter().filter_map(Value::as_str).for_each(|word| allowed.choose(word, "".into()));
        } else {
            let types: Vec<&str> = match &schema["type"] {
                Value::String(one) => vec![one],
                several => {
                    several.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
                }
            };
            types.into_iter().for_each(|kind| self.allow_type(kind, schema, allowed));
        }
    }

    fn allow_type(&self, kind: &str, schema: &'a Value, allowed: &mut Allowed<'a>) {
        let kind = match kind {
            "integer" => "whole number".to_owned(),
            "string" => "text".to_owned(),
            "boolean" => "true | false".to_owned(),
            "array" => self.list(&schema["items"], allowed),
            "object" if schema["properties"].is_object() => {
                allowed.sections.push((None, schema));
                "section".to_owned()
            }
            "object" => "map".to_owned(),
            other => other.to_owned(),
        };
        if !allowed.kinds.contains(&kind) {
            allowed.kinds.push(kind);
        }
    }

    /// A list, whose items' words are told as those of the key.
    fn list(&self, items: &'a Value, allowed: &mut Allowed<'a>) -> String {
        let ways = self.resolved(items)["anyOf"].as_array();
        if ways.is_some_and(|ways| ways.iter().any(|way| way["items"] == *items)) {
            return "nested lists".to_owned();
        }
        let mut of_items = Allowed::default();
        self.allow(items, &mut of_items);
        for (word, meaning) in of_items.choices {
            if allowed.choices.iter().all(|(known, _)| *known != word) {
                allowed.choices.push((word, meaning));
            }
        }
        match &of_items.kinds[..] {
            [] => "list".to_owned(),
            [one] => format!("list of {one}"),
            several => format!("list of ({})", several.join(" | ")),
        }
    }
}

impl Allowed<'_> {
    fn choose(&mut self, word: &str, meaning: String) {
        match self.choices.iter_mut().find(|(known, _)| known == word) {
            Some((_, told)) if told.is_empty() => *told = meaning,
            Some(_) => {}
            None => {
                self.kinds.push(word.to_owned());
                self.choices.push((word.to_owned(), meaning));
            }
        }
    }
}

/// The name of a choice with parameters.
fn choice_of(schema: &Value) -> Option<&str> {
    let properties = schema["properties"].as_object().filter(|properties| properties.len() == 1)?;
    let required = schema["required"].as_array().filter(|required| required.len() == 1)?;
    let name = required[0].as_str()?;
    properties.contains_key(name).then_some(name)
}

fn text(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().to_owned()
}
