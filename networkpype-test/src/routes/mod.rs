//! Which endpoint answers? Pure functions of the request and the exchange's state.

mod basic;
mod digest;
mod echo;
mod jwt;
mod key;
mod oauth1;
mod oauth2;
mod public;
mod signed_body;
mod signed_query;

use crate::limiter::Verdict;
use crate::record::Recorded;
use crate::state::State;
use crate::wire::Reply;

pub(crate) use self::digest::enter;
pub(crate) use self::key::header_is_key;
pub(crate) use self::public::{redirect, status};
pub(crate) use self::signed_query::check as check_signed_query;

/// Whether it is counted.
pub(crate) fn is_limited(request: &Recorded) -> bool {
    request.path().starts_with("/api/")
}

pub(crate) fn answer(state: &State, request: &Recorded) -> Reply {
    if !is_limited(request) {
        return route(state, request);
    }
    match state.admit() {
        None => route(state, request),
        Some(Verdict::Refused { retry_after_secs, limit }) => {
            Reply::error(429, -1003, "Too many requests.")
                .header("Retry-After", retry_after_secs.to_string())
                .header("X-RateLimit-Limit", limit.to_string())
                .header("X-RateLimit-Remaining", "0")
                .header("X-MBX-USED-WEIGHT", limit.to_string())
        }
        Some(Verdict::Admitted { used, limit }) => {
            let reply = route(state, request).header("X-MBX-USED-WEIGHT", used.to_string());
            match limit {
                None => reply,
                Some(limit) => reply
                    .header("X-RateLimit-Limit", limit.to_string())
                    .header("X-RateLimit-Remaining", (limit - used).to_string()),
            }
        }
    }
}

fn route(state: &State, request: &Recorded) -> Reply {
    let path = request.path();
    let own = state.config.handlers.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
    if let Some((_, handler)) = own {
        return handler(request);
    }
    let (area, rest) = match path.strip_prefix("/api/") {
        Some(rest) => ("api", rest),
        None => ("", path.trim_start_matches('/')),
    };
    match (area, rest.split('/').next().unwrap_or_default()) {
        ("api", "key") => key::by_header(state, request),
        ("api", "key-query") => key::by_query(state, request),
        ("api", "key-cookie") => key::by_cookie(state, request),
        ("api", "query") => signed_query::answer(state, request),
        ("api", "body") => signed_body::answer(state, request),
        ("api", "digest") => digest::answer(state, request),
        ("api", "basic") => basic::answer(state, request),
        ("api", "jwt") => jwt::answer(state, request),
        ("api", "token") => oauth2::answer(state, request),
        ("", "oauth2") => oauth2::issue(state, request),
        ("", "time") => {
            Reply::json(200, &serde_json::json!({ "serverTime": state.clock.now_ms() }))
        }
        ("", "oauth1") => oauth1::answer(state, request),
        ("", "public") => public::answer(request),
        ("", "raw-head") => echo::raw_head(request),
        ("", first) if first.starts_with("echo") => echo::answer(request),
        _ => not_found(),
    }
}

fn not_found() -> Reply {
    Reply::error(404, -1000, "No such endpoint.")
}
