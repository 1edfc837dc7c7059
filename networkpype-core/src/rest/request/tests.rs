use bytes::Bytes;
use http::header::CONTENT_TYPE;

use super::*;
use crate::Pair;

fn ready(mut request: RestRequest) -> RestRequest {
    request.resolve(Some(&"https://h/v1".parse().expect("base"))).expect("resolves");
    request
}

#[test]
fn a_frozen_query_only_grows_at_its_end() {
    let mut request = ready(RestRequest::get("/o?a=1").param("b", "x y").param("c", "1e-7"));
    assert_eq!(request.query_string(), "a=1&b=x%20y&c=1e-7");
    assert_eq!(request.params_mut().expect_err("frozen").kind(), crate::WireErrorKind::Frozen);
    request.append_query(Pair::new("signature", "ab="));
    assert_eq!(request.target(), "/v1/o?a=1&b=x%20y&c=1e-7&signature=ab%3D");
    request.insert_header("x-late", "fine").expect("headers stay open");
}

#[test]
fn a_frozen_body_only_grows_at_its_end() {
    let mut form = RestRequest::post("/o").form_param("a", "x y");
    assert_eq!(form.body_bytes().expect("bytes"), "a=x+y");
    assert!(form.form_params_mut().is_err());
    form.append_form(Pair::new("s", "1")).expect("append");
    assert_eq!(form.body_bytes().expect("bytes"), "a=x+y&s=1");

    let mut json = RestRequest::post("/o").json_text("{ \"n\": 219.0 }");
    assert_eq!(json.body_bytes().expect("bytes"), "{ \"n\": 219.0 }");
    assert!(json.json_members_mut().is_err());
    json.append_json("s", &"x").expect("append");
    assert_eq!(json.body_bytes().expect("bytes"), "{ \"n\": 219.0 ,\"s\":\"x\"}");
}

#[test]
fn an_empty_body_grows_into_the_kind_that_is_appended() {
    let mut form = RestRequest::post("/o");
    form.append_form(Pair::new("s", "1")).expect("append");
    assert_eq!(form.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
    let mut json = RestRequest::post("/o");
    json.append_json("s", &1).expect("append");
    json.append_json("t", &2).expect("append");
    assert_eq!(json.body_bytes().expect("bytes"), "{\"s\":1,\"t\":2}");
    assert!(json.append_form(Pair::new("s", "1")).is_err());

    let mut frozen = RestRequest::post("/o");
    assert_eq!(frozen.body_bytes().expect("bytes"), "");
    frozen.append_form(Pair::new("s", "1")).expect("nothing precedes it");
    assert_eq!(frozen.body_bytes().expect("bytes"), "s=1");
}

#[test]
fn a_form_that_was_given_as_bytes_grows_and_keeps_them() {
    for typed in ["a=x+y&b=%2f&&c&=", "c", "", "&"] {
        for is_frozen in [false, true] {
            let kind = "application/x-www-form-urlencoded; charset=UTF-8";
            let mut request = RestRequest::post("/o").body(typed).header("content-type", kind);
            if is_frozen {
                request.body_bytes().expect("bytes");
            }
            request.read_body_as_form();
            assert_eq!(request.clone().body_bytes().expect("bytes"), typed);
            request.append_form(Pair::new("s", "1")).expect("append");
            let mark = if typed.is_empty() { "" } else { "&" };
            assert_eq!(request.body_bytes().expect("bytes"), format!("{typed}{mark}s=1"));
            assert_eq!(request.headers()[CONTENT_TYPE], kind);
        }
    }
    for mut other in [
        RestRequest::post("/o").body(vec![b'a', b'=', 0xff]),
        RestRequest::post("/o").json_text("{}"),
    ] {
        other.read_body_as_form();
        assert!(other.append_form(Pair::new("s", "1")).is_err());
    }
}

#[test]
fn json_keeps_the_order_and_numbers_it_was_given() {
    let mut request = RestRequest::post("/o").json_object([("z", 1e-7), ("a", 219.0)]);
    assert_eq!(request.body_bytes().expect("bytes"), "{\"z\":1e-7,\"a\":219.0}");
}

#[test]
fn the_first_mistake_is_reported_and_its_value_is_not() {
    let mut request = RestRequest::get("/o").header("x-key", "hunter2\r\nx: y").header("a b", "c");
    let error = request.resolve(Some(&"https://h".parse().expect("base"))).expect_err("mistake");
    assert_eq!(error.to_string(), "header x-key: its value holds a control character");
    assert!(RestRequest::post("/o").header("content-length", "3").problem().is_some());
}

#[test]
fn a_relative_url_without_a_base_is_a_mistake() {
    let mut request = RestRequest::get("/o");
    assert!(request.freeze().is_err());
    assert!(request.resolve(None).is_err());
}

#[test]
fn nothing_but_names_and_sizes_prints() {
    let mut request = ready(
        RestRequest::post("/o?q=canary")
            .param("p", "canary")
            .header("h", "canary")
            .form_param("f", "canary")
            .extension("canary".to_owned()),
    );
    assert!(!format!("{request:?}").contains("canary"), "{request:?}");
    request.freeze().expect("freezes");
    assert!(!format!("{request:?}").contains("canary"), "{request:?}");
}

#[test]
fn it_converts_from_and_to_an_http_request() {
    let request = http::Request::post("https://h/a?b=%20")
        .header("x", "1")
        .body(Bytes::from_static(b"body"))
        .expect("request");
    let back = http::Request::<Bytes>::try_from(RestRequest::from(request)).expect("converts");
    assert_eq!(back.uri(), "https://h/a?b=%20");
    assert_eq!(back.headers()["x"], "1");
    assert_eq!(back.body(), "body");
}

#[test]
fn a_frozen_body_is_not_replaced() {
    let mut request = RestRequest::post("https://h/").json_text("{}");
    request.body_bytes().expect("bytes");
    let mut replaced = request.body("other");
    assert_eq!(replaced.body_bytes().expect("bytes"), "{}");
    assert_eq!(replaced.freeze().expect_err("frozen").kind(), crate::WireErrorKind::Frozen);
}

#[test]
fn the_content_type_follows_the_body_unless_the_caller_set_it() {
    let replaced = RestRequest::post("/o").form_param("a", 1).json(&1);
    assert_eq!(replaced.headers()[CONTENT_TYPE], "application/json");
    let raw = RestRequest::post("/o").json(&1).body("x");
    assert!(!raw.headers().contains_key(CONTENT_TYPE));
    let own = RestRequest::post("/o").header("content-type", "application/vnd.api+json").json(&1);
    assert_eq!(own.headers()[CONTENT_TYPE], "application/vnd.api+json");
}

#[test]
fn freezing_fills_the_path_or_fails() {
    let mut request = RestRequest::get("https://h/o/{id}").path_param("id", 5);
    request.freeze().expect("freezes");
    assert_eq!(request.target(), "/o/5");
    assert!(RestRequest::get("https://h/o/{id}").freeze().is_err());
    let converted =
        http::Request::try_from(RestRequest::get("https://h/o/{id}").path_param("id", 5));
    assert_eq!(converted.expect("converts").uri(), "https://h/o/5");
}

#[test]
fn what_a_scheme_froze_is_checked_before_it_is_sent() {
    let mut request = RestRequest::get("https://h/o").param_as(crate::Encoding::AsIs, "a", "x y");
    assert_eq!(request.query_string(), "a=x y");
    request.body_bytes().expect("no body");
    let error = request.freeze().expect_err("a space in a request-target");
    assert_eq!(error.kind(), crate::WireErrorKind::Content);
}

#[test]
fn what_a_scheme_sealed_is_sent_as_it_was_or_not_at_all() {
    let sealed = || {
        let mut request = RestRequest::post("https://h/o?a=1").form_param("b", 2);
        request.seal_target();
        request.seal_body().expect("bytes");
        request
    };
    let mut whole = sealed();
    whole.insert_header("x", "1").expect("a header");
    whole.freeze().expect("nothing was added");
    let mut with_query = sealed();
    with_query.append_query(crate::Pair::new("c", "3"));
    let mut with_form = sealed();
    with_form.append_form(crate::Pair::new("c", "3")).expect("a form");
    for (mut request, part) in [(with_query, "query"), (with_form, "body")] {
        let error = request.freeze().expect_err("something was added");
        assert_eq!(error.kind(), crate::WireErrorKind::Frozen);
        assert!(error.to_string().starts_with(part), "{error}");
    }
    let mut empty = RestRequest::get("https://h/o");
    empty.seal_body().expect("no body");
    empty.append_json("a", &1).expect("an object");
    assert!(empty.freeze().is_err());
}
