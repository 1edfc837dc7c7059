//! Which challenge is answered ahead, and with which count? What servers have asked for so far, without I/O or time.

use std::sync::Arc;

use networkpype_core::{Origin, Recovery};

use self::{counts::Counts, space::Space};
use super::offer::Offer;

mod counts;
mod space;

/// How many origins are remembered. Whoever meets more is asked once more by those forgotten.
const SERVERS: usize = 128;
/// How many protection spaces of one origin, so that one that names another realm each time pushes out no other's.
const SPACES: usize = 8;

/// The protection spaces that are known: what belongs to one realm of one origin (RFC 9110, section 11.5).
#[derive(Default)]
pub(super) struct Spaces {
    /// The one used last is at the end.
    servers: Vec<Server>,
    /// How often a nonce was learnt.
    learnt: u64,
}

struct Server {
    origin: Origin,
    /// The one used last is at the end.
    spaces: Vec<Space>,
    counts: Counts,
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
    /// Whether its nonce had not been used before.
    pub(super) is_first_use: bool,
    /// What it was sent again for.
    pub(super) cause: Option<Recovery>,
}

impl Spaces {
    /// How much was learnt so far.
    pub(super) fn learnt(&self) -> u64 {
        self.learnt
    }

    /// The next turn of the space that `path` belongs to, for a request that may have been refused before; `None` where no
    /// space is known.
    pub(super) fn next(
        &mut self,
        origin: &Origin,
        path: &str,
        is_again: bool,
        cnonce: String,
    ) -> Option<Turn> {
        self.known(origin)?.next(path, is_again, cnonce)
    }

    /// Takes in the challenge to a request that was refused, and says whether it is worth sending once more.
    pub(super) fn challenged(&mut self, offer: Offer, refused: &Refused<'_>) -> Recovery {
        let learnt = self.learnt + 1;
        let server = self.known_or_new(refused.origin);
        let mut space = server.remove_or_new(&offer);
        // Another request that was refused meanwhile has brought a nonce already.
        let is_known = space.learnt > refused.learnt;
        let recovery = match refused.answered {
            Some(realm) if realm != offer.realm => Recovery::SignAgain,
            // Another request was faster with the nonce, which may be good for one: that is another cause.
            Some(_) if offer.stale && refused.cause == Some(Recovery::NewNonce) => {
                Recovery::SignAgain
            }
            Some(_) if offer.stale || is_known => Recovery::NewNonce,
            Some(_) => Recovery::GiveUp,
            None => Recovery::SignAgain,
        };
        if offer.stale && refused.is_first_use {
            space.forget_spares_until(refused.learnt);
        }
        if is_known {
            // Each goes on with a nonce of its own: how often one may be used is the server's secret.
            if server.counts.of(&offer.nonce) == 0 {
                space.keep(offer, learnt);
            }
        } else {
            space.take(offer);
            // A refused password makes nobody else send again.
            if recovery != Recovery::GiveUp {
                space.learnt = learnt;
            }
        }
        space.remember(refused.path);
        server.push(space);
        if recovery != Recovery::GiveUp {
            self.learnt = learnt;
        }
        recovery
    }

    /// Goes on with `next` where `used` is still the nonce of that space.
    pub(super) fn next_nonce(&mut self, origin: &Origin, realm: &[u8], used: &[u8], next: &[u8]) {
        let learnt = self.learnt + 1;
        let Some(server) = self.known(origin) else { return };
        let Some(at) = server.position(realm) else { return };
        let space = &mut server.spaces[at];
        if space.nonce != used || next.is_empty() || next == used {
            return;
        }
        space.learnt = learnt;
        space.nonce = next.to_vec();
        self.learnt = learnt;
    }

    fn known(&mut self, origin: &Origin) -> Option<&mut Server> {
        let at = self.servers.iter().position(|server| server.origin == *origin)?;
        Some(self.used(at))
    }

    fn known_or_new(&mut self, origin: &Origin) -> &mut Server {
        let at = self.servers.iter().position(|server| server.origin == *origin);
        let at = at.unwrap_or_else(|| {
            if self.servers.len() >= SERVERS {
                self.servers.remove(0);
            }
            let (spaces, counts) = Default::default();
            self.servers.push(Server { origin: origin.clone(), spaces, counts });
            self.servers.len() - 1
        });
        self.used(at)
    }

    /// The server at this place, which is now the one used last.
    fn used(&mut self, at: usize) -> &mut Server {
        self.servers[at..].rotate_left(1);
        let last = self.servers.len() - 1;
        &mut self.servers[last]
    }
}

impl Server {
    fn next(&mut self, path: &str, is_again: bool, cnonce: String) -> Option<Turn> {
        let best = self.spaces.iter().enumerate();
        let fits =
            best.filter_map(|(at, space)| Some((space.fit(&self.origin, path)?, space.learnt, at)));
        let mut space = self.spaces.remove(fits.max()?.2);
        let turn = self.turn(&mut space, is_again, cnonce);
        // A nonce that has been used so often is forgotten, and another asked for.
        if turn.is_some() {
            self.spaces.push(space);
        }
        turn
    }

    fn turn(&mut self, space: &mut Space, is_again: bool, cnonce: String) -> Option<Turn> {
        let is_unused = |nonce: &[u8]| self.counts.of(nonce) == 0;
        // Spare nonces are left to the refused, who each brought one: whoever else took it would have that one fail.
        let spare =
            if is_again && !is_unused(&space.nonce) { space.spare(is_unused) } else { None };
        let (offer, nonce, (cnonce, session)) = match spare {
            Some(offer) => {
                let session = offer.for_session.then(|| (offer.nonce.clone(), cnonce.clone()));
                let nonce = offer.nonce.clone();
                (Arc::new(offer), nonce, (cnonce, session))
            }
            None => {
                let session = space.session_with(cnonce);
                (Arc::clone(&space.offer), space.nonce.clone(), session)
            }
        };
        let count = self.counts.of(&nonce).checked_add(1)?;
        let is_present = |nonce: &[u8]| {
            space.nonce == nonce || self.spaces.iter().any(|space| space.nonce == nonce)
        };
        self.counts.set(&nonce, count, is_present);
        Some(Turn { offer, nonce, count, cnonce, session })
    }

    fn position(&self, realm: &[u8]) -> Option<usize> {
        self.spaces.iter().position(|space| space.offer.realm == realm)
    }

    fn remove_or_new(&mut self, offer: &Offer) -> Space {
        match self.position(&offer.realm) {
            Some(at) => self.spaces.remove(at),
            None => Space::new(offer.clone()),
        }
    }

    fn push(&mut self, space: Space) {
        if self.spaces.len() >= SPACES {
            self.spaces.remove(0);
        }
        self.spaces.push(space);
    }
}

#[cfg(test)]
mod tests;
