//! The promise as a whole: random limits, links, weights, arrivals, deadlines and cancellations, on a clock moved by
//! hand, compared instant by instant with a model, and judged once more from nothing but who started when.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use networkpype_core::{Permit, Ticks};
use networkpype_throttle::{RateLimit, ThrottleError, Throttler};
use proptest::prelude::*;

use crate::{
    model::{Granted, Model, Part, Waiting, Window, share},
    support::*,
};

#[derive(Clone, Debug)]
struct Limit {
    limit: u32,
    interval: u64,
    weight: u32,
    links: Vec<(usize, u32)>,
}

#[derive(Clone, Debug)]
enum Act {
    /// `polled`: whether it is polled when it is woken, or only in the end. `starts`: whether at once when granted.
    Arrive {
        limit: usize,
        weight: Option<u32>,
        patience: Option<u64>,
        polled: bool,
        starts: bool,
    },
    Try {
        limit: usize,
        weight: Option<u32>,
        starts: bool,
    },
    /// Somebody goes away, whatever state it is in.
    Cancel(usize),
    /// Somebody starts, if they hold a permit, or comes for the one that they were granted.
    Start(usize),
    /// Somebody gives back what they had started.
    Refund(usize),
}

fn limits() -> impl Strategy<Value = Vec<Limit>> {
    let links = prop::collection::vec((0..4_usize, 0..3_u32), 0..4);
    let limit = (4..16_u32, 5..80_u64, 0..4_u32, links)
        .prop_map(|(limit, interval, weight, links)| Limit { limit, interval, weight, links });
    prop::collection::vec(limit, 1..5)
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let weight = || prop::option::weighted(0.4, 0..6_u32);
    let act = prop_oneof![
        8 => (0..4_usize, weight(), prop::option::weighted(0.3, 0..200_u64), any::<bool>(), prop::bool::weighted(0.8))
            .prop_map(|(limit, weight, patience, polled, starts)| {
                Act::Arrive { limit, weight, patience, polled, starts }
            }),
        2 => (0..4_usize, weight(), any::<bool>())
            .prop_map(|(limit, weight, starts)| Act::Try { limit, weight, starts }),
        3 => (0..60_usize).prop_map(Act::Cancel),
        3 => (0..60_usize).prop_map(Act::Start),
        1 => (0..60_usize).prop_map(Act::Refund),
    ];
    let gap = prop_oneof![4 => Just(0_u64), 3 => 1..4_u64, 2 => 4..60_u64];
    prop::collection::vec((gap, act), 1..60)
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
                for (gap, act) in acts {
                    run.pass(gap).await;
                    run.act(act).await;
                }
                run.end().await;
            }
        });
    }
}

enum Stage {
    Waits(Caller),
    /// Granted, and not polled since.
    Forgotten(Caller),
    Holds(Permit),
    Started(Permit),
    Gone,
}

struct Person {
    stage: Stage,
    parts: Vec<Part>,
    polled: bool,
    starts: bool,
    granted: Option<u64>,
    started: Option<u64>,
    /// It gave up or gave back, so that it proves nothing about order or windows.
    left: bool,
}

struct Run {
    throttler: Throttler,
    ticker: Arc<ManualTicker>,
    model: Model,
    limits: Vec<Limit>,
    people: BTreeMap<usize, Person>,
    next: usize,
    /// Who was woken, in order.
    woken: Arc<Mutex<Vec<usize>>>,
}

fn name(limit: usize) -> String {
    format!("limit {limit}")
}

impl Run {
    /// `None` if such limits cannot be built.
    fn new(limits: &[Limit], share: u32, margin: u32) -> Option<Self> {
        let mut limits = limits.to_vec();
        let count = limits.len();
        limits.iter_mut().for_each(|limit| limit.links.iter_mut().for_each(|(to, _)| *to %= count));
        let ticker = Arc::new(ManualTicker::default());
        let rate_limit = |(at, limit): (usize, &Limit)| {
            let start = RateLimit::new(name(at), limit.limit, Duration::from_nanos(limit.interval));
            limit.links.iter().fold(start.weight(limit.weight), |made, (to, weight)| {
                made.linked(name(*to), *weight)
            })
        };
        let throttler = Throttler::builder()
            .limits(limits.iter().enumerate().map(rate_limit))
            .share(f64::from(share) / 100.0)
            .safety_margin(f64::from(margin) / 100.0)
            .ticker(ticker.clone())
            .build();
        let windows: Vec<_> = limits
            .iter()
            .map(|limit| Window {
                capacity: u64::from((limit.limit * share * (100 - margin) / 10_000).max(1)),
                interval: limit.interval,
            })
            .collect();
        let model = Model { now: 0, windows, granted: Vec::new(), queue: Vec::new() };
        let mut run = Self {
            throttler: throttler.as_ref().cloned().unwrap_or(Throttler::new([]).unwrap()),
            ticker,
            model,
            limits,
            people: BTreeMap::new(),
            next: 0,
            woken: Arc::default(),
        };
        let possible = (0..count).all(|limit| run.possible(&run.parts(limit, None)));
        assert_eq!(possible, throttler.is_ok(), "{throttler:?}");
        run.next = 0;
        possible.then_some(run)
    }

    fn parts(&self, limit: usize, weight: Option<u32>) -> Vec<Part> {
        let mut sums =
            BTreeMap::from([(limit, weight.unwrap_or(self.limits[limit].weight).into())]);
        for (to, weight) in &self.limits[limit].links {
            *sums.entry(*to).or_insert(0) += u64::from(*weight);
        }
        sums.into_iter().filter(|(_, weight)| *weight > 0).collect()
    }

    fn possible(&self, parts: &[Part]) -> bool {
        parts.iter().all(|(limit, weight)| *weight <= self.model.windows[*limit].capacity)
    }

    /// Lets time pass, stopping at every instant at which the model says that something may happen.
    async fn pass(&mut self, gap: u64) {
        let until = self.model.now + gap;
        while self.model.now < until {
            let next = self.model.next_instant().map_or(until, |next| next.min(until));
            self.model.now = next;
            self.ticker.advance_to(Ticks::from_nanos(next));
            settle().await;
            self.compare();
        }
    }

    /// Steps the model, and checks that exactly those it settled were woken, in the same order.
    fn compare(&mut self) {
        let step = self.model.step();
        let woken = std::mem::take(&mut *self.woken.lock().unwrap());
        let (granted, mut missed): (Vec<_>, Vec<_>) =
            woken.into_iter().partition(|id| !step.missed.contains(id));
        missed.sort_unstable();
        assert_eq!((&granted, &missed), (&step.granted, &step.missed), "at {}", self.model.now);
        for id in granted {
            let person = self.people.get_mut(&id).unwrap();
            person.granted = Some(self.model.now);
            let Stage::Waits(mut caller) = std::mem::replace(&mut person.stage, Stage::Gone) else {
                panic!("{id} was woken twice");
            };
            if person.polled {
                let permit = caller.answer().unwrap();
                self.hold(id, permit);
            } else {
                person.stage = Stage::Forgotten(caller);
            }
        }
        for id in missed {
            let person = self.people.get_mut(&id).unwrap();
            person.left = true;
            let Stage::Waits(mut caller) = std::mem::replace(&mut person.stage, Stage::Gone) else {
                panic!("{id} was woken twice");
            };
            let error = caller.answer().unwrap_err();
            assert!(matches!(error, ThrottleError::DeadlineExceeded { .. }), "{error}");
        }
        assert_eq!(self.throttler.waiting(), self.model.queue.len());
        assert!(self.woken.lock().unwrap().is_empty(), "nobody else was woken meanwhile");
    }

    fn hold(&mut self, id: usize, permit: Permit) {
        let person = self.people.get_mut(&id).unwrap();
        person.stage = Stage::Holds(permit);
        if person.starts {
            self.start(id);
        }
    }

    fn start(&mut self, id: usize) {
        let person = self.people.get_mut(&id).unwrap();
        let Stage::Holds(mut permit) = std::mem::replace(&mut person.stage, Stage::Gone) else {
            panic!("{id} holds nothing");
        };
        permit.started();
        person.stage = Stage::Started(permit);
        person.started = Some(self.model.now);
        self.model.granted.iter_mut().find(|g| g.id == id).unwrap().started = Some(self.model.now);
    }

    fn arrive(&mut self, parts: &[Part], stage: Stage, polled: bool, starts: bool) {
        let (parts, started, left) = (parts.to_vec(), None, false);
        let granted = matches!(stage, Stage::Holds(_)).then_some(self.model.now);
        if granted.is_some() {
            self.model.granted.push(Granted { id: self.next, parts: parts.clone(), started: None });
        }
        let person = Person { stage, parts, polled, starts, granted, started, left };
        self.people.insert(self.next, person);
        self.next += 1;
        if granted.is_some() && starts {
            self.start(self.next - 1);
        }
    }

    async fn act(&mut self, act: Act) {
        let now = self.model.now;
        let somebody = |number: usize| number % self.next.max(1);
        match act {
            Act::Arrive { limit, weight, patience, polled, starts } => {
                let limit = limit % self.limits.len();
                let parts = self.parts(limit, weight);
                let deadline = patience.map(|patience| now + patience);
                let note = Some((self.next, self.woken.clone()));
                let ticks = deadline.map(Ticks::from_nanos);
                let mut caller = Caller::with(&self.throttler, &name(limit), weight, ticks, note);
                match caller.poll() {
                    std::task::Poll::Pending => {
                        assert!(self.possible(&parts) && !self.model.passes(&parts));
                        let id = self.next;
                        self.model.queue.push(Waiting { id, parts: parts.clone(), deadline });
                        self.arrive(&parts, Stage::Waits(caller), polled, starts);
                    }
                    std::task::Poll::Ready(Ok(permit)) => {
                        assert!(self.possible(&parts) && self.model.passes(&parts));
                        self.arrive(&parts, Stage::Holds(permit), polled, starts);
                    }
                    std::task::Poll::Ready(Err(error)) => self.refused(&error, &parts, deadline),
                }
            }
            Act::Try { limit, weight, starts } => {
                let limit = limit % self.limits.len();
                let parts = self.parts(limit, weight);
                let answer = match weight {
                    Some(weight) => take_weight(&self.throttler, &name(limit), weight),
                    None => take(&self.throttler, &name(limit)),
                };
                match answer {
                    Ok(permit) => {
                        assert!(self.possible(&parts) && self.model.passes(&parts));
                        self.arrive(&parts, Stage::Holds(permit), true, starts);
                    }
                    Err(error) => self.refused(&error, &parts, None),
                }
            }
            Act::Cancel(number) => self.leave(somebody(number)),
            Act::Start(number) => {
                let id = somebody(number);
                match self.people.get(&id).map(|person| &person.stage) {
                    Some(Stage::Holds(_)) => self.start(id),
                    Some(Stage::Forgotten(_)) => self.remember(id),
                    _ => {}
                }
            }
            Act::Refund(number) => {
                let id = somebody(number);
                if let Some(person) = self.people.get_mut(&id)
                    && let Stage::Started(_) = person.stage
                {
                    let Stage::Started(permit) = std::mem::replace(&mut person.stage, Stage::Gone)
                    else {
                        unreachable!();
                    };
                    person.left = true;
                    permit.refund();
                    self.model.granted.retain(|granted| granted.id != id);
                }
            }
        }
        settle().await;
        self.compare();
    }

    fn leave(&mut self, id: usize) {
        let Some(person) = self.people.get_mut(&id) else { return };
        let stage = std::mem::replace(&mut person.stage, Stage::Gone);
        match stage {
            Stage::Gone => return,
            Stage::Started(permit) => return drop(permit),
            Stage::Waits(_) | Stage::Forgotten(_) | Stage::Holds(_) => {}
        }
        person.left = true;
        drop(stage);
        self.model.queue.retain(|waiting| waiting.id != id);
        self.model.granted.retain(|granted| granted.id != id);
    }

    /// Polls somebody if they were granted and forgotten.
    fn remember(&mut self, id: usize) {
        let person = self.people.get_mut(&id).unwrap();
        if let Stage::Forgotten(caller) = &mut person.stage {
            let permit = caller.answer().unwrap();
            self.hold(id, permit);
        }
    }

    /// An answer of no is right, and says an instant that is no later than it could be.
    fn refused(&self, error: &ThrottleError, parts: &[Part], deadline: Option<u64>) {
        match error {
            ThrottleError::WeightAboveLimit { .. } => assert!(!self.possible(parts)),
            ThrottleError::NotYet { retry_at: at, .. }
            | ThrottleError::DeadlineExceeded { ready_at: at, .. } => {
                assert!(self.possible(parts) && !self.model.passes(parts));
                let foreseen = self.model.foresee(parts);
                assert!(at.as_nanos() <= foreseen, "{error}, but {foreseen} is possible");
                if let Some(deadline) = deadline {
                    assert!(deadline < at.as_nanos(), "{error} is in time for {deadline}");
                }
            }
            other => panic!("{other}"),
        }
    }

    /// Everybody gets what they wait for, nothing is left behind, and the record is judged.
    async fn end(mut self) {
        while !self.model.queue.is_empty() {
            let ids: Vec<_> = self.people.keys().copied().collect();
            for id in ids {
                self.remember(id);
                if let Stage::Holds(_) = self.people[&id].stage {
                    self.start(id);
                }
            }
            settle().await;
            self.compare();
            if let Some(next) = self.model.next_instant() {
                self.pass(next - self.model.now).await;
            }
        }
        self.judge();
        let ids: Vec<_> = self.people.keys().copied().collect();
        ids.into_iter().for_each(|id| self.leave(id));
        settle().await;
        assert_eq!((tasks(), self.ticker.sleepers().len(), self.throttler.waiting()), (0, 0, 0));
        self.ticker.advance(Duration::from_nanos(81));
        for limit in 0..self.limits.len() {
            assert_eq!(used(&self.throttler, &name(limit)), 0);
        }
    }

    fn judge(&self) {
        let stayed: Vec<_> = self.people.values().filter(|person| !person.left).collect();
        for (limit, window) in self.model.windows.iter().enumerate() {
            let weight = |person: &Person| -> u64 {
                person.parts.iter().filter(|part| part.0 == limit).map(|part| part.1).sum()
            };
            for begin in stayed.iter().filter_map(|person| person.started) {
                let inside = |at: u64| (begin..=begin + window.interval).contains(&at);
                let inside = stayed.iter().filter(|person| person.started.is_some_and(inside));
                let sum: u64 = inside.map(|person| weight(person)).sum();
                assert!(sum <= window.capacity, "{sum} from {begin} on in {window:?}");
            }
        }
        for (place, older) in stayed.iter().enumerate() {
            for younger in &stayed[place + 1..] {
                let overtook = younger.granted.is_some()
                    && older.granted.is_none_or(|at| at > younger.granted.unwrap());
                assert!(!(overtook && share(&older.parts, &younger.parts)), "somebody overtook");
            }
        }
    }
}
