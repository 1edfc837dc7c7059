use std::sync::Arc;

use networkpype_core::TlsOptions;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::{TlsError, TlsOption};

/// Decides which servers are who they say.
pub(crate) fn verifier(
    options: &TlsOptions,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let mut store = RootCertStore::empty();
    let mut extra = Vec::new();
    for (index, pem) in options.root_certificates.iter().enumerate() {
        for certificate in certificates(pem, TlsOption::RootCertificate(index))? {
            // The platform's verifier would not say which one it is that cannot be a root.
            store.add(certificate.clone()).map_err(|error| {
                TlsError::new(TlsOption::RootCertificate(index), "it cannot be a root")
                    .with_source(error)
            })?;
            extra.push(certificate);
        }
    }
    if !options.only_these_roots {
        let verifier =
            Verifier::new_with_extra_roots(extra, Arc::clone(provider)).map_err(|error| {
                TlsError::new(
                    TlsOption::RootCertificates,
                    "the platform has none, and none were given",
                )
                .with_source(error)
            })?;
        return Ok(Arc::new(verifier));
    }
    if store.is_empty() {
        return Err(TlsError::new(TlsOption::OnlyTheseRoots, "no root certificates were given"));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(store.into(), Arc::clone(provider))
        .build()
        .map_err(|error| {
            TlsError::new(TlsOption::OnlyTheseRoots, "they cannot be used").with_source(error)
        })?;
    Ok(verifier)
}

/// All certificates in `pem`, of which there must be one at least.
pub(crate) fn certificates(
    pem: &str,
    option: TlsOption,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        // The cause is left out: it quotes the text.
        .map_err(|_| TlsError::new(option, "it is not PEM"))?;
    if certificates.is_empty() {
        return Err(TlsError::new(option, "there is no certificate in it"));
    }
    Ok(certificates)
}
