//! From data to what signs: every name is looked up, every template parsed and every contradiction found here, once.

use std::collections::BTreeMap;

use networkpype_auth::{
    DigestEncoding, Login, MessageText, Operation, Part, Recipe, SecretEncoding, Template,
    TemplateNames, TimestampFormat, fields_are,
};

use super::{
    compile_request::{Draws, NamesAt, Signed, compile_places, compile_request},
    error::RecipeError,
    matcher::Matcher,
    nonce::NonceStyle,
    operation::compile_operation,
    spec::{CredentialSpec, LoginSpec, MessageSpec, RecipeSpec, RequestSpec},
};

/// What a recipe's data became: nothing is parsed any more when something is signed.
#[derive(Clone, Debug, Default)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) credentials: Vec<Declared>,
    pub(super) request: Option<Requests>,
    pub(super) handshake: Option<Requests>,
    pub(super) login: Option<Signed<Login>>,
    pub(super) message: Option<Signed<Recipe>>,
    pub(super) resync: Vec<(String, String)>,
    /// What makes signatures; each signed thing names one by its index.
    pub(super) operations: Vec<Operation>,
}

/// A credential, and what its text stands for.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) encoding: SecretEncoding,
    pub(super) transform: Transform,
    pub(super) optional: bool,
}

/// What is done to a credential's text before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Transform {
    #[default]
    None,
    Upper,
    Lower,
    Md5Hex,
    Base64,
}

/// How requests are signed, and which of them differently.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    pub(super) base: Signed<Recipe>,
    pub(super) rules: Vec<(Matcher, Signed<Recipe>)>,
}

impl Compiled {
    /// Whether anything that is signed or sent holds the time.
    pub(super) fn uses_time(&self) -> bool {
        self.any_part(&|part| matches!(part, Part::Timestamp | Part::Now(..)))
    }

    /// Whether `wanted` holds for a part of anything that is signed or sent.
    pub(super) fn any_part(&self, wanted: &dyn Fn(&Part) -> bool) -> bool {
        let requests = self.request.iter().chain(&self.handshake);
        requests
            .flat_map(|requests| {
                std::iter::once(&requests.base).chain(requests.rules.iter().map(|(_, rule)| rule))
            })
            .chain(&self.message)
            .any(|signed| signed.what.any(wanted))
            || self.login.iter().any(|login| login.what.any(wanted))
    }
}

pub(super) fn compile(
    spec: &RecipeSpec,
    custom: Option<&Operation>,
) -> Result<Compiled, RecipeError> {
    let mut compiled = Compiled {
        name: spec.name.clone().unwrap_or_else(|| "recipe".to_owned()),
        ..Compiled::default()
    };
    if let Some(base) = &spec.extends {
        let reason = format!("{base:?} was not looked up: give `resolve` what knows it");
        return Err(RecipeError::new("extends", reason));
    }
    for (index, credential) in spec.credentials.iter().enumerate() {
        let declared = declared(credential, &format!("credentials[{index}]"))?;
        if compiled.credentials.iter().any(|own| own.name == declared.name) {
            let reason = format!("`{}` is declared twice", declared.name);
            return Err(RecipeError::new("credentials", reason));
        }
        compiled.credentials.push(declared);
    }
    let names = names(spec, &compiled.credentials)?;
    let operations = &mut compiled.operations;
    if let Some(request) = &spec.request {
        compiled.request = Some(requests(request, "request", &names, custom, operations, false)?);
    }
    if let Some(websocket) = &spec.websocket {
        if let Some(handshake) = &websocket.handshake {
            let key = "websocket.handshake";
            compiled.handshake = Some(requests(handshake, key, &names, custom, operations, true)?);
        }
        if let Some(login) = &websocket.login {
            compiled.login = Some(compile_login(login, &names, custom, operations)?);
        }
        if let Some(message) = &websocket.message {
            compiled.message = Some(compile_message(message, &names, custom, operations)?);
        }
    }
    if compiled.request.is_none()
        && compiled.handshake.is_none()
        && compiled.login.is_none()
        && compiled.message.is_none()
    {
        return Err(RecipeError::new(
            "",
            "nothing is signed: there is neither `request` nor `websocket`",
        ));
    }
    if let Some(resync) = &spec.resync {
        if resync.codes.is_empty() {
            return Err(RecipeError::new("resync.codes", "there are none"));
        }
        let field = resync.field.clone().unwrap_or_else(|| "code".to_owned());
        compiled.resync = resync.codes.iter().map(|code| (field.clone(), code.clone())).collect();
    }
    Ok(compiled)
}

fn declared(spec: &CredentialSpec, key: &str) -> Result<Declared, RecipeError> {
    let name = spec.name().to_owned();
    check_name(&name, key)?;
    let mut declared = Declared {
        name,
        encoding: SecretEncoding::default(),
        transform: Transform::None,
        optional: false,
    };
    if let CredentialSpec::Full(full) = spec {
        declared.optional = full.optional;
        if let Some(encoding) = &full.encoding {
            declared.encoding = named(encoding, &format!("{key}.encoding"))?;
        }
        declared.transform = match full.transform.as_deref() {
            None => Transform::None,
            Some("upper") => Transform::Upper,
            Some("lower") => Transform::Lower,
            Some("md5-hex") => Transform::Md5Hex,
            Some("base64") => Transform::Base64,
            Some(_) => {
                let reason = "write `upper`, `lower`, `md5-hex` or `base64`";
                return Err(RecipeError::new(format!("{key}.transform"), reason));
            }
        };
    }
    Ok(declared)
}

/// Whether a credential or a constant can be called that.
fn check_name(name: &str, key: &str) -> Result<(), RecipeError> {
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(is_name) {
        return Err(RecipeError::new(
            key,
            "a name begins with a letter and has lower-case letters, digits, `-` and `_`",
        ));
    }
    if Template::is_part(name) {
        let reason = format!("`{{{name}}}` is a part that every template has: choose another name");
        return Err(RecipeError::new(key, reason));
    }
    Ok(())
}

fn names(spec: &RecipeSpec, credentials: &[Declared]) -> Result<TemplateNames, RecipeError> {
    let mut names = TemplateNames::default();
    names.credentials = credentials.iter().map(|own| own.name.clone().into()).collect();
    add_constants(&mut names, &spec.constants, "constants")?;
    Ok(names)
}

/// Adds constants; one of the same name is replaced.
pub(super) fn add_constants(
    names: &mut TemplateNames,
    constants: &BTreeMap<String, String>,
    key: &str,
) -> Result<(), RecipeError> {
    for (name, text) in constants {
        check_name(name, &format!("{key}.{name}"))?;
        if names.credentials.iter().any(|own| own == name) {
            let reason = "a credential has this name already";
            return Err(RecipeError::new(format!("{key}.{name}"), reason));
        }
        names.constants.retain(|(own, _)| own != name);
        names.constants.push((name.clone().into(), text.clone().into()));
    }
    Ok(())
}

fn requests(
    spec: &RequestSpec,
    key: &str,
    names: &TemplateNames,
    custom: Option<&Operation>,
    operations: &mut Vec<Operation>,
    is_handshake: bool,
) -> Result<Requests, RecipeError> {
    let mut one = |spec: &RequestSpec, key: &str| {
        if is_handshake {
            check_has_no_body(spec, key)?;
        }
        let names = NamesAt::new(names, spec, key)?;
        let signed = compile_request(spec, &names, custom, operations)?;
        let recipe = &signed.what;
        let checked = match (signed.operation, is_handshake) {
            (None, _) => recipe.check_unsigned(),
            (Some(_), false) => recipe.check_request(),
            (Some(_), true) => recipe.check_handshake(),
        };
        checked.map_err(|error| RecipeError::new(key, error))?;
        Ok::<_, RecipeError>(signed)
    };
    let base = one(spec, key)?;
    let mut rules = Vec::with_capacity(spec.rules.len());
    for (index, rule) in spec.rules.iter().enumerate() {
        let key = format!("{key}.rules[{index}]");
        if !rule.then.rules.is_empty() {
            return Err(RecipeError::new(
                format!("{key}.then.rules"),
                "a rule has no rules of its own",
            ));
        }
        let matcher = Matcher::new(&rule.matches, &format!("{key}.match"))?;
        let mut then = rule.then.over(spec);
        then.rules.clear();
        rules.push((matcher, one(&then, &format!("{key}.then"))?));
    }
    Ok(Requests { base, rules })
}

/// A handshake is a GET request without a body.
fn check_has_no_body(spec: &RequestSpec, key: &str) -> Result<(), RecipeError> {
    let said = [
        ("body", spec.body.is_some()),
        ("empty-body", spec.empty_body.is_some()),
        ("carry", spec.carry.is_some()),
        ("sort-json", spec.sort_json.is_some()),
    ];
    if let Some((field, _)) = said.into_iter().find(|(_, is_said)| *is_said) {
        return Err(RecipeError::new(format!("{key}.{field}"), "a handshake has no body"));
    }
    for (list, entries) in [("before", &spec.before), ("after", &spec.after)] {
        for (index, entry) in entries.iter().flatten().enumerate() {
            if !matches!(entry.r#in.as_deref(), None | Some("params" | "query")) {
                let key = format!("{key}.{list}[{index}].in");
                return Err(RecipeError::new(key, "a handshake has no body: write `query`"));
            }
        }
    }
    Ok(())
}

fn compile_login(
    spec: &LoginSpec,
    names: &TemplateNames,
    custom: Option<&Operation>,
    operations: &mut Vec<Operation>,
) -> Result<Signed<Login>, RecipeError> {
    let key = "websocket.login";
    let as_request = RequestSpec {
        payload: spec.payload.clone(),
        algorithm: spec.algorithm.clone(),
        signing_key: spec.signing_key.clone(),
        key_encoding: spec.key_encoding.clone(),
        digest: spec.digest.clone(),
        jwt_header: spec.jwt_header.clone(),
        jwt_claims: spec.jwt_claims.clone(),
        ..RequestSpec::default()
    };
    let names = NamesAt::new(names, &as_request, key)?;
    let (payload, operation) = compile_operation(&as_request, &names, custom)?;
    let message = names.template(&spec.message, "message")?;
    MessageText::from_template(&message)
        .map_err(|error| RecipeError::new(names.at("message"), error))?;
    let mut login = Login::from_template(&message)
        .timestamp(time_format(spec.timestamp.as_deref(), key)?)
        .expires_in(std::time::Duration::from_secs(spec.expires_in.unwrap_or(0).into()))
        .sign(payload);
    if operation.as_ref().is_some_and(Operation::holds_payload) {
        login = login.signature_holds_payload();
    }
    if spec.accepted.is_empty() {
        return Err(RecipeError::new(
            format!("{key}.accepted"),
            "nothing tells when the login is accepted: say which fields the answer has then",
        ));
    }
    login = login.accepted_when(fields_are(spec.accepted.clone()));
    if !spec.refused.is_empty() {
        login = login.refused_when(fields_are(spec.refused.clone()));
    }
    if let Some(code) = &spec.refusal_code {
        login = login.refusal_code(code.clone());
    }
    for code in &spec.resync_codes {
        login = login.resync_on_code(code.clone());
    }
    login.check().map_err(|error| RecipeError::new(key, error))?;
    Ok(Signed {
        draws: Draws::of(|part| login.uses(part)),
        what: login,
        operation: operation.map(|operation| index_of(operations, operation)),
        digest: digest(spec.digest.as_deref(), key)?,
        nonce: NonceStyle::named(spec.nonce.as_deref(), key)?,
    })
}

fn compile_message(
    spec: &MessageSpec,
    names: &TemplateNames,
    custom: Option<&Operation>,
    operations: &mut Vec<Operation>,
) -> Result<Signed<Recipe>, RecipeError> {
    let key = "websocket.message";
    let as_request = RequestSpec {
        payload: spec.payload.clone(),
        algorithm: spec.algorithm.clone(),
        signing_key: spec.signing_key.clone(),
        key_encoding: spec.key_encoding.clone(),
        jwt_header: spec.jwt_header.clone(),
        jwt_claims: spec.jwt_claims.clone(),
        ..RequestSpec::default()
    };
    let names = NamesAt::new(names, &as_request, key)?;
    let (payload, operation) = compile_operation(&as_request, &names, custom)?;
    let mut recipe = Recipe::new()
        .sign(payload)
        .timestamp(time_format(spec.timestamp.as_deref(), key)?)
        .expires_in(std::time::Duration::from_secs(spec.expires_in.unwrap_or(0).into()));
    if operation.as_ref().is_some_and(Operation::holds_payload) {
        recipe = recipe.signature_holds_payload();
    }
    if let Some(within) = &spec.within {
        recipe = recipe.within(within.clone());
    }
    recipe = compile_places(recipe, &spec.fields, "fields", Some("json"), false, &names)?;
    recipe.check_message().map_err(|error| RecipeError::new(key, error))?;
    Ok(Signed {
        draws: Draws::of(|part| recipe.uses(part)),
        what: recipe,
        operation: operation.map(|operation| index_of(operations, operation)),
        digest: digest(spec.digest.as_deref(), key)?,
        nonce: NonceStyle::named(spec.nonce.as_deref(), key)?,
    })
}

/// The place of `operation` among `operations`, which it is added to.
pub(super) fn index_of(operations: &mut Vec<Operation>, operation: Operation) -> usize {
    operations.push(operation);
    operations.len() - 1
}

pub(super) fn digest(name: Option<&str>, key: &str) -> Result<DigestEncoding, RecipeError> {
    name.map_or(Ok(DigestEncoding::default()), |name| named(name, &format!("{key}.digest")))
}

pub(super) fn time_format(name: Option<&str>, key: &str) -> Result<TimestampFormat, RecipeError> {
    name.map_or(Ok(TimestampFormat::default()), |name| named(name, &format!("{key}.timestamp")))
}

pub(super) fn named<T: std::str::FromStr<Err = networkpype_core::AuthError>>(
    name: &str,
    key: &str,
) -> Result<T, RecipeError> {
    name.parse().map_err(|error| RecipeError::new(key, error))
}
