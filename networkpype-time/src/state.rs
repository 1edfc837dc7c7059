use crate::{
    sample::Sample,
    step::Reading,
    window::{Verdict, Window},
};

/// What a synchronizer keeps under its lock.
pub(crate) struct State {
    pub(crate) window: Window,
    /// When wall and monotonic time were last compared.
    compared: Reading,
}

impl State {
    pub(crate) fn new(window: usize, compared: Reading) -> Self {
        Self { window: Window::new(window), compared }
    }

    /// Drops all samples where the clocks have drifted apart since they were last compared, and says whether they have.
    pub(crate) fn compare(&mut self, now: Reading) -> bool {
        // Taken before the last comparison and late to arrive: what it could tell is known, and a sample that came
        // after a step is not to be dropped for that step.
        if now.before < self.compared.before {
            return false;
        }
        let stepped = now.stepped_since(&self.compared);
        if stepped {
            self.window.clear();
        }
        self.compared = now;
        stepped
    }

    /// Adds a sample that was taken at `now`.
    pub(crate) fn add(&mut self, now: Reading, sample: Sample) -> Verdict {
        let late = now.before < self.compared.before;
        if late && self.compared.stepped_since(&now) {
            return Verdict::IgnoredStepped;
        }
        self.compare(now);
        self.window.add(sample)
    }
}

#[cfg(test)]
mod tests {
    use networkpype_core::{Ticks, Timestamp};

    use super::*;
    use crate::provider::ServerTime;

    fn at(tick_ms: u64, wall_ms: i64) -> Reading {
        let tick = Ticks::from_nanos(tick_ms * 1_000_000);
        Reading { before: tick, wall: Timestamp::from_millis(wall_ms), after: tick }
    }

    fn sample(reading: Reading) -> Sample {
        let answer = ServerTime::new(reading.wall).with_round_trip(std::time::Duration::ZERO);
        Sample::new(&answer, reading.before, None)
    }

    #[test]
    fn an_older_reading_that_arrives_late_drops_nothing() {
        let mut state = State::new(5, at(0, 0));
        let (before, after) = (at(1_000, 1_000), at(2_000, 3_602_000));
        assert!(state.compare(after), "the machine slept for an hour");
        assert_eq!(state.add(after, sample(after)), Verdict::Kept);
        assert!(!state.compare(before));
        assert_eq!(state.window.len(), 1);
        assert!(!state.compare(at(3_000, 3_603_000)), "and does not count as the last one");
    }

    #[test]
    fn a_sample_from_before_a_step_that_arrives_late_is_ignored() {
        let mut state = State::new(5, at(0, 0));
        let (before, after) = (at(1_000, 1_000), at(2_000, 3_602_000));
        state.add(after, sample(after));
        assert_eq!(state.add(before, sample(before)), Verdict::IgnoredStepped);
        let late = at(1_500, 3_601_500);
        assert_eq!(state.add(late, sample(late)), Verdict::Kept, "late, but after the step");
        assert_eq!(state.window.len(), 2);
    }
}
