//! Which nonce did a server give out last (RFC 9449, sections 8 and 9)?

use std::collections::VecDeque;

use networkpype_core::Origin;

use crate::oauth2::presentation::Server;

/// No more than these are remembered. A server that was forgotten gives out its nonce again, for one refused request.
const ROOM: usize = 64;

/// No nonce is believed that is longer, since it goes into every request.
const LONGEST: usize = 1024;

/// The last nonce of each server, that of whom was heard last at the end.
#[derive(Debug, Default)]
pub(super) struct Nonces(VecDeque<(Server, Origin, String)>);

impl Nonces {
    pub(super) fn get(&self, server: Server, origin: &Origin) -> Option<&str> {
        let mut all = self.0.iter();
        all.find(|(of, at, _)| *of == server && at == origin).map(|(_, _, nonce)| nonce.as_str())
    }

    /// Takes the nonce of a response, where it is one (section 8.1).
    pub(super) fn learn(&mut self, server: Server, origin: &Origin, nonce: &[u8]) {
        let is_nqchar = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if nonce.is_empty() || nonce.len() > LONGEST || !nonce.iter().all(is_nqchar) {
            return;
        }
        let nonce = String::from_utf8_lossy(nonce).into_owned();
        self.0.retain(|(of, at, _)| *of != server || at != origin);
        self.0.push_back((server, origin.clone(), nonce));
        if self.0.len() > ROOM {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(number: usize) -> Origin {
        format!("https://h{number}.example.com").parse().expect("an origin")
    }

    #[test]
    fn each_server_has_its_last_nonce_and_an_api_another_than_the_server_of_tokens() {
        use Server::{Authorization, Resource};
        let mut nonces = Nonces::default();
        nonces.learn(Resource, &origin(1), b"a");
        nonces.learn(Authorization, &origin(1), b"b");
        nonces.learn(Resource, &origin(1), b"c");
        assert_eq!(nonces.get(Resource, &origin(1)), Some("c"));
        assert_eq!(nonces.get(Authorization, &origin(1)), Some("b"));
        assert_eq!(nonces.get(Resource, &origin(2)), None);
    }

    #[test]
    fn what_is_no_nonce_is_not_taken_for_one() {
        let mut nonces = Nonces::default();
        nonces.learn(Server::Resource, &origin(1), b"good");
        let long = vec![b'x'; 1025];
        for bad in [&b""[..], b"a b", b"a\"b", b"a\\b", b"a\xff", &long] {
            nonces.learn(Server::Resource, &origin(1), bad);
            assert_eq!(nonces.get(Server::Resource, &origin(1)), Some("good"));
        }
    }

    #[test]
    fn who_was_not_heard_for_longest_is_forgotten_first() {
        let mut nonces = Nonces::default();
        for number in 0..64 {
            nonces.learn(Server::Resource, &origin(number), b"n");
        }
        nonces.learn(Server::Resource, &origin(0), b"m");
        nonces.learn(Server::Resource, &origin(64), b"n");
        assert_eq!(nonces.0.len(), 64);
        assert_eq!(nonces.get(Server::Resource, &origin(0)), Some("m"));
        assert_eq!(nonces.get(Server::Resource, &origin(1)), None);
    }
}
