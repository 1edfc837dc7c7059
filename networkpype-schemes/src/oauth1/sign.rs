//! How does a signature come into a request, and how is it explained?

use std::borrow::Cow;

use networkpype_auth::DigestEncoding;
use networkpype_core::{AuthError, AuthErrorKind, Explanation, RestRequest, Secret};

use super::{
    OAuth1,
    base_string::{BaseString, Kind, has_form, parameters},
    method::Signer,
    parameters::Parameter,
    placement::ParameterPlacement,
};

/// What a signature was made with beside the request and the keys: to make its base string again, for its explanation.
#[derive(Clone)]
pub(super) struct Stamps {
    timestamp: String,
    nonce: String,
}

/// A parameter of the protocol, before it is encoded.
#[derive(Clone)]
pub(super) struct Own {
    pub(super) name: Cow<'static, str>,
    pub(super) value: String,
}

/// Their values are not shown.
const HIDDEN: [&str; 3] = ["oauth_consumer_key", "oauth_token", "oauth_verifier"];

impl OAuth1 {
    /// Signs `request`, with these parameters beside those that every request has.
    pub(super) fn sign(
        &self,
        mut request: RestRequest,
        kind: Kind,
        more: &[Own],
    ) -> Result<RestRequest, AuthError> {
        let settings = &self.settings;
        let stamps = Stamps {
            timestamp: settings.clock.now().as_secs().to_string(),
            nonce: settings.nonces.next()?,
        };
        request.resolve(None)?;
        let mut own = self.own(&mut request, kind, &stamps)?;
        own.extend_from_slice(more);
        refuse_twice(&mut request, kind, &own)?;

        settings.placement.put_parameters(&mut request, kind, &own)?;
        let base = self.base_string(&mut request, kind, &own)?.text();
        let signature = self.signer.sign(base.as_bytes())?;
        let realm = settings.realm.as_deref();
        settings.placement.put_signature(&mut request, realm, &own, &signature)?;
        // All of both is signed, or would have to be.
        request.seal_target();
        if request.streamed_body().is_none() {
            request.seal_body()?;
        }
        request.extensions_mut().insert(stamps);
        Ok(request)
    }

    /// How `signed` was signed: its parts from the bytes that were sent.
    pub(super) fn explain_signed(
        &self,
        mut signed: RestRequest,
        stamps: &Stamps,
    ) -> Result<Explanation, AuthError> {
        let method = self.client.method.name().to_owned();
        let mut builder = Explanation::builder("oauth1", method);
        if matches!(self.signer, Signer::Plaintext(_)) {
            builder = builder.placed(self.settings.placement.place(), "both secrets");
        } else {
            let own = self.own(&mut signed, Kind::Call, stamps)?;
            let base = self.base_string(&mut signed, Kind::Call, &own)?;
            builder = base
                .explain(builder, &HIDDEN)
                .placed(self.settings.placement.place(), "signature, base64");
        }
        let token = self.token.iter().flat_map(|token| [&token.token, &token.secret]);
        let client = Secret::from(self.client.key.as_str());
        let credentials: Vec<Secret> =
            token.chain(self.client.method.secret()).chain([&client]).cloned().collect();
        Ok(builder.build(&credentials))
    }

    /// The protocol parameters of a request but for its signature (RFC 5849, section 3.1).
    fn own(
        &self,
        request: &mut RestRequest,
        kind: Kind,
        stamps: &Stamps,
    ) -> Result<Vec<Own>, AuthError> {
        let settings = &self.settings;
        let own =
            |name: &'static str, value: &str| Own { name: name.into(), value: value.to_owned() };
        let mut all = vec![own("oauth_consumer_key", &self.client.key)];
        if let Some(token) = &self.token {
            all.push(own("oauth_token", token.token.expose_str().unwrap_or_default()));
        }
        all.push(own("oauth_signature_method", self.client.method.name()));
        all.push(own("oauth_timestamp", &stamps.timestamp));
        all.push(own("oauth_nonce", &stamps.nonce));
        if settings.version {
            all.push(own("oauth_version", "1.0"));
        }
        if let Some(hash) = settings.body_hash {
            let body = match kind {
                Kind::Handshake => Some(Default::default()),
                Kind::Call if has_form(request.headers())? => None,
                Kind::Call => Some(request.body_bytes()?),
            };
            if let Some(body) = body {
                let digest = hash.digest(&body).to_text(DigestEncoding::Base64);
                all.push(own("oauth_body_hash", &digest));
            }
        }
        all.extend_from_slice(&settings.more);
        Ok(all)
    }

    fn base_string(
        &self,
        request: &mut RestRequest,
        kind: Kind,
        own: &[Own],
    ) -> Result<BaseString, AuthError> {
        // Elsewhere they stand in what is read anyway.
        let beside = if self.settings.placement == ParameterPlacement::Header { own } else { &[] };
        let beside = beside.iter().map(|own| Parameter::new(&own.name, &own.value));
        BaseString::new(request, kind, beside)
    }
}

/// Of two values for one parameter a server takes the first, the last, or neither (RFC 5849, section 3.1).
fn refuse_twice(request: &mut RestRequest, kind: Kind, own: &[Own]) -> Result<(), AuthError> {
    let there = parameters(request, kind)?;
    let own = own.iter().map(|own| own.name.as_ref()).chain(["oauth_signature"]);
    let twice = own
        .map(|name| Parameter::new(name, "").name)
        .find(|name| there.iter().any(|parameter| parameter.name == *name));
    match twice {
        None => Ok(()),
        Some(name) => Err(AuthError::new(
            AuthErrorKind::Request,
            format!("the request has a parameter `{name}` of its own, which the scheme sets"),
        )),
    }
}
