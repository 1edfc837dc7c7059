//! Is the query signed? HMAC-SHA256 in hex over the query as sent and then the body as sent.

use serde_json::json;

use super::key;
use crate::params;
use crate::record::Recorded;
use crate::state::State;
use crate::verify;
use crate::wire::Reply;

pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    if let Err(refusal) = check(state, request) {
        return refusal;
    }
    if request.method == "POST" && request.path() == "/api/query/order" {
        return Reply::json(
            200,
            &json!({
                "orderId": state.next_order_id(),
                "query": request.query(),
                "body": String::from_utf8_lossy(&request.body),
            }),
        );
    }
    Reply::json(200, &json!({ "ok": true, "received_at": state.clock.now_ms() }))
}

pub(crate) fn check(state: &State, request: &Recorded) -> Result<(), Reply> {
    let query = request.query();
    let keyed = key::header_is_key(state, request, "X-MBX-APIKEY")
        || params::value(query, "apiKey").as_deref() == Some(&state.config.api_key);
    if !keyed {
        return Err(key::refused());
    }
    let form = form_body(request);
    let timestamp = single(query, form, "timestamp")?
        .parse()
        .map_err(|_| Reply::error(400, -1100, "Illegal characters found in 'timestamp'."))?;
    if !verify::is_fresh(state, timestamp) {
        let msg = "Timestamp for this request is outside of the recvWindow.";
        return Err(Reply::error(400, -1021, msg));
    }
    let signature = single(query, form, "signature")?;
    let expected = match (without_signature(query), without_signature(form)) {
        (Some(query), _) => hmac(state, &[query.as_bytes(), &request.body]),
        (None, Some(form)) => hmac(state, &[query.as_bytes(), form.as_bytes()]),
        // There is one, but something follows it.
        (None, None) => return Err(wrong_signature()),
    };
    if signature != expected {
        return Err(wrong_signature());
    }
    if !state.is_first_use(&signature) {
        return Err(Reply::error(400, -1023, "Replayed request."));
    }
    Ok(())
}

/// The body's text when it is a form, else nothing.
fn form_body(request: &Recorded) -> &str {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        std::str::from_utf8(&request.body).unwrap_or_default()
    } else {
        ""
    }
}

/// The value of a parameter that must be there once, in the query or in the form.
fn single(query: &str, form: &str, name: &str) -> Result<String, Reply> {
    let mut values =
        params::pairs(query).chain(params::pairs(form)).filter(|(sent, _)| *sent == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value.to_owned()),
        (None, _) => {
            let msg = format!("Mandatory parameter '{name}' was not sent.");
            Err(Reply::error(400, -1102, &msg))
        }
        (Some(_), Some(_)) => {
            let msg = format!("Duplicate values for parameter '{name}' detected.");
            Err(Reply::error(400, -1101, &msg))
        }
    }
}

/// The text before a signature that is its last parameter.
fn without_signature(text: &str) -> Option<&str> {
    let (before, last) = text.rsplit_once('&').unwrap_or(("", text));
    last.starts_with("signature=").then_some(before)
}

fn hmac(state: &State, parts: &[&[u8]]) -> String {
    verify::hmac_hex(&state.config.api_secret, parts)
}

fn wrong_signature() -> Reply {
    Reply::error(400, -1022, "Signature for this request is not valid.")
}
