//! Makes the proof of each request, with the nonce that its server gave out last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use networkpype_core::{AuthError, Clock, Origin, RestRequest, Secret};

use super::{DpopClaims, DpopKey, nonces::Nonces};
use crate::{entropy::Entropy, oauth2::presentation::Server};

/// The header that carries a proof (section 4.1).
const PROOF: &str = "dpop";

/// The header that a server gives out a nonce in (section 8.1).
const NONCE: &str = "dpop-nonce";

/// The key with what proofs need beside it.
pub(in crate::oauth2) struct Prover {
    key: DpopKey,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    nonces: Mutex<Nonces>,
}

/// The nonce that a request was proved with.
#[derive(Clone)]
struct Proved(Option<String>);

impl Prover {
    pub(in crate::oauth2) fn new(
        key: DpopKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { key, clock, entropy, nonces: Mutex::default() }
    }

    /// Adds the proof of one attempt.
    pub(in crate::oauth2) fn prove(
        &self,
        server: Server,
        request: &mut RestRequest,
        token: Option<&Secret>,
    ) -> Result<(), AuthError> {
        // The URL as it is sent. Managers have filled it already.
        request.resolve(None)?;
        let mut claims = DpopClaims::of(request, self.clock.now())?;
        if let Some(token) = token {
            claims = claims.access_token(token);
        }
        let known = request.origin().and_then(|origin| self.nonce(server, origin));
        if let Some(nonce) = &known {
            claims = claims.nonce(nonce.clone());
        }
        let proof = Secret::from(self.key.proof_with(&claims, &*self.entropy)?);
        request.insert_sensitive_header(PROOF, proof.expose_bytes())?;
        request.extensions_mut().insert(Proved(known));
        Ok(())
    }

    /// Takes the nonce of a response, whatever its status.
    pub(in crate::oauth2) fn learn(&self, server: Server, sent: &RestRequest, headers: &HeaderMap) {
        let Some(origin) = sent.origin() else { return };
        let mut nonces = headers.get_all(NONCE).iter();
        // Two of them are none (section 8.1).
        if let (Some(nonce), None) = (nonces.next(), nonces.next()) {
            self.lock().learn(server, origin, nonce.as_bytes());
        }
    }

    /// Whether there is another nonce than the one that was refused: without one, the same refusal would come again.
    pub(in crate::oauth2) fn has_other_nonce(&self, server: Server, sent: &RestRequest) -> bool {
        let known = sent.origin().and_then(|origin| self.nonce(server, origin));
        let Some(Proved(refused)) = sent.extensions().get() else { return false };
        known.is_some() && known != *refused
    }

    pub(in crate::oauth2) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(in crate::oauth2) fn thumbprint(&self) -> String {
        self.key.thumbprint()
    }

    fn nonce(&self, server: Server, origin: &Origin) -> Option<String> {
        self.lock().get(server, origin).map(str::to_owned)
    }

    fn lock(&self) -> MutexGuard<'_, Nonces> {
        // No foreign code runs under it.
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
