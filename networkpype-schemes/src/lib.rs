#![cfg_attr(all(feature = "api-key", feature = "hmac"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "api-key", feature = "hmac")),
    doc = "Ready-made authentication schemes for REST and WebSocket APIs, one feature each."
)]

#[cfg(feature = "api-key")]
pub mod api_key;
#[cfg(feature = "hmac")]
pub mod hmac;
#[cfg(feature = "recipe")]
pub mod recipe;

#[cfg(feature = "api-key")]
#[doc(no_inline)]
pub use api_key::ApiKey;
#[cfg(feature = "hmac")]
#[doc(no_inline)]
pub use hmac::Hmac;
#[cfg(feature = "recipe")]
#[doc(no_inline)]
pub use recipe::RecipeAuth;

#[cfg(all(doctest, feature = "api-key", feature = "hmac"))]
#[doc = include_str!("../../docs/authentication.md")]
struct AuthenticationGuide;

#[cfg(all(doctest, feature = "recipe"))]
#[doc = include_str!("../../docs/recipes.md")]
struct RecipesGuide;
