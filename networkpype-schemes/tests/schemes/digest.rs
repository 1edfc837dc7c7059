//! What is answered, request by request, with a client nonce that is known.

use http::{HeaderMap, HeaderValue, StatusCode};
use networkpype_core::{
    Auth, AuthError, AuthErrorKind, Recovery, Rejection, RestRequest, RestResponse, Secret,
    WebSocketHandshake, WebSocketRequest, async_trait,
};
use networkpype_schemes::digest::{
    Digest, DigestAlgorithm, DigestBuilder, Entropy, PasswordProvider,
};
use sha2::{Sha256, Sha512, Sha512_256};

pub(crate) const URL: &str = "https://api.example.com/dir/index.html";

/// The client nonce is this and how many were drawn before.
pub(crate) struct Drawn(std::sync::atomic::AtomicUsize);

impl Entropy for Drawn {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok([7; 16])
    }

    fn cnonce(&self) -> Result<String, AuthError> {
        Ok(format!("c{}", self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
    }
}

pub(crate) fn builder() -> DigestBuilder {
    Digest::builder("u", "p").entropy(Drawn(0.into()))
}

pub(crate) fn answer_of(status: u16, name: &'static str, lines: &[&str]) -> RestResponse {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(name, HeaderValue::from_str(line).expect("a header"));
    }
    RestResponse::new(StatusCode::from_u16(status).expect("a status")).with_headers(headers)
}

/// Signs `request`, has it refused with these challenges, and says what is to be done.
pub(crate) async fn refuse(auth: &Digest, request: RestRequest, challenges: &[&str]) -> Recovery {
    let signed = auth.rest_authenticate(request).await.expect("signed");
    let response = answer_of(401, "www-authenticate", challenges);
    auth.on_response(&signed, &response).await.expect("a challenge");
    auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("a challenge")
}

pub(crate) async fn sign(auth: &Digest, request: RestRequest) -> String {
    let signed = auth.rest_authenticate(request).await.expect("signed");
    shown(&signed)
}

pub(crate) fn shown(signed: &RestRequest) -> String {
    let header = signed.headers().get("authorization");
    header.map_or(String::new(), |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The answer to this challenge.
pub(crate) async fn answer(auth: &Digest, request: RestRequest, challenge: &str) -> String {
    let recovery = refuse(auth, request.clone(), &[challenge]).await;
    assert_eq!(recovery, Recovery::SignAgain, "{challenge}");
    sign(auth, request).await
}

/// A parameter as it stands there, with its quotes.
pub(crate) fn raw<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let at = header.find(&format!(" {name}="))? + name.len() + 2;
    header[at..].split(", ").next()
}

fn md5(text: &str) -> String {
    networkpype_auth::HashAlgorithm::Md5
        .digest(text.as_bytes())
        .to_text(networkpype_auth::DigestEncoding::Hex)
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

const CHALLENGE: &str = r#"Digest realm="r", nonce="n", opaque="o", qop="auth", algorithm=MD5"#;

#[tokio::test]
async fn the_first_request_goes_out_without_an_answer_and_whole() {
    let auth = builder().build().expect("usable");
    let mut signed =
        auth.rest_authenticate(RestRequest::post(URL).body("hello")).await.expect("signed");
    assert_eq!(shown(&signed), "");
    assert_eq!(signed.body_bytes().expect("a body"), "hello");
}

#[tokio::test]
async fn a_known_nonce_is_answered_ahead_with_counts_of_eight_lower_case_hex_digits() {
    let auth = builder().build().expect("usable");
    let first = answer(&auth, RestRequest::get(URL), CHALLENGE).await;
    assert_eq!(raw(&first, "nc"), Some("00000001"));
    for count in 2..=0x1f_u32 {
        let header = sign(&auth, RestRequest::get("https://api.example.com/other")).await;
        assert_eq!(raw(&header, "nc"), Some(format!("{count:08x}").as_str()));
        assert_eq!(raw(&header, "nonce"), Some("\"n\""));
    }
}

#[tokio::test]
async fn a_list_of_qops_does_not_enter_the_hash() {
    for qop in ["auth,auth-int", "auth-int, auth", "AUTH ,\tauth-int", "auth,token"] {
        let auth = builder().build().expect("usable");
        let challenge = format!("Digest realm=\"r\", nonce=\"n\", qop=\"{qop}\"");
        let header = answer(&auth, RestRequest::get(URL), &challenge).await;
        assert_eq!(raw(&header, "qop"), Some("auth"), "{qop}");
        let (secret, asked) = (md5("u:r:p"), md5("GET:/dir/index.html"));
        let expected = md5(&format!("{secret}:n:00000001:c1:auth:{asked}"));
        assert_eq!(raw(&header, "response"), Some(quoted(&expected).as_str()), "{qop}");
    }
}

#[tokio::test]
async fn a_server_of_rfc_2069_gets_neither_count_nor_client_nonce() {
    let auth = builder().build().expect("usable");
    let header = answer(&auth, RestRequest::get(URL), "Digest realm=\"r\", nonce=\"n\"").await;
    let expected = md5(&format!("{}:n:{}", md5("u:r:p"), md5("GET:/dir/index.html")));
    assert_eq!(
        header,
        format!(
            "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"/dir/index.html\", response=\"{expected}\""
        )
    );
}

#[tokio::test]
async fn texts_are_quoted_and_escaped_and_words_are_not() {
    let auth = Digest::builder("a \"b\" \\c", "p").build().expect("usable");
    let challenge =
        r#"Digest realm="x, \"y\" \\z", nonce="n", opaque="o\"", qop=auth, algorithm=sha-256"#;
    let header = answer(&auth, RestRequest::get(URL), challenge).await;
    for (name, expected) in [
        ("username", r#""a \"b\" \\c""#),
        ("nonce", "\"n\""),
        ("uri", "\"/dir/index.html\""),
        ("opaque", r#""o\"""#),
        ("qop", "auth"),
        ("nc", "00000001"),
        // As the server writes it.
        ("algorithm", "sha-256"),
    ] {
        assert_eq!(raw(&header, name), Some(expected), "{header}");
    }
    assert!(header.contains(r#"realm="x, \"y\" \\z""#), "{header}");
    assert!(raw(&header, "cnonce").is_some_and(|cnonce| cnonce.len() == 34), "{header}");
}

#[tokio::test]
async fn the_uri_is_the_request_target_exactly_as_it_is_sent() {
    let auth = builder().build().expect("usable");
    refuse(&auth, RestRequest::get(URL), &[CHALLENGE]).await;
    for (url, uri) in [
        ("https://api.example.com", "/"),
        ("https://api.example.com/", "/"),
        ("https://api.example.com/?", "/?"),
        ("https://api.example.com/a//b/../c", "/a//b/../c"),
        ("https://api.example.com/a?x=%2f+&&y", "/a?x=%2f+&&y"),
    ] {
        let mut signed = auth.rest_authenticate(RestRequest::get(url)).await.expect("signed");
        assert_eq!(raw(&shown(&signed), "uri"), Some(quoted(uri).as_str()));
        assert_eq!(signed.target(), uri);
    }
    let with_param = RestRequest::get(URL).param("a b", "c&d");
    let header = sign(&auth, with_param).await;
    assert_eq!(raw(&header, "uri"), Some("\"/dir/index.html?a%20b=c%26d\""));
}

#[tokio::test]
async fn each_hash_is_its_own_and_sha_512_256_is_not_sha_512_cut() {
    fn response<H: sha2::Digest>(session: bool) -> String {
        let hash = |text: String| const_hex::encode(H::digest(text));
        let mut secret = hash("u:r:p".to_owned());
        if session {
            secret = hash(format!("{secret}:n:c1"));
        }
        let asked = hash("GET:/dir/index.html".to_owned());
        hash(format!("{secret}:n:00000001:c1:auth:{asked}"))
    }
    for (name, expected) in [
        ("SHA-256", response::<Sha256>(false)),
        ("SHA-512", response::<Sha512>(false)),
        ("SHA-512-256", response::<Sha512_256>(false)),
        ("SHA-256-sess", response::<Sha256>(true)),
        ("sha-512-256-SESS", response::<Sha512_256>(true)),
    ] {
        let auth = builder().build().expect("usable");
        let challenge = format!("Digest realm=r, nonce=n, qop=auth, algorithm={name}");
        let header = answer(&auth, RestRequest::get(URL), &challenge).await;
        assert_eq!(raw(&header, "response"), Some(quoted(&expected).as_str()), "{name}");
    }
    assert!(!response::<Sha512>(false).starts_with(&response::<Sha512_256>(false)));
}

#[tokio::test]
async fn a_sessions_key_is_made_of_its_first_nonce_and_client_nonce() {
    let auth = builder().build().expect("usable");
    let challenge = "Digest realm=r, nonce=n, qop=auth, algorithm=MD5-sess";
    answer(&auth, RestRequest::get(URL), challenge).await;
    let signed = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    let next = answer_of(200, "authentication-info", &["nextnonce=\"m\""]);
    auth.on_response(&signed, &next).await.expect("no proof");
    let header = sign(&auth, RestRequest::get(URL)).await;
    let key = md5(&format!("{}:n:c1", md5("u:r:p")));
    let expected = md5(&format!("{key}:m:00000001:c1:auth:{}", md5("GET:/dir/index.html")));
    assert_eq!(raw(&header, "response"), Some(quoted(&expected).as_str()), "{header}");
}

#[tokio::test]
async fn a_name_is_hashed_or_encoded_where_the_server_says_that_it_reads_that() {
    let name = "J\u{e4}s\u{f8}n Doe";
    let hash = format!("\"{}\"", md5(&format!("{name}:r")));
    for (more, user, parameter, expected) in [
        ("", "u", "username", "\"u\"".to_owned()),
        ("", name, "username", quoted(name)),
        (", charset=UTF-8", "u", "username", "\"u\"".to_owned()),
        (", charset=utf-8", name, "username*", "UTF-8''J%C3%A4s%C3%B8n%20Doe".to_owned()),
        (", charset=UTF-8, userhash=true", name, "username", hash),
        (", userhash=false", "u", "username", "\"u\"".to_owned()),
    ] {
        let auth = Digest::new(user, "p").expect("usable");
        let challenge = format!("Digest realm=r, nonce=n, qop=auth{more}");
        let header = answer(&auth, RestRequest::get(URL), &challenge).await;
        assert_eq!(raw(&header, parameter), Some(expected.as_str()), "{header}");
        assert_eq!(raw(&header, "userhash").is_some(), more.contains("=true"), "{header}");
        assert_eq!(header.matches(" username").count(), 1, "{header}");
    }
}

#[tokio::test]
async fn a_body_is_protected_where_that_is_wanted_or_all_there_is() {
    let both = "Digest realm=r, nonce=n, qop=\"auth,auth-int\"";
    let only = "Digest realm=r, nonce=n, qop=auth-int";
    for (prefers, challenge, qop) in [
        (false, both, "auth"),
        (true, both, "auth-int"),
        (false, only, "auth-int"),
        (true, "Digest realm=r, nonce=n, qop=auth", "auth"),
    ] {
        let builder = if prefers { builder().prefer_integrity() } else { builder() };
        let auth = builder.build().expect("usable");
        let request = RestRequest::post(URL).body("hello");
        let header = answer(&auth, request, challenge).await;
        assert_eq!(raw(&header, "qop"), Some(qop), "{header}");
        let mut asked = "POST:/dir/index.html".to_owned();
        if qop == "auth-int" {
            asked += &format!(":{}", md5("hello"));
        }
        let expected = md5(&format!("{}:n:00000001:c1:{qop}:{}", md5("u:r:p"), md5(&asked)));
        assert_eq!(raw(&header, "response"), Some(quoted(&expected).as_str()), "{header}");
    }
}

#[tokio::test]
async fn a_streamed_body_is_not_hashed_and_an_error_where_it_has_to_be() {
    let streamed = || {
        RestRequest::post(URL).body_stream(Some(0), || -> networkpype_core::BodyStream {
            unreachable!("only a connection reads it")
        })
    };
    let auth = builder().prefer_integrity().build().expect("usable");
    let header = answer(&auth, streamed(), "Digest realm=r, nonce=n, qop=\"auth,auth-int\"").await;
    assert_eq!(raw(&header, "qop"), Some("auth"));
    for (builder, qop) in
        [(builder(), "auth-int"), (builder().require_integrity(), "\"auth,auth-int\"")]
    {
        let auth = builder.build().expect("usable");
        let challenge = format!("Digest realm=r, nonce=n, qop={qop}");
        assert_eq!(refuse(&auth, streamed(), &[&challenge]).await, Recovery::SignAgain);
        let error = auth.rest_authenticate(streamed()).await.expect_err("it cannot be hashed");
        assert_eq!(error.kind(), AuthErrorKind::Request);
        assert!(error.to_string().contains("auth-int"), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_is_answered_like_any_get_and_a_message_cannot_be() {
    let auth = builder().build().expect("usable");
    let post = RestRequest::post("wss://api.example.com/stream").body("not sent");
    let handshake = WebSocketHandshake::from_request(post);
    let signed = auth.ws_handshake(handshake.clone()).await.expect("signed").into_request();
    assert_eq!(shown(&signed), "");
    let response = answer_of(401, "www-authenticate", &["Digest realm=r, nonce=n, qop=auth-int"]);
    let recovery = auth.on_rejected(&Rejection::new(&signed, &response)).await.expect("known");
    assert_eq!(recovery, Recovery::SignAgain);
    let signed = auth.ws_handshake(handshake).await.expect("signed").into_request();
    let asked = md5(&format!("GET:/stream:{}", md5("")));
    let expected = md5(&format!("{}:n:00000001:c1:auth-int:{asked}", md5("u:r:p")));
    assert_eq!(raw(&shown(&signed), "response"), Some(quoted(&expected).as_str()));
    // The same server.
    let header = sign(&auth, RestRequest::get("https://api.example.com:443/")).await;
    assert_eq!(raw(&header, "nc"), Some("00000002"));

    let error = auth.ws_authenticate(WebSocketRequest::text("x")).await.expect_err("no place");
    assert_eq!(error.kind(), AuthErrorKind::Unsupported);
    assert!(error.to_string().contains("handshake"), "{error}");
}

#[tokio::test]
async fn nothing_is_added_behind_what_was_hashed() {
    for (qop, body_is_hashed) in [("auth", false), ("auth-int", true)] {
        let auth = builder().build().expect("usable");
        let challenge = format!(r#"Digest realm="r", nonce="n", qop="{qop}""#);
        refuse(&auth, RestRequest::get(URL), &[&challenge]).await;
        let signed = || auth.rest_authenticate(RestRequest::post(URL).form_param("a", 1));
        let mut with_query = signed().await.expect("signed");
        with_query.append_query(networkpype_core::Pair::new("b", "2"));
        assert!(with_query.freeze().is_err(), "{qop}");
        let mut with_body = signed().await.expect("signed");
        with_body.append_form(networkpype_core::Pair::new("b", "2")).expect("a form");
        assert_eq!(with_body.freeze().is_err(), body_is_hashed, "{qop}");
    }
}

#[tokio::test]
async fn a_request_without_an_origin_is_refused() {
    let auth = builder().build().expect("usable");
    let error = auth.rest_authenticate(RestRequest::get("/relative")).await.expect_err("relative");
    assert_eq!(error.kind(), AuthErrorKind::Request);
}

struct Rotated(std::sync::Mutex<u32>);

#[async_trait]
impl PasswordProvider for Rotated {
    async fn user_and_password(&self) -> Result<(String, Secret), AuthError> {
        let mut asked = self.0.lock().expect("not poisoned");
        *asked += 1;
        match *asked {
            3 => Ok(("u\n".to_owned(), "p".into())),
            4 => Err(AuthError::new(AuthErrorKind::Credentials, "the vault is locked")),
            turn => Ok((format!("u{turn}"), "p".into())),
        }
    }
}

#[tokio::test]
async fn a_provider_is_asked_for_each_answer_and_what_it_gives_is_checked_too() {
    let auth = Digest::builder_from_provider(Rotated(0.into())).build().expect("usable");
    let header = answer(&auth, RestRequest::get(URL), CHALLENGE).await;
    assert_eq!(raw(&header, "username"), Some("\"u1\""));
    assert_eq!(raw(&sign(&auth, RestRequest::get(URL)).await, "username"), Some("\"u2\""));
    for expected in ["control character", "vault is locked"] {
        let error = auth.rest_authenticate(RestRequest::get(URL)).await.expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn passwords_do_not_print_and_what_cannot_be_one_is_refused() {
    let builder = Digest::builder("hunter1", "hunter2").min_algorithm(DigestAlgorithm::Sha256);
    let shown_builder = format!("{builder:?}");
    let auth = builder.build().expect("usable");
    answer(&auth, RestRequest::get(URL), "Digest realm=r, nonce=n, algorithm=SHA-256").await;
    let signed = auth.rest_authenticate(RestRequest::get(URL)).await.expect("signed");
    assert!(signed.headers()["authorization"].is_sensitive());
    for shown in [shown_builder, format!("{auth:?}"), format!("{signed:?} {signed:#?}")] {
        assert!(!shown.contains("hunter"), "{shown}");
    }
    for (user, password) in [("hunter1\n", "p"), ("u", "hunter2\u{7f}")] {
        let error = Digest::new(user, password).expect_err("refused");
        assert_eq!(error.kind(), AuthErrorKind::Credentials);
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
    }
}
