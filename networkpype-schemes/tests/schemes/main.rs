//! The schemes as their users see them.

#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is a test's answer")]

#[cfg(feature = "api-key")]
mod api_key;
#[cfg(feature = "basic")]
mod basic;
#[cfg(feature = "bearer")]
mod bearer;
#[cfg(feature = "hmac")]
mod ccxt_vectors;
#[cfg(feature = "compose")]
mod compose_chain;
#[cfg(feature = "compose")]
mod compose_named;
#[cfg(feature = "compose")]
mod compose_router;
#[cfg(feature = "digest")]
mod digest;
#[cfg(feature = "digest")]
mod digest_challenges;
#[cfg(feature = "hmac")]
mod hmac_rest;
#[cfg(feature = "hmac")]
mod hmac_setup;
#[cfg(feature = "hmac")]
mod hmac_websocket;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "oauth1")]
mod oauth1;
#[cfg(feature = "oauth1")]
mod oauth1_flow;
#[cfg(feature = "oauth1")]
mod oauth1_mistakes;
#[cfg(feature = "oauth2")]
mod oauth2_answers;
#[cfg(feature = "oauth2")]
mod oauth2_clients;
#[cfg(feature = "dpop")]
mod oauth2_dpop;
#[cfg(feature = "oauth2")]
mod oauth2_grants;
#[cfg(feature = "oauth2")]
mod oauth2_issuer;
#[cfg(feature = "oauth2")]
mod oauth2_logins;
#[cfg(feature = "oauth2-loopback")]
mod oauth2_loopback;
#[cfg(feature = "oauth2")]
mod oauth2_refusals;
#[cfg(feature = "oauth2")]
mod oauth2_sessions;
#[cfg(feature = "oauth2")]
mod oauth2_websocket;
#[cfg(feature = "hmac")]
mod published_vectors;
#[cfg(feature = "recipe")]
mod recipe_contradictions;
#[cfg(feature = "recipe")]
mod recipe_credentials;
#[cfg(all(feature = "recipe", feature = "asymmetric"))]
mod recipe_guide;
#[cfg(all(feature = "recipe", feature = "asymmetric"))]
mod recipe_keys;
#[cfg(feature = "recipe")]
mod recipe_mistakes;
#[cfg(feature = "recipe")]
mod recipe_params;
#[cfg(feature = "recipe")]
mod recipe_rules;
#[cfg(feature = "schema")]
mod recipe_schema;
#[cfg(feature = "recipe")]
mod recipe_setup;
#[cfg(feature = "recipe")]
mod recipe_stamps;
#[cfg(feature = "recipe")]
mod recipe_text;
#[cfg(feature = "recipe")]
mod recipe_websocket;
#[cfg(feature = "hmac")]
mod recipes;
mod wire;
