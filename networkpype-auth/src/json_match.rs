use std::borrow::Cow;

use networkpype_core::{JsonMembers, RestResponse, WebSocketResponse};

use crate::canonical::json_plain_text;

/// Recognises a message by fields of its JSON object: all of them must have these values. Numbers and booleans are
/// compared by their text, so `"0"` is `0` too.
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
        message.json::<JsonMembers>().is_ok_and(|object| {
            fields.iter().all(|(name, value)| {
                object.get(name).is_some_and(|text| json_plain_text(text) == *value)
            })
        })
    }
}

/// Whether a response is a JSON object whose field `code` is `code`, as a number or as a string: how most APIs say
/// what was wrong.
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
    response
        .json::<JsonMembers>()
        .is_ok_and(|object| object.get("code").is_some_and(|text| json_plain_text(text) == code))
}
