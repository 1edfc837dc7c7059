//! Tokens that are asked for while the runtime shuts down. Time is real here.

use std::{sync::mpsc, time::Duration};

use futures_util::FutureExt as _;
use networkpype_auth::token::{TokenCache, TokenErrorKind};
use tokio::runtime::{Builder, Runtime};

use crate::issuer::{Issuer, key};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[test]
fn who_asks_for_a_token_on_a_runtime_that_has_shut_down_is_told_so_at_once() {
    let (over, is_over) = mpsc::channel();
    // On a thread of its own, which a test can stop waiting for.
    std::thread::spawn(move || {
        let runtime = runtime();
        let handle = runtime.handle().clone();
        let cache = TokenCache::builder(Issuer::of_life(3600)).build();
        drop(runtime);
        let _inside = handle.enter();
        for _ in 0..2 {
            let answer = cache.token(&key()).now_or_never().expect("at once");
            let _ = over.send(answer.map(drop));
        }
    });
    for _ in 0..2 {
        let answer = is_over.recv_timeout(Duration::from_secs(20)).expect("an answer");
        assert_eq!(answer.expect_err("no token").kind(), TokenErrorKind::Unavailable);
    }
}

#[test]
fn a_task_that_asks_for_a_token_keeps_no_runtime_from_shutting_down() {
    let runtime = runtime();
    let (begun, has_begun) = mpsc::channel();
    let (asks, may_ask) = mpsc::channel::<()>();
    runtime.spawn(async move {
        let cache = TokenCache::builder(Issuer::of_life(3600)).build();
        let _ = begun.send(tokio::runtime::Handle::current());
        // Holds its thread until the runtime is on its way down.
        let _ = may_ask.recv();
        let _ = cache.token(&key()).await;
    });
    let handle = has_begun.recv().expect("begun");
    let (over, is_over) = mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        let _ = over.send(());
    });
    // A runtime that shuts down gives up what it is given.
    while handle.spawn(std::future::pending::<()>()).now_or_never().is_none_or(|it| it.is_ok()) {
        std::thread::yield_now();
    }
    drop(asks);
    is_over.recv_timeout(Duration::from_secs(20)).expect("it has shut down");
}
