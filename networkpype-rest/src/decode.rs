use networkpype_core::DecodeError;
use networkpype_core::RestResponse;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};

/// What `response` holds as a `T`. An empty body is `()` or `None`, and nothing else.
pub(crate) fn decode<T: DeserializeOwned>(response: &RestResponse) -> Result<T, DecodeError> {
    if response.bytes().is_empty() {
        T::deserialize(Empty).map_err(|NotEmpty| DecodeError::empty())
    } else {
        response.json()
    }
}

struct Empty;

/// The target type wants something, and there is nothing.
#[derive(Debug)]
struct NotEmpty;

impl std::fmt::Display for NotEmpty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body is empty")
    }
}

impl std::error::Error for NotEmpty {}

impl de::Error for NotEmpty {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Empty {
    type Error = NotEmpty;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NotEmpty> {
        Err(NotEmpty)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotEmpty> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotEmpty> {
        visitor.visit_none()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotEmpty> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde::de::IgnoredAny;
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_empty_body_is_unit_or_none_and_nothing_else() {
        let empty = RestResponse::new(StatusCode::NO_CONTENT);
        assert!(decode::<()>(&empty).is_ok());
        assert_eq!(decode::<Option<u32>>(&empty), Ok(None));
        assert!(decode::<IgnoredAny>(&empty).is_ok());
        assert!(decode::<Value>(&empty).is_err());
        assert!(decode::<Vec<u32>>(&empty).is_err());
        assert!(decode::<String>(&empty).is_err());
    }
}
