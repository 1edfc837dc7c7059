//! Answers to Digest challenges: a challenge comes in, as a server sends it, and the next request carries the answer.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use networkpype::{
    Auth as _, AuthError, Recovery, Rejection, RestRequest, RestResponse,
    schemes::digest::{Digest, Entropy},
};
use serde_json::Value;

use crate::{compare, report::Outcome, text_of};

/// A count is reached by signing so often.
const MOST: u32 = 1 << 20;

/// What is compared besides `expected.response`, where the case says it.
const COMPARED: [&str; 8] =
    ["realm", "nonce", "opaque", "algorithm", "qop", "nc", "cnonce", "userhash"];

/// Replays a case if it is one of these.
pub(crate) async fn replay(case: &Value) -> Option<Outcome> {
    let challenges = challenges(&case["challenge"])?;
    for name in ["username", "password"] {
        if !case[name].is_string() {
            return Some(Outcome::Failed(format!("`{name}` is missing, or no text")));
        }
    }
    let (user, password) = (text_of(&case["username"]), text_of(&case["password"]));
    if case["verified"] == Value::Bool(false) {
        return Some(Outcome::Skipped("no other implementation reproduces it".to_owned()));
    }
    let count = match given(case, "nc").map(|count| u32::from_str_radix(count, 16)) {
        None => 1,
        Some(Ok(count)) if (1..=MOST).contains(&count) => count,
        Some(Ok(_)) => return Some(Outcome::Skipped(format!("`nc` is 0 or above {MOST}"))),
        Some(Err(error)) => return Some(Outcome::Failed(format!("`nc`: {error}"))),
    };
    let own = header(case, challenges, (user, password), count).await;
    Some(match own.and_then(|own| same(case, &own)) {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    })
}

/// One header line, or a list of them.
fn challenges(given: &Value) -> Option<Vec<&str>> {
    let lines: Vec<_> = match given {
        Value::String(line) => vec![line.as_str()],
        Value::Array(lines) => lines.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let is_one = lines.iter().any(|line| line.to_ascii_lowercase().contains("nonce="));
    is_one.then_some(lines)
}

/// A parameter of the answer that the case says.
fn given<'c>(case: &'c Value, name: &str) -> Option<&'c str> {
    case["params"][name].as_str().or_else(|| case[name].as_str())
}

struct Fixed(String);

impl Entropy for Fixed {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok([0; 16])
    }

    fn cnonce(&self) -> Result<String, AuthError> {
        Ok(self.0.clone())
    }
}

/// The `Authorization` of the request that uses the nonce for the `count`th time.
async fn header(
    case: &Value,
    challenges: Vec<&str>,
    (user, password): (&str, &str),
    count: u32,
) -> Result<String, String> {
    let text = |error: AuthError| error.to_string();
    let cnonce = given(case, "cnonce").unwrap_or_default().to_owned();
    let mut builder = Digest::builder(user, password).entropy(Fixed(cnonce));
    if given(case, "qop") == Some("auth-int") {
        builder = builder.prefer_integrity();
    }
    let auth = builder.build().map_err(text)?;

    let mut headers = HeaderMap::new();
    for challenge in challenges {
        let line = HeaderValue::from_str(challenge).map_err(|error| error.to_string())?;
        headers.append("www-authenticate", line);
    }
    let challenge = RestResponse::new(StatusCode::UNAUTHORIZED).with_headers(headers);
    let request = request(case)?;
    let unsigned = auth.rest_authenticate(request.clone()).await.map_err(text)?;
    let rejection = Rejection::new(&unsigned, &challenge);
    match auth.on_rejected(&rejection).await.map_err(text)? {
        Recovery::SignAgain => {}
        recovery => return Err(format!("the challenge is not answered: {recovery:?}")),
    }
    let mut signed = auth.rest_authenticate(request.clone()).await.map_err(text)?;
    for _ in 1..count {
        signed = auth.rest_authenticate(request.clone()).await.map_err(text)?;
    }
    let header = signed.headers().get("authorization").ok_or("there is no `Authorization`")?;
    Ok(String::from_utf8_lossy(header.as_bytes()).into_owned())
}

fn request(case: &Value) -> Result<RestRequest, String> {
    let method = case["method"].as_str().unwrap_or("GET");
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let url = case["url"].as_str().unwrap_or("https://api.example.com");
    let mut request = RestRequest::new(method.clone(), url);
    // Some clients change the URL's text before they send it; what was sent is signed.
    if let Some(uri) = given(case, "uri").filter(|uri| *uri != request.target()) {
        let is_text = case["url"].is_string();
        if is_text && uri != "*" && percent_decoded(uri) != percent_decoded(&request.target()) {
            return Err(format!("uri: it is {uri:?}, and no target of the URL {url:?}"));
        }
        let origin = request.origin().map(ToString::to_string).unwrap_or_default();
        request = RestRequest::new(method, format!("{origin}{uri}"));
    }
    match text_of(&case["body"]) {
        "" => Ok(request),
        body => Ok(request.body(body.to_owned())),
    }
}

/// What a text says however much of it is percent-encoded.
fn percent_decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

fn same(case: &Value, own: &str) -> Result<(), String> {
    let expected = &case["expected"];
    for whole in ["authorization", "header"] {
        if let Some(header) = expected[whole].as_str() {
            return if params(header) == params(own) {
                Ok(())
            } else {
                compare::same(whole, header, own)
            };
        }
    }
    compare::has(expected, &["response"])?;
    let own = params(own);
    let check = |name: &str, expected: &str| match own.get(name) {
        Some(own) => compare::same(name, expected, own),
        None => Err(format!("{name}: expected {expected:?}, got none")),
    };
    for name in ["username", "username*", "response"] {
        expected[name].as_str().map_or(Ok(()), |value| check(name, value))?;
    }
    for name in COMPARED {
        match (case["params"].get(name), own.get(name)) {
            (None, _) | (Some(Value::Null), None) => {}
            (Some(Value::Null), Some(_)) => {
                return Err(format!("{name}: it is sent and not expected"));
            }
            (Some(Value::String(value)), Some(own))
                if name == "algorithm" && value.eq_ignore_ascii_case(own) => {}
            // What is meant where the challenge names none, and so not sent back.
            (Some(Value::String(value)), None) if name == "algorithm" && value == "MD5" => {}
            (Some(Value::String(value)), _) => check(name, value)?,
            (Some(_), _) => return Err(format!("`params.{name}` is no text")),
        }
    }
    given(case, "uri").map_or(Ok(()), |uri| check("uri", uri))
}

/// The parameters of an answer, without quotes and escapes.
fn params(header: &str) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    let mut rest = header.trim_start_matches("Digest").chars().peekable();
    while rest.peek().is_some() {
        let name: String = rest.by_ref().take_while(|c| *c != '=').collect();
        let mut value = String::new();
        let is_quoted = rest.next_if_eq(&'"').is_some();
        while let Some(c) = rest.next() {
            match c {
                '"' if is_quoted => break,
                ',' if !is_quoted => break,
                '\\' if is_quoted => value.extend(rest.next()),
                c => value.push(c),
            }
        }
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        params.insert(name, value.trim().to_owned());
    }
    params
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn replayed(case: Value) -> String {
        match replay(&case).await {
            Some(Outcome::Passed) => "passed".to_owned(),
            Some(Outcome::Failed(why) | Outcome::Skipped(why) | Outcome::Refused(why)) => why,
            None => "not one of these".to_owned(),
        }
    }

    fn case(more: Value) -> Value {
        let mut case = json!({
            "challenge": ["Basic realm=\"r\"", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\""],
            "username": "u",
            "password": "p",
            "uri": "/",
            "params": { "nc": "0000000a", "cnonce": "c" },
            // Of the tenth request with this nonce, as hashlib makes it.
            "expected": { "response": "a5920bc803d6ef30540fbff390ca6f09" },
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            case[name] = value.clone();
        }
        case
    }

    fn params(more: &[(&str, Value)]) -> Value {
        let mut params = json!({ "nc": "0000000a", "cnonce": "c" });
        for (name, value) in more {
            params[*name] = value.clone();
        }
        json!({ "params": params })
    }

    #[tokio::test]
    async fn what_is_demanded_of_an_answer_in_the_manner_of_rfc_2069_is_missed() {
        let own = json!({
            "challenge": "Digest realm=\"r\", nonce=\"n\"",
            // As hashlib makes it.
            "expected": { "response": "f23121ca97143c6b358da620220c83b4" },
        });
        for (member, expected) in [
            (json!({}), "passed"),
            (json!({ "qop": null, "nc": null, "cnonce": null, "opaque": null }), "passed"),
            (json!({ "qop": "auth" }), "qop: expected \"auth\", got none"),
            (json!({ "nc": "00000001" }), "nc: expected"),
            (json!({ "cnonce": "c" }), "cnonce: expected"),
        ] {
            let mut own = own.clone();
            own["params"] = member.clone();
            let told = replayed(case(own)).await;
            assert!(told.contains(expected), "{member}: {told}");
        }
    }

    #[tokio::test]
    async fn a_count_is_reached_and_a_mistake_is_named() {
        for (more, expected) in [
            (json!({}), "passed"),
            (json!({ "username": null }), "`username` is missing"),
            (json!({ "expected": {} }), "`expected.response` is missing"),
            (json!({ "params": { "nc": "x" } }), "`nc`: "),
            (json!({ "params": { "nc": "ffffffff" } }), "`nc` is 0 or above"),
            (json!({ "params": { "cnonce": "c" } }), "response: expected"),
            (params(&[("algorithm", json!("MD5")), ("opaque", json!(null))]), "passed"),
            (params(&[("algorithm", json!(null))]), "passed"),
            (params(&[("opaque", json!("o"))]), "opaque: expected \"o\", got none"),
            (params(&[("userhash", json!("true"))]), "userhash: expected"),
            (params(&[("algorithm", json!("SHA-256"))]), "algorithm: expected"),
            (params(&[("qop", json!(null))]), "qop: it is sent and not expected"),
            (params(&[("nc", json!(null))]), "response: expected"),
            (params(&[("qop", json!(1))]), "`params.qop` is no text"),
            (json!({ "challenge": "Basic realm=\"r\"" }), "not one of these"),
            (json!({ "challenge": "Digest realm=r, nonce=n, qop=other" }), "it offers Digest"),
        ] {
            let told = replayed(case(more.clone())).await;
            assert!(told.contains(expected), "{more}: {told}");
        }
    }
}
