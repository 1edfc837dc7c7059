//! Values of public types that are filled with the canary, and how they print.

use std::{
    error::Error as StdError,
    fmt::{Debug, Display},
};

use crate::declarations::Prints;

/// Everything that values of one type print.
pub(crate) struct Specimen {
    /// The type's public path.
    pub(crate) path: String,
    pub(crate) prints: Prints,
    pub(crate) texts: Vec<String>,
}

impl Specimen {
    /// `path` is how the type is written in the code, with generics and spaces.
    pub(crate) fn new(path: &str, how: &str, texts: Vec<String>) -> Self {
        let path = path.split('<').next().unwrap_or_default().replace(' ', "");
        let prints = match how {
            "debug" => Prints::Debug,
            "display" => Prints::Display,
            _ => Prints::Error,
        };
        Self { path, prints, texts }
    }
}

/// `debug`, `display` or `error`, by what the type implements; its path; and values of it, each filled with the canary
/// wherever it can hold something that may be a secret. That a path is the type of its values is checked by the compiler.
macro_rules! specimens {
    ($($how:ident $path:path => $values:expr;)+) => {
        vec![$({
            let mut texts = Vec::new();
            for value in $values {
                let value: $path = value;
                texts.push($crate::specimen::$how(&value));
            }
            assert!(!texts.is_empty(), "no value of {}", stringify!($path));
            $crate::specimen::Specimen::new(stringify!($path), stringify!($how), texts)
        }),+]
    };
}
pub(crate) use specimens;

pub(crate) fn debug(value: &(impl Debug + ?Sized)) -> String {
    format!("{value:?} {value:#?}")
}

pub(crate) fn display(value: &(impl Debug + Display + ?Sized)) -> String {
    format!("{} {value} {value:#}", debug(value))
}

/// An error, every cause behind it, and the excerpts that they carry.
pub(crate) fn error(value: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(value), |&cause| cause.source());
    let mut text = String::new();
    for cause in causes {
        let known: Option<&networkpype_core::Error> = cause.downcast_ref();
        let excerpt = known.and_then(networkpype_core::Error::body_excerpt);
        text.push_str(&format!("{} {excerpt:?} ", display(cause)));
    }
    text
}
