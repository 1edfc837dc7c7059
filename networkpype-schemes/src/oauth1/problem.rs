//! What does a server say about why it refused (the problem reporting extension of OAuth 1.0)?

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{Recovery, RestResponse};

use super::parameters::{decode, of_text};
use crate::challenge;

/// The extension's codes, and what each means where a token is asked for. Others are not shown: a server may write anything
/// there.
const CODES: [(&str, TokenErrorKind); 19] = {
    use TokenErrorKind::{ReauthenticationRequired, Refused, Unavailable};
    [
        ("version_rejected", Refused),
        ("parameter_absent", Refused),
        ("parameter_rejected", Refused),
        ("timestamp_refused", Refused),
        ("nonce_used", Refused),
        ("signature_method_rejected", Refused),
        ("signature_invalid", Refused),
        ("consumer_key_unknown", Refused),
        ("consumer_key_rejected", Refused),
        ("consumer_key_refused", Unavailable),
        ("permission_unknown", Unavailable),
        ("token_used", ReauthenticationRequired),
        ("token_expired", ReauthenticationRequired),
        ("token_revoked", ReauthenticationRequired),
        ("token_rejected", ReauthenticationRequired),
        ("verifier_invalid", ReauthenticationRequired),
        ("additional_authorization_required", ReauthenticationRequired),
        ("permission_denied", ReauthenticationRequired),
        ("user_refused", ReauthenticationRequired),
    ]
};

/// A form that says a problem is short; a page that is not one need not be read to its end.
const READ: usize = 4096;

/// What a refusal may be mended by.
pub(super) fn recovery(response: &RestResponse) -> Recovery {
    let said = said(response);
    let says = |code: &str| said.iter().any(|said| said == code);
    if says("timestamp_refused") {
        Recovery::ResyncTime
    } else if says("nonce_used") {
        Recovery::SignAgain
    } else {
        Recovery::GiveUp
    }
}

/// The error for a refusal that says why.
pub(super) fn refusal(response: &RestResponse) -> Option<TokenError> {
    said(response).iter().find_map(|code| known(code))
}

/// The error for this code, where it is one of the extension's.
pub(super) fn known(code: &str) -> Option<TokenError> {
    let (code, kind) = CODES.iter().find(|(known, _)| *known == code)?;
    Some(TokenError::new(*kind, format!("the issuer refuses: {code}")))
}

/// The codes in the challenge, and in the body where it is a form.
fn said(response: &RestResponse) -> Vec<String> {
    let body = response.bytes();
    let body = body[..body.len().min(READ)].trim_ascii();
    let in_body = of_text(body).filter(|parameter| parameter.name == "oauth_problem");
    let in_challenge = challenge::values(response.headers(), "oauth_problem");
    let in_body = in_body.map(|parameter| parameter.value.into_bytes());
    let codes = in_challenge.into_iter().chain(in_body);
    codes.filter_map(|code| String::from_utf8(decode(&code)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};

    use super::*;

    fn response(challenge: &'static str, body: &'static str) -> RestResponse {
        let mut headers = HeaderMap::new();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        RestResponse::new(StatusCode::UNAUTHORIZED).with_headers(headers).with_body(body)
    }

    #[test]
    fn only_a_timestamp_and_a_nonce_are_mended() {
        use Recovery::{GiveUp, ResyncTime, SignAgain};
        for (challenge, body, expected) in [
            ("OAuth", "", GiveUp),
            ("OAuth", "timestamp_refused", GiveUp),
            (
                "OAuth",
                "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2\n",
                ResyncTime,
            ),
            ("OAuth", "oauth_problem=nonce_used&oauth_problem_advice=x", SignAgain),
            ("OAuth", "oauth_problem=signature_invalid", GiveUp),
            ("OAuth", "oauth_problem=token%5Fexpired", GiveUp),
            ("OAuth", "a=oauth_problem=nonce_used", GiveUp),
            ("OAuth realm=\"x\", oauth_problem=\"timestamp_refused\"", "", ResyncTime),
            ("OAuth oauth_problem=timestamp%5Frefused", "", ResyncTime),
            ("OAuth oauth_problem=\"nonce_used\"", "no", SignAgain),
            ("OAuth realm=\"oauth_problem=nonce_used\"", "", GiveUp),
            ("OAuth oauth_problem=nonce_used", "oauth_problem=timestamp_refused", ResyncTime),
        ] {
            assert_eq!(recovery(&response(challenge, body)), expected, "{challenge} {body}");
        }
    }

    #[test]
    fn codes_of_a_servers_own_are_not_shown() {
        assert!(refusal(&response("OAuth", "oauth_problem=hunter2")).is_none());
        let error = refusal(&response("OAuth", "oauth_problem=token_expired")).expect("known");
        assert_eq!(error.kind(), TokenErrorKind::ReauthenticationRequired);
        assert!(error.to_string().ends_with(": token_expired"));
    }
}
