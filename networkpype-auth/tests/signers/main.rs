//! Asymmetric keys and tokens through the public API, with published vectors, and with aws-lc-rs as the verifier.

#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a test's answer")]

mod jose;
mod key_forms;
mod key_mistakes;
mod pitfalls;
mod public_jwks;
#[cfg(feature = "rsa-sha1")]
mod rsa_sha1;
mod signatures;
mod vectors;
mod verifying;
mod verifying_keys;
