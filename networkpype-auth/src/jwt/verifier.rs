use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::{AuthError, AuthErrorKind, Clock, SystemClock};

use super::{
    JwtError, JwtErrorKind, JwtKey, VerifiedJws, VerifiedJwt,
    claims::Rules,
    compact::{Compact, Header, decoded},
    members::Members,
};

/// Verifies JSON Web Tokens (RFC 7519) of others: ID tokens, webhooks that arrive as tokens, tokens of one's own services.
///
/// What it takes is decided by its keys, each of which is bound to one algorithm. A token's header chooses among them and
/// can bring none along: `jwk`, `jku`, `x5c` and `x5u` are not looked at. `none` is no algorithm here.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use networkpype_auth::{JwtAlgorithm, JwtErrorKind, JwtKey, JwtVerifier};
/// use networkpype_core::{ManualClock, Timestamp};
///
/// let verifier = JwtVerifier::builder()
///     .key(JwtKey::with_secret(JwtAlgorithm::Hs256, &"my-secret".into())?)
///     .require("sub")
///     // The system's clock, outside of examples.
///     .clock(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)))
///     .build()?;
///
/// let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImtleS0xIn0.\
///              eyJzdWIiOiJjbGllbnQtMSIsImV4cCI6MTcwMDAwMDA2MH0.\
///              azin0yt0_HOODWAyYqKpZwkRR4let-_kLXhiu3ch9Pw";
/// let verified = verifier.verify(token)?;
/// assert_eq!(verified.claims::<BTreeMap<String, serde_json::Value>>()?["sub"], "client-1");
///
/// let forged = token.replace("eyJzdWIi", "eyJzdWJi");
/// assert_eq!(verifier.verify(&forged).unwrap_err().kind(), JwtErrorKind::InvalidSignature);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JwtVerifier {
    keys: Arc<[JwtKey]>,
    rules: Rules,
    token_type: Option<String>,
    max_length: usize,
    clock: Arc<dyn Clock>,
}

/// Says what a [`JwtVerifier`] takes.
#[must_use = "a builder does nothing until `build` is called"]
pub struct JwtVerifierBuilder {
    keys: Vec<JwtKey>,
    rules: Rules,
    token_type: Option<String>,
    max_length: usize,
    clock: Arc<dyn Clock>,
}

impl JwtVerifier {
    /// A verifier that takes nothing yet.
    pub fn builder() -> JwtVerifierBuilder {
        JwtVerifierBuilder {
            keys: Vec::new(),
            rules: Rules::default(),
            token_type: None,
            max_length: 64 * 1024,
            clock: Arc::new(SystemClock),
        }
    }

    /// The same verifier with other keys, for an issuer that changed its own.
    ///
    /// # Errors
    /// When there are none.
    pub fn with_keys(&self, keys: impl IntoIterator<Item = JwtKey>) -> Result<Self, AuthError> {
        Ok(Self { keys: some(keys.into_iter().collect())?, ..self.clone() })
    }

    /// Verifies a token: its form, its signature, and what the builder says of its claims.
    ///
    /// # Errors
    /// When it is not to be taken; see [`JwtErrorKind`].
    pub fn verify(&self, token: &str) -> Result<VerifiedJwt, JwtError> {
        let VerifiedJws { header, payload } = self.verify_signature(token)?;
        if !header.payload_is_encoded {
            // RFC 7797, section 7.
            return Err(JwtError::new(
                JwtErrorKind::CriticalHeader,
                "the claims of a token are encoded, and its b64 says that they are not",
            ));
        }
        let claims = Members::parse(&payload).ok_or_else(|| {
            JwtError::malformed("its claims are not a JSON object with each name once")
        })?;
        self.rules.check(&claims, self.clock.now())?;
        Ok(VerifiedJwt(VerifiedJws { header, payload: payload.into_owned().into() }))
    }

    /// Verifies the signature of any compact JSON Web Signature (RFC 7515), whose payload need not be claims. Nothing in the
    /// payload is looked at, `exp` no more than the rest.
    ///
    /// # Errors
    /// When it is malformed, or the signature does not verify; see [`JwtErrorKind`].
    pub fn verify_signature<'p>(&self, jws: &'p str) -> Result<VerifiedJws<'p>, JwtError> {
        let (header, compact) = self.opened(jws)?;
        self.check_signature(&header, &compact, compact.payload.as_bytes())?;
        let payload = match header.payload_is_encoded {
            true => {
                Cow::from(decoded(compact.payload, "its payload is not base64url without padding")?)
            }
            false => Cow::from(compact.payload.as_bytes()),
        };
        Ok(VerifiedJws { header, payload })
    }

    /// Verifies a signature whose payload travels elsewhere, such as the body of a webhook (RFC 7515, appendix F): `jws` has
    /// nothing between its two dots. The payload may be signed unencoded (`b64`, RFC 7797).
    ///
    /// # Errors
    /// As [`verify_signature`](Self::verify_signature), and when `jws` holds a payload of its own.
    pub fn verify_detached<'p>(
        &self,
        jws: &str,
        payload: &'p [u8],
    ) -> Result<VerifiedJws<'p>, JwtError> {
        let (header, compact) = self.opened(jws)?;
        if !compact.payload.is_empty() {
            return Err(JwtError::malformed("it holds a payload of its own"));
        }
        match header.payload_is_encoded {
            true => {
                let encoded = URL_SAFE_NO_PAD.encode(payload);
                self.check_signature(&header, &compact, encoded.as_bytes())?;
            }
            false => self.check_signature(&header, &compact, payload)?,
        }
        Ok(VerifiedJws { header, payload: payload.into() })
    }

    fn opened<'t>(&self, jws: &'t str) -> Result<(Header, Compact<'t>), JwtError> {
        if jws.len() > self.max_length {
            return Err(JwtError::new(JwtErrorKind::TooLong, "it is longer than tokens may be"));
        }
        let compact = Compact::parse(jws)?;
        let header = Header::parse(compact.header)?;
        if let Some(wanted) = &self.token_type
            && !header.typ.as_deref().is_some_and(|typ| same_type(typ, wanted))
        {
            return Err(JwtError::new(JwtErrorKind::WrongType, "it is a token of another type"));
        }
        Ok((header, compact))
    }

    fn check_signature(
        &self,
        header: &Header,
        compact: &Compact<'_>,
        payload: &[u8],
    ) -> Result<(), JwtError> {
        let mut of_algorithm =
            self.keys.iter().filter(|key| key.algorithm() == header.algorithm).peekable();
        if of_algorithm.peek().is_none() {
            let message = "it is signed with an algorithm that is not accepted";
            return Err(JwtError::new(JwtErrorKind::AlgorithmNotAccepted, message));
        }
        let mut named =
            of_algorithm.filter(|key| key.is_named(header.key_id.as_deref())).peekable();
        if named.peek().is_none() {
            let message = "it names a key that is not known";
            return Err(JwtError::new(JwtErrorKind::UnknownKey, message));
        }
        let signed = compact.signed(payload);
        if named.any(|key| key.verifies(&signed, &compact.signature)) {
            return Ok(());
        }
        Err(JwtError::new(JwtErrorKind::InvalidSignature, "its signature does not verify"))
    }
}

impl JwtVerifierBuilder {
    /// Takes tokens that are signed with this key. May be said more than once.
    pub fn key(mut self, key: JwtKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Takes tokens that are signed with any of these, such as [`JwtKey::from_set`] reads.
    pub fn keys(mut self, keys: impl IntoIterator<Item = JwtKey>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Who has to have issued a token (`iss`), compared letter by letter; one of them where it is said more than once.
    /// Default: anybody who has a key.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.rules.issuers.push(issuer.into());
        self
    }

    /// Whom a token has to be meant for (`aud`): your client id or URL; one of them where it is said more than once. Default:
    /// only tokens that say nothing of it are taken.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.rules.audiences.push(audience.into());
        self
    }

    /// Takes tokens that are meant for somebody else too. They can be sent on by whoever they were given to. It contradicts
    /// [`audience`](Self::audience).
    pub fn any_audience(mut self) -> Self {
        self.rules.any_audience = true;
        self
    }

    /// What a token has to be by the `typ` in its header, such as `at+jwt` (RFC 9068), so that no token of another purpose
    /// is taken for it (RFC 8725, section 3.11). Default: it is not looked at.
    pub fn token_type(mut self, token_type: impl Into<String>) -> Self {
        self.token_type = Some(token_type.into());
        self
    }

    /// A claim that has to be there and not `null`. May be said more than once.
    pub fn require(mut self, claim: impl Into<String>) -> Self {
        self.rules.required.push(claim.into());
        self
    }

    /// Takes tokens without `exp`, which never end. Those that have it end all the same. Default: it is required.
    pub fn expiry_optional(mut self) -> Self {
        self.rules.must_expire = false;
        self
    }

    /// How long ago a token may have been issued (`iat`, which is required then), whatever its `exp` says. For webhooks, that
    /// nobody sends an old one again. Default: any time.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.rules.max_age = Some(age);
        self
    }

    /// By how much the issuer's clock may differ, for `exp`, `nbf` and `iat`. Default: one minute.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// The longest token that is looked at, in bytes. Default: 64 KiB.
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    /// The clock that tokens end by. Default: the machine's own.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The verifier.
    ///
    /// # Errors
    /// When it has no key, or both an [`audience`](Self::audience) and [`any_audience`](Self::any_audience).
    pub fn build(self) -> Result<JwtVerifier, AuthError> {
        let Self { keys, rules, token_type, max_length, clock } = self;
        if rules.any_audience && !rules.audiences.is_empty() {
            let message = "`audience` and `any_audience` contradict each other: say one of them";
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
        Ok(JwtVerifier { keys: some(keys)?, rules, token_type, max_length, clock })
    }
}

fn some(keys: Vec<JwtKey>) -> Result<Arc<[JwtKey]>, AuthError> {
    if keys.is_empty() {
        let message = "a verifier without a key takes no token: give it one with `key` or `keys`";
        return Err(AuthError::new(AuthErrorKind::Configuration, message));
    }
    Ok(keys.into())
}

/// RFC 7515, section 4.1.9: `application/` may be left out, and case does not matter in media types.
fn same_type(one: &str, other: &str) -> bool {
    fn short(name: &str) -> &str {
        match name.split_at_checked(12) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => name,
        }
    }
    short(one).eq_ignore_ascii_case(short(other))
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifier").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl fmt::Debug for JwtVerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtVerifierBuilder").field("keys", &self.keys).finish_non_exhaustive()
    }
}
