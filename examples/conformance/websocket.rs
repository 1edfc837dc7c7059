//! A WebSocket case: the login, the signed message, the handshake or the REST call by which a connection is authenticated.

use http::Extensions;
use networkpype::{
    Auth, LoginStep, Pair, RestRequest, WebSocketHandshake, WebSocketRequest,
    schemes::recipe::RecipeAuth,
};
use serde_json::{Map, Value};

use crate::{
    ccxt::{Keys, scheme},
    compare::{self, is_made},
    options::Options,
    report::Outcome,
    rest, text_of,
};

pub(crate) async fn replay(case: &Value, options: &Options, keys: &Keys) -> Outcome {
    let mut checked = 0;
    for step in case["captured"].as_array().into_iter().flatten() {
        // A scheme counts nonces, so each step has one of its own.
        let scheme = match scheme(case, options, keys) {
            Ok(scheme) => scheme,
            Err(problem) => return Outcome::Failed(problem),
        };
        match replay_step(case, step, scheme, keys).await {
            Ok(true) => checked += 1,
            Ok(false) => {}
            Err(difference) => return Outcome::Failed(difference),
        }
    }
    if checked == 0 {
        return Outcome::Skipped("nothing in it is made from credentials".to_owned());
    }
    Outcome::Passed
}

/// Whether the step holds anything to check, and if so that it is reproduced.
async fn replay_step(
    case: &Value,
    step: &Value,
    scheme: RecipeAuth,
    keys: &Keys,
) -> Result<bool, String> {
    if !is_made(case, &step.to_string(), keys) {
        return Ok(false);
    }
    if let Some(message) = step.get("message").filter(|message| message.is_object()) {
        return message_of(case, message, &scheme, keys).await.map(|()| true);
    }
    if let Some(url) = step["connect_url"].as_str() {
        return handshake(case, url, &step["connect_headers"], &scheme, keys).await.map(|()| true);
    }
    if step.get("rest").is_some() {
        return rest_call(case, &step["rest"], scheme, keys).await.map(|()| true);
    }
    match &step["returned"] {
        Value::Object(members) if members.contains_key("headers") => {
            // Which URL it is does not say, and does not matter.
            let url = "wss://localhost/";
            handshake(case, url, &members["headers"], &scheme, keys).await.map(|()| true)
        }
        Value::Object(members) => {
            let signed = sign(&scheme, &Map::new()).await?;
            members.iter().try_for_each(|(name, value)| {
                same_value(case, name, value, signed.get(name), keys)
            })?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The login message or, where a recipe has none, the message signed that somebody writes without what is made.
async fn message_of(
    case: &Value,
    expected: &Value,
    scheme: &RecipeAuth,
    keys: &Keys,
) -> Result<(), String> {
    let step = scheme.ws_login(&mut Extensions::new(), None).await.map_err(|e| rest::chain(&e))?;
    let own = match step {
        LoginStep::Send(message) => parsed(message)?,
        _ => {
            let plain = without_made(case, expected, keys);
            Value::Object(sign(scheme, plain.as_object().unwrap_or(&Map::new())).await?)
        }
    };
    let (Value::Object(expected), Value::Object(own)) = (expected, own) else {
        return Err("message: one of both is no object".to_owned());
    };
    for (name, value) in expected {
        same_value(case, name, value, own.get(name), keys)?;
    }
    match own.keys().find(|name| !expected.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(format!("message: {name} is sent and not expected")),
    }
}

async fn sign(
    scheme: &RecipeAuth,
    plain: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let message = WebSocketRequest::json(&plain);
    let signed = scheme.ws_authenticate(message).await.map_err(|error| rest::chain(&error))?;
    match parsed(signed)? {
        Value::Object(members) => Ok(members),
        _ => Err("the signed message is no object".to_owned()),
    }
}

fn parsed(mut message: WebSocketRequest) -> Result<Value, String> {
    let bytes = message.bytes().map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn same_value(
    case: &Value,
    name: &str,
    expected: &Value,
    own: Option<&Value>,
    keys: &Keys,
) -> Result<(), String> {
    let own = own.ok_or_else(|| format!("message: {name} is missing"))?;
    match (expected.as_str(), own.as_str()) {
        (Some(wanted), Some(got)) if wanted != got && wanted.starts_with("eyJ") => {
            crate::token::same(wanted, got, &compare::key_of(case, keys))
                .map_err(|why| format!("message: {name}: {why}"))
        }
        _ if expected == own => Ok(()),
        _ => Err(format!("message: {name}: expected {expected}, got {own}")),
    }
}

/// A value without the members that are made from credentials or the time.
fn without_made(case: &Value, value: &Value, keys: &Keys) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    let mut plain = Map::new();
    for (name, member) in members {
        match member {
            Value::Object(_) => {
                plain.insert(name.clone(), without_made(case, member, keys));
            }
            _ if is_made(case, &member.to_string(), keys) => {}
            _ => {
                plain.insert(name.clone(), member.clone());
            }
        }
    }
    Value::Object(plain)
}

async fn handshake(
    case: &Value,
    url: &str,
    headers: &Value,
    scheme: &RecipeAuth,
    keys: &Keys,
) -> Result<(), String> {
    let signed = scheme
        .ws_handshake(WebSocketHandshake::new(url))
        .await
        .map_err(|error| rest::chain(&error))?;
    let mut request = signed.into_request();
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    compare::same("url", path.unwrap_or("/"), &request.target())?;
    compare::headers(case, headers, &request, keys)
}

async fn rest_call(
    case: &Value,
    expected: &Value,
    scheme: RecipeAuth,
    keys: &Keys,
) -> Result<(), String> {
    let url = text_of(&expected["url"]);
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let method = text_of(&expected["method"]).parse().map_err(|_| "method: it is none")?;
    let mut request = RestRequest::new(method, before).auth_required().unlimited();
    for (name, value) in plain_pairs(case, query, keys) {
        request.append_query(Pair::new(name, value));
    }
    let is_form = text_of(&expected["headers"]["Content-Type"]).contains("urlencoded");
    if let Some(body) = expected["body"].as_str().filter(|_| is_form) {
        request.form_params_mut().map_err(|error| error.to_string())?;
        for (name, value) in plain_pairs(case, body, keys) {
            request = request.form_param(name, value);
        }
    }
    let sent = rest::sent(request, scheme).await.map_err(|error| rest::chain(&*error))?;
    compare::sent(case, expected, sent, keys)
}

fn plain_pairs(case: &Value, query: &str, keys: &Keys) -> Vec<(String, String)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(_, value)| !is_made(case, value, keys))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
