use std::{error::Error as StdError, fmt};

use serde_path_to_error::{Path, Segment};

/// Why a text was not accepted as a [`ThrottlerConfig`](crate::ThrottlerConfig), or could not be written as one.
///
/// Its message names the line, where that is known, the entry and the field:
/// ``line 7: limit "orders": `interval`: it must not be zero``.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    line: Option<usize>,
    message: String,
}

impl ConfigError {
    pub(super) fn new(line: Option<usize>, message: String) -> Self {
        Self { line, message }
    }

    pub(super) fn from_toml(
        text: &str,
        error: serde_path_to_error::Error<toml::de::Error>,
    ) -> Self {
        let span = error.inner().span().unwrap_or_default();
        // Before the first byte there is no line that would help; the span of a whole document begins there.
        let before = text.get(..span.start).unwrap_or_default();
        let line = (span.end > 0).then(|| before.matches('\n').count() + 1);
        let mut message = located(error.path(), error.inner().message());
        if let (true, Some(key)) = (message == "duplicate key", text.get(span)) {
            message = format!("`{}` is given twice", key.trim());
        }
        Self { line, message }
    }

    pub(super) fn from_json(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        let line = error.inner().line();
        let printed = error.inner().to_string();
        let message = match printed.rsplit_once(" at line ") {
            Some((message, _)) if line > 0 => message,
            _ => &printed,
        };
        Self { line: (line > 0).then_some(line), message: located(error.path(), message) }
    }

    /// The line of the text at which reading failed, counted from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl StdError for ConfigError {}

/// `message` behind the entry and the field that `path` leads to.
pub(super) fn located(path: &Path, message: &str) -> String {
    let message = message.trim_end();
    // The unknown is the place of something that could not even be read.
    let known = path.iter().filter(|segment| !matches!(segment, Segment::Unknown));
    let segments: Vec<&Segment> = known.collect();
    match segments.as_slice() {
        [] => message.to_owned(),
        [Segment::Map { key: limits }, Segment::Map { key: id }, field @ ..]
            if limits == "limits" =>
        {
            match field {
                [] => format!("limit {id:?}: {message}"),
                field => format!("limit {id:?}: `{}`: {message}", joined(field)),
            }
        }
        field => format!("`{}`: {message}", joined(field)),
    }
}

fn joined(segments: &[&Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        if !text.is_empty() && !matches!(segment, Segment::Seq { .. }) {
            text.push('.');
        }
        text.push_str(&segment.to_string());
    }
    text
}
