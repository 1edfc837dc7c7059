//! What the benchmarks have in common: requests as traders send them, and the schemes that sign them.

#![allow(dead_code, reason = "no benchmark uses all of it")]

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use networkpype_core::{Auth, RestRequest};
use networkpype_schemes::{
    hmac::{DigestEncoding, Hmac, Part, Placement, TimestampFormat},
    recipe::{Credentials, RecipeAuth, RecipeSpec},
};

/// As long as the API's own.
pub(crate) const KEY: &str = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A";
pub(crate) const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
pub(crate) const PASSPHRASE: &str = "correct horse";

/// A key that was made for these benchmarks.
pub(crate) const P256_PEM: &str = include_str!("p256.pem");

/// The first example of RFC 8032, section 7.1.
pub(crate) const ED25519_SEED_HEX: &str =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

/// What stands before the seed in PKCS#8 (RFC 8410, section 7).
pub(crate) const ED25519_DER_HEAD_HEX: &str = "302e020100300506032b657004220420";

/// A limit order at Binance, whose parameters are a form.
pub(crate) fn binance_order() -> RestRequest {
    RestRequest::post("https://api.binance.com/api/v3/order").with_form_params(BINANCE_ORDER)
}

pub(crate) const BINANCE_ORDER: [(&str, &str); 7] = [
    ("symbol", "BTCUSDT"),
    ("side", "BUY"),
    ("type", "LIMIT"),
    ("timeInForce", "GTC"),
    ("quantity", "0.00100"),
    ("price", "60000.00"),
    ("newClientOrderId", "x-R4BD3S82-170000000000000000"),
];

/// A limit order at OKX, whose parameters are a JSON object.
pub(crate) fn okx_order() -> RestRequest {
    RestRequest::post("https://www.okx.com/api/v5/trade/order").json_object(OKX_ORDER)
}

pub(crate) const OKX_ORDER: [(&str, &str); 7] = [
    ("instId", "BTC-USDT"),
    ("tdMode", "cash"),
    ("side", "buy"),
    ("ordType", "limit"),
    ("px", "60000.0"),
    ("sz", "0.00100"),
    ("clOrdId", "R4BD3S82170000000000000000"),
];

/// What a token of Coinbase's is for.
pub(crate) fn coinbase_accounts() -> RestRequest {
    RestRequest::get("https://api.coinbase.com/api/v3/brokerage/accounts")
}

/// The scheme of a preset.
pub(crate) fn preset(preset: &str, secret: &str, variant: Option<&str>) -> RecipeAuth {
    let credentials = Credentials::new().with("key", KEY).with("secret", secret);
    let builder = RecipeAuth::builder(RecipeSpec::from_toml(preset).unwrap())
        .credentials(credentials.with("passphrase", PASSPHRASE));
    match variant {
        None => builder,
        Some(variant) => builder.variant(variant),
    }
    .build()
    .unwrap()
}

pub(crate) const BINANCE: &str = include_str!("../../../networkpype/presets/binance.toml");
pub(crate) const OKX: &str = include_str!("../../../networkpype/presets/okx.toml");
pub(crate) const COINBASE: &str = include_str!("../../../networkpype/presets/coinbase.toml");

/// What signs Binance's requests without a recipe from a file.
pub(crate) fn binance_hmac() -> Hmac {
    Hmac::builder(KEY, SECRET)
        .key_in(Placement::header("X-MBX-APIKEY"))
        .timestamp_in(Placement::params("timestamp").first())
        .literal_in(Placement::params("recvWindow").yielding(), "10000")
        .sign([Part::Query, Part::Body])
        .signature_in(Placement::params("signature"))
        .build()
        .unwrap()
}

/// What signs OKX's.
pub(crate) fn okx_hmac() -> Hmac {
    Hmac::builder(KEY, SECRET)
        .passphrase(PASSPHRASE)
        .digest(DigestEncoding::Base64)
        .timestamp(TimestampFormat::Iso8601Millis)
        .sign([Part::Timestamp, Part::Method, Part::Target, Part::Body])
        .key_in(Placement::header("OK-ACCESS-KEY"))
        .passphrase_in(Placement::header("OK-ACCESS-PASSPHRASE"))
        .timestamp_in(Placement::header("OK-ACCESS-TIMESTAMP"))
        .signature_in(Placement::header("OK-ACCESS-SIGN"))
        .build()
        .unwrap()
}

/// What a manager does to each attempt: signs a clone, and keeps the request for the next.
pub(crate) fn authenticate(auth: &dyn Auth, request: &RestRequest) -> RestRequest {
    at_once(auth.rest_authenticate(request.clone())).unwrap()
}

/// What comes of a future that waits for nothing.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}
