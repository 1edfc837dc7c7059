//! Private keys in their forms, turned into the library's key pairs.

use aws_lc_rs::{
    error::KeyRejected,
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use networkpype_core::{AuthError, Secret};

use super::{
    Key,
    algorithm::{Curve, KNOWN_CURVES, KeyKind, Scheme},
    jwk::Jwk,
    refused,
};
use crate::buffer::WipedBuffer;

/// A key from PKCS#8, PKCS#1 or SEC1.
pub(super) fn from_der(scheme: Scheme, der: &Secret) -> Result<Key, AuthError> {
    let der = der.expose_bytes();
    let parsed = match scheme {
        Scheme::Ed25519 => Ed25519KeyPair::from_pkcs8(der).map(Key::Ed25519),
        Scheme::Rsa(padding, _) => rsa(der).map(|pair| Key::Rsa { pair, padding }),
        Scheme::Ecdsa(curve) => ecdsa(curve, |form| EcdsaKeyPair::from_private_key_der(form, der)),
    };
    parsed.map_err(|rejected| match kind_of(der) {
        Some(kind) if kind != scheme.kind() => wrong_kind(kind, scheme),
        _ => rejected_as(&rejected, scheme),
    })
}

/// A key from nothing but its secret number.
pub(super) fn from_seed(scheme: Scheme, seed: &Secret) -> Result<Key, AuthError> {
    let seed = seed.expose_bytes();
    match scheme {
        Scheme::Ed25519 => match seed.split_at_checked(32) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) if public.len() == 32 => {
                Ed25519KeyPair::from_seed_and_public_key(seed, public)
            }
            _ => {
                return Err(wrong_length(
                    seed,
                    "an Ed25519 seed has 32, or 64 with the public key",
                ));
            }
        }
        .map(Key::Ed25519)
        .map_err(|rejected| rejected_as(&rejected, scheme)),
        Scheme::Ecdsa(curve) if seed.len() == curve.size => {
            let der = sec1(curve, seed);
            ecdsa(curve, |form| EcdsaKeyPair::from_private_key_der(form, der.expose_bytes()))
                .map_err(|rejected| rejected_as(&rejected, scheme))
        }
        Scheme::Ecdsa(curve) => {
            Err(wrong_length(seed, format!("a private key on {} has {}", curve.name, curve.size)))
        }
        Scheme::Rsa(..) => {
            Err(refused("an RSA key has no seed; give it as PEM, DER or a JSON Web Key"))
        }
    }
}

/// A key from a JSON Web Key (RFC 7518, section 6; RFC 8037, section 2).
pub(super) fn from_jwk(scheme: Scheme, text: &Secret) -> Result<Key, AuthError> {
    let jwk = Jwk::parse(text.expose_bytes())?;
    for (name, needed) in scheme.jwk_members() {
        jwk.check(name, needed)?;
    }
    if !jwk.has("d") {
        return Err(refused("the JSON Web Key is a public key: it lacks its member d"));
    }
    let parsed = match scheme {
        Scheme::Ed25519 => {
            let (seed, public) = (jwk.bytes("d")?, jwk.bytes("x")?);
            if seed.expose_bytes().len() != 32 {
                return Err(wrong_length(seed.expose_bytes(), "an Ed25519 seed has 32"));
            }
            Ed25519KeyPair::from_seed_and_public_key(seed.expose_bytes(), public.expose_bytes())
                .map(Key::Ed25519)
        }
        Scheme::Ecdsa(curve) => {
            let (private, x, y) = (jwk.bytes("d")?, jwk.bytes("x")?, jwk.bytes("y")?);
            let point = [&[4], x.expose_bytes(), y.expose_bytes()].concat();
            ecdsa(curve, |form| {
                EcdsaKeyPair::from_private_key_and_public_key(form, private.expose_bytes(), &point)
            })
        }
        Scheme::Rsa(padding, _) => rsa_components(&jwk)?.map(|pair| Key::Rsa { pair, padding }),
    };
    parsed.map_err(|rejected| rejected_as(&rejected, scheme))
}

fn rsa_components(jwk: &Jwk<'_>) -> Result<Result<RsaKeyPair, KeyRejected>, AuthError> {
    if jwk.has("oth") {
        return Err(refused("RSA keys of more than two primes are not supported"));
    }
    let member = |name| jwk.bytes(name);
    let (n, e, d) = (member("n")?, member("e")?, member("d")?);
    let (p, q) = (member("p")?, member("q")?);
    let (dp, dq, qi) = (member("dp")?, member("dq")?, member("qi")?);
    Ok(RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: n.expose_bytes(), e: e.expose_bytes() },
        d: d.expose_bytes(),
        p: p.expose_bytes(),
        q: q.expose_bytes(),
        dP: dp.expose_bytes(),
        dQ: dq.expose_bytes(),
        qInv: qi.expose_bytes(),
    }))
}

/// PKCS#8 or PKCS#1. What the first says of a key that is PKCS#8 and no good is the better answer.
fn rsa(der: &[u8]) -> Result<RsaKeyPair, KeyRejected> {
    RsaKeyPair::from_der(der).or_else(|first| {
        RsaKeyPair::from_pkcs8(der).map_err(|second| if says_size(&first) { first } else { second })
    })
}

/// Both forms of signature, each of which is a key pair of its own in the library.
fn ecdsa(
    curve: &'static Curve,
    pair: impl Fn(
        &'static aws_lc_rs::signature::EcdsaSigningAlgorithm,
    ) -> Result<EcdsaKeyPair, KeyRejected>,
) -> Result<Key, KeyRejected> {
    Ok(Key::Ecdsa { fixed: pair(curve.fixed)?, der: pair(curve.der)? })
}

/// RFC 5915's `ECPrivateKey` without its optional parts, from which the library works out the public key:
/// `SEQUENCE { INTEGER 1, OCTET STRING private }`.
fn sec1(curve: &Curve, private: &[u8]) -> Secret {
    // At most 66 bytes go in, so that each length is one byte.
    let size = curve.size as u8;
    let mut der = WipedBuffer::with_capacity(private.len() + 7);
    der.push(&[0x30, size + 5, 0x02, 0x01, 0x01, 0x04, size]);
    der.push(private);
    der.into_secret()
}

/// What a key is that was not the one asked for.
fn kind_of(der: &[u8]) -> Option<KeyKind> {
    if rsa(der).map_or_else(|rejected| says_size(&rejected), |_| true) {
        return Some(KeyKind::Rsa);
    }
    if Ed25519KeyPair::from_pkcs8(der).is_ok() {
        return Some(KeyKind::Ed25519);
    }
    let curve = KNOWN_CURVES
        .iter()
        .find(|curve| EcdsaKeyPair::from_private_key_der(curve.fixed, der).is_ok())?;
    Some(KeyKind::Ec(curve.name))
}

fn says_size(rejected: &KeyRejected) -> bool {
    matches!(rejected.description_(), "TooSmall" | "TooLarge")
}

fn wrong_kind(kind: KeyKind, scheme: Scheme) -> AuthError {
    refused(format!("this is {kind}, and {} is needed", scheme.kind()))
}

fn wrong_length(bytes: &[u8], expected: impl std::fmt::Display) -> AuthError {
    refused(format!("the key has {} bytes; {expected}", bytes.len()))
}

fn rejected_as(rejected: &KeyRejected, scheme: Scheme) -> AuthError {
    let kind = scheme.kind();
    match rejected.description_() {
        "TooSmall" | "TooLarge" => refused(format!("{kind} needs 2048 to 8192 bits")),
        "InconsistentComponents" => refused(format!(
            "this is not {kind} that can be used: its parts do not belong together"
        )),
        _ => refused(format!("this is not {kind}, or it is damaged")),
    }
}
