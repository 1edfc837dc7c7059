//! A raw HTTP client and the client's side of the signatures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use networkpype_test::Exchange;
use serde_json::Value;
use sha2::Sha256;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        // Or the second of two small writes waits for an acknowledgement that is delayed too.
        stream.set_nodelay(true).unwrap();
        // Only so that a defect ends in a failure instead of a hang.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// Sends a request with the headers needed and those given.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: exchange\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        self.write(head + "\r\n" + body);
    }

    pub(crate) fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        self.send(method, target, headers, body);
        self.response()
    }

    pub(crate) fn response(&mut self) -> Response {
        let mut response = self.head();
        if response.header("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).unwrap();
                response.body.extend(self.exactly(size));
                assert_eq!(self.line(), "");
                if size == 0 {
                    return response;
                }
            }
        }
        if let Some(length) = response.header("content-length") {
            response.body = self.exactly(length.parse().unwrap());
        }
        response
    }

    /// A response without its body.
    pub(crate) fn head(&mut self) -> Response {
        let status_line = self.line();
        assert!(status_line.starts_with("HTTP/1.1 "), "{status_line:?}");
        let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
                None => break assert_eq!(line, ""),
            }
        }
        Response { status, headers, body: Vec::new() }
    }

    /// What comes until the server closes; a reset counts as that.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        rest
    }

    /// Reads once: zero bytes mean that the server closed.
    pub(crate) fn read(&mut self) -> std::io::Result<usize> {
        self.stream.read(&mut [0; 64])
    }

    /// Whether anything has arrived that was not read.
    pub(crate) fn has_bytes(&self) -> bool {
        let stream = self.stream.get_ref();
        stream.set_nonblocking(true).unwrap();
        let arrived = stream.peek(&mut [0]).is_ok();
        stream.set_nonblocking(false).unwrap();
        arrived || !self.stream.buffer().is_empty()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").unwrap().to_owned()
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(sent, _)| sent.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and error code, the latter as text.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let code = &self.json()["code"];
        let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
        (self.status, code)
    }
}

pub(crate) fn get(exchange: &Exchange, target: &str) -> Response {
    Client::connect(exchange.addr()).call("GET", target, &[], "")
}

pub(crate) fn hex_signature(payload: &str) -> String {
    const_hex::encode(sign(payload))
}

pub(crate) fn base64_signature(payload: &str) -> String {
    STANDARD.encode(sign(payload))
}

fn sign(payload: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"test-secret").unwrap();
    mac.update(payload.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
