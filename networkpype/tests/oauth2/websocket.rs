//! Tokens on a WebSocket that outlives them.

use futures_util::{SinkExt as _, StreamExt as _};
use networkpype::{
    ConnectionManagersFactory, ErrorKind, WebSocketHandshake,
    schemes::oauth2::{
        AuthorizationServer, Client, Grant, OAuth2, OAuth2Builder, fields_are, token_login,
    },
};
use networkpype_test::{RawServer, Step};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

/// Gives out `t1`, `t2` and so on, each for so many seconds.
fn issuer(tokens: usize, life: u64) -> RawServer {
    let scripts = (1..=tokens).map(|number| {
        let body =
            format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":{life}}}"#);
        let answer = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        vec![
            Step::ReadHead,
            Step::ReadBody("grant_type=client_credentials".len()),
            Step::write(answer),
        ]
    });
    RawServer::start_scripts(scripts.collect())
}

/// A server whose WebSockets tell which token their handshake had.
struct Server(TcpListener);

impl Server {
    async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    fn url(&self) -> String {
        format!("ws://{}", self.0.local_addr().expect("an address"))
    }

    async fn accept(&self) -> (WebSocketStream<TcpStream>, Option<String>) {
        let (stream, _) = self.0.accept().await.expect("a connection");
        let mut header = None;
        #[expect(clippy::result_large_err, reason = "the library's own signature")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            let value = request.headers().get("authorization");
            header = value.map(|value| value.to_str().expect("ASCII").to_owned());
            Ok(response)
        };
        (accept_hdr_async(stream, look).await.expect("a handshake"), header)
    }
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
    loop {
        match socket.next().await.expect("a message").expect("a message") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Close(close) => panic!("closed: {close:?}"),
            _ => {}
        }
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("sent");
}

fn api(
    issuer: &RawServer,
    server: &Server,
    build: impl Fn(OAuth2Builder) -> OAuth2Builder + Send + Sync + 'static,
) -> ConnectionManagersFactory {
    let endpoint = format!("{}/token", issuer.url());
    ConnectionManagersFactory::builder()
        .ws_url(server.url())
        .auth_with(move |api| {
            let scheme = OAuth2::builder()
                .caller(api.anonymous_caller())
                .clock(api.clock())
                .server(AuthorizationServer::new(endpoint))
                .client(Client::with_secret("id", "secret"))
                .grant(Grant::client_credentials());
            build(scheme).build()
        })
        .build()
        .expect("a factory")
}

fn op(op: &str, token: &str) -> Value {
    json!({ "op": op, "token": token })
}

#[tokio::test]
async fn a_login_is_renewed_with_each_next_token_while_data_flows_and_anew_on_the_next_connection()
{
    let issuer = issuer(4, 1);
    let server = Server::start().await;
    let message = |op| {
        token_login(&format!(r#"{{"op":"{op}","token":"{{token}}"}}"#))
            .accepted_when(fields_are([("event", "ok")]))
            .refused_when(fields_are([("event", "no")]))
    };
    let factory = api(&issuer, &server, move |scheme| {
        scheme.ws_login(message("login")).ws_renewal(message("renew"))
    });
    let manager = factory.ws_manager();
    let serving = async {
        let (mut socket, header) = server.accept().await;
        assert_eq!(header, None, "the token is in a message");
        assert_eq!(next(&mut socket).await, op("login", "t1"));
        say(&mut socket, json!({ "event": "ok" })).await;
        for token in ["t2", "t3"] {
            say(&mut socket, json!({ "tick": token })).await;
            assert_eq!(next(&mut socket).await, op("renew", token));
            say(&mut socket, json!({ "event": "ok" })).await;
        }
        say(&mut socket, json!({ "tick": "last" })).await;
        assert_eq!(next(&mut socket).await, op("renew", "t4"));
        say(&mut socket, json!({ "event": "no" })).await;
        socket
    };
    let using = async {
        manager.connect(WebSocketHandshake::new("/ws")).await.expect("connected");
        let mut ticks = Vec::new();
        let error = loop {
            match manager.receive().await {
                Ok(message) => ticks.push(message.json::<Value>().expect("JSON")["tick"].clone()),
                Err(error) => break error,
            }
        };
        assert_eq!(ticks, ["t2", "t3", "last"], "answers to renewals are not the user's");
        assert_eq!(error.kind(), ErrorKind::Login, "{error:?}");
    };
    tokio::join!(serving, using);
}

#[tokio::test]
async fn each_handshake_carries_the_token_of_its_time_and_a_message_renews_it_in_place() {
    let issuer = issuer(3, 4);
    let server = Server::start().await;
    let factory = api(&issuer, &server, |scheme| {
        let renewal = token_login(r#"{"op":"renew","token":"{token}"}"#);
        scheme.ws_renewal(renewal.accepted_when(fields_are([("event", "ok")])))
    });
    let manager = factory.ws_manager();
    for number in [1, 2] {
        let serving = async {
            let (mut socket, header) = server.accept().await;
            assert_eq!(header, Some(format!("Bearer t{number}")));
            assert_eq!(next(&mut socket).await, op("renew", &format!("t{}", number + 1)));
            say(&mut socket, json!({ "event": "ok" })).await;
            socket.close(None).await.expect("closed");
        };
        let using = async {
            let handshake = WebSocketHandshake::new("/ws").auth_required();
            manager.connect(handshake).await.expect("connected");
            let end = manager.receive().await.expect_err("nothing but an end");
            assert_eq!(end.kind(), ErrorKind::Disconnected, "{end:?}");
        };
        tokio::join!(serving, using);
    }
}
