use crate::{HmacAlgorithm, SignatureAlgorithm, names::named};

/// How a token is signed (RFC 7518, section 3.1; RFC 8037; RFC 8812). `none` is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JwtAlgorithm {
    /// HMAC-SHA-256.
    Hs256,
    /// HMAC-SHA-384.
    Hs384,
    /// HMAC-SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// ECDSA on secp256k1 with SHA-256.
    Es256K,
    /// Ed25519. Tokens are signed as `EdDSA` (RFC 8037), and `Ed25519` (RFC 9864) is read too.
    EdDsa,
}

named!(JwtAlgorithm, "JWT algorithm", {
    Hs256 => "HS256",
    Hs384 => "HS384",
    Hs512 => "HS512",
    Rs256 => "RS256",
    Rs384 => "RS384",
    Rs512 => "RS512",
    Ps256 => "PS256",
    Ps384 => "PS384",
    Ps512 => "PS512",
    Es256 => "ES256",
    Es384 => "ES384",
    Es512 => "ES512",
    Es256K => "ES256K",
    EdDsa => "EdDSA" | "Ed25519",
});

impl JwtAlgorithm {
    /// What a shared secret signs with, `None` for algorithms that take a private key.
    pub fn hmac_algorithm(self) -> Option<HmacAlgorithm> {
        match self {
            Self::Hs256 => Some(HmacAlgorithm::Sha256),
            Self::Hs384 => Some(HmacAlgorithm::Sha384),
            Self::Hs512 => Some(HmacAlgorithm::Sha512),
            _ => None,
        }
    }

    /// What a private key signs with, `None` for algorithms that take a shared secret.
    pub fn signature_algorithm(self) -> Option<SignatureAlgorithm> {
        match self {
            Self::Hs256 | Self::Hs384 | Self::Hs512 => None,
            Self::Rs256 => Some(SignatureAlgorithm::RsaPkcs1Sha256),
            Self::Rs384 => Some(SignatureAlgorithm::RsaPkcs1Sha384),
            Self::Rs512 => Some(SignatureAlgorithm::RsaPkcs1Sha512),
            Self::Ps256 => Some(SignatureAlgorithm::RsaPssSha256),
            Self::Ps384 => Some(SignatureAlgorithm::RsaPssSha384),
            Self::Ps512 => Some(SignatureAlgorithm::RsaPssSha512),
            Self::Es256 => Some(SignatureAlgorithm::EcdsaP256Sha256),
            Self::Es384 => Some(SignatureAlgorithm::EcdsaP384Sha384),
            Self::Es512 => Some(SignatureAlgorithm::EcdsaP521Sha512),
            Self::Es256K => Some(SignatureAlgorithm::EcdsaSecp256k1Sha256),
            Self::EdDsa => Some(SignatureAlgorithm::Ed25519),
        }
    }
}
