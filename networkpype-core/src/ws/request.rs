use std::fmt;

use bytes::Bytes;
use http::Extensions;
use serde::Serialize;

use crate::{
    Frame, JsonMembers, LimitChoice, LimitId, WireError,
    wire::{Body, Content, Json, to_text},
};

/// A message to send over a WebSocket: what it says, whether to sign it, and which limit to charge.
///
/// Setters never fail: what cannot be sent is remembered and reported by the send.
///
/// ```
/// use networkpype_core::WebSocketRequest;
///
/// let subscribe = WebSocketRequest::json_object([("op", "subscribe"), ("channel", "ticker")]);
/// let order = WebSocketRequest::text("{\"op\":\"order\"}").auth_required().limit("messages");
/// # assert!(subscribe.problem().is_none() && order.problem().is_none());
/// ```
#[derive(Clone)]
#[must_use = "a message does nothing until a manager sends it"]
pub struct WebSocketRequest {
    body: Body,
    binary: bool,
    auth: bool,
    limit: LimitChoice,
    weight: Option<u32>,
    extensions: Extensions,
    problem: Option<WireError>,
}

impl WebSocketRequest {
    fn new(content: Content, binary: bool) -> Self {
        Self {
            body: Body::new(content),
            binary,
            auth: false,
            limit: LimitChoice::Default,
            weight: None,
            extensions: Extensions::new(),
            problem: None,
        }
    }

    /// A text message that holds `value` as JSON, serialized once, in the order of its `Serialize` implementation.
    #[doc(alias = "WebSocketJSONRequest")]
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(value) {
            Ok(text) => Self::json_text(text),
            Err(_) => {
                let mut request = Self::text("");
                request.problem =
                    Some(WireError::content("json", "the value cannot be written as JSON"));
                request
            }
        }
    }

    /// A text message that holds a JSON object with these members in this order.
    pub fn json_object<N: Into<String>, V: Serialize>(
        members: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut object = JsonMembers::default();
        let mut problem = None;
        for (name, value) in members {
            if let Err(error) = object.push(name, &value) {
                problem.get_or_insert(error);
            }
        }
        let mut request = Self::new(Content::Json(Json::from_members(object)), false);
        request.problem = problem;
        request
    }

    /// A text message that holds this JSON, exactly as it is.
    pub fn json_text(text: impl Into<String>) -> Self {
        Self::new(Content::Json(Json::from_text(text.into())), false)
    }

    /// A text message.
    #[doc(alias = "WebSocketPlainTextRequest")]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Bytes(text.into().into()), false)
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::new(Content::Bytes(bytes.into()), true)
    }

    /// Has the message authenticated. A manager without an `Auth` refuses it rather than send it unsigned.
    #[doc(alias = "is_auth_required")]
    pub fn auth_required(mut self) -> Self {
        self.auth = true;
        self
    }

    /// Charges the message to this limit. Default: the manager's `default_limit`.
    #[doc(alias = "throttler_limit_id")]
    pub fn limit(mut self, limit: impl Into<LimitId>) -> Self {
        self.limit = LimitChoice::Named(limit.into());
        self
    }

    /// Charges `weight` instead of the limit's own.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Charges the message to no limit, although there are some.
    pub fn unlimited(mut self) -> Self {
        self.limit = LimitChoice::Unlimited;
        self
    }

    /// Attaches a value that is never sent, for processors and schemes to find.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Whether it is to be authenticated.
    pub fn is_auth_required(&self) -> bool {
        self.auth
    }

    /// The limit it is charged to.
    pub fn limit_choice(&self) -> &LimitChoice {
        &self.limit
    }

    /// What it weighs, where that differs from the limit's own weight.
    pub fn limit_weight(&self) -> Option<u32> {
        self.weight
    }

    /// Values attached to it that are never sent.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values attached to it that are never sent, to change.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// The first mistake made while building it.
    pub fn problem(&self) -> Option<&WireError> {
        self.problem.as_ref()
    }

    /// The members of its JSON object, where it holds one.
    pub fn json_members(&self) -> Option<JsonMembers> {
        match self.body.content() {
            Content::Json(json) => json.members(),
            _ => None,
        }
    }

    /// The JSON object's members, to insert, sort or remove.
    ///
    /// # Errors
    /// When the message is frozen, or holds something other than a JSON object.
    pub fn json_members_mut(&mut self) -> Result<&mut JsonMembers, WireError> {
        self.body.json_mut()
    }

    /// Adds a member to the JSON object at its end, also when the message is frozen.
    ///
    /// # Errors
    /// When the message holds something other than a JSON object, or `value` cannot be written as JSON.
    pub fn append_json(&mut self, name: &str, value: &impl Serialize) -> Result<(), WireError> {
        self.body.append_json(name, to_text(name, value)?)
    }

    /// Freezes the message and gives its bytes.
    ///
    /// # Errors
    /// When it was built from something that cannot be sent.
    pub fn bytes(&mut self) -> Result<Bytes, WireError> {
        match &self.problem {
            Some(problem) => Err(problem.clone()),
            None => self.body.bytes().cloned(),
        }
    }

    /// Freezes the message and gives the frame that is sent.
    ///
    /// # Errors
    /// When it was built from something that cannot be sent.
    pub fn into_frame(mut self) -> Result<Frame, WireError> {
        let bytes = self.bytes()?;
        Ok(if self.binary { Frame::Binary(bytes) } else { Frame::Text(bytes) })
    }
}

impl fmt::Debug for WebSocketRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketRequest")
            .field("body", &self.body)
            .field("binary", &self.binary)
            .field("auth_required", &self.auth)
            .field("limit", &self.limit)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}
