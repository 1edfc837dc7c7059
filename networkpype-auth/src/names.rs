//! The names that configuration files use for what is an enum here.

/// Gives an enum the names of its variants, to read and to write. A variant without a name does not compile. Further names,
/// behind `|`, are read alone.
macro_rules! named {
    ($type:ident, $what:literal, { $($variant:ident => $name:literal $(| $also:literal)*),+ $(,)? }) => {
        impl $type {
            /// Its name in configuration files, which it is read from by [`FromStr`](std::str::FromStr).
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = networkpype_core::AuthError;

            /// Reads what [`as_str`](Self::as_str) writes, and further names that a standard has for it: case matters.
            ///
            /// # Errors
            /// When there is no such name. The error lists those there are, and does not repeat the text.
            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($name $(| $also)* => Ok(Self::$variant),)+
                    _ => Err(networkpype_core::AuthError::new(
                        networkpype_core::AuthErrorKind::Configuration,
                        $crate::names::unknown($what, &[$($name),+]),
                    )),
                }
            }
        }
    };
}

pub(crate) use named;

pub(crate) fn unknown(what: &str, names: &[&str]) -> String {
    format!("there is no {what} of this name; there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use networkpype_core::AuthErrorKind;

    use crate::{DigestEncoding, HashAlgorithm, HmacAlgorithm, SecretEncoding};

    #[test]
    fn a_name_is_read_as_it_is_written() {
        macro_rules! check {
            ($type:ty: $($name:literal)+) => {
                $(assert_eq!($name.parse::<$type>().expect("a name").as_str(), $name);)+
            };
        }
        check!(HmacAlgorithm: "hmac-sha1" "hmac-sha256" "hmac-sha384" "hmac-sha512");
        check!(HashAlgorithm: "md5" "sha1" "sha256" "sha384" "sha512" "sha512-256");
        check!(DigestEncoding: "hex" "hex-upper" "base64" "base64url" "base64-of-hex" "base58");
        check!(SecretEncoding: "utf8" "base64" "hex" "base58");
    }

    #[test]
    fn an_unknown_name_is_not_echoed_and_the_known_ones_are_listed() {
        for text in ["", "hunter2", "Hex", "hex "] {
            let error = text.parse::<SecretEncoding>().expect_err("no such name");
            assert_eq!(error.kind(), AuthErrorKind::Configuration);
            assert_eq!(
                error.to_string(),
                "there is no encoding of secrets of this name; there are utf8, base64, hex, base58"
            );
        }
    }
}
