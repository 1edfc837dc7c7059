use std::{fmt, str::FromStr};

use aws_lc_rs::signature::KeyPair as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_core::AuthError;

use super::{
    Key, SigningKey,
    algorithm::{KNOWN_CURVES, Scheme},
    jwk::Jwk,
    refused,
};
use crate::{DigestEncoding, HashAlgorithm};

/// A public key as a JSON Web Key (RFC 7517): what others verify with, and what a token or a proof says it is bound to.
///
/// It holds the members that make the key and no others, in the order and without the spaces that RFC 7638 hashes. A
/// `kid`, an `alg` or a private part in a text that it is read from is left out. [`Display`](fmt::Display) writes the
/// JSON; with the feature `jwt` it is `Serialize` too. Zeros in front of an RSA key's numbers are left out, as RFC 7518,
/// section 6.3.1, has them, so that a key has one thumbprint however it was written.
///
/// ```
/// use networkpype_auth::PublicJwk;
///
/// // RFC 8037, A.2 and A.3.
/// let key: PublicJwk =
///     r#"{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.parse()?;
/// assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// assert_eq!(
///     key.to_string(),
///     r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
/// );
/// # Ok::<(), networkpype_core::AuthError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicJwk {
    /// Sorted by name. The values are written without escapes.
    members: Vec<(&'static str, String)>,
}

impl PublicJwk {
    /// What others know this key by (RFC 7638): SHA-256 over its members, as base64url. It is the same for everybody who
    /// has the key.
    pub fn thumbprint(&self) -> String {
        let digest = HashAlgorithm::Sha256.digest(self.to_string().as_bytes());
        digest.to_text(DigestEncoding::Base64Url)
    }

    /// A member as it is written.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    /// The bytes of a member; none where there is no such member.
    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        let text = self.text(name).unwrap_or_default();
        // What is no base64url was refused when it was read.
        URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
    }

    pub(crate) fn of_members(jwk: &Jwk<'_>) -> Result<Self, AuthError> {
        let kty = jwk.text("kty").unwrap_or_default();
        let names: &[&'static str] = match kty {
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            "RSA" => &["e", "kty", "n"],
            "oct" => {
                return Err(refused("the JSON Web Key is a shared secret: it has no public half"));
            }
            _ => return Err(refused("the JSON Web Key is of another kty than EC, OKP and RSA")),
        };
        let curve = jwk.text("crv").unwrap_or_default();
        let mut members = Vec::with_capacity(names.len());
        for &name in names {
            let value = match name {
                "kty" => kty.to_owned(),
                "crv" => named(curve)?.to_owned(),
                _ => {
                    let bytes = jwk.bytes(name)?;
                    let bytes = match kty {
                        "RSA" => without_zeros(bytes.expose_bytes()),
                        _ => bytes.expose_bytes(),
                    };
                    check_length(kty, curve, name, bytes.len())?;
                    encoded(bytes)
                }
            };
            members.push((name, value));
        }
        Ok(Self { members })
    }

    fn ec(curve: &str, x: &[u8], y: &[u8]) -> Self {
        Self::of([
            ("crv", curve.to_owned()),
            ("kty", "EC".to_owned()),
            ("x", encoded(x)),
            ("y", encoded(y)),
        ])
    }

    fn of<const N: usize>(members: [(&'static str, String); N]) -> Self {
        Self { members: members.into() }
    }
}

impl SigningKey {
    /// Its public half, to be published, registered or put into a header.
    ///
    /// ```
    /// use networkpype_auth::{JwtAlgorithm, SignatureAlgorithm, SigningKey};
    /// use serde_json::json;
    ///
    /// let key = SigningKey::generate(SignatureAlgorithm::EcdsaP256Sha256)?;
    /// let public = key.public_jwk();
    /// // The header of a proof of possession (RFC 9449, section 4.2).
    /// let header = JwtAlgorithm::Es256.header([("typ", json!("dpop+jwt")), ("jwk", json!(public))])?;
    /// assert_eq!(header, format!(r#"{{"alg":"ES256","typ":"dpop+jwt","jwk":{public}}}"#));
    /// # Ok::<(), networkpype_core::AuthError>(())
    /// ```
    pub fn public_jwk(&self) -> PublicJwk {
        match (&self.0.key, self.algorithm().scheme()) {
            (Key::Rsa { pair, .. }, _) => {
                let key = pair.public_key();
                PublicJwk::of([
                    ("e", encoded(key.exponent().big_endian_without_leading_zero())),
                    ("kty", "RSA".to_owned()),
                    ("n", encoded(key.modulus().big_endian_without_leading_zero())),
                ])
            }
            (_, Scheme::Ecdsa(curve)) => {
                // A byte that says that neither is left out, then both, each as long as the curve's numbers.
                let point = self.public_key();
                let (x, y) = point.split_at_checked(1 + curve.size).unwrap_or_default();
                PublicJwk::ec(curve.name, x.get(1..).unwrap_or_default(), y)
            }
            _ => PublicJwk::of([
                ("crv", "Ed25519".to_owned()),
                ("kty", "OKP".to_owned()),
                ("x", encoded(self.public_key())),
            ]),
        }
    }
}

impl FromStr for PublicJwk {
    type Err = AuthError;

    /// Reads the kinds `EC`, `OKP` and `RSA` with any curve that has a name.
    ///
    /// # Errors
    /// When the text is no JSON object, or the key is of another kind; when a member is missing or is not base64url; when a
    /// coordinate has not the length that its curve asks for.
    fn from_str(json: &str) -> Result<Self, AuthError> {
        Self::of_members(&Jwk::parse(json.as_bytes())?)
    }
}

impl fmt::Display for PublicJwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.members.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            write!(f, "{before}\"{name}\":\"{value}\"")?;
        }
        f.write_str("}")
    }
}

#[cfg(feature = "jwt")]
impl serde::Serialize for PublicJwk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members.iter().map(|(name, value)| (name, value)))
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A number without the zeros in front of it.
fn without_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

/// A curve's name goes into the JSON as it stands.
fn named(curve: &str) -> Result<&str, AuthError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !curve.is_empty() && curve.bytes().all(fits) {
        return Ok(curve);
    }
    Err(refused("the JSON Web Key lacks its member crv, or that names no curve"))
}

/// RFC 7518, section 6.2.1.2: leading zeros stay. Without them the key would have two thumbprints.
fn check_length(kty: &str, curve: &str, name: &str, length: usize) -> Result<(), AuthError> {
    let needed = match (kty, curve) {
        ("EC", _) => KNOWN_CURVES.iter().find(|known| known.name == curve).map(|known| known.size),
        ("OKP", "Ed25519") => Some(32),
        _ => None,
    };
    match needed {
        Some(needed) if needed != length => Err(refused(format!(
            "the member {name} of the JSON Web Key has {length} bytes; on {curve} it has {needed}"
        ))),
        _ if length == 0 => {
            Err(refused(format!("the member {name} of the JSON Web Key is empty or zero")))
        }
        _ => Ok(()),
    }
}
