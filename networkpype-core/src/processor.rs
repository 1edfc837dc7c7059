use async_trait::async_trait;

use crate::{BoxError, RestRequest, RestResponse, WebSocketRequest, WebSocketResponse};

macro_rules! processor {
    ($(#[$doc:meta])* $name:ident, $method:ident, $item:ty) => {
        $(#[$doc])*
        #[async_trait]
        pub trait $name: Send + Sync {
            /// Returns the item changed, or as it was.
            ///
            /// # Errors
            /// Whatever should end the call; it becomes the source of the call's error, and its text must hold no
            /// secret.
            async fn $method(&self, item: $item) -> Result<$item, BoxError>;
        }

        #[async_trait]
        impl<F> $name for F
        where
            F: Fn($item) -> Result<$item, BoxError> + Send + Sync,
        {
            async fn $method(&self, item: $item) -> Result<$item, BoxError> {
                self(item)
            }
        }
    };
}

processor! {
    /// Changes requests before they wait for capacity and are signed. Runs once per call; a closure is enough.
    ///
    /// It sees the unsigned request, and what it adds is signed. What must be fresh at each attempt belongs into
    /// [`Auth`](crate::Auth).
    #[doc(alias = "RESTPreProcessor")]
    RestPreProcessor, pre_process, RestRequest
}

processor! {
    /// Changes responses before their caller sees them. A closure is enough.
    #[doc(alias = "RESTPostProcessor")]
    RestPostProcessor, post_process, RestResponse
}

processor! {
    /// Changes messages before they wait for capacity, are signed and sent. A closure is enough.
    WebSocketPreProcessor, pre_process, WebSocketRequest
}

processor! {
    /// Changes messages that were received before their reader sees them. A closure is enough.
    WebSocketPostProcessor, post_process, WebSocketResponse
}
