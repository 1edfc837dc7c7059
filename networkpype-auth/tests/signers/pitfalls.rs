//! Mistakes that others made with tokens, one test each.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use networkpype_auth::{
    HmacAlgorithm, HmacSigner, JwtAlgorithm, JwtErrorKind, JwtKey, JwtSigner, JwtVerifier,
    SignatureAlgorithm,
};
use networkpype_core::Secret;
use serde_json::json;

use crate::{
    vectors::{committed, pem_for, pem_key, shared_key},
    verifying::{at, hs256, lenient},
};

fn token(header: &str, claims: &str) -> String {
    hs256().sign(header, claims).expect("signed")
}

fn kind(verifier: &JwtVerifier, token: &str) -> Option<JwtErrorKind> {
    verifier.verify(token).err().map(|error| error.kind())
}

#[test]
fn a_token_with_something_around_it_says_what_to_take_away() {
    let verifier = lenient().build().expect("a verifier");
    let token = token(r#"{"alg":"HS256"}"#, "{}");
    for (before, behind, hint) in [
        ("Bearer ", "", "`Bearer `"),
        ("bearer ", "\n", "`Bearer `"),
        ("", "\n", "trim it"),
        ("", "\r\n", "trim it"),
        (" ", "", "trim it"),
    ] {
        let error = verifier.verify(&format!("{before}{token}{behind}")).expect_err(hint);
        assert_eq!(error.kind(), JwtErrorKind::Malformed);
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn a_public_key_is_never_the_secret_of_an_hmac() {
    // The attack: the text of the RSA key that everybody has, used as the secret of HS256.
    let public = shared_key("rsa2048_public_pem");
    let rsa = JwtKey::from_pem(JwtAlgorithm::Rs256, &public).expect("a key");
    let hmac = HmacSigner::new(HmacAlgorithm::Sha256, &Secret::new(public.as_str()));
    let signed = [r#"{"alg":"HS256"}"#, "{}"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac.sign(signed.as_bytes())));
    let only_rsa = JwtVerifier::builder().key(rsa.clone()).expiry_optional();
    let only_rsa = only_rsa.build().expect("a verifier");
    assert_eq!(kind(&only_rsa, &forged), Some(JwtErrorKind::AlgorithmNotAccepted));
    // Also where HMACs are accepted beside it, and from one set.
    let both = lenient().key(rsa).build().expect("a verifier");
    assert_eq!(kind(&both, &forged), Some(JwtErrorKind::InvalidSignature));
    let jwk =
        pem_key(SignatureAlgorithm::RsaPkcs1Sha256, &pem_for(SignatureAlgorithm::RsaPkcs1Sha256));
    let set = Secret::new(json!({"keys": [jwk.public_jwk()]}).to_string());
    let keys = JwtKey::from_set(&[JwtAlgorithm::Hs256, JwtAlgorithm::Rs256], &set).expect("keys");
    assert!(keys.iter().all(|key| key.algorithm() == JwtAlgorithm::Rs256));
    // Nor can it be given as one by mistake.
    let error = JwtKey::with_secret(JwtAlgorithm::Hs256, &Secret::new(public)).expect_err("public");
    assert_eq!(error.to_string(), "this is a key in PEM, and a shared secret is needed");
}

#[test]
fn a_token_that_is_signed_with_nothing_is_refused() {
    let verifier = lenient().build().expect("a verifier");
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": name }).to_string());
        let valid = token(&json!({ "alg": name }).to_string(), "{}");
        for token in [format!("{header}.e30."), format!("{header}.e30.AAAA"), valid] {
            assert_eq!(kind(&verifier, &token), Some(JwtErrorKind::AlgorithmNotAccepted), "{name}");
        }
    }
    for header in [r#"{"typ":"JWT"}"#, r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#] {
        assert_eq!(
            kind(&verifier, &token(header, "{}")),
            Some(JwtErrorKind::Malformed),
            "{header}"
        );
    }
}

#[test]
fn a_list_of_algorithms_of_several_kinds_takes_tokens_of_each() {
    let mut verifier = lenient();
    let mut signers = vec![hs256()];
    for (name, algorithm) in [
        (JwtAlgorithm::Rs256, SignatureAlgorithm::RsaPkcs1Sha256),
        (JwtAlgorithm::Ps256, SignatureAlgorithm::RsaPssSha256),
        (JwtAlgorithm::Es256, SignatureAlgorithm::EcdsaP256Sha256),
        (JwtAlgorithm::EdDsa, SignatureAlgorithm::Ed25519),
    ] {
        let key = pem_key(algorithm, &pem_for(algorithm));
        let public = key.verifying_key().expect("a key");
        verifier = verifier.key(JwtKey::with_key(name, public).expect("a key"));
        signers.push(JwtSigner::with_key(name, key).expect("a key"));
    }
    let verifier = verifier.build().expect("a verifier");
    for signer in signers {
        let header = json!({"alg": signer.algorithm().as_str()}).to_string();
        let token = signer.sign(&header, "{}").expect("signed");
        let verified = verifier.verify(&token).expect("verified");
        assert_eq!(verified.algorithm(), signer.algorithm());
    }
}

#[test]
fn ecdsa_is_r_and_s_of_fixed_width_and_der_is_refused() {
    for (name, algorithm, length) in [
        (JwtAlgorithm::Es256, SignatureAlgorithm::EcdsaP256Sha256, 64),
        (JwtAlgorithm::Es384, SignatureAlgorithm::EcdsaP384Sha384, 96),
        (JwtAlgorithm::Es512, SignatureAlgorithm::EcdsaP521Sha512, 132),
        (JwtAlgorithm::Es256K, SignatureAlgorithm::EcdsaSecp256k1Sha256, 64),
    ] {
        let key = pem_key(algorithm, &pem_for(algorithm));
        let signer = JwtSigner::with_key(name, key.clone()).expect("a key");
        let verifier = JwtKey::with_key(name, key.verifying_key().expect("a key")).expect("a key");
        let verifier = JwtVerifier::builder().key(verifier).expiry_optional();
        let verifier = verifier.build().expect("a verifier");
        let token = signer.sign(&json!({"alg": name.as_str()}).to_string(), "{}").expect("signed");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).expect("base64url").len(), length);
        assert_eq!(kind(&verifier, &token), None, "{name:?}");
        let der = URL_SAFE_NO_PAD.encode(key.sign_der(signed.as_bytes()).expect("signed"));
        let token = format!("{signed}.{der}");
        assert_eq!(kind(&verifier, &token), Some(JwtErrorKind::InvalidSignature), "{name:?}");
    }
}

#[test]
fn the_bytes_of_a_payload_are_signed_as_they_are_with_their_line_ends() {
    let file = committed("jose/rfc7515_8037.json");
    let case = &file["cases"][0];
    let payload = case["payload_raw"].as_str().expect("a payload");
    assert!(payload.contains("\r\n "));
    let key = Secret::new(case["key"].to_string());
    let header = case["protected_raw"].as_str().expect("a header");
    let signer = JwtSigner::from_jwk(JwtAlgorithm::Hs256, &key).expect("a key");
    let token = signer.sign(header, payload).expect("signed");
    assert_eq!(token, case["compact"]);
    let key = JwtKey::from_jwk(JwtAlgorithm::Hs256, &key).expect("a key");
    // It ended in March 2011.
    let verifier = JwtVerifier::builder().key(key).issuer("joe").clock(at(1_300_819_379));
    let verified = verifier.build().expect("a verifier").verify(&token).expect("verified");
    assert_eq!(verified.payload(), payload.as_bytes());
}

#[test]
fn what_a_header_calls_critical_is_understood_or_refused() {
    let verifier = lenient().build().expect("a verifier");
    for header in [
        r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"HS256","crit":["b64","x"],"b64":true,"x":1}"#,
        r#"{"alg":"HS256","crit":["b64","b64"],"b64":true}"#,
        r#"{"alg":"HS256","crit":["b64"]}"#,
        r#"{"alg":"HS256","crit":["alg"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","crit":"b64","b64":true}"#,
        r#"{"alg":"HS256","crit":null}"#,
        r#"{"alg":"HS256","crit":["b64"],"b64":"false"}"#,
        // Who does not know `b64` would verify something else (RFC 7797, section 6).
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"HS256","b64":true}"#,
    ] {
        let token = token(header, "{}");
        assert_eq!(kind(&verifier, &token), Some(JwtErrorKind::CriticalHeader), "{header}");
        assert!(verifier.verify_signature(&token).is_err(), "{header}");
    }
    assert_eq!(kind(&verifier, &token(r#"{"alg":"HS256","crit":["b64"],"b64":true}"#, "{}")), None);
}

#[test]
fn an_unencoded_payload_verifies_as_a_signature_and_is_no_token() {
    let header = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;
    let verifier = lenient().build().expect("a verifier");
    let encoded = URL_SAFE_NO_PAD.encode(header);
    let signature = hs256().signature(format!("{encoded}.{{}}").as_bytes()).expect("signed");
    let jws = format!("{encoded}.{{}}.{signature}");
    assert_eq!(verifier.verify_signature(&jws).expect("verified").payload(), b"{}");
    // RFC 7797, section 7.
    assert_eq!(kind(&verifier, &jws), Some(JwtErrorKind::CriticalHeader));
    // Encoded all the same, it is another payload.
    let jws = format!("{encoded}.e30.{signature}");
    let error = verifier.verify_signature(&jws).expect_err("another payload");
    assert_eq!(error.kind(), JwtErrorKind::InvalidSignature);
}

#[test]
fn a_header_with_a_name_twice_is_refused() {
    let verifier = lenient().build().expect("a verifier");
    for header in [
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
    ] {
        assert_eq!(
            kind(&verifier, &token(header, "{}")),
            Some(JwtErrorKind::Malformed),
            "{header}"
        );
    }
    let claims = r#"{"sub":"a","sub":"b"}"#;
    let token = token(r#"{"alg":"HS256"}"#, claims);
    assert_eq!(kind(&verifier, &token), Some(JwtErrorKind::Malformed));
}

#[test]
fn a_header_that_others_add_such_as_coinbases_nonce_does_no_harm() {
    let header =
        r#"{"alg":"HS256","typ":"JWT","kid":"organizations/1","nonce":"0f","x5u":"https://evil"}"#;
    let verifier = lenient().build().expect("a verifier");
    assert_eq!(kind(&verifier, &token(header, "{}")), None);
}

#[test]
fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let evil = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    let header = JwtAlgorithm::EdDsa.header([("jwk", evil.public_jwk())]).expect("a header");
    let signer = JwtSigner::with_key(JwtAlgorithm::EdDsa, evil).expect("a key");
    let forged = signer.sign(&header, "{}").expect("signed");
    let ours = networkpype_auth::SigningKey::generate(SignatureAlgorithm::Ed25519).expect("a key");
    let ours = JwtKey::with_key(JwtAlgorithm::EdDsa, ours.verifying_key().expect("a key"));
    let verifier = lenient().key(ours.expect("a key")).build().expect("a verifier");
    assert_eq!(kind(&verifier, &forged), Some(JwtErrorKind::InvalidSignature));
}

#[test]
fn an_issuer_whose_clock_is_ahead_is_taken_within_the_leeway() {
    let now = 1_700_000_000;
    let verifier = lenient().build().expect("a verifier");
    for (times, expected) in [
        // Back-dated, as careful issuers do it.
        (json!({"iat": now - 10, "nbf": now - 10, "exp": now + 110}), None),
        (json!({"iat": now + 30, "nbf": now + 30, "exp": now + 150}), None),
        (json!({"iat": now + 90, "exp": now + 150}), Some(JwtErrorKind::NotYetValid)),
    ] {
        let token = token(r#"{"alg":"HS256"}"#, &times.to_string());
        assert_eq!(kind(&verifier, &token), expected, "{times}");
    }
}

#[test]
fn an_audience_may_be_a_text_or_a_list_and_is_never_passed_over() {
    let mine = lenient().audience("me").build().expect("a verifier");
    let nobody = lenient().build().expect("a verifier");
    for (audience, expected) in [
        (json!("me"), None),
        (json!(["you", "me"]), None),
        (json!(["you"]), Some(JwtErrorKind::WrongAudience)),
        (json!("metoo"), Some(JwtErrorKind::WrongAudience)),
        (json!([]), Some(JwtErrorKind::WrongAudience)),
    ] {
        let token = token(r#"{"alg":"HS256"}"#, &json!({ "aud": audience }).to_string());
        assert_eq!(kind(&mine, &token), expected, "{audience}");
        assert_eq!(kind(&nobody, &token), Some(JwtErrorKind::WrongAudience), "{audience}");
    }
}

#[test]
fn the_salt_of_rsassa_pss_is_as_long_as_the_digest() {
    let key = JwtKey::from_pem(JwtAlgorithm::Ps256, &shared_key("rsa2048_public_pem"));
    let verifier = JwtVerifier::builder().key(key.expect("a key")).expiry_optional();
    let verifier = verifier.build().expect("a verifier");
    let mut tokens = 0;
    for line in include_str!("fixtures/ps256_salts.txt").lines().skip(1) {
        let (length, token) = line.split_once(' ').expect("a length and a token");
        let expected = (length != "32").then_some(JwtErrorKind::InvalidSignature);
        assert_eq!(kind(&verifier, token), expected, "a salt of {length} bytes");
        tokens += 1;
    }
    assert_eq!(tokens, 4);
}

#[test]
fn a_public_key_in_json_is_no_secret_either() {
    let jwk = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    let jwk = jwk.public_jwk().to_string();
    for secret in [
        format!("\n{jwk}\n"),
        r#"{"\u006bty":"RSA","e":"AQAB","n":"AQ"}"#.to_owned(),
        r#"{"kty":"oct","k":"aHVudGVyMg"}"#.to_owned(),
        format!(r#"{{"keys":[{jwk}]}}"#),
    ] {
        let secret = Secret::new(secret);
        let error = JwtKey::with_secret(JwtAlgorithm::Hs256, &secret).expect_err("public");
        assert!(error.to_string().starts_with("this is a JSON Web Key or a set"), "{error}");
    }
    // Other text that happens to be JSON may be a secret.
    for secret in ["{}", r#"{"secret":"kty"}"#, r#""kty""#, "1"] {
        JwtKey::with_secret(JwtAlgorithm::Hs256, &secret.into()).expect(secret);
    }
}

#[test]
fn a_key_whose_name_is_no_text_is_not_one_that_fits_every_name() {
    for kid in ["7", "null", r#"["k"]"#, "true"] {
        let jwk = format!(r#"{{"kty":"oct","k":"aHVudGVyMg","kid":{kid}}}"#);
        let error = JwtKey::from_jwk(JwtAlgorithm::Hs256, &Secret::new(jwk.as_str()));
        let told = error.expect_err(kid).to_string();
        assert_eq!(told, "the member kid of the JSON Web Key is no text", "{kid}");
        // RFC 7517, section 5: the others of a set are taken.
        let set = Secret::new(format!(r#"{{"keys":[{jwk},{{"kty":"oct","k":"AQ","kid":"k"}}]}}"#));
        let keys = JwtKey::from_set(&[JwtAlgorithm::Hs256], &set).expect("a key");
        assert_eq!(keys.iter().map(JwtKey::id).collect::<Vec<_>>(), [Some("k")], "{kid}");
    }
}

#[test]
fn the_name_that_says_the_curve_is_taken_beside_eddsa_and_not_written() {
    // RFC 9864, section 2.2.
    let key = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    let signer = JwtSigner::with_key(JwtAlgorithm::EdDsa, key.clone()).expect("a key");
    for name in ["EdDSA", "Ed25519"] {
        let mut jwk = json!(key.public_jwk());
        jwk["alg"] = name.into();
        let jwk = JwtKey::from_jwk(JwtAlgorithm::EdDsa, &Secret::new(jwk.to_string()));
        let verifier = lenient().key(jwk.expect(name)).build().expect("a verifier");
        for name in ["EdDSA", "Ed25519"] {
            let token = signer.sign(&json!({ "alg": name }).to_string(), "{}").expect("signed");
            let verified = verifier.verify(&token).expect(name);
            assert_eq!(verified.algorithm(), JwtAlgorithm::EdDsa);
        }
        for name in ["Ed448", "ed25519", "ED25519"] {
            let token = signer.sign(&json!({ "alg": name }).to_string(), "{}").expect("signed");
            assert_eq!(kind(&verifier, &token), Some(JwtErrorKind::AlgorithmNotAccepted), "{name}");
        }
    }
    let header = signer.algorithm().header::<&str, &str>([]).expect("a header");
    assert_eq!(header, r#"{"alg":"EdDSA","typ":"JWT"}"#);
}

#[test]
fn an_audience_and_any_contradict_each_other() {
    for builder in
        [lenient().audience("me").any_audience(), lenient().any_audience().audience("me")]
    {
        let told = builder.build().expect_err("a contradiction").to_string();
        assert!(told.contains("`audience` and `any_audience` contradict"), "{told}");
    }
    let any = lenient().any_audience().build().expect("a verifier");
    assert_eq!(kind(&any, &token(r#"{"alg":"HS256"}"#, "{}")), None);
}
