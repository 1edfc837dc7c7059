//! How often was a nonce used?

/// How many nonces of one origin are remembered: one that is offered again counts on.
const NONCES: usize = 16;

#[derive(Default)]
pub(super) struct Counts {
    /// The one used last is at the end.
    known: Vec<(Vec<u8>, u32)>,
}

impl Counts {
    /// How often this one was, as far as it is remembered.
    pub(super) fn of(&self, nonce: &[u8]) -> u32 {
        self.known.iter().find(|(known, _)| known == nonce).map_or(0, |(_, count)| *count)
    }

    /// Remembers the count of a nonce, and forgets the one used least if there are too many. Those that will be used
    /// again are not forgotten.
    pub(super) fn set(&mut self, nonce: &[u8], count: u32, is_needed: impl Fn(&[u8]) -> bool) {
        self.known.retain(|(known, _)| known != nonce);
        if self.known.len() >= NONCES
            && let Some(at) = self.known.iter().position(|(known, _)| !is_needed(known))
        {
            self.known.remove(at);
        }
        self.known.push((nonce.to_vec(), count));
    }
}
