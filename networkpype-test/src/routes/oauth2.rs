//! Who gets a token, and is this one good?

use serde_json::json;

use super::basic;
use crate::dpop::{About, Wrong};
use crate::issuer::Refused;
use crate::params;
use crate::record::Recorded;
use crate::state::State;
use crate::wire::Reply;

/// The token endpoint: RFC 6749, section 4.4.
pub(super) fn issue(state: &State, request: &Recorded) -> Reply {
    let Some(issuer) = &state.config.issuer else { return super::not_found() };
    let form = std::str::from_utf8(&request.body).unwrap_or_default();
    if request.method != "POST" || request.path() != "/oauth2/token" {
        return super::not_found();
    }
    // Both were encoded like a form before they were put together (section 2.3.1).
    let client = basic::credentials(request)
        .map(|(client, secret)| (params::decode(&client), params::decode(&secret)));
    if client != Some((issuer.client.clone(), issuer.secret.clone())) {
        return refused(401, "invalid_client").header("WWW-Authenticate", "Basic realm=\"issuer\"");
    }
    if params::value(form, "grant_type").as_deref() != Some("client_credentials") {
        return refused(400, "unsupported_grant_type");
    }
    match issuer.issue(&about(state, request, None)) {
        Ok((token, is_bound)) => {
            let kind = if is_bound { "DPoP" } else { "Bearer" };
            let life = issuer.life.as_secs();
            let body = json!({ "access_token": token, "token_type": kind, "expires_in": life });
            Reply::json(200, &body).header("Cache-Control", "no-store")
        }
        Err(Wrong::Nonce(nonce)) => refused(400, "use_dpop_nonce").header("DPoP-Nonce", nonce),
        Err(Wrong::Invalid(_)) => refused(400, "invalid_dpop_proof"),
    }
}

/// The API that takes tokens: RFC 6750, and RFC 9449, section 7.
pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    let Some(issuer) = &state.config.issuer else {
        return Reply::error(403, -2015, "Nobody may enter.");
    };
    let (scheme, taken) = match (request.authorization("Bearer"), request.authorization("DPoP")) {
        (Some(token), _) => ("Bearer", issuer.take_bearer(token, state.clock.now_ms())),
        (_, Some(token)) => {
            ("DPoP algs=\"ES256\",", issuer.take_bound(token, &about(state, request, Some(token))))
        }
        (None, None) => {
            return Reply::error(401, -2015, "No token.")
                .header("WWW-Authenticate", "Bearer")
                .header("WWW-Authenticate", "DPoP algs=\"ES256\"");
        }
    };
    let (error, why, nonce) = match taken {
        Ok(()) => return Reply::json(200, &json!({ "ok": true })),
        Err(Refused::Token) => ("invalid_token", "The token is not good.", None),
        Err(Refused::Proof(Wrong::Invalid(why))) => ("invalid_dpop_proof", why, None),
        Err(Refused::Proof(Wrong::Nonce(nonce))) => {
            ("use_dpop_nonce", "A nonce, please.", Some(nonce))
        }
    };
    let challenge = format!("{scheme} error=\"{error}\"");
    let reply = Reply::error(401, -2015, why).header("WWW-Authenticate", challenge);
    nonce.into_iter().fold(reply, |reply, nonce| reply.header("DPoP-Nonce", nonce))
}

fn about<'r>(state: &State, request: &'r Recorded, token: Option<&'r str>) -> About<'r> {
    About { request, is_tls: state.config.is_tls, now_ms: state.clock.now_ms(), token }
}

/// The form of RFC 6749, section 5.2.
fn refused(status: u16, error: &str) -> Reply {
    Reply::json(status, &json!({ "error": error })).header("Cache-Control", "no-store")
}
