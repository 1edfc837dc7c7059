//! What is answered to a challenge, and what does the server prove in its turn?

use networkpype_core::Secret;

use super::{
    DigestAlgorithm,
    offer::{Offer, Qop},
    spaces::Turn,
};
use crate::challenge::Params;

/// What an answer is made of, beside the turn that a request has.
pub(super) struct Question<'q> {
    pub(super) user: &'q str,
    pub(super) password: &'q Secret,
    pub(super) method: &'q str,
    /// The request-target as it is sent.
    pub(super) uri: &'q str,
    pub(super) body: &'q [u8],
    pub(super) qop: Option<Qop>,
}

/// What was answered, as far as the server can prove that it knows the password too.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) realm: Vec<u8>,
    pub(super) nonce: Vec<u8>,
    algorithm: DigestAlgorithm,
    key: Secret,
    count: String,
    cnonce: String,
    uri: String,
    qop: Option<Qop>,
}

/// The value of `Authorization`, and what it was made of (RFC 7616, section 3.4).
pub(super) fn answer(question: &Question<'_>, turn: &Turn) -> (Secret, Answered) {
    let Question { user, password, method, uri, body, qop } = *question;
    let Turn { offer, nonce, cnonce, .. } = turn;
    let algorithm = offer.algorithm;
    let count = format!("{:08x}", turn.count);

    let mut key: Secret =
        algorithm.hash(&[user.as_bytes(), &offer.realm, password.expose_bytes()]).into();
    if let Some((first_nonce, first_cnonce)) = &turn.session {
        key = algorithm.hash(&[key.expose_bytes(), first_nonce, first_cnonce.as_bytes()]).into();
    }
    let request = match qop {
        Some(Qop::AuthInt) => {
            let body = algorithm.hash(&[body]);
            algorithm.hash(&[method.as_bytes(), uri.as_bytes(), body.as_bytes()])
        }
        Some(Qop::Auth) | None => algorithm.hash(&[method.as_bytes(), uri.as_bytes()]),
    };
    let answered = Answered {
        realm: offer.realm.clone(),
        nonce: nonce.clone(),
        algorithm,
        key,
        count,
        cnonce: cnonce.clone(),
        uri: uri.to_owned(),
        qop,
    };
    let response = answered.seal(&request, qop);

    let mut header = Header(b"Digest".to_vec());
    header.user(user, offer);
    header.quoted("realm", &offer.realm);
    header.quoted("nonce", nonce);
    header.quoted("uri", uri.as_bytes());
    header.quoted("response", response.as_bytes());
    if let Some(named) = &offer.named {
        header.plain("algorithm", named);
    }
    if let Some(opaque) = &offer.opaque {
        header.quoted("opaque", opaque);
    }
    if let Some(qop) = qop {
        header.plain("qop", qop.as_str());
        header.plain("nc", &answered.count);
    }
    // Without it nobody could make the key of a session.
    if qop.is_some() || turn.session.is_some() {
        header.quoted("cnonce", cnonce.as_bytes());
    }
    (header.0.into(), answered)
}

impl Answered {
    /// The hash over the key and what was asked or answered.
    fn seal(&self, what: &str, qop: Option<Qop>) -> String {
        let (key, what) = (self.key.expose_bytes(), what.as_bytes());
        let Some(qop) = qop else {
            return self.algorithm.hash(&[key, &self.nonce, what]);
        };
        let (count, cnonce) = (self.count.as_bytes(), self.cnonce.as_bytes());
        self.algorithm.hash(&[key, &self.nonce, count, cnonce, qop.as_str().as_bytes(), what])
    }

    /// Whether the server's `rspauth` shows that it knows the password; `None` where it sends none, or answers in the
    /// manner of RFC 2069, which has none (RFC 7616, section 3.5).
    pub(super) fn is_proven(&self, info: &Params, body: &[u8]) -> Option<bool> {
        let proof = info.get("rspauth")?;
        let asked = self.qop?;
        let qop = info.get("qop").and_then(Qop::read).unwrap_or(asked);
        let response = match qop {
            Qop::Auth => self.algorithm.hash(&[b"", self.uri.as_bytes()]),
            Qop::AuthInt => {
                let body = self.algorithm.hash(&[body]);
                self.algorithm.hash(&[b"", self.uri.as_bytes(), body.as_bytes()])
            }
        };
        let expected = self.seal(&response, Some(qop));
        Some(proof.eq_ignore_ascii_case(expected.as_bytes()))
    }
}

/// A header that grows.
struct Header(Vec<u8>);

impl Header {
    fn plain(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.extend_from_slice(value.as_bytes());
    }

    fn quoted(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        for byte in value {
            if matches!(byte, b'"' | b'\\') {
                self.0.push(b'\\');
            }
            self.0.push(*byte);
        }
        self.0.push(b'"');
    }

    /// The user name: hashed, or in the form of RFC 8187 where the server says that it reads UTF-8, or as it is. Older
    /// servers know no `username*` and compare the bytes.
    fn user(&mut self, user: &str, offer: &Offer) {
        if offer.userhash {
            let hash = offer.algorithm.hash(&[user.as_bytes(), &offer.realm]);
            self.quoted("username", hash.as_bytes());
            self.plain("userhash", "true");
        } else if offer.utf8 && !user.is_ascii() {
            self.plain("username*", &format!("UTF-8''{}", encoded(user)));
        } else {
            self.quoted("username", user.as_bytes());
        }
    }

    fn name(&mut self, name: &str) {
        let before = if self.0.len() == b"Digest".len() { " " } else { ", " };
        self.0.extend_from_slice(before.as_bytes());
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
    }
}

/// Percent-encoded but for what RFC 8187, section 3.2.1, leaves alone and RFC 3986 does too.
fn encoded(text: &str) -> String {
    networkpype_core::Encoding::Rfc3986.encode(text).into_owned()
}
