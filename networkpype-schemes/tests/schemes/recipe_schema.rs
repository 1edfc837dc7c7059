//! The schema that editors read is the one of the code.

use networkpype_schemes::recipe::RecipeSpec;

#[test]
fn the_schema_in_the_documents_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/recipe.schema.json");
    let schema = serde_json::to_string_pretty(&RecipeSpec::json_schema()).expect("JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &schema).expect("the folder of documents");
    }
    let committed = std::fs::read_to_string(path).expect("docs/recipe.schema.json");
    assert!(
        committed == schema,
        "docs/recipe.schema.json is not the schema of the code: run this test with UPDATE_SCHEMA=1"
    );
}
