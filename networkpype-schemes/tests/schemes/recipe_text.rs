//! Recipes are data both ways.

use std::fs;

use networkpype_schemes::recipe::RecipeSpec;

fn presets() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../networkpype/presets");
    let files = fs::read_dir(folder).expect("the presets");
    let read = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).expect("text");
        (path.display().to_string(), text)
    };
    files.map(|file| read(file.expect("a file").path())).collect()
}

#[test]
fn every_preset_is_the_same_once_it_was_written_and_read_again() {
    let presets = presets();
    assert!(presets.len() >= 54, "{}", presets.len());
    for (file, text) in presets {
        let recipe = RecipeSpec::from_toml(&text).expect(&file);
        let written = recipe.to_toml().expect(&file);
        let again = RecipeSpec::from_toml(&written)
            .unwrap_or_else(|error| panic!("{file}: {error}\n{written}"));
        assert_eq!(recipe, again, "{file}");
        let json = serde_json::to_string(&recipe).expect(&file);
        assert_eq!(recipe, serde_json::from_str(&json).expect(&file), "{file} as JSON");
    }
}

#[test]
fn a_recipe_from_a_file_has_its_name_and_errors_name_the_file() {
    let path = std::env::temp_dir().join(format!("networkpype-{}-mine.toml", std::process::id()));
    fs::write(&path, "[request]\nheaders.A = 'b'").expect("written");
    let read = RecipeSpec::from_file(&path).expect("a recipe");
    assert!(read.name.is_some_and(|name| name.ends_with("-mine")));
    fs::write(&path, "[request]\nheader.A = 'b'").expect("written");
    let error = RecipeSpec::from_file(&path).expect_err("an unknown key");
    assert_eq!(error.key(), "request.header");
    assert!(
        error.to_string().starts_with(&format!("{}: line 2: `request.header`: ", path.display())),
        "{error}"
    );
    fs::remove_file(&path).expect("removed");
    assert!(RecipeSpec::from_file(&path).expect_err("missing").file().is_some());
}
