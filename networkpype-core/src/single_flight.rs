use std::{
    future::{Future, poll_fn},
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// Lets callers at the same time share one piece of work: the first does it, the others get a clone of its result.
///
/// A leader that is cancelled harms nobody: one of those who wait takes over, with work of its own. A caller that
/// comes after the end starts anew. Needs no runtime.
///
/// ```
/// # use networkpype_core::SingleFlight;
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let flight = SingleFlight::new();
/// let ask = |answer: u32| flight.run(move || async move { answer });
/// assert_eq!(ask(7).await, 7);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SingleFlight<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    flying: bool,
    /// How many flights have ended with a result.
    landed: u64,
    /// The last result, kept for as long as somebody waits for it.
    result: Option<T>,
    waiting: Vec<(u64, Option<Waker>)>,
    next_id: u64,
}

impl<T: Clone> SingleFlight<T> {
    /// Nobody works on anything yet.
    pub const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                flying: false,
                landed: 0,
                result: None,
                waiting: Vec::new(),
                next_id: 0,
            }),
        }
    }

    /// Does the work that `work` starts, or waits for the result of somebody who does it already.
    pub async fn run<F>(&self, work: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T>,
    {
        let lead = match self.join().await {
            Role::Follow(result) => return result,
            Role::Lead(lead) => lead,
        };
        let result = work().await;
        lead.land(result.clone());
        result
    }

    async fn join(&self) -> Role<'_, T> {
        let mut place = Place { flight: self, id: None, joined_at: 0 };
        poll_fn(|cx| {
            let mut state = self.lock();
            let id = *place.id.get_or_insert_with(|| {
                place.joined_at = state.landed;
                state.next_id += 1;
                let id = state.next_id;
                state.waiting.push((id, None));
                id
            });
            if state.landed > place.joined_at
                && let Some(result) = &state.result
            {
                return Poll::Ready(Role::Follow(result.clone()));
            }
            if !state.flying {
                state.flying = true;
                return Poll::Ready(Role::Lead(Lead { flight: self, landed: false }));
            }
            if let Some((_, waker)) = state.waiting.iter_mut().find(|(other, _)| *other == id) {
                match waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    None => *waker = Some(cx.waker().clone()),
                }
            }
            Poll::Pending
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // No code of the caller runs under the lock but `T::clone`; its panic leaves the state as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a flight, with a result or without, and wakes those who wait.
    fn end(&self, result: Option<T>) {
        let mut state = self.lock();
        state.flying = false;
        if let Some(result) = result {
            state.landed += 1;
            state.result = (!state.waiting.is_empty()).then_some(result);
        }
        let wakers: Vec<_> =
            state.waiting.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        drop(state);
        for waker in wakers {
            waker.wake();
        }
    }
}

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

enum Role<'a, T: Clone> {
    Lead(Lead<'a, T>),
    Follow(T),
}

/// The one who does the work. Dropped before it has landed, it leaves the work to another.
struct Lead<'a, T: Clone> {
    flight: &'a SingleFlight<T>,
    landed: bool,
}

impl<T: Clone> Lead<'_, T> {
    fn land(mut self, result: T) {
        self.landed = true;
        self.flight.end(Some(result));
    }
}

impl<T: Clone> Drop for Lead<'_, T> {
    fn drop(&mut self) {
        if !self.landed {
            self.flight.end(None);
        }
    }
}

/// A caller's place among those who wait, given up when dropped.
struct Place<'a, T: Clone> {
    flight: &'a SingleFlight<T>,
    id: Option<u64>,
    joined_at: u64,
}

impl<T: Clone> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut state = self.flight.lock();
        state.waiting.retain(|(other, _)| *other != id);
        if state.waiting.is_empty() {
            state.result = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Context,
    };

    use super::*;

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_piece_of_work() {
        let flight = Arc::new(SingleFlight::new());
        let runs = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (flight, runs) = (Arc::clone(&flight), Arc::clone(&runs));
                tokio::spawn(async move {
                    flight
                        .run(|| async {
                            tokio::task::yield_now().await;
                            runs.fetch_add(1, Ordering::Relaxed)
                        })
                        .await
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("task"), 0);
        }
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        assert_eq!(flight.run(|| async { 9 }).await, 9, "a later caller starts anew");
        assert!(flight.lock().result.is_none(), "nothing is kept that nobody waits for");
    }

    #[tokio::test]
    async fn a_cancelled_leader_hands_over() {
        let flight = SingleFlight::new();
        let mut follower = pin!(flight.run(|| async { 2 }));
        {
            let mut leader = pin!(flight.run(std::future::pending::<i32>));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(leader.as_mut().poll(&mut cx).is_pending());
            assert!(follower.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(follower.await, 2);
    }

    #[tokio::test]
    async fn a_cancelled_follower_leaves_no_trace() {
        let flight = SingleFlight::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut leader = Box::pin(flight.run(|| async {
            tokio::task::yield_now().await;
            1
        }));
        assert!(leader.as_mut().poll(&mut cx).is_pending());
        {
            let mut follower = pin!(flight.run(|| async { 2 }));
            assert!(follower.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(leader.await, 1);
        let state = flight.lock();
        assert!(state.waiting.is_empty() && state.result.is_none());
    }
}
