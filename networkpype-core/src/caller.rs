use std::sync::Arc;

use async_trait::async_trait;

use crate::{Auth, BoxError, Error, RestRequest, RestResponse};

/// The whole REST pipeline as one method: what token requests, time providers and listen keys are given.
#[async_trait]
pub trait Caller: Send + Sync {
    /// Processes, limits, signs and sends `request`, and gives the response whatever its status.
    ///
    /// # Errors
    /// When there is no whole response. [`Error::outcome`] says what became of the request.
    async fn call(&self, request: RestRequest) -> Result<RestResponse, Error>;

    /// The same for a request that `signer` signs: after the wait for capacity, so that its stamps are fresh. For requests
    /// with credentials of their own, such as those for tokens; the caller's scheme, if it has one, has no part in it, and
    /// the request goes to the origin that it names and to no other. By default it is signed before it is handed to
    /// [`call`](Self::call), which is as good only where nothing is waited for.
    ///
    /// # Errors
    /// As [`call`](Self::call). When it cannot be signed ([`Auth`](crate::ErrorKind::Auth)).
    async fn call_signed(
        &self,
        request: RestRequest,
        signer: Arc<dyn Auth>,
    ) -> Result<RestResponse, Error> {
        let signed = signer.rest_authenticate(request).await?;
        self.call(signed).await
    }
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
