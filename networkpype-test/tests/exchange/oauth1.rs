use networkpype_test::Exchange;

use crate::client::Client;

/// What the timestamp in it says.
const NOW: i64 = 1_769_903_998_000;

/// What oauthlib 4.0.1 says of it.
const HEADER: &str = "OAuth oauth_nonce=\"7d8f3e4a09b1\", oauth_timestamp=\"1769903998\", oauth_version=\"1.0\", \
                      oauth_signature_method=\"HMAC-SHA256\", oauth_consumer_key=\"9djdj82h48djs9d2\"";

fn exchange(at: i64) -> Exchange {
    let builder = Exchange::builder().frozen_at_ms(at);
    builder.api_key("9djdj82h48djs9d2").api_secret("a&b").start()
}

/// Signed by oauthlib 4.0.1 for `POST http://exchange/oauth1/a?q=1&q=0` with the form `c=r+b`, the secret `a&b` and no
/// token.
const SIGNATURE: &str = "m24mWRvJLg2oVc7URGGfqcwyuAQ6foau8osuFMFDCBs%3D";

fn call(exchange: &Exchange, header: &str, form: &str) -> (u16, String) {
    let headers =
        [("Authorization", header), ("Content-Type", "application/x-www-form-urlencoded")];
    let mut client = Client::connect(exchange.addr());
    let answer = client.call("POST", "/oauth1/a?q=1&q=0", &headers, form);
    (answer.status, String::from_utf8(answer.body).unwrap())
}

#[test]
fn what_another_library_signed_is_taken_once_and_nothing_else_is() {
    let signed = format!("{HEADER}, oauth_signature=\"{SIGNATURE}\"");
    let refused = |problem: &str| (401, format!("oauth_problem={problem}"));
    let exchange = exchange(NOW);
    assert_eq!(call(&exchange, &signed, "c=r+c"), refused("signature_invalid"));
    assert_eq!(call(&exchange, HEADER, "c=r+b"), refused("parameter_absent"));
    assert_eq!(call(&exchange, "Basic x", "c=r+b"), refused("parameter_absent"));
    let other = signed.replace("9djdj82h48djs9d2", "other");
    assert_eq!(call(&exchange, &other, "c=r+b"), refused("consumer_key_unknown"));
    assert_eq!(call(&exchange, &signed, "c=r+b").0, 200);
    assert_eq!(call(&exchange, &signed, "c=r+b"), refused("nonce_used"));
    let late = self::exchange(NOW + 6_000);
    assert_eq!(call(&late, &signed, "c=r+b"), refused("timestamp_refused"));
}
