//! A user name and a password that do not travel: Digest (RFC 7616).

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use networkpype_core::{AuthError, Secret};

use self::{
    answer::Answered,
    offer::{Demands, Protection},
    spaces::Spaces,
};

mod algorithm;
mod answer;
mod auth;
mod builder;
mod offer;
mod spaces;

pub use algorithm::DigestAlgorithm;
pub use builder::DigestBuilder;

pub use crate::{entropy::Entropy, password::PasswordProvider};

/// Proves with each request and WebSocket handshake that it knows a password, without sending it.
///
/// ```
/// use networkpype_schemes::digest::{Digest, DigestAlgorithm};
///
/// let auth = Digest::new("Mufasa", "Circle of Life")?;
/// let strict = Digest::builder("Mufasa", "Circle of Life")
///     .min_algorithm(DigestAlgorithm::Sha256)
///     .prefer_integrity()
///     .build()?;
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
///
/// # What is sent
///
/// The server asks first. So the first request to an origin goes out **without** `Authorization`, whole and with its
/// body; the server refuses it with 401 and a challenge, and the manager sends it once more with the answer. From then
/// on requests carry the answer from the start, each with the next count of the same nonce. Where a body is long or
/// may not be sent to whoever has not asked for a password yet, make a small request first. A server that answers the
/// first request without asking has been sent no proof: what is public there is served as such.
///
/// - A nonce that the server calls stale is replaced by the one it sends along, and the request is sent once more.
///   `nextnonce` replaces one ahead of that. Of many requests at once that need a nonce, each goes on with the one it was
///   sent, since the server may let each in but once. Where another request is faster with it, it is sent a third time.
///   A nonce that is offered again counts on, as far as the last 16 of an origin go.
/// - A refusal without `stale` says that the user name or the password is wrong. It is the answer; nothing is tried
///   again.
/// - Of several challenges the strongest is answered, in the order of [`DigestAlgorithm`]; of equally strong ones the
///   first. `Basic` is never answered with this password.
/// - With `auth-int` the body is hashed. One that is streamed cannot be, so it is sent with `auth` where the server
///   offers both, and is an error where it does not, or where `auth-int` is required.
/// - A server that proves in `Authentication-Info` that it knows the password too is checked: a proof that is wrong is
///   an error of kind [`Verification`](networkpype_core::AuthErrorKind::Verification), and its response is not handed
///   out, unless [`danger_ignore_rspauth`](DigestBuilder::danger_ignore_rspauth) says otherwise. One that sends no proof
///   is believed, as most send none.
/// - A challenge that cannot be answered is an error of kind
///   [`Unsupported`](networkpype_core::AuthErrorKind::Unsupported) that says what the server offers.
/// - User names, passwords and what they are hashed with are UTF-8. Where the server says `charset=UTF-8`, a name that
///   is not
///   ASCII goes into `username*`; elsewhere as it is, since older servers know no other way.
///
/// Answers stay with the origin that asked, whatever else `domain` lists, and a challenge of a proxy (407) is not for
/// this scheme: a proxy's password belongs into the proxy's options. Clones count together; so give one user's
/// requests to one server the same scheme. A WebSocket's messages cannot be signed by it.
#[derive(Clone)]
pub struct Digest(Arc<Shared>);

struct Shared {
    settings: Settings,
    spaces: Mutex<Spaces>,
}

struct Settings {
    credentials: Credentials,
    demands: Demands,
    prefers_integrity: bool,
    ignores_rspauth: bool,
    entropy: Arc<dyn Entropy>,
}

enum Credentials {
    Fixed(String, Secret),
    Provided(Arc<dyn PasswordProvider>),
}

/// What a request was signed with.
#[derive(Clone)]
struct Note {
    /// How much was learnt of servers by then.
    learnt: u64,
    /// `None` where it went out without an answer.
    answered: Option<Arc<Answered>>,
}

impl Digest {
    /// This user name and this password.
    ///
    /// # Errors
    /// As [`DigestBuilder::build`].
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Result<Self, AuthError> {
        Self::builder(user, password).build()
    }

    /// The same with options.
    pub fn builder(user: impl Into<String>, password: impl Into<Secret>) -> DigestBuilder {
        DigestBuilder::new(Credentials::Fixed(user.into(), password.into()))
    }

    /// User name and password from elsewhere, asked for with each answer.
    pub fn builder_from_provider(provider: impl PasswordProvider + 'static) -> DigestBuilder {
        DigestBuilder::new(Credentials::Provided(Arc::new(provider)))
    }

    fn spaces(&self) -> MutexGuard<'_, Spaces> {
        self.0.spaces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    /// What of them may be seen.
    fn show(&self, mut shown: fmt::DebugStruct<'_, '_>) -> fmt::Result {
        shown
            .field("min_algorithm", &self.demands.weakest)
            .field("require_qop", &(self.demands.protection >= Protection::Qop))
            .field("require_integrity", &(self.demands.protection == Protection::Integrity))
            .field("prefer_integrity", &self.prefers_integrity)
            .field("danger_ignore_rspauth", &self.ignores_rspauth)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.settings.show(f.debug_struct("Digest"))
    }
}
