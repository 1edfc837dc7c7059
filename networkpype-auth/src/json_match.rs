use std::borrow::Cow;

use networkpype_core::{JsonMembers, RestResponse, WebSocketResponse};
use serde_json::value::RawValue;

use crate::canonical::json_plain_text;

/// Recognises a message by fields of its JSON object: all of them must have these values. Numbers and booleans are
/// compared by their text, so `"0"` is `0` too. A field is a name or, with a `/` before it, a JSON pointer.
///
/// No fields at all recognise no message, and neither does a field that the object has twice: which of both its server
/// means is anyone's guess.
///
/// ```
/// use networkpype_auth::fields_are;
/// use networkpype_core::WebSocketResponse;
///
/// let accepted = fields_are([("event", "login"), ("code", "0")]);
/// assert!(accepted(&WebSocketResponse::from_text(r#"{"event":"login","code":0,"msg":""}"#)));
/// assert!(!accepted(&WebSocketResponse::from_text(r#"{"event":"error","code":"60009"}"#)));
/// ```
pub fn fields_are<N, V>(
    fields: impl IntoIterator<Item = (N, V)>,
) -> impl Fn(&WebSocketResponse) -> bool + Send + Sync + 'static
where
    N: Into<Cow<'static, str>>,
    V: Into<Cow<'static, str>>,
{
    let fields: Vec<(Cow<'static, str>, Cow<'static, str>)> =
        fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    move |message| {
        !fields.is_empty()
            && message.json::<Box<RawValue>>().is_ok_and(|json| {
                fields.iter().all(|(name, value)| {
                    text_at(json.get(), name).is_some_and(|text| text == *value)
                })
            })
    }
}

/// Whether a response is a JSON object whose field `code` is `code`, as a number or as a string: how most APIs say
/// what was wrong. See [`is_error_field`] for a field of another name or place.
///
/// ```
/// use networkpype_auth::is_error_code;
/// use networkpype_core::RestResponse;
///
/// let refused = RestResponse::new(http::StatusCode::BAD_REQUEST)
///     .with_body(r#"{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}"#);
/// assert!(is_error_code(&refused, "-1021"));
/// ```
pub fn is_error_code(response: &RestResponse, code: &str) -> bool {
    is_error_field(response, "code", code)
}

/// Whether a response is JSON whose value at `field` is `value`, as a number or as a string. `field` is the name of a
/// field of the outermost object or, with a `/` before it, a JSON pointer (RFC 6901).
///
/// ```
/// use networkpype_auth::is_error_field;
/// use networkpype_core::RestResponse;
///
/// let refused = RestResponse::new(http::StatusCode::BAD_REQUEST)
///     .with_body(r#"{"error":["EAPI:Invalid nonce"],"detail":{"code":7}}"#);
/// assert!(is_error_field(&refused, "/error/0", "EAPI:Invalid nonce"));
/// assert!(is_error_field(&refused, "/detail/code", "7"));
/// ```
pub fn is_error_field(response: &RestResponse, field: &str, value: &str) -> bool {
    response
        .json::<Box<RawValue>>()
        .is_ok_and(|json| text_at(json.get(), field).is_some_and(|text| text == value))
}

/// The text of the value at `field`, a name or a JSON pointer; `None` where there is none, or two.
pub(crate) fn text_at(json: &str, field: &str) -> Option<String> {
    let value = match field.strip_prefix('/') {
        None => step_into(json, field),
        Some(steps) => steps.split('/').try_fold(json.to_owned(), |json, step| {
            step_into(&json, &step.replace("~1", "/").replace("~0", "~"))
        }),
    };
    value.map(|value| json_plain_text(&value).into_owned())
}

fn step_into(json: &str, step: &str) -> Option<String> {
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(json) {
        return list.get(step.parse::<usize>().ok()?).map(|value| value.get().to_owned());
    }
    let object: JsonMembers = serde_json::from_str(json).ok()?;
    only_member(&object, step).map(str::to_owned)
}

/// The JSON text of the member of this name, where there is exactly one.
fn only_member<'o>(object: &'o JsonMembers, name: &str) -> Option<&'o str> {
    let mut found = object.iter().filter(|(member, _)| *member == name);
    let (_, text) = found.next()?;
    found.next().is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(fields: &[(&'static str, &'static str)], text: &'static str) -> bool {
        fields_are(fields.iter().copied())(&WebSocketResponse::from_text(text))
    }

    #[test]
    fn no_fields_recognise_no_message() {
        for text in ["{}", r#"{"event":"error"}"#, "[]", "pong"] {
            assert!(!says(&[], text), "{text}");
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_not_believed() {
        let login = [("event", "login")];
        assert!(says(&login, r#"{"event":"login","code":1,"code":2}"#));
        for text in [r#"{"event":"login","event":"error"}"#, r#"{"event":"login","event":"login"}"#]
        {
            assert!(!says(&login, text), "{text}");
        }
        let response = RestResponse::new(http::StatusCode::BAD_REQUEST);
        assert!(!is_error_code(&response.with_body(r#"{"code":1,"code":2}"#), "1"));
    }

    #[test]
    fn a_pointer_finds_what_is_inside() {
        let json = r#"{"a":{"b/c":[1.0,{"code":"7"}],"~":true},"/x":2,"d":{"e":1,"e":1}}"#;
        for (field, expected) in [
            ("/a/b~1c/0", Some("1.0")),
            ("/a/b~1c/1/code", Some("7")),
            ("/a/~0", Some("true")),
            ("/~1x", Some("2")),
            ("/a/b~1c/2", None),
            ("/a/b~1c/x", None),
            ("/d/e", None),
            ("/a/~/b", None),
            ("code", None),
        ] {
            assert_eq!(text_at(json, field).as_deref(), expected, "{field}");
        }
    }
}
