use std::{io, mem};

use networkpype_core::Secret;

/// Holds bytes that may be a key: growing leaves no copy behind, and what is not handed over is wiped.
pub(crate) struct WipedBuffer(Vec<u8>);

impl WipedBuffer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            // A `Vec` that grows by itself gives its old memory back as it is.
            let mut grown = Vec::with_capacity(needed.max(self.0.capacity() * 2));
            grown.extend_from_slice(&self.0);
            wipe(mem::replace(&mut self.0, grown));
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_secret(mut self) -> Secret {
        mem::take(&mut self.0).into()
    }
}

impl Drop for WipedBuffer {
    fn drop(&mut self) {
        wipe(mem::take(&mut self.0));
    }
}

impl io::Write for WipedBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wipe(bytes: Vec<u8>) {
    drop(Secret::from(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_keeps_every_byte() {
        let mut buffer = WipedBuffer::with_capacity(2);
        let mut expected = Vec::new();
        for length in 0..40_u8 {
            let bytes = vec![length; usize::from(length)];
            buffer.push(&bytes);
            expected.extend_from_slice(&bytes);
            assert_eq!(buffer.0, expected);
        }
        assert_eq!(buffer.into_secret().expose_bytes(), expected);
    }
}
