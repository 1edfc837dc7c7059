use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use networkpype_core::{
    Auth, CloseFrame, Error, ErrorKind, Extensions, Frame, LoginStep, Outcome, Progress,
    ThrottleError, Ticker, TransportError, TransportErrorKind, WebSocketChannel, WebSocketResponse,
};

use crate::{limits::Limits, timer::until};

/// What a login needs beside the connection.
pub(crate) struct Login<'a> {
    pub(crate) auth: &'a Arc<dyn Auth>,
    pub(crate) limits: &'a Limits,
    pub(crate) ticker: &'a Arc<dyn Ticker>,
    pub(crate) timeout: Duration,
    /// Whether credentials may go where the connection leads, asked only if there are some to send.
    pub(crate) allowed: Result<(), Error>,
}

impl Login<'_> {
    /// Exchanges messages until the scheme is content. Nobody else reads or writes meanwhile.
    pub(crate) async fn run(
        self,
        channel: &mut WebSocketChannel,
        session: &mut Extensions,
    ) -> Result<(), Error> {
        let (ticker, timeout) = (self.ticker, self.timeout);
        let deadline = ticker.now() + timeout;
        until(ticker, deadline, self.exchange(channel, session, deadline))
            .await
            .unwrap_or_else(|| Err(not_answered("the login was not answered", timeout)))
    }

    async fn exchange(
        self,
        channel: &mut WebSocketChannel,
        session: &mut Extensions,
        deadline: networkpype_core::Ticks,
    ) -> Result<(), Error> {
        let mut allowed = self.allowed;
        let mut step = self.auth.ws_login(session, None).await?;
        loop {
            match step {
                LoginStep::NotNeeded | LoginStep::Done => return Ok(()),
                LoginStep::Refused(refusal) => {
                    let refused =
                        Error::new(ErrorKind::Login, Outcome::Refused, "the login was refused");
                    return Err(refused.with_source(refusal));
                }
                LoginStep::Send(request) => {
                    std::mem::replace(&mut allowed, Ok(()))?;
                    let limit =
                        self.limits.resolve(request.limit_choice(), self.limits.login.as_ref())?;
                    let weight = request.limit_weight();
                    let limit = limit.cloned();
                    let frame = request.into_frame()?;
                    let permit = loop {
                        let permit =
                            self.limits.acquire(limit.as_ref(), weight, None, Some(deadline));
                        let mut permit = permit.await?;
                        match permit.started() {
                            Ok(()) => break permit,
                            // The server asked for a pause after the permit was given.
                            Err(ThrottleError::NotYet { .. }) => tokio::task::yield_now().await,
                            Err(refusal) => return Err(refusal.into()),
                        }
                    };
                    channel.sink.send(frame).await?;
                    drop(permit);
                }
                // `Wait`, and what a later version of the seam may add: nothing to do but to listen.
                _ => {}
            }
            let message = next_message(channel).await?;
            step = self.auth.ws_login(session, Some(&message)).await?;
        }
    }
}

/// The next message; pings are answered meanwhile.
async fn next_message(channel: &mut WebSocketChannel) -> Result<WebSocketResponse, Error> {
    loop {
        match channel.stream.next().await {
            Some(Ok(Frame::Text(bytes))) => return Ok(WebSocketResponse::from_text(bytes)),
            Some(Ok(Frame::Binary(bytes))) => return Ok(WebSocketResponse::from_binary(bytes)),
            Some(Ok(Frame::Ping(payload))) => channel.sink.send(Frame::Pong(payload)).await?,
            Some(Ok(Frame::Close(close))) => return Err(closed(close)),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Err(closed(None)),
        }
    }
}

/// The server was asked, and said nothing for so long.
pub(crate) fn not_answered(message: &'static str, timeout: Duration) -> Error {
    Error::new(ErrorKind::Login, Outcome::Unknown, message).with_source(TransportError::new(
        TransportErrorKind::Timeout,
        Progress::Sent,
        format!("timed out after {timeout:?}"),
    ))
}

fn closed(close: Option<CloseFrame>) -> Error {
    Error::new(
        ErrorKind::Login,
        Outcome::Unknown,
        "the connection was closed before the login was answered",
    )
    .with_close(close)
}
