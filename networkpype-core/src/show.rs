//! What `Debug` may show: names and sizes, never values.

use std::{error::Error, fmt};

use http::HeaderMap;

/// The names of headers, without their values.
pub(crate) struct HeaderNames<'a>(pub(crate) &'a HeaderMap);

impl fmt::Debug for HeaderNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(http::HeaderName::as_str)).finish()
    }
}

/// How much there is of something, without what it is.
pub(crate) struct Size(pub(crate) usize);

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0)
    }
}

/// What is behind an error, each layer by its `Display`: foreign errors may show in their `Debug` what they never show
/// there.
pub(crate) struct Causes<'a>(pub(crate) Option<&'a (dyn Error + 'static)>);

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        let mut cause = self.0;
        while let Some(error) = cause {
            list.entry(&format_args!("{error}"));
            cause = error.source();
        }
        list.finish()
    }
}
