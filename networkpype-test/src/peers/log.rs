//! What did a process say last?

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const KEPT: usize = 40;

/// The last lines of a stream, which is read to its end: a server blocks once a pipe is full.
#[derive(Debug)]
pub(super) struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: JoinHandle<()>,
}

impl Log {
    pub(super) fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                if kept.len() == KEPT {
                    kept.pop_front();
                }
                kept.push_back(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self { lines, reader }
    }

    pub(super) fn tail(&self) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().map(|line| format!("\n    {line}")).collect()
    }

    /// The very last line of a process that has ended.
    pub(super) fn last_line(self) -> String {
        self.reader.join().unwrap();
        let line = self.lines.lock().unwrap().pop_back();
        line.unwrap_or_default()
    }
}
