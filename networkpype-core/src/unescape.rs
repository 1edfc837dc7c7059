//! A text as its readers would decode it, with the way back to where each character stands.

use std::ops::Range;

/// A text decoded in one way.
pub(crate) struct View {
    pub(crate) text: String,
    /// For each character, where it begins here and in the source; and the end of both.
    origins: Vec<(usize, usize)>,
}

/// Decodes what an escape at the start of the text stands for, and says how long it is.
type Decode = fn(&str) -> Option<(char, usize)>;

impl View {
    /// `source` as it is, and as JSON, HTML, a URL and a form would be read.
    pub(crate) fn all(source: &str) -> Vec<Self> {
        let plain: Decode = |_| None;
        let mut views = vec![Self::decode(source, plain)];
        for (mark, decode) in [('\\', json as Decode), ('&', html), ('%', percent), ('+', form)] {
            if source.contains(mark) {
                views.push(Self::decode(source, decode));
            }
        }
        views
    }

    fn decode(source: &str, decode: Decode) -> Self {
        let mut view = Self { text: String::with_capacity(source.len()), origins: Vec::new() };
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            let (decoded, length) = decode(rest).unwrap_or((first, first.len_utf8()));
            view.origins.push((view.text.len(), source.len() - rest.len()));
            view.text.push(decoded);
            rest = &rest[length..];
        }
        view.origins.push((view.text.len(), source.len()));
        view
    }

    /// Where in the source `range`, which begins and ends between characters, stands.
    pub(crate) fn source_of(&self, range: Range<usize>) -> Range<usize> {
        self.source_at(range.start)..self.source_at(range.end)
    }

    fn source_at(&self, at: usize) -> usize {
        let index = self.origins.partition_point(|(here, _)| *here < at);
        self.origins.get(index).map_or(0, |(_, source)| *source)
    }
}

fn json(text: &str) -> Option<(char, usize)> {
    let escaped = text.strip_prefix('\\')?;
    match escaped.chars().next()? {
        'u' => Some((char::from_u32(hex(escaped.get(1..5)?)?)?, 6)),
        mark @ ('"' | '\\' | '/') => Some((mark, 2)),
        'n' => Some(('\n', 2)),
        't' => Some(('\t', 2)),
        'r' => Some(('\r', 2)),
        _ => None,
    }
}

fn html(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('&')?;
    // The longest that matters is `#x10FFFF`; a text full of marks is not searched to its end for each.
    let window = rest.char_indices().nth(9).map_or(rest, |(end, _)| &rest[..end]);
    let (name, _) = window.split_once(';')?;
    let decoded = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => hex(digits)?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((decoded, name.len() + 2))
}

fn percent(text: &str) -> Option<(char, usize)> {
    let mut bytes = Vec::with_capacity(4);
    let mut rest = text;
    // A character that is not ASCII takes up to four escapes.
    while let Some(code) = rest.strip_prefix('%').and_then(|rest| hex(rest.get(..2)?)) {
        bytes.push(u8::try_from(code).ok()?);
        rest = &rest[3..];
        if let Ok(decoded) = std::str::from_utf8(&bytes) {
            return decoded.chars().next().map(|decoded| (decoded, text.len() - rest.len()));
        }
        if bytes.len() == 4 {
            return None;
        }
    }
    None
}

fn form(text: &str) -> Option<(char, usize)> {
    if text.starts_with('+') { Some((' ', 1)) } else { percent(text) }
}

fn hex(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (plain && !digits.is_empty()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoded_range_leads_back_to_its_source() {
        let source = "é%2fx\\/&amp;+";
        for view in View::all(source) {
            assert_eq!(view.source_of(0..view.text.len()), 0..source.len());
        }
        let url = View::decode("a%2fb", percent);
        assert_eq!((url.text.as_str(), url.source_of(1..2)), ("a/b", 1..4));
        let url = View::decode("%C3%BCx%e2%82%ac", percent);
        assert_eq!((url.text.as_str(), url.source_of(0..2)), ("üx€", 0..6));
    }

    #[test]
    fn what_is_no_escape_stays() {
        for source in [
            "%", "%2", "%zz", "%+1", "&;", "&nbsp;", "&#;", "&#xd800;", "\\", "\\u12", "\\ud800",
            "\\u+123",
        ] {
            for view in View::all(source) {
                assert_eq!(view.text.replace(' ', "+"), source);
            }
        }
    }
}
