use networkpype_core::{Encoding, Pair};

use super::*;
use crate::{DigestEncoding, HashAlgorithm};

/// Signs as `recipe` says; the signature is the payload itself, so that a test sees both.
fn signed(recipe: &Recipe, request: RestRequest) -> Result<RestRequest, AuthError> {
    let key = "K".into();
    let values = Values::new().key(&key).timestamp("T").nonce("7");
    recipe.sign_request(
        request,
        values,
        |payload| Ok(String::from_utf8_lossy(payload).into_owned()),
    )
}

fn wire(mut request: RestRequest) -> String {
    let body = request.body_bytes().expect("bytes");
    format!("{} {}", request.target(), String::from_utf8_lossy(&body)).trim_end().to_owned()
}

#[test]
fn what_is_placed_is_signed_and_the_signature_comes_last() {
    let recipe = Recipe::new()
        .key_in(Placement::query("k"))
        .timestamp_in(Placement::query("t").first())
        .literal_in(Placement::query("w").first(), "5")
        .sign([Part::Query, Part::Body])
        .signature_in(Placement::header("sign"));
    let request = RestRequest::post("https://h/p?b=2&a=1").form_param("f", "x y");
    let sent = signed(&recipe, request).expect("signed");
    assert_eq!(sent.headers()["sign"], "t=T&w=5&b=2&a=1&k=Kf=x+y");
    assert_eq!(wire(sent), "/p?t=T&w=5&b=2&a=1&k=K f=x+y");
}

#[test]
fn sorting_covers_what_is_placed_and_not_the_signature() {
    let recipe = Recipe::new()
        .timestamp_in(Placement::params("b"))
        .sort_params()
        .sign([Part::Query, Part::literal("|"), Part::Body])
        .signature_in(Placement::query("a"));
    let sent = signed(
        &recipe,
        RestRequest::post("https://h/p?c=1&a0=2").form_param("z", 1).form_param("x", 2),
    );
    assert_eq!(
        wire(sent.expect("signed")),
        "/p?a0=2&c=1&a=a0%3D2%26c%3D1%7Cb%3DT%26x%3D2%26z%3D1 b=T&x=2&z=1"
    );
}

#[test]
fn a_query_that_is_frozen_already_is_signed_as_it_was_handed_out() {
    let recipe = Recipe::new()
        .timestamp_in(Placement::query("t"))
        .sign(Part::Query)
        .signature_in(Placement::header("sign"));
    let mut request = RestRequest::get("https://h/p").param("a", "1");
    request.query_string();
    let sent = signed(&recipe, request.clone()).expect("it grows at its end");
    assert_eq!(sent.headers()["sign"], "a=1&t=T");
    let first = Recipe::new().timestamp_in(Placement::query("t").first()).sign(Part::Query);
    assert!(signed(&first.signature_in(Placement::header("s")), request.clone()).is_err());
    request.append_query(Pair::new("b", "2"));
    assert!(signed(&recipe.sort_params(), request).is_err());
}

#[test]
fn an_empty_body_becomes_what_the_signature_needs_before_it_is_signed() {
    let form = Recipe::new().sign([Part::Path, Part::Body]).signature_in(Placement::form("s"));
    let sent = signed(&form, RestRequest::post("https://h/p")).expect("signed");
    assert_eq!(wire(sent), "/p s=%2Fp");
    let json = Recipe::new().sign([Part::Path, Part::Body]).signature_in(Placement::json("s"));
    let sent = signed(&json, RestRequest::post("https://h/p")).expect("signed");
    assert_eq!(wire(sent), "/p {\"s\":\"/p{}\"}");
}

#[test]
fn a_header_may_be_made_of_several_parts() {
    let recipe = Recipe::new().sign([Part::Nonce, Part::Method]).place(
        Placement::header("Authorization"),
        [
            Part::literal("Bitso "),
            Part::Key,
            Part::literal(":"),
            Part::Nonce,
            Part::literal(":"),
            Part::Signature,
        ],
    );
    recipe.check_request().expect("complete");
    let sent = signed(&recipe, RestRequest::get("https://h/p")).expect("signed");
    assert_eq!(sent.headers()["authorization"], "Bitso K:7:7GET");
    assert!(sent.headers()["authorization"].is_sensitive());
}

#[test]
fn a_placed_hash_is_that_of_the_body_that_is_sent() {
    let recipe = Recipe::new()
        .place(
            Placement::header("X-Body-SHA256"),
            Part::hash_hex(HashAlgorithm::Sha256, Part::Body),
        )
        .timestamp_in(Placement::form("ts"))
        .literal_in(Placement::form("first").first(), "1")
        .sort_params()
        .sign(Part::Path)
        .signature_in(Placement::header("sign"));
    recipe.check_request().expect("complete");
    let request = RestRequest::post("https://h/p").form_param("z", 1);
    let sent = signed(&recipe, request).expect("signed");
    let hash = HashAlgorithm::Sha256.digest(b"first=1&ts=T&z=1").to_text(DigestEncoding::Hex);
    assert_eq!(sent.headers()["x-body-sha256"], hash.as_str());
    assert_eq!(wire(sent), "/p first=1&ts=T&z=1");
}

#[test]
fn a_placed_query_is_that_which_is_sent() {
    for part in [Part::QueryIn(Encoding::AsIs), Part::Query, Part::Target, Part::Url] {
        let recipe = Recipe::new()
            .place(Placement::header("X-Copy"), part.clone())
            .timestamp_in(Placement::params("b"))
            .sort_params()
            .sign(Part::header("x-copy"))
            .signature_in(Placement::header("sign"));
        recipe.check_request().expect("complete");
        let sent = signed(&recipe, RestRequest::get("https://h/p?c=1&a=2")).expect("signed");
        let copy = sent.headers()["x-copy"].to_str().expect("text").to_owned();
        assert!(copy.ends_with("a=2&b=T&c=1"), "{part:?}: {copy}");
        assert_eq!(sent.headers()["sign"], copy.as_str());
        assert_eq!(wire(sent), "/p?a=2&b=T&c=1");
    }
}

#[test]
fn a_placed_header_is_copied_after_it_was_set() {
    let recipe = Recipe::new()
        .place(Placement::header("X-Copy"), Part::header("x-time"))
        .timestamp_in(Placement::header("X-Time"))
        .sign(Part::Path)
        .signature_in(Placement::header("sign"));
    let sent = signed(&recipe, RestRequest::get("https://h/p")).expect("signed");
    assert_eq!(sent.headers()["x-copy"], "T");
}

#[test]
fn a_message_with_one_name_twice_is_not_signed() {
    let outer = Recipe::new().sign(Part::SortedFields).signature_in(Placement::json("s"));
    let inner = outer.clone().within("params");
    for (recipe, text, may) in [
        (&inner, r#"{"params":{"a":1},"params":{"a":2}}"#, false),
        (&inner, r#"{"params":{"a":1,"a":2}}"#, false),
        (&inner, r#"{"params":{"a":1,"b":2}}"#, true),
        (&outer, r#"{"a":1,"a":1}"#, false),
        (&outer, r#"{"a":1,"b":1}"#, true),
    ] {
        let message = WebSocketRequest::json_text(text);
        let signed = recipe.sign_message(message, Values::new(), |_| Ok("5ig".to_owned()));
        assert_eq!(signed.is_ok(), may, "{text}");
    }
}

#[test]
fn a_request_that_cannot_be_sent_is_not_signed() {
    let recipe = Recipe::new().sign(Part::Path).signature_in(Placement::header("s"));
    for request in [
        RestRequest::get("/relative"),
        RestRequest::get("https://h/{id}"),
        RestRequest::get("https://h/p").header("a b", "c"),
    ] {
        assert!(signed(&recipe, request).is_err());
    }
    let filled = signed(&recipe, RestRequest::get("https://h/{id}").path_param("id", "a/b"))
        .expect("signed");
    assert_eq!(filled.headers()["s"], "/a%2Fb");
}

#[test]
fn a_message_is_signed_within_its_object_and_nothing_else_changes() {
    let recipe = Recipe::new()
        .within("params")
        .key_in(Placement::json("apiKey").first())
        .timestamp_in(Placement::json_number("timestamp"))
        .sign(Part::SortedFields)
        .signature_in(Placement::json("signature"));
    recipe.check_message().expect("complete");
    let sign = |text: &str| {
        let key = "K".into();
        let values = Values::new().key(&key).timestamp("17");
        let message = WebSocketRequest::json_text(text);
        let mut message = recipe.sign_message(message, values, |payload| {
            Ok(String::from_utf8_lossy(payload).into_owned())
        })?;
        Ok::<_, AuthError>(String::from_utf8_lossy(&message.bytes()?).into_owned())
    };
    for (text, expected) in [
        (
            r#"{"id":1.0,"params":{"symbol":"é","n":1e-7},"z":[1, 2]}"#,
            r#"{"id":1.0,"params":{"apiKey":"K","symbol":"é","n":1e-7,"timestamp":17,"signature":"apiKey=K&n=1e-7&symbol=é&timestamp=17"},"z":[1, 2]}"#,
        ),
        (
            r#"{"id":1}"#,
            r#"{"id":1,"params":{"apiKey":"K","timestamp":17,"signature":"apiKey=K&timestamp=17"}}"#,
        ),
    ] {
        assert_eq!(sign(text).expect("signed"), expected);
    }
    for text in [r#"{"params":[]}"#, "[]", r#"{"params":{"timestamp":1}}"#] {
        assert!(sign(text).is_err(), "{text}");
    }
}

#[test]
fn an_expiry_is_ahead_of_the_clock() {
    let recipe =
        Recipe::new().timestamp(TimestampFormat::Seconds).expires_in(Duration::from_secs(60));
    assert_eq!(recipe.stamp(Timestamp::from_secs(1_700_000_000)), "1700000060");
}

#[test]
fn a_member_of_the_body_is_a_piece_of_the_request() {
    for (part, is_of_request) in
        [(Part::JsonMember("a".into()), true), (Part::Body, true), (Part::Uuid, false)]
    {
        let recipe = Recipe::new().sign(part).signature_in(Placement::header("sign"));
        assert_eq!(recipe.uses_request(), is_of_request);
    }
}
