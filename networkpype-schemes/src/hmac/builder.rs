use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use networkpype_auth::{HmacSigner, Part};
use networkpype_core::{AuthError, AuthErrorKind, Clock, Rejection, Secret, SystemClock};

use super::{
    DigestEncoding, Hmac, HmacAlgorithm, Login, Nonce, Placement, Recipe, SecretEncoding, Template,
    TimestampFormat, resync::Resync,
};

/// Says how [`Hmac`] signs. Made by [`Hmac::builder`].
///
/// What is placed goes in in the order in which it is said, behind the request's own parameters unless
/// [`Placement::first`] says otherwise; then the text is signed; the signature goes in last. See [`Recipe`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct HmacBuilder {
    key: Secret,
    secret: Secret,
    secret_encoding: SecretEncoding,
    passphrase: Option<Secret>,
    signs_passphrase: bool,
    algorithm: HmacAlgorithm,
    digest: DigestEncoding,
    request: Recipe,
    signs_handshakes: bool,
    message: Option<Recipe>,
    login: Option<Login>,
    clock: Arc<dyn Clock>,
    nonce: Nonce,
    resync: Resync,
}

/// The credentials, and how a signature is made with them.
impl HmacBuilder {
    pub(super) fn new(key: Secret, secret: Secret) -> Self {
        Self {
            key,
            secret,
            secret_encoding: SecretEncoding::default(),
            passphrase: None,
            signs_passphrase: false,
            algorithm: HmacAlgorithm::default(),
            digest: DigestEncoding::default(),
            request: Recipe::default(),
            signs_handshakes: false,
            message: None,
            login: None,
            clock: Arc::new(SystemClock),
            nonce: Nonce::millis(),
            resync: Resync::default(),
        }
    }

    /// What the secret's text stands for. Default: its own bytes.
    pub fn secret_encoding(mut self, encoding: SecretEncoding) -> Self {
        self.secret_encoding = encoding;
        self
    }

    /// The passphrase that some APIs give out beside key and secret. Say where it goes with
    /// [`passphrase_in`](Self::passphrase_in). Default: none.
    pub fn passphrase(mut self, passphrase: impl Into<Secret>) -> Self {
        self.passphrase = Some(passphrase.into());
        self
    }

    /// Uses the passphrase's signature instead of the passphrase itself, as KuCoin wants it. Default: itself.
    pub fn sign_passphrase(mut self) -> Self {
        self.signs_passphrase = true;
        self
    }

    /// The hash under the HMAC. Default: SHA-256.
    pub fn algorithm(mut self, algorithm: HmacAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// How the signature becomes text. Default: lower-case hexadecimal.
    pub fn digest(mut self, encoding: DigestEncoding) -> Self {
        self.digest = encoding;
        self
    }

    /// The clock that timestamps and nonces come from. Give it the one that is synchronized with the server. Default:
    /// the machine's own.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The nonces, to be shared with whatever else uses this key. Default: milliseconds of their own.
    pub fn nonce(mut self, nonce: Nonce) -> Self {
        self.nonce = nonce;
        self
    }
}

/// How REST requests are signed, and WebSocket handshakes where [`sign_handshakes`](Self::sign_handshakes) is said.
impl HmacBuilder {
    /// What is signed, in this order.
    pub fn sign(mut self, payload: impl Into<Template>) -> Self {
        self.request = self.request.sign(payload);
        self
    }

    /// Where the signature goes. May be said more than once.
    pub fn signature_in(mut self, at: Placement) -> Self {
        self.request = self.request.signature_in(at);
        self
    }

    /// Where the key goes.
    pub fn key_in(mut self, at: Placement) -> Self {
        self.request = self.request.key_in(at);
        self
    }

    /// Where the timestamp goes.
    pub fn timestamp_in(mut self, at: Placement) -> Self {
        self.request = self.request.timestamp_in(at);
        self
    }

    /// Where the nonce goes.
    pub fn nonce_in(mut self, at: Placement) -> Self {
        self.request = self.request.nonce_in(at);
        self
    }

    /// Where the passphrase goes.
    pub fn passphrase_in(mut self, at: Placement) -> Self {
        self.request = self.request.passphrase_in(at);
        self
    }

    /// Where a text goes that never changes, such as a receive window.
    pub fn literal_in(mut self, at: Placement, text: impl Into<Cow<'static, str>>) -> Self {
        self.request = self.request.literal_in(at, text);
        self
    }

    /// Where something of several parts goes, such as `Authorization: Bitso key:nonce:signature`.
    pub fn place(mut self, at: Placement, value: impl Into<Template>) -> Self {
        self.request = self.request.place(at, value);
        self
    }

    /// How the timestamp is written. Default: milliseconds.
    pub fn timestamp(mut self, format: TimestampFormat) -> Self {
        self.request = self.request.timestamp(format);
        self
    }

    /// Stamps with an instant that much ahead of the clock: for APIs that ask until when a request is valid.
    /// Default: now.
    pub fn expires_in(mut self, ahead: Duration) -> Self {
        self.request = self.request.expires_in(ahead);
        self
    }

    /// Sorts the query's and the form's parameters by name before they are signed and sent. Default: they stay in
    /// their order.
    pub fn sort_params(mut self) -> Self {
        self.request = self.request.sort_params();
        self
    }

    /// Signs WebSocket handshakes as the GET requests that they are. Default: a handshake that is to be authenticated
    /// is an error.
    pub fn sign_handshakes(mut self) -> Self {
        self.signs_handshakes = true;
        self
    }

    /// Has a rejected request signed again after the server's time was learnt anew, where `means_clock` says that the
    /// clock was the reason. It is asked about 4xx responses other than 408, 418 and 429. Default: never.
    pub fn resync_when(
        mut self,
        means_clock: impl Fn(&Rejection<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.resync.judges.push(Arc::new(means_clock));
        self
    }

    /// The same where the response is a JSON object whose outermost field `code` is this one, as a number or a string:
    /// `-1021` on Binance, `50102` on OKX.
    ///
    /// Only a response that rejects the request by its status is looked at: 4xx other than 408, 418 and 429. An API that
    /// answers 200 with an error inside does not recover by this.
    pub fn resync_on_code(self, code: impl Into<Cow<'static, str>>) -> Self {
        self.resync_on_field("code", code)
    }

    /// The same where the code is elsewhere in such a response: in the field of this name or, with a `/` before it, at
    /// this JSON pointer (RFC 6901), such as `/error/code`.
    pub fn resync_on_field(
        mut self,
        field: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.resync.fields.push((field.into(), value.into()));
        self
    }
}

/// How WebSocket messages and logins are signed.
impl HmacBuilder {
    /// How messages are signed that ask for authentication, with the same key, secret and algorithm. Default: such a
    /// message is an error.
    ///
    /// Messages are JSON objects; what is placed are their fields. See [`Recipe::within`] for objects inside, and
    /// [`Part::SortedFields`] for what Binance signs.
    pub fn ws_message(mut self, recipe: Recipe) -> Self {
        self.message = Some(recipe);
        self
    }

    /// The login message that is sent after each connect. Default: none.
    pub fn ws_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }
}

impl HmacBuilder {
    /// The scheme.
    ///
    /// # Errors
    /// When the secret is empty or does not decode, a key or passphrase is used and not given, or nothing could be
    /// signed in the way that was said: see [`Recipe::check_request`], [`Recipe::check_message`] and [`Login::check`].
    pub fn build(self) -> Result<Hmac, AuthError> {
        let only_websocket = self.message.is_some() || self.login.is_some();
        let request = if self.request.is_empty() && only_websocket && !self.signs_handshakes {
            None
        } else {
            self.request.check_request()?;
            Some(self.request)
        };
        if let Some(recipe) = request.as_ref().filter(|_| self.signs_handshakes) {
            recipe.check_handshake()?;
        }
        self.message.as_ref().map_or(Ok(()), Recipe::check_message)?;
        self.login.as_ref().map_or(Ok(()), Login::check)?;

        let uses = |part: &Part| {
            request.iter().chain(&self.message).any(|recipe| recipe.uses(part))
                || self.login.as_ref().is_some_and(|login| login.uses(part))
        };
        if self.key.is_empty() && uses(&Part::Key) {
            return Err(lacking("the API key is empty"));
        }
        if self.passphrase.as_ref().is_none_or(Secret::is_empty) && uses(&Part::Passphrase) {
            return Err(lacking(
                "the passphrase is to be sent and was not given: say it with `passphrase`",
            ));
        }
        if self.secret.is_empty() {
            return Err(lacking("the secret is empty"));
        }
        let secret = self.secret_encoding.decode(&self.secret)?;
        let signer = HmacSigner::new(self.algorithm, &secret);
        let passphrase = self.passphrase.map(|passphrase| {
            if self.signs_passphrase {
                signer.sign(passphrase.expose_bytes()).to_text(self.digest).into()
            } else {
                passphrase
            }
        });
        Ok(Hmac {
            signer,
            digest: self.digest,
            key: self.key,
            passphrase,
            request,
            signs_handshakes: self.signs_handshakes,
            message: self.message,
            login: self.login,
            clock: self.clock,
            nonce: self.nonce,
            resync: self.resync,
        })
    }
}

fn lacking(message: &'static str) -> AuthError {
    AuthError::new(AuthErrorKind::Credentials, message)
}

impl fmt::Debug for HmacBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HmacBuilder")
            .field("algorithm", &self.algorithm)
            .field("digest", &self.digest)
            .field("request", &self.request)
            .field("message", &self.message)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
