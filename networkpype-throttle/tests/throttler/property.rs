//! The promise as a whole: random limits, links, weights, arrivals, deadlines, cancellations, refunds, top-ups and
//! changes of limits, with both accountings, on a clock moved by hand and a driver that is late at times, compared instant by instant with a model, and judged once more from nothing but who started when.

use proptest::prelude::*;

use crate::{
    run::Run,
    script::{Act, Limit},
};

fn limits() -> impl Strategy<Value = Vec<Limit>> {
    let links = prop::collection::vec((0..4_usize, 0..3_u32), 0..4);
    let limit = (4..16_u32, 5..80_u64, 0..4_u32, links, prop::bool::weighted(0.4)).prop_map(
        |(limit, interval, weight, links, answered)| Limit {
            limit,
            interval,
            weight,
            links,
            answered,
        },
    );
    prop::collection::vec(limit, 1..5)
}

/// How much time passes before each act, and whether the driver sees it pass.
fn acts() -> impl Strategy<Value = Vec<(u64, bool, Act)>> {
    let weight = || prop::option::weighted(0.4, 0..6_u32);
    let act = prop_oneof![
        8 => (0..4_usize, weight(), prop::option::weighted(0.3, 0..200_u64), any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(limit, weight, patience, polled, starts)| {
                Act::Arrive { limit, weight, patience, polled, starts }
            }),
        4 => (0..4_usize, weight(), any::<bool>())
            .prop_map(|(limit, weight, starts)| Act::Try { limit, weight, starts }),
        3 => (0..60_usize).prop_map(Act::Cancel),
        3 => (0..60_usize).prop_map(Act::Start),
        3 => (0..60_usize).prop_map(Act::Answer),
        1 => (0..60_usize).prop_map(Act::Refund),
        2 => (0..60_usize).prop_map(Act::Poll),
        1 => (0..60_usize, 0..6_u32).prop_map(|(somebody, weight)| Act::TopUp(somebody, weight)),
        1 => prop::sample::select(vec![100_u32, 50, 25]).prop_map(Act::Share),
        1 => (0..4_usize).prop_map(Act::Flip),
    ];
    let gap = prop_oneof![4 => Just(0_u64), 3 => 1..4_u64, 2 => 4..60_u64];
    prop::collection::vec((gap, prop::bool::weighted(0.25), act), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_window_is_exceeded_order_is_kept_and_no_capacity_is_lost(
        limits in limits(),
        acts in acts(),
        share in prop::sample::select(vec![100_u32, 50]),
        margin in prop::sample::select(vec![0_u32, 5, 20]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            if let Some(mut run) = Run::new(&limits, share, margin) {
                for (gap, late, act) in acts {
                    if late {
                        run.jump(gap);
                    } else {
                        run.pass(gap).await;
                    }
                    run.act(act).await;
                }
                run.end().await;
            }
        });
    }
}
