use std::fmt;

use zeroize::Zeroizing;

/// A credential: prints as `Secret(..)`, is wiped when dropped, and is read through one loudly named method.
///
/// Copies that HTTP and TLS libraries make of a header or a query on its way out cannot be wiped from here.
///
/// ```
/// use networkpype_core::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.expose_bytes(), b"hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over `value`; a `String` or `Vec<u8>` is moved, not copied.
    pub fn new(value: impl Into<Secret>) -> Self {
        value.into()
    }

    /// The secret's bytes.
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, `None` where it is not UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there is nothing in it, which is almost always a configuration mistake.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(Zeroizing::new(value.into_bytes()))
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(Zeroizing::new(value.as_bytes().to_vec()))
    }
}

impl From<&String> for Secret {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<&[u8]> for Secret {
    fn from(value: &[u8]) -> Self {
        Self(Zeroizing::new(value.to_vec()))
    }
}

impl<const N: usize> From<&[u8; N]> for Secret {
    fn from(value: &[u8; N]) -> Self {
        Self(Zeroizing::new(value.to_vec()))
    }
}
