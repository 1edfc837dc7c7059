//! What if the server misbehaves? Scripts over raw TCP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::host::Host;

/// One thing a [`RawServer`] does to a connection. After the last one it does [`Step::Close`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Reads up to and including the next blank line.
    ReadHead,
    /// Reads so many bytes more.
    ReadBody(usize),
    /// Writes these bytes as they are.
    Write(Bytes),
    /// Writes the 101 that accepts the WebSocket handshake whose head was read last.
    AcceptWebSocket,
    /// Waits.
    Wait(Duration),
    /// Waits for [`RawServer::open_gate`].
    Gate,
    /// Reads, and answers nothing, until the client ends its direction.
    ReadToEnd,
    /// Ends our direction only, and reads until the client ends its own.
    HalfClose,
    /// Closes with an end of stream.
    Close,
    /// Closes with a reset.
    Reset,
    /// Keeps the connection open, reading nothing and writing nothing.
    Hang,
}

impl Step {
    /// [`Step::Write`] of text or bytes.
    pub fn write(bytes: impl Into<Bytes>) -> Self {
        Self::Write(bytes.into())
    }
}

/// A TCP server on loopback that follows a script on every connection.
///
/// It has its own thread and runtime and stops on drop. The script of a client that went away ends with the next
/// step that reads or writes.
#[derive(Debug)]
pub struct RawServer {
    host: Host,
    shared: Arc<Shared>,
}

impl RawServer {
    /// The same script for every connection.
    pub fn start(script: Vec<Step>) -> Self {
        Self::start_scripts(vec![script])
    }

    /// The first script for the first connection accepted, and so on; the last one repeats.
    ///
    /// # Panics
    ///
    /// Without any script.
    pub fn start_scripts(scripts: Vec<Vec<Step>>) -> Self {
        assert!(!scripts.is_empty(), "a raw server needs a script");
        let shared = Arc::new(Shared {
            connections: Mutex::default(),
            changed: watch::Sender::new(()),
            gate: Semaphore::new(0),
        });
        let serving = Arc::clone(&shared);
        let host = Host::start("raw", move |stream, _| {
            let number = serving.accepted();
            let script = scripts[number.min(scripts.len() - 1)].clone();
            let connection = Connection {
                shared: Arc::clone(&serving),
                number,
                unused: Vec::new(),
                head: Vec::new(),
            };
            async move {
                connection.follow(stream, script).await;
            }
        });
        Self { host, shared }
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.host.addr()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// `ws://127.0.0.1:PORT` and this path.
    pub fn ws_url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr())
    }

    /// Every byte read so far, per connection. Scripts that do not read receive nothing.
    pub fn received(&self) -> Vec<Vec<u8>> {
        let connections = self.shared.lock();
        connections.iter().map(|it| it.received.clone()).collect()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.lock().len()
    }

    /// How many connections have come to the end of their script, or lost their client.
    pub fn finished(&self) -> usize {
        self.shared.lock().iter().filter(|it| it.finished).count()
    }

    /// Lets so many [`Step::Gate`]s pass, now or when they are reached.
    pub fn open_gate(&self, steps: usize) {
        self.shared.gate.add_permits(steps);
    }

    /// Waits until so many connections were accepted.
    ///
    /// # Panics
    ///
    /// After 20 s of real time.
    pub async fn wait_for_connections(&self, connections: usize) {
        self.wait_until(|server| server.connections() >= connections).await;
    }

    /// Waits, without polling, until the condition holds. Works on any runtime.
    ///
    /// # Panics
    ///
    /// After 20 s of real time.
    pub async fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        self.host.wait_until(&self.shared.changed, || condition(self)).await;
    }
}

#[derive(Debug)]
struct Shared {
    connections: Mutex<Vec<Progress>>,
    changed: watch::Sender<()>,
    gate: Semaphore,
}

#[derive(Debug, Default)]
struct Progress {
    received: Vec<u8>,
    finished: bool,
}

impl Shared {
    /// The new connection's number, from 0.
    fn accepted(&self) -> usize {
        let mut connections = self.lock();
        connections.push(Progress::default());
        let number = connections.len() - 1;
        drop(connections);
        self.changed.send_replace(());
        number
    }

    fn update(&self, number: usize, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock()[number]);
        self.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Progress>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Connection {
    shared: Arc<Shared>,
    number: usize,
    /// Read, but not yet asked for by a step.
    unused: Vec<u8>,
    /// The head read last.
    head: Vec<u8>,
}

/// The client went away in the middle of a step.
struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Connection {
    async fn follow(mut self, mut stream: TcpStream, script: Vec<Step>) {
        // Only a matter of speed, and the peer may be gone already.
        let _ = stream.set_nodelay(true);
        let mut steps = script.iter().chain([&Step::Close]);
        let ended = loop {
            match steps.next() {
                None | Some(Step::Close) => break self.close(&mut stream).await,
                Some(Step::Reset) => {
                    stream.set_zero_linger().expect("SO_LINGER can be set");
                    break Ok(());
                }
                Some(step) => {
                    if let Err(gone) = self.step(&mut stream, step).await {
                        break Err(gone);
                    }
                }
            }
        };
        drop(stream);
        // A lost client is the client's affair; either way this script is over.
        let (Ok(()) | Err(Gone)) = ended;
        self.shared.update(self.number, |it| it.finished = true);
    }

    async fn step(&mut self, stream: &mut TcpStream, step: &Step) -> Result<(), Gone> {
        match step {
            Step::ReadHead => {
                let length = loop {
                    let end = self.unused.windows(4).position(|it| it == b"\r\n\r\n");
                    match end {
                        Some(at) => break at + 4,
                        None => self.fill(stream).await?,
                    }
                };
                self.head = self.unused.drain(..length).collect();
            }
            Step::ReadBody(length) => {
                while self.unused.len() < *length {
                    self.fill(stream).await?;
                }
                self.unused.drain(..length);
            }
            Step::Write(bytes) => stream.write_all(bytes).await?,
            Step::AcceptWebSocket => stream.write_all(self.acceptance().as_bytes()).await?,
            Step::Wait(duration) => tokio::time::sleep(*duration).await,
            Step::Gate => match self.shared.gate.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => return Err(Gone),
            },
            Step::ReadToEnd => while self.fill(stream).await.is_ok() {},
            Step::HalfClose => {
                stream.shutdown().await?;
                while self.fill(stream).await.is_ok() {}
            }
            Step::Hang => std::future::pending().await,
            Step::Close | Step::Reset => unreachable!("these end the script"),
        }
        Ok(())
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> Result<(), Gone> {
        let start = self.unused.len();
        if stream.read_buf(&mut self.unused).await? == 0 {
            return Err(Gone);
        }
        self.note(&self.unused[start..]);
        Ok(())
    }

    /// What has already arrived is read first: closing upon unread bytes would be a reset.
    async fn close(&self, stream: &mut TcpStream) -> Result<(), Gone> {
        stream.shutdown().await?;
        // `try_read_buf` believes the runtime, which must look at its sockets once more.
        tokio::task::yield_now().await;
        let mut rest = Vec::new();
        while stream.try_read_buf(&mut rest).is_ok_and(|read| read > 0) {}
        self.note(&rest);
        Ok(())
    }

    fn note(&self, bytes: &[u8]) {
        self.shared.update(self.number, |it| it.received.extend_from_slice(bytes));
    }

    fn acceptance(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let key = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
            .map(|(_, key)| key.trim())
            .expect("AcceptWebSocket follows a ReadHead of a WebSocket handshake");
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            derive_accept_key(key.as_bytes())
        )
    }
}
