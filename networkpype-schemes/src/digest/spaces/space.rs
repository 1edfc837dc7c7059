//! What is known of one protection space?

use std::sync::Arc;

use networkpype_core::Origin;

use crate::digest::offer::Offer;

/// How many paths are remembered.
pub(super) const PATHS: usize = 16;
/// How many nonces wait to be used. As many requests that were refused at once each find their own.
pub(super) const SPARES: usize = 128;

pub(super) struct Space {
    pub(super) offer: Arc<Offer>,
    /// The offer's, or the one that came after it.
    pub(super) nonce: Vec<u8>,
    /// How much was learnt with the latest nonce.
    pub(super) learnt: u64,
    /// Offers that differ in their nonce, and how much was learnt with each, the latest at the end.
    spares: Vec<(u64, Offer)>,
    /// The nonce and cnonce that the key of the session is made of.
    session: Option<(Vec<u8>, String)>,
    /// Where challenges came from, the latest at the end.
    paths: Vec<String>,
}

impl Space {
    pub(super) fn new(offer: Offer) -> Self {
        Self {
            nonce: offer.nonce.clone(),
            offer: Arc::new(offer),
            learnt: 0,
            spares: Vec::new(),
            session: None,
            paths: Vec::new(),
        }
    }

    /// Goes on with this offer.
    pub(super) fn take(&mut self, offer: Offer) {
        let has_same_terms = offer.has_terms_of(&self.offer);
        // The server of one nonce for ever has one session.
        if !has_same_terms || self.nonce != offer.nonce {
            self.session = None;
        }
        if !has_same_terms {
            self.spares.clear();
        }
        self.spares.retain(|(_, spare)| spare.nonce != offer.nonce);
        self.nonce.clone_from(&offer.nonce);
        self.offer = Arc::new(offer);
    }

    /// Keeps an offer that nobody has answered yet.
    pub(super) fn keep(&mut self, offer: Offer, learnt: u64) {
        let is_kept = |kept: &Offer| kept.nonce == offer.nonce;
        let is_known =
            self.nonce == offer.nonce || self.spares.iter().any(|(_, kept)| is_kept(kept));
        if is_known || !offer.has_terms_of(&self.offer) {
            return;
        }
        if self.spares.len() >= SPARES {
            self.spares.remove(0);
        }
        self.spares.push((learnt, offer));
    }

    /// The latest of the spare offers, which is the last to be stale.
    pub(super) fn spare(&mut self, is_unused: impl Fn(&[u8]) -> bool) -> Option<Offer> {
        let spares = std::iter::from_fn(|| self.spares.pop());
        spares.map(|(_, offer)| offer).find(|offer| is_unused(&offer.nonce))
    }

    /// Forgets those that were there when one that had not been used was signed with: none of them is younger.
    pub(super) fn forget_spares_until(&mut self, learnt: u64) {
        self.spares.retain(|(since, _)| *since > learnt);
    }

    /// The cnonce, and what the key of a session is made of where the server wants one.
    pub(super) fn session_with(&mut self, cnonce: String) -> (String, Option<(Vec<u8>, String)>) {
        if !self.offer.for_session {
            return (cnonce, None);
        }
        let session = self.session.get_or_insert_with(|| (self.nonce.clone(), cnonce));
        // Servers differ about which cnonce a session's key is made of, so it has but one.
        (session.1.clone(), Some(session.clone()))
    }

    pub(super) fn remember(&mut self, path: &str) {
        self.paths.retain(|known| known != path);
        if self.paths.len() >= PATHS {
            self.paths.remove(0);
        }
        self.paths.push(path.to_owned());
    }

    /// How well `path` fits into this space; `None` where it is outside. A server that names no domain, or none at this
    /// origin, means all of its paths (RFC 7616, section 3.3); where it has several realms, the one decides whose paths
    /// are most alike.
    pub(super) fn fit(&self, origin: &Origin, path: &str) -> Option<usize> {
        if self.paths.iter().any(|known| known == path) {
            return Some(usize::MAX);
        }
        let urls = self.offer.domain.split_ascii_whitespace();
        let mut prefixes = urls.filter_map(|url| path_at(origin, url)).peekable();
        if prefixes.peek().is_some() {
            return prefixes.filter(|prefix| path.starts_with(prefix)).map(str::len).max();
        }
        Some(self.paths.iter().map(|known| common_folders(known, path)).max().unwrap_or(0))
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.paths.len(), self.spares.len())
    }
}

/// The path of a URL of the domain, where that is of this origin: the answer goes to no other.
fn path_at<'u>(own: &Origin, url: &'u str) -> Option<&'u str> {
    if url.starts_with('/') && !url.starts_with("//") {
        return Some(url);
    }
    let host = url.find("://")? + 3;
    let path = url[host..].find('/').map_or(url.len(), |slash| host + slash);
    let origin: Origin = url[..path].parse().ok()?;
    (origin == *own).then(|| if path == url.len() { "/" } else { &url[path..] })
}

/// How many bytes of the folders that both are in.
fn common_folders(one: &str, other: &str) -> usize {
    let alike = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).map(|(byte, _)| byte);
    alike.enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at + 1).last().unwrap_or(0)
}
