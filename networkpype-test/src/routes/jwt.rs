//! Has the client signed a token for this request (RFC 7519)?

use serde_json::json;

use crate::jws::Jws;
use crate::record::Recorded;
use crate::state::State;
use crate::wire::Reply;

/// How long a token may live, and how far ahead the client's clock may be.
const LONGEST_SECS: i64 = 300;
const AHEAD_SECS: i64 = 1;

pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    match check(state, request) {
        Ok(()) => Reply::json(200, &json!({ "ok": true })),
        Err(why) => Reply::error(401, -2015, why).header("WWW-Authenticate", "Bearer"),
    }
}

fn check(state: &State, request: &Recorded) -> Result<(), &'static str> {
    let (name, key) = state.config.jwt_key.as_ref().ok_or("Nobody may enter.")?;
    let token = request.authorization("Bearer").and_then(Jws::read).ok_or("No token.")?;
    if token.header["kid"] != name.as_str() || token.claims["iss"] != name.as_str() {
        return Err("Another key.");
    }
    if !token.is_signed_by(key) {
        return Err("Wrong signature.");
    }
    let seconds = |name: &str| token.claims[name].as_i64().ok_or("Not issued, or without an end.");
    let (now, iat, exp) = (state.clock.now_ms() / 1000, seconds("iat")?, seconds("exp")?);
    if now >= exp || iat > now + AHEAD_SECS || exp.saturating_sub(iat) > LONGEST_SECS {
        return Err("Expired, or not yet valid, or valid for too long.");
    }
    let host = request.only_header("host").unwrap_or_default();
    if token.claims["uri"] != format!("{} {host}{}", request.method, request.path()) {
        return Err("For another request.");
    }
    Ok(())
}
