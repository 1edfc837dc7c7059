//! What does a request head say? Strict where leniency would hide a client's mistake.

use bytes::Bytes;

/// A request head, with names and values as they were received.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: String,
    pub(crate) headers: Vec<(String, Bytes)>,
    /// Why this head must be refused, if it must; what could be read is in the other fields.
    pub(crate) fault: Option<&'static str>,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
}

impl Head {
    /// Reads the bytes up to and including the blank line.
    pub(crate) fn parse(raw: &Bytes) -> Self {
        let mut head = Self::default();
        head.fault = head.read(raw).err();
        head
    }

    pub(crate) fn keep_alive(&self) -> bool {
        let wants = |token| self.has_token("connection", token);
        match self.version.as_str() {
            "HTTP/1.1" => !wants("close"),
            _ => wants("keep-alive"),
        }
    }

    pub(crate) fn expects_continue(&self) -> bool {
        self.has_token("expect", "100-continue")
    }

    pub(crate) fn framing(&self) -> Result<Framing, &'static str> {
        let lengths: Vec<&Bytes> = self.values("content-length").collect();
        let encodings: Vec<&Bytes> = self.values("transfer-encoding").collect();
        match (lengths.as_slice(), encodings.as_slice()) {
            ([], []) => Ok(Framing::Length(0)),
            ([length], []) => std::str::from_utf8(length)
                .ok()
                .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok())
                .map(Framing::Length)
                .ok_or("content-length is not a number"),
            ([], [encoding]) if encoding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            ([], _) => Err("transfer-encoding is not chunked"),
            (_, []) => Err("content-length was sent twice"),
            // RFC 9112 6.3: this is how requests are smuggled.
            (_, _) => Err("content-length and transfer-encoding were both sent"),
        }
    }

    fn read(&mut self, raw: &Bytes) -> Result<(), &'static str> {
        let mut lines = split_lines(raw)?;
        let request_line = lines.remove(0);
        let text = String::from_utf8_lossy(&request_line);
        let mut words = text.split(' ');
        self.method = words.next().unwrap_or_default().to_owned();
        self.target = words.next().unwrap_or_default().to_owned();
        self.version = words.next().unwrap_or_default().to_owned();
        if words.next().is_some() {
            return Err("the request line has more than three words");
        }
        if self.method.is_empty() || !self.method.bytes().all(is_token) {
            return Err("the method is not a token");
        }
        if self.target.is_empty() || !request_line.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err("the request target is not visible ASCII");
        }
        if self.target.contains('#') {
            return Err("the request target has a fragment");
        }
        if !matches!(self.version.as_str(), "HTTP/1.1" | "HTTP/1.0") {
            return Err("the version is not HTTP/1.x");
        }
        for line in lines {
            self.headers.push(header(&line)?);
        }
        match self.values("host").count() {
            1 => Ok(()),
            0 if self.version == "HTTP/1.0" => Ok(()),
            0 => Err("the host header is missing"),
            _ => Err("the host header was sent twice"),
        }
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.headers
            .iter()
            .filter(move |(sent, _)| sent.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name).any(|value| {
            String::from_utf8_lossy(value)
                .split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(token))
        })
    }
}

fn split_lines(raw: &Bytes) -> Result<Vec<Bytes>, &'static str> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, byte) in raw.iter().enumerate() {
        if *byte == b'\n' {
            if at == 0 || raw[at - 1] != b'\r' {
                return Err("a line ends without a carriage return");
            }
            if at - 1 > start {
                lines.push(raw.slice(start..at - 1));
            }
            start = at + 1;
        }
    }
    if lines.is_empty() {
        return Err("the head is empty");
    }
    Ok(lines)
}

fn header(line: &Bytes) -> Result<(String, Bytes), &'static str> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err("a header line is folded");
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or("a header line has no colon")?;
    let name = &line[..colon];
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("a header name is not a token");
    }
    let value = line.slice_ref(line[colon + 1..].trim_ascii());
    if value.iter().any(|byte| *byte < b' ' && *byte != b'\t' || *byte == 0x7f) {
        return Err("a header value has a control character");
    }
    Ok((String::from_utf8_lossy(name).into_owned(), value))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Head {
        Head::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn names_and_values_are_kept_as_sent() {
        let head = parse("GET /a%2Fb?&&x=+ HTTP/1.1\r\nhOsT: h\r\nX-A:  v v \r\nx-a:\r\n\r\n");
        assert_eq!(head.fault, None);
        assert_eq!(head.target, "/a%2Fb?&&x=+");
        assert_eq!(head.headers[0].0, "hOsT");
        assert_eq!(head.headers[1], ("X-A".into(), Bytes::from("v v")));
        assert_eq!(head.headers[2], ("x-a".into(), Bytes::new()));
    }

    #[test]
    fn malformed_heads_are_refused() {
        for (text, fault) in [
            ("GET /a b HTTP/1.1\r\nhost: h\r\n\r\n", "the request line has more than three words"),
            ("GET /\u{e9} HTTP/1.1\r\nhost: h\r\n\r\n", "the request target is not visible ASCII"),
            ("GET /#f HTTP/1.1\r\nhost: h\r\n\r\n", "the request target has a fragment"),
            ("GET / HTTP/2\r\nhost: h\r\n\r\n", "the version is not HTTP/1.x"),
            ("GET / HTTP/1.1\r\n\r\n", "the host header is missing"),
            ("GET / HTTP/1.1\r\nhost: h\r\nhost: h\r\n\r\n", "the host header was sent twice"),
            ("GET / HTTP/1.1\r\nhost: h\r\n folded\r\n\r\n", "a header line is folded"),
            ("GET / HTTP/1.1\r\nhost : h\r\n\r\n", "a header name is not a token"),
            ("GET / HTTP/1.1\r\nhost: h\x7f\r\n\r\n", "a header value has a control character"),
            ("GET / HTTP/1.1\nhost: h\r\n\r\n", "a line ends without a carriage return"),
        ] {
            assert_eq!(parse(text).fault, Some(fault), "{text:?}");
        }
    }

    #[test]
    fn a_body_has_one_length() {
        let framing = |headers: &str| {
            parse(&format!("POST / HTTP/1.1\r\nhost: h\r\n{headers}\r\n")).framing()
        };
        assert_eq!(framing(""), Ok(Framing::Length(0)));
        assert_eq!(framing("content-length: 7\r\n"), Ok(Framing::Length(7)));
        assert_eq!(framing("transfer-encoding: Chunked\r\n"), Ok(Framing::Chunked));
        assert!(framing("content-length: +7\r\n").is_err());
        assert!(framing("content-length: 7\r\ncontent-length: 7\r\n").is_err());
        assert!(framing("content-length: 7\r\ntransfer-encoding: chunked\r\n").is_err());
        assert!(framing("transfer-encoding: gzip\r\n").is_err());
    }
}
