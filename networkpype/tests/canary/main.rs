//! Secrets do not print: not by any public type, and not by a call whose scheme declares nothing.

#![cfg(feature = "full")]
#![allow(clippy::expect_used, clippy::panic, reason = "a failed expectation is the test's answer")]

use std::collections::BTreeMap;

use crate::{canary::shows_canary, declarations::Prints, specimen::Specimen};

mod calls;
mod canary;
mod declarations;
mod sources;
mod specimen;
mod specimens;
mod transcript;

/// The paths of the specimens that show what they hold, with what they print.
fn leaks(specimens: &[Specimen]) -> Vec<String> {
    specimens
        .iter()
        .flat_map(|specimen| specimen.texts.iter().map(move |text| (&specimen.path, text)))
        .filter(|(_, text)| shows_canary(text))
        .map(|(path, text)| format!("{path}: {text}"))
        .collect()
}

#[tokio::test]
async fn no_public_type_prints_a_secret() {
    let leaks = leaks(&specimens::all().await);
    assert!(leaks.is_empty(), "these print what they hold:\n{}", leaks.join("\n"));
}

#[tokio::test]
async fn every_public_type_that_prints_has_a_specimen() {
    let mut missing = sources::public_types();
    for specimen in specimens::all().await {
        let Specimen { path, prints, .. } = specimen;
        match missing.remove(&path) {
            Some(found) if found == prints => {}
            Some(found) => panic!("{path} implements {found:?}: have its specimen print by that"),
            None => panic!(
                "there is a specimen of {path} too many: no published crate has such a type, or it has two specimens"
            ),
        }
    }
    assert!(
        missing.is_empty(),
        "no specimen of {missing:#?}: add one in networkpype/tests/canary/specimens, filled with `CANARY` wherever the \
         type can hold a value, a body, a key or a text from outside; names that are shown on purpose (of headers, \
         parameters, limits), hosts and paths are no secrets"
    );
}

#[test]
fn every_published_crate_is_searched() {
    assert_eq!(sources::published_crates(), sources::CRATES);
}

#[test]
fn a_type_is_found_however_it_prints() {
    let source = r#"
        use std::{error::Error as StdError, fmt::{self, Debug as Show}};
        #[derive(Clone, Debug)] pub struct Derived;
        #[cfg_attr(feature = "x", derive(Debug))] pub enum Conditional {}
        pub struct Written<'a, T>(&'a T);
        impl<T> fmt::Debug for Written<'_, T> {}
        pub struct Renamed;
        impl Show for Renamed {}
        #[derive(Debug)] pub struct Failure;
        impl fmt::Display for Failure {}
        impl StdError for Failure {}
        pub struct Silent;
        #[derive(Debug)] pub(crate) struct Internal;
        #[derive(Debug)] struct Private;
        #[cfg(test)] #[derive(Debug)] pub struct ForTests;
        #[cfg(test)] mod tests { #[derive(Debug)] pub struct InTests; }
        mod inner { #[derive(Debug)] pub struct Exported; }
        pub mod open { mod inner { pub struct Shown; impl super::Display for Shown {} } }
    "#;
    let expected = [
        ("c::Conditional", Prints::Debug),
        ("c::Derived", Prints::Debug),
        ("c::Exported", Prints::Debug),
        ("c::Failure", Prints::Error),
        ("c::Renamed", Prints::Debug),
        ("c::Written", Prints::Debug),
        ("c::open::Shown", Prints::Display),
    ];
    let expected: BTreeMap<_, _> =
        expected.map(|(path, prints)| (path.to_owned(), prints)).into_iter().collect();
    assert_eq!(sources::read_text(source, "c"), expected);
}

#[test]
#[should_panic(expected = "declares types, which this list cannot see")]
fn a_macro_that_declares_types_is_refused() {
    sources::read_text("macro_rules! make { ($name:ident) => { pub struct $name; }; }", "c");
}

/// The test itself can fail: what a derived `Debug` shows is found.
#[test]
fn a_type_that_leaks_is_found() {
    #[derive(Debug)]
    #[allow(dead_code, reason = "only printed")]
    struct Leaky(Vec<u8>);
    let specimens = specimen::specimens! {
        debug Leaky => [Leaky(b"harmless".to_vec()), Leaky(canary::CANARY.as_bytes().to_vec())];
        debug networkpype_core::Secret => [networkpype_core::Secret::new(canary::CANARY)];
    };
    let leaks = leaks(&specimens);
    assert_eq!(leaks.len(), 1, "{leaks:?}");
    assert!(leaks[0].starts_with("Leaky: Leaky([99, 52,"), "{leaks:?}");
}
