//! The HMAC alone, beside the crate that it is made with.

use std::hint::black_box;

use ::hmac::{Hmac, KeyInit, Mac};
use networkpype_auth::{DigestEncoding, HmacAlgorithm, HmacSigner};
use networkpype_bench::{Target, compare, section};
use sha2::Sha256;

use crate::support::SECRET;

pub(super) fn run() {
    section("hmac: HMAC-SHA-256 as text, beside RustCrypto's with a key's state and const-hex");
    let signer = HmacSigner::new(HmacAlgorithm::Sha256, &SECRET.into());
    let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let lengths = [(50, Target::None), (200, Target::AtMost(1.1)), (1_000, Target::None)];
    for (length, target) in lengths {
        let message = vec![b'm'; length];
        let ours = || signer.sign(black_box(&message)).to_text(DigestEncoding::Hex);
        let peer = || {
            let mut state = keyed.clone();
            state.update(black_box(&message));
            const_hex::encode(state.finalize().into_bytes())
        };
        assert_eq!(ours(), peer());
        compare(
            &format!("{length} bytes / RustCrypto"),
            target,
            &mut |times| (0..times).for_each(|_| drop(black_box(ours()))),
            &mut |times| (0..times).for_each(|_| drop(black_box(peer()))),
        );
    }
}
