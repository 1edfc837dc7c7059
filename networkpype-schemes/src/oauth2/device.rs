//! A login on another device (RFC 8628): what is shown, and how long is it waited for?

use std::{fmt, time::Duration};

use networkpype_auth::token::TokenError;
use networkpype_core::{RestResponse, Secret};
use oauth2::StandardDeviceAuthorizationResponse;
use serde::Deserialize;
use serde_json::json as object;

use super::{error::malformed, requests::json, response::seconds};

/// As long as an issuer does not say (section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);

/// An issuer that says none lets no device wait for ever.
const LIFE: Duration = Duration::from_secs(600);

/// The longest that is believed, so that nothing overflows.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What to show to a person: where to log in on another device, and what to type there.
#[derive(Clone)]
pub struct DevicePrompt {
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Duration,
}

impl DevicePrompt {
    /// What to type.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where to type it.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// The same with the code in it, for a QR code.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.verification_uri_complete.as_deref()
    }

    /// How long the code is good for.
    pub fn expires_in(&self) -> Duration {
        self.expires_in
    }
}

/// A login that was begun.
pub(super) struct Begun {
    pub(super) prompt: DevicePrompt,
    /// The same as the library's state machine reads it.
    pub(super) details: StandardDeviceAuthorizationResponse,
    pub(super) interval: Duration,
}

#[derive(Deserialize)]
struct Answer {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(alias = "verification_url_complete")]
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<Duration>,
}

impl Begun {
    /// What the issuer says, in whatever way it writes numbers.
    pub(super) fn read(response: &RestResponse) -> Result<Self, TokenError> {
        let answer: Answer = json(response)?;
        // No interval at all would be asked without a pause.
        let interval = answer.interval.filter(|it| !it.is_zero()).unwrap_or(INTERVAL).min(LONGEST);
        let expires_in = answer.expires_in.filter(|it| !it.is_zero()).unwrap_or(LIFE).min(LONGEST);
        let device_code = Secret::from(answer.device_code);
        let details = serde_json::from_value(object!({
            "device_code": device_code.expose_str(),
            "user_code": answer.user_code,
            "verification_uri": answer.verification_uri,
            "expires_in": expires_in.as_secs(),
            "interval": interval.as_secs(),
        }))
        .map_err(|_| malformed("the issuer's answer begins no login on another device"))?;
        let prompt = DevicePrompt {
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            expires_in,
        };
        Ok(Self { prompt, details, interval })
    }
}

impl fmt::Debug for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevicePrompt").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
