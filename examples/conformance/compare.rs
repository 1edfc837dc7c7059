//! Does what is sent equal what is expected, and if not, where does it differ first?

use networkpype::RestRequest;
use serde_json::Value;

use crate::{ccxt::Keys, text_of};

/// Headers that say what the program or the body is, and nothing about the signature.
const NOT_SCORED: [&str; 5] = ["content-type", "user-agent", "accept", "accept-charset", "host"];

/// Whether a case says what it expects, and these texts in it.
pub(crate) fn has(expected: &Value, names: &[&str]) -> Result<(), String> {
    if expected.is_null() {
        return Err("`expected` is missing".to_owned());
    }
    match names.iter().find(|name| !expected[**name].is_string()) {
        None => Ok(()),
        Some(name) => Err(format!("`expected.{name}` is missing, or no text")),
    }
}

/// Whether what is sent is what a REST case expects.
pub(crate) fn request(case: &Value, sent: RestRequest, keys: &Keys) -> Result<(), String> {
    self::sent(case, &case["expected"], sent, keys)
}

pub(crate) fn sent(
    case: &Value,
    expected: &Value,
    mut sent: RestRequest,
    keys: &Keys,
) -> Result<(), String> {
    let origin = sent.origin().map(ToString::to_string).unwrap_or_default();
    let url = format!("{origin}{}", sent.target());
    same("url", text_of(&expected["url"]), &url)?;
    same("method", text_of(&expected["method"]), sent.method().as_str())?;
    let body = sent.body_bytes().map_err(|error| error.to_string())?;
    same("body", text_of(&expected["body"]), &String::from_utf8_lossy(&body))?;
    headers(case, &expected["headers"], &sent, keys)
}

pub(crate) fn headers(
    case: &Value,
    expected: &Value,
    sent: &RestRequest,
    keys: &Keys,
) -> Result<(), String> {
    let mut ours = sent.headers().clone();
    for (name, value) in expected.as_object().into_iter().flatten() {
        if NOT_SCORED.contains(&name.to_ascii_lowercase().as_str()) {
            ours.remove(name);
            continue;
        }
        let value = text_of(value);
        match ours.remove(name) {
            Some(own) => header(case, name, value, &String::from_utf8_lossy(own.as_bytes()), keys)?,
            // What was neither made from the credentials nor from the time is somebody's label.
            None if !is_made(case, value, keys) => {}
            None => return Err(format!("header {name}: expected {value:?}, got none")),
        }
    }
    let extra = ours.keys().find(|name| !NOT_SCORED.contains(&name.as_str()));
    extra.map_or(Ok(()), |name| Err(format!("header {name}: it is sent and not expected")))
}

fn header(case: &Value, name: &str, expected: &str, own: &str, keys: &Keys) -> Result<(), String> {
    let field = format!("header {name}");
    match text_of(&case["compare"]) {
        "jwt-verify" | "jwt-exact-or-claims" if expected != own => {
            crate::token::same(expected, own, &key_of(case, keys))
                .map_err(|why| format!("{field}: {why}"))
        }
        _ => same(&field, expected, own),
    }
}

/// The secret of a case.
pub(crate) fn key_of(case: &Value, keys: &Keys) -> String {
    keys.value_or(text_of(&case["credentials"]["secret"])).unwrap_or_default().to_owned()
}

/// Whether a value holds a credential, the time or the result of an operation with one of the credentials.
pub(crate) fn is_made(case: &Value, value: &str, keys: &Keys) -> bool {
    let holds = |text: &str| text.len() > 3 && value.contains(text);
    let credentials = case["credentials"].as_object().into_iter().flatten();
    let is_credential =
        credentials.into_iter().any(|(_, own)| keys.value_or(text_of(own)).is_some_and(holds));
    let operations = case["crypto"].as_array().into_iter().flatten();
    let is_result = operations
        .into_iter()
        .filter(|operation| operation["key"] != "other")
        .any(|operation| holds(text_of(&operation["result"])));
    let seconds = case["clock_ms"].as_i64().unwrap_or_default() / 1000;
    is_credential || is_result || holds(&seconds.to_string())
}

pub(crate) fn same(field: &str, expected: &str, own: &str) -> Result<(), String> {
    if expected == own {
        Ok(())
    } else {
        Err(format!("{field}: expected {expected:?}, got {own:?}"))
    }
}
