use crate::{Accounting, LimitError};

/// How much of every configured limit may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reduction {
    share: f64,
    /// `None`: what is right for how a limit counts.
    safety_margin: Option<f64>,
}

/// The safety margin of limits that count requests from their start.
const MARGIN_FROM_START: f64 = 0.05;

impl Reduction {
    pub(crate) fn new(share: f64, safety_margin: Option<f64>) -> Result<Self, LimitError> {
        // Written so that NaN fails too.
        if !(share > 0.0 && share <= 1.0) {
            return Err(LimitError::InvalidShare(share));
        }
        if let Some(margin) = safety_margin.filter(|margin| !(0.0..1.0).contains(margin)) {
            return Err(LimitError::InvalidSafetyMargin(margin));
        }
        Ok(Self { share, safety_margin })
    }

    pub(crate) fn share(self) -> f64 {
        self.share
    }

    pub(crate) fn safety_margin(self) -> Option<f64> {
        self.safety_margin
    }

    fn margin_of(self, accounting: Accounting) -> f64 {
        self.safety_margin.unwrap_or(match accounting {
            Accounting::FromStart => MARGIN_FROM_START,
            Accounting::UntilAnswered { .. } => 0.0,
        })
    }

    /// The part of a limit with this accounting that may be used.
    pub(crate) fn part(self, accounting: Accounting) -> f64 {
        self.share * (1.0 - self.margin_of(accounting))
    }

    /// What others may use of `limit` beside this program.
    pub(crate) fn of_others(self, limit: u32, accounting: Accounting) -> u32 {
        let all = Self { share: 1.0, ..self };
        all.apply(limit, accounting).saturating_sub(self.apply(limit, accounting))
    }

    /// What is left of `limit`: `floor(limit * share * (1 - safety_margin))`, but at least 1.
    ///
    /// A product that misses a whole number by no more than the error of its three floating-point operations is that
    /// number: 5 % off 100 leaves 95, a third of 300 is 100.
    pub(crate) fn apply(self, limit: u32, accounting: Accounting) -> u32 {
        let exact = f64::from(limit) * self.share * (1.0 - self.margin_of(accounting));
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
        Reduction::new(share, Some(margin)).unwrap().apply(limit, Accounting::FromStart)
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
    fn the_margin_follows_from_the_accounting_unless_it_is_named() {
        let answered = Accounting::UntilAnswered { linger: None };
        for (margin, from_start, until_answered) in
            [(None, 95, 100), (Some(0.1), 90, 90), (Some(0.0), 100, 100)]
        {
            let reduction = Reduction::new(1.0, margin).unwrap();
            assert_eq!(reduction.apply(100, Accounting::FromStart), from_start);
            assert_eq!(reduction.apply(100, answered), until_answered);
        }
        let half = Reduction::new(0.5, None).unwrap();
        assert_eq!((half.apply(100, answered), half.of_others(100, answered)), (50, 50));
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
            let error = Reduction::new(share, None).unwrap_err();
            assert!(matches!(error, LimitError::InvalidShare(_)), "{share}: {error}");
        }
        for margin in [-0.1, 1.0, 2.0, f64::NAN, f64::INFINITY] {
            let error = Reduction::new(1.0, Some(margin)).unwrap_err();
            assert!(matches!(error, LimitError::InvalidSafetyMargin(_)), "{margin}: {error}");
        }
    }
}
