//! One run of the property: a throttler and the model side by side, and the people who use them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use networkpype_core::{Permit, Ticks};
use networkpype_throttle::{StartedPermit, ThrottleError, Throttler};

use crate::{
    model::{Granted, Model, Over, Part, Step, Waiting, share},
    script::{Act, Limit, name, rate_limits, windows},
    support::*,
};

type Answer = Result<Permit, ThrottleError>;

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
    own: usize,
    parts: Vec<Part>,
    polled: bool,
    starts: bool,
    granted: Option<u64>,
    started: Option<u64>,
    over: Option<Over>,
    /// It gave up or gave back, so that it proves nothing about order or windows.
    left: bool,
}

pub(crate) struct Run {
    throttler: Throttler,
    ticker: Arc<ManualTicker>,
    model: Model,
    limits: Vec<Limit>,
    /// In percent.
    margin: u32,
    /// The most that each limit ever held.
    most: Vec<u64>,
    people: BTreeMap<usize, Person>,
    next: usize,
    /// Who was woken, in order.
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Run {
    /// `None` if such limits cannot be built.
    pub(crate) fn new(limits: &[Limit], share: u32, margin: u32) -> Option<Self> {
        let mut limits = limits.to_vec();
        let count = limits.len();
        limits.iter_mut().for_each(|limit| limit.links.iter_mut().for_each(|(to, _)| *to %= count));
        let ticker = Arc::new(ManualTicker::default());
        let throttler = Throttler::builder()
            .limits(rate_limits(&limits, None))
            .share(f64::from(share) / 100.0)
            .safety_margin(f64::from(margin) / 100.0)
            .ticker(ticker.clone())
            .build();
        let windows = windows(&limits, share, margin);
        let most = windows.iter().map(|window| window.capacity).collect();
        let (granted, queue, refused) = (Vec::new(), Vec::new(), Vec::new());
        let model = Model { now: 0, windows, granted, queue, refused };
        let mut run = Self {
            throttler: throttler.as_ref().cloned().unwrap_or(Throttler::new([]).unwrap()),
            ticker,
            model,
            limits,
            margin,
            most,
            people: BTreeMap::new(),
            next: 0,
            woken: Arc::default(),
        };
        let possible = run.all_possible();
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

    fn all_possible(&self) -> bool {
        (0..self.limits.len()).all(|limit| self.possible(&self.parts(limit, None)))
    }

    /// Lets time pass without giving the driver a turn.
    pub(crate) fn jump(&mut self, gap: u64) {
        self.model.now += gap;
        self.ticker.advance_to(Ticks::from_nanos(self.model.now));
    }

    /// Lets time pass, stopping at every instant at which the model says that something may happen.
    pub(crate) async fn pass(&mut self, gap: u64) {
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
        self.catch_up(None, 0);
    }

    /// The same in the middle of an act: somebody may have been polled for an answer already, and so many newcomers
    /// may wait of whom the model does not know.
    fn catch_up(&mut self, early: Option<(usize, Answer)>, newcomers: usize) {
        let early_id = early.as_ref().map(|(id, _)| *id);
        let mut early: BTreeMap<_, _> = early.into_iter().collect();
        let mut answer = |id: usize, caller: &mut Caller| match early.remove(&id) {
            Some(answer) => answer,
            None => caller.answer(),
        };
        let step = self.model.step();
        let woken = std::mem::take(&mut *self.woken.lock().unwrap());
        let (refused, woken): (Vec<_>, Vec<_>) =
            woken.into_iter().partition(|id| step.refused.contains(id));
        let (granted, mut missed): (Vec<_>, Vec<_>) =
            woken.into_iter().partition(|id| !step.missed.contains(id));
        missed.sort_unstable();
        let woken = Step { granted, missed, refused };
        assert_eq!(woken, step, "at {}", self.model.now);
        let Step { granted, missed, refused } = step;
        for id in granted {
            let person = self.people.get_mut(&id).unwrap();
            person.granted = Some(self.model.now);
            let Stage::Waits(mut caller) = std::mem::replace(&mut person.stage, Stage::Gone) else {
                panic!("{id} was woken twice");
            };
            if person.polled || early_id == Some(id) {
                let permit = answer(id, &mut caller).unwrap();
                self.hold(id, permit);
            } else {
                person.stage = Stage::Forgotten(caller);
            }
        }
        for id in missed.into_iter().chain(refused.iter().copied()) {
            let person = self.people.get_mut(&id).unwrap();
            person.left = true;
            let Stage::Waits(mut caller) = std::mem::replace(&mut person.stage, Stage::Gone) else {
                panic!("{id} was woken twice");
            };
            match answer(id, &mut caller).unwrap_err() {
                ThrottleError::DeadlineExceeded { .. } => assert!(!refused.contains(&id)),
                ThrottleError::UnknownLimit(_) | ThrottleError::WeightAboveLimit { .. } => {
                    assert!(refused.contains(&id));
                }
                other => panic!("{other}"),
            }
        }
        assert!(early.is_empty(), "somebody was answered too early");
        assert_eq!(self.throttler.waiting(), self.model.queue.len() + newcomers);
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
        permit.started().unwrap();
        person.stage = Stage::Started(permit);
        person.started = Some(self.model.now);
        self.model.granted.iter_mut().find(|g| g.id == id).unwrap().started = Some(self.model.now);
    }

    /// What somebody had started is over.
    fn over(&mut self, id: usize, over: Over) {
        self.people.get_mut(&id).unwrap().over = Some(over);
        // Not there if it was charged nothing, or given back.
        if let Some(granted) = self.model.granted.iter_mut().find(|g| g.id == id) {
            granted.over = Some(over);
        }
    }

    fn answer(&mut self, id: usize) {
        let now = self.model.now;
        let Some(person) = self.people.get_mut(&id) else { return };
        if let (Stage::Started(permit), None) = (&mut person.stage, person.over) {
            permit.answered(Ticks::from_nanos(now));
            self.over(id, Over::Answered(now));
        }
    }

    fn arrive(&mut self, own: usize, parts: &[Part], stage: Stage, polled: bool, starts: bool) {
        let (parts, started, left) = (parts.to_vec(), None, false);
        let granted = matches!(stage, Stage::Holds(_)).then_some(self.model.now);
        if granted.is_some() {
            let (id, parts) = (self.next, parts.clone());
            self.model.granted.push(Granted { id, parts, started: None, over: None });
        }
        let over = None;
        let person = Person { stage, own, parts, polled, starts, granted, started, over, left };
        self.people.insert(self.next, person);
        self.next += 1;
        if granted.is_some() && starts {
            self.start(self.next - 1);
        }
    }

    pub(crate) async fn act(&mut self, act: Act) {
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
                let answer = caller.poll();
                if self.possible(&parts) {
                    // What was due in the meantime was done first.
                    self.catch_up(None, usize::from(answer.is_pending()));
                }
                match answer {
                    Poll::Pending => {
                        assert!(self.possible(&parts) && !self.model.passes(&parts));
                        let id = self.next;
                        let own = limit;
                        self.model.queue.push(Waiting { id, own, parts: parts.clone(), deadline });
                        self.arrive(limit, &parts, Stage::Waits(caller), polled, starts);
                    }
                    Poll::Ready(Ok(permit)) => {
                        assert!(self.possible(&parts) && self.model.passes(&parts));
                        self.arrive(limit, &parts, Stage::Holds(permit), polled, starts);
                    }
                    Poll::Ready(Err(error)) => self.refused(&error, &parts, deadline),
                }
            }
            Act::Try { limit, weight, starts } => {
                let limit = limit % self.limits.len();
                let parts = self.parts(limit, weight);
                let answer = match weight {
                    Some(weight) => take_weight(&self.throttler, &name(limit), weight),
                    None if starts => {
                        self.throttler.try_acquire(&name(limit)).map(StartedPermit::into_owned)
                    }
                    None => take(&self.throttler, &name(limit)),
                };
                if self.possible(&parts) {
                    self.catch_up(None, 0);
                }
                match answer {
                    Ok(permit) => {
                        assert!(self.possible(&parts) && self.model.passes(&parts));
                        self.arrive(limit, &parts, Stage::Holds(permit), true, starts);
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
            Act::Answer(number) => self.answer(somebody(number)),
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
            Act::Poll(number) => {
                let id = somebody(number);
                if let Some(Person { stage: Stage::Waits(caller), .. }) = self.people.get_mut(&id) {
                    let early = match caller.poll() {
                        Poll::Ready(answer) => Some((id, answer)),
                        Poll::Pending => None,
                    };
                    self.catch_up(early, 0);
                }
            }
            Act::TopUp(number, weight) => self.top_up(somebody(number), weight),
            Act::Share(share) => self.share(share),
            // Without any limit everything would pass.
            Act::Flip(_) if self.limits.len() == 1 => {}
            Act::Flip(limit) => self.flip(limit % self.limits.len()),
        }
        settle().await;
        self.compare();
    }

    fn top_up(&mut self, id: usize, weight: u32) {
        let Some(person) = self.people.get_mut(&id) else { return };
        let (Stage::Holds(permit) | Stage::Started(permit)) = &mut person.stage else { return };
        permit.top_up(weight);
        let granted = self.model.granted.iter_mut().find(|granted| granted.id == id).unwrap();
        granted.parts.push((person.own, weight.into()));
    }

    fn share(&mut self, share: u32) {
        let before = self.model.windows.clone();
        self.model.windows = windows(&self.limits, share, self.margin);
        let possible = self.all_possible();
        assert_eq!(self.throttler.set_share(f64::from(share) / 100.0).is_ok(), possible);
        if !possible {
            self.model.windows = before;
            return;
        }
        for (most, window) in self.most.iter_mut().zip(&self.model.windows) {
            *most = window.capacity.max(*most);
        }
        self.model.refuse(|waiting, windows| {
            waiting.parts.iter().any(|(limit, weight)| *weight > windows[*limit].capacity)
        });
    }

    /// Without the limit `gone` for no time at all: its own waiters are sent away, and those who are only linked to it
    /// may go without it. It has kept what it counted.
    fn flip(&mut self, gone: usize) {
        self.throttler.set_limits(rate_limits(&self.limits, Some(gone))).unwrap();
        self.model.refuse(|waiting, _| waiting.own == gone);
        let whole: BTreeMap<_, _> =
            self.model.queue.iter().map(|waiting| (waiting.id, waiting.parts.clone())).collect();
        for id in whole.keys() {
            self.people.get_mut(id).unwrap().parts.retain(|part| part.0 != gone);
        }
        for waiting in &mut self.model.queue {
            waiting.parts.retain(|part| part.0 != gone);
        }
        self.compare();
        self.throttler.set_limits(rate_limits(&self.limits, None)).unwrap();
        for waiting in &mut self.model.queue {
            waiting.parts.clone_from(&whole[&waiting.id]);
            self.people.get_mut(&waiting.id).unwrap().parts.clone_from(&waiting.parts);
        }
    }

    fn leave(&mut self, id: usize) {
        let Some(person) = self.people.get_mut(&id) else { return };
        let stage = std::mem::replace(&mut person.stage, Stage::Gone);
        match stage {
            Stage::Gone => return,
            Stage::Started(permit) => {
                drop(permit);
                if person.over.is_none() {
                    self.over(id, Over::GivenUp(self.model.now));
                }
                return;
            }
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
    pub(crate) async fn end(mut self) {
        while !self.model.queue.is_empty() {
            let ids: Vec<_> = self.people.keys().copied().collect();
            for id in ids {
                self.remember(id);
                if let Stage::Holds(_) = self.people[&id].stage {
                    self.start(id);
                }
                self.answer(id);
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
        self.ticker.advance(Duration::from_nanos(2 * 80 + 1));
        for limit in 0..self.limits.len() {
            assert_eq!(used(&self.throttler, &name(limit)), 0);
        }
    }

    fn judge(&self) {
        let stayed: Vec<_> = self.people.values().filter(|person| !person.left).collect();
        for (limit, window) in self.model.windows.iter().enumerate() {
            let most = self.most[limit];
            let weight = |person: &Person| -> u64 {
                person.parts.iter().filter(|part| part.0 == limit).map(|part| part.1).sum()
            };
            // Wherever between its start and its answer the server saw each of them.
            let seen = |person: &Person| {
                let first = person.started?;
                Some((first, window.settled(Some(first), person.over).unwrap_or(u64::MAX)))
            };
            for begin in stayed.iter().filter_map(|person| Some(seen(person)?.1)) {
                let end = begin.saturating_add(window.interval);
                let inside = stayed.iter().filter(|person| {
                    seen(person).is_some_and(|(first, last)| first <= end && last >= begin)
                });
                let sum: u64 = inside.map(|person| weight(person)).sum();
                assert!(sum <= most, "{sum} of {most} from {begin} on in {window:?}");
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
