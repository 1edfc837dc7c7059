//! How a server begins and ends.

use std::net::TcpStream;
use std::panic::catch_unwind;

use networkpype_test::peers::{Kind, Peer};

#[test]
fn a_server_ends_with_its_peer() {
    let Some(peer) = Peer::start(Kind::DigestBasicApache, &[]) else { return };
    let port = peer.port();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(peer);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn what_is_not_installed_is_an_error_in_ci_alone() {
    let nowhere = [("NETWORKPYPE_PEERS", "/nowhere")];
    let outcome = catch_unwind(|| Peer::start(Kind::Oidc, &nowhere).is_none());
    if std::env::var_os("CI").is_some() {
        let message = *outcome.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("run networkpype-test/peers/setup.sh oidc"), "{message}");
    } else {
        assert!(outcome.unwrap());
    }
}

#[test]
fn a_server_that_does_not_come_up_shows_what_it_said() {
    let wrong = [("NONCE_TTL", "soon")];
    let outcome = catch_unwind(|| Peer::start(Kind::DigestBasicApache, &wrong).is_none());
    match outcome {
        Ok(missing) => assert!(missing, "it came up"),
        Err(panic) => {
            let message = *panic.downcast::<String>().unwrap();
            assert!(message.contains("AuthDigestNonceLifetime"), "{message}");
        }
    }
}
