//! Does the request know the password?

use serde_json::json;

use crate::record::Recorded;
use crate::state::State;
use crate::wire::Reply;

pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    let body = json!({ "ok": true });
    match enter(state, request, body.to_string().as_bytes()) {
        Err(refusal) => refusal,
        Ok(None) => Reply::json(200, &body),
        Ok(Some(info)) => Reply::json(200, &body).header("Authentication-Info", info),
    }
}

/// What the response to a request that is let in says of it, with this body.
pub(crate) fn enter(
    state: &State,
    request: &Recorded,
    body: &[u8],
) -> Result<Option<String>, Reply> {
    match &state.config.digest {
        Some(realm) => realm.enter(request, body),
        None => Err(Reply::error(403, -2015, "Nobody may enter.")),
    }
}
