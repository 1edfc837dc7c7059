//! Which challenge is answered ahead, and with which count? What servers have asked for so far, without I/O or time.

use std::sync::Arc;

use networkpype_core::{Origin, Recovery};

use super::offer::Offer;

/// How many protection spaces are remembered. Whoever meets more is asked once more by those forgotten.
const SPACES: usize = 128;
/// How many paths of one space.
const PATHS: usize = 16;

/// The protection spaces that are known: what belongs to one realm of one origin (RFC 9110, section 11.5).
#[derive(Default)]
pub(super) struct Spaces {
    /// The one used last is at the end.
    known: Vec<Space>,
    /// How often a nonce was learnt.
    learnt: u64,
}

struct Space {
    origin: Origin,
    offer: Arc<Offer>,
    /// The offer's, or the one that came after it.
    nonce: Vec<u8>,
    /// How often it was used.
    count: u32,
    /// The nonce and cnonce that the key of the session is made of.
    session: Option<(Vec<u8>, String)>,
    learnt: u64,
    /// Where challenges came from, the latest at the end.
    paths: Vec<String>,
}

/// A request's turn to use a nonce.
pub(super) struct Turn {
    pub(super) offer: Arc<Offer>,
    pub(super) nonce: Vec<u8>,
    /// How often the nonce is used with this: no two have the same.
    pub(super) count: u32,
    pub(super) cnonce: String,
    pub(super) session: Option<(Vec<u8>, String)>,
}

/// A request that was refused.
pub(super) struct Refused<'r> {
    pub(super) origin: &'r Origin,
    pub(super) path: &'r str,
    /// How much was learnt when it was signed.
    pub(super) learnt: u64,
    /// The realm it had an answer for.
    pub(super) answered: Option<&'r [u8]>,
}

impl Spaces {
    /// How much was learnt so far.
    pub(super) fn learnt(&self) -> u64 {
        self.learnt
    }

    /// The next turn of the space that `path` belongs to; `None` where none is known.
    pub(super) fn next(&mut self, origin: &Origin, path: &str, cnonce: String) -> Option<Turn> {
        let fits = |space: &Space| (space.origin == *origin).then(|| space.fit(path)).flatten();
        let best = self.known.iter().enumerate();
        let best = best.filter_map(|(at, space)| Some((fits(space)?, space.learnt, at))).max();
        let mut space = self.known.remove(best?.2);
        // A nonce that has been used so often is forgotten, and another asked for.
        space.count = space.count.checked_add(1)?;
        if space.offer.for_session {
            space.session.get_or_insert_with(|| (space.nonce.clone(), cnonce.clone()));
        }
        // Servers differ about which cnonce a session's key is made of, so it has but one.
        let cnonce = space.session.as_ref().map_or(cnonce, |(_, first)| first.clone());
        let turn = Turn {
            offer: Arc::clone(&space.offer),
            nonce: space.nonce.clone(),
            count: space.count,
            cnonce,
            session: space.session.clone(),
        };
        self.known.push(space);
        Some(turn)
    }

    /// Takes in the challenge to a request that was refused, and says whether it is worth sending once more.
    pub(super) fn challenged(&mut self, offer: Offer, refused: &Refused<'_>) -> Recovery {
        let at = self.position(refused.origin, &offer.realm);
        // Of many requests that were refused at once the first brings the nonce that all go on with.
        let is_known = at.is_some_and(|at| self.known[at].learnt > refused.learnt);
        let recovery = match refused.answered {
            Some(realm) if realm != offer.realm => Recovery::SignAgain,
            Some(_) if offer.stale || is_known => Recovery::NewNonce,
            Some(_) => Recovery::GiveUp,
            None => Recovery::SignAgain,
        };
        let mut space = match at {
            Some(at) => self.known.remove(at),
            None => Space::new(refused.origin.clone(), offer.clone()),
        };
        if !is_known {
            space.take(offer);
            // A refused password makes nobody else send again.
            if recovery != Recovery::GiveUp {
                self.learnt += 1;
                space.learnt = self.learnt;
            }
        }
        space.remember(refused.path);
        if self.known.len() >= SPACES {
            self.known.remove(0);
        }
        self.known.push(space);
        recovery
    }

    /// Goes on with `next` where `used` is still the nonce of that space.
    pub(super) fn next_nonce(&mut self, origin: &Origin, realm: &[u8], used: &[u8], next: &[u8]) {
        let Some(at) = self.position(origin, realm) else { return };
        let space = &mut self.known[at];
        if space.nonce != used || next.is_empty() || next == used {
            return;
        }
        self.learnt += 1;
        space.learnt = self.learnt;
        space.nonce = next.to_vec();
        space.count = 0;
    }

    fn position(&self, origin: &Origin, realm: &[u8]) -> Option<usize> {
        self.known.iter().position(|space| space.origin == *origin && space.offer.realm == realm)
    }
}

impl Space {
    fn new(origin: Origin, offer: Offer) -> Self {
        let nonce = offer.nonce.clone();
        let offer = Arc::new(offer);
        Self { origin, offer, nonce, count: 0, session: None, learnt: 0, paths: Vec::new() }
    }

    fn take(&mut self, offer: Offer) {
        // The server of one nonce for ever still counts.
        if self.nonce != offer.nonce || self.offer.algorithm != offer.algorithm {
            self.nonce = offer.nonce.clone();
            self.count = 0;
            self.session = None;
        }
        self.offer = Arc::new(offer);
    }

    fn remember(&mut self, path: &str) {
        self.paths.retain(|known| known != path);
        if self.paths.len() >= PATHS {
            self.paths.remove(0);
        }
        self.paths.push(path.to_owned());
    }

    /// How well `path` fits into this space; `None` where it is outside. A server that names no domain means all of its
    /// paths (RFC 7616, section 3.3); where it has several realms, the one decides whose paths are most alike.
    fn fit(&self, path: &str) -> Option<usize> {
        if self.paths.iter().any(|known| known == path) {
            return Some(usize::MAX);
        }
        if !self.offer.domain.trim().is_empty() {
            let urls = self.offer.domain.split_ascii_whitespace();
            let prefixes = urls.filter_map(|url| self.path_of(url));
            return prefixes.filter(|prefix| path.starts_with(prefix)).map(str::len).max();
        }
        Some(self.paths.iter().map(|known| common_folders(known, path)).max().unwrap_or(0))
    }

    /// The path of a URL of the domain, where that is of this origin: the answer goes to no other.
    fn path_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        if url.starts_with('/') && !url.starts_with("//") {
            return Some(url);
        }
        let host = url.find("://")? + 3;
        let path = url[host..].find('/').map_or(url.len(), |slash| host + slash);
        let origin: Origin = url[..path].parse().ok()?;
        (origin == self.origin).then(|| if path == url.len() { "/" } else { &url[path..] })
    }
}

/// How many bytes of the folders that both are in.
fn common_folders(one: &str, other: &str) -> usize {
    let alike = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).map(|(byte, _)| byte);
    alike.enumerate().filter(|(_, byte)| *byte == b'/').map(|(at, _)| at + 1).last().unwrap_or(0)
}

#[cfg(test)]
mod tests;
