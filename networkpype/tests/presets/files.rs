//! Every file is a preset, every preset can be used, and every fact in it names the page that says so.

use std::{collections::BTreeSet, fs, path::PathBuf};

use networkpype::Preset;

use crate::setup::{credentials, ways};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("presets")
}

#[test]
fn every_file_is_a_preset_and_every_preset_is_a_file() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("the presets")
        .map(|file| file.expect("a file").path())
        .map(|path| {
            assert_eq!(path.extension().and_then(|end| end.to_str()), Some("toml"), "{path:?}");
            path.file_stem().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    let names: Vec<_> = Preset::names().collect();
    assert_eq!(names, files.iter().map(String::as_str).collect::<Vec<_>>(), "listed and sorted");
    assert!(Preset::named("nobody").is_none());
}

#[test]
fn every_preset_is_built_in_each_way_that_it_knows() {
    let ways = ways();
    assert!(ways.len() > Preset::names().count() + 5, "{}", ways.len());
    for (preset, variant) in ways {
        let mut builder = preset.auth().credentials(credentials(&preset, variant.as_deref()));
        if let Some(variant) = &variant {
            builder = builder.variant(variant);
        }
        let name = preset.name().to_owned();
        let auth = builder.build().unwrap_or_else(|error| panic!("{variant:?}: {error}"));
        assert_eq!(auth.name(), name);
        let docs = preset.recipe().docs.as_deref().unwrap_or_default();
        assert!(docs.starts_with("https://"), "{name} does not say which page it follows");
    }
}

#[test]
fn a_preset_without_credentials_is_refused_and_says_which() {
    for (preset, variant) in ways().into_iter().filter(|(_, variant)| variant.is_none()) {
        let builder = preset.auth().credentials(networkpype::schemes::recipe::Credentials::new());
        let error = builder.build().expect_err("no credentials").to_string();
        assert!(error.starts_with(&format!("{}: `credentials`: ", preset.name())), "{error}");
        assert!(error.contains("was not given"), "{variant:?}: {error}");
    }
}

/// What is wrong with the facts in the text of a preset.
fn unsourced(text: &str) -> Vec<String> {
    let file: toml::Table = text.parse().expect("TOML");
    let service = file.get("service").and_then(toml::Value::as_table);
    let of_service = |name: &str| service.and_then(|service| service.get(name));
    let facts = [
        ("service.limits", of_service("limits")),
        ("service.time", of_service("time")),
        ("resync", file.get("resync")),
    ];
    let mut problems = Vec::new();
    for (name, fact) in facts {
        let Some(fact) = fact else { continue };
        let text = |key: &str| fact.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        if !text("source").starts_with("https://") {
            problems.push(format!("{name}.source"));
        }
        let day: Vec<_> = text("checked").split('-').map(str::len).collect();
        let is_day = day == [4, 2, 2]
            && text("checked").bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if !is_day {
            problems.push(format!("{name}.checked"));
        }
    }
    // Codes of a login say the same as codes of a response, and stand under the same page.
    let login = file.get("websocket").and_then(|websocket| websocket.get("login"));
    let has_codes = login.is_some_and(|login| login.get("resync-codes").is_some());
    if has_codes && !file.contains_key("resync") {
        problems.push("websocket.login.resync-codes".to_owned());
    }
    problems
}

#[test]
fn every_fact_beside_the_signatures_names_its_page_and_the_day() {
    for name in Preset::names() {
        let text = fs::read_to_string(folder().join(format!("{name}.toml"))).expect("a preset");
        assert_eq!(unsourced(&text), Vec::<String>::new(), "{name}");
    }
}

/// The test above can fail.
#[test]
fn a_fact_without_its_page_or_day_is_found() {
    for (text, problems) in [
        ("[resync]\ncodes = ['1']", vec!["resync.source", "resync.checked"]),
        (
            "[resync]\ncodes = ['1']\nsource = 'https://a'\nchecked = 'today'",
            vec!["resync.checked"],
        ),
        ("[service.time]\npath = '/t'\nchecked = '2026-11-28'", vec!["service.time.source"]),
        ("[service.limits]\nsource = 'https://a'", vec!["service.limits.checked"]),
        ("[websocket.login]\nresync-codes = ['1']", vec!["websocket.login.resync-codes"]),
        ("[service]\nbase-url = 'https://a'", vec![]),
    ] {
        assert_eq!(unsourced(text), problems, "{text}");
    }
}
