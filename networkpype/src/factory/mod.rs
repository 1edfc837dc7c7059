//! Managers for one API, made together: they share connections, limits, credentials and the clock.

mod builder;
mod connections;
mod context;
mod error;
mod managers;
#[cfg(feature = "ws")]
mod timely;

pub use builder::ConnectionManagersFactoryBuilder;
pub use connections::{ConnectionsFactory, ConnectionsFactoryBuilder};
pub use context::AuthContext;
pub use error::FactoryError;
pub use managers::ConnectionManagersFactory;
