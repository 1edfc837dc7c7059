//! What do the challenges of a response say (RFC 9110, section 11.6.1)?

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// The values of all parameters `name` of the challenges in a response's headers. Whose challenge they belong to does not
/// matter: what is looked for here other schemes do not have.
pub(crate) fn parameters(headers: &HeaderMap, name: &str) -> Vec<String> {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    challenges
        .filter_map(|challenge| challenge.to_str().ok())
        .flat_map(|challenge| values(challenge, name))
        .collect()
}

fn values(mut rest: &str, wanted: &str) -> Vec<String> {
    let is_space = |c: char| c == ' ' || c == '\t';
    let mut values = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c| is_space(c) || c == ',' || c == '=');
        if rest.is_empty() {
            return values;
        }
        let end = rest.find(|c| is_space(c) || c == ',' || c == '=').unwrap_or(rest.len());
        let name;
        (name, rest) = rest.split_at(end);
        let Some(behind) = rest.trim_start_matches(is_space).strip_prefix('=') else {
            continue;
        };
        let value;
        (value, rest) = value_of(behind.trim_start_matches(is_space));
        if name.eq_ignore_ascii_case(wanted) {
            values.push(value);
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_run_on(text in "[ -~\\t\"\\\\,=e]{0,60}") {
            let _ = values(&text, "e");
        }
    }
}
