use networkpype_core::{AuthError, Secret};
use rustls_pki_types::pem::{PemObject, SectionKind};

use super::refused;
use crate::buffer::WipedBuffer;

/// The DER of the first private key in `text`.
///
/// The reader keeps its own copy of the base64 while it reads, which cannot be wiped from here.
pub(super) fn private_key(text: &Secret) -> Result<Secret, AuthError> {
    let text = with_line_ends(text, b"\n");
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.expose_bytes()) {
        // The reader's own errors quote lines and bytes of the text, so they go no further.
        let Ok((kind, bytes)) = section else {
            return Err(not_plain(&text).unwrap_or_else(|| {
                refused("the key is not PEM: a line is damaged, or the last one (-----END ...) is missing")
            }));
        };
        let der = Secret::from(bytes);
        match kind {
            SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
                return Ok(der);
            }
            SectionKind::PublicKey => found = Some("a public key"),
            _ => found = Some("a certificate or the like"),
        }
    }
    Err(not_plain(&text).unwrap_or_else(|| match found {
        Some(what) => refused(format!("this is {what}, and the private key is needed")),
        None => refused("the key is not PEM: no line says -----BEGIN PRIVATE KEY-----"),
    }))
}

/// The DER of the first public key in `text`: SubjectPublicKeyInfo, or PKCS#1's own for RSA.
pub(super) fn public_key(text: &str) -> Result<Vec<u8>, AuthError> {
    // The reader knows the one mark and not the other; whoever parses the DER tells them apart.
    let text = text.replace(" RSA PUBLIC KEY-----", " PUBLIC KEY-----");
    let text = with_line_ends(&Secret::from(text), b"\n");
    let mut found = "the key is not PEM: no line says -----BEGIN PUBLIC KEY-----";
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.expose_bytes()) {
        match section {
            Ok((SectionKind::PublicKey, der)) => return Ok(der),
            Ok((
                SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey,
                der,
            )) => {
                drop(Secret::from(der));
                found =
                    "this is a private key, and the public key is needed: verifiers need no secret";
            }
            Ok(_) => {
                found = "this is a certificate or the like, and the public key in it is needed: `openssl x509 -pubkey` \
                         prints it";
            }
            Err(_) => {
                found = "the key is not PEM: a line is damaged, or the last one (-----END ...) is missing";
                break;
            }
        }
    }
    Err(refused(found))
}

/// What to say of private keys that PEM can hold and this cannot read.
fn not_plain(text: &Secret) -> Option<AuthError> {
    let has = |mark: &[u8]| text.expose_bytes().windows(mark.len()).any(|window| window == mark);
    if has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Some(refused(
            "the key is encrypted with a passphrase: decrypt it first, as `openssl pkey` does",
        ));
    }
    has(b"-----BEGIN OPENSSH PRIVATE KEY-----").then(|| {
        refused("the key is in OpenSSH's own format: convert it to PKCS#8 first, as `ssh-keygen -p -m PKCS8` does")
    })
}

/// `text` with `line_end` in place of the two characters `\n` and `\r`, and of real line ends.
pub(super) fn with_line_ends(text: &Secret, line_end: &[u8]) -> Secret {
    let mut rest = text.expose_bytes();
    let mut clean = WipedBuffer::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(b'n' | b'r')) => {
                rest = &after[1..];
                clean.push(line_end);
            }
            (b'\n' | b'\r', _) => clean.push(line_end),
            _ => clean.push(&[byte]),
        }
    }
    clean.into_secret()
}
