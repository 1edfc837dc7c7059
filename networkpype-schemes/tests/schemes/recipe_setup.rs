//! Recipes as text, and what they are signed with.

use networkpype_core::{Auth, AuthError, RestRequest};
use networkpype_schemes::recipe::{Credentials, RecipeAuth, RecipeBuilder, RecipeSpec};

use crate::wire::{NOW_MS, body, clock_at};

pub(crate) fn credentials() -> Credentials {
    Credentials::new().with("key", "the-key").with("secret", "the-secret")
}

pub(crate) fn builder(text: &str) -> RecipeBuilder {
    let recipe = RecipeSpec::from_toml(text).expect(text);
    RecipeAuth::builder(recipe).credentials(credentials()).clock(clock_at(NOW_MS))
}

pub(crate) fn built(text: &str) -> RecipeAuth {
    builder(text).build().expect(text)
}

/// A scheme with these lines about requests, a key and a secret.
pub(crate) fn requests(lines: &str) -> RecipeAuth {
    built(&format!("credentials = ['key', 'secret']\n[request]\n{lines}"))
}

pub(crate) async fn sign(
    auth: &RecipeAuth,
    request: RestRequest,
) -> Result<RestRequest, AuthError> {
    auth.rest_authenticate(request).await
}

/// Target and body as they are sent.
pub(crate) async fn sent(auth: &RecipeAuth, request: RestRequest) -> String {
    let mut signed = sign(auth, request).await.expect("signed");
    format!("{} {}", signed.target(), body(&signed)).trim_end().to_owned()
}
