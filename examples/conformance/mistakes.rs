//! What is told to somebody whose file or options have a mistake in them.

use std::path::PathBuf;

use serde_json::{Value, json};

use networkpype::{
    Method, Timestamp,
    schemes::oauth2::{DpopClaims, DpopKey},
};

use crate::{
    ccxt::Keys, digest, dpop, jose, oauth1, options::Options, pkce, published, report::Outcome,
    rest, websocket,
};

fn vectors(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(file)
}

fn options(arguments: &[&str]) -> Result<Options, String> {
    Options::read(arguments.iter().map(|argument| (*argument).to_owned()))
}

/// The first case of a file.
fn first(file: &str) -> Value {
    let text = std::fs::read_to_string(vectors(file)).expect("the vectors");
    serde_json::from_str(text.lines().next().expect("a line")).expect("JSON")
}

fn without(case: &Value, member: &str) -> Value {
    let mut case = case.clone();
    case.as_object_mut().expect("an object").remove(member);
    case
}

async fn replayed(case: &Value) -> String {
    let options = options(&["FILE"]).expect("options");
    let keys = Keys::beside(&vectors("ccxt/rest.jsonl")).expect("keys");
    let outcome = if case.get("captured").is_some() {
        websocket::replay(case, &options, &keys).await
    } else if case.get("recipe").is_some() {
        published::replay(case).await
    } else {
        rest::replay(case, &case.to_string(), &options, &keys).await
    };
    match outcome {
        Outcome::Failed(why) => why,
        Outcome::Passed | Outcome::Skipped(_) | Outcome::Refused(_) => "no failure".to_owned(),
    }
}

#[tokio::test]
async fn a_case_without_a_field_fails_and_says_which() {
    let (rest, socket) = (first("ccxt/rest.jsonl"), first("ccxt/ws.jsonl"));
    let published = json!({ "recipe": "HMAC-SHA256", "secret": "s", "payload_to_sign": "p" });
    let mut nothing_in_it = rest.clone();
    nothing_in_it["expected"] = json!({});
    for (case, missing) in [
        (without(&rest, "expected"), "`expected`"),
        (nothing_in_it, "`expected.url`"),
        (without(&rest, "clock_ms"), "`clock_ms`"),
        (without(&socket, "clock_ms"), "`clock_ms`"),
        (without(&rest, "exchange"), "`exchange`"),
        (published, "`expected`"),
    ] {
        let why = replayed(&case).await;
        assert!(why.starts_with(&format!("{missing} is missing")), "{why}");
    }
    assert_eq!(replayed(&rest).await, "no failure");
}

#[tokio::test]
async fn a_recipe_that_is_nowhere_is_asked_for() {
    let mut case = first("ccxt/rest.jsonl");
    case["exchange"] = "unknown".into();
    let why = replayed(&case).await;
    assert!(why.contains("--recipe FILE") && why.contains("--recipes DIR"), "{why}");
}

#[tokio::test]
async fn a_file_of_which_nothing_was_replayed_says_so() {
    let file = vectors("ccxt/rest.jsonl");
    let options = options(&["--tier", "unknown", "FILE"]).expect("options");
    let report = crate::replay(&file, &options).await.expect("a file of vectors");
    assert!(!report.is_success());
    assert!(report.to_string().contains("no case was replayed: all are of tiers"), "{report}");
}

#[test]
fn wrong_options_are_told_before_any_case_is_replayed() {
    let told = |arguments: &[&str]| options(arguments).err().expect("refused");
    assert!(told(&["--recipes", "no-folder", "FILE"]).starts_with("--recipes no-folder: "));
    assert!(told(&["--recipe", "no-file.toml", "FILE"]).starts_with("--recipe no-file.toml: "));
    let no_recipe = vectors("README.md").display().to_string();
    assert!(told(&["--recipe", &no_recipe, "FILE"]).starts_with("--recipe "));
    assert!(told(&[]).contains("--help"));
    let recipe = vectors("../networkpype/presets/kraken.toml").display().to_string();
    assert!(options(&["--recipe", &recipe, "FILE"]).is_ok(), "credentials come with the cases");
    assert!(options(&["--help"]).expect("options").help);
}

fn case_of(file: &str, name: &str) -> Value {
    let text = std::fs::read_to_string(vectors(file)).expect("the vectors");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let mut cases = file["cases"].as_array().expect("cases").iter();
    cases.find(|case| case["name"] == name).expect(name).clone()
}

fn with(case: &Value, path: &str, value: Value) -> Value {
    let mut case = case.clone();
    *case.pointer_mut(path).expect(path) = value;
    case
}

fn failure(outcome: Option<Outcome>) -> Option<String> {
    match outcome.expect("it is one of these") {
        Outcome::Failed(why) => Some(why),
        Outcome::Passed => None,
        Outcome::Skipped(why) | Outcome::Refused(why) => panic!("{why}"),
    }
}

#[test]
fn a_token_a_thumbprint_and_a_challenge_that_are_wrong_fail() {
    let tokens = "jose/generated_pyjwt.json";
    let es256 = case_of(tokens, "ES256-0");
    let another = case_of(tokens, "ES256-1")["expected"]["token"].clone();
    let thumbprint = case_of("jose/jwk_thumbprint.json", "rfc7638-3.1");
    let none = case_of(tokens, "neg-none");
    let hs256 = case_of(tokens, "HS256-0");
    for (case, expected) in [
        (with(&es256, "/expected/token", another), "header: expected"),
        (with(&thumbprint, "/expected/thumbprint_sha256", json!("AA")), "thumbprint: expected"),
        (with(&es256, "/expected/valid_signature", json!(false)), "it is taken, and must be"),
        (with(&hs256, "/expected/valid_signature", json!(false)), "it is taken, and must be"),
        (with(&none, "/expected/why", json!("payload swapped")), "it is refused because"),
    ] {
        let why = failure(jose::replay(&case)).expect("a failure");
        assert!(why.starts_with(expected), "{why}");
    }
    let pkce = case_of("pkce/rfc7636.json", "appendix-b");
    for case in [
        with(&pkce, "/expected/code_challenge", json!("AA")),
        with(&pkce, "/random_octets/0", json!(117)),
    ] {
        let why = failure(pkce::replay(&case)).expect("a failure");
        assert!(why.starts_with("code_"), "{why}");
    }
}

#[test]
fn what_a_token_says_itself_need_not_stand_beside_it() {
    let es256 = case_of("jose/generated_pyjwt.json", "ES256-0");
    let mut bare = json!({"key": es256["key"], "token": es256["expected"]["token"]});
    assert_eq!(failure(jose::replay(&bare)), None);
    bare["key"].as_object_mut().expect("an object").remove("d");
    assert_eq!(failure(jose::replay(&bare)), None);
}

#[test]
fn a_proof_is_held_against_all_that_its_case_says() {
    let key = DpopKey::generate().expect("a key");
    let claims = DpopClaims::new(&Method::GET, "https://h/a", Timestamp::from_secs(7));
    let claims = claims.expect("claims");
    let proof = key.proof(&claims.access_token(&"t".into()).nonce("n")).expect("a proof");
    let case = json!({
        "proof": proof,
        "method": "GET",
        "url": "https://h/a?b",
        "nonce": "n",
        "access_token": "t",
        "expected": { "valid": true, "jkt": key.thumbprint() },
    });
    let passes = |case: &Value| matches!(dpop::replay(case), Some(Outcome::Passed));
    assert!(passes(&case));
    let other = DpopKey::generate().expect("a key").thumbprint();
    let (signed, signature) = proof.rsplit_once('.').expect("a signature");
    let another = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{another}{}", &signature[1..]);
    for (pointer, value, reason) in [
        ("/method", json!("POST"), "htm"),
        ("/url", json!("https://h/b"), "htu"),
        ("/nonce", json!("m"), "nonce"),
        ("/access_token", json!("u"), "ath"),
        ("/expected/jkt", json!(other), "jkt"),
        ("/proof", json!(forged), "signature"),
    ] {
        let mut wrong = case.clone();
        *wrong.pointer_mut(pointer).expect("a member") = value;
        match dpop::replay(&wrong) {
            Some(Outcome::Failed(why)) => assert!(why.contains(reason), "{pointer}: {why}"),
            _ => panic!("{pointer} is not compared"),
        }
        wrong["expected"]["valid"] = json!(false);
        assert!(passes(&wrong), "{pointer}");
        wrong["why"] = json!(format!("the {reason} is another"));
        assert!(passes(&wrong), "{pointer}");
        wrong["why"] = json!("wrong typ");
        assert!(!passes(&wrong), "{pointer}");
    }
    let mut good = case;
    good["expected"]["valid"] = json!(false);
    assert!(matches!(dpop::replay(&good), Some(Outcome::Failed(_))));
}

/// A positive case of JSON Web Signatures, the token that it expects, and where that stands.
fn tokens() -> Vec<(Value, &'static str)> {
    let mut cases = vec![(case_of("jose/rfc7515_8037.json", "rfc7515-A.1 HS256"), "compact")];
    for name in ["HS256-0", "RS256-0", "PS256-0", "ES256-0", "EdDSA-0"] {
        cases.push((case_of("jose/generated_pyjwt.json", name), "token"));
    }
    cases
}

#[test]
fn a_token_fails_by_each_of_its_letters() {
    for (case, member) in tokens() {
        assert_eq!(failure(jose::replay(&case)), None);
        let token = case["expected"][member].as_str().expect("a token").to_owned();
        let bare = json!({ "key": case["key"], "expected": case["expected"] });
        for at in (0..token.len()).step_by(3).chain([token.len() - 1]) {
            for letter in ["A", "-", "!", "."].into_iter().filter(|it| token[at..=at] != **it) {
                let altered = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
                for case in [&case, &bare] {
                    let wrong = with(case, &format!("/expected/{member}"), json!(altered));
                    assert!(failure(jose::replay(&wrong)).is_some(), "{altered}");
                }
            }
        }
    }
}

#[test]
fn a_token_is_held_against_all_that_its_case_says_of_it() {
    let case = case_of("jose/generated_pyjwt.json", "HS256-0");
    let parts = case["expected"]["token"].as_str().expect("a token").to_owned();
    let [header, payload, signature] = parts.split('.').collect::<Vec<_>>()[..] else {
        panic!("{parts}")
    };
    for (pointer, value, expected) in [
        ("/expected/token", json!(format!("{header}.!!!.{signature}")), "payload: "),
        ("/expected/token", json!(format!("{header}..{signature}")), "payload: "),
        ("/expected/token", json!(format!("..{signature}")), "header: "),
        ("/expected/token", json!(format!("{header}.{signature}")), "it has two parts"),
        ("/expected/token", json!(format!("{payload}.{payload}.{signature}")), "header: "),
        ("/header", json!({ "alg": "HS256" }), "header: "),
        ("/claims/iss", json!("another"), "claims: "),
        ("/header_raw", json!(r#"{"alg":"HS256"}"#), "header: "),
        ("/payload_raw", json!("{}"), "payload: "),
        ("/alg", json!("HS512"), "alg: "),
    ] {
        let why = failure(jose::replay(&with(&case, pointer, value))).expect(pointer);
        assert!(why.starts_with(expected), "{pointer}: {why}");
    }
    let mut twice = case;
    twice["compact"] = json!(format!("{header}.{header}.{signature}"));
    let why = failure(jose::replay(&twice)).expect("a failure");
    assert!(why.starts_with("compact: "), "{why}");
}

#[test]
fn what_must_be_refused_fails_where_it_is_said_to_be_good() {
    let tokens = "jose/generated_pyjwt.json";
    for name in
        ["neg-empty-sig", "neg-none", "neg-payload-swap", "neg-alg-mismatch", "neg-crit-unknown"]
    {
        let case = case_of(tokens, name);
        assert_eq!(failure(jose::replay(&case)), None, "{name}");
        let good = with(&case, "/expected/valid_signature", json!(true));
        assert!(failure(jose::replay(&good)).is_some(), "{name}");
    }
    // What is signed there is no object of claims, and nothing asks for any.
    let text = case_of("jose/rfc7515_8037.json", "rfc7515-A.4 ES512");
    let mut wrong = with(&text, "/expected/valid", json!(false));
    for why in [Value::Null, json!("signature altered")] {
        wrong["expected"]["why"] = why;
        assert!(failure(jose::replay(&wrong)).is_some());
    }
    let none = case_of("jose/rfc7515_8037.json", "rfc7515-A.5 none");
    assert!(failure(jose::replay(&with(&none, "/expected/valid", json!(true)))).is_some());
    let mut late = case_of(tokens, "HS256-0");
    late["expected"]["valid"] = json!(true);
    late["expected"].as_object_mut().expect("an object").remove("valid_signature");
    for (now, is_good) in [(1_769_904_000, true), (1_869_904_000, false)] {
        late["expected_aud"] = json!("https://as.example/token");
        late["now"] = json!(now);
        assert_eq!(failure(jose::replay(&late)).is_none(), is_good, "{now}");
    }
}

#[test]
fn a_payload_that_is_left_out_of_a_signature_is_the_one_beside_it() {
    let case = case_of("jose/rfc7797.json", "rfc7797-4.2 b64=false");
    let header = case["protected_b64u"].as_str().expect("a header");
    let signature = case["expected"]["signature"].as_str().expect("a signature");
    for (payload, is_good) in [("$.02", true), ("$.03", false), ("", false)] {
        for member in ["payload", "payload_raw", "payload_signed"] {
            for expected in [
                json!({ "compact": format!("{header}..{signature}") }),
                json!({ "signature": signature }),
            ] {
                let mut case = json!({ "key": case["key"], member: payload, "expected": expected });
                case["protected_b64u"] = header.into();
                assert_eq!(failure(jose::replay(&case)).is_none(), is_good, "{member}: {payload}");
            }
        }
    }
}

#[tokio::test]
async fn a_base_string_that_plaintext_does_not_sign_is_compared_all_the_same() {
    let base = "GET&http%3A%2F%2Fh.example%2Fa&oauth_consumer_key%3Dck%26oauth_nonce%3Dn1\
                %26oauth_signature_method%3DPLAINTEXT%26oauth_timestamp%3D17%26oauth_version%3D1.0\
                %26x%3D1";
    let case = json!({
        "method": "GET",
        "url": "http://h.example/a?x=1",
        "consumer_key": "ck",
        "consumer_secret": "c&",
        "signature_method": "PLAINTEXT",
        "nonce": "n1",
        "timestamp": "17",
        "expected": { "base_string": base, "signature": "c%26&" },
    });
    assert_eq!(failure(oauth1::replay(&case).await), None);
    for (pointer, value, expected) in [
        ("/expected/base_string", json!(base.replace("x%3D1", "x%3D2")), "base_string: "),
        ("/expected/signature", json!("c%26&d"), "signature: "),
    ] {
        let why = failure(oauth1::replay(&with(&case, pointer, value)).await).expect(pointer);
        assert!(why.starts_with(expected), "{why}");
    }
}

#[test]
fn a_challenge_of_another_method_is_not_taken_for_one_of_s256() {
    let mut case = case_of("pkce/rfc7636.json", "appendix-b");
    case["expected"]["code_challenge_method"] = Value::Null;
    let mut plain = case.clone();
    plain["expected"]["code_challenge"] = case["expected"]["code_verifier"].clone();
    if plain["expected"]["code_challenge"].is_null() {
        plain["expected"]["code_challenge"] = case["code_verifier"].clone();
    }
    for (case, method, expected) in [
        (&case, json!("S256"), None),
        (&case, Value::Null, None),
        (&case, json!("s256"), Some("code_challenge_method: ")),
        (&case, json!("S512"), Some("code_challenge_method: ")),
        (&case, json!("plain"), Some("code_challenge: of the method plain")),
        (&plain, json!("S256"), Some("code_challenge: ")),
    ] {
        for in_expected in [true, false] {
            let mut case = case.clone();
            let of = if in_expected { &mut case["expected"] } else { &mut case };
            of["code_challenge_method"] = method.clone();
            let why = failure(pkce::replay(&case));
            assert_eq!(why.is_some(), expected.is_some(), "{method}: {why:?}");
            assert!(why.unwrap_or_default().starts_with(expected.unwrap_or_default()), "{method}");
        }
    }
    plain["code_challenge_method"] = json!("plain");
    assert!(matches!(pkce::replay(&plain), Some(Outcome::Skipped(_))));
    plain["expected"]["code_challenge_method"] = json!("S256");
    assert!(failure(pkce::replay(&plain)).is_some(), "the methods differ");
}

#[tokio::test]
async fn the_target_of_a_url_is_the_uri_that_is_signed() {
    let case = case_of("digest/generated.json", "authint0");
    assert_eq!(failure(digest::replay(&case).await), None);
    for url in ["http://h.example/x?y=2", "http://h.example/z?y=1", "http://h.example/x"] {
        let why = failure(digest::replay(&with(&case, "/url", json!(url))).await).expect(url);
        assert!(why.starts_with("uri: "), "{why}");
    }
    let encoded = with(&case, "/url", json!("http://h.example/%78?y=1"));
    assert_eq!(failure(digest::replay(&encoded).await), None, "the same in other letters");
    assert_eq!(failure(digest::replay(&without(&case, "url")).await), None);
}

#[test]
fn a_hash_of_a_token_that_the_case_has_not_is_the_one_in_the_proof() {
    let key = DpopKey::generate().expect("a key");
    let claims = DpopClaims::new(&Method::GET, "https://h/a", Timestamp::from_secs(7));
    let proof = key.proof(&claims.expect("claims").access_token(&"t".into())).expect("a proof");
    let ath = crate::token::json_of(&proof, 1).expect("claims")["ath"].clone();
    let case = json!({ "proof": proof, "expected": { "valid": true, "ath": ath } });
    assert_eq!(failure(dpop::replay(&case)), None);
    assert_eq!(failure(dpop::replay(&json!({ "proof": proof, "expected": {} }))), None);
    let why = failure(dpop::replay(&with(&case, "/expected/ath", json!("AA")))).expect("a failure");
    assert!(why.starts_with("ath: "), "{why}");
    let claims = DpopClaims::new(&Method::GET, "https://h/a", Timestamp::from_secs(7));
    let bare = json!(key.proof(&claims.expect("claims")).expect("a proof"));
    let why = failure(dpop::replay(&with(&case, "/proof", bare))).expect("a failure");
    assert!(why.starts_with("ath: "), "{why}");
}
