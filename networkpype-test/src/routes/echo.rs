//! What did the exchange receive, exactly?

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::record::Recorded;
use crate::wire::Reply;

pub(super) fn answer(request: &Recorded) -> Reply {
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, value)| json!([name, String::from_utf8_lossy(value)]))
        .collect();
    Reply::json(
        200,
        &json!({
            "method": request.method,
            "target": request.target,
            "headers": headers,
            "body_base64": STANDARD.encode(&request.body),
            "body_utf8": std::str::from_utf8(&request.body).ok(),
        }),
    )
}

pub(super) fn raw_head(request: &Recorded) -> Reply {
    Reply::bytes(200, request.head.clone()).header("content-type", "text/plain")
}
