use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING,
    ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED_SIGNING,
    ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING,
    ED25519, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaParameters,
    VerificationAlgorithm,
};

use crate::names::named;

/// How an asymmetric key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// Ed25519 (RFC 8032): 64 bytes, the same for the same message.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017): as many bytes as the key, the same for the same message.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1 with the same hash, and a random salt as long as the digest (RFC 8017).
    /// It takes ordinary RSA keys; those whose PKCS#8 marks them for PSS alone are not read.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with the same hash, and a random salt as long as the digest.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1 with the same hash, and a random salt as long as the digest.
    RsaPssSha512,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5): another signature each time.
    EcdsaP256Sha256,
    /// ECDSA on P-384 with SHA-384: another signature each time.
    EcdsaP384Sha384,
    /// ECDSA on P-521 with SHA-512: another signature each time.
    EcdsaP521Sha512,
    /// ECDSA on secp256k1 with SHA-256: another signature each time, without a recovery id, and `s` may be high.
    EcdsaSecp256k1Sha256,
}

named!(SignatureAlgorithm, "signature algorithm", {
    Ed25519 => "ed25519",
    RsaPkcs1Sha256 => "rsa-pkcs1-sha256",
    RsaPkcs1Sha384 => "rsa-pkcs1-sha384",
    RsaPkcs1Sha512 => "rsa-pkcs1-sha512",
    RsaPssSha256 => "rsa-pss-sha256",
    RsaPssSha384 => "rsa-pss-sha384",
    RsaPssSha512 => "rsa-pss-sha512",
    EcdsaP256Sha256 => "ecdsa-p256-sha256",
    EcdsaP384Sha384 => "ecdsa-p384-sha384",
    EcdsaP521Sha512 => "ecdsa-p521-sha512",
    EcdsaSecp256k1Sha256 => "ecdsa-secp256k1-sha256",
});

impl SignatureAlgorithm {
    /// What it needs, in the library's terms.
    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::Ed25519 => Scheme::Ed25519,
            Self::RsaPkcs1Sha256 => Scheme::Rsa(&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256),
            Self::RsaPkcs1Sha384 => Scheme::Rsa(&RSA_PKCS1_SHA384, &RSA_PKCS1_2048_8192_SHA384),
            Self::RsaPkcs1Sha512 => Scheme::Rsa(&RSA_PKCS1_SHA512, &RSA_PKCS1_2048_8192_SHA512),
            Self::RsaPssSha256 => Scheme::Rsa(&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256),
            Self::RsaPssSha384 => Scheme::Rsa(&RSA_PSS_SHA384, &RSA_PSS_2048_8192_SHA384),
            Self::RsaPssSha512 => Scheme::Rsa(&RSA_PSS_SHA512, &RSA_PSS_2048_8192_SHA512),
            Self::EcdsaP256Sha256 => Scheme::Ecdsa(&P256),
            Self::EcdsaP384Sha384 => Scheme::Ecdsa(&P384),
            Self::EcdsaP521Sha512 => Scheme::Ecdsa(&P521),
            Self::EcdsaSecp256k1Sha256 => Scheme::Ecdsa(&SECP256K1),
        }
    }
}

/// A family of algorithms, with what tells its members apart.
#[derive(Clone, Copy)]
pub(super) enum Scheme {
    Ed25519,
    /// How it signs, and how it verifies.
    Rsa(&'static dyn RsaEncoding, &'static RsaParameters),
    Ecdsa(&'static Curve),
}

impl Scheme {
    pub(super) fn kind(self) -> KeyKind {
        match self {
            Self::Ed25519 => KeyKind::Ed25519,
            Self::Rsa(..) => KeyKind::Rsa,
            Self::Ecdsa(curve) => KeyKind::Ec(curve.name),
        }
    }

    /// What a JSON Web Key for it says of its kind (RFC 7518, section 6; RFC 8037, section 2).
    pub(super) fn jwk_members(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (kty, crv) = match self {
            Self::Ed25519 => ("OKP", Some("Ed25519")),
            Self::Rsa(..) => ("RSA", None),
            Self::Ecdsa(curve) => ("EC", Some(curve.name)),
        };
        [("kty", kty)].into_iter().chain(crv.map(|crv| ("crv", crv)))
    }

    /// How its signatures are verified: those of fixed width where there are two forms.
    pub(super) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &ED25519,
            Self::Rsa(_, parameters) => parameters,
            Self::Ecdsa(curve) => curve.verification,
        }
    }
}

pub(super) struct Curve {
    pub(super) name: &'static str,
    /// The bytes of a coordinate and of a private key.
    pub(super) size: usize,
    pub(super) fixed: &'static EcdsaSigningAlgorithm,
    pub(super) der: &'static EcdsaSigningAlgorithm,
    pub(super) verification: &'static EcdsaVerificationAlgorithm,
}

static P256: Curve = Curve {
    name: "P-256",
    size: 32,
    fixed: &ECDSA_P256_SHA256_FIXED_SIGNING,
    der: &ECDSA_P256_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256_SHA256_FIXED,
};

static P384: Curve = Curve {
    name: "P-384",
    size: 48,
    fixed: &ECDSA_P384_SHA384_FIXED_SIGNING,
    der: &ECDSA_P384_SHA384_ASN1_SIGNING,
    verification: &ECDSA_P384_SHA384_FIXED,
};

static SECP256K1: Curve = Curve {
    name: "secp256k1",
    size: 32,
    fixed: &ECDSA_P256K1_SHA256_FIXED_SIGNING,
    der: &ECDSA_P256K1_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256K1_SHA256_FIXED,
};

static P521: Curve = Curve {
    name: "P-521",
    size: 66,
    fixed: &ECDSA_P521_SHA512_FIXED_SIGNING,
    der: &ECDSA_P521_SHA512_ASN1_SIGNING,
    verification: &ECDSA_P521_SHA512_FIXED,
};

/// All of them, by which a key of the wrong kind is told apart.
pub(super) static KNOWN_CURVES: [&Curve; 4] = [&P256, &P384, &SECP256K1, &P521];

/// What a key is, for errors.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum KeyKind {
    Ed25519,
    Rsa,
    Ec(&'static str),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("an Ed25519 key"),
            Self::Rsa => f.write_str("an RSA key"),
            Self::Ec(curve) => write!(f, "an EC key on {curve}"),
        }
    }
}
