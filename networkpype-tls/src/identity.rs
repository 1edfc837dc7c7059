use std::sync::Arc;

use networkpype_core::TlsIdentity;
use rustls::{
    client::ResolvesClientCert,
    crypto::CryptoProvider,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};

use crate::{
    error::{TlsError, TlsOption},
    roots::certificates,
};

/// Presents the client's certificate to whoever asks for one.
pub(crate) fn resolver(
    identity: &TlsIdentity,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ResolvesClientCert>, TlsError> {
    let chain = certificates(&identity.certificate_chain, TlsOption::IdentityCertificate)?;
    // Causes are left out where they could quote the key.
    let key = PrivateKeyDer::from_pem_slice(identity.private_key.expose_bytes()).map_err(|_| {
        TlsError::new(TlsOption::IdentityKey, "it is not a PKCS#8, PKCS#1 or SEC1 key in PEM")
    })?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| TlsError::new(TlsOption::IdentityKey, "it is not a usable key"))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Some keys cannot tell their public half; the server will judge.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(SingleCertAndKey::from(certified)))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::new(TlsOption::IdentityKey, "it does not belong to the certificate"))
        }
        Err(error) => {
            Err(TlsError::new(TlsOption::IdentityCertificate, "it cannot be used")
                .with_source(error))
        }
    }
}
