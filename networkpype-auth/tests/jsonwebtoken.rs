//! Tokens beside jsonwebtoken: as another implementation that signs and verifies, and as a crate in the same program that
//! cannot choose its backend. That choice is the process's, so that these tests have a process of their own.

#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a test's answer")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, aws_lc},
    decode, encode,
    jwk::{Jwk, ThumbprintHash},
};
use networkpype_auth::{JwtAlgorithm, JwtErrorKind, JwtKey, JwtSigner, JwtVerifier, SigningKey};
use networkpype_core::{Clock as _, Secret, SystemClock};
use serde_json::{Value, json};

const SECRET: &str = "a secret of at least sixty-four bytes, as long as the longest digest is";

/// All that jsonwebtoken has.
const ALGORITHMS: [(JwtAlgorithm, Algorithm); 12] = [
    (JwtAlgorithm::Hs256, Algorithm::HS256),
    (JwtAlgorithm::Hs384, Algorithm::HS384),
    (JwtAlgorithm::Hs512, Algorithm::HS512),
    (JwtAlgorithm::Rs256, Algorithm::RS256),
    (JwtAlgorithm::Rs384, Algorithm::RS384),
    (JwtAlgorithm::Rs512, Algorithm::RS512),
    (JwtAlgorithm::Ps256, Algorithm::PS256),
    (JwtAlgorithm::Ps384, Algorithm::PS384),
    (JwtAlgorithm::Ps512, Algorithm::PS512),
    (JwtAlgorithm::Es256, Algorithm::ES256),
    (JwtAlgorithm::Es384, Algorithm::ES384),
    (JwtAlgorithm::EdDsa, Algorithm::EdDSA),
];

/// A key of an algorithm in the hands of both.
struct Both {
    signer: JwtSigner,
    verifier: JwtKey,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// A signer and a key that verifies it, and the key of both where it is none that is shared.
fn ours(algorithm: JwtAlgorithm) -> (JwtSigner, JwtKey, Option<SigningKey>) {
    let Some(with_key) = algorithm.signature_algorithm() else {
        let secret = Secret::new(SECRET);
        let signer = JwtSigner::with_secret(algorithm, &secret).expect("a secret");
        return (signer, JwtKey::with_secret(algorithm, &secret).expect("a secret"), None);
    };
    let key = SigningKey::generate(with_key).expect("a key");
    let verifier = JwtKey::with_key(algorithm, key.verifying_key().expect("a key"));
    let signer = JwtSigner::with_key(algorithm, key.clone()).expect("a key");
    (signer, verifier.expect("a key"), Some(key))
}

impl Both {
    fn new(algorithm: JwtAlgorithm) -> Self {
        let (signer, verifier, key) = ours(algorithm);
        let (encoding, decoding) = match key {
            Some(key) => theirs(algorithm, &key),
            None => (
                EncodingKey::from_secret(SECRET.as_bytes()).expect("a secret"),
                DecodingKey::from_secret(SECRET.as_bytes()).expect("a secret"),
            ),
        };
        Self { signer, verifier, encoding, decoding }
    }

    fn verifier(&self) -> JwtVerifier {
        JwtVerifier::builder()
            .key(self.verifier.clone())
            .issuer("us")
            .audience("them")
            .build()
            .expect("a verifier")
    }
}

/// The same key for jsonwebtoken.
fn theirs(algorithm: JwtAlgorithm, key: &SigningKey) -> (EncodingKey, DecodingKey) {
    let pkcs8 = key.to_pkcs8().expect("PKCS#8");
    let public = key.public_jwk();
    let jwk: Jwk = serde_json::from_str(&public.to_string()).expect("a key");
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).expect("a thumbprint");
    assert_eq!(public.thumbprint(), thumbprint, "{algorithm:?}");
    let encoding = match algorithm {
        JwtAlgorithm::Es256 | JwtAlgorithm::Es384 => EncodingKey::from_ec_der(pkcs8.expose_bytes()),
        JwtAlgorithm::EdDsa => EncodingKey::from_ed_der(pkcs8.expose_bytes()),
        _ => {
            let body = STANDARD.encode(pkcs8.expose_bytes());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
            EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key")
        }
    };
    (encoding, DecodingKey::from_jwk(&jwk).expect("a key"))
}

fn claims() -> Value {
    let now = SystemClock.now().as_millis() / 1000;
    json!({"iss": "us", "aud": ["them"], "sub": "\u{e9}", "iat": now - 10, "exp": now + 120})
}

#[test]
fn our_tokens_verify_with_jsonwebtoken_and_its_with_ours_in_every_algorithm() {
    // Chosen by name: whatever else is built into this process must not matter. Another test may have chosen.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    for (ours, theirs) in ALGORITHMS {
        let both = Both::new(ours);
        let claims = claims();
        let mut validation = Validation::new(theirs);
        validation.set_issuer(&["us"]);
        validation.set_audience(&["them"]);

        let header = ours.header([("kid", "k")]).expect("a header");
        let token = both.signer.sign(&header, &claims.to_string()).expect("signed");
        let read = decode::<Value>(&token, &both.decoding, &validation);
        let read = read.unwrap_or_else(|error| panic!("{ours:?}: {error}"));
        assert_eq!((read.claims, read.header.kid.as_deref()), (claims.clone(), Some("k")));

        let token = encode(&Header::new(theirs), &claims, &both.encoding).expect("signed");
        let verified = both.verifier().verify(&token);
        let verified = verified.unwrap_or_else(|error| panic!("{ours:?}: {error}"));
        assert_eq!(verified.claims::<Value>().expect("claims"), claims);

        // Neither takes it with another key.
        let another = Both::new(ours);
        if ours.signature_algorithm().is_some() {
            assert!(decode::<Value>(&token, &another.decoding, &validation).is_err(), "{ours:?}");
            let kind = another.verifier().verify(&token).expect_err("another key").kind();
            assert_eq!(kind, JwtErrorKind::InvalidSignature, "{ours:?}");
        }
    }
}

/// `.ci/run` runs this with both backends built in, and says so by a variable.
#[test]
fn beside_two_backends_of_jsonwebtoken_tokens_are_signed_and_verified() {
    if std::env::var_os("NETWORKPYPE_TWO_BACKENDS").is_some() {
        assert!(CryptoProvider::try_get_default().is_none(), "both are enabled, so it has none");
    }
    for (algorithm, _) in ALGORITHMS {
        let (signer, key, _) = ours(algorithm);
        let header = algorithm.header([("kid", "k")]).expect("a header");
        let token = signer.sign(&header, &claims().to_string()).expect("signed");
        let verifier = JwtVerifier::builder().key(key).audience("them").build();
        verifier.expect("a verifier").verify(&token).expect("verified");
    }
}
