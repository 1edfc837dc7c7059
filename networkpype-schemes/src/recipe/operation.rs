//! What is signed, and what makes the signature?

#[cfg(feature = "asymmetric")]
use networkpype_auth::{Entry, JwtAlgorithm, KeyEncoding, Part, SignatureAlgorithm};
use networkpype_auth::{HashAlgorithm, HmacAlgorithm, Operation, Template};

use super::{compile_request::NamesAt, error::RecipeError, spec::RequestSpec};
#[cfg(feature = "asymmetric")]
use super::{compile_request::text_of, entry::EntrySpec};

/// The template of what is signed, and the operation; none where nothing is signed.
pub(super) fn compile_operation(
    spec: &RequestSpec,
    names: &NamesAt<'_>,
    custom: Option<&Operation>,
) -> Result<(Template, Option<Operation>), RecipeError> {
    let algorithm = spec.algorithm.as_deref();
    if let Some(token) = algorithm.and_then(|name| name.strip_prefix("jwt-")) {
        if spec.payload.as_ref().is_some_and(|payload| !payload.is_empty()) {
            let reason =
                "a token signs its header and claims: leave it out, or take it back with `\"\"`";
            return Err(RecipeError::new(names.at("payload"), reason));
        }
        return token_operation(token, spec, names);
    }
    for (field, said) in [("jwt-header", &spec.jwt_header), ("jwt-claims", &spec.jwt_claims)] {
        if said.as_ref().is_some_and(|entries| !entries.is_empty()) {
            let reason = "only an `algorithm` that begins with `jwt-` makes tokens";
            return Err(RecipeError::new(names.at(field), reason));
        }
    }
    let Some(payload) = spec.payload.as_deref() else {
        if algorithm.is_some() {
            let reason =
                "there is an algorithm and nothing to sign: say what, or `\"\"` for nothing";
            return Err(RecipeError::new(names.at("payload"), reason));
        }
        return Ok((Template::default(), None));
    };
    if payload.is_empty() {
        if let Some(name) = algorithm.filter(|name| *name != "custom") {
            // Nothing is signed, and a name that is not known is a mistake all the same.
            operation(name, spec, names)?;
        }
        return Ok((Template::default(), None));
    }
    let payload = names.template(payload, "payload")?;
    let operation = match algorithm {
        Some("custom") => custom.cloned().ok_or_else(|| {
            let reason = "`custom` signs with the program's own code: give the builder `sign_with`";
            RecipeError::new(names.at("algorithm"), reason)
        })?,
        algorithm => operation(algorithm.unwrap_or("hmac-sha256"), spec, names)?,
    };
    Ok((payload, Some(operation)))
}

fn signing_key(spec: &RequestSpec, names: &NamesAt<'_>) -> Result<String, RecipeError> {
    let credential = spec.signing_key.clone().unwrap_or_else(|| "secret".to_owned());
    if !names.declares(&credential) {
        let reason = format!("signs with the credential `{credential}`, which is not declared");
        return Err(RecipeError::new(names.at("signing-key"), reason));
    }
    Ok(credential)
}

fn operation(
    name: &str,
    spec: &RequestSpec,
    names: &NamesAt<'_>,
) -> Result<Operation, RecipeError> {
    let credential = signing_key(spec, names)?.into();
    if let Ok(algorithm) = name.parse::<HmacAlgorithm>() {
        no_key_encoding(spec, names)?;
        return Ok(Operation::Hmac { algorithm, credential });
    }
    if let Some(Ok(algorithm)) = name.strip_prefix("keyed-").map(str::parse::<HashAlgorithm>) {
        no_key_encoding(spec, names)?;
        return Ok(Operation::KeyedHash { algorithm, credential });
    }
    #[cfg(feature = "asymmetric")]
    if let Ok(algorithm) = name.parse::<SignatureAlgorithm>() {
        let encoding = key_encoding(spec, names)?;
        return Ok(Operation::PrivateKey { algorithm, credential, encoding });
    }
    Err(unknown(names))
}

fn unknown(names: &NamesAt<'_>) -> RecipeError {
    let known = if cfg!(feature = "asymmetric") {
        "write `hmac-sha256` or another HMAC, `keyed-md5`, `ed25519`, `rsa-pkcs1-sha256`, `rsa-pss-sha256`, \
         `ecdsa-p256-sha256`, `ecdsa-p384-sha384`, `ecdsa-p521-sha512`, `ecdsa-secp256k1-sha256`, `jwt-hs256`, \
         `jwt-es256`, `jwt-eddsa` or another of their kinds, or `custom`"
    } else {
        "write `hmac-sha256` or another HMAC, `keyed-md5` or `custom`; private keys and tokens need the feature \
         `asymmetric`"
    };
    RecipeError::new(names.at("algorithm"), format!("this is not known: {known}"))
}

fn no_key_encoding(spec: &RequestSpec, names: &NamesAt<'_>) -> Result<(), RecipeError> {
    if spec.key_encoding.is_none() {
        return Ok(());
    }
    let reason = "only a private key has an encoding; say what a secret's text stands for where it is declared";
    Err(RecipeError::new(names.at("key-encoding"), reason))
}

#[cfg(feature = "asymmetric")]
fn key_encoding(spec: &RequestSpec, names: &NamesAt<'_>) -> Result<KeyEncoding, RecipeError> {
    let name = spec.key_encoding.as_deref().unwrap_or("pem");
    super::compile::named(name, &names.at("key-encoding"))
}

#[cfg(not(feature = "asymmetric"))]
fn token_operation(
    _: &str,
    _: &RequestSpec,
    names: &NamesAt<'_>,
) -> Result<(Template, Option<Operation>), RecipeError> {
    Err(unknown(names))
}

#[cfg(feature = "asymmetric")]
fn token_operation(
    name: &str,
    spec: &RequestSpec,
    names: &NamesAt<'_>,
) -> Result<(Template, Option<Operation>), RecipeError> {
    let jose = match name {
        "eddsa" => "EdDSA".to_owned(),
        name => name.to_ascii_uppercase(),
    };
    let algorithm: JwtAlgorithm =
        jose.parse().map_err(|error| RecipeError::new(names.at("algorithm"), error))?;
    let credential = signing_key(spec, names)?.into();
    let encoding = if algorithm.signature_algorithm().is_none() {
        no_key_encoding(spec, names)?;
        KeyEncoding::default()
    } else {
        key_encoding(spec, names)?
    };
    let claims = entries(spec.jwt_claims.as_deref().unwrap_or_default(), "jwt-claims", names)?;
    if claims.is_empty() {
        return Err(RecipeError::new(
            names.at("jwt-claims"),
            "a token without claims says nothing",
        ));
    }
    let mut typ = Entry::text("typ", Part::literal("JWT"));
    let mut rest = Vec::new();
    for entry in entries(spec.jwt_header.as_deref().unwrap_or_default(), "jwt-header", names)? {
        match entry.name.as_ref() {
            // Two members of one name may be read either way (RFC 7515, section 4).
            "alg" => {
                let reason = "`alg` is what `algorithm` says: leave it out";
                return Err(RecipeError::new(names.at("jwt-header"), reason));
            }
            "typ" => typ = entry,
            _ => rest.push(entry),
        }
    }
    let mut header = vec![Entry::text("alg", Part::literal(algorithm.as_str())), typ];
    header.append(&mut rest);
    let payload = crate::token_text::token_text(header, claims);
    Ok((payload, Some(Operation::Jwt { algorithm, credential, encoding })))
}

#[cfg(feature = "asymmetric")]
fn entries(
    specs: &[EntrySpec],
    list: &str,
    names: &NamesAt<'_>,
) -> Result<Vec<Entry>, RecipeError> {
    let mut entries: Vec<Entry> = Vec::with_capacity(specs.len());
    for (index, spec) in specs.iter().enumerate() {
        let field = format!("{list}[{index}]");
        if spec.r#in.is_some() || spec.yields || spec.encoding.is_some() {
            return Err(RecipeError::new(names.at(&field), "a member of a token is nowhere else"));
        }
        if entries.iter().any(|entry| entry.name == spec.name) {
            return Err(RecipeError::new(names.at(&field), "it is said twice"));
        }
        let value = names.template(text_of(spec, &names.at(&field))?, &field)?;
        value.check_text().map_err(|error| RecipeError::new(names.at(&field), error))?;
        let entry = if spec.json.is_some() {
            Entry::json(spec.name.clone(), value)
        } else {
            Entry::text(spec.name.clone(), value)
        };
        entries.push(match &spec.when {
            None => entry,
            Some(when) => entry.when(names.template(when, &field)?),
        });
    }
    Ok(entries)
}
