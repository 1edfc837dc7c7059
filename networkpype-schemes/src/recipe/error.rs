use std::{error::Error as StdError, fmt};

/// Why a recipe cannot be used: in which file, at which key, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeError {
    file: Option<String>,
    line: Option<usize>,
    key: String,
    reason: String,
}

impl RecipeError {
    pub(super) fn new(key: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { file: None, line: None, key: key.into(), reason: reason.to_string() }
    }

    pub(super) fn at_line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    /// The same, in this file or preset.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file.get_or_insert(file.into());
        self
    }

    /// The file or preset, where it is known.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line, counted from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The key, such as `request.payload`; empty where the whole is meant.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.reason)
    }
}

impl StdError for RecipeError {}
