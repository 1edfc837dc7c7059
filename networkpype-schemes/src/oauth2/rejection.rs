//! Was a request refused for its token (RFC 6750, section 3)?

use http::{HeaderMap, StatusCode, header::WWW_AUTHENTICATE};

/// Whether another token may help. Where the server says why, that decides; where it does not, 401 does.
pub(super) fn is_for_token(status: StatusCode, headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE);
    let codes: Vec<String> = challenges
        .iter()
        .filter_map(|challenge| challenge.to_str().ok())
        .flat_map(error_codes)
        .collect();
    let says = |code: &str| codes.iter().any(|said| said == code);
    if says("invalid_token") {
        return true;
    }
    // These would be true of the next token as well.
    status == StatusCode::UNAUTHORIZED && !says("insufficient_scope") && !says("invalid_request")
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
            assert_eq!(is_for_token(status, &headers), expected, "{status} {challenges:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_run_on(text in "[ -~\\t\"\\\\,=e]{0,60}") {
            let _ = error_codes(&text);
        }
    }
}
