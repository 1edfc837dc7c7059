use std::io::ErrorKind;

use futures_util::StreamExt;
use networkpype_test::{RawServer, Step};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;

#[tokio::test]
async fn each_connection_has_its_script_and_the_last_one_repeats() {
    let server = RawServer::start_scripts(vec![
        vec![Step::ReadHead, Step::write("first")],
        vec![Step::write("later")],
    ]);
    let mut client = Client::connect(server.addr());
    client.write("GET / HTTP/1.1\r\nX: 1\r\n\r\n");
    assert_eq!(client.rest(), b"first");
    for _ in 0..2 {
        assert_eq!(Client::connect(server.addr()).rest(), b"later");
    }
    server.wait_for_connections(3).await;
    server.wait_until(|server| server.finished() == 3).await;
    assert_eq!(server.received()[0], b"GET / HTTP/1.1\r\nX: 1\r\n\r\n");
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_reset_is_seen_as_a_reset() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
        Step::Gate,
        Step::Reset,
    ]);
    let mut client = Client::connect(server.addr());
    client.write("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.head().status, 200);
    server.open_gate(1);
    let reset = client.read().unwrap_err();
    assert_eq!(reset.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_close_upon_unread_bytes_loses_nothing() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::ReadBody(2),
        Step::Gate,
        Step::write("partial"),
        Step::Close,
    ]);
    let mut client = Client::connect(server.addr());
    client.write("POST / HTTP/1.1\r\n\r\nab");
    server.wait_until(|server| server.received().concat().ends_with(b"ab")).await;
    client.write(" and more");
    server.open_gate(1);
    assert_eq!(client.rest(), b"partial");
    server.wait_until(|server| server.finished() == 1).await;
    assert!(server.received()[0].ends_with(b"ab and more"));
}

#[tokio::test]
async fn a_client_that_gives_up_is_noticed() {
    let server = RawServer::start(vec![Step::ReadToEnd]);
    let mut client = Client::connect(server.addr());
    client.write("half a requ");
    server.wait_until(|server| server.received().concat() == b"half a requ").await;
    assert_eq!(server.finished(), 0);
    drop(client);
    server.wait_until(|server| server.finished() == 1).await;
}

#[tokio::test]
async fn a_half_close_still_reads() {
    let server = RawServer::start(vec![Step::write("bye"), Step::HalfClose]);
    let mut client = Client::connect(server.addr());
    assert_eq!(client.rest(), b"bye");
    client.write("late");
    drop(client);
    server.wait_until(|server| server.received().concat() == b"late").await;
}

#[tokio::test]
async fn raw_frames_follow_an_accepted_handshake() {
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::AcceptWebSocket,
        Step::write(&b"\x81\x02hi\x81\x05cut"[..]),
        Step::Close,
    ]);
    let socket = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let (mut stream, _) = client_async(server.ws_url("/"), socket).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Message::text("hi"));
    assert!(stream.next().await.unwrap().is_err());
}
