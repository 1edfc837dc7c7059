//! A REST case: the request as its caller would write it, and what the manager hands to the connection.

use std::error::Error as StdError;

use http::Method;
use networkpype::{
    JsonMembers, RestManager, RestRequest, RestResponse, StatusCode, WireError,
    schemes::recipe::{Carrier, CarryTo, Endpoint, RecipeAuth, Section},
};
use networkpype_core::mock::MockRest;
use serde_json::{Value, value::RawValue};

use crate::{
    ccxt::{Keys, scheme},
    compare,
    options::Options,
    report::Outcome,
    text_of,
};

pub(crate) async fn replay(case: &Value, line: &str, options: &Options, keys: &Keys) -> Outcome {
    if !options.wants(text_of(&case["tier"])) {
        return Outcome::Skipped(String::new());
    }
    if let Err(problem) = compare::has(&case["expected"], &["url", "method"]) {
        return Outcome::Failed(problem);
    }
    let scheme = match scheme(case, options, keys) {
        Ok(scheme) => scheme,
        Err(problem) => return Outcome::Failed(problem),
    };
    let request = match request(case, line, &scheme) {
        Ok(request) => request,
        Err(problem) => return Outcome::Failed(problem),
    };
    match sent(request, scheme).await {
        Ok(sent) => match compare::request(case, sent, keys) {
            Ok(()) => Outcome::Passed,
            Err(difference) => Outcome::Failed(difference),
        },
        Err(error) if may_not_be_sent(case) && is_wire_error(&*error) => {
            Outcome::Refused(chain(&*error))
        }
        Err(error) => Outcome::Failed(format!("error: {}", chain(&*error))),
    }
}

/// The request that a caller of this API would write.
pub(crate) fn request(
    case: &Value,
    line: &str,
    scheme: &RecipeAuth,
) -> Result<RestRequest, String> {
    let method = Method::from_bytes(text_of(&case["method"]).as_bytes())
        .map_err(|error| format!("method: {error}"))?;
    let (path, filled) = templated(case);
    let mut request = RestRequest::new(method, format!("{}{path}", text_of(&case["base_url"])))
        .auth_required()
        .unlimited()
        .extension(Endpoint::new(text_of(&case["endpoint"]).to_owned()))
        .extension(Section::new(section(&case["api"])));
    for (name, value) in filled {
        request = request.path_param(name, value);
    }
    let mut members = JsonMembers::default();
    for (name, json) in params(line)? {
        members.push_text(name, &json).map_err(|error| error.to_string())?;
    }
    let body_kind = text_of(&case["body_kind"]);
    let is_told = scheme.carries(&request);
    // Where the recipe says where parameters go, a caller does not have to; otherwise the caller does, as the case does.
    let carriers = match body_kind {
        _ if is_told => None,
        "query" | "empty-string" => Some(vec![Carrier::Query]),
        "form" => Some(vec![Carrier::Form]),
        "none" => Some(Vec::new()),
        _ => None,
    };
    // Whoever has nothing to say hands over no body, also where the recipe would carry one.
    if body_kind == "none" && members.is_empty() {
        return Ok(request);
    }
    request = request.json_text(members.to_wire());
    Ok(match carriers {
        None => request,
        Some(carriers) => request.extension(CarryTo::new(carriers)),
    })
}

/// The parameters with their values as JSON text, in the order in which their members stand in the file.
fn params(line: &str) -> Result<Vec<(String, String)>, String> {
    #[derive(serde::Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        params: Vec<(String, &'a RawValue)>,
    }

    let read: Params<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Ok(read.params.into_iter().map(|(name, json)| (name, compact(json.get()))).collect())
}

/// JSON text without the spaces between its tokens, as a serializer writes it.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for letter in json.chars() {
        if quoted || !letter.is_ascii_whitespace() {
            compact.push(letter);
        }
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    compact
}

/// The path with names in braces where the endpoint has them, and what fills them.
fn templated(case: &Value) -> (String, Vec<(String, String)>) {
    let (path, endpoint) = (text_of(&case["path"]), text_of(&case["endpoint"]));
    let mut filled = endpoint.to_owned();
    let mut values = Vec::new();
    for pair in case["path_params"].as_array().into_iter().flatten() {
        let (name, value) = (text_of(&pair[0]), text_of(&pair[1]));
        let placeholder = format!("{{{name}}}");
        // What stands in the path in front of the endpoint stands in the case's path as it is.
        if filled.contains(&placeholder) {
            filled = filled.replace(&placeholder, value);
            values.push((name.to_owned(), value.to_owned()));
        }
    }
    match path.strip_suffix(filled.as_str()) {
        Some(before) if !values.is_empty() => (format!("{before}{endpoint}"), values),
        _ => (path.to_owned(), Vec::new()),
    }
}

fn section(api: &Value) -> String {
    match api {
        Value::Array(parts) => parts.iter().map(text_of).collect::<Vec<_>>().join("/"),
        other => text_of(other).to_owned(),
    }
}

/// What a manager hands to its connection.
pub(crate) async fn sent(
    request: RestRequest,
    scheme: RecipeAuth,
) -> Result<RestRequest, Box<dyn StdError + Send + Sync>> {
    let connection = MockRest::new(|_| Ok(RestResponse::new(StatusCode::OK)));
    let manager = RestManager::builder().connection(connection.clone()).auth(scheme).build()?;
    manager.call(request).await?;
    connection.requests().pop().ok_or_else(|| "nothing was sent".into())
}

/// Whether the URL that the case expects holds a byte that no request-target may contain (RFC 9112, section 3.2).
fn may_not_be_sent(case: &Value) -> bool {
    text_of(&case["expected"]["url"]).bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#')
}

fn is_wire_error(error: &(dyn StdError + 'static)) -> bool {
    error.is::<WireError>() || error.source().is_some_and(is_wire_error)
}

pub(crate) fn chain(error: &dyn StdError) -> String {
    match error.source() {
        None => error.to_string(),
        Some(cause) => format!("{error}: {}", chain(cause)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_endpoint_has_in_braces_is_a_path_parameter() {
        let case = |endpoint: &str| {
            json!({
                "path": "/6/api/v1/orders/42", "endpoint": endpoint,
                "path_params": [["account-group", "6"], ["id", "42"]],
            })
        };
        let id = || vec![("id".to_owned(), "42".to_owned())];
        assert_eq!(templated(&case("orders/{id}")), ("/6/api/v1/orders/{id}".to_owned(), id()));
        assert_eq!(templated(&case("42")), ("/6/api/v1/orders/42".to_owned(), Vec::new()));
        assert_eq!(templated(&case("other/{id}")), ("/6/api/v1/orders/42".to_owned(), Vec::new()));
    }
}
