//! Was a request refused for its token (RFC 6750, section 3), or for the nonce of its proof (RFC 9449, section 9)?

use http::{HeaderMap, StatusCode};

use crate::challenge::values;

/// What a request was refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Another token may help.
    Token,
    /// Another nonce will.
    Nonce,
    /// What would be true of the next token and nonce as well.
    Other,
}

/// Where the server says why, that decides; where it does not, 401 is about the token.
pub(super) fn cause(status: StatusCode, headers: &HeaderMap) -> Cause {
    let codes = values(headers, "error");
    let says = |code: &str| codes.iter().any(|said| said == code.as_bytes());
    let is_final = ["insufficient_scope", "invalid_request", "invalid_dpop_proof"];
    if says("use_dpop_nonce") {
        Cause::Nonce
    } else if says("invalid_token") {
        Cause::Token
    } else if status != StatusCode::UNAUTHORIZED || is_final.into_iter().any(says) {
        Cause::Other
    } else {
        Cause::Token
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::WWW_AUTHENTICATE};

    use super::*;

    #[test]
    fn what_another_token_would_not_mend_is_told_apart() {
        for (status, challenges, expected) in [
            (401, vec![], true),
            (403, vec![], false),
            (400, vec![], false),
            (401, vec!["Bearer"], true),
            (401, vec!["Basic realm=\"x\""], true),
            (
                401,
                vec![r#"Bearer realm="x", error="invalid_token", error_description="expired""#],
                true,
            ),
            (401, vec!["Bearer error=invalid_token"], true),
            (401, vec!["bearer realm=x , ERROR = \"invalid_token\""], true),
            (403, vec![r#"Bearer error="invalid_token""#], true),
            (400, vec![r#"Bearer error="invalid_token""#], true),
            (403, vec![r#"Bearer error="insufficient_scope", scope="admin""#], false),
            (401, vec![r#"Bearer error="insufficient_scope""#], false),
            (401, vec![r#"Bearer error="invalid_request""#], false),
            (401, vec![r#"Bearer error="\i\nvalid_token""#], true),
            (401, vec!["Basic realm=\"x\"", r#"Bearer error="insufficient_scope""#], false),
            (403, vec![r#"Basic realm="x", Bearer error="invalid_token""#], true),
            (403, vec![r#"Negotiate YWJj==, Bearer error="invalid_token""#], true),
            (403, vec![r#"Bearer error_description="error=\"invalid_token\"""#], false),
            (403, vec![r#"Bearer realm="a, error=\"invalid_token\"", scope="b""#], false),
            (401, vec![r#"Bearer error="insufficient_scope"#], false),
        ] {
            let mut headers = HeaderMap::new();
            for challenge in &challenges {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            let status = StatusCode::from_u16(status).expect("a status");
            let is_for_token = cause(status, &headers) == Cause::Token;
            assert_eq!(is_for_token, expected, "{status} {challenges:?}");
        }
    }

    #[test]
    fn a_proof_that_lacks_a_nonce_is_told_apart_from_one_that_is_no_good() {
        for (challenge, expected) in [
            (r#"DPoP error="use_dpop_nonce", error_description="x""#, Cause::Nonce),
            (r#"Bearer, DPoP algs="ES256",error="use_dpop_nonce""#, Cause::Nonce),
            (r#"DPoP algs="ES256 PS256", error="invalid_dpop_proof""#, Cause::Other),
            (r#"DPoP error="invalid_token""#, Cause::Token),
            (r#"DPoP algs="ES256""#, Cause::Token),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            assert_eq!(cause(StatusCode::UNAUTHORIZED, &headers), expected, "{challenge}");
        }
    }
}
