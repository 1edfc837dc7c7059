use std::sync::Arc;

use networkpype_core::{Sleep, Ticker, Ticks};
use networkpype_time::{Clock, ManualClock, ServerTime, TimeSynchronizer, Timestamp};

use crate::support::*;

struct Stopped(Ticks);

impl Ticker for Stopped {
    fn now(&self) -> Ticks {
        self.0
    }

    fn sleep_until(&self, _: Ticks) -> Sleep {
        Box::pin(std::future::pending())
    }
}

#[test]
fn reading_never_panics() {
    let ends = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX];
    for ticks in [Ticks::ZERO, Ticks::from_nanos(u64::MAX / 2 + 1), Ticks::MAX] {
        for wall in ends {
            for sample in ends {
                let synchronizer = TimeSynchronizer::builder()
                    .clock(Arc::new(ManualClock::new(Timestamp::from_nanos(wall))))
                    .ticker(Arc::new(Stopped(ticks)))
                    .build();
                synchronizer.add_time_offset_nanos_sample(sample);
                assert!(synchronizer.is_initialized());
                synchronizer.add_sample(ServerTime::new(Timestamp::from_nanos(sample)));
                assert!(synchronizer.is_initialized());
                let _ =
                    (synchronizer.time(), synchronizer.offset_nanos(), format!("{synchronizer:?}"));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_clones_and_clocks_tell_one_time() {
    let world = World::new();
    let synchronizer = world.synchronizer();
    let (clone, clock) = (synchronizer.clone(), synchronizer.clock());
    learn(&world, &synchronizer).await;
    assert_eq!(clone.now(), world.server_time());
    assert_eq!(clock.now(), world.server_time());
    assert!(Arc::ptr_eq(&clock, &clone.clock()), "two holders can be seen to sign by one clock");
}

#[tokio::test(start_paused = true)]
async fn debug_shows_offset_and_count() {
    let world = World::new();
    let synchronizer = synchronized(&world).await;
    assert_eq!(
        format!("{synchronizer:?}"),
        "TimeSynchronizer { offset_nanos: Some(60000000000), error_bound: Some(10ms), samples: 1, .. }"
    );
}
