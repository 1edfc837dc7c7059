//! An authorization server and its API on one socket. Refresh tokens rotate, and each is taken once.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use networkpype_core::{Clock, Sleep, SystemClock, Ticker, Ticks, Timestamp, TokioTicker};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone)]
pub(crate) struct Issuer {
    pub(crate) addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The forms that tokens were asked for with.
    asked: Vec<String>,
    /// What the API was sent: the token's header, the body, and the status that it answered with.
    api: Vec<(String, String, u16)>,
    /// How many refresh tokens came that were used up.
    reused: usize,
    is_revoked: bool,
}

impl Issuer {
    /// Runs on the present runtime, and ends with it. The first refresh token is `r0`.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let issuer = Self { addr, state: Arc::default() };
        let server = issuer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(server.clone().serve(stream));
            }
        });
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().expect("lock").asked.clone()
    }

    pub(crate) fn reused(&self) -> usize {
        self.state.lock().expect("lock").reused
    }

    pub(crate) fn api(&self) -> Vec<(String, String, u16)> {
        self.state.lock().expect("lock").api.clone()
    }

    /// From now on the API refuses the token that was given out last.
    pub(crate) fn revoke(&self) {
        self.state.lock().expect("lock").is_revoked = true;
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((head, body)) = read(&mut stream).await {
            let (status, answer) = match head.contains(" /token ") {
                true => {
                    let answer = self.token(body);
                    // Long enough for others to come meanwhile; nothing depends on whether they do.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    answer
                }
                false => self.orders(&head, body),
            };
            let challenge = "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
            let challenge = if status == 401 { challenge } else { "" };
            let response = format!(
                "HTTP/1.1 {status} Said\r\n{challenge}Content-Length: {}\r\n\r\n{answer}",
                answer.len()
            );
            if stream.get_mut().write_all(response.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// The token `a1` comes with the refresh token `r1`, and so on.
    fn token(&self, form: String) -> (u16, String) {
        let mut state = self.state.lock().expect("lock");
        let refresh = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
        if refresh.is_some_and(|refresh| refresh != format!("r{}", state.asked.len())) {
            state.reused += 1;
            return (400, r#"{"error":"invalid_grant"}"#.to_owned());
        }
        state.asked.push(form);
        state.is_revoked = false;
        let number = state.asked.len();
        let token = format!(
            r#"{{"access_token":"a{number}","token_type":"Bearer","expires_in":3600,"refresh_token":"r{number}"}}"#
        );
        (200, token)
    }

    fn orders(&self, head: &str, body: String) -> (u16, String) {
        let mut state = self.state.lock().expect("lock");
        let authorization = head
            .lines()
            .find_map(|line| line.strip_prefix("authorization: "))
            .unwrap_or_default()
            .to_owned();
        let is_known = authorization == format!("Bearer a{}", state.asked.len());
        let status = if is_known && !state.is_revoked { 200 } else { 401 };
        state.api.push((authorization, body, status));
        (status, "[]".to_owned())
    }
}

/// One request: its head and its body.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(Some(0), |length| length.parse().ok())?];
    stream.read_exact(&mut body).await.ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

/// Both clocks, which can be put ahead.
#[derive(Clone)]
pub(crate) struct Time {
    ticker: TokioTicker,
    ahead: Arc<AtomicU64>,
}

impl Time {
    pub(crate) fn new() -> Self {
        Self { ticker: TokioTicker::new(), ahead: Arc::default() }
    }

    pub(crate) fn pass(&self, secs: u64) {
        self.ahead.fetch_add(secs, Ordering::SeqCst);
    }

    fn ahead(&self) -> Duration {
        Duration::from_secs(self.ahead.load(Ordering::SeqCst))
    }
}

impl Ticker for Time {
    fn now(&self) -> Ticks {
        self.ticker.now() + self.ahead()
    }

    fn sleep_until(&self, deadline: Ticks) -> Sleep {
        self.ticker.sleep_until(deadline - self.ahead())
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        SystemClock.now().saturating_add(self.ahead())
    }
}
