//! The same recipes in Rust.

use super::{
    entry::{EntrySpec, OneOrMany, ValueSpec},
    spec::{
        CredentialSpec, LoginSpec, MatchSpec, MessageSpec, ParamsSpec, RecipeSpec, RequestSpec,
        RuleSpec, WebSocketSpec,
    },
};

/// Setters of fields that are said or not.
macro_rules! setters {
    ($type:ident { $($field:ident: $value:ty),+ $(,)? }) => {
        impl $type {
            $(
                #[doc = concat!("Says [`", stringify!($field), "`](field@Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $field(mut self, value: impl Into<$value>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )+
        }
    };
}

setters!(RequestSpec {
    payload: String,
    algorithm: String,
    signing_key: String,
    key_encoding: String,
    digest: String,
    timestamp: String,
    expires_in: u32,
    nonce: String,
    sort: String,
    sort_json: bool,
    encoding: String,
    keep: String,
    query_mark: bool,
    lists: String,
    objects: String,
    carry: OneOrMany,
    carry_path_params: bool,
    body: String,
    empty_body: String,
    params: ParamsSpec,
});

setters!(ParamsSpec {
    encoding: String,
    keep: String,
    sorted: bool,
    skip_empty: bool,
    names: bool,
    equals: String,
    separator: String,
    lists: String,
    objects: String,
});

setters!(LoginSpec {
    payload: String,
    algorithm: String,
    signing_key: String,
    key_encoding: String,
    digest: String,
    timestamp: String,
    expires_in: u32,
    nonce: String,
    refusal_code: String,
});

setters!(MessageSpec {
    within: String,
    payload: String,
    algorithm: String,
    signing_key: String,
    key_encoding: String,
    digest: String,
    timestamp: String,
    expires_in: u32,
    nonce: String,
});

setters!(MatchSpec {
    method: OneOrMany,
    path: OneOrMany,
    host: OneOrMany,
    section: OneOrMany,
    endpoint: OneOrMany,
    param: OneOrMany,
    has_body: bool,
});

setters!(WebSocketSpec { handshake: RequestSpec, login: LoginSpec, message: MessageSpec });

setters!(RecipeSpec { name: String, request: RequestSpec, websocket: WebSocketSpec });

impl RecipeSpec {
    /// A recipe that says nothing yet.
    ///
    /// ```
    /// use networkpype_schemes::recipe::{EntrySpec, RecipeSpec, RequestSpec};
    ///
    /// let recipe = RecipeSpec::new().credential("key").credential("secret").request(
    ///     RequestSpec::new()
    ///         .header("X-KEY", "{key}")
    ///         .before(EntrySpec::new("timestamp", "{timestamp}"))
    ///         .payload("{query}{body}")
    ///         .after(EntrySpec::new("signature", "{signature}")),
    /// );
    /// let same = RecipeSpec::from_toml(r#"
    ///     credentials = ["key", "secret"]
    ///     [request]
    ///     payload = "{query}{body}"
    ///     headers.X-KEY = "{key}"
    ///     before = [["timestamp", "{timestamp}"]]
    ///     after = [["signature", "{signature}"]]
    /// "#)?;
    /// assert_eq!(recipe, same);
    /// # Ok::<(), networkpype_schemes::recipe::RecipeError>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a credential.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<CredentialSpec>) -> Self {
        self.credentials.push(credential.into());
        self
    }

    /// Says that this name stands for this text in every template.
    #[must_use]
    pub fn constant(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.constants.insert(name.into(), text.into());
        self
    }
}

impl RequestSpec {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<ValueSpec>) -> Self {
        self.headers.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// A parameter before those of the caller, behind those said before.
    #[must_use]
    pub fn before(mut self, entry: EntrySpec) -> Self {
        self.before.get_or_insert_default().push(entry);
        self
    }

    /// A parameter behind those of the caller and those said before.
    #[must_use]
    pub fn after(mut self, entry: EntrySpec) -> Self {
        self.after.get_or_insert_default().push(entry);
        self
    }

    /// A member of a token's header.
    #[must_use]
    pub fn jwt_header(mut self, entry: EntrySpec) -> Self {
        self.jwt_header.get_or_insert_default().push(entry);
        self
    }

    /// A claim of a token.
    #[must_use]
    pub fn jwt_claim(mut self, entry: EntrySpec) -> Self {
        self.jwt_claims.get_or_insert_default().push(entry);
        self
    }

    /// Says that this name stands for this text in the templates here.
    #[must_use]
    pub fn constant(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.constants.insert(name.into(), text.into());
        self
    }

    /// What differs for requests that match.
    #[must_use]
    pub fn rule(mut self, matches: MatchSpec, then: RequestSpec) -> Self {
        self.rules.push(RuleSpec { matches, then });
        self
    }
}

impl ParamsSpec {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A parameter that is signed and not sent as such.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with.get_or_insert_default().push(EntrySpec::new(name, value));
        self
    }
}

impl MatchSpec {
    /// Everything.
    pub fn new() -> Self {
        Self::default()
    }
}

impl LoginSpec {
    /// A login with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// A field by which the message is recognised that accepts the login.
    #[must_use]
    pub fn accepted(mut self, field: impl Into<String>, value: impl Into<String>) -> Self {
        self.accepted.insert(field.into(), value.into());
        self
    }

    /// A field by which the message is recognised that refuses it.
    #[must_use]
    pub fn refused(mut self, field: impl Into<String>, value: impl Into<String>) -> Self {
        self.refused.insert(field.into(), value.into());
        self
    }
}

impl MessageSpec {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A field that is added, behind those said before.
    #[must_use]
    pub fn field(mut self, entry: EntrySpec) -> Self {
        self.fields.push(entry);
        self
    }
}

impl WebSocketSpec {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl EntrySpec {
    /// A JSON value, such as a number or a list.
    pub fn json(name: impl Into<String>, json: impl Into<String>) -> Self {
        Self { name: name.into(), json: Some(json.into()), ..Self::default() }
    }

    /// Where it goes.
    #[must_use]
    pub fn placed_in(mut self, place: impl Into<String>) -> Self {
        self.r#in = Some(place.into());
        self
    }

    /// Left out where `template` renders to nothing.
    #[must_use]
    pub fn when(mut self, template: impl Into<String>) -> Self {
        self.when = Some(template.into());
        self
    }

    /// Has the caller's own parameter of this name count.
    #[must_use]
    pub fn yielding(mut self) -> Self {
        self.yields = true;
        self
    }
}

impl From<String> for OneOrMany {
    fn from(one: String) -> Self {
        Self::One(one)
    }
}

impl<const N: usize> From<[&str; N]> for OneOrMany {
    fn from(many: [&str; N]) -> Self {
        Self::Many(many.map(str::to_owned).into())
    }
}
