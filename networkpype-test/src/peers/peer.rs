//! A server that runs for a test.

use std::io::Write;

use super::kind::Kind;
use super::process::{self, Facts, Process, Start};

/// A server that somebody else wrote, on a free port of 127.0.0.1. Ends when dropped.
#[derive(Debug)]
pub struct Peer {
    kind: Kind,
    _process: Process,
    facts: Facts,
    port: u16,
}

impl Peer {
    /// Starts the server and waits until it accepts connections. `knobs` go to its environment.
    ///
    /// `None` where the server is not installed, which is said aloud; with `CI` set that is an error.
    ///
    /// # Panics
    ///
    /// When the server is installed and does not come up, with what it said; and when it is not, in CI.
    #[must_use]
    pub fn start(kind: Kind, knobs: &[(&str, &str)]) -> Option<Self> {
        let start = || {
            let mut command = kind.command();
            command.envs(knobs.iter().copied());
            process::start(command)
        };
        let mut started = start();
        // Node.js was seen to stand still before its first line, on an idle machine, once in hundreds of starts.
        if let Start::Silent(why) = &started {
            let _ = writeln!(std::io::stderr(), "{kind:?} is started once more: {why}");
            started = start();
        }
        match started {
            Start::Ready(process, facts) => {
                let port = facts["port"].parse().expect("a port");
                Some(Self { kind, _process: process, facts, port })
            }
            Start::Missing(why) => {
                let what = format!(
                    "SKIPPED: {kind:?}: {why}; run networkpype-test/peers/setup.sh {}",
                    kind.group()
                );
                assert!(std::env::var_os("CI").is_none(), "{what}");
                // Not by a macro, whose output is swallowed where the test passes.
                let _ = writeln!(std::io::stderr(), "{what}");
                None
            }
            Start::Silent(why) | Start::Failed(why) => panic!("{kind:?} did not start: {why}"),
        }
    }

    /// The port of 127.0.0.1 it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A fact that only the server knows; [`Kind`] lists them.
    ///
    /// # Panics
    ///
    /// When this server has no such fact.
    #[must_use]
    pub fn get(&self, fact: &str) -> &str {
        match self.facts.get(fact) {
            Some(value) => value,
            None => panic!("{:?} knows of no {fact}: {:?}", self.kind, self.facts),
        }
    }

    /// The URL of `path`, which begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
