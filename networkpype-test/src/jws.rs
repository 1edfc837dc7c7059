//! What does a signed token say, and did this key sign it (RFC 7515)? ES256 alone. Written without a look at the
//! client's side.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::Digest;
use serde_json::Value;
use sha2::Sha256;

/// A token in its compact form, read and not yet verified.
pub(crate) struct Jws {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Jws {
    /// None if it is not three texts in base64url, of which the first two are JSON.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        Some(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Whether it says that it is signed with ES256, and this key did it.
    pub(crate) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let verifier = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.point());
        self.header["alg"] == "ES256"
            && verifier.verify(self.signed.as_bytes(), &self.signature).is_ok()
    }
}

/// A public key for ES256.
pub(crate) struct PublicKey {
    x: Vec<u8>,
    y: Vec<u8>,
}

impl PublicKey {
    /// None if it is a key of another kind, or holds the private half.
    pub(crate) fn from_jwk(jwk: &Value) -> Option<Self> {
        let is_ours = jwk["kty"] == "EC" && jwk["crv"] == "P-256" && jwk.get("d").is_none();
        let coordinate = |name: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok()?;
            (bytes.len() == 32).then_some(bytes)
        };
        is_ours.then_some(())?;
        Some(Self { x: coordinate("x")?, y: coordinate("y")? })
    }

    /// RFC 7638: the members that are needed, sorted, hashed.
    pub(crate) fn thumbprint(&self) -> String {
        let (x, y) = (URL_SAFE_NO_PAD.encode(&self.x), URL_SAFE_NO_PAD.encode(&self.y));
        hash(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }

    /// Not compressed: SEC 1, section 2.3.3.
    fn point(&self) -> Vec<u8> {
        [&[4], self.x.as_slice(), &self.y].concat()
    }
}

/// SHA-256 in base64url, as thumbprints and `ath` are.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 7515, appendix A.3.
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn key() -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        })
    }

    #[test]
    fn the_token_of_rfc_7515_is_signed_by_its_key_and_no_changed_one_is() {
        let key = PublicKey::from_jwk(&key()).unwrap();
        let token = Jws::read(TOKEN).unwrap();
        assert!(token.is_signed_by(&key));
        assert_eq!(token.claims["iss"], "joe");
        // Another `exp`, another algorithm's name, and another signature.
        for (from, to) in [("MDA4", "MDA5"), ("FUzI1", "FUzM4"), (".DtEh", ".DtEg")] {
            assert!(!Jws::read(&TOKEN.replacen(from, to, 1)).unwrap().is_signed_by(&key), "{to}");
        }
    }

    #[test]
    fn what_is_no_token_or_no_public_key_is_not_read() {
        for text in ["", "a.b", "e30.e30.!", "e30.e30=.e30", "e30.e30.e30.e30", "e30.eyI.e30"] {
            assert!(Jws::read(text).is_none(), "{text}");
        }
        for (name, value) in
            [("kty", "RSA"), ("crv", "P-384"), ("x", "AAAA"), ("y", "=="), ("d", "AAAA")]
        {
            let mut changed = key();
            changed[name] = value.into();
            assert!(PublicKey::from_jwk(&changed).is_none(), "{name}");
        }
    }

    /// The key of the proof in section 4.1, and the `jkt` in section 6.1.
    #[test]
    fn the_thumbprint_of_rfc_9449_is_made_again() {
        let jwk = json!({
            "kty": "EC",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
            "crv": "P-256",
        });
        let thumbprint = PublicKey::from_jwk(&jwk).unwrap().thumbprint();
        assert_eq!(thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }
}
