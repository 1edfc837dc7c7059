use std::{error::Error as StdError, fmt, io, sync::Arc};

/// Which of [`TlsOptions`](networkpype_core::TlsOptions) cannot be used, and why. Shows nothing of what was in it.
#[derive(Clone, Debug)]
pub struct TlsError {
    option: TlsOption,
    problem: &'static str,
    source: Option<Arc<rustls::Error>>,
}

/// An option of [`TlsOptions`](networkpype_core::TlsOptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsOption {
    /// The `root_certificate` with this index, counted from 0 in the order in which they were given.
    RootCertificate(usize),
    /// The roots as a whole, the platform's included.
    RootCertificates,
    /// `only_these_roots`.
    OnlyTheseRoots,
    /// The certificate chain of `identity`.
    IdentityCertificate,
    /// The private key of `identity`.
    IdentityKey,
    /// `only_tls_13`.
    Versions,
}

impl TlsError {
    pub(crate) fn new(option: TlsOption, problem: &'static str) -> Self {
        Self { option, problem, source: None }
    }

    pub(crate) fn with_source(mut self, source: impl IntoRustls) -> Self {
        self.source = Some(Arc::new(source.into_rustls()));
        self
    }

    /// The option at fault.
    pub fn option(&self) -> TlsOption {
        self.option
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.option {
            TlsOption::RootCertificate(index) => write!(f, "root certificate {index}"),
            TlsOption::RootCertificates => f.write_str("root certificates"),
            TlsOption::OnlyTheseRoots => f.write_str("only these roots"),
            TlsOption::IdentityCertificate => f.write_str("identity certificate"),
            TlsOption::IdentityKey => f.write_str("identity key"),
            TlsOption::Versions => f.write_str("versions"),
        }?;
        write!(f, ": {}", self.problem)
    }
}

impl StdError for TlsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What rustls reports, as its one error type.
pub(crate) trait IntoRustls {
    fn into_rustls(self) -> rustls::Error;
}

impl IntoRustls for rustls::Error {
    fn into_rustls(self) -> rustls::Error {
        self
    }
}

impl IntoRustls for rustls::client::VerifierBuilderError {
    fn into_rustls(self) -> rustls::Error {
        rustls::Error::General(self.to_string())
    }
}

/// Whether `error`, or a cause of it, is a failure of TLS: an untrusted, expired or wrong certificate, an alert, or no
/// common version.
pub fn is_tls_failure(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |error| next_cause(*error))
        .any(|error| error.is::<rustls::Error>())
}

/// `io::Error` gives its inner error's source for its own, and so hides the inner error from `source`.
fn next_cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_tls_is_found_inside_io_errors() {
        let tls = || io::Error::other(rustls::Error::DecryptError);
        assert!(is_tls_failure(&tls()));
        assert!(is_tls_failure(&io::Error::other(tls())));
        assert!(!is_tls_failure(&io::Error::other("something else")));
    }
}
