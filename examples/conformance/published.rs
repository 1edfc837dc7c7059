//! Signatures that vendors publish, each with a recipe in words such as `base64(HMAC-SHA256(base64decode(secret), payload))`.

use networkpype::{
    Secret,
    auth::{
        DigestEncoding, HmacAlgorithm, KeyEncoding, Keyring, Operation, SecretEncoding,
        SignatureAlgorithm, Subject, Template, TemplateNames, Values,
    },
};
use serde_json::Value;

use crate::{compare, report::Outcome, text_of};

pub(crate) async fn replay(case: &Value) -> Outcome {
    if let Err(problem) = compare::has(&case["expected"], &[]) {
        return Outcome::Failed(problem);
    }
    let Some(words) = case["recipe"].as_str() else {
        return Outcome::Skipped("it has no recipe, and its format is not known".to_owned());
    };
    if let Err(problem) = compare::has(&case["expected"], &["signature"]) {
        return Outcome::Failed(problem);
    }
    let expected = text_of(&case["expected"]["signature"]);
    match signature(case, words).and_then(|own| compare::same("signature", expected, &own)) {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    }
}

/// A recipe in words, taken apart.
struct Words<'w> {
    /// What stands before the signature.
    prefix: String,
    digest: DigestEncoding,
    algorithm: &'w str,
    key: &'w str,
    /// What is signed.
    payload: &'w str,
}

fn read(words: &str) -> Result<Words<'_>, String> {
    if !words.contains('(') {
        let (digest, prefix) = (DigestEncoding::Hex, String::new());
        return Ok(Words { prefix, digest, algorithm: words, key: "secret", payload: "payload" });
    }
    let words = words.split_once(" = ").map_or(words, |(_, words)| words);
    let (prefix, words) = match words.split_once(" + ") {
        Some((before, after)) if !before.contains('(') => (before.trim_matches('"'), after),
        _ => ("", words),
    };
    let (encoding, words) = call(words)?;
    let (algorithm, words) = call(words)?;
    let (key, payload) = words.split_once(", ").ok_or("no key and payload")?;
    let digest = encoding.parse().map_err(|_| format!("{encoding} is no encoding"))?;
    Ok(Words { prefix: prefix.to_owned(), digest, algorithm, key, payload })
}

/// `name(inside)`, with whatever follows dropped.
fn call(words: &str) -> Result<(&str, &str), String> {
    let (name, rest) = words.split_once('(').ok_or("a call in the recipe has no parenthesis")?;
    let end = rest.rfind(')').ok_or("a call in the recipe is not closed")?;
    Ok((name, &rest[..end]))
}

fn signature(case: &Value, words: &str) -> Result<String, String> {
    let words = read(words)?;
    let key = key(case, words.key)?;
    let (operation, keyring) = (operation(words.algorithm)?, Keyring::new().with("secret", key));
    let signer = operation.signer(&keyring).map_err(|error| error.to_string())?;
    let payload = payload(case, words.payload)?;
    let signature = signer.sign(&payload, words.digest).map_err(|error| error.to_string())?;
    Ok(format!("{}{signature}", words.prefix))
}

fn operation(name: &str) -> Result<Operation, String> {
    let credential = "secret".into();
    let name = name.to_ascii_lowercase();
    if let Ok(algorithm) = name.parse::<HmacAlgorithm>() {
        return Ok(Operation::Hmac { algorithm, credential });
    }
    let algorithm: SignatureAlgorithm = name.parse().map_err(|_| format!("{name} is not known"))?;
    Ok(Operation::PrivateKey { algorithm, credential, encoding: KeyEncoding::Pem })
}

fn key(case: &Value, words: &str) -> Result<Secret, String> {
    if let Some(hex) = case["secret_hex"].as_str() {
        return SecretEncoding::Hex.decode(&hex.into()).map_err(|error| error.to_string());
    }
    let secret = text_of(&case["secret"]);
    if !words.starts_with("base64decode") {
        return Ok(secret.into());
    }
    // Some keys say what they are before an underscore, which base64 has not.
    let text = secret.rsplit('_').next().unwrap_or_default();
    SecretEncoding::Base64.decode(&text.into()).map_err(|error| error.to_string())
}

fn payload(case: &Value, words: &str) -> Result<Vec<u8>, String> {
    if let Some(hex) = case["payload_hex"].as_str() {
        let bytes = SecretEncoding::Hex.decode(&hex.into()).map_err(|error| error.to_string())?;
        return Ok(bytes.expose_bytes().to_vec());
    }
    let Value::Object(parts) = &case["payload_to_sign"] else {
        return Ok(text_of(&case["payload_to_sign"]).as_bytes().to_vec());
    };
    let mut names = TemplateNames::default();
    for (name, value) in parts {
        names.constants.push((name.clone().into(), text_of(value).to_owned().into()));
    }
    let template =
        Template::parse(&template_of(words), &names).map_err(|error| error.to_string())?;
    let text = template
        .render(&mut Subject::Nothing, &Values::new())
        .map_err(|error| error.to_string())?;
    Ok(text.expose_bytes().to_vec())
}

/// `path + SHA256(nonce + body)` as a template.
fn template_of(words: &str) -> String {
    match words.split_once('(') {
        None => words.split(" + ").map(|name| format!("{{{}}}", name.trim())).collect(),
        Some((before, rest)) => {
            let (before, hash) = before.rsplit_once(" + ").unwrap_or(("", before));
            let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
            let outside = if before.is_empty() { String::new() } else { template_of(before) };
            let after = after.trim_start_matches(" + ");
            let after = if after.is_empty() { String::new() } else { template_of(after) };
            format!("{outside}{{({})|{}}}{after}", template_of(inside), hash.to_ascii_lowercase())
        }
    }
}
