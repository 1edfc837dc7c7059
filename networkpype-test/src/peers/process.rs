//! Did the server come up, and does it end?

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::log::Log;

/// With this code a starter says that the server is not there.
const NOT_INSTALLED: i32 = 69;
/// A second is the rule. On a machine that builds beside it has been twenty.
const TO_COME_UP: Duration = Duration::from_secs(30);
const TO_END: Duration = Duration::from_secs(20);
const A_MOMENT: Duration = Duration::from_millis(2);

/// What a starter said in its one line.
pub(super) type Facts = BTreeMap<String, String>;

/// What came of a start.
#[derive(Debug)]
pub(super) enum Start {
    Ready(Process, Facts),
    /// There is nothing to start; why.
    Missing(String),
    /// It is there and says nothing; its log.
    Silent(String),
    /// It is there and does not work; why, and its log.
    Failed(String),
}

/// A starter that runs, and with it its server. Ends when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Closed by the system too, when the test's process ends without a drop.
    lifeline: Option<ChildStdin>,
}

pub(super) fn start(mut command: Command) -> Start {
    let spawned =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Start::Missing(format!("{} is not installed", command.get_program().display()));
        }
        Err(error) => return Start::Failed(error.to_string()),
    };
    let log = Log::of(child.stderr.take().unwrap());
    let ready_line = first_line(child.stdout.take().unwrap());
    let mut process = Process { lifeline: child.stdin.take(), child };
    match ready_line.recv_timeout(TO_COME_UP) {
        Ok(line) => match facts(&line) {
            Some(facts) => Start::Ready(process, facts),
            None => Start::Failed(format!("it said {line:?} and not that it is ready")),
        },
        Err(RecvTimeoutError::Timeout) => {
            Start::Silent(format!("it was not ready within {TO_COME_UP:?}:{}", log.tail()))
        }
        Err(RecvTimeoutError::Disconnected) => match process.ended() {
            Some(Some(NOT_INSTALLED)) => Start::Missing(log.last_line()),
            code => Start::Failed(format!("it ended with {code:?}:{}", log.tail())),
        },
    }
}

/// The first line, once it is there. Whatever follows is read and forgotten.
fn first_line(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        if let Some(line) = lines.next() {
            let _ = sender.send(line);
        }
        drop(sender);
        lines.for_each(drop);
    });
    receiver
}

/// `READY key=value ...`
fn facts(line: &str) -> Option<Facts> {
    let (ready, facts) = line.split_once(' ')?;
    let facts: Option<Facts> = facts
        .split(' ')
        .map(|fact| fact.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    facts.filter(|facts| ready == "READY" && facts.contains_key("port"))
}

impl Process {
    /// Waits for the end, but not for ever; with which code it came.
    fn ended(&mut self) -> Option<Option<i32>> {
        for _ in 0..TO_END.as_millis() / A_MOMENT.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code());
            }
            std::thread::sleep(A_MOMENT);
        }
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.lifeline = None;
        if self.ended().is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::super::kind::Kind;
    use super::*;

    const ALL: &[Kind] = &[
        Kind::Oidc,
        Kind::Oauth2RsApache,
        Kind::JwtHaproxy,
        Kind::DigestBasicApache,
        Kind::DigestHttpbin,
        Kind::DpopRs,
        Kind::Oauth1Oauthlib,
    ];

    /// A server that runs, and its port. What is not installed has other tests to say so.
    fn started(command: Command) -> Option<(Process, u16)> {
        match start(command) {
            Start::Ready(process, facts) => Some((process, facts["port"].parse().unwrap())),
            Start::Missing(_) => None,
            Start::Silent(why) | Start::Failed(why) => panic!("{why}"),
        }
    }

    fn accepts(port: u16) -> bool {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    }

    #[test]
    fn a_server_ends_when_its_pipe_closes() {
        for &kind in ALL {
            let Some((mut process, port)) = started(kind.command()) else { continue };
            assert!(accepts(port), "{kind:?}");
            process.lifeline = None;
            assert_eq!(process.ended(), Some(Some(0)), "{kind:?}");
            assert!(!accepts(port), "{kind:?}");
        }
    }

    #[test]
    fn a_server_does_not_outlive_its_starter() {
        // Who is killed leaves its files behind.
        let folder =
            std::env::temp_dir().join(format!("networkpype-killed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for kind in [Kind::DigestBasicApache, Kind::JwtHaproxy] {
            let mut command = kind.command();
            command.env("TMPDIR", &folder);
            let Some((mut process, port)) = started(command) else { continue };
            process.child.kill().unwrap();
            let mut moments = 0..TO_END.as_millis() / A_MOMENT.as_millis();
            let gone = moments.any(|_| {
                std::thread::sleep(A_MOMENT);
                !accepts(port)
            });
            assert!(gone, "{kind:?}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_line_of_facts_has_a_port() {
        for (line, expected) in [
            ("READY port=1", Some(vec![("port", "1")])),
            ("READY port=1 key=a=b=", Some(vec![("key", "a=b="), ("port", "1")])),
            ("READY key=a", None),
            ("READY", None),
            ("READY port=1 x", None),
            ("ready port=1", None),
        ] {
            let expected = expected.map(|facts| {
                facts.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
            });
            assert_eq!(facts(line), expected, "{line}");
        }
    }
}
