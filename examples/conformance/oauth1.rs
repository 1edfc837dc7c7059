//! OAuth 1.0a: the base string, the signature, and where both are sent.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use networkpype::{
    Auth as _, Encoding, Explanation, ManualClock, Method, RestRequest, Timestamp,
    schemes::oauth1::{
        ClientCredentials, HashAlgorithm, KeyEncoding, OAuth1, OAuth1Builder, ParameterPlacement,
        TokenCredentials,
    },
};
use serde_json::Value;

use crate::{compare, report::Outcome, text_of};

/// Parameters by name, decoded.
type Parameters = BTreeMap<String, String>;

const FORM: &str = "application/x-www-form-urlencoded";

/// Replays a case if it is one of these.
pub(crate) async fn replay(case: &Value) -> Option<Outcome> {
    let parameters = parameters(case)?;
    if case["verified"] == Value::Bool(false) {
        return Some(Outcome::Skipped("no other implementation reproduces it".to_owned()));
    }
    let schemes = client(case, &parameters).and_then(|client| match client {
        None => Ok(None),
        Some(client) => {
            let for_base = base_client(&parameters).unwrap_or_else(|| client.clone());
            let of = |client| scheme(case, &parameters, client);
            Ok(Some((of(client)?, of(for_base)?)))
        }
    });
    let schemes = match schemes {
        Ok(Some(schemes)) => schemes,
        Ok(None) => {
            let method = &parameters["oauth_signature_method"];
            return Some(Outcome::Skipped(format!("the library has no {method}")));
        }
        Err(problem) => return Some(Outcome::Failed(problem)),
    };
    let unsigned = match request(case, placement(case)) {
        Ok(request) => request,
        Err(problem) => return Some(Outcome::Failed(problem)),
    };
    if let Some(problem) = unsigned.problem() {
        return Some(Outcome::Refused(problem.to_string()));
    }
    Some(match check(case, schemes, unsigned).await {
        Ok(()) => Outcome::Passed,
        Err(difference) => Outcome::Failed(difference),
    })
}

/// The protocol parameters of a case: as a member of their own, or one by one. What is null is absent.
fn parameters(case: &Value) -> Option<Parameters> {
    if let Some(own) = case["oauth_params"].as_object() {
        let own = own.iter().filter(|(_, value)| !value.is_null());
        return Some(own.map(|(name, value)| (name.clone(), plain(value))).collect());
    }
    case["signature_method"].as_str()?;
    case.get("consumer_key").or(case.get("client_key"))?;
    let mut own = Parameters::from([("oauth_version".to_owned(), "1.0".to_owned())]);
    for (member, name) in [
        ("consumer_key", "oauth_consumer_key"),
        ("client_key", "oauth_consumer_key"),
        ("token", "oauth_token"),
        ("signature_method", "oauth_signature_method"),
        ("timestamp", "oauth_timestamp"),
        ("nonce", "oauth_nonce"),
        ("callback", "oauth_callback"),
        ("verifier", "oauth_verifier"),
        ("version", "oauth_version"),
    ] {
        match case.get(member) {
            Some(Value::Null) if member == "version" => drop(own.remove(name)),
            None | Some(Value::Null) => {}
            Some(value) => drop(own.insert(name.to_owned(), plain(value))),
        }
    }
    // What generates such cases sends no token that is empty.
    own.retain(|name, value| name != "oauth_token" || !value.is_empty());
    Some(own)
}

/// A text, or a number as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The client, `None` where the library has no such signature method.
fn client(case: &Value, parameters: &Parameters) -> Result<Option<ClientCredentials>, String> {
    let required = |name: &str| {
        parameters.get(name).map(String::as_str).ok_or_else(|| format!("`{name}` is missing"))
    };
    let text = |error: networkpype::AuthError| error.to_string();
    let key = required("oauth_consumer_key")?;
    let secret = text_of(&case["consumer_secret"]);
    let pem = || {
        let names = ["rsa_private_key_pem", "private_key_pem", "rsa_key"];
        names.iter().find_map(|name| case[*name].as_str()).ok_or("the case has no private key")
    };
    let client = match required("oauth_signature_method")? {
        "HMAC-SHA1" => ClientCredentials::hmac_sha1(key, secret),
        "HMAC-SHA256" => ClientCredentials::hmac_sha256(key, secret),
        "HMAC-SHA512" => ClientCredentials::hmac_sha512(key, secret),
        "RSA-SHA1" => ClientCredentials::rsa_sha1(key, pem()?, KeyEncoding::Pem).map_err(text)?,
        "RSA-SHA256" => {
            ClientCredentials::rsa_sha256(key, pem()?, KeyEncoding::Pem).map_err(text)?
        }
        "RSA-SHA512" => {
            ClientCredentials::rsa_sha512(key, pem()?, KeyEncoding::Pem).map_err(text)?
        }
        "PLAINTEXT" => ClientCredentials::plaintext(key, secret),
        _ => return Ok(None),
    };
    Ok(Some(client))
}

/// PLAINTEXT signs no base string (RFC 5849, section 3.4.4). A case may have one all the same: what a signature of the
/// request would be of.
fn base_client(parameters: &Parameters) -> Option<ClientCredentials> {
    let method = parameters.get("oauth_signature_method").filter(|it| *it == "PLAINTEXT")?;
    let key = parameters.get("oauth_consumer_key")?.clone();
    Some(ClientCredentials::signed_by(key, method.clone(), |_| Ok(Vec::new())))
}

fn scheme(
    case: &Value,
    parameters: &Parameters,
    client: ClientCredentials,
) -> Result<OAuth1, String> {
    let get = |name: &str| parameters.get(name).map(String::as_str);
    let seconds = get("oauth_timestamp").unwrap_or("0");
    let seconds = seconds.parse().map_err(|_| "`oauth_timestamp` is no number".to_owned())?;
    let nonce = get("oauth_nonce").unwrap_or_default().to_owned();
    let mut builder = OAuth1::builder(client)
        .clock(ManualClock::new(Timestamp::from_secs(seconds)))
        .nonces(move || Ok(nonce.clone()))
        .placement(placement(case));
    if let Some(token) = get("oauth_token") {
        builder = builder.token(TokenCredentials::new(token, text_of(&case["token_secret"])));
    }
    if get("oauth_version").is_none() {
        builder = builder.without_version();
    }
    if let (Some(realm), ParameterPlacement::Header) = (case["realm"].as_str(), placement(case)) {
        builder = builder.realm(realm);
    }
    builder = with_body_hash(case, get("oauth_body_hash"), builder);
    for (name, value) in parameters {
        let is_further = !matches!(
            name.as_str(),
            "oauth_consumer_key"
                | "oauth_token"
                | "oauth_signature_method"
                | "oauth_signature"
                | "oauth_timestamp"
                | "oauth_nonce"
                | "oauth_version"
                | "oauth_body_hash"
                | "realm"
        );
        if is_further {
            builder = builder.parameter(name.clone(), value.clone());
        }
    }
    builder.build().map_err(|error| error.to_string())
}

/// A case says whether the body is hashed by what it expects, and with which hash by how long that is.
fn with_body_hash(case: &Value, given: Option<&str>, builder: OAuth1Builder) -> OAuth1Builder {
    let expected = &case["expected"];
    let in_header = expected["authorization"]
        .as_str()
        .and_then(|header| of_header(header).remove("oauth_body_hash"));
    let in_base = text_of(&expected["base_string"]).split("oauth_body_hash%3D").nth(1);
    let in_base = in_base.map(|rest| {
        let value = rest.split("%26").next().unwrap_or_default();
        decoded(&decoded(value))
    });
    let Some(hash) = given.map(str::to_owned).or(in_header).or(in_base) else { return builder };
    match STANDARD.decode(hash).map(|bytes| bytes.len()) {
        Ok(20) => builder.body_hash_with(HashAlgorithm::Sha1),
        Ok(32) => builder.body_hash_with(HashAlgorithm::Sha256),
        Ok(64) => builder.body_hash_with(HashAlgorithm::Sha512),
        _ => builder.body_hash(),
    }
}

fn placement(case: &Value) -> ParameterPlacement {
    let named = text_of(&case["placement"]).to_ascii_lowercase();
    if named.contains("query") || named.contains("uri") {
        ParameterPlacement::Query
    } else if named.contains("body") || named.contains("form") {
        ParameterPlacement::Body
    } else {
        ParameterPlacement::Header
    }
}

fn request(case: &Value, placement: ParameterPlacement) -> Result<RestRequest, String> {
    let method = Method::from_bytes(text_of(&case["method"]).to_ascii_uppercase().as_bytes())
        .map_err(|_| "`method` is no method".to_owned())?;
    let url = case["url"].as_str().or(case["uri"].as_str()).ok_or("`url` is missing")?;
    let request = RestRequest::new(method, url);
    let Some(body) = case["body"].as_str() else { return Ok(request) };
    // A case that does not say what its body is has a form.
    let kind = case.get("content_type").map_or(Some(FORM), Value::as_str);
    let is_form = kind.is_some_and(|kind| kind.starts_with(FORM));
    let request = if is_form && placement == ParameterPlacement::Body {
        body.split('&').filter(|pair| !pair.is_empty()).fold(request, |request, pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request.form_param_as(Encoding::AsIs, name, value)
        })
    } else {
        request.body(body.to_owned())
    };
    Ok(match kind {
        Some(kind) => request.header("content-type", kind),
        None => request,
    })
}

/// `for_base` says what the base string of a request is that `scheme` has signed.
async fn check(
    case: &Value,
    (scheme, for_base): (OAuth1, OAuth1),
    unsigned: RestRequest,
) -> Result<(), String> {
    let expected = &case["expected"];
    let fields = ["signature", "base_string", "authorization", "signed_url", "signed_body"];
    if fields.iter().all(|name| !expected[*name].is_string()) {
        return Err("`expected` is missing, or has nothing to compare".to_owned());
    }
    let mut signed = scheme.rest_authenticate(unsigned.clone()).await.map_err(|error| {
        std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ")
    })?;
    if let Some(base) = expected["base_string"].as_str() {
        let explanation = for_base.explain(&unsigned, &signed).ok_or("there is no explanation")?;
        same_base(base, &explanation)?;
    }
    let target = signed.target();
    let body = signed.body_bytes().map_err(|error| error.to_string())?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let header = signed.headers().get("authorization");
    let header = header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if let Some(signature) = expected["signature"].as_str() {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let own = match (placement(case), &header) {
            (ParameterPlacement::Header, Some(header)) => {
                of_header(header).remove("oauth_signature")
            }
            (ParameterPlacement::Query, _) => value_of(query, "oauth_signature"),
            _ => value_of(&body, "oauth_signature"),
        };
        compare::same("signature", signature, &own.unwrap_or_default())?;
    }
    if let Some(expected) = expected["authorization"].as_str() {
        let own = of_header(&header.ok_or("header authorization: expected one, got none")?);
        compare::same("authorization", &shown(&of_header(expected)), &shown(&own))?;
    }
    if let Some(expected) = expected["signed_url"].as_str() {
        // A host in capitals is the same host, and a port by default the same port.
        let expected = RestRequest::get(expected);
        let url = |request: &RestRequest| {
            let origin = request.origin().map(ToString::to_string).unwrap_or_default();
            format!("{origin}{}", request.path())
        };
        compare::same("url", &url(&expected), &url(&signed))?;
        let (query, own) = (expected.clone().target(), target.as_str());
        let [query, own] =
            [&query, own].map(|target| target.split_once('?').map_or("", |(_, query)| query));
        compare::same("query", &sorted(query), &sorted(own))?;
    }
    if let Some(expected) = expected["signed_body"].as_str() {
        compare::same("body", &sorted(expected), &sorted(&body))?;
    }
    Ok(())
}

fn same_base(expected: &str, own: &Explanation) -> Result<(), String> {
    match own.first_difference(expected) {
        None => Ok(()),
        Some(difference) => Err(format!("base_string: {difference}")),
    }
}

/// The parameters of an `Authorization` header, decoded.
fn of_header(header: &str) -> Parameters {
    let parameters = header.trim().strip_prefix("OAuth").unwrap_or(header);
    let parameters = parameters.split(',').filter_map(|pair| pair.trim().split_once('='));
    parameters
        .map(|(name, value)| {
            // A realm is a quoted text as it is; everything else is percent-encoded.
            let value = value.trim();
            let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (decoded(name), decoded(&inside.unwrap_or(value).replace("\\\"", "\"")))
        })
        .collect()
}

fn shown(parameters: &Parameters) -> String {
    parameters.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
    })
}

fn value_of(text: &str, name: &str) -> Option<String> {
    pairs(text).find(|(other, _)| other == name).map(|(_, value)| value)
}

/// The pairs of a query or a form in one order: in which they are sent is not the standard's.
fn sorted(text: &str) -> String {
    let mut pairs: Vec<_> = pairs(text).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
