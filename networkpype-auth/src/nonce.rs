use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use networkpype_core::Timestamp;

/// Numbers that strictly increase, for APIs that remember the greatest one they saw.
///
/// Each is the time in this nonce's unit or, where that was given out already, one more than the last. Clones share
/// one counter. **An API compares nonces per key, so share one `Nonce` among everything that uses a key**: two counters
/// that run side by side overtake each other, and the slower one's requests are refused. Programs on several machines
/// that use one key stay apart only by the clock: give each its own key.
///
/// What strictly increases is the numbers, not their order on the wire: requests that are made at the same time may
/// arrive swapped, and an API that takes only greater nonces refuses the later one. Ask such an API for a nonce window,
/// as Kraken has one for each key, or send one request after the other: await each before the next is made.
///
/// The greatest number is not kept over a restart. Where the clock ran far ahead and was set back, a program that is
/// started again begins below what the API has seen, and everything is refused until the clock gets there. Use a new
/// key then, or a smaller unit from then on, whose numbers are greater.
///
/// ```
/// use networkpype_auth::Nonce;
/// use networkpype_core::Timestamp;
///
/// let nonce = Nonce::millis();
/// let shared = nonce.clone();
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// assert_eq!(nonce.next(now), 1_700_000_000_000);
/// assert_eq!(shared.next(now), 1_700_000_000_001);
/// ```
#[derive(Clone)]
pub struct Nonce {
    last: Arc<AtomicU64>,
    /// How many nanoseconds one step of the time is.
    unit: i64,
}

impl Nonce {
    /// Nonces in seconds. More than one request a second runs ahead of the clock, which lasts as long as the process.
    pub fn seconds() -> Self {
        Self::of_unit(1_000_000_000)
    }

    /// Nonces in milliseconds.
    pub fn millis() -> Self {
        Self::of_unit(1_000_000)
    }

    /// Nonces in microseconds.
    pub fn micros() -> Self {
        Self::of_unit(1_000)
    }

    /// Nonces in nanoseconds.
    pub fn nanos() -> Self {
        Self::of_unit(1)
    }

    fn of_unit(unit: i64) -> Self {
        Self { last: Arc::new(AtomicU64::new(0)), unit }
    }

    /// The next nonce: greater than every one before it, whatever `now` is.
    pub fn next(&self, now: Timestamp) -> u64 {
        let time = u64::try_from(now.as_nanos().div_euclid(self.unit)).unwrap_or(0);
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            // The clock ends at half of what a u64 holds, so the other half of the numbers would have to be used up
            // one by one before this saturates.
            let next = time.max(last.saturating_add(1));
            match self.last.compare_exchange_weak(last, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return next,
                Err(newer) => last = newer,
            }
        }
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonce").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_unit_counts_in_its_own_steps() {
        let now = Timestamp::from_nanos(1_700_000_000_123_456_789);
        for (nonce, first) in [
            (Nonce::seconds(), 1_700_000_000),
            (Nonce::millis(), 1_700_000_000_123),
            (Nonce::micros(), 1_700_000_000_123_456),
            (Nonce::nanos(), 1_700_000_000_123_456_789),
        ] {
            assert_eq!((nonce.next(now), nonce.next(now)), (first, first + 1));
        }
    }

    proptest! {
        #[test]
        fn nonces_strictly_increase_whatever_the_clock_does(clock in prop::collection::vec(any::<i64>(), 1..50)) {
            let nonce = Nonce::micros();
            let mut last = 0;
            for now in clock {
                let next = nonce.next(Timestamp::from_nanos(now));
                prop_assert!(next > last);
                prop_assert!(next >= u64::try_from(now / 1_000).unwrap_or(0));
                last = next;
            }
        }

        #[test]
        fn threads_never_get_the_same_nonce(clocks in prop::collection::vec(0..50_i64, 2..6)) {
            let nonce = Nonce::nanos();
            let drawn = |now: i64| -> Vec<u64> {
                (0..200).map(|step| nonce.next(Timestamp::from_nanos(now + step / 50))).collect()
            };
            let mut all: Vec<u64> = thread::scope(|scope| {
                let threads: Vec<_> = clocks.iter().map(|now| scope.spawn(move || drawn(*now))).collect();
                threads
                    .into_iter()
                    .flat_map(|thread| {
                        let own = thread.join().expect("no panic");
                        assert!(own.is_sorted_by(|a, b| a < b), "each thread sees its own increase");
                        own
                    })
                    .collect()
            });
            all.sort_unstable();
            let count = all.len();
            all.dedup();
            prop_assert_eq!(all.len(), count);
        }
    }
}
