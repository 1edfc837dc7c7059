//! Is this signature right, and is it fresh? Written without a look at the client's side.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::state::State;

/// How far ahead of the exchange's clock a timestamp may be.
const MAX_AHEAD_MS: i64 = 1000;

pub(crate) fn hmac_hex(secret: &str, parts: &[&[u8]]) -> String {
    const_hex::encode(hmac(secret, parts))
}

pub(crate) fn hmac_base64(secret: &str, parts: &[&[u8]]) -> String {
    STANDARD.encode(hmac(secret, parts))
}

/// Whether a timestamp in milliseconds lies in the receive window.
pub(crate) fn is_fresh(state: &State, timestamp_ms: i64) -> bool {
    let window_ms = i64::try_from(state.config.receive_window.as_millis()).unwrap_or(i64::MAX);
    let age = state.clock.now_ms().saturating_sub(timestamp_ms);
    (-MAX_AHEAD_MS..=window_ms).contains(&age)
}

fn hmac(secret: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4231_case_2_verifies() {
        assert_eq!(
            hmac_base64("Jefe", &[b"what do ya want ", b"for nothing?"]),
            STANDARD.encode(
                const_hex::const_decode_to_array::<32>(
                    b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
                )
                .unwrap()
            )
        );
    }
}
