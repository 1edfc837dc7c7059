//! Keys of the wrong type are refused when the scheme is built, without a word of what they are.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use networkpype_auth::{SignatureAlgorithm, SigningKey};
use networkpype_core::RestRequest;
use networkpype_schemes::recipe::{
    Credentials, RecipeAuth, RecipeError, RecipeSpec, RotatingCredentials,
};
use serde_json::Value;

use crate::recipe_setup::sign;

fn key(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/ccxt/keys.json");
    let keys: Value = serde_json::from_str(&fs::read_to_string(path).expect("keys")).expect("JSON");
    keys[name].as_str().expect(name).to_owned()
}

fn build(algorithm: &str, key: &str) -> Result<RecipeAuth, RecipeError> {
    let text = format!(
        "credentials = ['secret']\n[request]\npayload = '{{path}}'\nheaders.S = '{{signature}}'\n{algorithm}"
    );
    let text = match algorithm.contains("jwt-") {
        true => text.replace("payload = '{path}'", "jwt-claims = [['path', '{path}']]"),
        false => text,
    };
    let recipe = RecipeSpec::from_toml(&text).expect("a recipe");
    RecipeAuth::builder(recipe).credentials(Credentials::new().with("secret", key)).build()
}

#[tokio::test]
async fn a_key_signs_with_the_algorithms_of_its_type_alone() {
    let names = ["rsa2048_pkcs8_pem", "p256_sec1_pem", "ed25519_pkcs8_pem"];
    for (algorithm, fits) in [
        ("algorithm = 'rsa-pkcs1-sha256'", Some(0)),
        ("algorithm = 'rsa-pss-sha256'", Some(0)),
        ("algorithm = 'jwt-rs256'", Some(0)),
        ("algorithm = 'ecdsa-p256-sha256'", Some(1)),
        ("algorithm = 'jwt-es256'", Some(1)),
        ("algorithm = 'ed25519'", Some(2)),
        ("algorithm = 'jwt-eddsa'", Some(2)),
        ("algorithm = 'ecdsa-p384-sha384'", None),
        ("algorithm = 'ecdsa-p521-sha512'", None),
        ("algorithm = 'jwt-es512'", None),
        ("algorithm = 'hmac-sha256'", None),
        ("algorithm = 'keyed-md5'", None),
        ("algorithm = 'jwt-hs256'", None),
    ] {
        for (index, name) in names.iter().enumerate() {
            let pem = key(name);
            match build(algorithm, &pem) {
                Ok(auth) => {
                    assert_eq!(fits, Some(index), "{algorithm} took {name}");
                    let signed = sign(&auth, RestRequest::get("https://h/p")).await;
                    assert!(signed.is_ok(), "{algorithm} {name}");
                }
                Err(error) => {
                    assert_ne!(fits, Some(index), "{algorithm} {name}: {error}");
                    assert_eq!(error.key(), "credentials");
                    let line = pem.lines().nth(1).expect("a line");
                    assert!(!error.to_string().contains(&line[..16]), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_on_p_521_signs_texts_and_tokens() {
    let key = SigningKey::generate(SignatureAlgorithm::EcdsaP521Sha512).expect("a key");
    let key = STANDARD.encode(key.to_pkcs8().expect("PKCS#8").expose_bytes());
    for algorithm in ["ecdsa-p521-sha512", "jwt-es512"] {
        let algorithm = format!("algorithm = '{algorithm}'\nkey-encoding = 'der-base64'");
        let auth = build(&algorithm, &key).expect("a key for it");
        let signed = sign(&auth, RestRequest::get("https://h/p")).await.expect("signed");
        let signature = signed.headers()["s"].to_str().expect("text");
        // 132 bytes, as hexadecimal and as base64url.
        let length = signature.rsplit('.').next().expect("a signature").len();
        assert!([2 * 132, 132 / 3 * 4].contains(&length), "{algorithm}: {length}");
    }
}

#[test]
fn a_key_is_read_in_the_encoding_that_is_said_and_in_no_other() {
    let seed = |encoding: &str| format!("algorithm = 'ed25519'\nkey-encoding = '{encoding}'");
    for (encoding, name, fits) in [
        ("seed-base64", "ed25519_seed_base64", true),
        ("seed-base64", "ed25519_seed_pub_base64", true),
        ("seed-base58", "ed25519_seed_base58", true),
        ("seed-hex", "ed25519_seed_base64", false),
        ("pem", "ed25519_seed_base64", false),
        ("pem", "ed25519_public_pem", false),
        ("seed-base64", "ed25519_pkcs8_pem", false),
        ("jwk", "ed25519_pkcs8_pem", false),
    ] {
        assert_eq!(build(&seed(encoding), &key(name)).is_ok(), fits, "{encoding} {name}");
    }
    assert!(build("algorithm = 'ed25519'", "not a key").is_err());
}

#[test]
fn a_secret_with_a_space_or_a_line_end_around_it_is_refused() {
    for algorithm in
        ["algorithm = 'hmac-sha256'", "algorithm = 'keyed-md5'", "algorithm = 'jwt-hs256'"]
    {
        for secret in ["hunter2\n", "hunter2\r\n", " hunter2", "\thunter2"] {
            let error = build(algorithm, secret).expect_err(algorithm);
            assert_eq!(error.key(), "credentials");
            let error = error.to_string();
            assert!(
                error.contains("`secret` begins or ends with a space or a line end"),
                "{error}"
            );
            assert!(error.contains("trim"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(build(algorithm, "hunter 2").is_ok(), "{algorithm}");
    }
    let filtered = "credentials = ['secret']\n[request]\nheaders.H = '{path|hmac-sha256|hex}'";
    let built = |secret: &str| {
        let recipe = RecipeSpec::from_toml(filtered).expect("a recipe");
        RecipeAuth::builder(recipe).credentials(Credentials::new().with("secret", secret)).build()
    };
    let error = built("hunter2\n").expect_err("a line end").to_string();
    assert!(error.contains("`secret` begins or ends"), "{error}");
    assert!(built("hunter2").is_ok());
}

#[tokio::test]
async fn a_private_key_that_is_no_pem_names_the_credential_and_what_else_it_may_be() {
    for algorithm in ["algorithm = 'ed25519'", "algorithm = 'jwt-eddsa'"] {
        let seed = key("ed25519_seed_base64");
        let error = build(algorithm, &seed).expect_err("a seed").to_string();
        assert!(error.contains("the credential `secret`"), "{error}");
        assert!(error.contains("`key-encoding`") && error.contains("seed-base64"), "{error}");
        assert!(!error.contains(&seed), "{error}");
    }
    let rotating =
        RotatingCredentials::new(Credentials::new().with("secret", key("ed25519_pkcs8_pem")));
    let recipe = "credentials = ['secret']\n[request]\npayload = '{path}'\nheaders.S = '{signature}'\nalgorithm = 'ed25519'";
    let recipe = RecipeSpec::from_toml(recipe).expect("a recipe");
    let auth = RecipeAuth::builder(recipe).credential_provider(rotating.clone()).build();
    let auth = auth.expect("complete");
    rotating.replace(Credentials::new().with("secret", key("ed25519_seed_base64")));
    let error = sign(&auth, RestRequest::get("https://h/p")).await.expect_err("a seed").to_string();
    assert!(
        error.contains("the credential `secret`") && error.contains("`key-encoding`"),
        "{error}"
    );
}
