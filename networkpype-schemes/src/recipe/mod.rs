//! Signatures as data: any API's, written down in a dozen lines of TOML.

mod auth;
mod builder;
mod compile;
mod compile_request;
mod credentials;
mod entry;
mod error;

mod keys;
mod load;
mod matcher;
mod nonce;
mod operation;
mod overlay;
mod read;
#[cfg(feature = "schema")]
mod schema;
mod setters;
mod show;
mod spec;

pub use crate::entropy::Entropy;
pub use auth::RecipeAuth;
pub use builder::RecipeBuilder;
pub use credentials::{
    CallbackCredentials, CredentialProvider, Credentials, EnvCredentials, FileCredentials,
    RotatingCredentials,
};
pub use entry::{Conditional, EntrySpec, OneOrMany, ValueSpec};
pub use error::RecipeError;
#[doc(no_inline)]
pub use networkpype_auth::{Carrier, CarryTo, Endpoint, Section};
pub use spec::{
    CredentialSpec, FullCredential, LoginSpec, MatchSpec, MessageSpec, ParamsSpec, RecipeSpec,
    RequestSpec, ResyncSpec, RuleSpec, VariantSpec, WebSocketSpec,
};
