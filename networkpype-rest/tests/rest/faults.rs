//! Rows H of the fault list, on real sockets.

use std::time::Duration;

use networkpype_core::{ProxyOptions, RestRequest, TlsOptions};
use networkpype_rest::{ErrorKind, Outcome, RestConnection, RestManager};
use networkpype_test::{Exchange, RawServer, Step, TestCa};
use networkpype_throttle::{RateLimit, Throttler};

use crate::support::is_alone;

const SOON: Duration = Duration::from_millis(200);

fn manager(url: String) -> RestManager {
    let connection = RestConnection::builder()
        .connect_timeout(SOON)
        .read_timeout(SOON)
        .max_response_bytes(1000)
        .build()
        .expect("connection");
    RestManager::builder().base_url(url).connection(connection).build().expect("manager")
}

async fn post(url: String) -> networkpype_rest::Error {
    manager(url).call(RestRequest::post("/order").json_text("{}")).await.expect_err("a fault")
}

#[tokio::test]
async fn h01_a_host_that_is_not_found_was_sent_nothing() {
    let error = post("http://host.invalid".to_owned()).await;
    assert!(error.is_connect() && error.outcome() == Outcome::NotSent, "{error:?}");
}

#[tokio::test]
async fn h02_a_refused_connection_was_sent_nothing() {
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("address");
    let error = post(format!("http://{free}")).await;
    assert!(error.is_connect() && error.outcome() == Outcome::NotSent, "{error:?}");
}

#[tokio::test]
async fn h03_a_reset_after_the_body_leaves_the_outcome_unknown_and_is_not_retried() {
    let server = RawServer::start(vec![Step::ReadHead, Step::ReadBody(2), Step::Reset]);
    let error = post(server.url()).await;
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Transport, Outcome::Unknown),
        "{error:?}"
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn h05_a_head_that_does_not_come_times_out() {
    let server = RawServer::start(vec![Step::ReadHead, Step::ReadToEnd]);
    let error = post(server.url()).await;
    assert!(error.is_timeout() && error.outcome() == Outcome::Unknown, "{error:?}");
}

#[tokio::test]
async fn h05_a_body_that_stops_times_out() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::ReadBody(2),
        Step::write(head),
        Step::ReadToEnd,
    ]);
    let error = post(server.url()).await;
    assert!(error.is_timeout() && error.outcome() == Outcome::Done, "{error:?}");
    assert_eq!(error.body_excerpt(), Some("abc"));
}

#[tokio::test]
async fn h06_a_body_shorter_than_declared_is_never_a_partial_value() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}";
    let server =
        RawServer::start(vec![Step::ReadHead, Step::ReadBody(2), Step::write(head), Step::Close]);
    let error = post(server.url()).await;
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Transport, Outcome::Done), "{error:?}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
}

#[tokio::test]
async fn h08_a_body_above_the_cap_is_refused() {
    let exchange = Exchange::start();
    let manager = manager(exchange.url());
    for chunked in ["", "&chunked=1"] {
        manager
            .call(RestRequest::get(format!("/public/big?bytes=1000{chunked}")))
            .await
            .expect("fits");
        let error = manager
            .call(RestRequest::get(format!("/public/big?bytes=1001{chunked}")))
            .await
            .expect_err("too large");
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::TooLarge, Outcome::Done));
    }
}

#[tokio::test]
async fn h08_a_body_that_declares_itself_too_large_is_not_waited_for() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n";
    let server = RawServer::start(vec![
        Step::ReadHead,
        Step::ReadBody(2),
        Step::write(head),
        Step::ReadToEnd,
    ]);
    let error = post(server.url()).await;
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::TooLarge, Outcome::Done), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_is_not_http_leaves_the_outcome_unknown() {
    let server =
        RawServer::start(vec![Step::ReadHead, Step::write("SSH-2.0-x\r\n\r\n"), Step::Close]);
    let error = post(server.url()).await;
    assert_eq!(
        (error.kind(), error.outcome()),
        (ErrorKind::Transport, Outcome::Unknown),
        "{error:?}"
    );
}

fn secure(exchange: &Exchange, tls: TlsOptions) -> RestManager {
    let connection = RestConnection::builder().tls(tls).build().expect("connection");
    RestManager::builder().base_url(exchange.url()).connection(connection).build().expect("manager")
}

#[tokio::test]
async fn a_trusted_certificate_connects() {
    let exchange = Exchange::builder().tls().start();
    let tls =
        TlsOptions::new().root_certificate(exchange.ca_pem().expect("tls")).only_these_roots();
    secure(&exchange, tls).call(RestRequest::get("/time")).await.expect("response");
}

#[tokio::test]
async fn h17_an_untrusted_expired_or_wrong_certificate_is_refused_and_not_retried() {
    let ca = TestCa::new();
    let trusted = || TlsOptions::new().root_certificate(ca.pem()).only_these_roots();
    let names = ["localhost", "127.0.0.1"];
    let expired = Exchange::builder().tls_config(ca.issue_expired(&names).server_config()).start();
    let wrong_host = Exchange::builder().tls_config(ca.server_config(&["example.com"])).start();
    let other_ca = Exchange::builder().tls().start();
    for exchange in [expired, wrong_host, other_ca] {
        let error = secure(&exchange, trusted())
            .call(RestRequest::get("/time"))
            .await
            .expect_err("untrusted");
        assert!(error.is_connect() && error.outcome() == Outcome::NotSent, "{error:?}");
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
        let kind = cause.map(networkpype_core::TransportError::kind);
        assert_eq!(kind, Some(networkpype_core::TransportErrorKind::Tls));
        assert_eq!((exchange.connections(), exchange.requests().len()), (1, 0));
    }
}

#[tokio::test]
async fn h18_a_proxy_that_refuses_is_named_and_its_password_is_not() {
    let proxy = RawServer::start(vec![
        Step::ReadHead,
        Step::write("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"),
        Step::ReadToEnd,
    ]);
    let options = ProxyOptions::new(&proxy.url()).expect("proxy").basic_auth("user", "canary");
    let connection =
        RestConnection::builder().proxy(options).connect_timeout(SOON).build().expect("connection");
    let manager = RestManager::builder().connection(connection).build().expect("manager");
    let error = manager.call(RestRequest::get("https://api.test/")).await.expect_err("refused");
    assert!(error.is_connect() && error.outcome() == Outcome::NotSent, "{error:?}");
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
    let kind = cause.map(networkpype_core::TransportError::kind);
    assert_eq!(kind, Some(networkpype_core::TransportErrorKind::Proxy), "{error:?}");
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn h18_a_proxy_that_hangs_is_given_up() {
    let proxy = RawServer::start(vec![Step::ReadHead, Step::Hang]);
    let options = ProxyOptions::new(&proxy.url()).expect("proxy");
    let connection =
        RestConnection::builder().proxy(options).connect_timeout(SOON).build().expect("connection");
    let manager = RestManager::builder().connection(connection).build().expect("manager");
    let error = manager.call(RestRequest::get("https://api.test/")).await.expect_err("hangs");
    assert!(
        error.is_connect() && error.is_timeout() && error.outcome() == Outcome::NotSent,
        "{error:?}"
    );
}

#[tokio::test]
async fn a_machine_without_certificates_talks_plain_http_and_refuses_https() {
    // Where the platform's roots are is read from the environment, which only another process can have changed.
    const NAME: &str = "faults::a_machine_without_certificates_talks_plain_http_and_refuses_https";
    let nowhere = [("SSL_CERT_FILE", "/nowhere/certificates.pem"), ("SSL_CERT_DIR", "/nowhere")];
    if !is_alone(NAME, &nowhere) {
        return;
    }
    let exchange = Exchange::start();
    let manager = RestManager::builder().base_url(exchange.url()).build().expect("manager");
    manager.call(RestRequest::get("/time")).await.expect("plain");
    let error = manager.call(RestRequest::get("https://127.0.0.1:9/")).await.expect_err("https");
    assert!(error.is_connect() && error.outcome() == Outcome::NotSent, "{error:?}");
    assert!(format!("{error:?}").contains("trusts no certificates"), "{error:?}");
}

/// The connection is open and the TLS handshake is not answered: whatever cuts the call off, nothing was sent.
#[tokio::test]
async fn a_call_that_is_cut_off_while_it_connects_was_not_sent() {
    for request in [
        RestRequest::get("/x"),
        RestRequest::post("/x"),
        RestRequest::post("/x").json_text("{}"),
        RestRequest::post("/x").body_stream(None, || Box::pin(futures_util::stream::empty())),
    ] {
        for request in [request.clone().deadline(SOON), request.clone().attempt_timeout(SOON)] {
            let server = RawServer::start(vec![Step::Hang]);
            let throttler = Throttler::new([RateLimit::new("all", 100, Duration::from_secs(60))])
                .expect("limits");
            let manager = RestManager::builder()
                .base_url(server.url().replace("http", "https"))
                .throttler(throttler.clone())
                .default_limit("all")
                .build()
                .expect("manager");
            let error = manager.call(request).await.expect_err("cut off");
            assert!(error.is_timeout() && error.outcome() == Outcome::NotSent, "{error:?}");
            assert_eq!(throttler.usage("all").expect("limit").used, 0, "given back");
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn a_call_that_is_cut_off_after_it_wrote_may_have_been_acted_on() {
    for request in [
        RestRequest::get("/x"),
        RestRequest::post("/x"),
        RestRequest::post("/x").json_text("{}"),
        RestRequest::post("/x").body_stream(None, || Box::pin(futures_util::stream::pending())),
    ] {
        let server = RawServer::start(vec![Step::ReadHead, Step::ReadToEnd]);
        let throttler =
            Throttler::new([RateLimit::new("all", 100, Duration::from_secs(60))]).expect("limits");
        let manager = RestManager::builder()
            .base_url(server.url())
            .throttler(throttler.clone())
            .default_limit("all")
            .build()
            .expect("manager");
        let error = manager.call(request.deadline(SOON)).await.expect_err("cut off");
        assert!(error.is_timeout() && error.outcome() == Outcome::Unknown, "{error:?}");
        assert_eq!(throttler.usage("all").expect("limit").used, 1, "it stays charged");
    }
}

#[tokio::test]
async fn a_call_that_is_cut_off_within_the_body_keeps_what_the_head_said() {
    for (head, outcome) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", Outcome::Done),
        ("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\nabc", Outcome::Refused),
    ] {
        let server = RawServer::start(vec![Step::ReadHead, Step::write(head), Step::ReadToEnd]);
        let manager = RestManager::builder().base_url(server.url()).build().expect("manager");
        let error =
            manager.call(RestRequest::get("/x").attempt_timeout(SOON)).await.expect_err("cut off");
        assert_eq!((error.is_timeout(), error.outcome()), (true, outcome), "{error:?}");
        assert!(error.status().is_some());
        let waits = (outcome == Outcome::Refused).then_some(Duration::from_secs(7));
        assert_eq!(error.retry_after(), waits);
    }
}

#[tokio::test]
async fn a_streamed_body_that_is_longer_than_declared_is_an_error() {
    let exchange = Exchange::start();
    let manager = RestManager::builder().base_url(exchange.url()).build().expect("manager");
    for length in [3, 7] {
        let request = RestRequest::post("/echo").body_stream(Some(length), || {
            Box::pin(futures_util::stream::iter([Ok("abc".into()), Ok("def".into())]))
        });
        let error = manager.call(request).await.expect_err("another length");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    }
    assert!(exchange.requests().iter().all(|request| !request.complete || request.body.len() < 6));
}

#[tokio::test]
async fn plain_requests_to_this_machine_go_past_the_proxy() {
    let proxy = RawServer::start(vec![Step::ReadHead, Step::Close]);
    let exchange = Exchange::start();
    let options = ProxyOptions::new(&proxy.url()).expect("proxy");
    let connection = RestConnection::builder().proxy(options).build().expect("connection");
    let manager = RestManager::builder().connection(connection).build().expect("manager");
    manager.call(RestRequest::get(exchange.url())).await.expect("direct");
    assert_eq!(proxy.connections(), 0);
    manager.call(RestRequest::get("http://elsewhere.test/")).await.expect_err("through the proxy");
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn timeouts_without_end_are_no_panic() {
    let exchange = Exchange::start();
    let connection = RestConnection::builder()
        .connect_timeout(Duration::MAX)
        .read_timeout(Duration::MAX)
        .pool_idle_timeout(Duration::MAX)
        .build()
        .expect("connection");
    let manager = RestManager::builder()
        .base_url(exchange.url())
        .connection(connection)
        .attempt_timeout(Duration::MAX)
        .deadline(Duration::MAX)
        .build()
        .expect("manager");
    for _ in 0..2 {
        manager.call(RestRequest::get("/time")).await.expect("response");
    }
}

/// The verdict and the first byte race each other on two threads. Whoever reads `NotSent` may send again, so the server
/// must not have seen it.
#[test]
fn what_is_reported_as_not_sent_never_arrives() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("runtime");
    let exchange = Exchange::start();
    let manager = RestManager::builder().base_url(exchange.url()).build().expect("manager");
    // Encoding a large head takes long enough for the other thread to come in between.
    let padding = "x".repeat(40_000);
    let call = |number: usize| {
        let (manager, padding) = (manager.clone(), padding.clone());
        async move {
            let request = match number % 3 {
                0 => RestRequest::post("/echo").json_text("{}"),
                1 => RestRequest::post("/echo"),
                _ => RestRequest::get("/echo"),
            };
            let request = request
                .param("number", number)
                .header("x-padding", padding)
                .attempt_timeout(Duration::from_micros(50 << (number % 11)));
            let outcome =
                manager.call(request).await.map_or_else(|error| error.outcome(), |_| Outcome::Done);
            (number, outcome)
        }
    };
    let mut unsent = Vec::new();
    runtime.block_on(async {
        for round in 0..100 {
            let calls: Vec<_> =
                (round * 16..(round + 1) * 16).map(|number| tokio::spawn(call(number))).collect();
            for call in calls {
                let (number, outcome) = call.await.expect("task");
                if outcome == Outcome::NotSent {
                    unsent.push(format!("/echo?number={number}"));
                }
            }
        }
        // Whatever is still on its way arrives before this does.
        manager.call(RestRequest::get("/time")).await.expect("response");
    });
    let arrived: std::collections::HashSet<_> =
        exchange.requests().into_iter().map(|request| request.target).collect();
    let both: Vec<_> = unsent.iter().filter(|target| arrived.contains(*target)).collect();
    assert!(both.is_empty(), "{} of {}: {both:?}", both.len(), unsent.len());
    assert!(!unsent.is_empty() && arrived.len() > 1, "the race was run: {}", arrived.len());
}

#[tokio::test]
async fn a_stream_that_the_client_would_leave_out_is_refused() {
    let exchange = Exchange::start();
    let manager = RestManager::builder().base_url(exchange.url()).build().expect("manager");
    let stream = |request: RestRequest, length| {
        request.body_stream(length, || Box::pin(futures_util::stream::iter([Ok("abc".into())])))
    };
    let error = manager.call(stream(RestRequest::get("/echo"), None)).await.expect_err("no length");
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Request, Outcome::NotSent));
    manager.call(stream(RestRequest::get("/echo"), Some(3))).await.expect("declared");
    manager.call(stream(RestRequest::post("/echo"), Some(0))).await.expect("nothing");
    let bodies: Vec<_> = exchange.requests().iter().map(|request| request.body.len()).collect();
    assert_eq!(bodies, [3, 0]);
}
