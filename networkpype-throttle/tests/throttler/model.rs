//! What a throttler ought to do, written for being obvious: every question is answered by going through everything
//! that was ever granted. Nothing here is taken from the crate.

/// A limit by position, and how much it is charged.
pub(crate) type Part = (usize, u64);

#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) capacity: u64,
    /// In nanoseconds.
    pub(crate) interval: u64,
    /// Whether requests count until they were answered, or an interval after they were given up.
    pub(crate) answered: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) id: usize,
    pub(crate) parts: Vec<Part>,
    pub(crate) started: Option<u64>,
    pub(crate) over: Option<Over>,
}

/// How a request that had started ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over {
    Answered(u64),
    GivenUp(u64),
}

impl Window {
    /// From when on what was started and ended like this ages.
    pub(crate) fn settled(&self, started: Option<u64>, over: Option<Over>) -> Option<u64> {
        match over {
            _ if !self.answered => started,
            Some(Over::Answered(at)) => Some(at),
            Some(Over::GivenUp(at)) => Some(at + self.interval),
            None => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) id: usize,
    /// The limit that it named.
    pub(crate) own: usize,
    pub(crate) parts: Vec<Part>,
    pub(crate) deadline: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) now: u64,
    pub(crate) windows: Vec<Window>,
    pub(crate) granted: Vec<Granted>,
    pub(crate) queue: Vec<Waiting>,
    /// Who was sent away by a change of limits since the last step.
    pub(crate) refused: Vec<usize>,
}

/// What one instant brought, each in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) granted: Vec<usize>,
    pub(crate) missed: Vec<usize>,
    pub(crate) refused: Vec<usize>,
}

impl Model {
    fn used(&self, limit: usize) -> u64 {
        let weights = self.granted.iter().map(|granted| {
            let window = &self.windows[limit];
            let settled = window.settled(granted.started, granted.over);
            let counts = settled.is_none_or(|at| self.now.saturating_sub(at) <= window.interval);
            let parts = granted.parts.iter().filter(|(charged, _)| counts && *charged == limit);
            parts.map(|(_, weight)| weight).sum::<u64>()
        });
        weights.sum()
    }

    fn fits(&self, parts: &[Part]) -> bool {
        parts
            .iter()
            .all(|&(limit, weight)| self.used(limit) + weight <= self.windows[limit].capacity)
    }

    /// Whether a newcomer may go at once.
    pub(crate) fn passes(&self, parts: &[Part]) -> bool {
        let shares = |other: &Waiting| share(&other.parts, parts);
        self.fits(parts) && !self.queue.iter().any(shares)
    }

    /// Grants and sends away whom this instant allows.
    pub(crate) fn step(&mut self) -> Step {
        let refused = std::mem::take(&mut self.refused);
        let mut step = Step { refused, ..Step::default() };
        // Only if nobody looked at the instant of the deadline.
        self.miss(&mut step, |deadline, now| deadline < now);
        self.grant(&mut step);
        self.miss(&mut step, |deadline, now| deadline <= now);
        self.grant(&mut step);
        step.missed.sort_unstable();
        step
    }

    fn miss(&mut self, step: &mut Step, is_over: impl Fn(u64, u64) -> bool) {
        let now = self.now;
        let (missed, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition(|waiting| waiting.deadline.is_some_and(|at| is_over(at, now)));
        step.missed.extend(missed.iter().map(|waiting| waiting.id));
        self.queue = waiting;
    }

    /// Sends away those for whom `gone`.
    pub(crate) fn refuse(&mut self, gone: impl Fn(&Waiting, &[Window]) -> bool) {
        let (refused, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.queue)
            .into_iter()
            .partition(|waiting| gone(waiting, &self.windows));
        self.refused.extend(refused.iter().map(|waiting| waiting.id));
        self.queue = waiting;
    }

    fn grant(&mut self, step: &mut Step) {
        let mut older: Vec<Part> = Vec::new();
        for waiting in std::mem::take(&mut self.queue) {
            if !share(&older, &waiting.parts) && self.fits(&waiting.parts) {
                step.granted.push(waiting.id);
                self.granted.push(Granted {
                    id: waiting.id,
                    parts: waiting.parts,
                    started: None,
                    over: None,
                });
            } else {
                older.extend(&waiting.parts);
                self.queue.push(waiting);
            }
        }
    }

    /// The next instant at which time changes anything.
    pub(crate) fn next_instant(&self) -> Option<u64> {
        let frees = self.granted.iter().flat_map(|granted| {
            granted.parts.iter().filter_map(|(limit, _)| {
                let window = &self.windows[*limit];
                let settled = window.settled(granted.started, granted.over)?;
                Some(settled + window.interval + 1)
            })
        });
        let deadlines = self.queue.iter().filter_map(|waiting| waiting.deadline);
        frees.chain(deadlines).filter(|at| *at > self.now).min()
    }

    /// When a newcomer goes if everybody starts and is answered as soon as granted, those who hold a grant now, and nobody
    /// gives anything up.
    pub(crate) fn foresee(&self, parts: &[Part]) -> u64 {
        const NEWCOMER: usize = usize::MAX;
        let mut future = self.clone();
        future.queue.iter_mut().for_each(|waiting| waiting.deadline = None);
        future.queue.push(Waiting { id: NEWCOMER, own: 0, parts: parts.to_vec(), deadline: None });
        loop {
            let step = future.step();
            if step.granted.contains(&NEWCOMER) {
                return future.now;
            }
            let now = future.now;
            for granted in &mut future.granted {
                granted.started = granted.started.or(Some(now));
                granted.over = granted.over.or(Some(Over::Answered(now)));
            }
            future.now = future.next_instant().expect("who fits at all is granted in the end");
        }
    }
}

pub(crate) fn share(a: &[Part], b: &[Part]) -> bool {
    a.iter().any(|(limit, _)| b.iter().any(|(other, _)| limit == other))
}
