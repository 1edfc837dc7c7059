//! What does the exchange say on an upgraded connection?

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::login;
use crate::record::{MessageKind, ReceivedMessage};
use crate::state::State;
use crate::wire::Socket;

pub(super) struct Session {
    stream: WebSocketStream<Socket>,
    state: Arc<State>,
    connection: usize,
    logged_in: bool,
    closing: bool,
    /// Channel and the sequence number of its last message.
    channels: BTreeMap<Channel, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    Ticker,
    Orders,
}

/// How a session goes on after a message.
enum Next {
    Listen,
    Drop,
    Reset,
    Silence,
}

type SendResult = Result<Next, tokio_tungstenite::tungstenite::Error>;

impl Session {
    pub(super) fn new(
        stream: WebSocketStream<Socket>,
        state: Arc<State>,
        connection: usize,
    ) -> Self {
        Self {
            stream,
            state,
            connection,
            logged_in: false,
            closing: false,
            channels: BTreeMap::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let mut ticks = interval(self.state.config.tick_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = tokio::select! {
                message = self.stream.next() => match message {
                    Some(Ok(message)) => self.receive(message).await,
                    Some(Err(_)) | None => return,
                },
                _ = ticks.tick(), if self.has_news() => self.publish().await,
            };
            match next {
                Ok(Next::Listen) => {}
                // Sockets are polled by whoever wants to read: not to read is to answer no ping.
                Ok(Next::Silence) => std::future::pending().await,
                Ok(Next::Reset) => return self.stream.get_ref().reset_on_close(),
                Ok(Next::Drop) | Err(_) => return,
            }
        }
    }

    async fn receive(&mut self, message: Message) -> SendResult {
        let (kind, data) = match &message {
            Message::Text(text) => (MessageKind::Text, Bytes::copy_from_slice(text.as_bytes())),
            Message::Binary(data) => (MessageKind::Binary, data.clone()),
            Message::Ping(data) => (MessageKind::Ping, data.clone()),
            Message::Pong(data) => (MessageKind::Pong, data.clone()),
            Message::Close(frame) => {
                let code = frame.as_ref().map(|frame| u16::from(frame.code));
                let reason = frame.as_ref().map_or("", |frame| frame.reason.as_str());
                self.closing = true;
                (MessageKind::Close(code), Bytes::copy_from_slice(reason.as_bytes()))
            }
            Message::Frame(_) => return Ok(Next::Listen),
        };
        let received = ReceivedMessage::new(self.connection, kind, data);
        self.state.journal.write(|entries| entries.messages.push(received));
        match message {
            Message::Text(text) if !self.closing => self.command(text.as_str()).await,
            Message::Binary(data) if !self.closing => {
                self.stream.send(Message::Binary(data)).await?;
                Ok(Next::Listen)
            }
            _ => Ok(Next::Listen),
        }
    }

    async fn command(&mut self, text: &str) -> SendResult {
        let request: Value = serde_json::from_str(text).unwrap_or_default();
        match request["op"].as_str().unwrap_or_default() {
            "subscribe" => self.subscribe(&request).await,
            "unsubscribe" => self.unsubscribe(&request).await,
            "login" => self.login(&request).await,
            "echo" => self.text(text.to_owned()).await,
            "close" => {
                let code = request["code"].as_u64().and_then(|code| code.try_into().ok());
                let reason = request["reason"].as_str().unwrap_or_default();
                self.close(code.unwrap_or(1000), reason).await
            }
            "ping" => {
                let payload = request["payload"].as_str().unwrap_or_default().to_owned();
                self.stream.send(Message::Ping(payload.into())).await?;
                Ok(Next::Listen)
            }
            "big" => {
                let bytes = request["bytes"].as_u64().unwrap_or_default();
                let filler = usize::try_from(bytes).unwrap_or(usize::MAX).saturating_sub(2);
                self.text(format!("\"{}\"", "x".repeat(filler))).await
            }
            "bad_json" => self.text("{not json".to_owned()).await,
            "drop" => Ok(Next::Drop),
            "reset" => Ok(Next::Reset),
            "silence" => Ok(Next::Silence),
            _ => self.error(&request, "60012", "Invalid request.").await,
        }
    }

    async fn subscribe(&mut self, request: &Value) -> SendResult {
        match Channel::of(request) {
            None => self.error(request, "60018", "No such channel.").await,
            Some(Channel::Orders) if !self.logged_in => {
                self.error(request, "60011", "Please log in.").await
            }
            Some(channel) => {
                self.channels.insert(channel, 0);
                self.acknowledge(request, "subscribed").await
            }
        }
    }

    async fn unsubscribe(&mut self, request: &Value) -> SendResult {
        let known = Channel::of(request).and_then(|channel| self.channels.remove(&channel));
        match known {
            None => self.error(request, "60018", "Not subscribed.").await,
            Some(_) => self.acknowledge(request, "unsubscribed").await,
        }
    }

    async fn login(&mut self, request: &Value) -> SendResult {
        match login::check(&self.state, request) {
            Ok(()) => {
                self.logged_in = true;
                let event = json!({ "event": "login", "code": "0" });
                self.event(request, event).await
            }
            Err((code, msg)) => {
                self.error(request, code, msg).await?;
                self.close(4003, "login failed").await
            }
        }
    }

    fn has_news(&self) -> bool {
        let ticks = self.state.config.ticks;
        !self.closing && self.channels.values().any(|seq| *seq < ticks)
    }

    async fn publish(&mut self) -> SendResult {
        let ticks = self.state.config.ticks;
        let mut news = Vec::new();
        for (channel, seq) in self.channels.iter_mut().filter(|(_, seq)| **seq < ticks) {
            *seq += 1;
            news.push(channel.message(*seq).to_string());
        }
        for text in news {
            self.text(text).await?;
        }
        Ok(Next::Listen)
    }

    async fn acknowledge(&mut self, request: &Value, event: &str) -> SendResult {
        let event = json!({ "event": event, "channel": request["channel"] });
        self.event(request, event).await
    }

    async fn error(&mut self, request: &Value, code: &str, msg: &str) -> SendResult {
        let event = json!({ "event": "error", "code": code, "msg": msg });
        self.event(request, event).await
    }

    /// Carries the request's `id`, if it had one.
    async fn event(&mut self, request: &Value, mut event: Value) -> SendResult {
        if let Some(id) = request.get("id") {
            event["id"] = id.clone();
        }
        self.text(event.to_string()).await
    }

    async fn text(&mut self, text: String) -> SendResult {
        self.stream.send(Message::Text(text.into())).await?;
        Ok(Next::Listen)
    }

    /// The loop goes on, to read the client's close frame.
    async fn close(&mut self, code: u16, reason: &str) -> SendResult {
        self.closing = true;
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason.to_owned().into() };
        self.stream.send(Message::Close(Some(frame))).await?;
        Ok(Next::Listen)
    }
}

impl Channel {
    fn of(request: &Value) -> Option<Self> {
        match request["channel"].as_str()? {
            "ticker" => Some(Self::Ticker),
            "orders" => Some(Self::Orders),
            _ => None,
        }
    }

    fn message(self, seq: u64) -> Value {
        match self {
            Self::Ticker => {
                json!({ "channel": "ticker", "seq": seq, "price": format!("{}.10", 42_000 + seq) })
            }
            Self::Orders => {
                json!({ "channel": "orders", "seq": seq, "orderId": seq, "state": "filled" })
            }
        }
    }
}
