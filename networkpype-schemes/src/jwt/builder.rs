use std::{borrow::Cow, fmt, sync::Arc, sync::Mutex, time::Duration};

use networkpype_auth::{
    Entry, JwtAlgorithm, JwtSigner, Part, Placement, Recipe, Template, TemplateNames,
    TimestampFormat,
};
use networkpype_core::{AuthError, AuthErrorKind, Clock, SystemClock};

use super::{Entropy, Jwt};
use crate::{entropy::SystemEntropy, token_text::token_text};

/// Says what a token holds and how long it lives. Made by [`Jwt::builder`].
///
/// Claims stand in the token in the order in which they are said; `iat`, `nbf`, `exp` and `jti` behind them.
#[must_use = "a builder does nothing until `build` is called"]
pub struct JwtBuilder {
    signer: JwtSigner,
    header: Vec<Entry>,
    claims: Vec<Entry>,
    problem: Option<AuthError>,
    backdated: Duration,
    life: Duration,
    not_before: bool,
    with_id: bool,
    reused: bool,
    placed: (Cow<'static, str>, Cow<'static, str>),
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl JwtBuilder {
    pub(super) fn new(signer: JwtSigner) -> Self {
        Self {
            signer,
            header: Vec::new(),
            claims: Vec::new(),
            problem: None,
            backdated: Duration::from_secs(10),
            life: Duration::from_secs(120),
            not_before: false,
            with_id: false,
            reused: false,
            placed: ("authorization".into(), "Bearer ".into()),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// A member of the header beside `alg`, such as `kid`. `typ` is `JWT` unless it is said here.
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.header.push(Entry::text(name, Part::literal(value.into())));
        self
    }

    /// A member of the header from a template, such as a `nonce` that is `{random|hex}`.
    pub fn header_template(self, name: impl Into<Cow<'static, str>>, template: &str) -> Self {
        self.templated(name.into(), template, |this| &mut this.header)
    }

    /// A claim that is a text.
    pub fn claim(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.claims.push(Entry::text(name, Part::literal(value.into())));
        self
    }

    /// A claim that is JSON: a number, a list, an object.
    pub fn claim_json(
        mut self,
        name: impl Into<Cow<'static, str>>,
        json: impl Into<String>,
    ) -> Self {
        let (name, json) = (name.into(), json.into());
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&json) {
            self.refuse(format!("the claim `{name}` is not JSON: {error}"));
        }
        self.claims.push(Entry::json(name, Part::literal(json)));
        self
    }

    /// A claim from a [`Template`], which may use the request: `{method} {host}{path}`, `{params|sha512|hex}`.
    pub fn claim_template(self, name: impl Into<Cow<'static, str>>, template: &str) -> Self {
        self.templated(name.into(), template, |this| &mut this.claims)
    }

    /// The same, left out where `when` renders to nothing.
    pub fn claim_template_when(
        self,
        name: impl Into<Cow<'static, str>>,
        template: &str,
        when: &str,
    ) -> Self {
        let mut this = self.templated(name.into(), template, |this| &mut this.claims);
        match Template::parse(when, &TemplateNames::default()) {
            Ok(when) => {
                if let Some(entry) = this.claims.pop() {
                    this.claims.push(entry.when(when));
                }
            }
            Err(error) => this.note(error),
        }
        this
    }

    /// How long a token lives, from now: `exp`. `iat` is earlier by [`backdate`](Self::backdate), so between the two lies the
    /// sum of both; where a server allows only so much between them, say so much less here. Default: two minutes.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// How long before now a token says that it was issued, so that a server whose clock is behind takes it too. Default:
    /// ten seconds.
    pub fn backdate(mut self, by: Duration) -> Self {
        self.backdated = by;
        self
    }

    /// Adds `nbf`, the same as `iat`. Default: no.
    pub fn not_before(mut self) -> Self {
        self.not_before = true;
        self
    }

    /// Adds `jti`, a UUID of its own for each token. Default: no.
    pub fn with_id(mut self) -> Self {
        self.with_id = true;
        self
    }

    /// Sends one token for as long as it has half its life before it, in place of one for each request. Default: one for
    /// each request.
    pub fn reuse(mut self) -> Self {
        self.reused = true;
        self
    }

    /// The header that a token goes into, and what stands before it there. Default: `Authorization: Bearer `.
    pub fn in_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        prefix: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.placed = (name.into(), prefix.into());
        self
    }

    /// The clock that `iat` and `exp` come from. Give it the one that is synchronized with the server. Default: the
    /// machine's own.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where random bytes come from. Default: the operating system.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// The scheme.
    ///
    /// # Errors
    /// When a template cannot be read, a name is said twice or is one that the scheme sets itself, a claim's JSON is none, the life is
    /// under a second, or a token that is to be reused holds something of the request.
    pub fn build(mut self) -> Result<Jwt, AuthError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        if self.life.as_secs() == 0 {
            let message = "a token that lives less than a second has expired when it arrives: raise `expires_in`";
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
        self.check_own()?;
        let seconds = |ahead: i64| Part::Now(TimestampFormat::Seconds, ahead);
        let before = -i64::try_from(self.backdated.as_secs()).unwrap_or(i64::MAX);
        let life = i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX);
        self.claims.push(Entry::json("iat", seconds(before)));
        if self.not_before {
            self.claims.push(Entry::json("nbf", seconds(before)));
        }
        self.claims.push(Entry::json("exp", seconds(life)));
        if self.with_id {
            self.claims.push(Entry::text("jti", Part::Uuid));
        }
        let algorithm: JwtAlgorithm = self.signer.algorithm();
        let mut header = vec![Entry::text("alg", Part::literal(algorithm.as_str()))];
        if self.header.iter().all(|entry| entry.name != "typ") {
            header.push(Entry::text("typ", Part::literal("JWT")));
        }
        header.append(&mut self.header);
        check(&header, "header")?;
        check(&self.claims, "claims")?;
        let payload = token_text(header, self.claims);
        if payload.uses(&Part::Timestamp) || payload.uses(&Part::Nonce) {
            let message = "a token has neither `{timestamp}` nor `{nonce}`: write `{now(s)}`, `{uuid}` or `{random|hex}`";
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
        let (name, prefix) = self.placed;
        let recipe = Recipe::new()
            .sign(payload)
            .signature_holds_payload()
            .place(Placement::header(name), [Part::literal(prefix), Part::Signature]);
        recipe.check_request()?;
        if self.reused && recipe.uses_request() {
            let message =
                "a token that is reused holds something of the request: mint one for each";
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
        Ok(Jwt {
            signer: self.signer,
            recipe,
            clock: self.clock,
            entropy: self.entropy,
            life: self.life,
            reused: self.reused.then(Mutex::default),
        })
    }

    /// What the scheme sets is said to it by methods of their own.
    fn check_own(&self) -> Result<(), AuthError> {
        let in_header = [(true, "alg", "it is that of the key which signs")];
        let in_claims = [
            (true, "exp", "say how long a token lives with `expires_in`"),
            (true, "iat", "say how long before now it is with `backdate`"),
            (self.not_before, "nbf", "leave out `not_before`, or this claim"),
            (self.with_id, "jti", "leave out `with_id`, or this claim"),
        ];
        for (entries, own) in [(&self.header, &in_header[..]), (&self.claims, &in_claims[..])] {
            let said = |name: &str| entries.iter().any(|entry| entry.name == name);
            if let Some((_, name, instead)) = own.iter().find(|(sets, name, _)| *sets && said(name))
            {
                let message = format!("the scheme sets `{name}` itself: {instead}");
                return Err(AuthError::new(AuthErrorKind::Configuration, message));
            }
        }
        Ok(())
    }

    fn templated(
        mut self,
        name: Cow<'static, str>,
        template: &str,
        list: impl FnOnce(&mut Self) -> &mut Vec<Entry>,
    ) -> Self {
        match Template::parse(template, &TemplateNames::default()) {
            Ok(template) => {
                if let Err(error) = template.check_text() {
                    self.problem.get_or_insert(error);
                }
                list(&mut self).push(Entry::text(name, template));
            }
            Err(error) => self.note(error),
        }
        self
    }

    fn note(&mut self, error: networkpype_auth::TemplateError) {
        self.refuse(format!("a template of the token cannot be read: {error}"));
    }

    /// Keeps the first of what is wrong for `build`, which can say so.
    fn refuse(&mut self, message: String) {
        self.problem.get_or_insert(AuthError::new(AuthErrorKind::Configuration, message));
    }
}

/// Of two members with one name a server takes the first or the last.
fn check(entries: &[Entry], of: &str) -> Result<(), AuthError> {
    for (index, entry) in entries.iter().enumerate() {
        if entries[..index].iter().any(|other| other.name == entry.name) {
            let message = format!("the {of} of the token have `{}` twice", entry.name);
            return Err(AuthError::new(AuthErrorKind::Configuration, message));
        }
    }
    Ok(())
}

impl fmt::Debug for JwtBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtBuilder").field("signer", &self.signer).finish_non_exhaustive()
    }
}
