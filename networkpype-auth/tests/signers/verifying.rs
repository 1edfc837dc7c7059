//! Tokens that others made: what a verifier takes and what it refuses, by published vectors and by what is damaged.

use std::{collections::BTreeMap, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_auth::{
    JwtAlgorithm, JwtErrorKind, JwtKey, JwtSigner, JwtVerifier, JwtVerifierBuilder,
    SignatureAlgorithm, SigningKey,
};
use networkpype_core::{ManualClock, Secret, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::vectors::{committed, pem_for, pem_key, read, shared_key, vectors_here_only};

pub(crate) fn at(seconds: i64) -> ManualClock {
    ManualClock::new(Timestamp::from_millis(seconds * 1000))
}

pub(crate) fn hs256() -> JwtSigner {
    JwtSigner::with_secret(JwtAlgorithm::Hs256, &"hunter2".into()).expect("a secret")
}

/// A verifier of what [`hs256`] signs that asks nothing of claims.
pub(crate) fn lenient() -> JwtVerifierBuilder {
    let key = JwtKey::with_secret(JwtAlgorithm::Hs256, &"hunter2".into()).expect("a secret");
    JwtVerifier::builder().key(key).expiry_optional().clock(at(1_700_000_000))
}

/// A verifier with the key of a vector and this algorithm.
fn of(algorithm: &str, jwk: &Value) -> JwtVerifier {
    let algorithm = algorithm.parse().expect("an algorithm");
    let key = JwtKey::from_jwk(algorithm, &Secret::new(jwk.to_string())).expect("a key");
    JwtVerifier::builder().key(key).expiry_optional().any_audience().build().expect("a verifier")
}

fn string<'c>(value: &'c Value, name: &str) -> &'c str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn kind(verifier: &JwtVerifier, token: &str) -> Option<JwtErrorKind> {
    verifier.verify(token).err().map(|error| error.kind())
}

#[test]
fn the_tokens_of_rfc_7515_and_8037_verify_and_the_unsigned_one_does_not() {
    for case in committed("jose/rfc7515_8037.json")["cases"].as_array().expect("cases") {
        let name = string(case, "name");
        if case["expected"]["valid"] == false {
            let verifier = lenient().build().expect("a verifier");
            let expected = Some(JwtErrorKind::AlgorithmNotAccepted);
            assert_eq!(kind(&verifier, string(case, "compact")), expected, "{name}");
            continue;
        }
        let verifier = of(string(case, "alg"), &case["key"]);
        let verified = verifier.verify_signature(string(case, "compact")).expect(name);
        assert_eq!(verified.payload(), string(case, "payload_raw").as_bytes(), "{name}");
        assert_eq!(verified.algorithm().as_str(), string(case, "alg"), "{name}");
    }
}

#[test]
fn the_tokens_of_pyjwt_verify_and_those_that_must_be_refused_are_for_their_reason() {
    let (mut taken, mut refused) = (0, Vec::new());
    for case in committed("jose/generated_pyjwt.json")["cases"].as_array().expect("cases") {
        let (name, token) = (string(case, "name"), string(&case["expected"], "token"));
        if case["expected"]["valid_signature"] == true {
            let verifier = of(string(case, "alg"), &case["key"]);
            let jws = verifier.verify_signature(token).expect(name);
            assert_eq!(jws.payload(), string(case, "payload_raw").as_bytes(), "{name}");
            assert_eq!(jws.header::<Value>().expect("JSON"), case["header"], "{name}");
            taken += 1;
        } else {
            let verifier = of(case["allowed_algs"][0].as_str().expect("a name"), &case["key"]);
            refused.push((string(&case["expected"], "why").to_owned(), kind(&verifier, token)));
        }
    }
    assert_eq!(taken, 26);
    for (why, expected) in [
        ("empty signature", JwtErrorKind::InvalidSignature),
        ("alg none", JwtErrorKind::AlgorithmNotAccepted),
        ("payload swapped", JwtErrorKind::InvalidSignature),
        ("HS256 token, only HS512 allowed", JwtErrorKind::AlgorithmNotAccepted),
        ("unknown critical header", JwtErrorKind::CriticalHeader),
    ] {
        assert!(refused.contains(&(why.to_owned(), Some(expected))), "{why}: {refused:?}");
    }
    assert_eq!(refused.len(), 5);
}

#[test]
fn a_detached_payload_verifies_encoded_and_unencoded_as_rfc_7797_has_it() {
    for case in committed("jose/rfc7797.json")["cases"].as_array().expect("cases") {
        let verifier = of("HS256", &case["key"]);
        let header = string(case, "protected_b64u");
        let detached = format!("{header}..{}", string(&case["expected"], "signature"));
        let verified = verifier.verify_detached(&detached, b"$.02").expect("verified");
        assert_eq!(verified.payload(), b"$.02");
        let error = verifier.verify_detached(&detached, b"$.03").expect_err("another payload");
        assert_eq!(error.kind(), JwtErrorKind::InvalidSignature);
        let signature = string(&case["expected"], "signature");
        let attached = format!("{header}.JC4wMg.{signature}");
        let error = verifier.verify_detached(&attached, b"$.02").expect_err("two payloads");
        assert_eq!(error.kind(), JwtErrorKind::Malformed);
    }
}

#[test]
fn the_signatures_of_the_jose_cookbook_verify_and_its_draft_of_b64_does_not() {
    let Some(folder) = vectors_here_only("that a verifier takes the JOSE cookbook") else { return };
    let file = read(&Path::new(&folder).join("jose/rfc7520_cookbook_jws.json"));
    let mut verified = 0;
    for case in file["cases"].as_array().expect("cases") {
        let (name, data) = (string(case, "name"), &case["data"]);
        let (input, signing) = (&data["input"], &data["signing"]);
        let (Some(payload), Some(header)) =
            (input["payload"].as_str(), signing["protected_b64u"].as_str())
        else {
            continue;
        };
        let verifier = of(string(input, "alg"), &input["key"]);
        let detached = format!("{header}..{}", string(signing, "sig"));
        let result = verifier.verify_detached(&detached, payload.as_bytes());
        match name.starts_with("rfc7797/") {
            true => {
                let kind = result.expect_err(name).kind();
                let refused = [JwtErrorKind::CriticalHeader, JwtErrorKind::Malformed];
                assert!(refused.contains(&kind), "{name}: {kind:?}");
            }
            false => {
                result.unwrap_or_else(|error| panic!("{name}: {error}"));
                verified += 1;
            }
        }
    }
    assert_eq!(verified, 7);
}

#[test]
fn claims_come_out_as_they_were_signed() {
    #[derive(serde::Deserialize)]
    struct Claims {
        sub: String,
        exp: u64,
    }
    let signer = hs256();
    let header = signer.algorithm().header([("kid", "k")]).expect("a header");
    let token =
        signer.sign(&header, r#"{"sub":"me","exp":1700000100,"more":1.50}"#).expect("signed");
    let verified = lenient().build().expect("a verifier").verify(&token).expect("verified");
    let claims: Claims = verified.claims().expect("claims");
    assert_eq!((claims.sub.as_str(), claims.exp), ("me", 1_700_000_100));
    assert_eq!(verified.header::<Value>().expect("JSON")["kid"], "k");
    assert_eq!(verified.payload().len(), 41);
    let error = verified.claims::<Vec<u8>>().expect_err("another form");
    assert_eq!(error.kind(), JwtErrorKind::Malformed);
    assert_eq!(error.to_string(), "its claims are of another form");
    assert_eq!(
        format!("{verified:?}"),
        r"VerifiedJwt(VerifiedJws { algorithm: Hs256, payload: <41 bytes>, .. })"
    );
}

#[test]
fn a_key_is_chosen_by_its_name_and_by_nothing_else() {
    let algorithms = [JwtAlgorithm::Es256, JwtAlgorithm::EdDsa, JwtAlgorithm::Hs256];
    let new = |algorithm| SigningKey::generate(algorithm).expect("a key");
    let (old, new, ed) = (
        new(SignatureAlgorithm::EcdsaP256Sha256),
        new(SignatureAlgorithm::EcdsaP256Sha256),
        new(SignatureAlgorithm::Ed25519),
    );
    let jwk = |key: &SigningKey, more: Value| {
        let mut jwk: Value = json!(key.public_jwk());
        jwk.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        jwk
    };
    let set = json!({"keys": [
        jwk(&old, json!({"kid": "old/1", "use": "sig"})),
        jwk(&new, json!({"kid": "new", "alg": "ES256"})),
        jwk(&ed, json!({"key_ops": ["verify"]})),
        jwk(&ed, json!({"kid": "e", "use": "enc"})),
        jwk(&ed, json!({"kid": "e", "alg": "ES256"})),
        jwk(&ed, json!({"kid": "e", "key_ops": ["deriveKey"]})),
        {"kty": "EC", "crv": "P-256", "kid": "damaged", "x": "AA", "y": "AA"},
        {"kty": "PQ", "kid": "unknown"},
        {"kty": "oct", "k": "", "kid": "empty"},
        "no key",
    ]});
    let keys = JwtKey::from_set(&algorithms, &Secret::new(set.to_string())).expect("keys");
    let ids: Vec<_> = keys.iter().map(|key| (key.algorithm().as_str(), key.id())).collect();
    assert_eq!(ids, [("ES256", Some("old/1")), ("ES256", Some("new")), ("EdDSA", None)]);

    let verifier = JwtVerifier::builder().keys(keys).expiry_optional().build().expect("a verifier");
    let token = |key: &SigningKey, id: Option<&str>| {
        let algorithm = match key.algorithm() {
            SignatureAlgorithm::Ed25519 => JwtAlgorithm::EdDsa,
            _ => JwtAlgorithm::Es256,
        };
        let header = algorithm.header(id.map(|id| ("kid", id))).expect("a header");
        JwtSigner::with_key(algorithm, key.clone()).expect("a key").sign(&header, "{}").expect("ok")
    };
    for (key, id, expected) in [
        (&old, Some("old/1"), None),
        (&new, Some("new"), None),
        (&new, None, None),
        (&ed, Some("any"), None),
        (&new, Some("old/1"), Some(JwtErrorKind::InvalidSignature)),
        (&new, Some("newer"), Some(JwtErrorKind::UnknownKey)),
    ] {
        assert_eq!(kind(&verifier, &token(key, id)), expected, "{id:?}");
    }
    let newer = new.verifying_key().expect("a key");
    let newer = JwtKey::with_key(JwtAlgorithm::Es256, newer).expect("a key").with_id("newer");
    let rotated = verifier.with_keys([newer]).expect("a verifier");
    assert_eq!(kind(&rotated, &token(&new, Some("newer"))), None);
    assert_eq!(kind(&rotated, &token(&ed, None)), Some(JwtErrorKind::AlgorithmNotAccepted));
    assert!(verifier.with_keys([]).is_err() && JwtVerifier::builder().build().is_err());
}

#[test]
fn a_key_that_is_for_something_else_is_refused() {
    let said = |result: Result<JwtKey, networkpype_core::AuthError>| {
        result.expect_err("refused").to_string()
    };
    let ed = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    let public = ed.verifying_key().expect("a key");
    let oct = |more: &str| Secret::new(format!(r#"{{"kty":"oct","k":"aHVudGVyMg"{more}}}"#));
    for (result, expected) in [
        (
            JwtKey::with_secret(JwtAlgorithm::EdDsa, &"hunter2".into()),
            "EdDSA verifies with a public key, and this is a shared secret",
        ),
        (JwtKey::with_secret(JwtAlgorithm::Hs256, &"".into()), "the secret is empty"),
        (
            JwtKey::with_key(JwtAlgorithm::Hs256, public.clone()),
            "HS256 verifies with a shared secret, and this is a public key",
        ),
        (
            JwtKey::with_key(JwtAlgorithm::Es256, public),
            "ES256 verifies with ecdsa-p256-sha256, and the key was read for ed25519",
        ),
        (
            JwtKey::from_pem(JwtAlgorithm::Hs512, &shared_key("rsa2048_public_pem")),
            "HS512 verifies with a shared secret, and this is a public key",
        ),
        (
            JwtKey::from_jwk(JwtAlgorithm::Hs256, &oct(r#","alg":"HS384""#)),
            "the JSON Web Key says that it is for another alg than HS256",
        ),
        (
            JwtKey::from_jwk(JwtAlgorithm::Hs256, &oct(r#","use":"enc""#)),
            "the JSON Web Key says that it is not for signatures",
        ),
        (
            JwtKey::from_jwk(JwtAlgorithm::Es256, &oct("")),
            "the JSON Web Key is a shared secret: it has no public half",
        ),
        (
            JwtKey::from_jwk(JwtAlgorithm::Hs256, &Secret::new(ed.public_jwk().to_string())),
            "the JSON Web Key is of another kty than oct, which is needed",
        ),
    ] {
        assert_eq!(said(result), expected);
    }
    for (set, expected) in [
        ("[]", "this is not a JSON Web Key Set"),
        (r#"{"keys":[]}"#, "the JSON Web Key Set holds no key for these algorithms"),
    ] {
        let error = JwtKey::from_set(&[JwtAlgorithm::Rs256], &set.into()).expect_err("refused");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn a_token_of_another_type_or_length_is_refused_before_its_signature() {
    let typed = lenient().token_type("at+jwt").build().expect("a verifier");
    let token = |extra: &[(&str, &str)]| {
        let header = JwtAlgorithm::Hs256.header(extra.iter().copied()).expect("a header");
        hs256().sign(&header, "{}").expect("signed")
    };
    for (typ, expected) in [
        ("at+jwt", None),
        ("AT+JWT", None),
        ("application/at+jwt", None),
        ("at+jwt ", Some(JwtErrorKind::WrongType)),
        ("JWT", Some(JwtErrorKind::WrongType)),
    ] {
        assert_eq!(kind(&typed, &token(&[("typ", typ)])), expected, "{typ}");
    }
    let token = token(&[]);
    let short = |length| lenient().max_length(length).build().expect("a verifier");
    assert_eq!(kind(&short(token.len()), &token), None);
    assert_eq!(kind(&short(token.len() - 1), &token), Some(JwtErrorKind::TooLong));
}

#[test]
fn the_claims_are_checked_as_the_builder_says() {
    let now = 1_700_000_000;
    let claims = |more: Value| {
        let mut claims =
            json!({"iss": "https://as", "aud": ["me", "you"], "exp": now + 60, "sub": "s"});
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        hs256().sign(
            &JwtAlgorithm::Hs256.header::<&str, &str>([]).expect("a header"),
            &claims.to_string(),
        )
    };
    let key = JwtKey::with_secret(JwtAlgorithm::Hs256, &"hunter2".into()).expect("a secret");
    let verifier = JwtVerifier::builder()
        .key(key)
        .issuer("https://as")
        .audience("me")
        .require("sub")
        .leeway(Duration::from_secs(5))
        .clock(at(now))
        .build()
        .expect("a verifier");
    for (more, expected) in [
        (json!({}), None),
        (json!({"exp": now - 5}), Some(JwtErrorKind::Expired)),
        (json!({"exp": null}), Some(JwtErrorKind::Malformed)),
        (json!({"nbf": now + 6}), Some(JwtErrorKind::NotYetValid)),
        (json!({"iat": now + 6}), Some(JwtErrorKind::NotYetValid)),
        (json!({"iss": "https://as/"}), Some(JwtErrorKind::WrongIssuer)),
        (json!({"aud": "you"}), Some(JwtErrorKind::WrongAudience)),
        (json!({"sub": null}), Some(JwtErrorKind::MissingClaim)),
    ] {
        assert_eq!(kind(&verifier, &claims(more.clone()).expect("signed")), expected, "{more}");
    }
    let bare = hs256().sign(r#"{"alg":"HS256"}"#, "{}").expect("signed");
    assert_eq!(kind(&verifier, &bare), Some(JwtErrorKind::MissingClaim));
}

#[test]
fn no_letter_of_a_token_can_be_changed() {
    const LETTERS: &[u8] = b"ABYZabyz0189-_+/=. ";
    let key = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    let ours = JwtKey::with_key(JwtAlgorithm::EdDsa, key.verifying_key().expect("a key"));
    let both = lenient().key(ours.expect("a key")).build().expect("a verifier");
    let eddsa = JwtSigner::with_key(JwtAlgorithm::EdDsa, key).expect("a key");
    for signer in [hs256(), eddsa] {
        let header = signer.algorithm().header([("kid", "k")]).expect("a header");
        let token = signer.sign(&header, r#"{"a":"12"}"#).expect("signed");
        assert_eq!(kind(&both, &token), None);
        for index in 0..token.len() {
            for letter in LETTERS.iter().filter(|letter| **letter != token.as_bytes()[index]) {
                let mut changed = token.clone().into_bytes();
                changed[index] = *letter;
                let changed = String::from_utf8(changed).expect("text");
                assert!(both.verify(&changed).is_err(), "{changed}");
                changed.get(..index).map(|cut| both.verify(cut).expect_err("cut"));
            }
        }
        for more in ["=", ".", "A", " ", "\n", ".AAAA"] {
            assert!(both.verify(&format!("{token}{more}")).is_err(), "{more:?}");
        }
    }
}

#[test]
fn a_token_that_is_refused_is_not_repeated() {
    let verifier = lenient().build().expect("a verifier");
    for (header, claims) in [
        (r#"{"alg":"hunter2"}"#, "{}"),
        (r#"{"alg":"HS256","crit":["hunter2"]}"#, "{}"),
        (r#"{"alg":"HS256","kid":"hunter2","kid":"hunter2"}"#, "{}"),
        (r#"{"alg":"HS256"}"#, r#"{"aud":"hunter2"}"#),
        (r#"{"alg":"HS256"}"#, r#"{"exp":"hunter2"}"#),
        (r#"{"alg":"HS256"}"#, "hunter2"),
    ] {
        let token = hs256().sign(header, claims).expect("signed");
        let error = verifier.verify(&token).expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let error = networkpype_core::AuthError::from(error);
        assert_eq!(error.kind(), networkpype_core::AuthErrorKind::Verification);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_given_is_refused_and_does_not_panic(
        header in r#"\{"(alg|crit|b64|kid|typ)":("HS256"|"none"|true|\[\]|\["b64"\]|1|null)(,"(alg|crit|b64)":("HS256"|false|\["b64"\]))*\}"#,
        payload in any::<Vec<u8>>(),
        text in ".{0,80}",
    ) {
        let verifier = lenient().build().expect("a verifier");
        prop_assert!(verifier.verify(&text).is_err());
        let signed = [&header, "payload"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let unsigned = signed + ".AAAA";
        prop_assert!(verifier.verify(&unsigned).is_err());
        // Signed by the right key: only what is understood is taken.
        let token = hs256().sign_bytes(header.as_bytes(), &payload).expect("signed");
        if let Ok(jws) = verifier.verify_signature(&token) {
            let members: BTreeMap<String, Value> = jws.header().expect("an object");
            prop_assert_eq!(&members["alg"], "HS256");
            prop_assert_eq!(members.contains_key("b64"), members.contains_key("crit"));
        }
    }
}
