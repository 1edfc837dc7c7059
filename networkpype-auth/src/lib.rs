#![doc = include_str!("../README.md")]

mod buffer;
mod canonical;
mod digest;
mod encode;
mod hash;
mod hmac_signer;
mod json_match;
#[cfg(feature = "jwt")]
mod jwt;
mod login;
mod message_text;
mod names;
mod nonce;
mod part;
mod placement;
mod recipe;
mod render;
mod secret_encoding;
#[cfg(feature = "asymmetric")]
mod signing_key;
mod template;
mod timestamp;
mod values;

pub use canonical::{join_pairs, json_plain_text, sorted_by_name};
pub use digest::Digest;
pub use encode::DigestEncoding;
pub use hash::HashAlgorithm;
pub use hmac_signer::{HmacAlgorithm, HmacSigner};
pub use json_match::{fields_are, is_error_code, is_error_field};
#[cfg(feature = "jwt")]
pub use jwt::{JwtAlgorithm, JwtSigner};
pub use login::Login;
pub use message_text::MessageText;
pub use nonce::Nonce;
pub use part::Part;
pub use placement::Placement;
pub use recipe::Recipe;
pub use secret_encoding::SecretEncoding;
#[cfg(feature = "asymmetric")]
pub use signing_key::{KeyEncoding, SignatureAlgorithm, SigningKey};
pub use template::Template;
pub use timestamp::TimestampFormat;
pub use values::{Subject, Values};
