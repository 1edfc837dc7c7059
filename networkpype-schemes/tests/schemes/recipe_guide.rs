//! Every recipe in `docs/recipes.md` builds, and signs what the guide says that it signs. So do more recipes, for APIs
//! that have no preset.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use networkpype_core::{
    Auth, AuthError, Extensions, LoginStep, ManualClock, RestRequest, Timestamp,
    WebSocketHandshake, WebSocketRequest,
};
use networkpype_schemes::recipe::{
    Credentials, Endpoint, Entropy, RecipeAuth, RecipeSpec, RequestSpec,
};

const GUIDE: &str = include_str!("../../../docs/recipes.md");
const MORE: &str = include_str!("more_recipes.md");

/// A fenced block of the guide: what stands behind the backticks, its text and its line.
struct Block {
    info: &'static str,
    text: String,
    line: usize,
}

fn blocks(document: &'static str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block { info, text: String::new(), line: number + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn presets() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../networkpype/presets")
}

fn preset(name: &str) -> Option<RecipeSpec> {
    RecipeSpec::from_file(presets().join(format!("{name}.toml"))).ok()
}

fn recipe(block: &Block) -> RecipeSpec {
    let recipe = RecipeSpec::from_toml(&block.text).and_then(|recipe| recipe.resolve(&preset));
    recipe.unwrap_or_else(|error| panic!("line {}: {error}", block.line))
}

/// Keys that were made for tests.
fn key(name: &str) -> String {
    let keys: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../../../vectors/ccxt/keys.json")).expect("JSON");
    keys[name].clone()
}

/// A text for each credential that the recipe declares.
fn credentials(recipe: &RecipeSpec, request: &RequestSpec) -> Credentials {
    let mut credentials = Credentials::new();
    let toml = recipe.to_toml().expect("TOML");
    for declared in &recipe.credentials {
        let name = declared.name();
        let algorithm = request.algorithm.as_deref().unwrap_or_default();
        let encoding = request.key_encoding.as_deref().unwrap_or("pem");
        let text = match (name, algorithm, encoding) {
            ("secret", "ed25519" | "jwt-eddsa", "seed-base64") => key("ed25519_seed_base64"),
            ("secret", "ed25519", "seed-base58") => key("ed25519_seed_base58"),
            ("secret", "ed25519", _) => key("ed25519_pkcs8_pem"),
            ("secret", "jwt-es256", _) => key("p256_sec1_pem"),
            ("secret", algorithm, _)
                if algorithm.starts_with("rsa") || algorithm == "jwt-rs256" =>
            {
                key("rsa2048_pkcs8_pem")
            }
            ("secret", _, _) if toml.contains("encoding = \"base64\"") => "bXktc2VjcmV0".to_owned(),
            ("uid", _, _) => "42".to_owned(),
            (name, _, _) => format!("my-{name}"),
        };
        credentials = credentials.with(name, text);
    }
    credentials
}

struct Fixed;

impl Entropy for Fixed {
    fn bytes(&self) -> Result<[u8; 16], AuthError> {
        Ok(std::array::from_fn(|index| index as u8))
    }
}

fn auth(recipe: RecipeSpec, signed: Option<Arc<Mutex<String>>>) -> RecipeAuth {
    let credentials = credentials(&recipe, &recipe.request.clone().unwrap_or_default());
    let builder = RecipeAuth::builder(recipe)
        .credentials(credentials)
        .clock(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)))
        .entropy(Fixed);
    let builder = match signed {
        None => builder,
        Some(signed) => builder.sign_with(move |payload, _| {
            *signed.lock().expect("a lock") = payload
                .utf8_chunks()
                .map(|chunk| {
                    let bytes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
                    chunk.valid().to_owned() + &bytes.collect::<String>()
                })
                .collect();
            Ok(Vec::new())
        }),
    };
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// The recipe with the program's own code in place of every algorithm.
fn with_custom_code(mut recipe: RecipeSpec) -> RecipeSpec {
    let custom = || Some("custom".to_owned());
    let websocket = recipe.websocket.as_mut();
    for request in recipe
        .request
        .iter_mut()
        .chain(websocket.into_iter().flat_map(|websocket| websocket.handshake.iter_mut()))
    {
        request.algorithm = custom();
        request.payload.get_or_insert_default();
        request.key_encoding = None;
        for rule in &mut request.rules {
            rule.then.algorithm = None;
            rule.then.key_encoding = None;
        }
    }
    if let Some(websocket) = &mut recipe.websocket {
        if let Some(login) = &mut websocket.login {
            login.algorithm = custom();
            login.payload.get_or_insert_default();
            login.key_encoding = None;
        }
        if let Some(message) = &mut websocket.message {
            message.algorithm = custom();
            message.key_encoding = None;
        }
    }
    recipe
}

/// What a caller does, as the guide writes it.
#[derive(Clone)]
enum Call {
    Request(Box<RestRequest>),
    Handshake(String),
    Login,
    Message(String),
}

fn call(text: &str) -> Call {
    let (what, rest) = text.split_once(' ').unwrap_or((text, ""));
    match what {
        "login" => Call::Login,
        "message" => Call::Message(rest.to_owned()),
        "handshake" => Call::Handshake(rest.to_owned()),
        method => {
            let mut words = rest.split("   ").map(str::trim);
            let url = words.next().expect("a URL");
            let (url, query) = url.split_once('?').unwrap_or((url, ""));
            let mut request = RestRequest::new(method.parse().expect("a method"), url);
            // As a caller writes them: not encoded yet.
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                request = request.param(name, value);
            }
            for word in words.filter(|word| !word.is_empty()) {
                if let Some(endpoint) = word.strip_prefix("Endpoint ") {
                    request = request.extension(Endpoint::new(endpoint.to_owned()));
                } else if word.starts_with('{') {
                    request = request.json_text(word);
                } else {
                    for (name, value) in word.split('&').filter_map(|pair| pair.split_once('=')) {
                        request = request.form_param(name, value);
                    }
                }
            }
            Call::Request(Box::new(request))
        }
    }
}

/// What is sent, as the guide writes it.
async fn sent(auth: &RecipeAuth, call: Call) -> Vec<String> {
    let request = match call {
        Call::Login => {
            let step = auth.ws_login(&mut Extensions::new(), None).await.expect("a login");
            let LoginStep::Send(message) = step else { panic!("no message is sent") };
            return vec![text_of(message)];
        }
        Call::Message(text) => {
            let message = WebSocketRequest::json(
                &serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).expect("JSON"),
            );
            return vec![text_of(auth.ws_authenticate(message).await.expect("a message"))];
        }
        Call::Handshake(url) => auth
            .ws_handshake(WebSocketHandshake::new(&*url))
            .await
            .expect("a handshake")
            .into_request(),
        Call::Request(request) => auth.rest_authenticate(*request).await.expect("a request"),
    };
    let mut request = request;
    let target = request.target();
    let mut lines = vec![format!("{} {target}", request.method())];
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .filter(|(name, _)| *name != "content-type")
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    lines.append(&mut headers);
    let body = request.body_bytes().expect("a body");
    if !body.is_empty() {
        lines.push(String::from_utf8_lossy(&body).into_owned());
    }
    lines
}

fn text_of(mut message: WebSocketRequest) -> String {
    String::from_utf8(message.bytes().expect("bytes").to_vec()).expect("text")
}

/// Whether a line of what is sent is what the guide says: a header's name in any case, and `…` for whatever follows.
fn is_line(guide: &str, own: &str) -> bool {
    if let Some(begin) = guide.strip_suffix('…') {
        return own.len() >= begin.len() && own.is_char_boundary(begin.len()) && {
            is_line(begin, &own[..begin.len()])
        };
    }
    match (guide.split_once(": "), own.split_once(": ")) {
        (Some((name, value)), Some((own_name, own_value))) => {
            name.eq_ignore_ascii_case(own_name) && value == own_value
        }
        _ => guide == own,
    }
}

/// Checks one call of a block: `call`, `signed` and `sent`, the lines behind `sent` being headers and the body.
async fn check(recipe: &RecipeSpec, lines: &[&str], at: usize) {
    let said =
        |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let call = call(said("call").unwrap_or_else(|| panic!("line {at}: no call")));
    if let Some(expected) = said("signed") {
        let is_token = recipe.to_toml().expect("TOML").contains("\"jwt-");
        if is_token {
            let own = sent(&auth(recipe.clone(), None), call.clone()).await.join("\n");
            assert_eq!(token(&own), expected, "line {at}: what is signed");
        } else {
            let signed = Arc::new(Mutex::new(String::new()));
            let auth = auth(with_custom_code(recipe.clone()), Some(Arc::clone(&signed)));
            sent(&auth, call.clone()).await;
            let signed = signed.lock().expect("a lock").replace('\n', "\\n").replace('\0', "\\0");
            assert_eq!(signed, expected, "line {at}: what is signed");
        }
    }
    let position = lines.iter().position(|line| line.starts_with("sent"));
    let Some(position) = position else { return };
    let mut expected: Vec<&str> =
        lines[position..].iter().map(|line| line.trim_start_matches("sent").trim()).collect();
    if expected.len() > 1 && expected[0].contains(" /") {
        let body = expected.iter().skip(1).position(|line| !is_header(line));
        let headers = body.map_or(expected.len(), |at| at + 1);
        expected[1..headers].sort_by_key(|line| line.to_ascii_lowercase());
    }
    let own = sent(&auth(recipe.clone(), None), call).await;
    assert!(
        own.len() == expected.len() && expected.iter().zip(&own).all(|(a, b)| is_line(a, b)),
        "line {at}: sent\n{}\nand the guide says\n{}",
        own.join("\n"),
        expected.join("\n"),
    );
}

fn is_header(line: &str) -> bool {
    line.split_once(": ").is_some_and(|(name, _)| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    })
}

/// Header and claims of the token in a text.
fn token(text: &str) -> String {
    let start = text.find("eyJ").expect("a token");
    let token = text[start..].split(['\n', '"']).next().expect("a token");
    let parts: Vec<_> = token.split('.').take(2).map(base64url).collect();
    parts.join(".")
}

fn base64url(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|own| *own == letter).expect("base64url");
        bits = (bits << 6) | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8(bytes).expect("text")
}

#[test]
fn every_recipe_in_the_guide_builds() {
    let recipes = [GUIDE, MORE].into_iter().flat_map(blocks);
    let recipes: Vec<_> = recipes.filter(|block| block.info == "toml").collect();
    assert!(recipes.len() > 10, "the guide has lost its recipes");
    for block in &recipes {
        let spec = recipe(block);
        for variant in spec.variants.keys() {
            let mut request = spec.request.clone().unwrap_or_default();
            if let Some(own) = &spec.variants[variant].request {
                request.algorithm = own.algorithm.clone().or(request.algorithm);
                request.key_encoding = own.key_encoding.clone().or(request.key_encoding);
            }
            RecipeAuth::builder(spec.clone())
                .variant(variant)
                .credentials(credentials(&spec, &request))
                .build()
                .unwrap_or_else(|error| panic!("line {}: {variant}: {error}", block.line));
        }
        auth(spec, None);
    }
}

#[tokio::test]
async fn the_guide_says_what_is_signed_and_sent() {
    let mut last = None;
    let mut checked = 0;
    for block in [GUIDE, MORE].into_iter().flat_map(blocks) {
        if block.info == "toml" {
            last = Some(recipe(&block));
        } else if block.info == "text" && block.text.starts_with("call") {
            let recipe = last.as_ref().expect("a recipe before it");
            let lines: Vec<_> = block.text.lines().filter(|line| !line.is_empty()).collect();
            let mut starts: Vec<_> =
                (0..lines.len()).filter(|at| lines[*at].starts_with("call")).collect();
            starts.push(lines.len());
            for pair in starts.windows(2) {
                check(recipe, &lines[pair[0]..pair[1]], block.line + pair[0] + 1).await;
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "the guide shows no calls");
}

#[test]
fn every_fragment_in_the_guide_can_be_read() {
    for block in blocks(GUIDE).iter().filter(|block| block.info == "toml,fragment") {
        RecipeSpec::from_toml(&block.text)
            .unwrap_or_else(|error| panic!("line {}: {error}", block.line));
    }
}

#[test]
fn every_preset_that_the_guide_names_exists() {
    let table = GUIDE.split("## Which preset shows what").nth(1).expect("the table");
    let table = table.split("\n## ").next().expect("the table");
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let mut named = 0;
    for row in rows {
        let shown = row.trim_end_matches('|').rsplit('|').next().expect("a column");
        for name in shown.split(',').map(str::trim) {
            assert!(presets().join(format!("{name}.toml")).is_file(), "there is no preset {name}");
            named += 1;
        }
    }
    assert!(named > 50, "the table is empty");
}
