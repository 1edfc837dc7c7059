//! Was a request refused for its token (RFC 6750, section 3), or for the nonce of its proof (RFC 9449, section 9)?

use http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE};

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
    let challenges = headers.get_all(WWW_AUTHENTICATE);
    let codes: Vec<String> = challenges
        .iter()
        .filter_map(|challenge| challenge.to_str().ok())
        .flat_map(error_codes)
        .collect();
    let says = |code: &str| codes.iter().any(|said| said == code);
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

/// The values of all parameters `error` of the challenges in a header (RFC 9110, section 11.6.1). Whose challenge they
/// belong to does not matter: other schemes have no such codes.
fn error_codes(mut rest: &str) -> Vec<String> {
    let is_space = |c: char| c == ' ' || c == '\t';
    let mut codes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c| is_space(c) || c == ',' || c == '=');
        if rest.is_empty() {
            return codes;
        }
        let end = rest.find(|c| is_space(c) || c == ',' || c == '=').unwrap_or(rest.len());
        let name;
        (name, rest) = rest.split_at(end);
        let Some(behind) = rest.trim_start_matches(is_space).strip_prefix('=') else {
            continue;
        };
        let value;
        (value, rest) = value_of(behind.trim_start_matches(is_space));
        if name.eq_ignore_ascii_case("error") {
            codes.push(value);
        }
    }
}

/// A token or a quoted text, and what is behind it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, &quoted[at + 1..]),
            c => {
                value.push(c);
                escaped = false;
            }
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_run_on(text in "[ -~\\t\"\\\\,=e]{0,60}") {
            let _ = error_codes(&text);
        }
    }
}
