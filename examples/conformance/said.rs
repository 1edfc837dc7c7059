//! Does a signature in its compact form say what its case says beside it?

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{compare, text_of};

/// Where a signature stands that may leave its payload out (RFC 7515, appendix F). A token never does.
const SIGNATURES: [&str; 3] = ["compact", "jws", "signature"];

/// The token or the signature of a case.
pub(crate) fn token_of(case: &Value) -> Option<&str> {
    all_of(case).next().map(|(_, token)| token)
}

fn all_of(case: &Value) -> impl Iterator<Item = (&'static str, &str)> {
    let names = ["token", "compact", "signature", "jws", "jwt"];
    [&case["expected"], case]
        .into_iter()
        .flat_map(move |of| names.into_iter().filter_map(move |it| Some((it, of[it].as_str()?))))
}

/// The header and the payload of a compact form as they stand in it, `None` where it is a signature and no more.
type Parts<'t> = Option<(&'t str, &'t str)>;

/// An unencoded payload may have dots in it, so it is what the other parts leave.
fn parts(token: &str) -> Result<(Parts<'_>, &str), String> {
    let Some((header, rest)) = token.split_once('.') else { return Ok((None, token)) };
    let (payload, signature) = rest.rsplit_once('.').ok_or("it has two parts, and no signature")?;
    Ok((Some((header, payload)), signature))
}

/// What was signed: the header and the payload of the token, which are those that the case gives beside it. `None` where
/// neither has both.
pub(crate) fn input(case: &Value, token: &str) -> Option<Result<String, String>> {
    let (written, signature) = match parts(token) {
        Ok(parts) => parts,
        Err(problem) => return Some(Err(problem)),
    };
    let header = given_header(case);
    let header = match (written, header) {
        (Some((written, _)), Some(given)) => match compare::same("header", &given, written) {
            Ok(()) => given,
            Err(difference) => return Some(Err(difference)),
        },
        (Some((written, _)), None) => written.to_owned(),
        (None, given) => given?,
    };
    let members = match json(&header) {
        Ok(members) => members,
        Err(problem) => return Some(Err(format!("header: {problem}"))),
    };
    let is_unencoded = members["b64"] == Value::Bool(false);
    let may_be_detached = is_unencoded
        || case["detached"] == Value::Bool(true)
        || all_of(case).any(|(name, it)| it == token && SIGNATURES.contains(&name));
    let payload = match (written, given_payload(case, is_unencoded)) {
        (Some((_, "")), Some(given)) if may_be_detached => given,
        (Some((_, written)), Some(given)) => match compare::same("payload", &given, written) {
            Ok(()) => given,
            Err(difference) => return Some(Err(difference)),
        },
        (Some((_, "")) | None, None) if case["payload"].is_string() && may_be_detached => {
            wire(text_of(&case["payload"]), is_unencoded)
        }
        (Some((_, written)), None) => written.to_owned(),
        (None, given) => given?,
    };
    let said = same(case, &members, &payload, is_unencoded).and_then(|()| {
        // Of a signature that is given more than once, each is the same.
        all_of(case).try_for_each(|(name, it)| match parts(it)? {
            (Some((_, "")), other) | (None, other) => compare::same(name, signature, other),
            _ if written.is_none_or(|(_, payload)| payload.is_empty()) => {
                compare::same(name, &format!("{header}.{payload}.{signature}"), it)
            }
            _ => compare::same(name, token, it),
        })
    });
    Some(said.map(|()| format!("{header}.{payload}")))
}

/// Whether the payload stands in the token, so that it is verified as it is.
pub(crate) fn is_whole(token: &str) -> bool {
    matches!(parts(token), Ok((Some((_, payload)), _)) if !payload.is_empty())
}

/// A text as it is signed.
fn wire(text: &str, is_unencoded: bool) -> String {
    if is_unencoded { text.to_owned() } else { URL_SAFE_NO_PAD.encode(text) }
}

fn given_header(case: &Value) -> Option<String> {
    let written = case["protected_b64u"].as_str().map(str::to_owned);
    let raw = ["header_raw", "protected_raw"].into_iter().find_map(|name| case[name].as_str());
    written.or_else(|| raw.map(|raw| URL_SAFE_NO_PAD.encode(raw))).or_else(|| {
        let protected = case["protected"].as_str()?;
        Some(match protected.trim_start().starts_with('{') {
            true => URL_SAFE_NO_PAD.encode(protected),
            false => protected.to_owned(),
        })
    })
}

fn given_payload(case: &Value, is_unencoded: bool) -> Option<String> {
    let signed = case["payload_signed"].as_str().map(str::to_owned);
    signed.or_else(|| case["payload_raw"].as_str().map(|raw| wire(raw, is_unencoded)))
}

/// Whether what was signed is what the case says of it in other words.
fn same(case: &Value, header: &Value, payload: &str, is_unencoded: bool) -> Result<(), String> {
    if let Some(algorithm) = case["alg"].as_str() {
        compare::same("alg", algorithm, text_of(&header["alg"]))?;
    }
    if let Some(allowed) = case["allowed_algs"].as_array()
        && !allowed.contains(&header["alg"])
    {
        return Err(format!("alg: {} is not among `allowed_algs`", header["alg"]));
    }
    let bytes = match is_unencoded {
        true => payload.as_bytes().to_vec(),
        false => bytes(payload).map_err(|problem| format!("payload: {problem}"))?,
    };
    for of in [case, &case["expected"]] {
        for name in ["header", "protected"] {
            agree(name, &of[name], Some(header))?;
        }
        let claims = serde_json::from_slice(&bytes).ok();
        agree("claims", &of["claims"], claims.as_ref())?;
        agree("payload", &of["payload"], claims.as_ref())?;
        if let Some(raw) = of["payload"].as_str().filter(|raw| raw.as_bytes() != bytes) {
            compare::same("payload", raw, payload)?;
        }
    }
    Ok(())
}

/// An object is compared by what it says.
fn agree(name: &str, given: &Value, own: Option<&Value>) -> Result<(), String> {
    let own = own.unwrap_or(&Value::Null);
    match given {
        Value::Object(_) if given != own => Err(format!("{name}: expected {given}, got {own}")),
        _ => Ok(()),
    }
}

/// A part of a token, read strictly: without padding, and with no bits that mean nothing.
fn bytes(part: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string())
}

/// The JSON in a part of a token.
pub(crate) fn json(part: &str) -> Result<Value, String> {
    serde_json::from_slice(&bytes(part)?).map_err(|error| error.to_string())
}
