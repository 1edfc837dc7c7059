use networkpype_core::ThrottleError;
use redis::RedisError;

/// Why the store did not answer a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// There is no connection, so that nothing was asked.
    Away(String),
    /// It was asked, and did not answer or cannot serve. What was asked may have been done.
    Lost(String),
    /// It serves, and holds under these keys what no throttler wrote.
    Foreign(String),
}

impl StoreError {
    pub(crate) fn from_redis(error: &RedisError) -> Self {
        let detail = error.detail().unwrap_or_default();
        match error.code() {
            Some("WRONGTYPE") => Self::Foreign(format!("WRONGTYPE {detail}")),
            // The scripts' own words.
            Some("ERR") if detail.contains("networkpype: foreign data") => {
                Self::Foreign(detail.to_owned())
            }
            Some("ERR") => Self::Lost(format!("the server says ERR {detail}")),
            // Loading, read-only, out of memory, not permitted: the code tells, and what follows varies.
            Some(code) => Self::Lost(format!("the server says {code}")),
            // From the socket, and so without anything that the address holds.
            None => Self::Lost(error.to_string()),
        }
    }

    pub(crate) fn unintelligible() -> Self {
        Self::Lost("the script answered what it never answers".into())
    }
}

impl From<StoreError> for ThrottleError {
    fn from(error: StoreError) -> Self {
        let why = match error {
            StoreError::Away(why) | StoreError::Lost(why) => {
                format!("the shared store cannot be used: {why}")
            }
            StoreError::Foreign(why) => format!(
                "the shared store holds something else under this prefix: {}",
                why.trim_end()
            ),
        };
        Self::Unavailable(why.into())
    }
}
