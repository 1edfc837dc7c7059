//! The authorization server that takes assertions of service accounts.

use networkpype_test::peers::{Kind, Peer};
use serde_json::json;

use crate::http::post_form;
use crate::jwt::{Key, jwt, now};

#[test]
fn a_service_account_is_known_by_its_assertion() {
    let Some(authlib) = Peer::start(Kind::Oauth2Authlib, &[]) else { return };
    let key = Key::es256(authlib.get("robot_key"));
    let issuer = authlib.get("issuer");
    let kid = authlib.get("robot_kid");
    let answer = |key: &Key, client: &str, subject: &str, audience: &str, expires: u64| {
        let claims = json!({"iss": client, "sub": subject, "aud": audience, "exp": expires});
        let assertion = jwt(key, json!({"kid": kid}), &claims);
        let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        post_form(&authlib, "/token", &[], &[grant, ("assertion", &assertion), ("scope", "read")])
    };
    let soon = now() + 60;
    let good = answer(&key, "robot", "user1", issuer, soon);
    assert_eq!((good.status, good.text("token_type").as_str()), (200, "Bearer"));
    for (what, wrong) in [
        ("key", answer(&Key::new_es256(), "robot", "user1", issuer, soon)),
        ("client", answer(&key, "nobody", "user1", issuer, soon)),
        ("subject", answer(&key, "robot", "user2", issuer, soon)),
        ("audience", answer(&key, "robot", "user1", "http://other", soon)),
        ("time", answer(&key, "robot", "user1", issuer, now() - 600)),
    ] {
        assert_eq!(wrong.refusal(), (400, "invalid_grant".to_owned()), "{what}");
    }
}
