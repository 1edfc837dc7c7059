//! Recipes print their keys and how long their texts are: what is written into a template for good may be a token.

use std::fmt;

use serde::Serialize;

use super::{
    entry::{Conditional, EntrySpec, ValueSpec},
    spec::{LoginSpec, MessageSpec, ParamsSpec, RecipeSpec, RequestSpec, VariantSpec},
};

/// A text, by its length alone.
struct Length<'t>(&'t str);

impl fmt::Debug for Length<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

/// Data without its texts.
struct Keys<'v>(&'v toml::Value);

impl fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            toml::Value::String(text) => Length(text).fmt(f),
            toml::Value::Array(values) => f.debug_list().entries(values.iter().map(Keys)).finish(),
            toml::Value::Table(table) => {
                let entries = table.iter().map(|(key, value)| (key, Keys(value)));
                f.debug_map().entries(entries).finish()
            }
            other => other.fmt(f),
        }
    }
}

fn keys(name: &str, spec: &impl Serialize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match toml::Value::try_from(spec) {
        Ok(value) => f.debug_tuple(name).field(&Keys(&value)).finish(),
        Err(_) => f.debug_struct(name).finish_non_exhaustive(),
    }
}

impl fmt::Debug for RecipeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("RecipeSpec", self, f)
    }
}

impl fmt::Debug for RequestSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("RequestSpec", self, f)
    }
}

impl fmt::Debug for ParamsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("ParamsSpec", self, f)
    }
}

impl fmt::Debug for LoginSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("LoginSpec", self, f)
    }
}

impl fmt::Debug for MessageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("MessageSpec", self, f)
    }
}

impl fmt::Debug for VariantSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        keys("VariantSpec", self, f)
    }
}

impl fmt::Debug for EntrySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("EntrySpec");
        shown.field("name", &self.name);
        for (name, text) in [("value", &self.value), ("json", &self.json), ("when", &self.when)] {
            if let Some(text) = text {
                shown.field(name, &Length(text));
            }
        }
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for ValueSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(&Length(text)).finish(),
            Self::Conditional(conditional) => conditional.fmt(f),
        }
    }
}

impl fmt::Debug for Conditional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conditional")
            .field("value", &Length(&self.value))
            .field("when", &self.when.as_deref().map(Length))
            .finish()
    }
}
