//! Is it signed with OAuth 1.0a (RFC 5849)? HMAC-SHA256, parameters in the header; and the three steps to a token.
//!
//! Tokens are made so that nothing has to be kept: a secret is the HMAC of its token under the client's.

use crate::params;
use crate::record::Recorded;
use crate::state::State;
use crate::verify;
use crate::wire::Reply;

/// The parameters in a header, decoded, and the token's secret.
struct Signed {
    parameters: Vec<(String, String)>,
    token: Option<String>,
}

impl Signed {
    fn get(&self, name: &str) -> Option<&str> {
        value(&self.parameters, name)
    }
}

pub(super) fn answer(state: &State, request: &Recorded) -> Reply {
    let step = request.path().trim_start_matches("/oauth1/");
    if step == "authorize" {
        return authorize(state, request);
    }
    let signed = match check(state, request) {
        Ok(signed) => signed,
        Err(problem) => {
            return form(401, &[("oauth_problem", problem)])
                .header("WWW-Authenticate", "OAuth realm=\"exchange\"");
        }
    };
    let token = signed.token.as_deref().unwrap_or_default();
    let refused = |problem| form(401, &[("oauth_problem", problem)]);
    match step {
        "initiate" => {
            let Some(callback) = signed.get("oauth_callback") else {
                return refused("parameter_absent");
            };
            let token =
                format!("temporary-{}-{}", state.next_order_id(), const_hex::encode(callback));
            let secret = secret(state, &token);
            form(
                200,
                &[
                    ("oauth_token", &token),
                    ("oauth_token_secret", &secret),
                    ("oauth_callback_confirmed", "true"),
                ],
            )
        }
        "token" => {
            if !token.starts_with("temporary-") {
                return refused("token_rejected");
            }
            if signed.get("oauth_verifier") != Some(&verifier(state, token)) {
                return refused("verifier_invalid");
            }
            let token = format!("access-{}", state.next_order_id());
            let secret = secret(state, &token);
            form(200, &[("oauth_token", &token), ("oauth_token_secret", &secret)])
        }
        _ if token.starts_with("temporary-") => refused("token_rejected"),
        _ => Reply::json(200, &serde_json::json!({ "token": token, "query": request.query() })),
    }
}

/// The resource owner says yes, and is sent back.
fn authorize(state: &State, request: &Recorded) -> Reply {
    let token = params::value(request.query(), "oauth_token").unwrap_or_default();
    let callback = token.rsplit('-').next().and_then(|hex| const_hex::decode(hex).ok());
    let Some(callback) = callback.and_then(|callback| String::from_utf8(callback).ok()) else {
        return form(400, &[("oauth_problem", "token_rejected")]);
    };
    let verifier = verifier(state, &token);
    if callback == "oob" {
        return form(200, &[("oauth_token", &token), ("oauth_verifier", &verifier)]);
    }
    let mark = if callback.contains('?') { '&' } else { '?' };
    let back = format!("{callback}{mark}oauth_token={token}&oauth_verifier={verifier}");
    Reply::bytes(302, "").header("Location", back)
}

fn check(state: &State, request: &Recorded) -> Result<Signed, &'static str> {
    let header = request.header("authorization").unwrap_or_default();
    let parameters = header.strip_prefix("OAuth ").ok_or("parameter_absent")?;
    let parameters: Vec<(String, String)> = parameters
        .split(',')
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value.trim_matches('"'))))
        .filter(|(name, _)| name != "realm")
        .collect();
    let get = |name| value(&parameters, name).ok_or("parameter_absent");
    if get("oauth_consumer_key")? != state.config.api_key {
        return Err("consumer_key_unknown");
    }
    if get("oauth_signature_method")? != "HMAC-SHA256" {
        return Err("signature_method_rejected");
    }
    if value(&parameters, "oauth_version").is_some_and(|version| version != "1.0") {
        return Err("version_rejected");
    }
    let (timestamp, nonce) = (get("oauth_timestamp")?, get("oauth_nonce")?);
    let seconds: i64 = timestamp.parse().map_err(|_| "parameter_rejected")?;
    // Of the second that it names, the beginning.
    if !verify::is_fresh(state, seconds.saturating_mul(1000)) {
        return Err("timestamp_refused");
    }
    let token = value(&parameters, "oauth_token").map(str::to_owned);
    let token_secret = token.as_deref().map(|token| secret(state, token)).unwrap_or_default();
    let key = format!("{}&{}", encoded(&state.config.api_secret), encoded(&token_secret));
    let expected = verify::hmac_base64(&key, &[base_string(request, &parameters).as_bytes()]);
    if get("oauth_signature")? != expected {
        return Err("signature_invalid");
    }
    if !state.is_first_use(&format!("oauth1 {timestamp} {nonce}")) {
        return Err("nonce_used");
    }
    Ok(Signed { parameters, token })
}

fn base_string(request: &Recorded, in_header: &[(String, String)]) -> String {
    let content_type = request.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let form = match media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        true => std::str::from_utf8(&request.body).unwrap_or_default(),
        false => "",
    };
    let sent = params::pairs(request.query()).chain(params::pairs(form));
    let sent = sent.map(|(name, value)| (params::decode(name), params::decode(value)));
    let in_header = in_header.iter().filter(|(name, _)| name != "oauth_signature").cloned();
    let mut all: Vec<(String, String)> =
        sent.chain(in_header).map(|(name, value)| (encoded(&name), encoded(&value))).collect();
    all.sort();
    let all: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let host = request.header("host").unwrap_or_default().to_ascii_lowercase();
    let uri = format!("http://{host}{}", request.path());
    format!("{}&{}&{}", request.method, encoded(&uri), encoded(&all.join("&")))
}

fn secret(state: &State, token: &str) -> String {
    verify::hmac_hex(&state.config.api_secret, &[token.as_bytes()])
}

fn verifier(state: &State, token: &str) -> String {
    verify::hmac_hex(&state.config.api_secret, &[b"verifier", token.as_bytes()])
}

fn value<'p>(parameters: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let mut found = parameters.iter().filter(|(other, _)| other == name);
    let value = found.next().map(|(_, value)| value.as_str());
    // Of two nobody knows which is meant.
    if found.next().is_some() { None } else { value }
}

fn form(status: u16, pairs: &[(&str, &str)]) -> Reply {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    Reply::bytes(status, pairs.join("&"))
        .header("Content-Type", "application/x-www-form-urlencoded")
}

/// Percent-decoding, in which a plus is one.
fn decoded(text: &str) -> String {
    params::decode(&text.replace('+', "%2B"))
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
