//! What does a proof say (RFC 9449, section 4.2)?

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use networkpype_auth::{DigestEncoding, HashAlgorithm};
use networkpype_core::{AuthError, Origin, RestRequest, Secret, Timestamp};
use serde::Serialize;

use crate::{entropy::Entropy, oauth2::error::unusable};

/// What one proof says: for which request it is, when it was made, and which token goes with it.
///
/// ```
/// use http::Method;
/// use networkpype_core::{Clock, SystemClock};
/// use networkpype_schemes::oauth2::{DpopClaims, DpopKey};
///
/// let key = DpopKey::generate()?;
/// let claims = DpopClaims::new(&Method::GET, "https://api.example.com/orders?open=1", SystemClock.now())?
///     .access_token(&"my-token".into())
///     .nonce("what-the-server-gave-out");
/// let proof = key.proof(&claims)?;
/// # let _ = proof;
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
#[must_use = "claims do nothing until a key signs them"]
pub struct DpopClaims {
    method: Method,
    htu: String,
    /// Drawn for each proof where it was not given.
    jti: Option<String>,
    issued_at: i64,
    /// The hash of the token.
    ath: Option<String>,
    nonce: Option<String>,
}

impl DpopClaims {
    /// For a request with this method to this URL, of which query and fragment are left out. A WebSocket's handshake is a
    /// GET to an `https` URL.
    ///
    /// # Errors
    /// When `url` is not absolute, or cannot be sent.
    pub fn new(method: &Method, url: &str, issued_at: Timestamp) -> Result<Self, AuthError> {
        let htu = url.split(['?', '#']).next().unwrap_or_default();
        let request = RestRequest::get(htu);
        let is_web = htu.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        if request.problem().is_some() || request.origin().is_none() || !is_web {
            return Err(unusable("a proof is for an absolute URL, of `http` or `https`"));
        }
        Ok(Self::of_htu(method, htu.to_owned(), issued_at))
    }

    /// Of a request as it will be sent.
    pub(super) fn of(request: &RestRequest, issued_at: Timestamp) -> Result<Self, AuthError> {
        let origin = request.origin().ok_or_else(|| unusable("the request has no origin"))?;
        Ok(Self::of_htu(request.method(), htu(origin, request.path()), issued_at))
    }

    fn of_htu(method: &Method, htu: String, issued_at: Timestamp) -> Self {
        let issued_at = issued_at.as_secs();
        Self { method: method.clone(), htu, jti: None, issued_at, ath: None, nonce: None }
    }

    /// What the proof is called: at least 96 random bits, never used twice. Default: 128 bits of the operating system's,
    /// anew for each proof.
    pub fn jti(mut self, jti: impl Into<String>) -> Self {
        self.jti = Some(jti.into());
        self
    }

    /// Binds the proof to this token: its hash becomes the claim `ath`. For requests to APIs; requests for tokens have none.
    pub fn access_token(mut self, token: &Secret) -> Self {
        let digest = HashAlgorithm::Sha256.digest(token.expose_bytes());
        self.ath = Some(digest.to_text(DigestEncoding::Base64Url));
        self
    }

    /// The nonce that the server gave out last, in the header `DPoP-Nonce`.
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.nonce = Some(nonce.into());
        self
    }

    /// The claims as they are signed, with a name from `entropy` where they have none.
    pub(super) fn to_json(&self, entropy: &dyn Entropy) -> Result<String, AuthError> {
        #[derive(Serialize)]
        struct Claims<'c> {
            jti: &'c str,
            htm: &'c str,
            htu: &'c str,
            iat: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            ath: Option<&'c str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            nonce: Option<&'c str>,
        }
        let jti = match &self.jti {
            Some(jti) => jti.clone(),
            None => URL_SAFE_NO_PAD.encode(entropy.bytes()?),
        };
        let claims = Claims {
            jti: &jti,
            htm: self.method.as_str(),
            htu: &self.htu,
            iat: self.issued_at,
            ath: self.ath.as_deref(),
            nonce: self.nonce.as_deref(),
        };
        serde_json::to_string(&claims).map_err(|_| unusable("the claims of the proof have no JSON"))
    }
}

impl fmt::Debug for DpopClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopClaims")
            .field("method", &self.method)
            .field("has_token", &self.ath.is_some())
            .field("has_nonce", &self.nonce.is_some())
            .finish_non_exhaustive()
    }
}

/// The URL without query and fragment: what the server puts together of the request that it receives.
fn htu(origin: &Origin, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let path = if path.is_empty() { "/" } else { path };
    format!("{origin}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn claims(method: &str, url: &str) -> String {
        let mut request = RestRequest::new(method.parse().expect("a method"), url);
        request.resolve(None).expect("a URL");
        let claims = DpopClaims::of(&request, Timestamp::from_millis(1_999)).expect("claims");
        claims.jti("j").to_json(&SystemEntropy).expect("claims")
    }

    #[test]
    fn the_url_of_a_proof_is_that_of_the_request_without_its_query() {
        for (url, htu) in [
            ("https://API.example.com:443/a/b?c=d", "https://api.example.com/a/b"),
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com?x=1", "https://api.example.com/"),
            ("http://127.0.0.1:8080/%2F//x/../y", "http://127.0.0.1:8080/%2F//x/../y"),
            ("wss://ws.example.com/stream?token=x", "https://ws.example.com/stream"),
            ("ws://localhost/stream", "http://localhost/stream"),
        ] {
            let expected = format!(r#"{{"jti":"j","htm":"PATCH","htu":"{htu}","iat":1}}"#);
            assert_eq!(claims("PATCH", url), expected);
        }
    }

    #[test]
    fn a_token_is_bound_by_its_hash_and_a_nonce_goes_in_as_it_came() {
        let claims = DpopClaims::new(&Method::GET, "https://a/b?c#d", Timestamp::from_secs(7));
        let claims = claims.expect("claims").jti("j");
        let claims = claims.access_token(&"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU".into());
        let json = claims.nonce("n\"1").to_json(&SystemEntropy).expect("claims");
        let expected = r#"{"jti":"j","htm":"GET","htu":"https://a/b","iat":7,"ath":"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo","nonce":"n\"1"}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn a_proof_is_for_a_url_and_has_a_name_of_its_own() {
        let at = Timestamp::from_secs(7);
        for url in ["", "/orders", "h/orders", "wss://h/", "https://", "https://h/a b"] {
            assert!(DpopClaims::new(&Method::GET, url, at).is_err(), "{url}");
        }
        let claims = DpopClaims::new(&Method::GET, "https://h", at).expect("claims");
        let json = || claims.to_json(&SystemEntropy).expect("claims");
        assert_ne!(json(), json());
    }
}
