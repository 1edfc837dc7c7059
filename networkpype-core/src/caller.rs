use async_trait::async_trait;

use crate::{BoxError, Error, RestRequest, RestResponse};

/// The whole REST pipeline as one method: what token requests, time providers and listen keys are given.
#[async_trait]
pub trait Caller: Send + Sync {
    /// Processes, limits, signs and sends `request`, and gives the response whatever its status.
    ///
    /// # Errors
    /// When there is no whole response. [`Error::outcome`] says what became of the request.
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error>;
}

/// Learns the server's time anew, after a rejection that a wrong clock may have caused.
#[async_trait]
pub trait Resync: Send + Sync {
    /// Asks the server. Callers at the same time share one question.
    ///
    /// # Errors
    /// When the server did not answer.
    async fn resync(&self) -> Result<(), BoxError>;
}
