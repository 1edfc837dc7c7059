//! Are user name and password right (RFC 7617)?

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::record::Recorded;
use crate::state::State;
use crate::wire::Reply;

pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    match &state.config.basic {
        Some(wanted) if credentials(request).as_ref() == Some(wanted) => {
            Reply::json(200, &json!({ "ok": true, "user": wanted.0 }))
        }
        Some(_) => Reply::error(401, -2015, "Wrong user name or password.")
            .header("WWW-Authenticate", "Basic realm=\"exchange\", charset=\"UTF-8\""),
        None => Reply::error(403, -2015, "Nobody may enter."),
    }
}

/// What a request says. The user name ends at the first colon.
pub(super) fn credentials(request: &Recorded) -> Option<(String, String)> {
    let decoded = STANDARD.decode(request.authorization("Basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}
