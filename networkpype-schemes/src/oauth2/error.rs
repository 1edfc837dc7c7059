//! What does a refusal mean? Bodies of answers, and texts of foreign errors, end here.

use networkpype_auth::token::{TokenError, TokenErrorKind};
use networkpype_core::{AuthError, AuthErrorKind, Secret};
use oauth2::{ErrorResponse, RequestTokenError};

pub(super) use crate::token_endpoint::set_up_wrong;

/// The codes of RFC 6749 (4.1.2.1, 5.2), 7009, 8628, 8693, 8707 and of OpenID Connect, and what each means. Of others
/// see [`is_word`].
const CODES: [(&str, TokenErrorKind); 21] = {
    use TokenErrorKind::{
        InvalidGrant, ReauthenticationRequired, Refused, Unavailable, UnsupportedTokenType,
    };
    [
        ("invalid_grant", InvalidGrant),
        ("invalid_request", Refused),
        ("invalid_client", Refused),
        ("unauthorized_client", Refused),
        ("unsupported_grant_type", Refused),
        ("unsupported_response_type", Refused),
        ("unsupported_token_type", UnsupportedTokenType),
        ("invalid_scope", Refused),
        ("invalid_target", Refused),
        ("invalid_token", Refused),
        ("use_dpop_nonce", Refused),
        ("invalid_dpop_proof", Refused),
        ("server_error", Unavailable),
        ("temporarily_unavailable", Unavailable),
        ("slow_down", Unavailable),
        ("authorization_pending", Unavailable),
        ("access_denied", ReauthenticationRequired),
        ("expired_token", ReauthenticationRequired),
        ("login_required", ReauthenticationRequired),
        ("consent_required", ReauthenticationRequired),
        ("interaction_required", ReauthenticationRequired),
    ]
};

/// Whether it is a code of a standard: a word that everybody knows.
pub(super) fn is_known(code: &str) -> bool {
    CODES.iter().any(|(known, _)| *known == code)
}

/// The refusal with this code (RFC 6749, section 5.2).
pub(super) fn refused(code: &str) -> TokenError {
    match CODES.iter().find(|(known, _)| *known == code) {
        Some((known, kind)) => TokenError::new(*kind, format!("the issuer refuses: {known}")),
        None if is_word(code) => {
            let message = format!("the issuer refuses, with a code of its own: {code}");
            TokenError::new(TokenErrorKind::Refused, message)
        }
        None => {
            let message = "the issuer refuses, with a code of its own that is not shown";
            TokenError::new(TokenErrorKind::Refused, message)
        }
    }
}

/// Whether a code that nobody knows may be shown: an issuer may write anything there (RFC 6749, appendix A.7), also what it
/// was told. Whoever calls makes sure of what it was told last; a token or a key that it was told before has a digit, a
/// capital letter or more characters.
fn is_word(code: &str) -> bool {
    (1..=40).contains(&code.len()) && code.bytes().all(|it| it.is_ascii_lowercase() || it == b'_')
}

/// What the library's state machine ended with. Its own error for an answer that it cannot read holds the whole body.
pub(super) fn at_border<T: ErrorResponse + 'static>(
    error: RequestTokenError<TokenError, T>,
    code: impl FnOnce(&T) -> String,
) -> TokenError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(answer) => refused(&code(&answer)),
        RequestTokenError::Parse(_, body) => {
            // Wiped with the secret that it becomes.
            drop(Secret::from(body));
            malformed("the issuer's answer holds no token")
        }
        RequestTokenError::Other(_) => malformed("the issuer's answer is none"),
    }
}

pub(super) fn malformed(message: &'static str) -> TokenError {
    TokenError::new(TokenErrorKind::Malformed, message)
}

pub(super) fn unusable(message: impl Into<std::borrow::Cow<'static, str>>) -> AuthError {
    AuthError::new(AuthErrorKind::Configuration, message)
}

/// The same refusal of a grant that no person has given: nobody can log in, whatever the issuer calls it.
pub(super) fn without_person(error: TokenError) -> TokenError {
    match error.kind() {
        TokenErrorKind::ReauthenticationRequired => {
            TokenError::new(TokenErrorKind::Refused, error.to_string())
        }
        _ => error,
    }
}

/// The same refusal, told in place of "the refresh token is used up" where there is none.
pub(super) fn without_refresh(error: TokenError, kind: TokenErrorKind) -> TokenError {
    match error.kind() {
        TokenErrorKind::InvalidGrant => {
            TokenError::new(kind, "the issuer does not take the grant").with_source(error)
        }
        _ => error,
    }
}
