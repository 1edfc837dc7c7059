//! A redirect to this machine (RFC 8252, section 7.3): who waits for it, and how long?

use std::{fmt, sync::Arc, time::Duration};

use networkpype_auth::token::{ObtainedToken, TokenError, TokenErrorKind};
use networkpype_core::BoxError;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use super::{
    authorization::{AuthorizationCode, AuthorizationRequest},
    grant::{Grant, Kind},
    issuer::Issuer,
};

/// Where the redirect arrives, unless another path is registered.
const PATH: &str = "/callback";

/// How long a browser may take to send one request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request with a longer head is none of ours.
const LONGEST_HEAD: usize = 16 * 1024;

/// Browsers open connections ahead and leave them idle; more at a time than this are a mistake or worse.
const MOST_CONNECTIONS: usize = 16;

/// Waits on a port of this machine for the redirect that ends a login in a browser.
///
/// It listens on 127.0.0.1 alone, on a port that the system chooses. What does not belong to the login is answered and
/// waited over; the redirect itself is answered with a page that says that the window may be closed.
///
/// ```no_run
/// use networkpype_schemes::oauth2::{LoopbackRedirect, OAuth2};
///
/// # async fn login(auth: &OAuth2) -> Result<(), networkpype_auth::token::TokenError> {
/// let redirect = LoopbackRedirect::bind().await?;
/// let request = auth.authorization_request(redirect.redirect_uri()).await?;
/// println!("Log in here: {}", request.url());
/// let code = redirect.accept(&request).await?;
/// auth.login_with(code).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LoopbackRedirect {
    listener: TcpListener,
    uri: String,
    path: String,
    timeout: Duration,
}

impl LoopbackRedirect {
    /// Begins to listen.
    ///
    /// # Errors
    /// When this machine lets no program listen.
    pub async fn bind() -> Result<Self, TokenError> {
        Self::bind_to(0).await
    }

    /// Begins to listen on this port, for servers that compare it although RFC 8252, section 7.3 tells them not to.
    ///
    /// # Errors
    /// When this machine lets no program listen there: another one does already.
    pub async fn bind_to(port: u16) -> Result<Self, TokenError> {
        let failed = |error: std::io::Error| {
            let message = "no port of this machine can be listened on";
            TokenError::new(TokenErrorKind::Unavailable, message).with_source(error)
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let uri = format!("http://127.0.0.1:{port}{PATH}");
        let timeout = Duration::from_secs(300);
        Ok(Self { listener, uri, path: PATH.to_owned(), timeout })
    }

    /// The path that is registered with the authorization server, which compares it. Default: `/callback`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        let origin = self.uri.strip_suffix(&self.path).unwrap_or_default();
        let path = format!("/{}", path.trim_start_matches('/'));
        self.uri = format!("{origin}{path}");
        self.path = path;
        self
    }

    /// How long the login is waited for. Default: five minutes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What to begin the login with.
    pub fn redirect_uri(&self) -> &str {
        &self.uri
    }

    /// Waits for the redirect that answers `request`, and then listens no more.
    ///
    /// # Errors
    /// As [`AuthorizationRequest::code_from`]; and when nobody logs in in time.
    ///
    /// # Cancellation
    /// Dropping the future closes the port and every connection to it.
    pub async fn accept(
        self,
        request: &AuthorizationRequest,
    ) -> Result<AuthorizationCode, TokenError> {
        let (sender, mut heads) = mpsc::channel(MOST_CONNECTIONS);
        // Ends with this future, and its connections with it.
        let mut listening = JoinSet::new();
        listening.spawn(listen(self.listener, sender));
        match timeout(self.timeout, answered(request, &self.path, &mut heads)).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(TokenError::new(
                TokenErrorKind::Unavailable,
                "the port that a login was waited for on is closed",
            )),
            Err(_) => Err(TokenError::new(
                TokenErrorKind::ReauthenticationRequired,
                "nobody has logged in in time",
            )),
        }
    }
}

/// Reads requests as they come, several at a time: an idle connection keeps no other waiting.
async fn listen(listener: TcpListener, heads: mpsc::Sender<(String, TcpStream)>) {
    let mut reading = JoinSet::new();
    loop {
        while reading.len() >= MOST_CONNECTIONS {
            reading.join_next().await;
        }
        while reading.try_join_next().is_some() {}
        let Ok((mut stream, _)) = listener.accept().await else {
            // Out of file descriptors, say, which lasts a while.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let heads = heads.clone();
        reading.spawn(async move {
            if let Ok(Some(target)) = timeout(PATIENCE, target(&mut stream)).await {
                let _ = heads.send((target, stream)).await;
            }
        });
    }
}

/// The target of a GET request: what stands in the first line of its head, of which all is read.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > LONGEST_HEAD || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).ok()?;
    let mut line = head.lines().next()?.split(' ');
    (line.next()? == "GET").then_some(())?;
    line.next().map(str::to_owned)
}

/// The answer to the login; `None` where none can come any more.
async fn answered(
    request: &AuthorizationRequest,
    expected: &str,
    heads: &mut mpsc::Receiver<(String, TcpStream)>,
) -> Option<Result<AuthorizationCode, TokenError>> {
    while let Some((target, mut stream)) = heads.recv().await {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if path != expected {
            say(&mut stream, "404 Not Found", "There is nothing here.").await;
            continue;
        }
        // Of another login, or made up by a page to end this one.
        if !request.is_answered_by(query) {
            say(
                &mut stream,
                "400 Bad Request",
                "This does not belong to the login that is waited for.",
            )
            .await;
            continue;
        }
        let result = request.code_from(query);
        match &result {
            Ok(_) => say(&mut stream, "200 OK", "You may close this window.").await,
            Err(_) => say(&mut stream, "400 Bad Request", "The login has failed.").await,
        }
        return Some(result);
    }
    None
}

/// Answers with a page that says this. Nothing of the request is repeated in it.
async fn say(stream: &mut TcpStream, status: &str, text: &str) {
    let page = format!("<!doctype html><meta charset=utf-8><title>Login</title><p>{text}</p>\n");
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // That the browser is gone does not matter: the code is here.
    let answer = async {
        let _ = stream.write_all(response.as_bytes()).await;
        let _ = stream.shutdown().await;
    };
    let _ = timeout(PATIENCE, answer).await;
}

type Open = Arc<dyn Fn(&str) -> Result<(), BoxError> + Send + Sync>;

/// A login in a browser on this machine.
#[derive(Clone)]
pub(super) struct Browser {
    open: Open,
    port: u16,
    path: String,
}

impl Grant {
    /// That of a person, who logs in with a browser on this machine (RFC 8252). `open` is given the URL when somebody has to
    /// log in, and shows it or starts a browser; it has to return at once. Then the redirect is waited for, for five minutes.
    ///
    /// A request waits for it no longer than its own timeout allows, so ask for a [`token`](super::OAuth2::token) before the
    /// first one.
    pub fn browser(open: impl Fn(&str) -> Result<(), BoxError> + Send + Sync + 'static) -> Self {
        Self::browser_at(0, PATH, open)
    }

    /// The same with another redirect URI: on this port, 0 for any, and with this path. Servers compare the path with what
    /// is registered, and some the port.
    pub fn browser_at(
        port: u16,
        path: impl Into<String>,
        open: impl Fn(&str) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Browser(Browser { open: Arc::new(open), port, path: path.into() }))
    }
}

impl Browser {
    pub(super) async fn login(&self, issuer: &Issuer) -> Result<ObtainedToken, TokenError> {
        let redirect = LoopbackRedirect::bind_to(self.port).await?.path(&self.path);
        let request = issuer.authorization_request(redirect.redirect_uri()).await?;
        (self.open)(request.url()).map_err(|error| {
            let message = "the browser for the login cannot be opened";
            TokenError::new(TokenErrorKind::ReauthenticationRequired, message).with_source(error)
        })?;
        issuer.code(&redirect.accept(&request).await?).await
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}
