//! Does this request know the password (RFC 7616)? Written without a look at the client's side.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hmac::digest::Digest;
use md5::Md5;
use sha2::{Sha256, Sha512, Sha512_256};

use crate::record::Recorded;
use crate::wire::Reply;

/// A realm that is entered with a user name and a password by Digest, for
/// [`ExchangeBuilder::digest`](crate::ExchangeBuilder::digest). Clones are the same realm.
#[derive(Clone)]
pub struct DigestRealm {
    user: String,
    password: String,
    algorithms: Vec<&'static str>,
    qop: &'static str,
    uses: usize,
    hands_out_next: bool,
    lies: bool,
    seen: Arc<Mutex<Seen>>,
}

/// What the realm has seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DigestCounts {
    /// Requests that were let in.
    pub accepted: usize,
    /// Requests without an answer, or with one to something else.
    pub asked: usize,
    /// Right answers to a nonce that was used up.
    pub stale: usize,
    /// Right answers whose nonce and count came before.
    pub replayed: usize,
    /// Wrong answers.
    pub wrong: usize,
}

#[derive(Default)]
struct Seen {
    counts: DigestCounts,
    /// The nonces that were given out.
    nonces: BTreeMap<String, Given>,
    /// The first cnonce of each session, by the nonce of the challenge that began it.
    cnonces: BTreeMap<String, String>,
}

/// A nonce that was given out.
struct Given {
    /// The counts it came with.
    counts: BTreeSet<u32>,
    /// The nonce of the challenge before it: the key of a session is made of that (RFC 7616, section 3.4.2).
    first: String,
}

impl DigestRealm {
    /// MD5 with `qop="auth"`, and nonces that never end.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            algorithms: vec!["MD5"],
            qop: "auth",
            uses: usize::MAX,
            hands_out_next: false,
            lies: false,
            seen: Arc::default(),
        }
    }

    /// One challenge for each of these, a line each: `MD5`, `SHA-256`, `SHA-512-256`, `SHA-512`, also with `-sess`.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = &'static str>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// What is offered to be protected: `auth`, `auth-int`, both with a comma, or nothing for RFC 2069.
    #[must_use]
    pub fn qop(mut self, qop: &'static str) -> Self {
        self.qop = qop;
        self
    }

    /// How often a nonce may be used. Default: without end.
    #[must_use]
    pub fn uses(mut self, uses: usize) -> Self {
        self.uses = uses;
        self
    }

    /// Hands out the nonce that comes next with the last use of one.
    #[must_use]
    pub fn hands_out_next(mut self) -> Self {
        self.hands_out_next = true;
        self
    }

    /// Proves with `rspauth` that it knows another password.
    #[must_use]
    pub fn lies(mut self) -> Self {
        self.lies = true;
        self
    }

    /// What it has seen so far.
    pub fn counts(&self) -> DigestCounts {
        self.seen().counts.clone()
    }

    /// The header of the response to a request that is let in, with this body.
    ///
    /// # Errors
    ///
    /// With the refusal of one that is not.
    pub(crate) fn enter(&self, request: &Recorded, body: &[u8]) -> Result<Option<String>, Reply> {
        let given = request.header("authorization").and_then(|value| value.strip_prefix("Digest "));
        let Some(given) = given.map(params) else {
            return Err(self.refusal("", |counts| &mut counts.asked));
        };
        let get = |name: &str| given.get(name).map_or("", String::as_str);
        let Some(check) = self.check(&given, request) else {
            return Err(self.refusal("", |counts| &mut counts.wrong));
        };
        let mut next = None;
        if self.qop.is_empty() {
            if !self.seen().nonces.contains_key(get("nonce")) {
                return Err(self.refusal(", stale=true", |counts| &mut counts.stale));
            }
        } else {
            let count = u32::from_str_radix(get("nc"), 16).unwrap_or_default();
            let (used, is_new) = {
                let mut seen = self.seen();
                let known = seen.nonces.get_mut(get("nonce")).map(|nonce| &mut nonce.counts);
                known.map_or((usize::MAX, true), |counts| (counts.len(), counts.insert(count)))
            };
            if !is_new {
                return Err(self.refusal(", stale=true", |counts| &mut counts.replayed));
            }
            if used >= self.uses {
                return Err(self.refusal(", stale=true", |counts| &mut counts.stale));
            }
            let is_last = self.hands_out_next && used + 1 == self.uses;
            next = is_last.then(|| self.nonce(Some(get("nonce"))));
        }
        self.seen().counts.accepted += 1;
        if self.qop.is_empty() {
            return Ok(None);
        }
        let (cnonce, nc, qop) = (get("cnonce"), get("nc"), get("qop"));
        let mut proof = check.response("", body);
        if self.lies {
            proof = check.response("?", body);
        }
        let next = next.map_or(String::new(), |next| format!(", nextnonce=\"{next}\""));
        Ok(Some(format!("rspauth=\"{proof}\", cnonce=\"{cnonce}\", nc={nc}, qop={qop}{next}")))
    }

    /// What was answered, where that is right.
    fn check<'g>(
        &self,
        given: &'g BTreeMap<String, String>,
        request: &Recorded,
    ) -> Option<Check<'g>> {
        let get = |name: &str| given.get(name).map(String::as_str);
        let named = get("algorithm").unwrap_or("MD5");
        if !self.algorithms.contains(&named) {
            return None;
        }
        let (name, is_session) = match named.strip_suffix("-sess") {
            Some(name) => (name, true),
            None => (named, false),
        };
        let hash: Hash = match name {
            "MD5" => hex::<Md5>,
            "SHA-256" => hex::<Sha256>,
            "SHA-512-256" => hex::<Sha512_256>,
            "SHA-512" => hex::<Sha512>,
            _ => return None,
        };
        if get("username")? != self.user || get("realm")? != REALM || get("opaque")? != OPAQUE {
            return None;
        }
        let qop = get("qop").unwrap_or_default();
        let is_offered = self.qop.split(',').any(|offered| offered.trim() == qop);
        if get("uri")? != request.target || !is_offered {
            return None;
        }
        let (nonce, cnonce) = (get("nonce")?, get("cnonce").unwrap_or_default());
        let mut secret = hash(format!("{}:{REALM}:{}", self.user, self.password).as_bytes());
        let session = is_session.then(|| self.session(nonce, cnonce));
        if let Some((first, first_cnonce)) = &session {
            secret = hash(format!("{secret}:{first}:{first_cnonce}").as_bytes());
        }
        let nc = get("nc").unwrap_or_default();
        let is_count = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        let is_counted = nc.len() == 8 && nc.bytes().all(is_count);
        if !qop.is_empty() && !is_counted {
            return None;
        }
        let check = Check { hash, secret, nonce, nc, cnonce, qop, uri: get("uri")? };
        if check.response(&request.method, &request.body) != get("response")? {
            return None;
        }
        if let Some((first, cnonce)) = session {
            self.seen().cnonces.insert(first, cnonce);
        }
        Some(check)
    }

    /// The nonce and cnonce that the key of this nonce's session is made of: those of the first right answer to the
    /// challenge, which this one may be.
    fn session(&self, nonce: &str, cnonce: &str) -> (String, String) {
        let seen = self.seen();
        let first = seen.nonces.get(nonce).map_or(nonce, |given| &given.first);
        let cnonce = seen.cnonces.get(first).map_or(cnonce, String::as_str);
        (first.to_owned(), cnonce.to_owned())
    }

    fn refusal(&self, more: &str, count: impl Fn(&mut DigestCounts) -> &mut usize) -> Reply {
        *count(&mut self.seen().counts) += 1;
        let nonce = self.nonce(None);
        let mut reply = Reply::error(401, -2015, "Who are you?");
        for algorithm in &self.algorithms {
            let qop = match self.qop {
                "" => String::new(),
                qop => format!(", qop=\"{qop}\""),
            };
            let challenge = format!(
                "Digest realm=\"{REALM_QUOTED}\", nonce=\"{nonce}\", opaque=\"{OPAQUE}\", algorithm={algorithm}{qop}{more}"
            );
            reply = reply.header("WWW-Authenticate", challenge);
        }
        reply
    }

    /// A nonce for a challenge, or the one that comes after another.
    fn nonce(&self, before: Option<&str>) -> String {
        let mut seen = self.seen();
        let nonce = format!("nonce{}==", seen.nonces.len());
        let before = before.and_then(|before| seen.nonces.get(before));
        let first = before.map_or_else(|| nonce.clone(), |before| before.first.clone());
        seen.nonces.insert(nonce.clone(), Given { counts: BTreeSet::new(), first });
        nonce
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for DigestRealm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestRealm").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// Holds what clients forget to escape, or to take for one text.
const REALM: &str = "a \"realm\", and \\ more";
const REALM_QUOTED: &str = "a \\\"realm\\\", and \\\\ more";
const OPAQUE: &str = "op=aque";

type Hash = fn(&[u8]) -> String;

fn hex<H: Digest>(text: &[u8]) -> String {
    const_hex::encode(H::digest(text))
}

/// What goes into a hash.
struct Check<'g> {
    hash: Hash,
    secret: String,
    nonce: &'g str,
    nc: &'g str,
    cnonce: &'g str,
    qop: &'g str,
    uri: &'g str,
}

impl Check<'_> {
    fn response(&self, method: &str, body: &[u8]) -> String {
        let Self { hash, secret, nonce, nc, cnonce, qop, uri } = self;
        let mut asked = format!("{method}:{uri}");
        if *qop == "auth-int" {
            asked = format!("{asked}:{}", hash(body));
        }
        let asked = hash(asked.as_bytes());
        let middle = if qop.is_empty() { String::new() } else { format!("{nc}:{cnonce}:{qop}:") };
        hash(format!("{secret}:{nonce}:{middle}{asked}").as_bytes())
    }
}

/// The parameters of a header, without quotes and escapes.
fn params(text: &str) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    let (mut name, mut value, mut in_value, mut quoted) =
        (String::new(), String::new(), false, false);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => value.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => {
                params.insert(std::mem::take(&mut name), std::mem::take(&mut value));
                in_value = false;
            }
            '=' if !in_value => in_value = true,
            ' ' if !quoted => {}
            letter if in_value => value.push(letter),
            letter => name.push(letter),
        }
    }
    params.insert(name, value);
    params
}
