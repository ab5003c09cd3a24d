//! What may stand in a config, as a JSON schema: for editors, and for the list of keys.
//!
//! Meanings are the doc comments of the fields; this file has what no derivation can know, since it is read by hand.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::own::OwnImages;
use super::{Conditions, Config, Grid, Inputs, Overrides, PerBlock, StretchConfig, Tree};

/// The JSON schema (draft 2020-12) of a config.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), "A config of ocs".into());
    schema.to_value()
}

/// One of several named choices: its bare name, or a map from it to its parameters.
pub(super) fn choice<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let of = T::json_schema(generator);
    let with_parameters = of.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |one: &Value| one.get("required").and_then(|names| names.get(0)).cloned();
    let names: Vec<Value> = with_parameters.iter().filter_map(name).collect();
    let mut ways = vec![json!({ "enum": names })];
    ways.extend(with_parameters);
    json_schema!({ "oneOf": ways })
}

/// The same where nothing may be chosen.
pub(super) fn choice_or_none<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = choice::<T>(generator);
    if let Some(Value::Array(ways)) = schema.get_mut("oneOf") {
        ways.push(json!({ "type": "null" }));
    }
    schema
}

/// A tree, or the data set's own.
pub(super) fn tree(generator: &mut SchemaGenerator) -> Schema {
    // A leaf alone is no tree.
    let below = generator.subschema_for::<Tree>();
    json_schema!({ "anyOf": [{ "type": "array", "items": below }, { "const": "superclasses" }, { "type": "null" }] })
}

/// Classes by number or by name.
pub(super) fn classes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["array", "null"],
        "items": { "type": ["integer", "string"] }
    })
}

/// A number, or a full batch.
pub(super) fn batch_size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "type": ["integer", "null"], "minimum": 1 }, { "const": "full" }] })
}

/// Implements `JsonSchema` for a type that is read by hand.
macro_rules! by_hand {
    ($type:ty, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                $schema(generator)
            }
        }
    };
}

by_hand!(Inputs, "Inputs", |generator: &mut SchemaGenerator| {
    let own = generator.subschema_for::<OwnImages>();
    json_schema!({ "anyOf": [{ "enum": super::inputs::WORDS }, own] })
});

by_hand!(Tree, "Tree", |generator: &mut SchemaGenerator| {
    let below = generator.subschema_for::<Tree>();
    json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "array", "items": below }] })
});

by_hand!(Overrides, "Overrides", |_: &mut SchemaGenerator| {
    json_schema!({ "type": ["object", "null"] })
});

by_hand!(Conditions, "Conditions", |generator: &mut SchemaGenerator| {
    let overrides = generator.subschema_for::<Overrides>();
    json_schema!({ "type": ["object", "null"], "additionalProperties": overrides })
});

by_hand!(Grid, "Grid", |_: &mut SchemaGenerator| {
    json_schema!({
        "type": ["object", "null"],
        "additionalProperties": { "type": ["array", "object"] }
    })
});

by_hand!(StretchConfig, "Phase", |_: &mut SchemaGenerator| {
    json_schema!({
        "type": ["object", "null"],
        "properties": {
            "label": { "type": "string" },
            "steps": { "type": "integer", "minimum": 1 },
            "keep_optimiser": { "type": "boolean" }
        }
    })
});

impl<T: JsonSchema> JsonSchema for PerBlock<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("PerBlock_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}
