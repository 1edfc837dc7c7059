use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use networkpype_core::{Error, WebSocketResponse};

use crate::end::End;

/// What one message became: itself, or the failure of a processor.
pub(crate) type Item = Result<WebSocketResponse, Error>;

/// The bounded queue between a connection and its readers.
///
/// The task that reads the socket fills it and stops reading when it is full. A message is taken in the same poll that
/// returns it, so a reader that is cancelled loses nothing; each message goes to one reader, and all learn the end.
pub(crate) struct Inbox {
    state: Mutex<State>,
    capacity: usize,
}

struct State {
    items: VecDeque<Item>,
    end: Option<End>,
    /// Readers that wait, each under its own number.
    waiting: Vec<(u64, Waker)>,
    next_reader: u64,
    /// The filling side, when it waits for room.
    filler: Option<Waker>,
}

/// What a reader finds.
pub(crate) enum Received {
    Item(Item),
    End(End),
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            end: None,
            waiting: Vec::new(),
            next_reader: 0,
            filler: None,
        };
        Self { state: Mutex::new(state), capacity }
    }

    /// Ready when there is room for one more.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.items.len() < self.capacity {
            return Poll::Ready(());
        }
        state.filler = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Adds `item`, even where there is no room: only the one filler asks for room.
    pub(crate) fn push(&self, item: Item) {
        let waiting = {
            let mut state = self.lock();
            state.items.push_back(item);
            std::mem::take(&mut state.waiting)
        };
        wake(waiting);
    }

    /// Says that nothing follows. The first reason stays.
    pub(crate) fn end(&self, end: End) {
        let waiting = {
            let mut state = self.lock();
            state.end.get_or_insert(end);
            std::mem::take(&mut state.waiting)
        };
        wake(waiting);
    }

    /// Why it is over, if it is.
    pub(crate) fn ended(&self) -> Option<End> {
        self.lock().end.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waiting: Vec<(u64, Waker)>) {
    for (_, waker) in waiting {
        waker.wake();
    }
}

/// One who takes messages. Dropping it leaves every message in its place.
pub(crate) struct Reader {
    inbox: Arc<Inbox>,
    /// Given when it has to wait for the first time.
    number: Option<u64>,
}

impl Reader {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, number: None }
    }

    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Received> {
        let mut state = self.inbox.lock();
        if let Some(item) = state.items.pop_front() {
            // Half empty, so that the filler is not woken for every single message.
            let filler = match state.items.len() <= self.inbox.capacity / 2 {
                true => state.filler.take(),
                false => None,
            };
            drop(state);
            if let Some(filler) = filler {
                filler.wake();
            }
            return Poll::Ready(Received::Item(item));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(Received::End(end.clone()));
        }
        let own = *self.number.get_or_insert_with(|| {
            state.next_reader += 1;
            state.next_reader
        });
        match state.waiting.iter_mut().find(|(number, _)| *number == own) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => state.waiting.push((own, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(own) = self.number {
            self.inbox.lock().waiting.retain(|(number, _)| *number != own);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(std::sync::atomic::AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(std::sync::atomic::Ordering::SeqCst)
        }
    }

    fn text(text: &'static str) -> Item {
        Ok(WebSocketResponse::from_text(text))
    }

    fn taken(reader: &mut Reader) -> Option<String> {
        match reader.poll(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Received::Item(item)) => Some(item.expect("message").text().into_owned()),
            Poll::Ready(Received::End(_)) => Some("end".to_owned()),
            Poll::Pending => None,
        }
    }

    #[test]
    fn the_filler_is_woken_when_half_was_taken() {
        let inbox = Arc::new(Inbox::new(4));
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut reader = Reader::new(Arc::clone(&inbox));
        for item in ["a", "b", "c", "d"] {
            assert!(inbox.poll_room(&Context::from_waker(&waker)).is_ready());
            inbox.push(text(item));
        }
        assert!(inbox.poll_room(&Context::from_waker(&waker)).is_pending());
        assert_eq!(taken(&mut reader).as_deref(), Some("a"));
        assert_eq!(count.get(), 0);
        assert_eq!(taken(&mut reader).as_deref(), Some("b"));
        assert_eq!(count.get(), 1);
    }

    #[test]
    fn a_reader_that_went_away_leaves_nothing_behind_and_takes_nothing() {
        let inbox = Arc::new(Inbox::new(4));
        for _ in 0..1_000 {
            let mut reader = Reader::new(Arc::clone(&inbox));
            assert_eq!(taken(&mut reader), None);
        }
        assert!(inbox.lock().waiting.is_empty());
        inbox.push(text("a"));
        inbox.end(End::Closed(None));
        let mut readers = [Reader::new(Arc::clone(&inbox)), Reader::new(Arc::clone(&inbox))];
        assert_eq!(taken(&mut readers[0]).as_deref(), Some("a"));
        assert_eq!(taken(&mut readers[0]).as_deref(), Some("end"));
        assert_eq!(taken(&mut readers[1]).as_deref(), Some("end"));
    }

    #[test]
    fn everyone_who_waits_is_woken() {
        let inbox = Arc::new(Inbox::new(4));
        let counts = [Arc::new(Count::default()), Arc::new(Count::default())];
        let mut readers = [Reader::new(Arc::clone(&inbox)), Reader::new(Arc::clone(&inbox))];
        for (reader, count) in readers.iter_mut().zip(&counts) {
            let waker = Waker::from(Arc::clone(count));
            assert!(reader.poll(&Context::from_waker(&waker)).is_pending());
        }
        inbox.push(text("a"));
        assert_eq!(counts.each_ref().map(|count| count.get()), [1, 1]);
    }
}
