use std::{collections::VecDeque, time::Duration};

use crate::{estimate::estimate, sample::Sample};

/// How far two samples of one clock may disagree beyond their errors: a server that is slewing, or several servers
/// behind one name.
const MARGIN: Duration = Duration::from_millis(250);

/// A sample is slow when its round trip is this many times the best one kept.
const SLOW: u32 = 3;

/// Round trips below this are all equally good: what they differ by is the scheduler's doing.
const BEST: Duration = Duration::from_millis(1);

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It counts, beside those kept before.
    Kept,
    /// It counts alone: it contradicts every sample kept before, so the server's clock has jumped, and they are gone.
    NewEpoch,
    /// Its round trip is above three times the best one kept.
    IgnoredSlow,
    /// A cache answered, and better samples are kept.
    IgnoredCached,
}

/// The newest samples of one epoch, oldest first.
#[derive(Debug)]
pub(crate) struct Window {
    size: usize,
    samples: VecDeque<Sample>,
}

impl Window {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, samples: VecDeque::with_capacity(size) }
    }

    pub(crate) fn add(&mut self, sample: Sample) -> Verdict {
        let only_cached = self.samples.iter().all(|kept| kept.cached);
        if only_cached {
            // There is nothing better than a cache's answer yet, and a newer answer of whatever kind is.
            self.samples.clear();
        } else if sample.cached {
            return Verdict::IgnoredCached;
        } else if self.samples.iter().all(|kept| sample.contradicts(kept, MARGIN)) {
            // Before the question of speed: no slowness explains this.
            self.samples.clear();
            self.samples.push_back(sample);
            return Verdict::NewEpoch;
        } else if self.is_slow(&sample) {
            return Verdict::IgnoredSlow;
        }
        if self.samples.len() >= self.size {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        self.drop_slow();
        Verdict::Kept
    }

    pub(crate) fn clear(&mut self) {
        self.samples.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Server time less monotonic time, in nanoseconds.
    pub(crate) fn estimate(&self) -> Option<i64> {
        let bases: Vec<i64> = self.samples.iter().map(|sample| sample.base).collect();
        estimate(&bases)
    }

    /// How far the estimate may be off. It is a mean of samples, so no further than the worst of them.
    pub(crate) fn bound(&self) -> Option<Duration> {
        self.samples.iter().map(|sample| sample.bound).max()
    }

    fn is_slow(&self, sample: &Sample) -> bool {
        exceeds(self.slowest_allowed(), sample)
    }

    /// A first sample is kept however slow it was; the first good one shows it for what it is.
    fn drop_slow(&mut self) {
        let limit = self.slowest_allowed();
        self.samples.retain(|kept| !exceeds(limit, kept));
    }

    /// `None` where no round trip is known.
    fn slowest_allowed(&self) -> Option<Duration> {
        let best = self.samples.iter().filter_map(|kept| kept.round_trip).min()?;
        Some(best.max(BEST).saturating_mul(SLOW))
    }
}

fn exceeds(limit: Option<Duration>, sample: &Sample) -> bool {
    limit.zip(sample.round_trip).is_some_and(|(limit, round_trip)| round_trip > limit)
}

#[cfg(test)]
mod tests;
