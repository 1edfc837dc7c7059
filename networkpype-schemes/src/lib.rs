#![cfg_attr(all(feature = "api-key", feature = "hmac"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "api-key", feature = "hmac")),
    doc = "Ready-made authentication schemes for REST and WebSocket APIs, one feature each."
)]

#[cfg(feature = "api-key")]
pub mod api_key;
#[cfg(feature = "basic")]
pub mod basic;
#[cfg(feature = "bearer")]
pub mod bearer;
#[cfg(any(feature = "digest", feature = "oauth1", feature = "oauth2"))]
mod challenge;
#[cfg(feature = "compose")]
pub mod compose;
#[cfg(feature = "digest")]
pub mod digest;
#[cfg(any(
    feature = "digest",
    feature = "recipe",
    feature = "jwt",
    feature = "oauth1",
    feature = "oauth2"
))]
mod entropy;
#[cfg(any(feature = "recipe", feature = "compose"))]
mod glob;
#[cfg(feature = "hmac")]
pub mod hmac;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "oauth1")]
pub mod oauth1;
#[cfg(feature = "oauth2")]
pub mod oauth2;
#[cfg(any(feature = "basic", feature = "digest"))]
mod password;
#[cfg(feature = "recipe")]
pub mod recipe;
#[cfg(any(feature = "oauth1", feature = "oauth2"))]
mod token_endpoint;
#[cfg(any(feature = "jwt", all(feature = "recipe", feature = "asymmetric")))]
mod token_text;

#[cfg(feature = "api-key")]
#[doc(no_inline)]
pub use api_key::ApiKey;
#[cfg(feature = "basic")]
#[doc(no_inline)]
pub use basic::Basic;
#[cfg(feature = "bearer")]
#[doc(no_inline)]
pub use bearer::Bearer;
#[cfg(feature = "digest")]
#[doc(no_inline)]
pub use digest::Digest;
#[cfg(feature = "hmac")]
#[doc(no_inline)]
pub use hmac::Hmac;
#[cfg(feature = "jwt")]
#[doc(no_inline)]
pub use jwt::Jwt;
#[cfg(feature = "oauth1")]
#[doc(no_inline)]
pub use oauth1::OAuth1;
#[cfg(feature = "oauth2")]
#[doc(no_inline)]
pub use oauth2::OAuth2;
#[cfg(feature = "recipe")]
#[doc(no_inline)]
pub use recipe::RecipeAuth;

#[cfg(all(
    doctest,
    feature = "api-key",
    feature = "basic",
    feature = "bearer",
    feature = "compose",
    feature = "digest",
    feature = "dpop",
    feature = "hmac",
    feature = "jwt",
    feature = "oauth1"
))]
#[doc = include_str!("../../docs/authentication.md")]
struct AuthenticationGuide;

#[cfg(all(doctest, feature = "recipe"))]
#[doc = include_str!("../../docs/recipes.md")]
struct RecipesGuide;
