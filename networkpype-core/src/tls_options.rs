use std::fmt;

use crate::{Origin, Secret, WireError, show::Size};

/// Which servers to trust over TLS and who to be, as plain data. `networkpype-tls` makes a configuration of it, the
/// same for REST and WebSocket.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Certificates in PEM that are trusted beside, or instead of, the platform's.
    pub root_certificates: Vec<String>,
    /// Trusts only `root_certificates`, not the platform's. Default: the platform's too.
    pub only_these_roots: bool,
    /// The certificate chain and private key in PEM that prove who the client is (mutual TLS). Default: none.
    pub identity: Option<TlsIdentity>,
    /// Refuses TLS 1.2. Default: 1.2 and 1.3.
    pub only_tls_13: bool,
}

/// A client's certificate and key.
#[derive(Clone)]
#[non_exhaustive]
pub struct TlsIdentity {
    /// The certificate chain in PEM, the client's own first.
    pub certificate_chain: String,
    /// Its private key in PEM: PKCS#8, PKCS#1 or SEC1.
    pub private_key: Secret,
}

impl TlsOptions {
    /// The defaults: the platform's roots, no client certificate, TLS 1.2 and 1.3.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in `pem` too.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<String>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Trusts none but the certificates given.
    #[must_use]
    pub fn only_these_roots(mut self) -> Self {
        self.only_these_roots = true;
        self
    }

    /// Presents this certificate chain and key, both in PEM.
    #[must_use]
    pub fn identity(
        mut self,
        certificate_chain: impl Into<String>,
        private_key: impl Into<Secret>,
    ) -> Self {
        self.identity = Some(TlsIdentity {
            certificate_chain: certificate_chain.into(),
            private_key: private_key.into(),
        });
        self
    }

    /// Refuses TLS 1.2.
    #[must_use]
    pub fn only_tls_13(mut self) -> Self {
        self.only_tls_13 = true;
        self
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Chain and key often come in one file.
        f.debug_struct("TlsIdentity")
            .field("certificate_chain", &Size(self.certificate_chain.len()))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("root_certificates", &self.root_certificates.len())
            .field("only_these_roots", &self.only_these_roots)
            .field("identity", &self.identity)
            .field("only_tls_13", &self.only_tls_13)
            .finish()
    }
}

/// An HTTP proxy to go through, as plain data. No proxy is ever taken from the environment.
///
/// Plain requests to this machine itself go past it: they may hold credentials that only this machine may see.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    url: Origin,
    credentials: Option<(String, Secret)>,
}

impl ProxyOptions {
    /// The proxy at `url`, such as `http://proxy.local:3128`.
    ///
    /// # Errors
    /// When `url` is not `http`, host and port, or holds credentials: those go into
    /// [`basic_auth`](Self::basic_auth).
    pub fn new(url: &str) -> Result<Self, WireError> {
        if !url.to_ascii_lowercase().starts_with("http://") {
            return Err(WireError::url("a proxy is reached by http"));
        }
        Ok(Self { url: url.parse()?, credentials: None })
    }

    /// Answers the proxy's challenge with this user and password (Basic). They never reach the origin.
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// Where the proxy is.
    pub fn url(&self) -> &Origin {
        &self.url
    }

    /// The user and password for the proxy itself.
    pub fn credentials(&self) -> Option<(&str, &Secret)> {
        self.credentials.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    /// Whether a request to `target` goes past the proxy: a plain one to this machine itself.
    pub fn bypasses(target: &Origin) -> bool {
        target.is_loopback() && !target.is_secure()
    }
}
