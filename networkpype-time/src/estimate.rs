/// The middle of the median and of the linearly weighted mean, whose weights are 1, 3, 5, ... from the oldest to the
/// newest value: the formula of the Python library. `None` where there are no values.
///
/// Computed as one exact fraction and rounded down once, so the answer never leaves the range of the values.
pub(crate) fn estimate(oldest_first: &[i64]) -> Option<i64> {
    let count = i128::try_from(oldest_first.len()).ok().filter(|count| *count > 0)?;
    let weights = (1_i128..).step_by(2);
    let weighted: i128 =
        oldest_first.iter().zip(weights).map(|(value, weight)| i128::from(*value) * weight).sum();
    // The weights 1 + 3 + ... + (2n - 1) add up to n².
    let weights = count * count;
    let exact = twice_the_median(oldest_first) * weights + 2 * weighted;
    i64::try_from(exact.div_euclid(4 * weights)).ok()
}

fn twice_the_median(values: &[i64]) -> i128 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    // The same element twice where the count is odd.
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    i128::from(lower) + i128::from(upper)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: f64 = 1e6;

    /// What `networkpype` 1.1.5 answers as `time_offset_ms`, run under Python 3.13 with numpy.
    #[test]
    fn the_estimate_equals_the_python_formula() {
        let table: [(&[f64], f64); 10] = [
            (&[5.0], 5.0),
            (&[10.0, 20.0], 16.25),
            (&[1.0, 2.0, 3.0], 2.2222222222222223),
            (&[30.0, 10.0, 20.0], 18.88888888888889),
            (&[100.0, 102.0, 98.0, 101.0, 99.0], 99.88),
            (&[-5.0, 3.0, -8.0, 12.0, 0.0], 0.96),
            (&[-40.0, -10.0], -21.25),
            (&[7.0, 7.0, 7.0, 7.0], 7.0),
            (&[1000.0, 1000.0, 1000.0, 1000.0, 1240.0], 1043.2),
            (&[12.5, -3.25, 40.125, 8.0, 9.5, -20.0], 6.109375),
        ];
        for (millis, expected) in table {
            let nanos: Vec<i64> = millis.iter().map(|value| (value * MS) as i64).collect();
            assert_eq!(estimate(&nanos), Some((expected * MS).floor() as i64), "{millis:?}");
        }
    }

    #[test]
    fn no_values_have_no_estimate() {
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        assert_eq!(estimate(&[i64::MIN; 999]), Some(i64::MIN));
        assert_eq!(estimate(&[i64::MAX; 1_000]), Some(i64::MAX));
        assert_eq!(estimate(&[i64::MAX, i64::MIN]), Some(-(1 << 61) - 1));
    }

    proptest! {
        #[test]
        fn the_estimate_lies_within_its_samples(values in prop::collection::vec(any::<i64>(), 1..40)) {
            let estimate = estimate(&values).unwrap();
            prop_assert!(values.iter().min().unwrap() <= &estimate);
            prop_assert!(&estimate <= values.iter().max().unwrap());
        }

        #[test]
        fn moving_every_sample_moves_the_estimate_as_far(
            values in prop::collection::vec(-1_000_000_000_i64..1_000_000_000, 1..10),
            by in -1_000_000_000_i64..1_000_000_000,
        ) {
            let moved: Vec<i64> = values.iter().map(|value| value + by).collect();
            prop_assert_eq!(estimate(&moved).unwrap(), estimate(&values).unwrap() + by);
        }

        #[test]
        fn a_newer_sample_counts_more_than_an_older_one(low in 0_i64..1_000, above in 4_i64..1_000) {
            let high = low + above;
            prop_assert!(estimate(&[low, high]) > estimate(&[high, low]));
        }
    }
}
