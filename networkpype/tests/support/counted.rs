//! How many requests does a call take, and for which causes?

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::join_all;
use networkpype::{
    Auth, AuthError, Clock, Error, Explanation, Recovery, Rejection, RestManager, RestRequest,
    RestResponse, WebSocketHandshake, WebSocketRequest, async_trait,
};

/// What became of a call: its status, or the error that has none.
pub(crate) type Answer = Result<RestResponse, Error>;

/// A scheme, counted call by call.
#[derive(Clone)]
pub(crate) struct Counted {
    scheme: Arc<dyn Auth>,
    calls: Arc<Mutex<BTreeMap<u32, Taken>>>,
}

/// What one call took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    pub(crate) requests: usize,
    pub(crate) causes: Vec<Recovery>,
}

/// Which call a request is for.
#[derive(Clone, Copy)]
struct Number(u32);

impl Counted {
    pub(crate) fn new(scheme: impl Auth + 'static) -> Self {
        Self { scheme: Arc::new(scheme), calls: Arc::default() }
    }

    /// Makes as many calls at once, and says what became of each and what it took.
    pub(crate) async fn calls(
        &self,
        api: &RestManager,
        count: u32,
        request: &RestRequest,
    ) -> Vec<(Answer, Taken)> {
        self.lock().clear();
        let answers = join_all((0..count).map(|number| {
            let mut request = request.clone().auth_required();
            request.extensions_mut().insert(Number(number));
            let api = api.clone();
            // On threads of their own, so that they meet wherever they can.
            tokio::spawn(async move { api.call(request).await })
        }))
        .await;
        let taken = std::mem::take(&mut *self.lock());
        let answers = answers.into_iter().map(|answer| answer.expect("a call that ends"));
        let all: Vec<_> = answers.zip(taken.into_values()).collect();
        assert_eq!(all.len(), count as usize);
        for (_, taken) in &all {
            // Each cause is mended once, and nothing is sent without one.
            let mended = taken.causes.iter().filter(|cause| **cause != Recovery::GiveUp).count();
            let again: Vec<_> = taken.causes.iter().take(taken.requests - 1).collect();
            assert!(again.iter().all(|cause| **cause != Recovery::GiveUp), "{taken:?}");
            let is_twice = (1..again.len()).any(|at| again[..at].contains(&again[at]));
            assert!(!is_twice && mended >= taken.requests - 1, "{taken:?}");
        }
        all
    }

    fn note(&self, request: &RestRequest, what: impl FnOnce(&mut Taken)) {
        if let Some(Number(number)) = request.extensions().get() {
            what(self.lock().entry(*number).or_default());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Taken>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many requests these calls took.
pub(crate) fn requests(calls: &[(Answer, Taken)]) -> usize {
    calls.iter().map(|(_, taken)| taken.requests).sum()
}

/// The status that all of these calls have.
pub(crate) fn status(calls: &[(Answer, Taken)]) -> u16 {
    let of = |call: &(Answer, Taken)| call.0.as_ref().expect("an answer").status().as_u16();
    let first = of(&calls[0]);
    assert!(calls.iter().all(|call| of(call) == first), "{calls:?}");
    first
}

#[async_trait]
impl Auth for Counted {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        self.note(&request, |taken| taken.requests += 1);
        self.scheme.rest_authenticate(request).await
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        self.scheme.ws_authenticate(request).await
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        self.scheme.ws_handshake(handshake).await
    }

    async fn on_response(
        &self,
        signed: &RestRequest,
        response: &RestResponse,
    ) -> Result<(), AuthError> {
        self.scheme.on_response(signed, response).await
    }

    fn explain(&self, unsigned: &RestRequest, signed: &RestRequest) -> Option<Explanation> {
        self.scheme.explain(unsigned, signed)
    }

    fn time_provider(&self) -> Option<Arc<dyn Clock>> {
        self.scheme.time_provider()
    }

    async fn on_rejected(&self, rejection: &Rejection<'_>) -> Result<Recovery, AuthError> {
        let recovery = self.scheme.on_rejected(rejection).await?;
        self.note(rejection.signed, |taken| taken.causes.push(recovery));
        Ok(recovery)
    }
}
