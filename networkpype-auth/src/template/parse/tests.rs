use networkpype_core::{RestRequest, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{Keyring, Subject, Values};

fn names() -> TemplateNames {
    TemplateNames {
        credentials: vec!["key".into(), "secret".into()],
        constants: vec![("window".into(), "5000".into())],
        ..TemplateNames::default()
    }
}

fn rendered(text: &str) -> String {
    let template = Template::parse(text, &names()).expect(text);
    let keyring = Keyring::new().with("key", "K").with("secret", "S");
    let values = Values::new()
        .keyring(&keyring)
        .timestamp("T")
        .nonce("N")
        .now(Timestamp::from_millis(1_700_000_000_123))
        .uuid("U");
    let mut request = RestRequest::post("https://h.example/v1/orders?a=b%20c")
        .header("x-id", "7")
        .json_object([("n", 1)]);
    let secret = template.render(&mut Subject::Request(&mut request), &values).expect(text);
    secret.expose_str().expect("text").to_owned()
}

#[test]
fn text_stands_for_itself_and_names_for_parts() {
    for (template, expected) in [
        ("", ""),
        ("{timestamp}{method}{target}{body}", "TPOST/v1/orders?a=b%20c{\"n\":1}"),
        ("{nonce}\n{host}|{path}|{query(raw)}", "N\nh.example|/v1/orders|a=b c"),
        ("w={window}&k={key}&u={uuid}&h={header(x-id)}", "w=5000&k=K&u=U&h=7"),
        ("{now(s)} {now(s,120)} {now(iso-s, -20)}", "1700000000 1700000120 2023-11-14T22:13:00Z"),
        ("{endpoint} {endpoint|upper}", "v1/orders V1/ORDERS"),
        ("{path|strip(/v1)}{path|strip('/v2')}", "/orders/v1/orders"),
        ("{path|after(v1)}{path|after(/)}{path|after(v2)}", "/ordersv1/orders/v1/orders"),
        ("{query|prefix(?)}{section|prefix(?)}{section|or(none)}", "?a=b%20cnone"),
        ("{'{key}'} {not closed} {\"a\":{}}", "{key} {not closed} {\"a\":{}}"),
        ("{json}{members|prefix(,)}", "{\"n\":1},\"n\":1"),
        ("{key|json}{(a(b)\"c)|json}", "\"K\"\"a(b)\\\"c\""),
        (
            "{({nonce}{body})|sha256|hex}",
            &crate::HashAlgorithm::Sha256.digest(b"N{\"n\":1}").to_text(crate::DigestEncoding::Hex),
        ),
        ("{({({key})|lower})|base64}", "aw=="),
        ("{'a b'|percent}{'a,b$'|percent(',')}", "a%20ba,b%24"),
        ("{ x}{}{ }{K: {key}}", "{ x}{}{ }{K: K}"),
        ("{\"body\":1,\"a\":{\"Body\":{}}}{Body: 1}", "{\"body\":1,\"a\":{\"Body\":{}}}{Body: 1}"),
        ("{'{Body}'}{'{ key }'}", "{Body}{ key }"),
        ("{key }{key | upper}", "KK"),
        ("é{key}é", "éKé"),
    ] {
        // A brace that no lower-case name follows is itself.
        if template.contains("{not closed}") {
            assert!(Template::parse(template, &names()).is_err());
            continue;
        }
        assert_eq!(rendered(template), expected, "{template}");
    }
}

#[test]
fn an_hmac_filter_uses_a_credential() {
    let signed = crate::HmacSigner::new(crate::HmacAlgorithm::Sha256, &"S".into()).sign(b"K");
    let hex = signed.to_text(crate::DigestEncoding::Hex);
    assert_eq!(rendered("{key|hmac-sha256|hex}"), hex);
    assert_eq!(rendered("{key|hmac-sha256(secret)|hex}"), hex);
}

#[test]
fn mistakes_say_what_and_where() {
    for (template, at, problem) in [
        ("{passphrase}", 1, "uses `{passphrase}` but no passphrase credential is declared"),
        ("ab{metod}", 3, "uses `{metod}`, which is neither a part"),
        ("{key", 0, "the braces that begin here are not closed"),
        ("{key|}", 5, "there is no filter ``"),
        ("{key|sha-256}", 5, "there is no filter `sha-256`"),
        ("{key|sha-256}", 5, "`sha256`"),
        ("{key|sha-256}", 5, "`base64-of-hex`"),
        ("{key|sha-256}", 5, "`hmac-sha256`"),
        ("{key|sha-256}", 5, "`upper`"),
        ("{key|uper(x)}", 5, "`prefix`"),
        ("a{Body}", 1, "did you mean `{body}`?"),
        ("{ body }", 0, "did you mean `{body}`?"),
        ("{ body|sha256}", 0, "did you mean `{body}`?"),
        ("{Body | sha256}", 0, "did you mean `{body}`?"),
        ("{Timestamp}", 0, "did you mean `{timestamp}`?"),
        ("{ Now(s) }", 0, "did you mean `{now}`?"),
        ("{KEY}", 0, "did you mean `{key}`?"),
        ("{ window}", 0, "did you mean `{window}`?"),
        ("{ key}", 0, "in quotes"),
        ("{timeStamp}", 1, "did you mean `{timestamp}`?"),
        ("{key|sha256(2)}", 5, "takes an argument"),
        ("{key|prefix}", 5, "needs a text"),
        ("{key|prefix(x}", 11, "not closed"),
        ("{key|hmac-sha256(other)}", 5, "the credential `other`, which is not declared"),
        ("{key(1)}", 1, "takes nothing"),
        ("{now(week)}", 1, "needs a format"),
        ("{now(s,soon)}", 1, "needs a format"),
        ("{header}", 1, "needs the header's name"),
        ("{query(hex)}", 1, "needs `raw`"),
        ("{({key}|hex}", 0, "the group that begins here is not closed"),
        ("{'open}", 1, "the quote that begins here is not closed"),
        ("{key)}", 0, "not closed"),
    ] {
        let error = Template::parse(template, &names()).expect_err(template);
        assert!(error.to_string().contains(problem), "{template}: {error}");
        assert_eq!(error.at(), at, "{template}: {error}");
    }
}

#[test]
fn groups_have_a_depth_at_which_they_end() {
    let deep = format!("{}a{}", "{(".repeat(10_000), ")}".repeat(10_000));
    let error = Template::parse(&deep, &names()).expect_err("too deep");
    assert!(error.to_string().contains("too deep"), "{error}");
}

#[test]
fn filters_have_a_number_at_which_they_end() {
    let filtered =
        |number: usize| Template::parse(&format!("{{key{}}}", "|hex".repeat(number)), &names());
    assert!(filtered(8).is_ok());
    let error = filtered(9).expect_err("too many");
    assert!(error.to_string().contains("eight filters"), "{error}");
}

proptest! {
    #[test]
    fn no_text_panics(text in "[{}()|'a-z\\-, é]{0,60}") {
        let _ = Template::parse(&text, &names());
    }

    #[test]
    fn text_without_braces_is_itself(text in "[^{}]*") {
        let template = Template::parse(&text, &names()).expect("text");
        let rendered = template.render(&mut Subject::Nothing, &Values::new()).expect("text");
        prop_assert_eq!(rendered.expose_str(), Some(text.as_str()));
    }
}

#[test]
fn the_names_of_parts_are_those_that_are_read() {
    for name in PARTS {
        for text in [format!("{{{name}}}"), format!("{{{name}(s)}}")] {
            let error = Template::parse(&text, &TemplateNames::default()).err();
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.contains("neither a part"), "{error}");
        }
        assert!(Template::is_part(name) && !Template::is_part(&name.to_uppercase()));
    }
    let source = include_str!("../parse.rs");
    let arms =
        source.lines().filter(|line| line.trim_start().starts_with('"') && line.contains("=>"));
    let before_filters = source.find("fn filter(").expect("it is there");
    let named = &source[..before_filters];
    for arm in arms.filter(|arm| named.contains(*arm)) {
        let name = arm.trim_start().split('"').nth(1).expect("quoted");
        assert!(PARTS.contains(&name), "{name} is a part and not among the names");
    }
}

#[test]
fn the_filters_that_an_error_lists_are_those_that_are_read() {
    let listed: Vec<_> = FILTERS.split('`').skip(1).step_by(2).collect();
    for name in &listed {
        let reads =
            |filter: String| Template::parse(&format!("{{key|{filter}}}"), &names()).is_ok();
        assert!(reads((*name).to_owned()) || reads(format!("{name}(x)")), "{name}");
    }
    let source = include_str!("../../filter.rs");
    let names = source.split("fn name(").nth(1).expect("it is there");
    for line in names.lines().take_while(|line| !line.starts_with("    }")) {
        if let Some(name) = line.split('"').nth(1) {
            assert!(listed.contains(&name), "{name} is a filter and not listed");
        }
    }
}
