//! Reading a connection: heads and bodies out of one buffer, so that pipelined requests survive.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::{Framing, Socket};

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 64 * 1024 * 1024;
const MAX_CHUNK_LINE: usize = 4096;

#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) socket: Socket,
    buffer: BytesMut,
}

#[derive(Debug)]
pub(crate) enum ReadError {
    /// The peer closed, at an allowed place or not.
    Closed,
    /// To be answered with this status, and then closed.
    Refused(u16, &'static str),
}

impl From<io::Error> for ReadError {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

impl Incoming {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, buffer: BytesMut::new() }
    }

    /// The raw bytes of the next head, blank line included.
    pub(crate) async fn head(&mut self) -> Result<Bytes, ReadError> {
        let mut searched = 0;
        loop {
            // RFC 9112 2.2: an empty line before the request line is to be ignored.
            while self.buffer.starts_with(b"\r\n") {
                self.buffer.advance(2);
            }
            if let Some(at) = find(&self.buffer[searched..], b"\r\n\r\n") {
                return Ok(self.buffer.split_to(searched + at + 4).freeze());
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(ReadError::Refused(431, "the head is larger than 64 KiB"));
            }
            searched = self.buffer.len().saturating_sub(3);
            self.fill().await?;
        }
    }

    pub(crate) async fn body(&mut self, framing: Framing) -> Result<Bytes, ReadError> {
        match framing {
            Framing::Length(length) => self.exactly(length).await,
            Framing::Chunked => self.chunks().await,
        }
    }

    /// Reads and forgets what the peer still sends, so that closing does not reset the connection
    /// while our last answer is on its way.
    pub(crate) async fn drain(&mut self) {
        while self.fill().await.is_ok() {
            self.buffer.clear();
        }
    }

    /// The connection and what was read of it too early.
    pub(crate) fn into_parts(self) -> (Socket, Vec<u8>) {
        (self.socket, self.buffer.to_vec())
    }

    async fn chunks(&mut self) -> Result<Bytes, ReadError> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line().await?;
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(size)
                .ok()
                .and_then(|text| usize::from_str_radix(text.trim_end(), 16).ok())
                .ok_or(ReadError::Refused(400, "a chunk size is not hexadecimal"))?;
            if size == 0 {
                // Trailers, up to the empty line.
                while !self.line().await?.is_empty() {}
                return Ok(body.freeze());
            }
            if size.saturating_add(body.len()) > MAX_BODY {
                return Err(TOO_LARGE);
            }
            body.extend_from_slice(&self.exactly(size).await?);
            if !self.line().await?.is_empty() {
                return Err(ReadError::Refused(400, "a chunk is longer than its size"));
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Bytes, ReadError> {
        if length > MAX_BODY {
            return Err(TOO_LARGE);
        }
        while self.buffer.len() < length {
            self.fill().await?;
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn line(&mut self) -> Result<Bytes, ReadError> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.split_to(at).freeze();
                self.buffer.advance(2);
                return Ok(line);
            }
            if self.buffer.len() > MAX_CHUNK_LINE {
                return Err(ReadError::Refused(400, "a chunk line is too long"));
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.reserve(16 * 1024);
        match self.socket.read_buf(&mut self.buffer).await? {
            0 => Err(ReadError::Closed),
            _ => Ok(()),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

const TOO_LARGE: ReadError = ReadError::Refused(413, "the body is larger than 64 MiB");
