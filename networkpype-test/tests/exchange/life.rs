use std::io::ErrorKind;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use networkpype_test::{Exchange, RawServer, Step};

use crate::client::{Client, get};

#[test]
fn dropping_an_exchange_stops_it() {
    let exchange = Exchange::start();
    let addr = exchange.addr();
    let mut client = Client::connect(addr);
    assert_eq!(client.call("GET", "/public/ping", &[], "").status, 200);
    drop(exchange);
    assert_eq!(client.read().unwrap(), 0);
    let refused = TcpStream::connect(addr).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn dropping_a_raw_server_stops_it() {
    let server = RawServer::start(vec![Step::Hang]);
    let addr = server.addr();
    let mut client = Client::connect(addr);
    drop(server);
    // A reset when it was not accepted yet.
    assert!(matches!(client.read(), Ok(0) | Err(_)));
    let refused = TcpStream::connect(addr).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_panic_in_a_handler_fails_the_drop() {
    let exchange = Exchange::builder()
        .handler("/boom", |request| panic!("no {} here", request.method))
        .start();
    let mut client = Client::connect(exchange.addr());
    client.send("GET", "/boom", &[], "");
    assert_eq!(client.rest(), b"");
    // The exchange lives on until then.
    assert_eq!(get(&exchange, "/public/ping").status, 200);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(exchange))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("no GET here"), "{message}");
}

#[test]
fn a_panic_in_the_test_is_not_doubled() {
    let panic = catch_unwind(|| {
        let exchange = Exchange::builder().handler("/boom", |_| panic!("of the handler")).start();
        let mut client = Client::connect(exchange.addr());
        client.send("GET", "/boom", &[], "");
        assert_eq!(client.rest(), b"");
        panic!("of the test");
    })
    .unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the test"));
}

#[tokio::test(flavor = "current_thread")]
async fn it_serves_a_runtime_that_is_blocked() {
    let exchange = Exchange::start();
    assert_eq!(get(&exchange, "/public/ping").status, 200);
    exchange.wait_until(|exchange| exchange.requests().len() == 1).await;
}
