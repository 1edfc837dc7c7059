use std::{error::Error as StdError, fmt, sync::Arc};

use networkpype_core::{CloseFrame, Error, ErrorKind, Outcome, WebSocketEvent};

/// Why a connection is over. Everyone who asks is told.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// In order, by either side.
    Closed(Option<CloseFrame>),
    Failed(Arc<Error>),
}

impl End {
    pub(crate) fn failed(error: impl Into<Error>) -> Self {
        Self::Failed(Arc::new(error.into()))
    }

    /// For traces, which show no text of the server.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Closed(close) => {
                format!("closed with {:?}", close.as_ref().map(CloseFrame::code))
            }
            Self::Failed(error) => error.to_string(),
        }
    }

    /// The last item of a stream.
    pub(crate) fn event(&self) -> Result<WebSocketEvent, Error> {
        match self {
            Self::Closed(close) => Ok(WebSocketEvent::Closed(close.clone())),
            Self::Failed(error) => Err(self.as_error(error.kind(), error.outcome())),
        }
    }

    /// What `receive` says once there are no more messages.
    pub(crate) fn error(&self) -> Error {
        match self {
            Self::Closed(_) => self.disconnected(Outcome::NotSent),
            Self::Failed(error) => self.as_error(error.kind(), error.outcome()),
        }
    }

    /// What became of a message that this end came before.
    pub(crate) fn disconnected(&self, outcome: Outcome) -> Error {
        self.as_error(ErrorKind::Disconnected, outcome)
    }

    fn as_error(&self, kind: ErrorKind, outcome: Outcome) -> Error {
        match self {
            Self::Closed(close) => {
                Error::new(kind, outcome, "the connection was closed").with_close(close.clone())
            }
            Self::Failed(error) => Error::new(kind, outcome, "the connection was lost")
                .with_close(error.close().cloned())
                .with_source(Cause(Arc::clone(error))),
        }
    }
}

/// A shared error as a cause: errors cannot be cloned, and everyone is to see it.
struct Cause(Arc<Error>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
