//! Which rule counts, what a variant or an extending recipe changes, and which of them cannot be.

use http::Method;
use networkpype_auth::{Endpoint, Section};
use networkpype_core::RestRequest;
use networkpype_schemes::recipe::{RecipeAuth, RecipeError, RecipeSpec};

use crate::{
    recipe_mistakes::check_requests,
    recipe_setup::{builder, credentials, requests, sign},
};

#[test]
fn a_rule_that_cannot_count_is_refused() {
    let rule =
        |rule: &str| format!("[[request.rules]]\nmatch.path = '/a'\n[[request.rules]]\n{rule}");
    for (text, key, reason) in [
        ("then.payload = ''", ".match", "matches everything"),
        ("match = {}", ".match", "matches everything"),
        ("match.path = []", ".match.path", "an empty list"),
        ("match.method = []", ".match.method", "an empty list"),
        ("match.host = []", ".match.host", "an empty list"),
        ("match.host = 'https://api.example.com'", ".match.host", "is no host"),
        ("match.host = ['a.example', 'b.example:443']", ".match.host", "leave out"),
        ("match.host = 'api.example.com/v1'", ".match.host", "is no host"),
        ("match.section = []", ".match.section", "an empty list"),
        ("match.endpoint = []", ".match.endpoint", "an empty list"),
        ("match.param = []", ".match.param", "an empty list"),
        ("match.path = 'orders'", ".match.path", "begin with `/`"),
        ("match.path = ['/a', '/b?c=*']", ".match.path", "leave out the query"),
        ("match.path = '/a b'", ".match.path", "matches no path"),
        ("match.method = 'GE T'", ".match.method", "cannot be a method"),
        (
            "match.path = '/x'\n[[request.rules.then.rules]]\nmatch.path = '/y'",
            ".then.rules",
            "rules of its own",
        ),
        ("match.path = '/x'\nthen.headers.A = '{x}'", ".then.headers.A", "`{x}`"),
        ("match.path = '/x'\nthen.payload = '{path}'", ".then", "goes nowhere"),
        ("match.path = '/x'\nthen.carry = 'x'", ".then.carry", "`query`"),
    ] {
        check_requests(&[(&rule(text), &format!("request.rules[1]{key}"), reason)]);
    }
}

/// Which value the header `R` got.
async fn rule_of(auth: &RecipeAuth, request: RestRequest) -> String {
    let signed = sign(auth, request).await.expect("signed");
    signed.headers().get("r").map_or("none", |rule| rule.to_str().expect("ASCII")).to_owned()
}

#[tokio::test]
async fn of_the_rules_that_match_the_first_counts_and_no_other() {
    let auth = requests(
        "
        headers.R = 'base'
        [[request.rules]]
        match.path = '/a/special'
        then.headers.R = 'special'
        [[request.rules]]
        match.path = '/a/**'
        then.headers.R = 'a'
        [[request.rules]]
        match.path = ['/a/b', '/**']
        then.headers.R = 'rest'
        then.headers.More = 'x'
        ",
    );
    for (path, rule) in [("/a/special", "special"), ("/a/b", "a"), ("/a/b/c", "a"), ("/b", "rest")]
    {
        assert_eq!(
            rule_of(&auth, RestRequest::get(format!("https://h{path}"))).await,
            rule,
            "{path}"
        );
    }
    let signed = sign(&auth, RestRequest::get("https://h/a/b")).await.expect("signed");
    assert!(!signed.headers().contains_key("more"), "a later rule adds nothing");
}

#[tokio::test]
async fn a_rule_matches_the_path_as_it_is_sent() {
    let auth = requests("[[request.rules]]\nmatch.path = '/orders/5'\nthen.headers.R = 'five'");
    let request = |id: u8| RestRequest::get("https://h/orders/{id}").path_param("id", id);
    assert_eq!(rule_of(&auth, request(5)).await, "five");
    assert_eq!(rule_of(&auth, request(6)).await, "none");
}

#[tokio::test]
async fn a_rule_matches_where_all_that_it_says_matches() {
    for (matches, request, rule) in [
        ("method = 'get'", RestRequest::get("https://h/"), "yes"),
        ("method = ['PUT', 'POST']", RestRequest::post("https://h/"), "yes"),
        ("method = ['PUT', 'POST']", RestRequest::get("https://h/"), "none"),
        ("method = 'GET', path = '/a'", RestRequest::get("https://h/a?b=1"), "yes"),
        ("method = 'GET', path = '/a'", RestRequest::post("https://h/a"), "none"),
        ("method = 'GET', path = '/a'", RestRequest::get("https://h/b"), "none"),
        ("host = 'API.*.com'", RestRequest::get("https://api.example.com:8443/"), "yes"),
        ("host = 'api.*.com'", RestRequest::get("https://example.com/"), "none"),
        ("host = '[::1]'", RestRequest::get("https://[::1]/"), "yes"),
        ("section = 'v?'", RestRequest::get("https://h/").extension(Section::new("v2")), "none"),
        ("section = 'v*'", RestRequest::get("https://h/").extension(Section::new("v2")), "yes"),
        ("section = 'v*'", RestRequest::get("https://h/"), "none"),
        ("endpoint = 'a/*'", RestRequest::get("https://h/a/b"), "yes"),
        (
            "endpoint = 'get*'",
            RestRequest::get("https://h/a").extension(Endpoint::new("getInfo")),
            "yes",
        ),
        ("param = ['a', 'b']", RestRequest::get("https://h/?a=1").param("b", 2), "yes"),
        ("param = ['a', 'b']", RestRequest::get("https://h/?a=1"), "none"),
        ("param = 'a'", RestRequest::post("https://h/").form_param("a", 1), "yes"),
        ("param = 'a'", RestRequest::post("https://h/").json_text(r#"{"a":1}"#), "yes"),
        ("has-body = true", RestRequest::post("https://h/").body("x"), "yes"),
        ("has-body = true", RestRequest::post("https://h/"), "none"),
        ("has-body = false", RestRequest::post("https://h/").json_text("{}"), "none"),
    ] {
        let auth = requests(&format!(
            "[[request.rules]]\nmatch = {{ {matches} }}\nthen.headers.R = 'yes'"
        ));
        assert_eq!(rule_of(&auth, request).await, rule, "{matches}");
    }
}

#[tokio::test]
async fn an_empty_text_takes_a_header_back() {
    let auth = requests(
        "
        headers.R = 'base'
        headers.None = ''
        [[request.rules]]
        match.method = 'DELETE'
        then.headers.R = ''
        ",
    );
    assert_eq!(rule_of(&auth, RestRequest::get("https://h/")).await, "base");
    let delete = RestRequest::new(Method::DELETE, "https://h/");
    assert_eq!(rule_of(&auth, delete.clone()).await, "none");
    assert!(!sign(&auth, delete).await.expect("signed").headers().contains_key("none"));
}

const WITH_VARIANT: &str = "
    credentials = ['key', 'secret']
    constants = { who = 'base' }
    [request]
    headers.R = '{who}'
    [[request.rules]]
    match.path = '/a/**'
    then.headers.R = 'rule'
    [variants.other]
    constants = { who = 'variant' }
    [[variants.other.request.rules]]
    match.path = '/a/b'
    then.headers.R = 'rule of the variant'
";

#[tokio::test]
async fn a_variants_rules_come_before_those_of_the_recipe() {
    let base = builder(WITH_VARIANT).build().expect("complete");
    let variant = builder(WITH_VARIANT).variant("other").build().expect("complete");
    for (path, of_base, of_variant) in [
        ("/", "base", "variant"),
        ("/a/b", "rule", "rule of the variant"),
        ("/a/c", "rule", "rule"),
    ] {
        let request = || RestRequest::get(format!("https://h{path}"));
        assert_eq!(rule_of(&base, request()).await, of_base);
        assert_eq!(rule_of(&variant, request()).await, of_variant);
    }
}

#[test]
fn a_variant_that_there_is_not_is_refused_with_those_that_there_are() {
    let error = builder(WITH_VARIANT).variant("rsa").build().expect_err("no such variant");
    assert_eq!(error.key(), "variants");
    assert!(error.to_string().contains("no variant \"rsa\"; there are: other"), "{error}");
}

fn resolved(text: &str) -> Result<RecipeSpec, RecipeError> {
    let find = |name: &str| {
        let text = match name {
            "base" => {
                "credentials = ['key', 'secret']\n[request]\nheaders.R = 'base'\nheaders.B = 'b'"
            }
            "middle" => "extends = 'base'\n[request]\nheaders.R = 'middle'",
            "a" => "extends = 'b'",
            "b" => "extends = 'a'",
            _ => return None,
        };
        Some(RecipeSpec::from_toml(text).expect("a recipe"))
    };
    RecipeSpec::from_toml(text)?.resolve(&find)
}

#[tokio::test]
async fn a_recipe_that_extends_another_changes_what_it_says_and_nothing_else() {
    let recipe = resolved("extends = 'middle'\n[request]\nheaders.C = 'c'").expect("resolved");
    let auth = RecipeAuth::builder(recipe).credentials(credentials()).build().expect("complete");
    let signed = sign(&auth, RestRequest::get("https://h/")).await.expect("signed");
    let value = |name: &str| signed.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!([value("r"), value("b"), value("c")], ["middle", "b", "c"]);
}

#[test]
fn a_recipe_that_extends_nothing_or_itself_is_refused() {
    for (text, reason) in [
        ("extends = 'nobody'", "there is no recipe \"nobody\""),
        ("extends = 'nobody'", "`Preset::names`"),
        ("extends = 'a'", "in a circle"),
    ] {
        let error = resolved(text).expect_err(text);
        assert_eq!(error.key(), "extends");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let unresolved = RecipeSpec::from_toml("extends = 'base'").expect("a recipe");
    let error = RecipeAuth::builder(unresolved).build().expect_err("not looked up");
    assert_eq!(error.key(), "extends");
}
