//! How the APIs of the vectors sign, as their documentation says it.

use std::time::Duration;

use networkpype_schemes::hmac::{
    DigestEncoding, HashAlgorithm, Hmac, HmacAlgorithm, HmacBuilder, Nonce, Part, Placement,
    Recipe, SecretEncoding, Template, TimestampFormat,
};

pub(crate) fn binance(key: &str, secret: &str) -> HmacBuilder {
    Hmac::builder(key, secret)
        .key_in(Placement::header("X-MBX-APIKEY"))
        .timestamp_in(Placement::params("timestamp"))
        .sign([Part::Query, Part::Body])
        .signature_in(Placement::params("signature"))
        .resync_on_code("-1021")
}

pub(crate) fn binance_messages() -> Recipe {
    Recipe::new()
        .within("params")
        .key_in(Placement::json("apiKey"))
        .timestamp_in(Placement::json_number("timestamp"))
        .sign(Part::SortedFields)
        .signature_in(Placement::json("signature"))
}

pub(crate) fn bitmex(key: &str, secret: &str) -> HmacBuilder {
    Hmac::builder(key, secret)
        .timestamp(TimestampFormat::Seconds)
        .expires_in(Duration::from_secs(5))
        .key_in(Placement::header("api-key"))
        .timestamp_in(Placement::header("api-expires"))
        .sign([Part::Method, Part::Target, Part::Timestamp, Part::Body])
        .signature_in(Placement::header("api-signature"))
}

pub(crate) fn bybit(key: &str, secret: &str) -> HmacBuilder {
    Hmac::builder(key, secret)
        .key_in(Placement::header("X-BAPI-API-KEY"))
        .timestamp_in(Placement::header("X-BAPI-TIMESTAMP"))
        .literal_in(Placement::header("X-BAPI-RECV-WINDOW"), "5000")
        .sign([Part::Timestamp, Part::Key, Part::literal("5000"), Part::Query, Part::Body])
        .signature_in(Placement::header("X-BAPI-SIGN"))
}

pub(crate) fn gate(key: &str, secret: &str) -> HmacBuilder {
    let body_hash = Part::hash_hex(HashAlgorithm::Sha512, Part::Body);
    Hmac::builder(key, secret)
        .algorithm(HmacAlgorithm::Sha512)
        .timestamp(TimestampFormat::Seconds)
        .key_in(Placement::header("KEY"))
        .timestamp_in(Placement::header("Timestamp"))
        .sign(Template::joined_by(
            "\n",
            [Part::Method, Part::Path, Part::Query, body_hash, Part::Timestamp],
        ))
        .signature_in(Placement::header("SIGN"))
}

pub(crate) fn kraken(key: &str, secret: &str) -> HmacBuilder {
    Hmac::builder(key, secret)
        .secret_encoding(SecretEncoding::Base64)
        .algorithm(HmacAlgorithm::Sha512)
        .digest(DigestEncoding::Base64)
        .nonce(Nonce::millis())
        .key_in(Placement::header("API-Key"))
        .nonce_in(Placement::form("nonce").first())
        .sign([Part::Path, Part::hash(HashAlgorithm::Sha256, [Part::Nonce, Part::Body])])
        .signature_in(Placement::header("API-Sign"))
}

/// `prefix` is `OK-ACCESS` on OKX, `CB-ACCESS` on Coinbase Exchange, `ACCESS` on Bitget and bitFlyer.
pub(crate) fn access(prefix: &str, key: &str, secret: &str) -> HmacBuilder {
    let header = |name: &str| Placement::header(format!("{prefix}-{name}"));
    Hmac::builder(key, secret)
        .key_in(header("KEY"))
        .timestamp_in(header("TIMESTAMP"))
        .sign([Part::Timestamp, Part::Method, Part::Target, Part::Body])
        .signature_in(header("SIGN"))
}

pub(crate) fn okx(key: &str, secret: &str, passphrase: &str) -> HmacBuilder {
    access("OK-ACCESS", key, secret)
        .digest(DigestEncoding::Base64)
        .timestamp(TimestampFormat::Iso8601Millis)
        .passphrase(passphrase)
        .passphrase_in(Placement::header("OK-ACCESS-PASSPHRASE"))
}

pub(crate) fn kucoin(key: &str, secret: &str, passphrase: &str) -> HmacBuilder {
    Hmac::builder(key, secret)
        .digest(DigestEncoding::Base64)
        .passphrase(passphrase)
        .sign_passphrase()
        .key_in(Placement::header("KC-API-KEY"))
        .literal_in(Placement::header("KC-API-KEY-VERSION"), "2")
        .passphrase_in(Placement::header("KC-API-PASSPHRASE"))
        .timestamp_in(Placement::header("KC-API-TIMESTAMP"))
        .sign([Part::Timestamp, Part::Method, Part::Target, Part::Body])
        .signature_in(Placement::header("KC-API-SIGN"))
}

/// A webhook: only the body, or the body behind other things, is signed, and no key is sent.
pub(crate) fn github(secret: &str) -> HmacBuilder {
    Hmac::builder("", secret).sign(Part::Body).place(
        Placement::header("X-Hub-Signature-256"),
        [Part::literal("sha256="), Part::Signature],
    )
}

pub(crate) fn slack(secret: &str) -> HmacBuilder {
    Hmac::builder("", secret)
        .timestamp(TimestampFormat::Seconds)
        .timestamp_in(Placement::header("X-Slack-Request-Timestamp"))
        .sign(Template::joined_by(":", [Part::literal("v0"), Part::Timestamp, Part::Body]))
        .place(Placement::header("X-Slack-Signature"), [Part::literal("v0="), Part::Signature])
}

pub(crate) fn standard_webhooks(secret: &str) -> HmacBuilder {
    Hmac::builder("", secret.trim_start_matches("whsec_"))
        .secret_encoding(SecretEncoding::Base64)
        .digest(DigestEncoding::Base64)
        .timestamp(TimestampFormat::Seconds)
        .timestamp_in(Placement::header("webhook-timestamp"))
        .sign(Template::joined_by(".", [Part::header("webhook-id"), Part::Timestamp, Part::Body]))
        .place(Placement::header("webhook-signature"), [Part::literal("v1,"), Part::Signature])
}
