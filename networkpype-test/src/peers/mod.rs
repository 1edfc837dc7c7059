//! Servers that others wrote, as judges of what our clients send.
//!
//! `networkpype-test/peers/setup.sh` installs them, and each has a starter beside that script. A
//! server ends with its [`Peer`], however the test ends: it lives as long as a pipe to it is open.
//!
//! ```no_run
//! use networkpype_test::peers::{Kind, Peer};
//!
//! // Without it there is nothing to test against. This has been said aloud, and is an error in CI.
//! let Some(oidc) = Peer::start(Kind::Oidc, &[("AT_TTL", "2")]) else { return Ok(()) };
//! let token_endpoint = oidc.url("/token");
//! let key = std::fs::read_to_string(oidc.get("pkjwt_key"))?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod browser;
mod kind;
mod log;
mod peer;
mod process;

pub use self::browser::{approve, decline};
pub use self::kind::Kind;
pub use self::peer::Peer;
