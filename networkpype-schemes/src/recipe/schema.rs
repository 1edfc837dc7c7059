//! What an editor needs to know about recipe files.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{
    entry::{EntrySpec, Table},
    spec::RecipeSpec,
};

impl RecipeSpec {
    /// The JSON Schema (draft 2020-12) of recipe files, for editors that complete and check TOML with one. The
    /// repository holds it as `docs/recipe.schema.json`.
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(RecipeSpec).to_value()
    }
}

impl JsonSchema for EntrySpec {
    fn schema_name() -> Cow<'static, str> {
        "Entry".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<Table>();
        json_schema!({
            "description": "A name and a template: `[\"name\", \"{template}\"]`, or a table that says more.",
            "anyOf": [
                {
                    "type": "array",
                    "prefixItems": [{ "type": "string" }, { "type": "string" }],
                    "minItems": 2,
                    "maxItems": 2,
                },
                table,
            ],
        })
    }
}
