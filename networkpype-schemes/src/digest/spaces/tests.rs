use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{
    space::{PATHS, SPARES},
    *,
};
use crate::digest::{
    DigestAlgorithm,
    offer::{Demands, Protection},
};

fn offer(challenge: &str) -> Offer {
    let mut headers = HeaderMap::new();
    headers.insert("www-authenticate", HeaderValue::from_str(challenge).expect("a header"));
    let demands = Demands { weakest: DigestAlgorithm::Md5, protection: Protection::Any };
    Offer::best(&headers, demands).expect("usable").expect("a challenge")
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
    let refused =
        Refused { origin: at, path, learnt, answered: None, is_first_use: false, cause: None };
    spaces.challenged(offer(challenge), &refused)
}

/// A request to realm `r`, signed when so much was learnt, was refused so in spite of its answer.
fn again(spaces: &mut Spaces, learnt: u64, challenge: &str) -> Recovery {
    let (origin, answered) = (home(), Some(b"r".as_slice()));
    let refused =
        Refused { origin: &origin, path: "/", learnt, answered, is_first_use: false, cause: None };
    spaces.challenged(offer(challenge), &refused)
}

/// The realm, nonce and count that a request for `path` is answered with.
fn next(spaces: &mut Spaces, at: &Origin, path: &str) -> Option<(String, String, u32)> {
    spaces.next(at, path, false, "c".to_owned()).map(told)
}

/// The same for one that was refused for a stale nonce.
fn next_again(spaces: &mut Spaces) -> Option<(String, String, u32)> {
    spaces.next(&home(), "/", true, "c".to_owned()).map(told)
}

fn told(turn: Turn) -> (String, String, u32) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&turn.offer.realm), text(&turn.nonce), turn.count)
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
    spaces.servers[0].counts.set(b"n", u32::MAX - 1, |_| true);
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
        is_first_use: false,
        cause: None,
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
        let challenge = format!("Digest realm=r, nonce={nonce}");
        assert_eq!(again(&mut spaces, 1, &challenge), Recovery::GiveUp);
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
    for number in 0..3 * SERVERS {
        asked(&mut spaces, &at(number), "/", "Digest realm=r, nonce=n");
        assert!(next(&mut spaces, &at(0), "/").is_some(), "{number}");
        for path in 0..3 {
            asked(&mut spaces, &at(0), &format!("/{number}/{path}"), "Digest realm=r, nonce=n");
        }
    }
    assert_eq!(spaces.servers.len(), SERVERS);
    assert!(next(&mut spaces, &at(1), "/").is_none());
    assert!(next(&mut spaces, &at(3 * SERVERS - 1), "/").is_some());
    let known = || spaces.servers.iter().flat_map(|server| &server.spaces);
    assert!(known().all(|space| space.kept().0 <= PATHS));
}

#[test]
fn one_origin_with_a_new_realm_each_time_pushes_out_no_other() {
    let mut spaces = Spaces::default();
    let good = origin("https://good.example");
    asked(&mut spaces, &good, "/", "Digest realm=r, nonce=n");
    for number in 0..3 * SERVERS {
        asked(&mut spaces, &home(), "/", &format!("Digest realm=\"{number}\", nonce=n"));
    }
    assert_eq!(next(&mut spaces, &good, "/"), turn("r", "n", 1));
    assert_eq!(spaces.servers[0].spaces.len(), SPACES);
    let latest = (3 * SERVERS - 1).to_string();
    assert_eq!(next(&mut spaces, &home(), "/"), turn(&latest, "n", 1));
}

#[test]
fn of_many_refused_at_once_each_has_a_nonce_of_its_own() {
    for (more, is_session) in [("", false), (", algorithm=MD5-sess", true)] {
        let mut spaces = Spaces::default();
        asked(&mut spaces, &home(), "/", &format!("Digest realm=r, nonce=n, qop=auth{more}"));
        let learnt = spaces.learnt();
        for number in 0..4 {
            let nonce = format!("nonce=m{number}, opaque=o{number}");
            let challenge = format!("Digest realm=r, {nonce}, qop=auth, stale=true{more}");
            assert_eq!(again(&mut spaces, learnt, &challenge), Recovery::NewNonce);
        }
        // First the one that all others share, then the latest, which lives longest.
        for (drawn, (is_again, nonce, count)) in [
            (true, 0, 1),
            (false, 0, 2),
            (true, 3, 1),
            (true, 2, 1),
            (false, 0, 3),
            (true, 1, 1),
            (true, 0, 4),
        ]
        .into_iter()
        .enumerate()
        {
            let turn = spaces.next(&home(), "/", is_again, format!("c{drawn}")).expect("known");
            assert_eq!(turn.nonce, format!("m{nonce}").into_bytes());
            assert_eq!(turn.offer.opaque, Some(format!("o{nonce}").into_bytes()));
            assert_eq!(turn.count, count);
            // Each begins a session: it came with a challenge.
            let first = format!("c{}", if nonce == 0 { 0 } else { drawn });
            assert_eq!(turn.session, is_session.then_some((turn.nonce, first)));
        }
    }
}

#[test]
fn who_is_refused_twice_for_a_nonce_that_another_was_faster_with_has_another_cause() {
    for (cause, stale, expected) in [
        (None, "true", Recovery::NewNonce),
        (Some(Recovery::SignAgain), "true", Recovery::NewNonce),
        (Some(Recovery::NewNonce), "true", Recovery::SignAgain),
        (Some(Recovery::NewNonce), "false", Recovery::GiveUp),
    ] {
        let mut spaces = Spaces::default();
        asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n, qop=auth");
        let (origin, learnt, answered) = (home(), spaces.learnt(), Some(b"r".as_slice()));
        let refused =
            Refused { origin: &origin, path: "/", learnt, answered, is_first_use: true, cause };
        let challenge = format!("Digest realm=r, nonce=m, qop=auth, stale={stale}");
        assert_eq!(spaces.challenged(offer(&challenge), &refused), expected, "{cause:?} {stale}");
    }
}

#[test]
fn spare_nonces_are_unseen_few_and_of_the_same_terms() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n");
    let spares = |spaces: &Spaces| spaces.servers[0].spaces[0].kept().1;
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "n", 1));
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=m");
    for (challenge, expected) in [
        ("Digest realm=r, nonce=x", 1),
        ("Digest realm=r, nonce=x", 1),
        // The present one, and one that was used.
        ("Digest realm=r, nonce=m", 1),
        ("Digest realm=r, nonce=n", 1),
        ("Digest realm=r, nonce=y, algorithm=SHA-256", 1),
        ("Digest realm=r, nonce=y, qop=auth", 1),
        ("Digest realm=r, nonce=y, stale=true, opaque=o", 2),
    ] {
        again(&mut spaces, 0, challenge);
        assert_eq!(spares(&spaces), expected, "{challenge}");
    }
    for number in 0..2 * SPARES {
        again(&mut spaces, 0, &format!("Digest realm=r, nonce=n{number}"));
    }
    assert_eq!(spares(&spaces), SPARES);
    // Another offer of this realm ends them all.
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=z, qop=auth");
    assert_eq!(spares(&spaces), 0);
    assert_eq!(next_again(&mut spaces), turn("r", "z", 1));
    assert_eq!(next_again(&mut spaces), turn("r", "z", 2));
}

#[test]
fn a_stale_spare_takes_the_older_ones_along() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "n", 1));
    for nonce in ["a", "b"] {
        again(&mut spaces, 0, &format!("Digest realm=r, nonce={nonce}, stale=true"));
    }
    let learnt = spaces.learnt();
    assert_eq!(next_again(&mut spaces), turn("r", "b", 1));
    // While that was on its way.
    again(&mut spaces, 0, "Digest realm=r, nonce=c, stale=true");
    let (origin, answered) = (home(), Some(b"r".as_slice()));
    let refused =
        Refused { origin: &origin, path: "/", learnt, answered, is_first_use: true, cause: None };
    spaces.challenged(offer("Digest realm=r, nonce=d, stale=true"), &refused);
    for expected in [turn("r", "d", 1), turn("r", "c", 1), turn("r", "d", 2)] {
        assert_eq!(next_again(&mut spaces), expected);
    }
}

#[test]
fn a_nonce_that_is_offered_again_counts_on() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=x, qop=auth");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "x", 1));
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=y, qop=auth, stale=true");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "y", 1));
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=x, qop=auth, stale=true");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "x", 2));
    spaces.next_nonce(&home(), b"r", b"x", b"y");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("r", "y", 2));
    // In a space that is new, and with another hash.
    asked(&mut spaces, &home(), "/", "Digest realm=s, nonce=x, algorithm=SHA-256");
    assert_eq!(next(&mut spaces, &home(), "/"), turn("s", "x", 3));
}

#[test]
fn a_count_is_kept_for_as_long_as_its_nonce_is_the_present_one() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/a/", "Digest realm=a, nonce=n");
    assert_eq!(next(&mut spaces, &home(), "/a/"), turn("a", "n", 1));
    for number in 0..100 {
        let nonce = format!("n{number}");
        asked(&mut spaces, &home(), "/b/", &format!("Digest realm=b, nonce={nonce}"));
        assert_eq!(next(&mut spaces, &home(), "/b/"), turn("b", &nonce, 1));
    }
    assert_eq!(next(&mut spaces, &home(), "/a/"), turn("a", "n", 2));
}

#[test]
fn a_session_ends_with_its_sess() {
    let mut spaces = Spaces::default();
    for (algorithm, cnonce) in
        [("MD5-sess", "c1"), ("MD5", "c2"), ("MD5-sess", "c3"), ("SHA-256-sess", "c4")]
    {
        let challenge = format!("Digest realm=r, nonce=n, qop=auth, algorithm={algorithm}");
        asked(&mut spaces, &home(), "/", &challenge);
        let turn = spaces.next(&home(), "/", false, cnonce.to_owned()).expect("known");
        let begun = (b"n".to_vec(), cnonce.to_owned());
        assert_eq!(turn.session, algorithm.ends_with("-sess").then_some(begun), "{algorithm}");
    }
}

#[test]
fn a_domain_of_other_origins_alone_is_none() {
    let mut spaces = Spaces::default();
    let domain = "https://b.example/ //c.example/ nonsense";
    let challenge = format!("Digest realm=r, nonce=n, domain=\"{domain}\"");
    asked(&mut spaces, &home(), "/login", &challenge);
    assert_eq!(next(&mut spaces, &home(), "/elsewhere"), turn("r", "n", 1));
    assert_eq!(next(&mut spaces, &origin("https://b.example"), "/"), None);
}

#[test]
fn a_session_has_one_key_for_as_long_as_the_server_does_not_ask_again() {
    let mut spaces = Spaces::default();
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=n, algorithm=MD5-sess, qop=auth");
    let mut with = |cnonce: &str, next: &[u8]| {
        let turn = spaces.next(&home(), "/", false, cnonce.to_owned()).expect("known");
        spaces.next_nonce(&home(), b"r", &turn.nonce, next);
        (turn.session.expect("a session"), turn.nonce, turn.cnonce)
    };
    let first = (b"n".to_vec(), "c1".to_owned());
    assert_eq!(with("c1", b"n"), (first.clone(), b"n".to_vec(), "c1".to_owned()));
    assert_eq!(with("c2", b"m"), (first.clone(), b"n".to_vec(), "c1".to_owned()));
    assert_eq!(with("c3", b"m"), (first, b"m".to_vec(), "c1".to_owned()));
    asked(&mut spaces, &home(), "/", "Digest realm=r, nonce=o, algorithm=MD5-sess, qop=auth");
    let turn = spaces.next(&home(), "/", false, "c4".to_owned()).expect("known");
    assert_eq!(turn.session, Some((b"o".to_vec(), "c4".to_owned())));
}

proptest! {
    #[test]
    fn no_nonce_has_a_count_twice_whatever_happens(
        steps in prop::collection::vec((0..7_u8, 0..3_u8, 0..4_u64, 0..4_u8, 0..8_u8), 1..80),
    ) {
        let mut spaces = Spaces::default();
        let mut seen = std::collections::BTreeMap::new();
        let origin = home();
        for (what, path, behind, name, more) in steps {
            let path = format!("/{path}/");
            let realm = ["r", "s"][usize::from(more & 1)];
            match what {
                0..=2 => {
                    let learnt = spaces.learnt().saturating_sub(behind);
                    let answered = (what > 0).then_some(b"r".as_slice());
                    let is_first_use = what > 1;
                    let refused = Refused { origin: &origin, path: &path, learnt, answered, is_first_use, cause: None };
                    let stale = if more & 2 == 0 { "" } else { ", stale=true" };
                    let session = if more & 4 == 0 { "" } else { "-sess" };
                    let challenge =
                        format!("Digest realm={realm}, nonce=n{name}, algorithm=MD5{session}{stale}");
                    spaces.challenged(offer(&challenge), &refused);
                }
                3 => {
                    let used = format!("n{}", behind);
                    let next = format!("n{name}");
                    spaces.next_nonce(&origin, realm.as_bytes(), used.as_bytes(), next.as_bytes());
                }
                _ => {
                    let is_again = what > 4;
                    if let Some(turn) = spaces.next(&origin, &path, is_again, "c".to_owned()) {
                        prop_assert_eq!(turn.session.is_some(), turn.offer.for_session);
                        let before = seen.insert(turn.nonce, turn.count).unwrap_or(0);
                        prop_assert_eq!(turn.count, before + 1);
                    }
                }
            }
        }
    }
}
