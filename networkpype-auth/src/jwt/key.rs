use std::fmt;

use networkpype_core::{AuthError, Secret};
use serde_json::value::RawValue;

use super::JwtAlgorithm;
use crate::{
    HmacSigner, PublicJwk, VerifyingKey,
    signing_key::{Jwk, refused},
};

/// A key that a [`JwtVerifier`](super::JwtVerifier) takes tokens of, bound to one algorithm: what a token's header says
/// cannot have it used with another.
#[derive(Clone)]
pub struct JwtKey {
    algorithm: JwtAlgorithm,
    id: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hmac(Box<HmacSigner>),
    Public(Box<VerifyingKey>),
}

impl JwtKey {
    /// A shared secret, for HS256, HS384 or HS512. Whoever has it can make tokens too.
    /// RFC 7518 wants one at least as long as the digest; shorter ones are taken, since it is the API that chooses them.
    ///
    /// # Errors
    /// When `algorithm` is not one of these three; when `secret` is empty, or is a key or a certificate in PEM, or a JSON Web
    /// Key or a set of them: a public one is no secret.
    pub fn with_secret(algorithm: JwtAlgorithm, secret: &Secret) -> Result<Self, AuthError> {
        let Some(hmac) = algorithm.hmac_algorithm() else {
            return Err(refused(format!(
                "{} verifies with a public key, and this is a shared secret",
                algorithm.as_str()
            )));
        };
        if secret.is_empty() {
            return Err(refused("the secret is empty"));
        }
        if secret.expose_bytes().windows(11).any(|window| window == b"-----BEGIN ") {
            return Err(refused("this is a key in PEM, and a shared secret is needed"));
        }
        if Jwk::parse(secret.expose_bytes()).is_ok_and(|jwk| jwk.has("kty") || jwk.has("keys")) {
            return Err(refused(
                "this is a JSON Web Key or a set of them, and a shared secret is needed: `from_jwk` and `from_set` read them",
            ));
        }
        let signer = Box::new(HmacSigner::new(hmac, secret));
        Ok(Self { algorithm, id: None, material: Material::Hmac(signer) })
    }

    /// A public key, which was read for [`signature_algorithm`](JwtAlgorithm::signature_algorithm).
    ///
    /// # Errors
    /// When it verifies another algorithm.
    pub fn with_key(algorithm: JwtAlgorithm, key: VerifyingKey) -> Result<Self, AuthError> {
        let needed = asymmetric(algorithm)?;
        if needed != key.algorithm() {
            return Err(refused(format!(
                "{} verifies with {}, and the key was read for {}",
                algorithm.as_str(),
                needed.as_str(),
                key.algorithm().as_str()
            )));
        }
        Ok(Self { algorithm, id: None, material: Material::Public(Box::new(key)) })
    }

    /// A public key in PEM, as [`VerifyingKey::from_pem`] reads it.
    ///
    /// # Errors
    /// When `algorithm` is an HMAC, and as [`VerifyingKey::from_pem`].
    pub fn from_pem(algorithm: JwtAlgorithm, pem: &str) -> Result<Self, AuthError> {
        Self::with_key(algorithm, VerifyingKey::from_pem(asymmetric(algorithm)?, pem)?)
    }

    /// A public key in DER, as [`VerifyingKey::from_der`] reads it.
    ///
    /// # Errors
    /// When `algorithm` is an HMAC, and as [`VerifyingKey::from_pem`].
    pub fn from_der(algorithm: JwtAlgorithm, der: &[u8]) -> Result<Self, AuthError> {
        Self::with_key(algorithm, VerifyingKey::from_der(asymmetric(algorithm)?, der)?)
    }

    /// A JSON Web Key (RFC 7517): of the kind `oct` for the HMACs, a public key for the others. Its `kid` becomes its
    /// [`id`](Self::id). What is private in it is not looked at.
    ///
    /// # Errors
    /// When it is no key for `algorithm`: by its kind, or because its `alg`, `use` or `key_ops` says that it is for something
    /// else. When its `kid` is no text (RFC 7517, section 4.5).
    pub fn from_jwk(algorithm: JwtAlgorithm, jwk: &Secret) -> Result<Self, AuthError> {
        Self::of_json(algorithm, jwk.expose_bytes())
    }

    /// Every key of a JSON Web Key Set (RFC 7517, section 5) that one of these algorithms can verify with. The others, such
    /// as those for encryption, are left out; a key that fits several algorithms and names none is there for each.
    ///
    /// # Errors
    /// When it is no set, or none of its keys can be used.
    pub fn from_set(algorithms: &[JwtAlgorithm], set: &Secret) -> Result<Vec<Self>, AuthError> {
        #[derive(serde::Deserialize)]
        struct Set<'j> {
            #[serde(borrow)]
            keys: Vec<&'j RawValue>,
        }
        let Ok(set) = serde_json::from_slice::<Set<'_>>(set.expose_bytes()) else {
            return Err(refused(
                "this is not a JSON Web Key Set: not an object with a list `keys`",
            ));
        };
        let all = set.keys.iter().flat_map(|key| algorithms.iter().map(move |of| (*of, key)));
        // RFC 7517 has what is not understood ignored.
        let keys: Vec<_> = all
            .filter_map(|(algorithm, key)| Self::of_json(algorithm, key.get().as_bytes()).ok())
            .collect();
        if keys.is_empty() {
            return Err(refused("the JSON Web Key Set holds no key for these algorithms"));
        }
        Ok(keys)
    }

    /// The same key under a name: a token whose `kid` is another is not verified with it.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Its name, where it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The one algorithm that it verifies.
    pub fn algorithm(&self) -> JwtAlgorithm {
        self.algorithm
    }

    /// Whether a token that names this key, or none, may be one of it.
    pub(super) fn is_named(&self, id: Option<&str>) -> bool {
        match (id, self.id()) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        }
    }

    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hmac(signer) => signer.verify(signed, signature),
            Material::Public(key) => key.verify(signed, signature),
        }
    }

    fn of_json(algorithm: JwtAlgorithm, json: &[u8]) -> Result<Self, AuthError> {
        let jwk = Jwk::parse(json)?;
        check_use(&jwk, algorithm)?;
        let key = match algorithm.signature_algorithm() {
            Some(asymmetric) => {
                let public = PublicJwk::of_members(&jwk)?;
                Self::with_key(algorithm, VerifyingKey::from_jwk(asymmetric, &public)?)?
            }
            None => {
                jwk.check("kty", "oct")?;
                Self::with_secret(algorithm, &jwk.bytes("k")?)?
            }
        };
        // A key whose name is not understood would be one without a name, which fits any token.
        let id = jwk.parsed("kid");
        if id.is_none() && jwk.has("kid") {
            return Err(refused("the member kid of the JSON Web Key is no text"));
        }
        Ok(Self { id, ..key })
    }
}

fn asymmetric(algorithm: JwtAlgorithm) -> Result<crate::SignatureAlgorithm, AuthError> {
    algorithm.signature_algorithm().ok_or_else(|| {
        refused(format!(
            "{} verifies with a shared secret, and this is a public key",
            algorithm.as_str()
        ))
    })
}

/// What a key says that it is for (RFC 7517, sections 4.2 to 4.4). A private key is there to sign, and its public half to
/// verify.
fn check_use(jwk: &Jwk<'_>, algorithm: JwtAlgorithm) -> Result<(), AuthError> {
    let says = |name: &str, fits: &dyn Fn(&str) -> bool| match jwk.parsed::<String>(name) {
        Some(text) => fits(&text),
        None => !jwk.has(name),
    };
    let operations = jwk.parsed::<Vec<String>>("key_ops");
    let may_verify = match &operations {
        Some(list) => list.iter().any(|name| name == "verify" || name == "sign"),
        None => !jwk.has("key_ops"),
    };
    match says("alg", &|alg| alg.parse().is_ok_and(|named: JwtAlgorithm| named == algorithm)) {
        false => Err(refused(format!(
            "the JSON Web Key says that it is for another alg than {}",
            algorithm.as_str()
        ))),
        true if says("use", &|name| name == "sig") && may_verify => Ok(()),
        true => Err(refused("the JSON Web Key says that it is not for signatures")),
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtKey")
            .field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
