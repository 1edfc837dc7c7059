//! A recipe as data: what stands in a file, and the same through a builder.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::{EntrySpec, OneOrMany, ValueSpec};

/// How an API is signed, as data.
///
/// Read from TOML with [`RecipeSpec::from_toml`], or written in Rust with [`RecipeSpec::new`].
/// [`RecipeAuth::builder`](super::RecipeAuth::builder) makes a scheme of it, and finds every mistake in it.
///
/// Every field is described in
/// [docs/recipes.md](https://github.com/networkpype/networkpype/blob/main/docs/recipes.md).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RecipeSpec {
    /// The name of the API, for errors and explanations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The page that this follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// The recipe that this one changes: a preset's name, or what else its loader knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// The credentials of an account. What is not declared here cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CredentialSpec>,
    /// Names that stand for a text in every template.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, String>,
    /// How REST requests are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestSpec>,
    /// How WebSockets are authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<WebSocketSpec>,
    /// Which rejections mean that the clock is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resync: Option<ResyncSpec>,
    /// Other ways to sign for the same API, such as with another kind of key. Each changes what is said above.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variants: BTreeMap<String, VariantSpec>,
    /// What a preset knows about the API beside its signatures. It is for whoever loads presets; here it is passed over.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    pub(super) service: Passed,
}

/// What is read by somebody else. Nothing is kept of it, so that a recipe is the same once it is written and read again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A credential that a recipe uses: its name alone, or with what its text stands for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum CredentialSpec {
    /// A credential whose text is used as it is.
    Name(String),
    /// A credential that is decoded or changed before it is used.
    Full(FullCredential),
}

/// A credential and what its text stands for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct FullCredential {
    /// Its name in templates.
    pub name: String,
    /// What its text stands for: `utf8`, `base64`, `hex` or `base58`. Default: `utf8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// What is done to it before it is decoded: `upper`, `lower`, `md5-hex` or `base64`. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<String>,
    /// Whether an account may be without it; it is empty then. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl CredentialSpec {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Full(full) => &full.name,
        }
    }
}

impl From<&str> for CredentialSpec {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

/// How a request is signed, and what is placed in it. In a rule or a variant, what is said replaces what was said
/// before, and what is not stays.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RequestSpec {
    /// The template of what is signed; `""` for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// What makes the signature. Default: `hmac-sha256` where there is a payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The credential that is the key. Default: `secret`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<String>,
    /// How that credential writes a private key. Default: `pem`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<String>,
    /// How the signature becomes text. Default: `hex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The members of a token's header beside `alg`. `typ` is `JWT` unless it is said here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_header: Option<Vec<EntrySpec>>,
    /// A token's claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_claims: Option<Vec<EntrySpec>>,
    /// How `{timestamp}` is written. Default: `ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// How many seconds `{timestamp}` is ahead of the clock. Default: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// How `{nonce}` counts: `s`, `ms`, `us`, `ns` or `s-decimal-8`. Default: `ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Headers, each a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, ValueSpec>>,
    /// Parameters before those of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Vec<EntrySpec>>,
    /// Parameters behind those of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<EntrySpec>>,
    /// Which parameters are sorted by name: `none`, `own` or `all`. Default: `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Whether the members of a JSON body are sorted by name: the caller's, and with `sort = "all"` also what is placed.
    /// Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_json: Option<bool>,
    /// How parameters are sent: `percent`, `form`, `plus` or `raw`. Default: `percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Characters that `percent` leaves alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// Whether the `?` of a query is sent also without parameters. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_mark: Option<bool>,
    /// How lists among the parameters are written: `json`, `repeat`, `brackets`, `indexed`, `comma`, `unquoted` or
    /// `joined`. Default: `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lists: Option<String>,
    /// How objects among the parameters are written: `json`, `brackets` or `joined`. Default: `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<String>,
    /// Where the parameters of a body are sent: `query`, `form`, `json`, several of them, or nowhere (`[]`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carry: Option<OneOrMany>,
    /// Whether the parameters of the path are also sent as parameters. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carry_path_params: Option<bool>,
    /// A template that is sent in place of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What is sent in place of an empty body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_body: Option<String>,
    /// What `{params}` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<ParamsSpec>,
    /// Names that stand for a text in the templates here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, String>,
    /// What differs for some requests. The first rule that matches is the one that counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSpec>,
}

/// What `{params}` is: the parameters of the request as one text, for what is signed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ParamsSpec {
    /// `raw`, `percent`, `form` or `plus`. Default: `raw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Characters that `percent` leaves alone here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
    /// Whether they are sorted by name. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sorted: Option<bool>,
    /// Whether those without a value are left out. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_empty: Option<bool>,
    /// Whether their names are there, or the values alone. Default: the names are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<bool>,
    /// What stands between a name and its value. Default: `=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// What stands between two parameters. Default: `&`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Parameters that are signed and not sent as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Vec<EntrySpec>>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lists: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<String>,
}

/// Which requests are signed differently, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct RuleSpec {
    /// Which. All that is said must match; what is not said matches everything.
    #[serde(rename = "match")]
    pub matches: MatchSpec,
    /// What is different.
    pub then: RequestSpec,
}

/// Which requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct MatchSpec {
    /// The method, or several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<OneOrMany>,
    /// Globs of the path as it is sent: `*` within a segment, `**` over several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<OneOrMany>,
    /// Globs of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<OneOrMany>,
    /// Globs of the section that the request names with the extension `Section`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<OneOrMany>,
    /// Globs of the endpoint: what the request names with the extension `Endpoint`, or its path without the first slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<OneOrMany>,
    /// Names of parameters of the caller, all of which must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<OneOrMany>,
    /// Whether the request has a body, or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_body: Option<bool>,
}

/// How WebSockets are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct WebSocketSpec {
    /// The handshake: headers and query of the GET request that opens the connection. Its body is not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake: Option<RequestSpec>,
    /// The message that is sent after each connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginSpec>,
    /// Messages that ask for authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageSpec>,
}

/// A login by message.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct LoginSpec {
    /// The message: JSON with names in braces.
    pub message: String,
    /// The template of what is signed. Without it nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_header: Option<Vec<EntrySpec>>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_claims: Option<Vec<EntrySpec>>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Fields by which the message is recognised that accepts the login.
    pub accepted: BTreeMap<String, String>,
    /// Fields by which the message is recognised that refuses it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// The field of a refusal that becomes part of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal_code: Option<String>,
    /// Codes that mean that the clock is off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resync_codes: Vec<String>,
}

/// How a message is signed: a JSON object, or the one in a field of it.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct MessageSpec {
    /// The field whose object is signed. Default: the message itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The template of what is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_header: Option<Vec<EntrySpec>>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt_claims: Option<Vec<EntrySpec>>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_encoding: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// Fields that are added, in this order.
    pub fields: Vec<EntrySpec>,
}

/// Which rejections mean that the clock is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct ResyncSpec {
    /// The field of the response that holds the code: a name, or a JSON pointer. Default: `code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The codes.
    pub codes: Vec<String>,
    /// The API's page that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The day on which somebody looked it up there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<String>,
}

/// What a variant changes.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct VariantSpec {
    /// The credentials, in place of all above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<CredentialSpec>,
    /// More constants.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub constants: BTreeMap<String, String>,
    /// What differs for requests. Its rules come before those above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestSpec>,
    /// What differs for WebSockets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<WebSocketSpec>,
}
