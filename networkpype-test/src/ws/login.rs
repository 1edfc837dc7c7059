//! May this WebSocket client see private channels?

use serde_json::Value;

use crate::state::State;
use crate::verify;

/// What the signature covers after the timestamp.
const SIGNED: &[u8] = b"GET/users/self/verify";

/// Timestamps below this are seconds: as milliseconds they would lie in 1973.
const SMALLEST_MS: i64 = 100_000_000_000;

/// The error code and text of a refusal.
pub(super) type Refusal = (&'static str, &'static str);

pub(super) fn check(state: &State, login: &Value) -> Result<(), Refusal> {
    let text = |name: &str| login[name].as_str().unwrap_or_default();
    let (key, timestamp, sign) = (text("key"), text("timestamp"), text("sign"));
    let stamp: i64 = timestamp.parse().map_err(|_| ("60004", "Invalid timestamp."))?;
    let stamp_ms = if stamp < SMALLEST_MS { stamp.saturating_mul(1000) } else { stamp };
    if !verify::is_fresh(state, stamp_ms) {
        return Err(("60006", "Timestamp request expired."));
    }
    let expected = verify::hmac_base64(&state.config.api_secret, &[timestamp.as_bytes(), SIGNED]);
    if key != state.config.api_key || sign != expected {
        return Err(("60009", "Login failed."));
    }
    Ok(())
}
