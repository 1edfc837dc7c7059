//! What can anybody ask for? Market data, and answers made to order.

use std::time::Duration;

use serde_json::json;

use super::not_found;
use crate::params;
use crate::record::Recorded;
use crate::wire::Reply;

pub(super) fn answer(request: &Recorded) -> Reply {
    let path = request.path();
    let mut segments = path.split('/').skip(2);
    match (segments.next().unwrap_or_default(), segments.next()) {
        ("ping", None) => Reply::json(200, &json!({})),
        ("ticker", None) => ticker(request.query()),
        ("status", Some(code)) => {
            code.parse().map_or_else(|_| not_found(), |code| status(code, request.query()))
        }
        ("redirect", None) => redirect(request.query()),
        ("slow", None) => slow(request.query()),
        ("gate", None) => Reply::json(200, &json!({})).gated(),
        ("big", None) => big(request.query()),
        _ => not_found(),
    }
}

/// Also the answer of `/ws/redirect`.
pub(crate) fn redirect(query: &str) -> Reply {
    let status = params::number(query, "status").unwrap_or(302);
    match (u16::try_from(status), params::value(query, "to")) {
        (Ok(status), Some(to)) => with_header(Reply::bytes(status, ""), "Location", to),
        _ => Reply::error(400, -1102, "Mandatory parameter 'to' was not sent."),
    }
}

/// Also the answer of `/ws/refuse`.
pub(crate) fn status(code: u16, query: &str) -> Reply {
    let reply = match params::value(query, "body") {
        Some(text) => Reply::text(code, text),
        None => Reply::error(code, i64::from(code), &format!("Status {code} as asked for.")),
    };
    match params::value(query, "retry_after") {
        Some(value) => with_header(reply, "Retry-After", value),
        None => reply,
    }
}

fn ticker(query: &str) -> Reply {
    match params::value(query, "symbol") {
        Some(symbol) => Reply::json(200, &json!({ "symbol": symbol, "price": "42000.10" })),
        None => Reply::error(400, -1102, "Mandatory parameter 'symbol' was not sent."),
    }
}

fn slow(query: &str) -> Reply {
    let wait = |name| Duration::from_millis(params::number(query, name).unwrap_or(0));
    Reply::json(200, &json!({ "slow": true }))
        .wait_before_head(wait("head_ms"))
        .wait_within_body(wait("body_ms"))
}

fn big(query: &str) -> Reply {
    let reply = Reply::filler(params::number(query, "bytes").unwrap_or(0));
    match params::number(query, "chunked") {
        Some(1) => reply.chunked(),
        _ => reply,
    }
}

fn with_header(reply: Reply, name: &str, value: String) -> Reply {
    if value.contains(['\r', '\n']) {
        return Reply::error(400, -1100, "A header value has a line break.");
    }
    reply.header(name, value)
}
