use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use crate::names::named;

/// How the bytes of a digest become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum DigestEncoding {
    /// Lower-case hexadecimal. The default.
    #[default]
    Hex,
    /// Upper-case hexadecimal.
    HexUpper,
    /// Base64 with `+`, `/` and padding (RFC 4648, section 4).
    Base64,
    /// Base64 with `-` and `_`, without padding (RFC 4648, section 5, as JOSE uses it).
    Base64Url,
    /// Base64, with padding, of the lower-case hexadecimal text, as some APIs ask for it by mistake.
    Base64OfHex,
    /// Base58 in Bitcoin's alphabet.
    Base58,
}

named!(DigestEncoding, "encoding of digests", {
    Hex => "hex",
    HexUpper => "hex-upper",
    Base64 => "base64",
    Base64Url => "base64url",
    Base64OfHex => "base64-of-hex",
    Base58 => "base58",
});

impl DigestEncoding {
    /// `bytes` as text.
    ///
    /// ```
    /// use networkpype_auth::DigestEncoding;
    ///
    /// assert_eq!(DigestEncoding::Hex.encode(b"\xfb\xff"), "fbff");
    /// assert_eq!(DigestEncoding::HexUpper.encode(b"\xfb\xff"), "FBFF");
    /// assert_eq!(DigestEncoding::Base64.encode(b"\xfb\xff"), "+/8=");
    /// assert_eq!(DigestEncoding::Base64Url.encode(b"\xfb\xff"), "-_8");
    /// assert_eq!(DigestEncoding::Base64OfHex.encode(b"\xfb\xff"), "ZmJmZg==");
    /// assert_eq!(DigestEncoding::Base58.encode(b"\xfb\xff"), "LBG");
    /// ```
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => const_hex::encode(bytes),
            Self::HexUpper => const_hex::encode_upper(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
            Self::Base64OfHex => STANDARD.encode(const_hex::encode(bytes)),
            Self::Base58 => bs58::encode(bytes).into_string(),
        }
    }
}
