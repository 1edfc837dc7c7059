//! Credentials that recipes transform, and explanations do not show.

use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE};
use networkpype::{
    Explanation, RestRequest,
    auth::{Subject, Template, TemplateNames, Values},
    schemes::recipe::{Credentials, RecipeAuth, RecipeSpec},
};

use super::clock;

/// Awkward on purpose: every encoding changes it.
const CANARIES: [&str; 2] = ["PassCanary/plus+eq=", "Pass\"Canary\\\u{e4}/x="];

/// The request section of a recipe that signs a credential in some shape.
const RECIPES: &[&str] = &[
    r#"payload = "{body}"
       before = [{ name = "p", value = "{passphrase}", in = "json" }]"#,
    r#"payload = "{body|lower}"
       before = [{ name = "p", value = "{passphrase}", in = "json" }]"#,
    r#"payload = "{body|base64}"
       before = [{ name = "p", value = "{passphrase}", in = "json" }]"#,
    r#"payload = "{body|base64}"
       before = [{ name = "p", value = "{passphrase|base64}", in = "json" }]"#,
    r#"payload = "{json|hex}"
       before = [{ name = "p", value = "{passphrase}", in = "json" }]"#,
    r#"payload = "{json|base64|hex}"
       before = [{ name = "p", value = "{passphrase}", in = "json" }]"#,
    r#"payload = "{query}"
       before = [["p", "{passphrase|upper}"]]"#,
    r#"payload = "{query}"
       before = [["p", "{passphrase|lower}"]]"#,
    r#"payload = "{query}"
       before = [["p", "{passphrase|hex}"]]"#,
    r#"payload = "{query}"
       before = [["p", "{passphrase|hex-upper}"]]"#,
    r#"payload = "{query}"
       before = [["p", "{passphrase|base58}"]]"#,
    r#"payload = "{query}"
       before = [["p", "{passphrase|md5|hex}"]]"#,
    r#"payload = "{query|base64}"
       before = [["p", "{passphrase}"]]"#,
    r#"payload = "{target|base64url}"
       before = [["p", "{passphrase}"]]"#,
    r#"payload = "{query|percent}"
       before = [["p", "{passphrase}"]]"#,
    r#"payload = "{query|upper}"
       before = [["p", "{passphrase}"]]"#,
    r#"payload = "{passphrase|upper}{({key}:{passphrase})|base64}""#,
    r#"payload = "{method}{({passphrase}{method})|base64|lower}""#,
];

async fn explained(request: &str, passphrase: &str) -> Explanation {
    let recipe = format!(
        "credentials = [\"key\", \"secret\", \"passphrase\"]\n[request]\n{request}\nheaders = {{ S = \"{{signature}}\" }}"
    );
    let spec = RecipeSpec::from_toml(&recipe).unwrap_or_else(|error| panic!("{request}: {error}"));
    let credentials = Credentials::new()
        .with("key", "my-api-key")
        .with("secret", "my-api-secret")
        .with("passphrase", passphrase);
    let auth = RecipeAuth::builder(spec).credentials(credentials).clock(clock()).build();
    let auth = auth.unwrap_or_else(|error| panic!("{request}: {error}"));
    let order = match request.contains("json") {
        true => RestRequest::post("https://h.example/o").json_object([("a", "1")]),
        false => RestRequest::get("https://h.example/o").param("a", 1),
    };
    auth.explain_request(order).await.unwrap_or_else(|error| panic!("{request}: {error}"))
}

/// What the credential looks like in whichever shape it may be printed.
fn shapes(canary: &str) -> Vec<String> {
    let mut names = TemplateNames::default();
    names.constants.push(("canary".into(), canary.to_owned().into()));
    let filtered = |filters: &[&str]| {
        let template = format!("{{canary|{}}}", filters.join("|"));
        let template = Template::parse(&template, &names).expect("a template");
        let text = template.render(&mut Subject::Nothing, &Values::new()).expect("renders");
        text.expose_str().expect("text").to_owned()
    };
    let mut shapes: Vec<String> = [
        &["lower"][..],
        &["upper"],
        &["hex"],
        &["hex-upper"],
        &["base58"],
        &["md5", "hex"],
        &["percent"],
        &["percent", "percent"],
        &["percent", "lower"],
        &["percent", "upper"],
    ]
    .map(filtered)
    .to_vec();
    let json = serde_json::to_string(canary).expect("JSON").trim_matches('"').to_owned();
    shapes.extend([canary.to_lowercase(), canary.to_uppercase(), json, canary.to_owned()]);
    shapes
}

/// Whether `text` shows one of `shapes`, also inside of base64 or hexadecimal.
fn shows(text: &str, shapes: &[String], depth: usize) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "+/-_".contains(letter);
    shapes.iter().any(|shape| text.contains(shape.as_str()))
        || depth > 0
            && text.split(|letter| !is_word(letter)).filter(|word| word.len() > 7).any(|word| {
                let padded = format!("{word}{}", "=".repeat((4 - word.len() % 4) % 4));
                let bytes = word
                    .as_bytes()
                    .chunks(2)
                    .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
                [STANDARD.decode(&padded).ok(), URL_SAFE.decode(&padded).ok(), bytes.collect()]
                    .into_iter()
                    .flatten()
                    .any(|inside| shows(&String::from_utf8_lossy(&inside), shapes, depth - 1))
            })
}

#[tokio::test]
async fn a_credential_that_a_recipe_transforms_is_not_shown() {
    for canary in CANARIES {
        let shapes = shapes(canary);
        for request in RECIPES {
            let explanation = explained(request, canary).await;
            let mut texts = vec![
                format!("{explanation}"),
                format!("{explanation:?}"),
                explanation.signed_text(),
                explanation.sources().map(|(_, source)| source.to_owned()).collect(),
            ];
            for expected in ["", "x", "a=1", "p=", "{\"p\":\"", "GET"] {
                texts.extend(explanation.first_difference(expected).map(|found| found.to_string()));
            }
            for text in texts {
                assert!(!shows(&text, &shapes, 3), "{request}\n{text}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_hashed_or_encoded_is_shown_where_it_is_no_secret() {
    let explanation = explained(r#"payload = "{method}{query|sha256|hex}""#, "my-passphrase").await;
    let sources: Vec<_> = explanation.sources().collect();
    assert_eq!(sources, [("query|sha256|hex", "a=1")]);
    assert!(explanation.to_string().contains("made from \"a=1\""), "{explanation}");

    let in_body = "payload = \"{body|base64}\"\nbefore = [{ name = \"p\", value = \"{passphrase}\", in = \"json\" }]";
    let explanation = explained(in_body, "my-passphrase").await;
    assert_eq!(explanation.signed_text(), r#"<base64 of {"p":"[redacted]","a":"1"}>"#);
}
