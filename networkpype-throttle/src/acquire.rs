use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use networkpype_core::{Permit, ThrottleError, Ticks};

use crate::{engine::Asked, permit::ThrottlePermit, queue::Ticket, shared::Shared};

/// A caller that wants a permit and is prepared to wait. It takes its place in the queue when it is first polled.
///
/// Dropped at any point before it gave its permit away, it leaves nothing behind: no place in the queue, no weight.
pub(crate) struct Acquire<'a> {
    shared: &'a Arc<Shared>,
    limit: &'a str,
    weight: Option<u32>,
    deadline: Option<Ticks>,
    /// Its place, while it has one.
    ticket: Option<Ticket>,
}

impl<'a> Acquire<'a> {
    pub(crate) fn new(
        shared: &'a Arc<Shared>,
        limit: &'a str,
        weight: Option<u32>,
        deadline: Option<Ticks>,
    ) -> Self {
        Self { shared, limit, weight, deadline, ticket: None }
    }

    fn leave(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.with(|engine, now| engine.cancel(ticket, now));
        }
    }
}

impl Future for Acquire<'_> {
    type Output = Result<Permit, ThrottleError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = match this.ticket {
            None => {
                let asked = this.shared.with(|engine, now| {
                    engine.ask(this.limit, this.weight, this.deadline, cx.waker(), now)
                });
                match asked {
                    Ok(Asked::Granted(grant)) => Some(Ok(grant)),
                    Ok(Asked::Waits(ticket)) => {
                        this.ticket = Some(ticket);
                        None
                    }
                    Err(error) => Some(Err(error)),
                }
            }
            Some(ticket) => {
                let answer = this.shared.with(|engine, now| engine.poll(ticket, cx.waker(), now));
                if answer.is_some() {
                    this.ticket = None;
                }
                answer
            }
        };
        if let Some(answer) = answer {
            return Poll::Ready(answer.map(|grant| ThrottlePermit::issue(this.shared, grant)));
        }
        if let Some(ticket) = this.ticket
            && let Err(error) = this.shared.ensure_driver(ticket)
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
