//! Tokens that are bound to a key, and proofs that who sends one has it (RFC 9449).

mod claims;
mod nonces;
mod prover;

use std::fmt;

use networkpype_auth::{JwtAlgorithm, JwtSigner, PublicJwk, SignatureAlgorithm, SigningKey};
use networkpype_core::AuthError;
use serde_json::json;

use crate::entropy::{Entropy, SystemEntropy};

pub use claims::DpopClaims;
pub(super) use prover::Prover;

/// The key that tokens are bound to (RFC 9449): a token that is stolen without it is worth nothing.
///
/// Give it to [`OAuth2Builder::dpop`](super::OAuth2Builder::dpop). One key is kept for as long as the tokens that are bound
/// to it, of which a refresh token may live for months: a program that keeps tokens in a file keeps its key as well.
///
/// ```
/// use networkpype_schemes::oauth2::{DpopKey, JwtAlgorithm, KeyEncoding, SignatureAlgorithm, SigningKey};
///
/// // For as long as the program runs.
/// let fresh = DpopKey::generate()?;
///
/// // For longer: kept where nobody else may look.
/// let kept = SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256)?.to_pkcs8()?;
/// let key = SigningKey::new(SignatureAlgorithm::EcdsaP256Sha256, &kept, KeyEncoding::Der)?;
/// let key = DpopKey::new(JwtAlgorithm::Es256, key)?;
/// # let _ = (fresh, key);
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone)]
pub struct DpopKey {
    signer: JwtSigner,
    public: PublicJwk,
    /// Of every proof.
    header: String,
}

impl DpopKey {
    /// A new key for ES256, which every server that knows proofs takes. It is gone with the program.
    ///
    /// So it is for tokens that are gone with it too, as those of the default store are. In a store that outlives the program,
    /// such as [`FileTokenStore`](super::token::FileTokenStore), each run would leave an entry behind with a refresh token that is
    /// still good and that no other run can use: keep a key of [`SigningKey::generate`] there beside it.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, AuthError> {
        Self::new(JwtAlgorithm::Es256, SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256)?)
    }

    /// This key, which signs with this algorithm.
    ///
    /// # Errors
    /// When the key was read for another algorithm, or `algorithm` signs with a shared secret.
    pub fn new(algorithm: JwtAlgorithm, key: SigningKey) -> Result<Self, AuthError> {
        let public = key.public_jwk();
        let header = algorithm.header([("typ", json!("dpop+jwt")), ("jwk", json!(public))])?;
        Ok(Self { signer: JwtSigner::with_key(algorithm, key)?, public, header })
    }

    /// What servers know the key by (RFC 7638): the `jkt` that a token is bound to.
    pub fn thumbprint(&self) -> String {
        self.public.thumbprint()
    }

    /// The key's public half, which stands in the header of every proof.
    pub fn public_jwk(&self) -> &PublicJwk {
        &self.public
    }

    /// The proof that says this (section 4.2): the value of the header `DPoP`. The scheme makes its own; this is for what
    /// is sent by other means.
    ///
    /// # Errors
    /// When the system gives no random bytes, or the library fails, for want of memory.
    pub fn proof(&self, claims: &DpopClaims) -> Result<String, AuthError> {
        self.proof_with(claims, &SystemEntropy)
    }

    fn proof_with(&self, claims: &DpopClaims, entropy: &dyn Entropy) -> Result<String, AuthError> {
        self.signer.sign(&self.header, &claims.to_json(entropy)?)
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopKey")
            .field("algorithm", &self.signer.algorithm())
            .finish_non_exhaustive()
    }
}
