//! What is answered to a challenge, and what does the server prove in its turn?

use networkpype_core::{Explanation, Secret};

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
    /// The request, as it is hashed.
    asked: String,
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
    let answered = Answered {
        realm: offer.realm.clone(),
        nonce: nonce.clone(),
        algorithm,
        key,
        count,
        cnonce: cnonce.clone(),
        uri: uri.to_owned(),
        asked: algorithm.what(method, uri, body, qop),
        qop,
    };
    let response = answered.seal(&answered.asked, qop);

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
        let what = self.algorithm.hash(&[what.as_bytes()]);
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
        // What the server answers is hashed like a request that has no method.
        let answer = self.algorithm.what("", &self.uri, body, Some(qop));
        let expected = self.seal(&answer, Some(qop));
        Some(proof.eq_ignore_ascii_case(expected.as_bytes()))
    }

    /// Whether its nonce had not been used before.
    pub(super) fn is_first_use(&self) -> bool {
        self.count == "00000001"
    }

    /// How it came about, for a request that was refused.
    pub(super) fn explain(&self) -> Explanation {
        let mut parts = vec![("nonce", String::from_utf8_lossy(&self.nonce).into_owned())];
        if let Some(qop) = self.qop {
            parts.push(("nc", self.count.clone()));
            parts.push(("cnonce", self.cnonce.clone()));
            parts.push(("qop", qop.as_str().to_owned()));
        }
        let name = self.algorithm.as_str();
        let mut explanation = Explanation::builder("digest", format!("{name}, hex")).part(
            "the key of user name, realm and password",
            self.key.clone(),
            true,
        );
        for (name, text) in parts {
            explanation = explanation.part("colon", ":", false).part(name, text, false);
        }
        explanation
            .part("colon", ":", false)
            .part("request", self.algorithm.hash(&[self.asked.as_bytes()]), false)
            .made_from(name, self.asked.as_str(), Vec::new())
            .placed("header \"authorization\"", "response")
            .build(std::slice::from_ref(&self.key))
    }
}

impl DigestAlgorithm {
    /// What is hashed of a request, or of a response (RFC 7616, section 3.4.3).
    fn what(self, method: &str, uri: &str, body: &[u8], qop: Option<Qop>) -> String {
        match qop {
            Some(Qop::AuthInt) => format!("{method}:{uri}:{}", self.hash(&[body])),
            Some(Qop::Auth) | None => format!("{method}:{uri}"),
        }
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
