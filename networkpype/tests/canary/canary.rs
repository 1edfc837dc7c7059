//! The secret that must not appear, and the ways in which it could.

/// What stands wherever a secret may stand.
pub(crate) const CANARY: &str = "c4nary-s3cret";

/// The canary as text, as the list of bytes that a derived `Debug` of a `Vec<u8>` prints, as hex, and as base64 behind
/// zero, one or two other bytes (modulo three): a `Basic` credential is `user:password`.
const FORMS: [&str; 6] = [
    CANARY,
    "99,52,110,97,114,121,45,115,51,99,114,101,116",
    "63346e6172792d733363726574",
    "YzRuYXJ5LXMzY3Jld",
    "M0bmFyeS1zM2NyZX",
    "jNG5hcnktczNjcmV0",
];

/// Whether `text` holds the canary, in whichever form.
pub(crate) fn shows_canary(text: &str) -> bool {
    // `{:#?}` puts each byte of a list on a line of its own.
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    FORMS.iter().any(|form| dense.contains(form))
}

#[test]
fn the_canary_is_found_in_every_form() {
    let bytes = CANARY.as_bytes().to_vec();
    for shown in [
        format!("{CANARY:?}"),
        format!("{bytes:?}"),
        format!("{bytes:#?}"),
        "63346e6172792d733363726574".to_owned(),
        // What `Basic` sends of an empty user, of `u` and of `me`, and the secret alone.
        "OmM0bmFyeS1zM2NyZXQ=".to_owned(),
        "YzRuYXJ5LXMzY3JldA==".to_owned(),
        "dTpjNG5hcnktczNjcmV0".to_owned(),
        "bWU6YzRuYXJ5LXMzY3JldA==".to_owned(),
    ] {
        assert!(shows_canary(&shown), "{shown}");
    }
    assert!(!shows_canary("[redacted]"));
}
