use std::{collections::VecDeque, time::Duration};

use networkpype_core::Ticks;

use crate::{
    estimate::estimate,
    sample::{Sample, Worth},
};

/// How far two samples of one clock may disagree beyond their errors: a server that is slewing, or several servers
/// behind one name.
const MARGIN: Duration = Duration::from_millis(250);

/// The same for a sample whose own error nobody knows: it may have been on its way for as long as this.
const UNKNOWN_ERROR: Duration = Duration::from_secs(1);

/// A sample is slow when its round trip is this many times the best one kept.
const SLOW: u32 = 3;

/// Round trips below this are all equally good: what they differ by is the scheduler's doing.
const BEST: Duration = Duration::from_millis(1);

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It counts, beside those kept before; or in their place, where it is better than any of them.
    Kept,
    /// It counts alone: it contradicts every sample kept before, so the server's clock has jumped, and they are gone.
    NewEpoch,
    /// Its round trip is above three times the best one kept, and it contradicts nothing that is known.
    IgnoredSlow,
    /// A cache answered, and better samples are kept.
    IgnoredCached,
    /// Nobody measured its round trip, and samples with one are kept, which it does not contradict by more than a
    /// second.
    IgnoredUnmeasured,
    /// This machine's clock was set, or the machine slept, after it was taken.
    IgnoredStepped,
}

/// The newest samples of one epoch, oldest first, and all of one [`Worth`].
#[derive(Debug)]
pub(crate) struct Window {
    size: usize,
    samples: VecDeque<Sample>,
    /// Whether a server has refused the time they make: see [`doubt`](Self::doubt).
    doubted: bool,
}

impl Window {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, samples: VecDeque::with_capacity(size), doubted: false }
    }

    pub(crate) fn add(&mut self, sample: Sample) -> Verdict {
        let verdict = self.judge(&sample);
        match verdict {
            Verdict::NewEpoch => self.samples.clear(),
            Verdict::Kept => self.make_room_for(&sample),
            _ => {}
        }
        if matches!(verdict, Verdict::NewEpoch | Verdict::Kept) {
            self.samples.push_back(sample);
            self.drop_slow();
        }
        if sample.worth() == Worth::Measured {
            // It has either taken their place or shown that they are right.
            self.doubted = false;
        }
        verdict
    }

    /// Lets no margin count when the next sample is compared with those kept: each has to agree with it within their
    /// errors. For when a server has refused the time they make.
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
    }

    pub(crate) fn clear(&mut self) {
        self.samples.clear();
        self.doubted = false;
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Server time less monotonic time, in nanoseconds.
    pub(crate) fn estimate(&self) -> Option<i64> {
        let bases: Vec<i64> = self.samples.iter().map(|sample| sample.base).collect();
        estimate(&bases)
    }

    /// How far the estimate may be off at `now`. It is a mean of samples, so no further than the worst of them.
    /// `None` without samples, and where their errors are not known.
    pub(crate) fn error(&self, now: Ticks) -> Option<Duration> {
        let first = self.samples.front()?.error_at(now)?;
        self.samples.iter().try_fold(first, |worst, sample| Some(worst.max(sample.error_at(now)?)))
    }

    fn judge(&self, sample: &Sample) -> Verdict {
        let Some(kept) = self.samples.front().map(Sample::worth) else { return Verdict::Kept };
        let worth = sample.worth();
        if worth > kept || kept == Worth::Cached {
            // Better than all there is, or as good as a cache's answer and newer.
            return Verdict::Kept;
        }
        if worth == Worth::Cached {
            // However stale those are by now: its error is only what the cache says it is.
            return Verdict::IgnoredCached;
        }
        let margin = match (worth, self.doubted) {
            (Worth::Measured, true) => Duration::ZERO,
            (Worth::Measured, false) => MARGIN,
            _ => UNKNOWN_ERROR,
        };
        if self.samples.iter().all(|kept| sample.contradicts(kept, margin)) {
            // Before the question of speed: no slowness explains this.
            return Verdict::NewEpoch;
        }
        if worth < kept {
            return Verdict::IgnoredUnmeasured;
        }
        // A sample goes stale: the clocks drift apart, and what was exact once is no better than a slow one now. Else
        // one quick answer would shut out all others of a network that has become slower for good.
        let fresh = self.samples.iter().filter(|kept| !kept.is_outlived_by(sample));
        if exceeds(slowest_allowed(fresh), sample) { Verdict::IgnoredSlow } else { Verdict::Kept }
    }

    fn make_room_for(&mut self, sample: &Sample) {
        if sample.worth() == Worth::Cached
            || self.samples.iter().any(|k| k.worth() != sample.worth())
        {
            self.samples.clear();
        } else if exceeds(slowest_allowed(&self.samples), sample) {
            // Kept all the same, because those which make it look slow have gone stale.
            self.samples.retain(|kept| !kept.is_outlived_by(sample));
        }
        while self.samples.len() >= self.size {
            self.samples.pop_front();
        }
    }

    /// A first sample is kept however slow it was; the first good one shows it for what it is.
    fn drop_slow(&mut self) {
        let limit = slowest_allowed(&self.samples);
        self.samples.retain(|kept| !exceeds(limit, kept));
    }
}

/// `None` where no round trip is known.
fn slowest_allowed<'a>(kept: impl IntoIterator<Item = &'a Sample>) -> Option<Duration> {
    let best = kept.into_iter().filter_map(|kept| kept.round_trip).min()?;
    Some(best.max(BEST).saturating_mul(SLOW))
}

fn exceeds(limit: Option<Duration>, sample: &Sample) -> bool {
    limit.zip(sample.round_trip).is_some_and(|(limit, round_trip)| round_trip > limit)
}

#[cfg(test)]
mod tests;
