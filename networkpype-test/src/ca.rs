//! Whom do tests trust? A certificate authority that lives as long as the test.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A test certificate authority.
#[derive(Debug)]
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, both as PEM.
#[derive(Clone, Debug)]
pub struct IssuedCert {
    /// The certificate alone; its issuer is [`TestCa::pem`].
    pub cert_pem: String,
    /// The private key, as PKCS #8.
    pub key_pem: String,
    cert: CertificateDer<'static>,
    key: Vec<u8>,
}

impl TestCa {
    /// A new authority with a key of its own.
    #[allow(clippy::new_without_default, reason = "a default that draws a key would surprise")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = new_key();
        // No two have one name, or a server would check a certificate of the one by the key of the other.
        let own: String = key.public_key_raw().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("NetworkPype test CA {}", &own[own.len() - 16..]);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the CA can be signed");
        let pem = issuer.pem();
        Self { issuer, pem }
    }

    /// The authority's certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server certificate for these host names and addresses.
    pub fn issue(&self, names: &[&str]) -> IssuedCert {
        self.sign(server_params(names))
    }

    /// The same, but its time ended in 2001.
    pub fn issue_expired(&self, names: &[&str]) -> IssuedCert {
        let mut params = server_params(names);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    /// A client certificate with this common name.
    pub fn issue_client(&self, name: &str) -> IssuedCert {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(params)
    }

    /// A server that shows a new certificate for these names.
    pub fn server_config(&self, names: &[&str]) -> Arc<ServerConfig> {
        self.issue(names).server_config()
    }

    /// The same, and it demands a client certificate of this authority.
    pub fn server_config_with_client_auth(&self, names: &[&str]) -> Arc<ServerConfig> {
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider())
            .build()
            .expect("the CA can verify clients");
        let issued = self.issue(names);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![issued.cert.clone()], issued.private_key())
            .expect("the key belongs to the certificate");
        for_http(config)
    }

    /// A client that trusts this authority and nobody else.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        Arc::new(config)
    }

    /// The same, and it shows this certificate when asked for one.
    pub fn client_config_with(&self, issued: &IssuedCert) -> Arc<ClientConfig> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_root_certificates(self.roots())
            .with_client_auth_cert(vec![issued.cert.clone()], issued.private_key())
            .expect("the key belongs to the certificate");
        Arc::new(config)
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("the CA is a root");
        Arc::new(roots)
    }

    fn sign(&self, params: CertificateParams) -> IssuedCert {
        let key = new_key();
        let cert = params.signed_by(&key, &self.issuer).expect("the CA can sign");
        IssuedCert {
            cert_pem: cert.pem(),
            key_pem: key.serialize_pem(),
            cert: cert.der().clone(),
            key: key.serialize_der(),
        }
    }
}

impl IssuedCert {
    /// A server that shows this certificate.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.cert.clone()], self.private_key())
            .expect("the key belongs to the certificate");
        for_http(config)
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }
}

fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are host names or addresses");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

fn for_http(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Named each time: with two providers in the graph rustls refuses to choose.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
