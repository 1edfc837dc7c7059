//! Secrets outside of the parts that are compared one by one, and servers that write them in another way.

use networkpype::{
    Auth, AuthError, Error, RestRequest, WebSocketHandshake, WebSocketRequest, async_trait,
};
use networkpype_test::{Exchange, Reply};

use super::{factory, harmless};
use crate::canary::CANARY;

/// A scheme that is one function of the request.
struct Signs(fn(RestRequest) -> RestRequest);

#[async_trait]
impl Auth for Signs {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        Ok(self.0(request))
    }

    async fn ws_authenticate(&self, _: WebSocketRequest) -> Result<WebSocketRequest, AuthError> {
        Err(AuthError::unsupported("not for messages"))
    }

    async fn ws_handshake(
        &self,
        handshake: WebSocketHandshake,
    ) -> Result<WebSocketHandshake, AuthError> {
        Ok(handshake)
    }
}

/// Answers with what it was sent, passed through `escape`.
fn quoting(escape: fn(String) -> String) -> Exchange {
    let refuse = move |request: &networkpype_test::Recorded| {
        let header = |name| request.header(name).unwrap_or_default();
        let (query, body) = (request.query(), request.body_text());
        let sent = format!("{} {} {query} {body}", header("x-key"), header("cookie"));
        Reply::text(403, escape(sent))
    };
    Exchange::builder().handler("/refuse", refuse).start()
}

async fn refused(exchange: &Exchange, scheme: Signs) -> Error {
    let factory = factory(exchange, scheme).build().expect("factory");
    let request = RestRequest::post("/refuse").auth_required();
    factory.rest_manager().execute_request::<()>(request).await.expect_err("refused")
}

#[tokio::test]
async fn no_error_shows_a_default_header_or_a_cookie_of_the_factory() {
    let exchange = quoting(|sent| sent);
    let factory = factory(&exchange, Signs(|request| request))
        .default_header("x-key", CANARY)
        .cookie("session", CANARY)
        .build()
        .expect("factory");
    let request = RestRequest::get("/refuse").auth_required();
    harmless(&factory.rest_manager().execute_request::<()>(request).await.expect_err("refused"));
    let handshake = WebSocketHandshake::new("/refuse").auth_required();
    harmless(&factory.ws_manager().connect(handshake).await.expect_err("refused"));
}

#[tokio::test]
async fn no_error_shows_a_body_that_a_scheme_wrote_whole() {
    let exchange = quoting(|sent| sent);
    for scheme in [
        Signs(|request| request.body(format!("token={CANARY}"))),
        Signs(|request| request.json_text(format!("[\"{CANARY}\"]"))),
    ] {
        harmless(&refused(&exchange, scheme).await);
    }
}

#[tokio::test]
async fn no_error_shows_a_secret_that_the_server_escaped_in_its_own_way() {
    // As PHP writes JSON, and as RFC 3986, section 2.1 allows.
    let escapes: [fn(String) -> String; 2] =
        [|sent| sent.replace('/', "\\/"), |sent| sent.replace("%2F", "%2f")];
    for escape in escapes {
        let exchange = quoting(escape);
        let header = Signs(|request| request.header("x-key", format!("{CANARY}/2026")));
        harmless(&refused(&exchange, header).await);
        let query = Signs(|request| request.param("key", format!("{CANARY}/2026")));
        harmless(&refused(&exchange, query).await);
    }
}
