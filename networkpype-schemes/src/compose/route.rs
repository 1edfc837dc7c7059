use networkpype_core::{Origin, RestRequest};

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
    /// Requests to this host. `*` stands for anything: `*.example.com`.
    pub fn host(host: &str) -> Self {
        Self::default().and_host(host)
    }

    /// Requests with this path, as it is sent. `*` stands for anything but a slash, `**` for anything.
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
