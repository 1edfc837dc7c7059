//! What is signed is what arrives, byte for byte, over a real socket and for every preset; and where the host is not signed,
//! it is what ccxt signed.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use networkpype::{
    Auth, AuthError, Preset, RestConnection, RestManager, RestRequest, WebSocketRequest,
    async_trait, schemes::recipe::RecipeAuth,
};
use networkpype_test::{Exchange, Recorded, Reply};
use serde_json::Value;

use crate::{
    ccxt::{Keys, scheme},
    compare,
    options::Options,
    rest, text_of,
};

/// APIs whose signatures are others on another host: it is signed, or decides how.
const WITH_HOST: [&str; 5] = ["bitstamp", "coinbase", "coincheck", "htx", "kucoin"];

/// APIs that take everything in the query.
const WITHOUT_BODY: [&str; 3] = ["bingx", "deribit", "luno"];

/// What a connection adds to what was signed.
const OF_CONNECTION: [&str; 4] = ["host", "content-length", "user-agent", "accept"];

/// Keeps what a scheme has signed.
struct Recording {
    scheme: RecipeAuth,
    signed: Arc<Mutex<Option<RestRequest>>>,
}

#[async_trait]
impl Auth for Recording {
    async fn rest_authenticate(&self, request: RestRequest) -> Result<RestRequest, AuthError> {
        let signed = self.scheme.rest_authenticate(request).await?;
        *self.signed.lock().expect("no panic") = Some(signed.clone());
        Ok(signed)
    }

    async fn ws_authenticate(
        &self,
        request: WebSocketRequest,
    ) -> Result<WebSocketRequest, AuthError> {
        self.scheme.ws_authenticate(request).await
    }
}

/// Where what arrived differs from what was signed.
fn difference(mut signed: RestRequest, arrived: &Recorded, authority: &str) -> Result<(), String> {
    compare::same("method", signed.method().as_str(), &arrived.method)?;
    let target = signed.target();
    compare::same("target", &target, &arrived.target)?;
    let line = format!("{} {target} HTTP/1.1\r\n", signed.method());
    if !arrived.head.starts_with(line.as_bytes()) {
        return Err("the request line is another".to_owned());
    }
    let body = signed.body_bytes().map_err(|error| error.to_string())?;
    compare::same(
        "body",
        &String::from_utf8_lossy(&body),
        &String::from_utf8_lossy(&arrived.body),
    )?;
    compare::same("host", authority, arrived.header("host").unwrap_or_default())?;
    let value_of = |name: &str| -> Vec<Vec<u8>> {
        let headers = arrived.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| value.to_vec()).collect()
    };
    for name in signed.headers().keys() {
        let values: Vec<_> =
            signed.headers().get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect();
        if value_of(name.as_str()) != values {
            return Err(format!("the header {name} is another"));
        }
    }
    for (name, _) in &arrived.headers {
        let name = name.to_ascii_lowercase();
        if !signed.headers().contains_key(&name) && !OF_CONNECTION.contains(&name.as_str()) {
            return Err(format!("the header {name} was not signed"));
        }
    }
    Ok(())
}

/// The case with our host in place of its own, in what is called and in what is expected.
fn moved(case: &Value, url: &str) -> Value {
    let mut case = case.clone();
    let base = text_of(&case["base_url"]).to_owned();
    let origin_ends = base.find("://").map_or(0, |at| at + 3);
    let path_begins = base[origin_ends..].find('/').map_or(base.len(), |at| origin_ends + at);
    let (origin, path) = base.split_at(path_begins);
    let expected = text_of(&case["expected"]["url"]).replacen(origin, url, 1);
    case["base_url"] = format!("{url}{path}").into();
    case["expected"]["url"] = expected.into();
    case
}

#[tokio::test]
async fn what_is_signed_for_every_preset_is_what_arrives_over_a_socket() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../vectors/ccxt/rest.jsonl");
    let text = fs::read_to_string(&file).expect("the vectors");
    let keys = Keys::beside(&file).expect("keys");
    let options = Options::read([file.display().to_string()].into_iter()).expect("options");
    let exchange = Exchange::builder()
        .handler("/", |_: &Recorded| Reply::json(200, &Value::Object(Default::default())))
        .start();
    let connection = RestConnection::new().expect("a connection");
    let (mut presets, mut with_host, mut methods) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        if case["tier"] != "core" {
            continue;
        }
        let case = moved(&case, &exchange.url());
        let (name, id) = (text_of(&case["exchange"]), text_of(&case["case_id"]));
        let scheme = scheme(&case, &options, &keys).expect(id);
        let request = rest::request(&case, line, &scheme).expect(id);
        let signed = Arc::new(Mutex::new(None));
        let manager = RestManager::builder()
            .connection(connection.clone())
            .auth(Recording { scheme, signed: Arc::clone(&signed) })
            .build()
            .expect(id);
        manager.call(request).await.unwrap_or_else(|error| panic!("{id}: {}", rest::chain(&error)));
        let signed = signed.lock().expect("no panic").take().expect("signed");
        let arrived = exchange.requests().pop().expect("it arrived");
        if let Err(why) = difference(signed.clone(), &arrived, &exchange.addr().to_string()) {
            panic!("{id}: {why}");
        }
        if compare::request(&case, signed, &keys).is_err() {
            with_host.insert(name.to_owned());
        }
        methods.insert((name.to_owned(), arrived.body.is_empty()));
        presets.insert(name.to_owned());
    }
    assert!(presets.iter().map(String::as_str).eq(Preset::names()), "{presets:?}");
    assert!(with_host.iter().eq(WITH_HOST.iter()), "these differ from ccxt: {with_host:?}");
    let without_body = |name: &&String| !methods.contains(&(name.to_string(), false));
    let bodiless: Vec<_> = presets.iter().filter(without_body).collect();
    assert_eq!(bodiless, WITHOUT_BODY, "these sent no body at all");
}
