use crate::names::named;

/// How the text or the bytes of a private key hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum KeyEncoding {
    /// PEM. The default, and what most APIs hand out: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1
    /// (`EC PRIVATE KEY`), not encrypted. The two characters `\n` count as a line end, since environment variables hold
    /// them instead. Other sections are skipped, and the first private key is taken.
    #[default]
    Pem,
    /// The base64 between PEM's lines without them, with or without line ends and padding.
    DerBase64,
    /// The bytes that PEM encodes: PKCS#8, PKCS#1 or SEC1.
    Der,
    /// For Ed25519 the 32 bytes of the seed, or these and the 32 of the public key, which is checked; for ECDSA the
    /// private key as a big-endian number with its leading zeros. As base64, padded or not.
    SeedBase64,
    /// The same as base58 in Bitcoin's alphabet.
    SeedBase58,
    /// The same as hexadecimal.
    SeedHex,
    /// A JSON Web Key (RFC 7517) with its private and its public members. RSA keys need all of `p`, `q`, `dp`, `dq` and
    /// `qi`. What a key says of its use (`use`, `key_ops`, `alg`) is not looked at.
    Jwk,
}

named!(KeyEncoding, "encoding of keys", {
    Pem => "pem",
    DerBase64 => "der-base64",
    Der => "der",
    SeedBase64 => "seed-base64",
    SeedBase58 => "seed-base58",
    SeedHex => "seed-hex",
    Jwk => "jwk",
});
