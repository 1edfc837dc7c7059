//! Is the request signed in its headers? HMAC-SHA256 in base64 over timestamp, method, target and body.

use serde_json::json;

use crate::record::Recorded;
use crate::state::State;
use crate::verify;
use crate::wire::Reply;

pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    match check(state, request) {
        Err(refusal) => refusal,
        Ok(()) => Reply::json(
            200,
            &json!({ "code": "0", "ok": true, "received_at": state.clock.now_ms() }),
        ),
    }
}

fn check(state: &State, request: &Recorded) -> Result<(), Reply> {
    let header = |name: &str| {
        request
            .header(name)
            .ok_or_else(|| refused("50103", &format!("Request header {name} cannot be empty.")))
    };
    let key = header("ACCESS-KEY")?;
    let signature = header("ACCESS-SIGN")?;
    let timestamp = header("ACCESS-TIMESTAMP")?;
    if key != state.config.api_key {
        return Err(refused("50111", "Invalid ACCESS-KEY."));
    }
    let fresh = timestamp.parse().is_ok_and(|timestamp_ms| verify::is_fresh(state, timestamp_ms));
    if !fresh {
        return Err(refused("50102", "Timestamp request expired."));
    }
    let expected = verify::hmac_base64(
        &state.config.api_secret,
        &[
            timestamp.as_bytes(),
            request.method.as_bytes(),
            request.target.as_bytes(),
            &request.body,
        ],
    );
    if signature != expected {
        return Err(refused("50113", "Invalid signature."));
    }
    // A nonce makes a request unique; without one its signature has to.
    match request.header("ACCESS-NONCE") {
        Some(nonce) => {
            let increases = nonce.parse().is_ok_and(|nonce| state.nonce_increases(key, nonce));
            if !increases {
                return Err(refused("50114", "nonce not increasing"));
            }
        }
        None if !state.is_first_use(signature) => {
            return Err(refused("50115", "Replayed request."));
        }
        None => {}
    }
    Ok(())
}

fn refused(code: &str, msg: &str) -> Reply {
    Reply::json(401, &json!({ "code": code, "msg": msg }))
}
