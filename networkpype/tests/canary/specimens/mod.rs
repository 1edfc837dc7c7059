//! A specimen of every public type that prints.
//!
//! What is shown on purpose does not hold the canary here: names of headers, parameters, JSON members, limits and
//! placements, hosts, paths, and texts whose documentation asks for text without secrets (the message of an error, the
//! reason of a refused login).

use crate::specimen::Specimen;

mod core_errors;
mod core_messages;
mod core_seams;
mod core_words;
mod factory;
mod keys;
mod managers;
mod oauth1;
mod oauth2;
mod recipes;
mod schemes;
mod signing;
mod templates;
mod throttle;
mod time;
mod tokens;
mod transports;

pub(crate) async fn all() -> Vec<Specimen> {
    let mut all = core_words::specimens();
    all.extend(core_messages::specimens());
    all.extend(core_seams::specimens().await);
    all.extend(core_errors::specimens());
    all.extend(signing::specimens());
    all.extend(templates::specimens());
    all.extend(keys::specimens());
    all.extend(recipes::specimens());
    all.extend(schemes::specimens());
    all.extend(transports::specimens());
    all.extend(managers::specimens());
    all.extend(factory::specimens());
    all.extend(throttle::specimens());
    all.extend(time::specimens().await);
    all.extend(oauth1::specimens());
    all.extend(oauth2::specimens().await);
    all.extend(tokens::specimens().await);
    all
}
