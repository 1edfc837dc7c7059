//! The crate `networkpype-auth`: templates, placements, signers.

use networkpype_auth::{
    DigestEncoding, HashAlgorithm, HmacAlgorithm, HmacSigner, Login, MessageText, Nonce, Part,
    Placement, Recipe, SecretEncoding, Subject, Template, TimestampFormat, Values,
};
use networkpype_core::{AuthError, RestRequest, Secret, WebSocketRequest};

use super::core_messages::{form_request, members};
use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    let secret = Secret::new(CANARY);
    let mut request = form_request();
    let members = members();
    specimens! {
        debug networkpype_auth::Digest => [HashAlgorithm::Sha256.digest(CANARY.as_bytes())];
        debug networkpype_auth::DigestEncoding => [DigestEncoding::Hex];
        debug networkpype_auth::HashAlgorithm => [HashAlgorithm::Sha1];
        debug networkpype_auth::HmacAlgorithm => [HmacAlgorithm::Sha512];
        debug networkpype_auth::HmacSigner => [HmacSigner::new(HmacAlgorithm::Sha256, &secret)];
        debug networkpype_auth::Login => [login(), Login::new(&format!("{{\"key\":\"{CANARY}"))];
        debug networkpype_auth::MessageText => [MessageText::parse(&login_text()).expect("JSON")];
        debug networkpype_auth::Nonce => [Nonce::millis()];
        debug networkpype_auth::Part => parts();
        debug networkpype_auth::Placement => [Placement::header("X-Key")];
        debug networkpype_auth::Recipe => [recipe(), recipe().place(Placement::header("X-More"), parts())];
        debug networkpype_auth::SecretEncoding => [SecretEncoding::Base64];
        debug networkpype_auth::Subject<'_> => [Subject::Fields(&members), Subject::Request(&mut request)];
        debug networkpype_auth::Template => [Template::from(parts().to_vec()), Template::joined_by(CANARY, parts())];
        debug networkpype_auth::TimestampFormat => [TimestampFormat::Millis];
        debug networkpype_auth::Values<'_> => [values(&secret)];
    }
}

/// What is written into a text for good may be a token.
fn parts() -> [Part; 3] {
    [
        Part::literal(CANARY),
        Part::header("X-Key"),
        Part::hash_hex(HashAlgorithm::Sha256, [Part::literal(CANARY), Part::Body]),
    ]
}

fn values(secret: &Secret) -> Values<'_> {
    Values::new().key(secret).passphrase(secret).timestamp(CANARY).nonce(CANARY).signature(CANARY)
}

fn login_text() -> String {
    format!("{{\"op\":\"login\",\"token\":\"{CANARY}\",\"sign\":\"{{signature}}\"}}")
}

pub(crate) fn login() -> Login {
    let secret = Secret::new(CANARY);
    Login::new(&login_text())
        .sign([Part::literal(CANARY)])
        .accepted_when(move |received| received.bytes() == secret.expose_bytes())
        .refused_when(|received| received.text() == CANARY)
        .refusal_code("code")
        .limit("logins")
}

pub(crate) fn recipe() -> Recipe {
    Recipe::new()
        .literal_in(Placement::json("token"), CANARY)
        .place(Placement::json("more"), [Part::literal(CANARY), Part::Key])
        .sign(Part::literal(CANARY))
        .signature_in(Placement::json("sign"))
}

/// Mistakes that are made while a key, a passphrase or a signature is at hand.
pub(crate) fn errors() -> Vec<AuthError> {
    let secret = Secret::new(CANARY);
    let binary = Secret::new([CANARY.as_bytes(), b"\xff\n"].concat());
    let mut errors = Vec::new();
    for encoding in [SecretEncoding::Base64, SecretEncoding::Hex, SecretEncoding::Base58] {
        errors.extend(encoding.decode(&secret).err());
    }
    let request = || form_request().header("x-key", CANARY);
    let places = [
        Placement::header("x-key"),
        Placement::query("typed"),
        Placement::form("password"),
        Placement::params("password"),
        Placement::params("key"),
        Placement::json("key"),
        Placement::json_number("key"),
        Placement::query(""),
    ];
    for at in places {
        let recipe = Recipe::new().key_in(at).sign(Part::Body).signature_in(Placement::header("s"));
        for key in [&secret, &binary] {
            let sign = |_: &[u8]| Ok(CANARY.to_owned());
            let message = WebSocketRequest::json_object([("key", CANARY)]);
            errors.extend(recipe.check_request().err());
            errors.extend(recipe.sign_request(request(), values(key), sign).err());
            errors.extend(recipe.sign_message(message, values(key), sign).err());
        }
        let empty = RestRequest::post("https://h/").json_text("{}");
        let sign = |_: &[u8]| Ok(CANARY.to_owned());
        errors.extend(recipe.sign_request(empty, values(&secret), sign).err());
    }
    let texts = [CANARY.to_owned(), format!("{{\"key\":\"{CANARY}\""), login_text() + CANARY];
    errors.extend(texts.iter().filter_map(|text| MessageText::parse(text).err()));
    errors.extend(Login::new(CANARY).check().err());
    let text = MessageText::parse(r#"{"key":"{key}"}"#).expect("JSON");
    errors.extend(text.fill(&values(&binary)).err());
    errors.extend(super::keys::errors());
    errors.extend(super::schemes::errors());
    assert!(errors.len() > 20, "{errors:?}");
    errors
}
