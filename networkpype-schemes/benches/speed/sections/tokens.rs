//! Tokens whose key was parsed once, beside a library that parses it for each.

use std::hint::black_box;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use networkpype_auth::{
    DigestEncoding, JwtAlgorithm, JwtSigner, KeyEncoding, SignatureAlgorithm, SigningKey,
};
use networkpype_bench::{Target, compare, section};
use serde::Serialize;

use crate::support::{
    COINBASE, ED25519_DER_HEAD_HEX, ED25519_SEED_HEX, KEY, P256_PEM, authenticate,
    coinbase_accounts, preset,
};

/// The claims of a token of Coinbase's.
#[derive(Clone, Serialize)]
struct Claims {
    aud: [&'static str; 1],
    iss: &'static str,
    nbf: u64,
    exp: u64,
    sub: &'static str,
    iat: u64,
    uri: &'static str,
}

const CLAIMS: Claims = Claims {
    aud: ["retail_rest_api_proxy"],
    iss: "coinbase-cloud",
    nbf: 1_700_000_000,
    exp: 1_700_000_120,
    sub: KEY,
    iat: 1_700_000_000,
    uri: "GET api.coinbase.com/api/v3/brokerage/accounts",
};

const NONCE: &str = "00112233445566778899aabbccddeeff";

pub(super) fn run() {
    section("tokens: one of Coinbase's made, beside jsonwebtoken's `encode`");
    let es256 = EncodingKey::from_ec_pem(P256_PEM.as_bytes()).unwrap();
    let own =
        SigningKey::new(SignatureAlgorithm::EcdsaP256Sha256, &P256_PEM.into(), KeyEncoding::Pem);
    one("ES256", JwtAlgorithm::Es256, own.unwrap(), Algorithm::ES256, &es256, 0.75);
    whole("ES256", P256_PEM, None, Algorithm::ES256, &es256);
    let der = const_hex::decode(format!("{ED25519_DER_HEAD_HEX}{ED25519_SEED_HEX}")).unwrap();
    let eddsa = EncodingKey::from_ed_der(&der);
    let own = SigningKey::new(
        SignatureAlgorithm::Ed25519,
        &ED25519_SEED_HEX.into(),
        KeyEncoding::SeedHex,
    );
    one("EdDSA", JwtAlgorithm::EdDsa, own.unwrap(), Algorithm::EdDSA, &eddsa, 0.65);
    let seed = DigestEncoding::Base64.encode(&const_hex::decode(ED25519_SEED_HEX).unwrap());
    whole("EdDSA", &seed, Some("eddsa_jwt"), Algorithm::EdDSA, &eddsa);
}

/// The token alone.
fn one(
    name: &str,
    algorithm: JwtAlgorithm,
    own: SigningKey,
    theirs: Algorithm,
    key: &EncodingKey,
    bound: f64,
) {
    let signer = JwtSigner::with_key(algorithm, own).unwrap();
    let ours = || {
        let header = algorithm.header([("kid", KEY), ("nonce", NONCE)]).unwrap();
        let claims = serde_json::to_string(black_box(&CLAIMS)).unwrap();
        signer.sign(&header, &claims).unwrap()
    };
    compare(
        &format!("{name} / jsonwebtoken"),
        Target::AtMost(bound),
        &mut |times| (0..times).for_each(|_| drop(black_box(ours()))),
        &mut |times| (0..times).for_each(|_| drop(black_box(encoded(theirs, key)))),
    );
}

/// A request signed with it by the recipe, random bytes and templates included.
fn whole(name: &str, secret: &str, variant: Option<&str>, theirs: Algorithm, key: &EncodingKey) {
    let (auth, request) = (preset(COINBASE, secret, variant), coinbase_accounts());
    compare(
        &format!("{name}, a request signed / jsonwebtoken"),
        Target::None,
        &mut |times| (0..times).for_each(|_| drop(black_box(authenticate(&auth, &request)))),
        &mut |times| (0..times).for_each(|_| drop(black_box(encoded(theirs, key)))),
    );
}

fn encoded(algorithm: Algorithm, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(KEY.to_owned());
    header.extras.insert("nonce", NONCE);
    encode(&header, black_box(&CLAIMS), key).unwrap()
}
