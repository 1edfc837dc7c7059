//! Recipes of any content: what is read must survive being written and read again, and what is built must sign or say why
//! not.

#![no_main]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use networkpype_core::{Auth, AuthError, Extensions, RestRequest, WebSocketHandshake, WebSocketRequest};
use networkpype_core::{ManualClock, Timestamp};
use networkpype_schemes::recipe::{Credentials, Entropy, RecipeAuth, RecipeSpec};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(recipe) = RecipeSpec::from_toml(text) else { return };
    let written = recipe.to_toml().expect("it was TOML");
    assert_eq!(RecipeSpec::from_toml(&written).expect(&written), recipe);
    let variants = recipe.variants.keys().cloned().map(Some);
    for variant in std::iter::once(None).chain(variants).take(4) {
        let mut builder = RecipeAuth::builder(recipe.clone())
            .credentials(credentials(&recipe))
            .clock(ManualClock::new(Timestamp::from_secs(1_700_000_000)))
            .entropy(Fixed)
            .sign_with(|payload, _| Ok(payload.to_vec()));
        if let Some(variant) = variant {
            builder = builder.variant(variant);
        }
        if let Ok(auth) = builder.build() {
            sign(&auth);
        }
    }
});

fn credentials(recipe: &RecipeSpec) -> Credentials {
    let declared = recipe.credentials.iter();
    declared.fold(Credentials::new(), |all, own| all.with(own.name(), "c2VjcmV0"))
}

fn sign(auth: &RecipeAuth) {
    for request in [
        RestRequest::get("https://h.example/a/b?x=1").param("y", "z z"),
        RestRequest::post("https://h.example/a").form_param("b", 1).form_param("a", "&"),
        RestRequest::post("https://h.example/{id}").path_param("id", "1").json_text(r#"{"b":[1,"x"],"a":{"c":null}}"#),
        RestRequest::post("https://h.example/"),
    ] {
        let Ok(mut signed) = now(auth.rest_authenticate(request)) else { continue };
        // What was handed out stays what is sent.
        let (target, body) = (signed.target(), signed.body_bytes());
        assert_eq!(signed.target(), target);
        assert_eq!(signed.body_bytes().ok(), body.ok());
    }
    let _ = now(auth.ws_handshake(WebSocketHandshake::new("wss://h.example/ws?a=1")));
    let _ = now(auth.ws_login(&mut Extensions::new(), None));
    let _ = now(auth.ws_authenticate(WebSocketRequest::json_text(r#"{"id":1,"params":{"b":1,"a":"x"}}"#)));
}

/// What a future gives that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("credentials are at hand"),
    }
}

struct Fixed;

impl Entropy for Fixed {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok([0xa5; 16])
    }
}
