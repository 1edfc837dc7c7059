use std::sync::{Arc, Mutex, atomic::AtomicU64};

use http::{HeaderName, HeaderValue, StatusCode, header::USER_AGENT};
use networkpype_core::{
    Auth, Error, ErrorKind, Extensions, LimitId, LoginRefusal, Origin, Outcome, Progress, Recovery,
    Redactor, Rejection, ResponseHead, RestResponse, ThrottleError, TransportError,
    WebSocketChannel, WebSocketHandshake, retry_after_of,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    builder::Options,
    inbox::Inbox,
    liveness::Liveness,
    login::Login,
    manager::Live,
    pump::{self, Pump},
    recoveries::Recoveries,
    renewal::{Renewal, Scheme},
    timer::{Timer, until},
};

/// How many frames may wait for the one that is being written.
const OUTGOING: usize = 16;

/// Makes a connection: dials, signs, logs in, and starts its task.
pub(crate) async fn open(
    options: &Options,
    mut handshake: WebSocketHandshake,
) -> Result<Live, Error> {
    handshake.request_mut().resolve(options.base.as_ref())?;
    let Some(origin) = handshake.origin().cloned() else {
        // `resolve` has just seen to it.
        return Err(Error::new(ErrorKind::Request, Outcome::NotSent, "the URL has no origin"));
    };
    add_defaults(options, &origin, &mut handshake)?;
    let mut recoveries = Recoveries::default();
    loop {
        let Dialled { origin, mut channel, mut session } =
            dial(options, handshake.clone(), origin.clone(), &mut recoveries).await?;
        let error = match log_in(options, &origin, &mut channel, &mut session).await {
            Ok(()) => return Ok(start(options, origin, channel, session)),
            Err(error) => error,
        };
        tracing::debug!(%origin, %error, "websocket login failed");
        let by = options.ticker.now() + pump::CLOSE_TIME;
        let goodbye = pump::say_goodbye(&mut channel.sink, &mut channel.stream);
        // Whoever did not answer the login is not waited for.
        if !error.is_timeout() {
            let _ = until(&options.ticker, by, goodbye).await;
        }
        let refusal = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
        let recovery = refusal.map_or(Recovery::GiveUp, LoginRefusal::recovery);
        if !recoveries.attempt(options, recovery).await {
            return Err(error);
        }
    }
}

fn add_defaults(
    options: &Options,
    origin: &Origin,
    handshake: &mut WebSocketHandshake,
) -> Result<(), Error> {
    let request = handshake.request_mut();
    let mut add =
        |name: &HeaderName, value: &HeaderValue| match request.headers().contains_key(name) {
            true => Ok(()),
            false if name == USER_AGENT => request.insert_header(name, value),
            false => request.insert_sensitive_header(name, value),
        };
    // A default header may hold a key, so a stranger does not get it, and nobody in plain text.
    if options.origins.knows(origin) && !options.default_headers.is_empty() {
        options.origins.check(origin)?;
        for (name, value) in &options.default_headers {
            add(name, value)?;
        }
    }
    add(&USER_AGENT, &options.user_agent)?;
    Ok(())
}

/// A connection that is up, before the login.
struct Dialled {
    origin: Origin,
    channel: WebSocketChannel,
    /// What the scheme noted in the handshake.
    session: Extensions,
}

/// Attempts until the server upgrades, or nobody knows how to mend its refusal. Every attempt is charged and signed
/// anew.
async fn dial(
    options: &Options,
    unsigned: WebSocketHandshake,
    origin: Origin,
    recoveries: &mut Recoveries,
) -> Result<Dialled, Error> {
    let limit = options
        .limits
        .resolve(unsigned.request().limit_choice(), options.limits.connect.as_ref())?;
    let auth = match unsigned.request().is_auth_required() {
        true => Some(options.credentials_for(&origin)?),
        false => None,
    };
    let mut worst = Outcome::NotSent;
    let mut cause = None;
    loop {
        let request = unsigned.request();
        let charge = options.limits.acquire(limit, request.limit_weight(), Some(request), None);
        let mut permit = charge.await.map_err(|error| with_worst(error, worst))?;
        let mut signed = unsigned.clone();
        if let Some(auth) = auth {
            if let Some(cause) = cause {
                signed.request_mut().extensions_mut().insert(cause);
            }
            signed = sign(options, auth, signed).await.map_err(|error| with_worst(error, worst))?;
        }
        signed.request_mut().mark_added_headers_sensitive(unsigned.request());
        signed.request_mut().freeze().map_err(|error| with_worst(error.into(), worst))?;
        // A scheme may have put another URL in place of the caller's.
        let origin = signed.origin().cloned().unwrap_or_else(|| origin.clone());
        if auth.is_some() {
            options.credentials_for(&origin)?;
        }
        match permit.started() {
            Ok(()) => {}
            // The server asked for a pause after the permit was given: wait again, and sign again after that.
            Err(ThrottleError::NotYet { .. }) => continue,
            Err(refusal) => return Err(with_worst(refusal.into(), worst)),
        }
        let refused = match options.transport.connect(signed.clone()).await {
            Ok(channel) => {
                let now = options.ticker.now();
                permit.answered(now);
                let status = StatusCode::SWITCHING_PROTOCOLS;
                observe(options, limit, status, &channel.headers);
                let response = RestResponse::new(status).with_headers(channel.headers.clone());
                show(auth, &signed, &response).await?;
                tracing::debug!(%origin, path = signed.request().path(), "websocket connected");
                let mut session = signed.request().extensions().clone();
                session.insert(origin.clone());
                return Ok(Dialled { origin, channel, session });
            }
            Err(error) => error,
        };
        match refused.progress() {
            Progress::NotSent => permit.refund(),
            Progress::Answered(status) => {
                permit.answered(options.ticker.now());
                observe(options, limit, status, refused.headers());
            }
            _ => {}
        }
        let response = answer_of(&refused);
        let error = with_worst(handshake_error(options, refused, &unsigned, &signed), worst);
        worst = error.outcome();
        tracing::debug!(%origin, %error, "websocket handshake failed");
        let (Some(auth), Some(response)) = (auth, response) else { return Err(error) };
        show(Some(auth), &signed, &response).await.map_err(|error| error.with_outcome(worst))?;
        if !Rejection::has_status(response.status()) {
            return Err(error);
        }
        let rejection = Rejection::new(signed.request(), &response).after(recoveries.tried());
        let recovery = auth.on_rejected(&rejection).await.unwrap_or_else(|error| {
            // The server's refusal tells the caller more than the failed attempt to mend it.
            tracing::warn!(%error, "cannot recover from the rejection");
            Recovery::GiveUp
        });
        if !recoveries.attempt(options, recovery).await {
            return Err(error);
        }
        cause = Some(recovery);
    }
}

/// Whoever has a token to get first may take its time, but not for ever.
async fn sign(
    options: &Options,
    auth: &Arc<dyn Auth>,
    handshake: WebSocketHandshake,
) -> Result<WebSocketHandshake, Error> {
    let by = options.ticker.now() + options.login_timeout;
    match until(&options.ticker, by, auth.ws_handshake(handshake)).await {
        Some(signed) => Ok(signed?),
        None => {
            let message = "the handshake was not signed in time";
            Err(Error::new(ErrorKind::Timeout, Outcome::NotSent, message))
        }
    }
}

/// Has the scheme see the answer to a handshake that it signed, as it sees responses.
async fn show(
    auth: Option<&Arc<dyn Auth>>,
    signed: &WebSocketHandshake,
    response: &RestResponse,
) -> Result<(), Error> {
    let Some(auth) = auth else { return Ok(()) };
    auth.on_response(signed.request(), response).await.map_err(|error| {
        Error::new(
            ErrorKind::Auth,
            Outcome::Done,
            "the scheme does not accept the answer to the handshake",
        )
        .with_status(response.status())
        .with_source(error)
    })
}

/// What the server answered, where it did not upgrade.
fn answer_of(error: &TransportError) -> Option<RestResponse> {
    match error.progress() {
        Progress::Answered(status) => {
            let response = RestResponse::new(status).with_headers(error.headers().clone());
            Some(response.with_body(error.body().clone()))
        }
        _ => None,
    }
}

fn handshake_error(
    options: &Options,
    error: TransportError,
    unsigned: &WebSocketHandshake,
    signed: &WebSocketHandshake,
) -> Error {
    let answered = matches!(error.progress(), Progress::Answered(_));
    let retry_after = retry_after_of(error.headers(), options.clock.now());
    let body = error.body().clone();
    let error = Error::from(error);
    if !answered {
        return error;
    }
    let redactor = Redactor::between(unsigned.request(), signed.request());
    error.with_retry_after(retry_after).with_excerpt(redactor.excerpt(&body))
}

fn with_worst(error: Error, worst: Outcome) -> Error {
    let outcome = error.outcome().max(worst);
    error.with_outcome(outcome)
}

fn observe(
    options: &Options,
    limit: Option<&LimitId>,
    status: StatusCode,
    headers: &http::HeaderMap,
) {
    if let Some(throttle) = &options.limits.throttle {
        throttle.observe(limit, ResponseHead::new(status, headers), options.ticker.now());
    }
}

async fn log_in(
    options: &Options,
    origin: &Origin,
    channel: &mut WebSocketChannel,
    session: &mut Extensions,
) -> Result<(), Error> {
    let Some(auth) = options.login_auth() else { return Ok(()) };
    let login = Login {
        auth,
        limits: &options.limits,
        ticker: &options.ticker,
        timeout: options.login_timeout,
        allowed: options.credentials_for(origin).map(|_| ()),
    };
    login.run(channel, session).await
}

fn start(
    options: &Options,
    origin: Origin,
    channel: WebSocketChannel,
    session: Extensions,
) -> Live {
    // Whether credentials may go there is known: the login or the handshake had some, or there is nothing to renew.
    let may_renew = options.login_auth().filter(|_| options.credentials_for(&origin).is_ok());
    let renewal = match may_renew {
        None => Renewal::never(),
        Some(auth) => {
            let (auth, limits) = (Arc::clone(auth), options.limits.clone());
            Renewal::new(Scheme { auth, limits, timeout: options.login_timeout }, session)
        }
    };
    let inbox = Arc::new(Inbox::new(options.queue_capacity));
    // The answer to the handshake has just come.
    let last_received = Arc::new(AtomicU64::new(options.ticker.now().as_nanos()));
    let (outgoing, waiting) = mpsc::channel(OUTGOING);
    let (stop, stopped) = oneshot::channel();
    let (running, is_running) = watch::channel(());
    let pump = Pump {
        sink: channel.sink,
        stream: channel.stream,
        outgoing: waiting,
        stop: stopped,
        inbox: Arc::clone(&inbox),
        last_received: Arc::clone(&last_received),
        post_processors: Arc::clone(&options.post_processors),
        ticker: Arc::clone(&options.ticker),
        timer: Timer::new(Arc::clone(&options.ticker)),
        liveness: Liveness::new(options.liveness, options.ticker.now()),
        send_timeout: options.send_timeout,
        renewal,
        state: pump::State::default(),
    };
    tokio::spawn(async move {
        pump.run().await;
        // Whoever waits for the end sees this.
        drop(running);
    });
    Live {
        origin,
        inbox,
        last_received,
        outgoing,
        stop: Mutex::new(Some(stop)),
        running: is_running,
    }
}
