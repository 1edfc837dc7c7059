//! Templates of any text: what is one renders the same twice, or says what it lacks.

#![no_main]

use networkpype_auth::{Keyring, Subject, Template, TemplateNames, Values};
use networkpype_core::{RestRequest, Timestamp};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut names = TemplateNames::default();
    names.credentials = vec!["key".into(), "secret".into()];
    names.constants = vec![("window".into(), "5000".into())];
    let template = match Template::parse(text, &names) {
        Ok(template) => template,
        Err(error) => {
            assert!(error.at() <= text.len(), "{error}");
            assert!(text.is_char_boundary(error.at()), "{error}");
            return;
        }
    };
    let keyring = Keyring::new().with("key", "K").with("secret", "S");
    let values = Values::new()
        .keyring(&keyring)
        .timestamp("1700000000")
        .nonce("7")
        .now(Timestamp::from_secs(1_700_000_000))
        .uuid("11111111-2222-4333-8444-555555555555")
        .random(&[0xa5; 16])
        .signature("5ig");
    let request = || {
        RestRequest::post("https://h.example/a/b?x=1")
            .param("y", "z z")
            .header("x-time", "1")
            .json_text(r#"{"b":[1,"x"],"a":{"c":null}}"#)
    };
    let render = || {
        let rendered = template.render(&mut Subject::Request(&mut request()), &values);
        rendered.map(|text| text.expose_bytes().to_vec()).ok()
    };
    let rendered = render();
    assert_eq!(rendered, render());
    if let Some(rendered) = rendered {
        if template.check_text().is_ok() {
            assert!(std::str::from_utf8(&rendered).is_ok(), "it was to be text");
        }
        if template.check_header().is_ok() && keyring_is_all(text) {
            assert!(rendered.iter().all(|byte| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f));
        }
    }
    let _ = template.render(&mut Subject::Nothing, &values);
});

/// Whether nothing of the request can bring a control character along, as a member of its body or an argument decoded.
fn keyring_is_all(text: &str) -> bool {
    !text.contains("strip") && !text.contains("plain")
}
