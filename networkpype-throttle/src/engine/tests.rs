//! What cannot be seen from outside: what is kept, and how much is looked at.

use std::{task::Waker, time::Duration};

use super::*;

fn limit(id: &str) -> RateLimit {
    RateLimit::new(id, 1, Duration::from_secs(1))
}

fn engine(limits: impl IntoIterator<Item = RateLimit>) -> Engine {
    let reduction = Reduction::new(1.0, Some(0.0)).unwrap();
    Engine::new(limits.into_iter().collect(), reduction, 100).unwrap()
}

fn millis(millis: u64) -> Ticks {
    Ticks::ZERO + Duration::from_millis(millis)
}

fn wait(engine: &mut Engine, limit: &str, now: Ticks) -> Ticket {
    match engine.ask(Wish::new(limit), None, Waker::noop(), now).unwrap() {
        Asked::Waits(ticket) => ticket,
        Asked::Granted(_) => panic!("it was granted"),
    }
}

#[test]
fn limits_with_ever_new_names_take_no_more_memory_than_what_still_counts() {
    let mut engine = engine([limit("0")]);
    for round in 0..100 {
        let now = millis(round * 100);
        let grant = engine.try_ask(Wish::new(&round.to_string()), now).unwrap().unwrap();
        engine.start(&grant, now).unwrap();
        drop(grant);
        let next = limit(&(round + 1).to_string());
        engine.configure(vec![next], engine.reduction(), now).unwrap();
        // Those of eleven instants are inside a closed window of a second, and one is in force.
        assert!(engine.slots.len() <= 12, "{} in round {round}", engine.slots.len());
    }
    // Without another change, the requests that come anyway clear up.
    let now = millis(100 * 100 + 1_000);
    for _ in 0..20 {
        let _ = engine.try_ask(Wish { weight: Some(0), ..Wish::new("100") }, now).unwrap();
    }
    assert_eq!(engine.slots.len(), 1);
}

#[test]
fn a_copy_neither_takes_over_removed_limits_nor_keeps_them() {
    let mut engine = engine([limit("a")]);
    let grant = engine.try_ask(Wish::new("a"), Ticks::ZERO).unwrap().unwrap();
    engine.start(&grant, Ticks::ZERO).unwrap();
    drop(grant);
    engine.configure(vec![limit("b")], engine.reduction(), Ticks::ZERO).unwrap();
    let copy = engine.fresh();
    assert_eq!((engine.slots.len(), copy.slots.len()), (2, 1));
    engine.configure(vec![limit("c")], engine.reduction(), millis(1_001)).unwrap();
    assert_eq!(engine.slots.len(), 2, "what was charged on b may be given back while it counts");
    engine.configure(vec![limit("c")], engine.reduction(), millis(2_002)).unwrap();
    assert_eq!(engine.slots.len(), 1);
    drop(copy);
}

#[test]
fn a_waiter_in_the_middle_that_gives_up_costs_no_walk_over_the_queue() {
    let mut engine = engine([limit("a")]);
    let now = Ticks::ZERO;
    let grant = engine.try_ask(Wish::new("a"), now).unwrap().unwrap();
    engine.start(&grant, now).unwrap();
    let tickets: Vec<_> = (0..50).map(|_| wait(&mut engine, "a", now)).collect();
    let walks = engine.walks;
    for ticket in &tickets[1..] {
        engine.cancel(*ticket, now);
    }
    assert_eq!((engine.walks, engine.waiting()), (walks, 1));
    engine.cancel(tickets[0], now);
    assert_eq!((engine.walks, engine.waiting()), (walks + 1, 0));
}
