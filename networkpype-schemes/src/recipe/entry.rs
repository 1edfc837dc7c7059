//! Names and values as they stand in a file.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A name and a template: `["name", "{template}"]`, or a table that says more.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct EntrySpec {
    /// The name.
    pub name: String,
    /// The template of a text.
    pub value: Option<String>,
    /// The template of a JSON value, such as a number or a list.
    pub json: Option<String>,
    /// Left out where this template renders to nothing.
    pub when: Option<String>,
    /// Where it goes: `params` (the form where there is one, else the query), `query`, `form`, `json` or `body` (the
    /// JSON object where there is one, else the form). Default: `params`.
    pub r#in: Option<String>,
    /// Whether the caller's own parameter of this name counts. Default: it is an error.
    pub yields: bool,
    /// How a parameter is sent: `percent`, `form`, `plus` or `raw`. Default: as all are; a signature is percent-encoded.
    pub encoding: Option<String>,
}

impl EntrySpec {
    /// A text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Some(value.into()), ..Self::default() }
    }

    /// Whether it says no more than a name and a text.
    pub(super) fn is_plain(&self) -> bool {
        self.json.is_none()
            && self.when.is_none()
            && self.r#in.is_none()
            && self.encoding.is_none()
            && !self.yields
    }
}

/// A name and a template, and what else may be said about them.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Table {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    when: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r#in: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    yields: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
}

impl Serialize for EntrySpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (Some(value), true) = (&self.value, self.is_plain()) {
            return [&self.name, value].serialize(serializer);
        }
        let Self { name, value, json, when, r#in, yields, encoding } = self.clone();
        Table { name, value, json, when, r#in, yields, encoding }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EntrySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = EntrySpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`[\"name\", \"template\"]` or a table with `name` and `value`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<EntrySpec, A::Error> {
                let name = seq.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let value =
                    seq.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
                if seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
                    return Err(A::Error::invalid_length(3, &self));
                }
                Ok(EntrySpec { name, value: Some(value), ..EntrySpec::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EntrySpec, A::Error> {
                let Table { name, value, json, when, r#in, yields, encoding } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                if value.is_some() == json.is_some() {
                    return Err(A::Error::custom("it needs either `value` or `json`"));
                }
                Ok(EntrySpec { name, value, json, when, r#in, yields, encoding })
            }
        }

        deserializer.deserialize_any(Entry)
    }
}

/// A template: a text, or a table that says when it counts.
#[derive(Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum ValueSpec {
    /// A template.
    Text(String),
    /// A template that counts sometimes.
    Conditional(Conditional),
}

/// A template that counts where another renders to something.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Conditional {
    /// The template.
    pub value: String,
    /// Left out where this template renders to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

impl ValueSpec {
    pub(super) fn parts(&self) -> (&str, Option<&str>) {
        match self {
            Self::Text(text) => (text, None),
            Self::Conditional(Conditional { value, when }) => (value, when.as_deref()),
        }
    }
}

impl From<&str> for ValueSpec {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One text, or a list of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        all.iter().map(String::as_str)
    }
}

impl From<&str> for OneOrMany {
    fn from(one: &str) -> Self {
        Self::One(one.to_owned())
    }
}
