use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The members of a JSON object that has no name twice. Of two members with one name one reader takes the first and another
/// the last (RFC 7515, section 4).
pub(super) struct Members<'j>(BTreeMap<String, &'j RawValue>);

impl<'j> Members<'j> {
    /// `None` for what is no such object.
    pub(super) fn parse(json: &'j [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// A member's JSON.
    pub(super) fn json(&self, name: &str) -> Option<&'j str> {
        self.0.get(name).map(|value| value.get())
    }

    /// A member as a value of this type: `Ok(None)` where there is no such member, `Err` where it is something else.
    pub(super) fn get<T: Deserialize<'j>>(&self, name: &str) -> Result<Option<T>, NotThat> {
        self.json(name).map(serde_json::from_str).transpose().map_err(|_| NotThat)
    }
}

/// A member is not of the type that it has to be.
pub(super) struct NotThat;

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object without a name twice")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a name stands there twice"));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Once)
    }
}

#[cfg(test)]
mod tests {
    use super::Members;

    #[test]
    fn an_object_with_a_name_twice_is_none() {
        for (json, is_one) in [
            ("{}", true),
            (r#"{"a":1,"b":{"a":1}}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":1}"#, false),
            ("[]", false),
            ("null", false),
            ("{} {}", false),
            ("", false),
        ] {
            assert_eq!(Members::parse(json.as_bytes()).is_some(), is_one, "{json}");
        }
    }
}
