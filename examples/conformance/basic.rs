//! User names and passwords.

use networkpype::{Auth as _, RestRequest, schemes::Basic};
use serde_json::Value;

use crate::{compare, report::Outcome, text_of};

/// Replays a case if it is one of these.
pub(crate) async fn replay(case: &Value) -> Option<Outcome> {
    let (user, password) = (case["username"].as_str()?, case["password"].as_str()?);
    let expected = case["expected"].get("authorization")?;
    Some(
        match header(user, password)
            .await
            .and_then(|own| compare::same("header authorization", text_of(expected), &own))
        {
            Ok(()) => Outcome::Passed,
            Err(difference) => Outcome::Failed(difference),
        },
    )
}

async fn header(user: &str, password: &str) -> Result<String, String> {
    let auth = Basic::new(user, password).map_err(|error| error.to_string())?;
    let request = RestRequest::get("https://api.example.com/");
    let request = auth.rest_authenticate(request).await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(request.headers()["authorization"].as_bytes()).into_owned())
}
