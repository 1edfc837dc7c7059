//! What is the `Cookie` header with one more cookie?

use http::{HeaderMap, header::COOKIE};
use networkpype_core::Secret;

/// All cookies of the request in one header, as RFC 6265 (section 5.4) wants it, and `name=value` behind them; `None`
/// where there is a cookie of this name already.
pub(super) fn with(headers: &HeaderMap, name: &str, value: &Secret) -> Option<Secret> {
    let mut cookies = Vec::new();
    for header in headers.get_all(COOKIE) {
        for cookie in header.as_bytes().split(|byte| *byte == b';') {
            let cookie = cookie.trim_ascii();
            if cookie.split(|byte| *byte == b'=').next() == Some(name.as_bytes()) {
                return None;
            }
            if !cookie.is_empty() {
                cookies.extend_from_slice(cookie);
                cookies.extend_from_slice(b"; ");
            }
        }
    }
    cookies.extend_from_slice(name.as_bytes());
    cookies.push(b'=');
    cookies.extend_from_slice(value.expose_bytes());
    Some(cookies.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(headers: &[&str]) -> Option<String> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(COOKIE, header.parse().expect("value"));
        }
        with(&map, "key", &"k=1".into()).and_then(|cookies| cookies.expose_str().map(str::to_owned))
    }

    #[test]
    fn the_cookies_that_are_there_stay() {
        for (headers, expected) in [
            (&[][..], Some("key=k=1")),
            (&["a=1"], Some("a=1; key=k=1")),
            (&["a=1; b=x=y;", "c"], Some("a=1; b=x=y; c; key=k=1")),
            (&["akey=1; keys=2"], Some("akey=1; keys=2; key=k=1")),
            (&["a=1;key=2"], None),
            (&["a=1", " key"], None),
        ] {
            assert_eq!(joined(headers).as_deref(), expected, "{headers:?}");
        }
    }
}
