use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

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
}

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
    /// ```
    pub fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => const_hex::encode(bytes),
            Self::HexUpper => const_hex::encode_upper(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}
