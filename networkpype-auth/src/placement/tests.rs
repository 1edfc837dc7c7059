use super::*;

fn put(placement: &Placement, mut request: RestRequest, value: &str) -> Result<String, AuthError> {
    placement.put(&mut request, value.as_bytes(), None)?;
    let body = request.body_bytes()?;
    Ok(format!("{} {}", request.target(), String::from_utf8_lossy(&body)).trim_end().to_owned())
}

#[test]
fn a_value_goes_where_the_placement_says() {
    let form = || RestRequest::post("https://h/p?q=1").form_param("a", "x y");
    let json = || RestRequest::post("https://h/p").json_text("{\"n\": 219.0}");
    for (placement, request, expected) in [
        (Placement::query("s"), form(), "/p?q=1&s=1%2B%20 a=x+y"),
        (Placement::query("s").first(), form(), "/p?s=1%2B%20&q=1 a=x+y"),
        (Placement::form("s"), form(), "/p?q=1 a=x+y&s=1%2B+"),
        (Placement::form("s").first(), form(), "/p?q=1 s=1%2B+&a=x+y"),
        (Placement::params("s"), form(), "/p?q=1 a=x+y&s=1%2B+"),
        (Placement::params("s"), json(), "/p?s=1%2B%20 {\"n\": 219.0}"),
        (Placement::form("s"), RestRequest::post("https://h/p"), "/p s=1%2B+"),
        (Placement::json("s"), json(), "/p {\"n\": 219.0,\"s\":\"1+ \"}"),
        (Placement::json("s").first(), json(), "/p {\"s\":\"1+ \",\"n\":219.0}"),
        (Placement::json("s"), RestRequest::post("https://h/p"), "/p {\"s\":\"1+ \"}"),
    ] {
        assert_eq!(put(&placement, request, "1+ ").expect("fits"), expected, "{placement:?}");
    }
    let number = put(&Placement::json_number("t"), json(), "17").expect("fits");
    assert_eq!(number, "/p {\"n\": 219.0,\"t\":17}");
}

#[test]
fn what_the_request_has_already_is_not_sent_twice() {
    for (placement, request) in [
        (Placement::query("s"), RestRequest::get("https://h/p?s=1")),
        (Placement::form("s"), RestRequest::post("https://h/p").form_param("s", "1")),
        (Placement::params("s"), RestRequest::post("https://h/p?s=1").form_param("a", "1")),
        (Placement::json("s"), RestRequest::post("https://h/p").json_text("{\"s\":1}")),
        (Placement::json("s").first(), RestRequest::post("https://h/p").json_text("{\"s\":1}")),
    ] {
        let error = put(&placement, request, "hunter2").expect_err("it is there already");
        assert_eq!(error.kind(), AuthErrorKind::Request);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_an_error() {
    let post = || RestRequest::post("https://h/p");
    for (placement, request, value) in [
        (Placement::header("x"), post(), "a\nb"),
        (Placement::json_number("t"), post(), "2023-11-14T22:13:20Z"),
        (Placement::form("s"), post().json_text("{}"), "1"),
        (Placement::json("s"), post().form_param("a", "1"), "1"),
        (Placement::json("s"), post().json_text("[]"), "1"),
    ] {
        assert!(put(&placement, request, value).is_err(), "{placement:?}");
    }
}

#[test]
fn headers_are_marked_sensitive() {
    let mut request = RestRequest::get("https://h/p");
    Placement::header("X-Key").put(&mut request, b"k", None).expect("fits");
    assert!(request.headers()["x-key"].is_sensitive());
}

#[test]
fn names_are_checked() {
    assert!(Placement::header("a b").check().is_err());
    assert!(Placement::query("").check().is_err());
    assert!(Placement::header("X-Key").check().is_ok());
}

#[test]
fn headers_of_the_connection_are_refused() {
    for name in [
        "Content-Length",
        "Connection",
        "Host",
        "Transfer-Encoding",
        "Upgrade",
        "Sec-WebSocket-Key",
        "sec-websocket-protocol",
    ] {
        let error = Placement::header(name).check().expect_err(name);
        assert_eq!(error.kind(), AuthErrorKind::Configuration);
    }
    for name in ["X-Host", "Upgrade-Key", "Authorization", "Content-Digest"] {
        Placement::header(name).check().expect(name);
    }
}
