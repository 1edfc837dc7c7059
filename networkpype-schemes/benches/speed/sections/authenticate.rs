//! A whole request signed, beside the HMAC that it cannot do without.

use std::hint::black_box;

use networkpype_auth::{DigestEncoding, HmacAlgorithm, HmacSigner};
use networkpype_bench::{Target, compare, figure_if, is_sound, section};
use networkpype_core::{Auth, RestRequest};
use networkpype_schemes::RecipeAuth;

use crate::support::{
    BINANCE, OKX, SECRET, at_once, authenticate, binance_hmac, binance_order, okx_hmac, okx_order,
    preset,
};

pub(super) fn run() {
    section("authenticate: a clone of an order signed, beside the bare HMAC of the same bytes");
    let binance = preset(BINANCE, SECRET, None);
    let okx = preset(OKX, SECRET, None);
    let orders = [
        (binance_order(), &binance, DigestEncoding::Hex, binance_hmac(), "Binance"),
        (okx_order(), &okx, DigestEncoding::Base64, okx_hmac(), "OKX"),
    ];
    for (order, recipe, digest, hmac, name) in orders {
        let signed = signed_text(recipe, &order);
        let whole: [(&str, &dyn Auth); 2] = [("recipe", recipe), ("Hmac", &hmac)];
        for (scheme, auth) in whole {
            over_hmac(&format!("{name}, {scheme}"), auth, &order, signed.as_bytes(), digest);
        }
    }
}

fn signed_text(recipe: &RecipeAuth, request: &RestRequest) -> String {
    at_once(recipe.explain_request(request.clone())).unwrap().signed_text()
}

fn over_hmac(
    case: &str,
    auth: &dyn Auth,
    order: &RestRequest,
    signed: &[u8],
    digest: DigestEncoding,
) {
    let signer = HmacSigner::new(HmacAlgorithm::Sha256, &SECRET.into());
    let paired = compare(
        &format!("{case} / HMAC of {} bytes", signed.len()),
        Target::None,
        &mut |times| {
            for _ in 0..times {
                drop(black_box(authenticate(black_box(auth), black_box(order))));
            }
        },
        &mut |times| {
            for _ in 0..times {
                black_box(signer.sign(black_box(signed)).to_text(digest));
            }
        },
    );
    let over = paired.ours - paired.peer;
    figure_if(is_sound(paired.same), "  over the HMAC", over, "ns", Target::AtMost(2_000.0));
}
