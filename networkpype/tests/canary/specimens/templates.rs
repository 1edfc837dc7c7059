//! What templates and signatures as data are made of.

use std::sync::Arc;

use networkpype_auth::{
    Carrier, CarryTo, DigestEncoding, Endpoint, Entry, Filter, HmacAlgorithm, Keyring, ListStyle,
    ObjectStyle, Operation, ParamsView, Part, Section, Signer, Sort, Template, TemplateError,
    TemplateNames,
};
use networkpype_core::{Difference, Encoding, Explanation, ExplanationBuilder, Kept, Secret};

use crate::{canary::CANARY, specimen::Specimen, specimen::specimens};

pub(crate) fn specimens() -> Vec<Specimen> {
    specimens! {
        debug networkpype_auth::Carrier => [Carrier::Form];
        debug networkpype_auth::CarryTo => [CarryTo::new([Carrier::Query])];
        debug networkpype_auth::Endpoint => [Endpoint::new("orders")];
        debug networkpype_auth::Entry => [entry()];
        debug networkpype_auth::Filter => filters();
        debug networkpype_auth::Keyring => [keyring()];
        debug networkpype_auth::ListStyle => [ListStyle::Comma];
        debug networkpype_auth::ObjectStyle => [ObjectStyle::Json];
        debug networkpype_auth::Operation => operations();
        debug networkpype_auth::ParamsView => [params()];
        debug networkpype_auth::Section => [Section::new("v3")];
        debug networkpype_auth::Signer => signers();
        debug networkpype_auth::Sort => [Sort::Own];
        error networkpype_auth::TemplateError => template_errors();
        debug networkpype_auth::TemplateNames => [names()];
        display networkpype_core::Difference => differences();
        display networkpype_core::Explanation => [explained().build(&[Secret::new(CANARY)])];
        debug networkpype_core::ExplanationBuilder => [explained()];
        debug networkpype_core::Kept => [Kept::new("[]")];
    }
}

fn entry() -> Entry {
    Entry::text("sub", Part::literal(CANARY)).when(Part::literal(CANARY))
}

fn filters() -> Vec<Filter> {
    let hmac = Filter::Hmac { algorithm: HmacAlgorithm::Sha256, credential: "secret".into() };
    vec![
        hmac,
        Filter::Prefix(CANARY.into()),
        Filter::Suffix(CANARY.into()),
        Filter::Strip(CANARY.into()),
        Filter::Or(CANARY.into()),
        Filter::Percent(Encoding::Rfc3986),
        Filter::Encode(DigestEncoding::Hex),
    ]
}

fn keyring() -> Keyring {
    let mut keyring = Keyring::new().with("key", CANARY).with("secret", CANARY);
    keyring.prepare(HmacAlgorithm::Sha256, "secret").expect("a secret");
    keyring
}

fn operations() -> Vec<Operation> {
    let token = CANARY.to_owned();
    vec![
        Operation::Hmac { algorithm: HmacAlgorithm::Sha512, credential: "secret".into() },
        Operation::Custom(Arc::new(move |_, _| Ok(token.clone().into_bytes()))),
    ]
}

fn signers() -> Vec<Signer> {
    let ready = |operation: Operation| operation.signer(&keyring()).expect("a signer");
    operations().into_iter().map(ready).collect()
}

fn params() -> ParamsView {
    let mut view = ParamsView::default();
    view.with = vec![("key".into(), Template::from(Part::literal(CANARY)))];
    view
}

fn names() -> TemplateNames {
    let mut names = TemplateNames::default();
    names.credentials = vec!["key".into()];
    names.constants = vec![("token".into(), CANARY.into())];
    names.params = params();
    names
}

/// A template that is wrong behind what is written into it.
fn template_errors() -> Vec<TemplateError> {
    ["{nothing}", "{key|nothing}", "{key", "{'"]
        .map(|mistake| {
            let text = format!("{{token}}{CANARY}{mistake}");
            Template::parse(&text, &names()).expect_err("no template")
        })
        .into()
}

fn explained() -> ExplanationBuilder {
    Explanation::builder("example", "hmac-sha256, hex")
        .part("timestamp", "1700000000", false)
        .part("secret", CANARY, true)
        .part("query", format!("key={CANARY}"), false)
        .placed("header X-SIGN", "signature")
}

fn differences() -> Vec<Difference> {
    let explanation = explained().build(&[Secret::new(CANARY)]);
    let expected = ["", "1700000000", CANARY, "1700000000x", &format!("1700000000{CANARY}key=x")];
    expected.iter().filter_map(|text| explanation.first_difference(text)).collect()
}
