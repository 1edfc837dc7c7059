//! The life of a token: had once for everybody, renewed before it ends, kept where it survives the program.

mod cache;
mod cache_builder;
mod change;
mod entry;
mod error;
mod file_lock;
mod file_store;
mod flight;
mod life;
mod renewal;
mod store;
mod value;
mod written;

pub use cache::TokenCache;
pub use cache_builder::TokenCacheBuilder;
pub use error::{TokenError, TokenErrorKind};
pub use file_store::FileTokenStore;
pub use store::{MemoryTokenStore, TokenLock, TokenStore};
pub use value::{
    Lifetime, ObtainedToken, StoredToken, TOKEN_TIME_LIMIT, Token, TokenKey, TokenSource,
};
