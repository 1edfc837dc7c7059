use networkpype_core::{AuthError, AuthErrorKind, Origin, RestRequest};

use crate::glob::Glob;

/// Which requests are meant: by host, path and method. What is not said matches everything.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AuthRoute {
    host: Option<Glob>,
    path: Option<Glob>,
    method: Option<String>,
}

impl AuthRoute {
    /// Requests to this host: without scheme, port or path. `*` stands for anything: `*.example.com`.
    pub fn host(host: &str) -> Self {
        Self::default().and_host(host)
    }

    /// Requests with this path, as it is sent: percent-encoded, with a slash before it, without a query. `*` stands for anything but a slash, `**` for anything.
    pub fn path(path: &str) -> Self {
        Self::default().and_path(path)
    }

    /// Requests with this method.
    pub fn method(method: &str) -> Self {
        Self::default().and_method(method)
    }

    /// Of these, those to this host.
    pub fn and_host(mut self, host: &str) -> Self {
        self.host = Some(Glob::new(&host.to_ascii_lowercase()));
        self
    }

    /// Of these, those with this path.
    pub fn and_path(mut self, path: &str) -> Self {
        self.path = Some(Glob::new(path));
        self
    }

    /// Of these, those with this method.
    pub fn and_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// What no request can have, if there is such in it.
    pub(super) fn check(&self) -> Result<(), AuthError> {
        let wrong = self
            .host
            .as_ref()
            .and_then(|host| wrong_host(host.pattern()))
            .or_else(|| self.path.as_ref().and_then(|path| wrong_path(path.pattern())))
            .or_else(|| self.method.as_deref().and_then(wrong_method));
        match wrong {
            None => Ok(()),
            Some(why) => {
                let message = format!("a route matches no request: {why}");
                Err(AuthError::new(AuthErrorKind::Configuration, message))
            }
        }
    }

    pub(super) fn matches(&self, request: &RestRequest) -> bool {
        self.method.as_ref().is_none_or(|method| method == request.method().as_str())
            && self.path.as_ref().is_none_or(|path| path.matches(request.path()))
            && match request.origin() {
                Some(origin) => self.is_for(origin),
                None => self.host.is_none(),
            }
    }

    /// Whether requests to `origin` may be meant.
    pub(super) fn is_for(&self, origin: &Origin) -> bool {
        self.host.as_ref().is_none_or(|host| host.matches(origin.host()))
    }
}

/// Why no request goes to this host.
fn wrong_host(host: &str) -> Option<String> {
    // An IPv6 address stands in brackets, colons and all.
    let outside = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    let why = if host.is_empty() {
        "its host is empty: leave it out where any will do"
    } else if host.contains("://") {
        "its host has a scheme before it: write the host alone, such as `api.example.com`"
    } else if host.contains(['/', '?', '#']) {
        "its host has a slash, a query or a fragment: say a path with `and_path`"
    } else if outside.contains(':') {
        "its host has a port, or is an IPv6 address without brackets: write the host alone; ports are not told apart"
    } else if host.contains(|it: char| it == '@' || it.is_whitespace() || it.is_control()) {
        "its host has a character that no host has"
    } else {
        return None;
    };
    Some(format!("{why} (`{}`)", host.escape_debug()))
}

/// Why no request has this path.
fn wrong_path(path: &str) -> Option<String> {
    let why = if !["/", "**", "*/"].into_iter().any(|begin| path.starts_with(begin)) {
        "its path has no slash before it"
    } else if path.contains(['?', '#']) {
        "its path has a query or a fragment, which routes do not look at"
    } else if !path.bytes().all(|it| it.is_ascii_graphic()) {
        "its path has a character that is sent percent-encoded: write it so"
    } else {
        return None;
    };
    Some(format!("{why} (`{}`)", path.escape_debug()))
}

/// Why no request has this method.
fn wrong_method(method: &str) -> Option<String> {
    let is_one = http::Method::from_bytes(method.as_bytes()).is_ok();
    (!is_one).then(|| format!("its method is none (`{}`)", method.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_request_can_have_is_told_from_what_one_may() {
        for (route, reason) in [
            (AuthRoute::host("https://api.example.com"), Some("scheme")),
            (AuthRoute::host("api.example.com/v1"), Some("slash")),
            (AuthRoute::host("api.example.com:8443"), Some("port")),
            (AuthRoute::host("::1"), Some("brackets")),
            (AuthRoute::host("[::1]:80"), Some("port")),
            (AuthRoute::host("a b"), Some("character")),
            (AuthRoute::host(""), Some("empty")),
            (AuthRoute::host("[::1]"), None),
            (AuthRoute::host("*.Example.com"), None),
            (AuthRoute::host("*"), None),
            (AuthRoute::path("v1/*"), Some("slash before it (`v1/*`)")),
            (AuthRoute::path(""), Some("slash")),
            (AuthRoute::path("*"), Some("slash")),
            (AuthRoute::path("/v1?a=1"), Some("query")),
            (AuthRoute::path("/\u{fc}"), Some("percent-encoded")),
            (AuthRoute::path("**"), None),
            (AuthRoute::path("**/listenKey"), None),
            (AuthRoute::path("*/v1"), None),
            (AuthRoute::path("/a%20b"), None),
            (AuthRoute::method("get it"), Some("method")),
            (AuthRoute::method(""), Some("method")),
            (AuthRoute::method("purge"), None),
            (AuthRoute::host("h").and_path("v1"), Some("slash")),
        ] {
            match (route.check(), reason) {
                (Ok(()), None) => {}
                (Err(error), Some(reason)) => {
                    assert!(error.to_string().contains(reason), "{reason}: {error}");
                }
                (found, _) => panic!("{route:?}: {found:?}"),
            }
        }
    }
}
