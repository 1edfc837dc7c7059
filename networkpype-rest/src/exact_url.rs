use networkpype_core::{Origin, Progress, TransportError, TransportErrorKind};
use reqwest::Url;

/// The URL of `target` at `origin`, if reqwest's URL type would write it back byte for byte.
///
/// That type resolves dot segments and percent-encodes some characters; a request that was signed for other bytes
/// would then be refused by its server as forged.
pub(crate) fn exact_url(origin: &Origin, target: &str) -> Result<Url, TransportError> {
    let refuse = |problem: String| {
        Err(TransportError::new(TransportErrorKind::WouldAlter, Progress::NotSent, problem))
    };
    let Ok(url) = Url::parse(&format!("{origin}{target}")) else {
        return refuse("the HTTP client cannot parse the URL".to_owned());
    };
    let host = url.host_str().unwrap_or_default();
    if host != origin.host() || url.port_or_known_default() != Some(origin.port()) {
        return refuse(
            "the HTTP client would connect to another host; write it in its usual form".to_owned(),
        );
    }
    let written = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    if written != target {
        let at = written.bytes().zip(target.bytes()).take_while(|(a, b)| a == b).count();
        return refuse(format!(
            "the HTTP client would change byte {at} of the path and query: percent-encode it"
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_would_change_is_refused_at_its_first_byte() {
        let origin: Origin = "https://h".parse().expect("origin");
        for (target, changed) in [
            ("/", None),
            ("/?", None),
            ("/a%2Fb//c?x=1&&y=%20+&[]=|^`{}", None),
            ("/a:b@c;d=e!$&'()*+,", None),
            ("/p?a=\"", Some(5)),
            ("/p?a='", Some(5)),
            ("/p?a=<", Some(5)),
            ("/p{", Some(2)),
            ("/p`", Some(2)),
            ("/p\\q", Some(2)),
            ("/a/../b", Some(1)),
            ("/a/./b", Some(3)),
            ("/a/%2e%2E/b", Some(1)),
        ] {
            let result = exact_url(&origin, target);
            match changed {
                None => assert!(result.is_ok(), "{target}: {result:?}"),
                Some(at) => {
                    let error = result.expect_err(target);
                    assert_eq!(error.kind(), TransportErrorKind::WouldAlter, "{target}");
                    assert!(
                        error.to_string().contains(&format!("byte {at} ")),
                        "{target}: {error}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_host_that_would_become_another_is_refused() {
        for origin in ["https://2130706433", "https://0x7f.1", "https://h%41"] {
            let Ok(origin) = origin.parse::<Origin>() else { continue };
            assert!(exact_url(&origin, "/").is_err(), "{origin}");
        }
        let numbers: Origin = "https://2130706433".parse().expect("origin");
        assert!(exact_url(&numbers, "/").is_err());
    }
}
