//! Is the API key right? In a header, in the query or in a cookie.

use serde_json::json;

use crate::params;
use crate::record::Recorded;
use crate::state::State;
use crate::wire::Reply;

pub(super) fn by_header(state: &State, request: &Recorded) -> Reply {
    account_if(header_is_key(state, request, "X-API-KEY"))
}

pub(super) fn by_query(state: &State, request: &Recorded) -> Reply {
    let key = params::value(request.query(), "api_key");
    account_if(key.as_deref() == Some(&state.config.api_key))
}

pub(super) fn by_cookie(state: &State, request: &Recorded) -> Reply {
    let cookies = request.header("cookie").unwrap_or_default();
    let key = cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("api_key="));
    account_if(key == Some(&state.config.api_key))
}

/// A key sent twice is not a key.
pub(crate) fn header_is_key(state: &State, request: &Recorded, name: &str) -> bool {
    request.only_header(name) == Some(&state.config.api_key)
}

pub(super) fn refused() -> Reply {
    Reply::error(401, -2014, "API-key format invalid.")
}

fn account_if(accepted: bool) -> Reply {
    if !accepted {
        return refused();
    }
    Reply::json(200, &json!({ "account": "test", "balances": [{ "asset": "BTC", "free": "1.5" }] }))
}
