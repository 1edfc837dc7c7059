//! What would be sent, and at which time.

use std::{ffi::OsString, io::Write as _, sync::Arc};

use networkpype_core::{ManualClock, RestRequest, Timestamp, WebSocketRequest};

/// 2023-11-14T22:13:20.000Z.
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

pub(crate) fn clock_at(millis: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(millis)))
}

pub(crate) fn header<'r>(request: &'r RestRequest, name: &str) -> &'r str {
    request.headers()[name].to_str().expect("ASCII")
}

pub(crate) fn body(request: &RestRequest) -> String {
    let bytes = request.clone().body_bytes().expect("no stream");
    String::from_utf8(bytes.to_vec()).expect("text")
}

pub(crate) fn text(mut message: WebSocketRequest) -> String {
    String::from_utf8(message.bytes().expect("message").to_vec()).expect("text")
}

/// The folder of the vectors that may not be in the repository; where it is not set, says so past libtest, which keeps
/// what a passing test prints with `eprintln!` to itself.
pub(crate) fn vectors_here_only(what: &str) -> Option<OsString> {
    let folder = std::env::var_os("NETWORKPYPE_VECTORS");
    if folder.is_none() {
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: NETWORKPYPE_VECTORS is not set, so {what} were not checked")
            .expect("stderr is open");
    }
    folder
}
