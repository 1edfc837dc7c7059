use std::time::Duration;

use networkpype_core::Ticks;

/// How a connection is found dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LivenessTiming {
    /// From one ping to the next; `None` sends none.
    pub(crate) ping_interval: Option<Duration>,
    /// From a ping's writing to its pong.
    pub(crate) pong_timeout: Duration,
    /// How long nothing at all may arrive.
    pub(crate) idle_timeout: Option<Duration>,
    /// How long no message may arrive, whatever pings and pongs do.
    pub(crate) message_timeout: Option<Duration>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Write a ping with this number for payload, and say so with [`Liveness::ping_written`].
    Ping(u64),
    /// The connection is dead.
    Dead(Death),
    /// Nothing until then, [`Ticks::MAX`] if nothing ever.
    WaitUntil(Ticks),
}

/// What a dead connection failed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    NoPong,
    Idle,
    NoMessage,
}

/// Decides when to ping and when a connection is dead. Pure: it is told the time.
///
/// A pong is asked of the server whatever else it sends, since data proves only that the way from there is open. Any
/// pong will do, because some servers do not return the payload. While nothing is read, because the consumer is
/// behind, nothing can be missed: that time counts for no deadline.
#[derive(Debug)]
pub(crate) struct Liveness {
    timing: LivenessTiming,
    next_ping: Ticks,
    pings: u64,
    ping: Ping,
    last_frame: Ticks,
    last_message: Ticks,
    not_reading_since: Option<Ticks>,
}

#[derive(Debug, PartialEq)]
enum Ping {
    None,
    /// Asked for, not written yet.
    Due,
    /// Written; its pong must come by then.
    Unanswered(Ticks),
}

impl Liveness {
    pub(crate) fn new(timing: LivenessTiming, now: Ticks) -> Self {
        Self {
            timing,
            next_ping: timing.ping_interval.map_or(Ticks::MAX, |interval| now + interval),
            pings: 0,
            ping: Ping::None,
            last_frame: now,
            last_message: now,
            not_reading_since: None,
        }
    }

    pub(crate) fn frame_received(&mut self, now: Ticks) {
        self.last_frame = now;
    }

    pub(crate) fn message_received(&mut self, now: Ticks) {
        self.last_message = now;
    }

    pub(crate) fn pong_received(&mut self) {
        if matches!(self.ping, Ping::Unanswered(_)) {
            self.ping = Ping::None;
        }
    }

    pub(crate) fn ping_written(&mut self, now: Ticks) {
        // What is written while nothing is read is answered only when reading goes on, and the pause is added then.
        let from = self.not_reading_since.unwrap_or(now);
        self.ping = Ping::Unanswered(from + self.timing.pong_timeout);
        self.next_ping = self.timing.ping_interval.map_or(Ticks::MAX, |interval| now + interval);
    }

    /// Nothing is read from now on.
    pub(crate) fn pause(&mut self, now: Ticks) {
        self.not_reading_since.get_or_insert(now);
    }

    /// Reading goes on, after a pause of this length.
    pub(crate) fn resume(&mut self, now: Ticks) -> Duration {
        let Some(since) = self.not_reading_since.take() else { return Duration::ZERO };
        let pause = now.saturating_since(since);
        self.last_frame = self.last_frame + pause;
        self.last_message = self.last_message + pause;
        if let Ping::Unanswered(by) = &mut self.ping {
            *by = *by + pause;
        }
        pause
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.not_reading_since.is_some()
    }

    pub(crate) fn action(&mut self, now: Ticks) -> Action {
        let mut wait = Ticks::MAX;
        if self.not_reading_since.is_none() {
            let after =
                |from: Ticks, timeout: Option<Duration>| timeout.map(|timeout| from + timeout);
            let pong = match self.ping {
                Ping::Unanswered(by) => Some(by),
                Ping::None | Ping::Due => None,
            };
            for (by, death) in [
                (pong, Death::NoPong),
                (after(self.last_frame, self.timing.idle_timeout), Death::Idle),
                (after(self.last_message, self.timing.message_timeout), Death::NoMessage),
            ] {
                match by {
                    Some(by) if by <= now => return Action::Dead(death),
                    Some(by) => wait = wait.min(by),
                    None => {}
                }
            }
        }
        match self.ping {
            Ping::None if self.next_ping <= now => {
                self.ping = Ping::Due;
                self.pings += 1;
                Action::Ping(self.pings)
            }
            Ping::None => Action::WaitUntil(wait.min(self.next_ping)),
            Ping::Due | Ping::Unanswered(_) => Action::WaitUntil(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action::*, *};

    const TIMING: LivenessTiming = LivenessTiming {
        ping_interval: Some(Duration::from_secs(15)),
        pong_timeout: Duration::from_secs(10),
        idle_timeout: Some(Duration::from_secs(45)),
        message_timeout: None,
    };

    const NO_PINGS: LivenessTiming = LivenessTiming { ping_interval: None, ..TIMING };

    const MESSAGES: LivenessTiming =
        LivenessTiming { message_timeout: Some(Duration::from_secs(20)), ..TIMING };

    fn at(seconds: u64) -> Ticks {
        Ticks::ZERO + Duration::from_secs(seconds)
    }

    enum Event {
        Frame,
        Message,
        Pong,
        Written,
        Pause,
        Resume,
        Is(Action),
    }

    /// What happens at which second, and what is decided then.
    fn play(timing: LivenessTiming, script: &[(u64, Event)]) {
        let mut liveness = Liveness::new(timing, Ticks::ZERO);
        for (step, (second, event)) in script.iter().enumerate() {
            let now = at(*second);
            match event {
                Event::Frame => liveness.frame_received(now),
                Event::Message => {
                    liveness.frame_received(now);
                    liveness.message_received(now);
                }
                Event::Pong => {
                    liveness.frame_received(now);
                    liveness.pong_received();
                }
                Event::Written => liveness.ping_written(now),
                Event::Pause => liveness.pause(now),
                Event::Resume => drop(liveness.resume(now)),
                Event::Is(action) => {
                    assert_eq!(liveness.action(now), *action, "step {step}, second {second}");
                }
            }
        }
    }

    #[test]
    fn pings_go_out_at_their_interval_and_pongs_keep_the_connection() {
        use Event::*;
        play(
            TIMING,
            &[
                (0, Is(WaitUntil(at(15)))),
                (15, Is(Ping(1))),
                // Not written yet: the pong is not late, and no second ping is made.
                (15, Is(WaitUntil(at(45)))),
                (16, Written),
                (16, Is(WaitUntil(at(26)))),
                (17, Pong),
                (17, Is(WaitUntil(at(31)))),
                (31, Is(Ping(2))),
            ],
        );
    }

    #[test]
    fn w04_silence_is_death_after_ping_and_pong() {
        use Event::*;
        play(
            TIMING,
            &[
                (15, Is(Ping(1))),
                (15, Written),
                (24, Is(WaitUntil(at(25)))),
                (25, Is(Dead(Death::NoPong))),
            ],
        );
    }

    #[test]
    fn w05_data_is_no_pong() {
        use Event::*;
        play(
            TIMING,
            &[
                (15, Is(Ping(1))),
                (15, Written),
                (20, Message),
                (24, Message),
                (25, Is(Dead(Death::NoPong))),
            ],
        );
    }

    #[test]
    fn w06_pings_of_the_server_do_not_stand_for_messages() {
        use Event::*;
        play(
            MESSAGES,
            &[
                (10, Message),
                (15, Is(Ping(1))),
                (15, Written),
                (16, Pong),
                (29, Frame),
                (29, Is(WaitUntil(at(30)))),
                (30, Is(Dead(Death::NoMessage))),
            ],
        );
    }

    #[test]
    fn without_pings_only_silence_kills() {
        use Event::*;
        play(
            NO_PINGS,
            &[
                (0, Is(WaitUntil(at(45)))),
                (30, Frame),
                (45, Is(WaitUntil(at(75)))),
                (75, Is(Dead(Death::Idle))),
            ],
        );
        let never = LivenessTiming { idle_timeout: None, ..NO_PINGS };
        play(never, &[(1_000_000, Is(WaitUntil(Ticks::MAX)))]);
    }

    #[test]
    fn w07_time_in_which_nothing_was_read_counts_for_nothing() {
        use Event::*;
        play(
            MESSAGES,
            &[
                (10, Message),
                (15, Is(Ping(1))),
                (15, Written),
                (20, Pause),
                (1_000, Is(WaitUntil(Ticks::MAX))),
                (1_000, Resume),
                // Five of ten seconds were over, and ten of twenty.
                (1_000, Is(WaitUntil(at(1_005)))),
                (1_005, Is(Dead(Death::NoPong))),
            ],
        );
        // A ping written during the pause has its full time afterwards.
        play(
            TIMING,
            &[
                (14, Pause),
                (15, Is(Ping(1))),
                (15, Written),
                (500, Is(WaitUntil(Ticks::MAX))),
                (500, Resume),
                (500, Is(WaitUntil(at(510)))),
                (509, Pong),
                (509, Is(Ping(2))),
            ],
        );
    }
}
