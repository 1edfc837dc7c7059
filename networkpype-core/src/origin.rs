use std::{fmt, net::IpAddr, str::FromStr};

use http::uri::Authority;

use crate::WireError;

/// Where a request goes: scheme, host and port (RFC 6454), with `ws` and `wss` counted as `http` and `https`.
///
/// Two origins are equal when credentials for one may go to the other: the host is compared in lower case and a
/// missing port is the scheme's default.
///
/// ```
/// use networkpype_core::Origin;
///
/// let rest: Origin = "https://API.example.com:443".parse()?;
/// let stream: Origin = "wss://api.example.com".parse()?;
/// assert_eq!(rest, stream);
/// assert_eq!(rest.to_string(), "https://api.example.com");
/// # Ok::<(), networkpype_core::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin that `url` begins with, and the rest of `url`.
    pub(crate) fn split(url: &str) -> Result<(Self, &str), WireError> {
        let (scheme, rest) = url.split_once("://").ok_or(WireError::url("it has no scheme"))?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(WireError::url("its scheme is not http, https, ws or wss")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err(WireError::url(
                "it holds a user name; give credentials to an `Auth`, or to `basic_auth` for a proxy",
            ));
        }
        let authority: Authority =
            authority.parse().map_err(|_| WireError::url("its host or port is not valid"))?;
        if authority.host().is_empty() {
            return Err(WireError::url("it has no host"));
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // `host:` and a port above 65535 parse as an authority without a usable port.
            None if authority.as_str().len() != authority.host().len() => {
                return Err(WireError::url("its port is not valid"));
            }
            None => default_port(secure),
        };
        let host = authority.host().to_ascii_lowercase();
        Ok((Self { secure, host, port }, rest))
    }

    /// Whether it is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host in lower case, an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's default where none was given.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host` or, with a port that is not the scheme's default, `host:port`: the value of the `Host` header.
    pub fn authority(&self) -> String {
        if self.port == default_port(self.secure) {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether it is this machine itself: `localhost` or a loopback address. Names below `localhost` do not count:
    /// resolvers differ about them.
    pub fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }
}

impl FromStr for Origin {
    type Err = WireError;

    fn from_str(text: &str) -> Result<Self, WireError> {
        match Self::split(text)? {
            (origin, "" | "/") => Ok(origin),
            _ => Err(WireError::url("an origin has neither path nor query")),
        }
    }
}

/// Which origins may receive credentials, beside the one that a manager is for.
///
/// ```
/// use networkpype_core::OriginPattern;
///
/// let own = OriginPattern::hosts_of("*.example.com")?;
/// assert!(own.matches(&"https://fapi.example.com".parse()?));
/// assert!(!own.matches(&"https://example.com".parse()?));
/// assert!(!own.matches(&"https://example.com.evil.net".parse()?));
/// assert!(!own.matches(&"http://fapi.example.com".parse()?));
/// # Ok::<(), networkpype_core::WireError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern(Pattern);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(Origin),
    /// `.example.com`: every host that ends so, over TLS on the default port.
    Below(String),
}

impl OriginPattern {
    /// Exactly `origin`, such as `https://fapi.example.com`.
    ///
    /// # Errors
    /// When `origin` is not scheme, host and optional port.
    pub fn exactly(origin: &str) -> Result<Self, WireError> {
        Ok(Self(Pattern::Exact(origin.parse()?)))
    }

    /// Every host below a domain, written `*.example.com`, over TLS on port 443. The domain itself is not among them.
    ///
    /// # Errors
    /// When `pattern` is not `*.` and a domain of at least two labels: `*.com` would hand credentials to anyone.
    pub fn hosts_of(pattern: &str) -> Result<Self, WireError> {
        let domain = pattern
            .strip_prefix("*.")
            .filter(|domain| {
                domain.split('.').count() >= 2
                    && domain.split('.').all(|label| {
                        !label.is_empty()
                            && label
                                .bytes()
                                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                    })
            })
            .ok_or(WireError::origin_pattern())?;
        Ok(Self(Pattern::Below(format!(".{}", domain.to_ascii_lowercase()))))
    }

    /// Whether `origin` is one of them.
    pub fn matches(&self, origin: &Origin) -> bool {
        match &self.0 {
            Pattern::Exact(exact) => exact == origin,
            Pattern::Below(suffix) => {
                origin.secure
                    && origin.port == 443
                    && origin.host.len() > suffix.len()
                    && origin.host.ends_with(suffix)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let parse = |text: &str| text.parse::<Origin>();
        assert_eq!(parse("http://h"), parse("ws://H:80/"));
        assert_eq!(parse("wss://h:8443"), parse("https://h:8443"));
        assert_ne!(parse("http://h"), parse("https://h"));
        assert_ne!(parse("https://h"), parse("https://h:444"));
        assert_eq!(parse("https://[::1]:9").map(|o| o.authority()), Ok("[::1]:9".to_owned()));
    }

    #[test]
    fn what_is_not_an_origin_is_refused_without_echoing_it() {
        for text in [
            "h",
            "ftp://h",
            "https://",
            "https://h:",
            "https://h:99999",
            "https://u:p@h",
            "https://h/path",
            "https://h?x",
            "https://ex ample",
            "https://h:port",
        ] {
            let error = text.parse::<Origin>().expect_err(text).to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn loopback_is_recognised_by_name_and_address() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://a.localhost", false),
            ("http://127.9.9.9", true),
            ("http://[::1]", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn a_pattern_over_a_whole_top_level_domain_is_refused() {
        for text in ["*", "*.com", "*.", "example.com", "*.*.com", "*..com", "*.exa mple.com"] {
            assert!(OriginPattern::hosts_of(text).is_err(), "{text}");
        }
    }
}
