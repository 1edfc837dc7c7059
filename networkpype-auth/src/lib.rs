#![doc = include_str!("../README.md")]

mod buffer;
mod canonical;
mod digest;
mod encode;
mod extension;
mod filter;
mod hash;
mod hmac_signer;
mod json_match;
#[cfg(feature = "jwt")]
mod jwt;
mod keyring;
mod list_style;
mod login;
mod message_text;
mod names;
mod nonce;
mod operation;
mod params_view;
mod part;
mod placement;
mod recipe;
mod render;
mod secret_encoding;
#[cfg(feature = "asymmetric")]
mod signing_key;
mod template;
mod timestamp;
#[cfg(feature = "token")]
pub mod token;
mod values;

pub use canonical::{join_pairs, json_plain_text, sorted_by_name};
pub use digest::Digest;
pub use encode::DigestEncoding;
pub use extension::{Endpoint, Section};
pub use filter::Filter;
pub use hash::HashAlgorithm;
pub use hmac_signer::{HmacAlgorithm, HmacSigner};
pub use json_match::{fields_are, is_error_code, is_error_field};
#[cfg(feature = "jwt")]
pub use jwt::{
    JwtAlgorithm, JwtError, JwtErrorKind, JwtKey, JwtSigner, JwtVerifier, JwtVerifierBuilder,
    VerifiedJws, VerifiedJwt,
};
pub use keyring::Keyring;
pub use list_style::{ListStyle, ObjectStyle};
pub use login::Login;
pub use message_text::MessageText;
pub use nonce::Nonce;
pub use operation::{Operation, SignFn, Signer};
pub use params_view::ParamsView;
pub use part::{Entry, Part};
pub use placement::Placement;
pub use recipe::{Carrier, CarryTo, Recipe, Sort};
pub use secret_encoding::SecretEncoding;
#[cfg(feature = "rsa-sha1")]
pub use signing_key::RsaSha1Key;
#[cfg(feature = "asymmetric")]
pub use signing_key::{KeyEncoding, PublicJwk, SignatureAlgorithm, SigningKey, VerifyingKey};
pub use template::{Template, TemplateError, TemplateNames};
pub use timestamp::TimestampFormat;
pub use values::{Subject, Values};
