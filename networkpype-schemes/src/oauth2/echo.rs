//! Has an issuer been told what it says?

use networkpype_core::{RestRequest, Secret};
use oauth2::url::form_urlencoded;

/// Parameters that hold no secret: words of the standards, and names that are public.
const PUBLIC: [&str; 11] = [
    "grant_type",
    "scope",
    "client_id",
    "redirect_uri",
    "audience",
    "resource",
    "token_type_hint",
    "subject_token_type",
    "actor_token_type",
    "requested_token_type",
    "client_assertion_type",
];

/// Whether `said` holds a secret that the request was sent with, or is a part of one. In any case: who cannot tell says yes.
pub(super) fn repeats(said: &str, sent: Option<RestRequest>, secret: Option<&Secret>) -> bool {
    let Some(mut sent) = sent else { return true };
    let is_in_header = sent
        .headers()
        .values()
        .filter(|value| value.is_sensitive())
        .any(|value| are_alike(said, &String::from_utf8_lossy(value.as_bytes())));
    let Ok(body) = sent.body_bytes() else { return true };
    is_in_header
        || secret.is_some_and(|secret| is_like(said, secret))
        || form_urlencoded::parse(&body)
            .any(|(name, value)| !PUBLIC.contains(&name.as_ref()) && are_alike(said, &value))
}

/// The same of one secret.
pub(super) fn is_like(said: &str, secret: &Secret) -> bool {
    secret.expose_str().is_none_or(|secret| are_alike(said, secret))
}

fn are_alike(said: &str, told: &str) -> bool {
    let (said, told) = (said.to_ascii_lowercase(), told.to_ascii_lowercase());
    !told.is_empty() && (said.contains(&told) || told.contains(&said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> RestRequest {
        RestRequest::post("https://auth.example.com/token")
            .body("grant_type=authorization_code&client_id=me&code=so+secret&client_secret=hush")
    }

    #[test]
    fn a_secret_and_a_part_of_one_are_repeated_and_a_public_word_is_not() {
        for (said, expected) in [
            ("hush", true),
            ("HUSH", true),
            ("hus", true),
            ("a_hush_b", true),
            ("so secret", true),
            ("in the header", true),
            ("bad_verification_code", false),
            ("authorization_code", false),
            ("me", false),
        ] {
            let secret = Secret::new("in the header");
            assert_eq!(repeats(said, Some(sent()), Some(&secret)), expected, "{said}");
        }
        assert!(repeats("anything", None, None), "nobody knows what was sent");
    }
}
