//! Where parameters go and how they are written: carriers, styles of lists and objects, encodings, bodies.

use networkpype_auth::{Carrier, CarryTo, Section};
use networkpype_core::RestRequest;

use crate::recipe_setup::{requests, sent, sign};

/// A POST request with a JSON body of every kind of value.
fn json() -> RestRequest {
    RestRequest::post("https://h/p").json_text(r#"{"b":["x",2],"a":{"d":"y z","c":1e-7}}"#)
}

#[tokio::test]
async fn each_carrier_takes_the_members_of_a_json_object() {
    for (carry, expected) in [
        ("'json'", r#"/p {"b":["x",2],"a":{"d":"y z","c":1e-7}}"#),
        ("'query'", "/p?b=%5B%22x%22%2C2%5D&a=%7B%22d%22%3A%22y%20z%22%2C%22c%22%3A1e-7%7D"),
        ("'form'", "/p b=%5B%22x%22%2C2%5D&a=%7B%22d%22%3A%22y%20z%22%2C%22c%22%3A1e-7%7D"),
        (
            "['query', 'json']",
            "/p?b=%5B%22x%22%2C2%5D&a=%7B%22d%22%3A%22y%20z%22%2C%22c%22%3A1e-7%7D {\"b\":[\"x\",2],\"a\":{\"d\":\"y z\",\"c\":1e-7}}",
        ),
        (
            "['query', 'form']",
            "/p?b=%5B%22x%22%2C2%5D&a=%7B%22d%22%3A%22y%20z%22%2C%22c%22%3A1e-7%7D b=%5B%22x%22%2C2%5D&a=%7B%22d%22%3A%22y%20z%22%2C%22c%22%3A1e-7%7D",
        ),
        ("[]", "/p"),
    ] {
        assert_eq!(sent(&requests(&format!("carry = {carry}")), json()).await, expected, "{carry}");
    }
}

#[tokio::test]
async fn what_a_request_says_about_its_carrier_counts_before_the_recipe() {
    let auth = requests("carry = 'json'\nlists = 'repeat'\nobjects = 'brackets'");
    assert!(auth.carries(&json()));
    let to = |carriers: &[Carrier]| json().extension(CarryTo::new(carriers));
    let flat = "b=x&b=2&a%5Bd%5D=y%20z&a%5Bc%5D=1e-7";
    assert_eq!(sent(&auth, to(&[Carrier::Query])).await, format!("/p?{flat}"));
    assert_eq!(sent(&auth, to(&[Carrier::Form])).await, format!("/p {flat}"));
    assert_eq!(sent(&auth, to(&[])).await, "/p");
    let both = to(&[Carrier::Form, Carrier::Json]);
    assert!(sign(&auth, both).await.is_err(), "a body is one thing");
}

#[tokio::test]
async fn a_form_is_carried_too() {
    let form = || RestRequest::post("https://h/p").form_param("b", 1).form_param("a", "x y");
    for (carry, expected) in [
        ("'query'", "/p?b=1&a=x%20y"),
        ("'json'", r#"/p {"b":"1","a":"x y"}"#),
        ("'form'", "/p b=1&a=x%20y"),
    ] {
        assert_eq!(sent(&requests(&format!("carry = {carry}")), form()).await, expected);
    }
}

#[tokio::test]
async fn each_style_of_lists_and_objects_is_written_its_own_way() {
    for (style, expected) in [
        ("lists = 'json'", "b=[\"x\",2]&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("lists = 'repeat'", "b=x&b=2&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("lists = 'brackets'", "b[]=x&b[]=2&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("lists = 'indexed'", "b[0]=x&b[1]=2&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("lists = 'comma'", "b=x,2&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("lists = 'unquoted'", "b=[x,2]&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("lists = 'joined'", "b=x2&a={\"d\":\"y z\",\"c\":1e-7}"),
        ("objects = 'brackets'", "b=[\"x\",2]&a[d]=y z&a[c]=1e-7"),
        ("objects = 'joined'", "b=[\"x\",2]&a=c1e-7dy z"),
    ] {
        let auth = requests(&format!("carry = 'query'\n{style}\nheaders.Q = '{{query(raw)}}'"));
        let signed = sign(&auth, json()).await.expect("signed");
        assert_eq!(signed.headers()["q"], expected, "{style}");
    }
}

#[tokio::test]
async fn what_is_signed_as_params_has_an_encoding_an_order_and_marks_of_its_own() {
    let request = || {
        RestRequest::post("https://h/p?z=1")
            .param("b", "x y")
            .form_param("a", "ü")
            .form_param("c", "&")
    };
    for (options, expected) in [
        ("", "z=1&b=x y&a=ü&c=&"),
        ("params.encoding = 'percent'", "z=1&b=x%20y&a=%C3%BC&c=%26"),
        ("params.encoding = 'form'", "z=1&b=x+y&a=%C3%BC&c=%26"),
        ("params.encoding = 'plus'", "z=1&b=x+y&a=%C3%BC&c=%26"),
        ("params.sorted = true", "a=ü&b=x y&c=&&z=1"),
        ("params = { equals = '', separator = '|' }", "z1|bx y|aü|c&"),
        ("params = { names = false, sorted = true, separator = '' }", "üx y&1"),
        ("params = { names = false, equals = '=', encoding = 'percent' }", "1&x%20y&%C3%BC&%26"),
        ("params.with = [['k', '{key}'], ['m', '{method}']]", "k=the-key&m=POST&z=1&b=x y&a=ü&c=&"),
        ("params = { with = [['k', '{key}']], sorted = true }", "a=ü&b=x y&c=&&k=the-key&z=1"),
    ] {
        let auth = requests(&format!("headers.P = '{{params|hex}}'\n{options}"));
        let mut signed = sign(&auth, request()).await.expect("signed");
        let hex: String = expected.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(signed.headers()["p"], hex.as_str(), "{options}");
        assert_eq!(signed.target(), "/p?z=1&b=x%20y", "nothing of it is sent");
    }
}

#[tokio::test]
async fn what_is_signed_as_params_keeps_characters_of_its_own() {
    let request = || RestRequest::get("https://h/p").json_text(r#"{"ids":["a!","b,"]}"#);
    for (options, expected) in [
        ("params = { encoding = 'percent', keep = '[]!' }", "ids[]=a!&ids[]=b%2C"),
        ("keep = '[]'\nparams.encoding = 'percent'", "ids%5B%5D=a%21&ids%5B%5D=b%2C"),
    ] {
        let auth = requests(&format!("headers.P = '{{params}}'\nlists = 'brackets'\n{options}"));
        let signed = sign(&auth, request()).await.expect("signed");
        assert_eq!(signed.headers()["p"], expected, "{options}");
    }
}

#[tokio::test]
async fn parameters_are_sent_in_the_encoding_and_the_order_that_is_said() {
    let request = || RestRequest::get("https://h/p").param("b", "x,y z[]").param("a", "+");
    for (options, expected) in [
        ("", "/p?b=x%2Cy%20z%5B%5D&a=%2B"),
        ("encoding = 'form'", "/p?b=x%2Cy+z%5B%5D&a=%2B"),
        ("encoding = 'plus'", "/p?b=x%2Cy+z%5B%5D&a=%2B"),
        ("encoding = 'plus'\nafter = [['c', '~*']]", "/p?b=x%2Cy+z%5B%5D&a=%2B&c=~%2A"),
        ("keep = ',[]'", "/p?b=x,y%20z[]&a=%2B"),
        ("sort = 'own'\nbefore = [['z', '1']]", "/p?z=1&a=%2B&b=x%2Cy%20z%5B%5D"),
        ("sort = 'all'\nbefore = [['z', '1']]", "/p?a=%2B&b=x%2Cy%20z%5B%5D&z=1"),
        (
            "sort = 'none'\nafter = [['a1', '1'], ['a0', '2']]",
            "/p?b=x%2Cy%20z%5B%5D&a=%2B&a1=1&a0=2",
        ),
        (
            "encoding = 'form'\nafter = [{ name = 'c', value = 'x y', encoding = 'percent' }]",
            "/p?b=x%2Cy+z%5B%5D&a=%2B&c=x%20y",
        ),
    ] {
        assert_eq!(sent(&requests(options), request()).await, expected, "{options}");
    }
    let raw = requests("encoding = 'raw'");
    assert_eq!(sent(&raw, RestRequest::get("https://h/p").param("a", "x,y")).await, "/p?a=x,y");
    let sorted = requests("sort-json = true");
    assert_eq!(sent(&sorted, json()).await, r#"/p {"a":{"d":"y z","c":1e-7},"b":["x",2]}"#);
    let placed = "sort-json = true\nbefore = [{ name = 'aa', value = '1', in = 'json' }]\nsort";
    for (sort, expected) in [
        ("own", r#"/p {"aa":"1","a":{"d":"y z","c":1e-7},"b":["x",2]}"#),
        ("all", r#"/p {"a":{"d":"y z","c":1e-7},"aa":"1","b":["x",2]}"#),
    ] {
        assert_eq!(sent(&requests(&format!("{placed} = '{sort}'")), json()).await, expected);
    }
}

#[tokio::test]
async fn a_place_that_yields_leaves_the_callers_value_and_another_is_an_error() {
    let after = |more: &str| {
        requests(&format!("after = [{{ name = 'w', value = '5'{more} }}, ['t', '1']]"))
    };
    let own = || RestRequest::get("https://h/p").param("w", 9).param("a", 1);
    assert_eq!(sent(&after(", yields = true"), own()).await, "/p?a=1&w=9&t=1");
    let error = sign(&after(""), own()).await.expect_err("twice");
    assert!(error.to_string().contains("the request has one already"), "{error}");
    let json = requests("after = [{ name = 'w', json = '5', in = 'json', yields = true }]");
    let request = RestRequest::post("https://h/p").json_text(r#"{"w":"x","a":1}"#);
    assert_eq!(sent(&json, request).await, r#"/p {"a":1,"w":"x"}"#);
}

#[tokio::test]
async fn what_has_a_condition_is_left_out_where_that_is_empty() {
    let auth = requests(
        "
        headers.H = { value = 'has {query}', when = '{query}' }
        before = [{ name = 'p', value = '{method}', when = '{section}', in = 'query' }]
        after = [{ name = 'j', value = 'x', when = '{member(id)}', in = 'json' }]
        ",
    );
    let with =
        RestRequest::post("https://h/p").json_text(r#"{"id":1}"#).extension(Section::new("s"));
    assert_eq!(sent(&auth, with).await, r#"/p?p=POST {"id":1,"j":"x"}"#);
    let without = || RestRequest::post("https://h/p").json_text(r#"{"x":1}"#);
    assert_eq!(sent(&auth, without()).await, r#"/p {"x":1}"#);
    assert!(!sign(&auth, without()).await.expect("signed").headers().contains_key("h"));
    let queried = sign(&auth, without().param("a", 1)).await.expect("signed");
    assert_eq!(queried.headers()["h"], "has a=1");
}

#[tokio::test]
async fn an_empty_query_has_its_mark_and_an_empty_body_its_text_where_that_is_said() {
    let marked = requests("query-mark = true");
    assert_eq!(sent(&marked, RestRequest::get("https://h/p")).await, "/p?");
    assert_eq!(sent(&marked, RestRequest::get("https://h/p").param("a", 1)).await, "/p?a=1");
    let filled = requests("empty-body = '{}'\npayload = '{body}'\nheaders.S = '{signature}'");
    assert_eq!(sent(&filled, RestRequest::post("https://h/p")).await, "/p {}");
    assert_eq!(sent(&filled, RestRequest::post("https://h/p").body("x")).await, "/p x");
    let form = RestRequest::post("https://h/p").form_param("a", 1);
    assert_eq!(sent(&filled, form).await, "/p a=1");
}

#[tokio::test]
async fn a_body_is_made_of_a_template_with_or_without_the_signature() {
    let plain =
        requests("body = '{({json})|base64}'\npayload = '{body}'\nheaders.S = '{signature}'");
    let request = || RestRequest::post("https://h/p").json_text(r#"{"a":1}"#);
    assert_eq!(sent(&plain, request()).await, "/p eyJhIjoxfQ==");
    let signed = requests(
        "carry = 'json'\npayload = '{path}{params}'\nbody = '{\"p\":{json},\"sig\":\"{signature}\"}'\n",
    );
    let expected = "/p {\"p\":{\"a\":1},\"sig\":\"";
    let sent = sent(&signed, request()).await;
    assert!(sent.starts_with(expected) && sent.len() == expected.len() + 64 + 2, "{sent}");
}

#[tokio::test]
async fn parameters_of_the_path_are_sent_again_where_that_is_said() {
    let request = || RestRequest::get("https://h/{id}/x").path_param("id", "a b").param("c", 1);
    assert_eq!(
        sent(&requests("carry-path-params = true"), request()).await,
        "/a%20b/x?id=a%20b&c=1"
    );
    assert_eq!(sent(&requests("carry-path-params = false"), request()).await, "/a%20b/x?c=1");
}
