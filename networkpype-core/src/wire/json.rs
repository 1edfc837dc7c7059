use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::error::WireError;

/// The members of a JSON object in their order, each value as the text that will be sent.
///
/// Changing one member leaves the text of every other alone, so numbers such as `1e-7` and `219.0` survive.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct JsonMembers {
    /// Shared, since every attempt is signed on a copy of the request.
    members: Arc<Vec<(String, String)>>,
}

impl JsonMembers {
    /// Reads the object in `text`, or `None` where `text` is another kind of JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The members to change: a copy of their own where a clone still shares them.
    fn edit(&mut self) -> &mut Vec<(String, String)> {
        Arc::make_mut(&mut self.members)
    }

    /// Adds a member at the end.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        value: &impl Serialize,
    ) -> Result<(), WireError> {
        let name = name.into();
        let text = to_text(&name, value)?;
        self.edit().push((name, text));
        Ok(())
    }

    /// Adds a member before all others.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON.
    pub fn prepend(
        &mut self,
        name: impl Into<String>,
        value: &impl Serialize,
    ) -> Result<(), WireError> {
        let name = name.into();
        let text = to_text(&name, value)?;
        self.edit().insert(0, (name, text));
        Ok(())
    }

    /// Adds a member at the end whose value is the JSON text `text`, exactly as it is.
    ///
    /// # Errors
    /// When `text` is not one JSON value.
    pub fn push_text(&mut self, name: impl Into<String>, text: &str) -> Result<(), WireError> {
        let member = checked(name.into(), text)?;
        self.edit().push(member);
        Ok(())
    }

    /// The same before all others.
    ///
    /// # Errors
    /// As [`push_text`](Self::push_text).
    pub fn prepend_text(&mut self, name: impl Into<String>, text: &str) -> Result<(), WireError> {
        let member = checked(name.into(), text)?;
        self.edit().insert(0, member);
        Ok(())
    }

    /// Removes every member named `name` and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.members.len();
        self.edit().retain(|(member, _)| member != name);
        before - self.members.len()
    }

    /// Sorts by the bytes of the name, keeping the order of equal names.
    pub fn sort_by_name(&mut self) {
        self.edit().sort_by(|(a, _), (b, _)| a.cmp(b));
    }

    /// Each member's name and JSON text, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The JSON text of the first member named `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(member, _)| *member == name).map(|(_, text)| text)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The object, compactly: `{"name":value,...}`.
    pub fn to_wire(&self) -> String {
        // Quotes, a colon and a comma for each.
        let length = self.iter().map(|(name, text)| name.len() + text.len() + 4).sum::<usize>();
        let mut out = String::with_capacity(length + 2);
        out.push('{');
        for (index, (name, text)) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_member(&mut out, name, text);
        }
        out.push('}');
        out
    }
}

impl fmt::Debug for JsonMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, text)| format!("{name}: <{} bytes>", text.len())))
            .finish()
    }
}

impl<'de> Deserialize<'de> for JsonMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = JsonMembers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonMembers, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, value.get().to_owned()));
                }
                Ok(JsonMembers { members: Arc::new(members) })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// `text`, an object, with one more member at its end and every earlier byte as it was.
pub(crate) fn append_to_text(text: &str, name: &str, value: &str) -> Option<String> {
    let members = JsonMembers::parse(text)?;
    let brace = text.rfind('}')?;
    let mut out = text[..brace].to_owned();
    if !members.is_empty() {
        out.push(',');
    }
    write_member(&mut out, name, value);
    out.push_str(&text[brace..]);
    Some(out)
}

pub(crate) fn to_text(name: &str, value: &impl Serialize) -> Result<String, WireError> {
    serde_json::to_string(value).map_err(|_| {
        WireError::content(format!("json {name}"), "its value cannot be written as JSON")
    })
}

fn checked(name: String, text: &str) -> Result<(String, String), WireError> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => Ok((name, value.get().to_owned())),
        Err(_) => Err(WireError::content(format!("json {name}"), "its text is not a JSON value")),
    }
}

fn write_member(out: &mut String, name: &str, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if name.bytes().all(is_plain) {
        out.extend(["\"", name, "\""]);
    } else {
        out.push_str(&serde_json::Value::from(name).to_string());
    }
    out.push(':');
    out.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_one_member_leaves_the_others_text_alone() {
        let text = r#"{"b":1e-7,"a":219.0,"é\"":[1, 2],"big":123456789012345678901234567890}"#;
        let mut members = JsonMembers::parse(text).expect("object");
        assert_eq!(members.to_wire(), text);
        members.prepend("t", &1).expect("number");
        members.push("s", &"x").expect("text");
        assert_eq!(members.remove("a"), 1);
        assert_eq!(
            members.to_wire(),
            r#"{"t":1,"b":1e-7,"é\"":[1, 2],"big":123456789012345678901234567890,"s":"x"}"#
        );
    }

    #[test]
    fn appending_to_text_keeps_every_earlier_byte() {
        assert_eq!(append_to_text("{ }", "s", "1").as_deref(), Some(r#"{ "s":1}"#));
        assert_eq!(
            append_to_text("{\n \"a\" : 1.0\n}\n", "s", "\"}\"").as_deref(),
            Some("{\n \"a\" : 1.0\n,\"s\":\"}\"}\n")
        );
        assert_eq!(append_to_text("[1]", "s", "1"), None);
        assert_eq!(append_to_text("{", "s", "1"), None);
    }
}
