use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use networkpype_core::{ThrottleError, Ticks};

use crate::{
    engine::{Asked, Engine, Grant, Stage, Wish},
    queue::{Ticket, Waiter},
    shared::Shared,
};

/// A caller that wants to go and is prepared to wait. It takes its place in the queue when it is first polled.
///
/// Dropped at any point before it gave its grant away, it leaves nothing behind: no place in the queue, no weight.
pub(crate) struct Acquire<'a> {
    shared: &'a Arc<Shared>,
    wish: Wish<'a>,
    deadline: Option<Ticks>,
    /// Whether it starts at the instant at which it is polled for its grant.
    starts: bool,
    /// Its place, while it has one.
    ticket: Option<Ticket>,
}

impl<'a> Acquire<'a> {
    pub(crate) fn new(shared: &'a Arc<Shared>, wish: Wish<'a>, deadline: Option<Ticks>) -> Self {
        Self { shared, wish, deadline, starts: false, ticket: None }
    }

    /// The same, which starts at once.
    pub(crate) fn started(self) -> Self {
        Self { starts: true, ..self }
    }

    /// Asks, or asks how things stand. `None`: it waits.
    fn ask(
        &mut self,
        engine: &mut Engine,
        cx: &mut Context<'_>,
        now: Ticks,
    ) -> Option<Result<(Grant, Ticks), ThrottleError>> {
        loop {
            let asked = self.ticket;
            let answer = match asked {
                None => match engine.ask(self.wish, self.deadline, cx.waker(), now) {
                    Ok(Asked::Granted(grant)) => Ok(grant),
                    Ok(Asked::Waits(ticket)) => {
                        self.ticket = Some(ticket);
                        return None;
                    }
                    Err(error) => Err(error),
                },
                Some(ticket) => {
                    let answer = engine.poll(ticket, cx.waker(), now)?;
                    self.ticket = None;
                    answer
                }
            };
            let cost = match answer {
                Ok(Some(cost)) if self.starts => cost,
                Ok(None) => return Some(engine.check_ban_of_all(now).map(|()| (None, now))),
                answer => return Some(answer.map(|grant| (grant, now))),
            };
            let refused = match engine.start(&cost, now) {
                Ok(()) => return Some(Ok((Some(cost), now))),
                Err(refused) => refused,
            };
            if !matches!(refused, ThrottleError::NotYet { .. }) {
                engine.give_back(&cost, Stage::Granted, now);
                return Some(Err(refused));
            }
            // A pause began between the grant and now. It is waited for like any other, in the old place.
            let waiter = Waiter {
                cost,
                weight: self.wish.weight,
                deadline: self.deadline,
                waker: cx.waker().clone(),
            };
            self.ticket = Some(engine.take_back(asked, waiter, now));
        }
    }

    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.with(|engine, now| engine.cancel(ticket, now));
        }
    }
}

impl Future for Acquire<'_> {
    /// What was granted, and when it was polled for that.
    type Output = Result<(Grant, Ticks), ThrottleError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let shared = this.shared;
        if let Some(answer) = shared.with(|engine, now| this.ask(engine, cx, now)) {
            return Poll::Ready(answer);
        }
        if let Some(ticket) = this.ticket
            && let Err(error) = shared.ensure_driver(ticket)
        {
            this.leave();
            return Poll::Ready(Err(error));
        }
        Poll::Pending
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
