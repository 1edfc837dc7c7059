//! What else may a request for a token say?

use std::collections::BTreeSet;

use networkpype_core::AuthError;

use super::error::unusable;

/// Parameters beside those of the grant.
pub(super) fn more(
    audience: &Option<String>,
    resources: &[String],
    params: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, AuthError> {
    /// Which the scheme sets itself (RFC 6749, 7521, 7636, 8628, 8693, 8707 and 9449).
    const OWN: [&str; 26] = [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "code",
        "code_verifier",
        "code_challenge",
        "code_challenge_method",
        "redirect_uri",
        "response_type",
        "state",
        "scope",
        "audience",
        "resource",
        "refresh_token",
        "username",
        "password",
        "assertion",
        "device_code",
        "subject_token",
        "subject_token_type",
        "actor_token",
        "actor_token_type",
        "requested_token_type",
        "dpop_jkt",
    ];
    for resource in resources {
        let scheme = resource.split_once(':').map_or("", |(scheme, _)| scheme);
        let is_absolute = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_absolute || resource.contains('#') || resource.contains(char::is_whitespace) {
            return Err(unusable("a resource is no absolute URI, or has a fragment"));
        }
    }
    if let Some((name, _)) = params.iter().find(|(name, _)| OWN.contains(&name.as_str())) {
        return Err(unusable(format!("the parameter `{name}` is one that the scheme sets itself")));
    }
    // RFC 6749, sections 3.1 and 3.2. Those that other standards let repeat are the scheme's own.
    let mut names = BTreeSet::new();
    if let Some((name, _)) = params.iter().find(|(name, _)| !names.insert(name)) {
        return Err(unusable(format!("the parameter `{name}` is given twice: give it once")));
    }
    let audience = audience.iter().map(|audience| ("audience".to_owned(), audience.clone()));
    let resources = resources.iter().map(|resource| ("resource".to_owned(), resource.clone()));
    Ok(audience.chain(resources).chain(params).collect())
}
