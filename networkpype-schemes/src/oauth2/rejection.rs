//! Was a request refused for its token (RFC 6750, section 3)?

use http::{HeaderMap, StatusCode};

use crate::challenge;

/// Whether another token may help. Where the server says why, that decides; where it does not, 401 does.
pub(super) fn is_for_token(status: StatusCode, headers: &HeaderMap) -> bool {
    let codes = challenge::parameters(headers, "error");
    let says = |code: &str| codes.iter().any(|said| said == code);
    if says("invalid_token") {
        return true;
    }
    // These would be true of the next token as well.
    status == StatusCode::UNAUTHORIZED && !says("insufficient_scope") && !says("invalid_request")
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
            assert_eq!(is_for_token(status, &headers), expected, "{status} {challenges:?}");
        }
    }
}
