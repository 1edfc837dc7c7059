//! Everything that is traced, and every object along the way as it prints.

use std::{
    fmt::Debug,
    io,
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use log::{Level, LevelFilter, Metadata, Record};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use crate::specimen::debug;

/// One for the program: subscribers and loggers are, too.
static TEXT: Mutex<String> = Mutex::new(String::new());

/// Writes down from now on what anybody traces, through `tracing` and through `log`, at every level.
pub(crate) fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(Transcript)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
        log::set_logger(&Transcript).expect("the only logger");
        log::set_max_level(LevelFilter::Trace);
    });
}

/// Writes down how `object` prints.
pub(crate) fn note(object: &(impl Debug + ?Sized)) {
    append(&debug(object));
}

/// Writes `text` down.
pub(crate) fn append(text: &str) {
    let mut all = lock();
    all.push_str(text);
    all.push('\n');
}

/// What was written down so far, line by line.
pub(crate) fn lines() -> Vec<String> {
    lock().lines().map(str::to_owned).collect()
}

fn lock() -> MutexGuard<'static, String> {
    TEXT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tungstenite writes whole messages and close reasons from this level on, as the documentation of `WebSocketConnection` warns; the local
/// exchange does so too, in this same process. At the other levels it must show nothing.
const OF_TUNGSTENITE: Level = Level::Debug;

struct Transcript;

impl io::Write for Transcript {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Transcript {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl log::Log for Transcript {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !(metadata.target().starts_with("tungstenite") && metadata.level() >= OF_TUNGSTENITE)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            append(&format!("{} {}: {}", record.level(), record.target(), record.args()));
        }
    }

    fn flush(&self) {}
}
