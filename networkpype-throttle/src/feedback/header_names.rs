//! The headers that some rule reads, for tests and fuzzers to fill.

pub(crate) const NAMES: [&str; 11] = [
    "x-used",
    "x-ratelimit-remaining",
    "x-ratelimit-limit",
    "x-ratelimit-reset",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-limit",
    "ratelimit-reset",
    "retry-after",
    "date",
];
