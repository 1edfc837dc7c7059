use networkpype_core::Encoding;

use super::*;
use crate::{HashAlgorithm, TimestampFormat};

#[test]
fn a_value_that_would_not_stay_true_is_refused() {
    let hash = |part: Part| Part::hash_hex(HashAlgorithm::Sha256, part);
    let of = |part: Part, signature: Placement| {
        Recipe::new()
            .place(Placement::header("X-Hash"), hash(part))
            .sign(Part::Path)
            .signature_in(signature)
    };
    for (part, signature, stays) in [
        (Part::Body, Placement::form("s"), false),
        (Part::Body, Placement::json("s"), false),
        (Part::Body, Placement::params("s"), false),
        (Part::Body, Placement::query("s"), true),
        (Part::Query, Placement::query("s"), false),
        (Part::QueryWithMark, Placement::query("s"), false),
        (Part::QueryIn(Encoding::AsIs), Placement::params("s"), false),
        (Part::Target, Placement::query("s"), false),
        (Part::Url, Placement::query("s"), false),
        (Part::Path, Placement::query("s"), true),
        (Part::Query, Placement::form("s"), true),
        (Part::header("S"), Placement::header("s"), false),
        (Part::header("t"), Placement::header("s"), true),
    ] {
        let checked = of(part.clone(), signature.clone()).check_request();
        assert_eq!(checked.is_ok(), stays, "{part:?} {signature:?}");
    }
    let body_hash_in_query = Recipe::new()
        .place(Placement::header("X-Hash"), hash(Part::Query))
        .place(Placement::query("h"), hash(Part::Body))
        .sign(Part::Path)
        .signature_in(Placement::header("s"));
    assert!(body_hash_in_query.check_request().is_err());
    let first = Recipe::new()
        .place(Placement::query("h").first(), hash(Part::Body))
        .sign(Part::Path)
        .signature_in(Placement::header("s"));
    assert!(first.check_request().is_err());
    let itself = Recipe::new().sign(Part::header("S")).signature_in(Placement::header("s"));
    assert!(itself.check_request().is_err());
}

#[test]
fn values_that_would_overwrite_or_contradict_each_other_are_refused() {
    let complete = || Recipe::new().sign(Part::Path).signature_in(Placement::header("X-Sign"));
    for (recipe, reason) in [
        (complete().key_in(Placement::header("x-sign")), "two values"),
        (complete().key_in(Placement::query("k")).nonce_in(Placement::query("k")), "two values"),
        (complete().key_in(Placement::form("k")).nonce_in(Placement::params("k")), "two values"),
        (complete().key_in(Placement::query("k")).nonce_in(Placement::params("k")), "two values"),
        (
            complete().key_in(Placement::json("k")).nonce_in(Placement::json_number("k")),
            "two values",
        ),
        (
            complete().key_in(Placement::json("k")).nonce_in(Placement::form("n")),
            "a form and a JSON",
        ),
        (
            complete()
                .timestamp(TimestampFormat::Iso8601Secs)
                .timestamp_in(Placement::json_number("t")),
            "not an integer",
        ),
        (complete().signature_in(Placement::json_number("s")), "not an integer"),
        (complete().literal_in(Placement::json_number("w"), "5s"), "not an integer"),
    ] {
        let error = recipe.check_request().expect_err(reason);
        assert_eq!(error.kind(), AuthErrorKind::Configuration);
        assert!(error.to_string().contains(reason), "{error}");
    }
    for recipe in [
        complete().key_in(Placement::query("k")).nonce_in(Placement::form("k")),
        complete().key_in(Placement::json_number("k")).literal_in(Placement::json_number("w"), "5"),
        complete().timestamp_in(Placement::json_number("t")).signature_in(Placement::json("s")),
        complete().key_in(Placement::params("k")).timestamp_in(Placement::json("t")),
    ] {
        recipe.check_request().expect("complete");
    }
}

#[test]
fn mistakes_in_a_recipe_are_found_before_a_request_is() {
    let header = || Placement::header("s");
    let complete = || Recipe::new().sign([Part::Query, Part::Body]).signature_in(header());
    assert!(complete().check_request().is_ok());
    assert!(complete().check_handshake().is_ok());
    for (recipe, reason) in [
        (Recipe::new().signature_in(header()), "with `payload` in a recipe, or `sign` in Rust"),
        (complete().sign(Part::hash(HashAlgorithm::Sha256, Part::Signature)), "sign itself"),
        (Recipe::new().sign(Part::Path), "goes nowhere: place `{signature}`"),
        (Recipe::new().sign(Part::Query).signature_in(Placement::query("s").first()), "last"),
        (complete().key_in(Placement::header("a b")), "cannot be the name"),
        (complete().sign([Part::Timestamp, Part::Path]), "timestamp is signed and not sent"),
        (
            complete().sign(Part::hash(HashAlgorithm::Sha1, Part::Nonce)),
            "nonce is signed and not sent",
        ),
        (complete().sign(Part::SortedFields), "for WebSocket messages"),
        (complete().within("params"), "for WebSocket messages"),
    ] {
        let error = recipe.check_request().expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    }
    let signature_first =
        Recipe::new().sign(Part::Path).signature_in(Placement::query("s").first());
    assert!(signature_first.check_request().is_ok(), "what is signed does not change");
    let in_body = complete().nonce_in(Placement::form("nonce"));
    assert!(in_body.check_request().is_ok());
    assert!(in_body.check_handshake().is_err());
    let message = Recipe::new().sign(Part::SortedFields).signature_in(Placement::json("s"));
    assert!(message.check_message().is_ok());
    assert!(message.clone().key_in(header()).check_message().is_err());
    assert!(message.sign([Part::SortedFields, Part::Path]).check_message().is_err());
}
