use std::sync::Arc;

use futures_util::StreamExt;
use networkpype_test::{Exchange, TestCa};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::client_async;

type Connected = std::io::Result<TlsStream<TcpStream>>;

async fn connect(exchange: &Exchange, config: Arc<ClientConfig>, name: &'static str) -> Connected {
    let stream = TcpStream::connect(exchange.addr()).await?;
    let name = ServerName::try_from(name).unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

async fn ping(mut stream: TlsStream<TcpStream>) -> std::io::Result<String> {
    stream.write_all(b"GET /public/ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn whoever_trusts_the_ca_is_served() {
    let ca = TestCa::new();
    let exchange = Exchange::builder().tls_from(&ca).start();
    assert!(exchange.url().starts_with("https://127.0.0.1:"));
    assert_eq!(exchange.ca_pem(), Some(ca.pem()));
    CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap();
    for name in ["localhost", "127.0.0.1"] {
        let stream = connect(&exchange, ca.client_config(), name).await.unwrap();
        assert!(ping(stream).await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
    }
    assert!(connect(&exchange, ca.client_config(), "other.test").await.is_err());
}

#[tokio::test]
async fn whoever_trusts_another_ca_goes_away() {
    let exchange = Exchange::builder().tls().start();
    let stranger = TestCa::new();
    let refused = connect(&exchange, stranger.client_config(), "localhost").await;
    assert!(refused.unwrap_err().to_string().contains("certificate"));
    exchange.wait_until(|exchange| exchange.tls_failures().len() == 1).await;
    assert!(exchange.requests().is_empty());
}

#[tokio::test]
async fn an_expired_certificate_is_expired() {
    let ca = TestCa::new();
    let expired = ca.issue_expired(&["localhost"]).server_config();
    let exchange = Exchange::builder().tls_config(expired).start();
    let refused = connect(&exchange, ca.client_config(), "localhost").await;
    assert!(refused.unwrap_err().to_string().contains("expired"));
}

#[tokio::test]
async fn client_certificates_are_demanded() {
    let ca = TestCa::new();
    let config = ca.server_config_with_client_auth(&["localhost"]);
    let exchange = Exchange::builder().tls_config(config).start();
    // In TLS 1.3 the refusal comes with the first read.
    let without = match connect(&exchange, ca.client_config(), "localhost").await {
        Ok(stream) => ping(stream).await,
        Err(refused) => Err(refused),
    };
    assert!(without.is_err());

    let issued = ca.issue_client("trader");
    CertificateDer::from_pem_slice(issued.cert_pem.as_bytes()).unwrap();
    PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
    let config = ca.client_config_with(&issued);
    let stream = connect(&exchange, config, "localhost").await.unwrap();
    assert!(ping(stream).await.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_kick_over_tls_says_no_goodbye() {
    let ca = TestCa::new();
    let exchange = Exchange::builder().tls_from(&ca).start();
    let tls = connect(&exchange, ca.client_config(), "localhost").await.unwrap();
    let url = exchange.ws_url("/ws");
    assert!(url.starts_with("wss://"));
    let (mut stream, _) = client_async(url, tls).await.unwrap();
    exchange.kick_ws_clients();
    assert!(stream.next().await.unwrap().is_err());
}

/// The state that breaks whoever asks rustls for the process's provider: with two, there is none.
#[cfg(feature = "ring")]
#[test]
fn with_ring_beside_there_is_no_provider_to_ask_for() {
    let asked = std::panic::catch_unwind(tokio_rustls::rustls::ClientConfig::builder);
    assert!(asked.is_err(), "both providers are in this program");
}
