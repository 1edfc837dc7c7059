use crate::LimitError;

/// How much of every configured limit may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reduction {
    share: f64,
    safety_margin: f64,
}

impl Reduction {
    pub(crate) fn new(share: f64, safety_margin: f64) -> Result<Self, LimitError> {
        // Written so that NaN fails too.
        if !(share > 0.0 && share <= 1.0) {
            return Err(LimitError::InvalidShare(share));
        }
        if !(0.0..1.0).contains(&safety_margin) {
            return Err(LimitError::InvalidSafetyMargin(safety_margin));
        }
        Ok(Self { share, safety_margin })
    }

    pub(crate) fn share(self) -> f64 {
        self.share
    }

    pub(crate) fn safety_margin(self) -> f64 {
        self.safety_margin
    }

    /// What is left of `limit`: `floor(limit * share * (1 - safety_margin))`, but at least 1.
    ///
    /// A product that misses a whole number by no more than the error of its three floating-point operations is that
    /// number: 5 % off 100 leaves 95, a third of 300 is 100.
    pub(crate) fn apply(self, limit: u32) -> u32 {
        let exact = f64::from(limit) * self.share * (1.0 - self.safety_margin);
        let nearest = exact.round();
        let whole =
            if (exact - nearest).abs() <= exact * RELATIVE_ERROR { nearest } else { exact.floor() };
        // Between 0 and `limit`, so that the cast loses nothing.
        (whole as u32).clamp(1, limit.max(1))
    }
}

/// Well above what three roundings add up to (4e-16), and below half a unit even for `u32::MAX`.
const RELATIVE_ERROR: f64 = 1e-13;

#[cfg(test)]
mod tests {
    use super::*;

    fn left(limit: u32, share: f64, margin: f64) -> u32 {
        Reduction::new(share, margin).unwrap().apply(limit)
    }

    #[test]
    fn percentages_lose_nothing_by_rounding() {
        for limit in 1..=10_000_u32 {
            for (share, margin) in
                [(100, 0), (100, 5), (50, 5), (33, 10), (7, 1), (100, 30), (1, 99)]
            {
                let exact = u64::from(limit) * share * (100 - margin) / 10_000;
                assert_eq!(
                    u64::from(left(limit, share as f64 / 100.0, margin as f64 / 100.0)),
                    exact.max(1),
                    "{limit} * {share} % less {margin} %"
                );
            }
        }
    }

    #[test]
    fn equal_parts_of_a_limit_are_whole() {
        for parts in 1..=100_u32 {
            for each in 1..=1_000_u32 {
                assert_eq!(
                    left(parts * each, 1.0 / f64::from(parts), 0.0),
                    each,
                    "{parts} * {each}"
                );
            }
        }
    }

    #[test]
    fn extremes_stay_between_one_and_the_limit() {
        assert_eq!(left(u32::MAX, 1.0, 0.0), u32::MAX);
        assert_eq!(left(u32::MAX, 1.0, 0.05), 4_080_218_930);
        assert_eq!(left(1, 1.0, 0.05), 1);
        assert_eq!(left(10, f64::MIN_POSITIVE, 0.999_999), 1);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for share in [0.0, -0.5, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = Reduction::new(share, 0.05).unwrap_err();
            assert!(matches!(error, LimitError::InvalidShare(_)), "{share}: {error}");
        }
        for margin in [-0.1, 1.0, 2.0, f64::NAN, f64::INFINITY] {
            let error = Reduction::new(1.0, margin).unwrap_err();
            assert!(matches!(error, LimitError::InvalidSafetyMargin(_)), "{margin}: {error}");
        }
    }
}
