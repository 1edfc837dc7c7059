//! When does a connection that is up prove anew who it is, and what did the server say to that?

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use networkpype_core::{
    Auth, Error, ErrorKind, Extensions, Frame, LoginStep, Outcome, Permit, Ticks, WebSocketRequest,
    WebSocketResponse,
};

use crate::{limits::Limits, login::not_answered};

/// Renews the login of one connection, whenever its scheme asks for that.
pub(crate) struct Renewal {
    scheme: Option<Arc<Scheme>>,
    state: State,
    /// By when the server has to answer what was asked of it.
    answer_by: Ticks,
    /// How long the scheme has just thought about a message, in which nothing was read.
    thought: Duration,
}

/// What renewing needs beside the connection.
pub(crate) struct Scheme {
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) limits: Limits,
    pub(crate) timeout: Duration,
}

enum State {
    /// Nobody asks for anything.
    Idle,
    /// Until the scheme has a message, and the limits have room for it.
    Waiting(Pin<Box<dyn Future<Output = Result<Ready, Error>> + Send>>),
    Ready(Ready),
    /// The message was sent, and its answer is among those that come.
    Asked(Extensions),
    /// The scheme thinks about one of those, since then.
    Judging(Ticks),
}

/// A message that may be sent now.
pub(crate) struct Ready {
    pub(crate) frame: Frame,
    pub(crate) permit: Permit,
    session: Extensions,
    limit: Charged,
}

#[derive(Clone)]
struct Charged {
    limit: Option<networkpype_core::LimitId>,
    weight: Option<u32>,
}

/// What the scheme made of a message.
pub(crate) struct Judged {
    session: Extensions,
    step: Result<LoginStep, Error>,
}

impl Judged {
    /// Whether the message is the user's.
    pub(crate) fn passes_on(&self) -> bool {
        matches!(self.step, Ok(LoginStep::Wait))
    }
}

impl Renewal {
    /// None, for a connection that nobody has logged in.
    pub(crate) fn never() -> Self {
        let answer_by = Ticks::MAX;
        Self { scheme: None, state: State::Idle, answer_by, thought: Duration::ZERO }
    }

    /// Of the login that `session` is of.
    pub(crate) fn new(scheme: Scheme, session: Extensions) -> Self {
        let scheme = Arc::new(scheme);
        let mut renewal = Self { scheme: Some(Arc::clone(&scheme)), ..Self::never() };
        renewal.wait(scheme, session);
        renewal
    }

    /// Ready with `Ok` once there is something to write, and with an error when it is over with this login.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let State::Waiting(waiting) = &mut self.state else { return Poll::Pending };
        match waiting.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(ready)) => {
                self.state = State::Ready(ready);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => {
                self.state = State::Idle;
                Poll::Ready(Err(error))
            }
        }
    }

    /// What is to be written.
    pub(crate) fn take_ready(&mut self) -> Option<Ready> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Ready(ready) => Some(ready),
            other => {
                self.state = other;
                None
            }
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready(_))
    }

    /// The permit was taken back before it was used: waits for another.
    pub(crate) fn wait_again(&mut self, unsent: Ready) {
        let Some(scheme) = self.scheme.clone() else { return };
        let Ready { frame, session, limit, .. } = unsent;
        self.state = State::Waiting(Box::pin(async move {
            // Whoever took it back may not have looked at the time yet.
            tokio::task::yield_now().await;
            scheme.capacity(frame, session, limit).await
        }));
    }

    /// The message was handed to the socket, with this session.
    pub(crate) fn written(&mut self, session: Extensions, now: Ticks) {
        self.state = State::Asked(session);
        self.answer_by = match &self.scheme {
            Some(scheme) => now + scheme.timeout,
            None => Ticks::MAX,
        };
    }

    /// By when an answer has to come; [`Ticks::MAX`] where none is waited for.
    pub(crate) fn answer_by(&self) -> Ticks {
        self.answer_by
    }

    /// The time in which nothing was read counts for nothing, unless it was the scheme that had to be waited for.
    pub(crate) fn paused_for(&mut self, pause: Duration) {
        let pause = pause.saturating_sub(std::mem::take(&mut self.thought));
        self.answer_by = self.answer_by + pause;
    }

    pub(crate) fn is_judging(&self) -> bool {
        matches!(self.state, State::Judging(_))
    }

    pub(crate) fn not_answered(&self) -> Error {
        let timeout = self.scheme.as_ref().map_or(Duration::ZERO, |scheme| scheme.timeout);
        not_answered("the renewal of the login was not answered", timeout)
    }

    /// Shows a message to the scheme, where an answer is waited for. The scheme's word belongs into [`judged`](Self::judged).
    pub(crate) fn judge(
        &mut self,
        message: &WebSocketResponse,
        now: Ticks,
    ) -> Option<impl Future<Output = Judged> + Send + use<>> {
        let scheme = self.scheme.clone()?;
        let mut session = match std::mem::replace(&mut self.state, State::Judging(now)) {
            State::Asked(session) => session,
            other => {
                self.state = other;
                return None;
            }
        };
        let message = message.clone();
        Some(async move {
            let step = scheme.auth.ws_login(&mut session, Some(&message)).await;
            Judged { session, step: step.map_err(Error::from) }
        })
    }

    /// Goes on as the scheme says.
    ///
    /// # Errors
    /// When the connection is logged in no more.
    pub(crate) fn judged(&mut self, judged: Judged, now: Ticks) -> Result<(), Error> {
        if let State::Judging(since) = self.state {
            self.thought = now.saturating_since(since);
        }
        let Judged { session, step } = judged;
        let Some(scheme) = self.scheme.clone() else { return Ok(()) };
        match step? {
            LoginStep::Done | LoginStep::NotNeeded => {
                self.answer_by = Ticks::MAX;
                self.wait(scheme, session);
            }
            LoginStep::Send(request) => {
                self.answer_by = Ticks::MAX;
                self.state = State::Waiting(Box::pin(scheme.send(request, session)));
            }
            LoginStep::Refused(refusal) => {
                let message = "the renewal of the login was refused";
                let refused = Error::new(ErrorKind::Login, Outcome::Refused, message);
                return Err(refused.with_source(refusal));
            }
            // `Wait`, and what a later version of the seam may add.
            _ => self.state = State::Asked(session),
        }
        Ok(())
    }

    fn wait(&mut self, scheme: Arc<Scheme>, mut session: Extensions) {
        self.state = State::Waiting(Box::pin(async move {
            let request = scheme.auth.ws_renewal(&mut session).await?;
            scheme.send(request, session).await
        }));
    }
}

impl Scheme {
    async fn send(
        self: Arc<Self>,
        request: WebSocketRequest,
        session: Extensions,
    ) -> Result<Ready, Error> {
        let limit = self.limits.resolve(request.limit_choice(), self.limits.login.as_ref())?;
        let limit = Charged { limit: limit.cloned(), weight: request.limit_weight() };
        self.capacity(request.into_frame()?, session, limit).await
    }

    async fn capacity(
        &self,
        frame: Frame,
        session: Extensions,
        limit: Charged,
    ) -> Result<Ready, Error> {
        let permit = self.limits.acquire(limit.limit.as_ref(), limit.weight, None, None).await?;
        Ok(Ready { frame, permit, session, limit })
    }
}

impl Ready {
    /// What is sent, and what is to be remembered of it.
    pub(crate) fn into_parts(self) -> (Frame, Permit, Extensions) {
        (self.frame, self.permit, self.session)
    }
}
