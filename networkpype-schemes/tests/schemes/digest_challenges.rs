//! Which challenges are answered, and what is learnt from responses.

use networkpype_core::{Auth, AuthErrorKind, Recovery, Rejection, RestRequest};
use networkpype_schemes::digest::DigestAlgorithm;

use crate::digest::{URL, answer, answer_of, builder, raw, refuse, shown, sign};

#[tokio::test]
async fn of_several_challenges_the_strongest_is_answered_in_one_line_or_in_many() {
    let of = |algorithm: &str| {
        format!("Digest realm=r, nonce=\"{algorithm}\", algorithm={algorithm}, qop=auth")
    };
    for (lines, answered) in [
        (vec![of("MD5"), of("SHA-256")], "SHA-256"),
        (vec![format!("{}, {}", of("SHA-256"), of("MD5"))], "SHA-256"),
        (vec![format!("Basic realm=\"r\", {}, Bearer", of("MD5"))], "MD5"),
        (vec![of("SHA-512-256"), of("SHA-256"), of("MD5-sess")], "SHA-512-256"),
        (vec![of("SHA-512-256"), of("SHA-512")], "SHA-512"),
        (vec![of("SHA-3"), of("MD5")], "MD5"),
        // The first of those that are equally strong.
        (vec![of("SHA-256-sess"), of("SHA-256")], "SHA-256-sess"),
        (vec!["Negotiate YWJj==".to_owned(), of("MD5")], "MD5"),
        (vec!["Digest realm=r, nonce=old".to_owned(), of("MD5")], "MD5"),
    ] {
        let auth = builder().build().expect("usable");
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(refuse(&auth, RestRequest::get(URL), &lines).await, Recovery::SignAgain);
        let header = sign(&auth, RestRequest::get(URL)).await;
        assert_eq!(raw(&header, "algorithm"), Some(answered), "{lines:?}");
        assert_eq!(raw(&header, "nonce"), Some(format!("\"{answered}\"").as_str()), "{lines:?}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_answered_the_error_says_what_is_offered() {
    let strict = || builder().min_algorithm(DigestAlgorithm::Sha256);
    for (builder, challenges, expected) in [
        (builder(), vec!["Basic realm=\"r\""], "offers Basic;"),
        (builder(), vec!["Digest realm=r, nonce=n, algorithm=SHA-3"], "Digest with SHA-3;"),
        (builder(), vec!["Digest realm=r, nonce=n, qop=\"token\""], "MD5 and qop token;"),
        (builder(), vec!["Digest realm=r"], "Digest with MD5 and no nonce;"),
        (builder(), vec!["Digest nonce=n"], "Digest with MD5 and no realm;"),
        (
            strict(),
            vec!["Digest realm=r, nonce=n", "Basic realm=r"],
            "with MD5; Basic; answered are Digest with SHA-256",
        ),
        (
            strict(),
            vec!["Digest realm=r, nonce=n, algorithm=MD5-sess, qop=auth"],
            "MD5-sess and qop auth;",
        ),
        (
            builder().require_qop(),
            vec!["Digest realm=r, nonce=n"],
            "with MD5 and no qop; answered are Digest with MD5 or stronger and qop auth or auth-int",
        ),
        (
            builder().require_integrity(),
            vec!["Digest realm=r, nonce=n, qop=auth", "Digest realm=s, nonce=n"],
            "with MD5 and qop auth; Digest with MD5 and no qop; answered are Digest with MD5 or stronger and qop auth-int",
        ),
        (
            builder().require_integrity().require_qop(),
            vec!["Digest realm=r, nonce=n, qop=auth"],
            "qop auth-int",
        ),
    ] {
        let auth = builder.build().expect("usable");
        let signed = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
        let response = answer_of(401, "www-authenticate", &challenges);
        let error = auth.on_response(&signed, &response).await.expect_err(expected);
        assert_eq!(error.kind(), AuthErrorKind::Unsupported);
        assert!(error.to_string().contains(expected), "{error}");
        // A handshake's refusal is shown here alone.
        let error = auth.on_rejected(&Rejection::new(&signed, &response)).await;
        assert!(error.expect_err(expected).to_string().contains(expected));
        assert_eq!(sign(&auth, RestRequest::get(URL)).await, "");
    }
}

#[tokio::test]
async fn what_has_to_be_protected_is_a_floor_and_not_a_wish() {
    let of = |nonce: &str, more: &str| format!("Digest realm=r, nonce={nonce}{more}");
    let lines =
        [of("a", ", qop=auth, algorithm=SHA-256"), of("b", ", qop=\"auth,auth-int\""), of("c", "")];
    let old = [of("a", ", algorithm=SHA-256"), of("b", ", qop=auth")];
    for (builder, lines, nonce, qop) in [
        (builder(), &lines[..], "\"a\"", Some("auth")),
        (builder().prefer_integrity(), &lines[..], "\"a\"", Some("auth")),
        (builder().require_integrity(), &lines[..], "\"b\"", Some("auth-int")),
        (builder(), &old[..], "\"a\"", None),
        (builder().require_qop(), &old[..], "\"b\"", Some("auth")),
    ] {
        let auth = builder.build().expect("usable");
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        assert_eq!(refuse(&auth, RestRequest::get(URL), &lines).await, Recovery::SignAgain);
        let header = sign(&auth, RestRequest::get(URL)).await;
        assert_eq!((raw(&header, "nonce"), raw(&header, "qop")), (Some(nonce), qop), "{header}");
    }
}

#[tokio::test]
async fn what_a_server_writes_into_a_challenge_does_not_flood_the_error() {
    let auth = builder().build().expect("usable");
    let signed = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    let long = format!("Digest realm=r, nonce=n, algorithm=\"{}\"", "<x\u{fc}>".repeat(500));
    let response = answer_of(401, "www-authenticate", &vec![long.as_str(); 50]);
    let error = auth.on_response(&signed, &response).await.expect_err("unknown").to_string();
    assert!(error.len() < 800 && !error.contains('<') && error.is_ascii(), "{error}");
}

#[tokio::test]
async fn refusals_that_ask_for_nothing_are_left_alone() {
    let auth = builder().build().expect("usable");
    let signed = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    let challenge = "Digest realm=r, nonce=n";
    for response in [
        answer_of(401, "www-authenticate", &[]),
        answer_of(403, "www-authenticate", &[challenge]),
        // A proxy's own.
        answer_of(407, "proxy-authenticate", &[challenge]),
        answer_of(407, "www-authenticate", &[challenge]),
        answer_of(401, "proxy-authenticate", &[challenge]),
    ] {
        auth.on_response(&signed, &response).await.expect("nothing to check");
        let recovery = auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("calm");
        assert_eq!(recovery, Recovery::GiveUp, "{response:?}");
        assert_eq!(sign(&auth, RestRequest::get(URL)).await, "", "{response:?}");
    }
    // One that this scheme has not signed.
    let response = answer_of(401, "www-authenticate", &[challenge]);
    let other = RestRequest::get(URL);
    let recovery = auth.on_rejected(&Rejection::new(&other, &response)).await.expect("calm");
    assert_eq!(recovery, Recovery::GiveUp);
}

#[tokio::test]
async fn a_stale_nonce_is_replaced_and_a_refusal_without_stale_is_final() {
    let auth = builder().build().expect("usable");
    let of = |nonce: &str, stale: &str| format!("Digest realm=r, nonce={nonce}, qop=auth{stale}");
    answer(&auth, RestRequest::get(URL), &of("n", "")).await;
    let stale = refuse(&auth, RestRequest::get(URL), &[&of("m", ", stale=TRUE")]).await;
    assert_eq!(stale, Recovery::NewNonce);
    let header = sign(&auth, RestRequest::get(URL)).await;
    assert_eq!((raw(&header, "nonce"), raw(&header, "nc")), (Some("\"m\""), Some("00000001")));
    for challenge in [of("o", ""), of("o", ", stale=false"), of("p", ", stale=1")] {
        let wrong = refuse(&auth, RestRequest::get(URL), &[&challenge]).await;
        assert_eq!(wrong, Recovery::GiveUp, "{challenge}");
    }
    // The next request does not use a nonce that was refused.
    assert_eq!(raw(&sign(&auth, RestRequest::get(URL)).await, "nonce"), Some("\"p\""));
}

#[tokio::test]
async fn many_refused_at_once_go_on_with_a_nonce_each() {
    let auth = builder().build().expect("usable");
    let mut sent = Vec::new();
    for _ in 0..64 {
        sent.push(auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed"));
    }
    for (number, signed) in sent.iter().enumerate() {
        let challenge = format!("Digest realm=r, nonce=n{number}, qop=auth");
        let response = answer_of(401, "www-authenticate", &[&challenge]);
        let recovery = auth.on_rejected(&Rejection::new(signed, &response)).await.expect("known");
        assert_eq!(recovery, Recovery::SignAgain);
    }
    let mut used = std::collections::BTreeSet::new();
    for _ in 0..64 {
        let mut request = RestRequest::get(URL);
        request.extensions_mut().insert(Recovery::SignAgain);
        let header = sign(&auth, request).await;
        assert_eq!(raw(&header, "nc"), Some("00000001"));
        assert!(used.insert(raw(&header, "nonce").map(str::to_owned)), "{header}");
    }
    // The last of them serves those that come later.
    let header = sign(&auth, RestRequest::get(URL)).await;
    assert_eq!(raw(&header, "nc"), Some("00000002"));
    assert!(used.contains(&raw(&header, "nonce").map(str::to_owned)));
}

#[tokio::test]
async fn the_next_nonce_is_taken_from_the_answer_to_the_present_one() {
    let auth = builder().build().expect("usable");
    answer(&auth, RestRequest::get(URL), "Digest realm=r, nonce=n, qop=auth").await;
    let signed = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    for (next, used, count) in
        [("nextnonce=\"m\"", "\"m\"", "00000001"), ("nextnonce=\"o\"", "\"m\"", "00000002")]
    {
        // Both are of the request that had the first nonce: the second comes too late.
        let response = answer_of(200, "authentication-info", &[next]);
        auth.on_response(&signed, &response).await.expect("no proof");
        let header = sign(&auth, RestRequest::get(URL)).await;
        assert_eq!((raw(&header, "nonce"), raw(&header, "nc")), (Some(used), Some(count)));
    }
}

#[tokio::test]
async fn answers_go_to_the_origin_that_asked_and_to_no_other() {
    let auth = builder().build().expect("usable");
    let challenge = "Digest realm=r, nonce=n, qop=auth, domain=\"/ https://evil.example/\"";
    answer(&auth, RestRequest::get(URL), challenge).await;
    for url in [
        "https://evil.example/",
        "http://api.example.com/dir/index.html",
        "https://api.example.com:8443/dir/index.html",
        "https://api.example.com.evil.example/",
        "https://example.com/",
    ] {
        assert_eq!(sign(&auth, RestRequest::get(url)).await, "", "{url}");
    }
    assert_ne!(sign(&auth, RestRequest::get("https://API.example.com:443/x")).await, "");
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_found_out() {
    use networkpype_auth::{DigestEncoding, HashAlgorithm};
    let md5 = |text: &str| HashAlgorithm::Md5.digest(text.as_bytes()).to_text(DigestEncoding::Hex);
    let auth = builder().prefer_integrity().build().expect("usable");
    let challenge = "Digest realm=r, nonce=n, qop=\"auth,auth-int\"";
    let request = RestRequest::post(URL).body("hello");
    assert_eq!(refuse(&auth, request.clone(), &[challenge]).await, Recovery::SignAgain);
    let signed = auth.rest_authenticate(request).await.expect("signed");
    assert_eq!(raw(&shown(&signed), "qop"), Some("auth-int"));

    let proof = |qop: &str, asked: &str, password: &str| {
        let secret = md5(&format!("u:r:{password}"));
        md5(&format!("{secret}:n:00000001:c1:{qop}:{}", md5(asked)))
    };
    let with_body = format!(":/dir/index.html:{}", md5("world"));
    let integer = proof("auth-int", &with_body, "p");
    for (info, is_proven) in [
        (format!("rspauth=\"{integer}\", qop=auth-int, nc=00000001, cnonce=\"c1\""), true),
        (format!("rspauth=\"{}\"", integer.to_uppercase()), true),
        (format!("qop=auth, rspauth=\"{}\"", proof("auth", ":/dir/index.html", "p")), true),
        (format!("rspauth=\"{}\"", proof("auth-int", &with_body, "other")), false),
        (format!("rspauth=\"{}\"", proof("auth-int", ":/dir/index.html", "p")), false),
        ("rspauth=\"\"".to_owned(), false),
        ("nextnonce=\"x\", rspauth=\"0\"".to_owned(), false),
        ("nextnonce=\"n\"".to_owned(), true),
    ] {
        let response = answer_of(200, "authentication-info", &[&info]).with_body("world");
        match auth.on_response(&signed, &response).await {
            Ok(()) => assert!(is_proven, "{info}"),
            Err(error) => {
                assert!(!is_proven, "{info}");
                assert_eq!(error.kind(), AuthErrorKind::Verification);
            }
        }
    }
    // A server that is known to be wrong is believed by those who say so aloud.
    let credulous = builder().danger_ignore_rspauth().build().expect("usable");
    answer(&credulous, RestRequest::get(URL), challenge).await;
    let trusting = credulous.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    let response = answer_of(200, "authentication-info", &["nextnonce=\"x\", rspauth=\"0\""]);
    credulous.on_response(&trusting, &response).await.expect("not checked");
    assert_eq!(raw(&sign(&credulous, RestRequest::get(URL)).await, "nonce"), Some("\"x\""));
    // Nothing was learnt from somebody else's answer.
    assert_eq!(raw(&sign(&auth, RestRequest::get(URL)).await, "nonce"), Some("\"n\""));
}
