use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::digest::DigestAlgorithm;

fn offer(challenge: &str) -> Offer {
    let mut headers = HeaderMap::new();
    headers.insert("www-authenticate", HeaderValue::from_str(challenge).expect("a header"));
    Offer::best(&headers, DigestAlgorithm::Md5).expect("usable").expect("a challenge")
}

fn origin(text: &str) -> Origin {
    text.parse().expect("an origin")
}

fn home() -> Origin {
    origin("https://a.example")
}

/// A request without an answer was refused so.
fn asked(spaces: &mut Spaces, at: &Origin, path: &str, challenge: &str) -> Recovery {
    let learnt = spaces.learnt();
    let refused = Refused { origin: at, path, learnt, answered: None };
    spaces.challenged(offer(challenge), &refused)
}

/// The realm and count that a request for `path` is answered with.
fn next(spaces: &mut Spaces, at: &Origin, path: &str) -> Option<(String, String, u32)> {
    let turn = spaces.next(at, path, "c".to_owned())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((text(&turn.offer.realm), text(&turn.nonce), turn.count))
}

fn turn(realm: &str, nonce: &str, count: u32) -> Option<(String, String, u32)> {
    Some((realm.to_owned(), nonce.to_owned(), count))
}

#[test]
fn a_nonce_counts_up_and_a_new_one_begins_again() {
    let mut spaces = Spaces::default();
    assert_eq!(next(&mut spaces, &home(), "/"), None);
    assert_eq!(asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n"), Recovery::SignAgain);
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "n", 1));
    assert_eq!(next(&mut spaces, &home(), "/x"), turn("r", "n", 2));
    spaces.next_nonce(&home(), b"r", b"n", b"m");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "m", 1));
    // A response to a request that had an older one, and nonces that are none.
    spaces.next_nonce(&home(), b"r", b"n", b"o");
    spaces.next_nonce(&home(), b"r", b"m", b"m");
    spaces.next_nonce(&home(), b"r", b"m", b"");
    spaces.next_nonce(&home(), b"other", b"m", b"o");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "m", 2));
    // The same nonce once more.
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=m, stale=true");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "m", 3));
}

#[test]
fn a_nonce_whose_counts_are_used_up_is_asked_for_anew() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n");
    spaces.known[0].count = u32::MAX - 1;
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "n", u32::MAX));
    assert_eq!(next(&mut spaces, &home(), "/"), None);
}

#[test]
fn a_refusal_is_mended_once_where_another_nonce_may_help() {
    let answered = |realm: &'static str, learnt| Refused {
        origin: Box::leak(Box::new(home())),
        path: "/",
        learnt,
        answered: Some(realm.as_bytes()),
    };
    for (challenge, refused, recovery, nonce) in [
        // What was learnt when it was signed is 1, and 2 while it was on its way.
        ("Digest realm=r, nonce=x", answered("r", 2), Recovery::GiveUp, "x"),
        ("Digest realm=r, nonce=x, stale=true", answered("r", 2), Recovery::NewNonce, "x"),
        ("Digest realm=r, nonce=x, stale=true", answered("r", 1), Recovery::NewNonce, "n2"),
        ("Digest realm=r, nonce=x", answered("r", 1), Recovery::NewNonce, "n2"),
        ("Digest realm=r, nonce=x, stale=false", answered("r", 2), Recovery::GiveUp, "x"),
        ("Digest realm=other, nonce=x", answered("r", 2), Recovery::SignAgain, "x"),
    ] {
        let mut spaces = Spaces::default();
        asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n1");
        asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n2");
        let offer = offer(challenge);
        let realm = String::from_utf8_lossy(&offer.realm).into_owned();
        assert_eq!(spaces.challenged(offer, &refused), recovery, "{challenge} {}", refused.learnt);
        assert_eq!(next(&mut spaces, &home(), "/"), turn(&realm, nonce, 1), "{challenge}");
    }
}

#[test]
fn a_wrong_password_has_nobody_else_send_again() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n");
    for nonce in 0..64 {
        let origin = home();
        let refused = Refused { origin: &origin, path: "/", learnt: 1, answered: Some(b"r") };
        let offer = offer(&format!("Digest realm=r, nonce={nonce}"));
        assert_eq!(spaces.challenged(offer, &refused), Recovery::GiveUp);
    }
}

#[test]
fn the_realm_decides_whose_paths_are_most_alike() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/a/x", "Digest realm=a, nonce=n");
    asked(&mut spaces, &home(), "/b/x", "Digest realm=b, nonce=n");
    asked(&mut spaces, &home(), "/b/special", "Digest realm=c, nonce=n");
    for (path, realm) in [
        ("/a/x", "a"),
        ("/a/y", "a"),
        ("/b/x", "b"),
        ("/b/special", "c"),
        // The latest of those that are equally alike.
        ("/b/y", "c"),
        ("/elsewhere", "c"),
    ] {
        let found = next(&mut spaces, &home(), path).expect("a space");
        assert_eq!(found.0, realm, "{path}");
    }
}

#[test]
fn a_domain_is_kept_to_its_own_paths_and_origin() {
    let mut spaces = Spaces::default();
    let domain = "/private https://a.example:443/more https://b.example/ //c.example/ nonsense";
    let challenge = format!("Digest realm=r, nonce=n, domain=\"{domain}\"");
    asked(&mut spaces, &home(), "/login", &challenge);
    for (at, path, is_known) in [
        (home(), "/private/x", true),
        (home(), "/more", true),
        (home(), "/login", true),
        (home(), "/login/x", false),
        (home(), "/", false),
        (origin("https://b.example"), "/", false),
        (origin("https://c.example"), "/", false),
        (origin("http://a.example"), "/private", false),
        (origin("https://a.example:8443"), "/private", false),
    ] {
        assert_eq!(next(&mut spaces, &at, path).is_some(), is_known, "{at}{path}");
    }
    // A URL without a path means all of them.
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n, domain=\"https://a.example\"");
    assert!(next(&mut spaces, &home(), "/anything").is_some());
}

#[test]
fn what_is_remembered_is_bounded_and_the_least_used_is_forgotten() {
    let mut spaces = Spaces::default();
    let at = |number: usize| origin(&format!("https://h{number}.example"));
    for number in 0..3 * SPACES {
        asked(&mut spaces, &at(number), "/", "Digest realm=r, nonce=n");
        assert!(next(&mut spaces, &at(0), "/").is_some(), "{number}");
        for path in 0..3 {
            asked(&mut spaces, &at(0), &format!("/{number}/{path}"), "Digest realm=r, nonce=n");
        }
    }
    assert_eq!(spaces.known.len(), SPACES);
    assert!(next(&mut spaces, &at(1), "/").is_none());
    assert!(next(&mut spaces, &at(3 * SPACES - 1), "/").is_some());
    assert!(spaces.known.iter().all(|space| space.paths.len() <= PATHS));
}

#[test]
fn a_session_has_one_key_for_as_long_as_the_server_does_not_ask_again() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n, algorithm=MD5-sess, qop=auth");
    let mut with = |cnonce: &str, next: &[u8]| {
        let turn = spaces.next(&home(), "/", cnonce.to_owned()).expect("known");
        spaces.next_nonce(&home(), b"r", &turn.nonce, next);
        (turn.session.expect("a session"), turn.nonce, turn.cnonce)
    };
    let first = (b"n".to_vec(), "c1".to_owned());
    assert_eq!(with("c1", b"n"), (first.clone(), b"n".to_vec(), "c1".to_owned()));
    assert_eq!(with("c2", b"m"), (first.clone(), b"n".to_vec(), "c1".to_owned()));
    assert_eq!(with("c3", b"m"), (first, b"m".to_vec(), "c1".to_owned()));
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=o, algorithm=MD5-sess, qop=auth");
    let turn = spaces.next(&home(), "/", "c4".to_owned()).expect("known");
    assert_eq!(turn.session, Some((b"o".to_vec(), "c4".to_owned())));
}

proptest! {
    #[test]
    fn no_nonce_has_a_count_twice_whatever_happens(steps in prop::collection::vec((0..4_u8, 0..3_u8, 0..4_u64), 1..60)) {
        let mut spaces = Spaces::default();
        let mut seen = std::collections::BTreeMap::new();
        let (mut fresh, origin) = (0, home());
        for (what, path, behind) in steps {
            let path = format!("/{path}");
            fresh += 1;
            match what {
                0 => {
                    let learnt = spaces.learnt().saturating_sub(behind);
                    let refused = Refused { origin: &origin, path: &path, learnt, answered: None };
                    spaces.challenged(offer(&format!("Digest realm=r, nonce=n{fresh}")), &refused);
                }
                1 => spaces.next_nonce(&origin, b"r", b"n1", format!("n{fresh}").as_bytes()),
                _ => {
                    if let Some((_, nonce, count)) = next(&mut spaces, &origin, &path) {
                        let before = seen.insert(nonce, count).unwrap_or(0);
                        prop_assert_eq!(count, before + 1);
                    }
                }
            }
        }
    }
}
