use std::sync::Arc;

use networkpype_core::TlsOptions;
use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};

use crate::{
    error::{TlsError, TlsOption},
    identity, roots,
};

/// The rustls configuration that `options` ask for, offering the application protocols `alpn`, the preferred first.
///
/// Reads the platform's roots, which takes some milliseconds: make one configuration and share it.
///
/// # Errors
/// When a certificate or key cannot be used, when `only_these_roots` is set and there are none, or when the platform
/// has no roots and none were given. The error names the option.
pub fn client_config(options: &TlsOptions, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    // Never the process default: it panics with no backend, or two, in the program's graph.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions = if options.only_tls_13 { &[&TLS13][..] } else { &[&TLS13, &TLS12][..] };
    let verifier = roots::verifier(options, &provider)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| TlsError::new(TlsOption::Versions, "not supported").with_source(error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            builder.with_client_cert_resolver(identity::resolver(identity, &provider)?)
        }
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

/// A configuration that refuses every server: for a transport that has to be given one and must not use it.
///
/// # Errors
/// When the provider supports no version of TLS, which aws-lc-rs does.
pub fn refusing_everyone() -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::new(TlsOption::Versions, "not supported").with_source(error))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use networkpype_core::Secret;

    use super::*;

    const ALPN: &[&[u8]] = &[b"http/1.1"];

    fn certificate() -> (String, String) {
        let issued =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("certificate");
        (issued.cert.pem(), issued.signing_key.serialize_pem())
    }

    fn refused(options: &TlsOptions) -> TlsError {
        client_config(options, ALPN).map(|_| ()).expect_err("refused")
    }

    #[test]
    fn a_private_root_alone_is_enough() {
        let (root, _) = certificate();
        let options = TlsOptions::new().root_certificate(root).only_these_roots();
        let config = client_config(&options, ALPN).expect("config");
        assert_eq!(config.alpn_protocols, ALPN);
        assert!(!config.client_auth_cert_resolver.has_certs());
    }

    /// Where the platform's roots are is read from the environment, which only another process can have changed.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_root_beside_the_platforms_works_without_a_platform_store() {
        const NAME: &str =
            "config::tests::a_root_beside_the_platforms_works_without_a_platform_store";
        if std::env::var_os("NETWORKPYPE_TLS_NO_STORE").is_none() {
            let program = std::env::current_exe().expect("the test's own program");
            let output = std::process::Command::new(program)
                .args(["--exact", NAME])
                .env("NETWORKPYPE_TLS_NO_STORE", "1")
                .env("SSL_CERT_FILE", "/nowhere/certificates.pem")
                .env("SSL_CERT_DIR", "/nowhere")
                .output()
                .expect("the program runs");
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
            return;
        }
        assert_eq!(refused(&TlsOptions::new()).option(), TlsOption::RootCertificates);
        let (root, _) = certificate();
        client_config(&TlsOptions::new().root_certificate(root), ALPN).expect("config");
    }

    #[test]
    fn several_roots_may_stand_in_one_text() {
        let ((one, _), (two, _)) = (certificate(), certificate());
        let options = TlsOptions::new().root_certificate(one + &two).only_these_roots();
        client_config(&options, ALPN).expect("config");
    }

    #[test]
    fn only_these_roots_without_any_is_an_error() {
        let error = refused(&TlsOptions::new().only_these_roots());
        assert_eq!(error.option(), TlsOption::OnlyTheseRoots);
    }

    #[test]
    fn a_bad_root_is_named_by_its_place() {
        let (good, _) = certificate();
        let corrupt = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for bad in ["", "c4nary", corrupt, "-----BEGIN CERTIFICATE-----\nc4nary!\n"] {
            for only in [true, false] {
                let mut options =
                    TlsOptions::new().root_certificate(good.clone()).root_certificate(bad);
                options.only_these_roots = only;
                let error = refused(&options);
                assert_eq!(error.option(), TlsOption::RootCertificate(1), "{bad:?}");
                assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
            }
        }
    }

    #[test]
    fn a_client_certificate_is_presented() {
        let (root, _) = certificate();
        let (chain, key) = certificate();
        let options =
            TlsOptions::new().root_certificate(root).only_these_roots().identity(chain, key);
        let config = client_config(&options, ALPN).expect("config");
        assert!(config.client_auth_cert_resolver.has_certs());
    }

    #[test]
    fn a_bad_identity_is_named_and_not_shown() {
        let (root, _) = certificate();
        let (chain, key) = certificate();
        let (other_chain, _) = certificate();
        let corrupt = "-----BEGIN PRIVATE KEY-----\nc4nary\n-----END PRIVATE KEY-----\n";
        let unusable = "-----BEGIN PRIVATE KEY-----\nYzRuYXJ5\n-----END PRIVATE KEY-----\n";
        for (chain, key, option) in [
            ("", key.as_str(), TlsOption::IdentityCertificate),
            ("c4nary", &key, TlsOption::IdentityCertificate),
            (&chain, "", TlsOption::IdentityKey),
            (&chain, "c4nary", TlsOption::IdentityKey),
            (&chain, corrupt, TlsOption::IdentityKey),
            (&chain, unusable, TlsOption::IdentityKey),
            (&other_chain, &key, TlsOption::IdentityKey),
        ] {
            let options = TlsOptions::new()
                .root_certificate(root.clone())
                .only_these_roots()
                .identity(chain, Secret::new(key));
            let error = refused(&options);
            assert_eq!(error.option(), option, "{error}");
            assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
        }
    }
}
