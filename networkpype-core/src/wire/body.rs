use std::{fmt, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_core::Stream;

use super::{
    error::WireError,
    json::{JsonMembers, append_to_text},
    pairs::{Pair, Pairs},
};
use crate::BoxError;

/// The chunks of a streamed body.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// A body that is produced while it is sent, anew for each attempt.
#[derive(Clone)]
pub struct StreamedBody {
    make: Arc<dyn Fn() -> BodyStream + Send + Sync>,
    length: Option<u64>,
}

impl StreamedBody {
    pub(crate) fn new(
        length: Option<u64>,
        make: impl Fn() -> BodyStream + Send + Sync + 'static,
    ) -> Self {
        Self { make: Arc::new(make), length }
    }

    /// Starts the body from its beginning.
    pub fn stream(&self) -> BodyStream {
        (self.make)()
    }

    /// How many bytes there will be, where that is known; otherwise it is sent in chunks.
    pub fn length(&self) -> Option<u64> {
        self.length
    }
}

impl fmt::Debug for StreamedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedBody").field("length", &self.length).finish_non_exhaustive()
    }
}

/// What a request carries, while it is open.
#[derive(Clone, Default)]
pub(crate) enum Content {
    #[default]
    Empty,
    Form(Pairs),
    Json(Json),
    Bytes(Bytes),
    Streamed(StreamedBody),
}

/// A JSON body: its exact text, until a member is changed.
#[derive(Clone)]
pub(crate) struct Json {
    text: Option<String>,
    members: Option<JsonMembers>,
}

impl Json {
    pub(crate) fn from_text(text: String) -> Self {
        Self { text: Some(text), members: None }
    }

    pub(crate) fn from_members(members: JsonMembers) -> Self {
        Self { text: None, members: Some(members) }
    }

    /// The members, where it is an object.
    pub(crate) fn members(&self) -> Option<JsonMembers> {
        match &self.text {
            Some(text) => JsonMembers::parse(text),
            None => self.members.clone(),
        }
    }

    fn to_wire(&self) -> String {
        match (&self.text, &self.members) {
            (Some(text), _) => text.clone(),
            (None, Some(members)) => members.to_wire(),
            (None, None) => String::new(),
        }
    }
}

/// The body of a request, open or frozen.
#[derive(Clone, Default)]
pub(crate) struct Body {
    content: Content,
    frozen: Option<Bytes>,
}

impl Body {
    pub(crate) fn new(content: Content) -> Self {
        Self { content, frozen: None }
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    /// Its bytes, where somebody has asked for them.
    pub(crate) fn frozen(&self) -> Option<&Bytes> {
        self.frozen.as_ref()
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// The form, made from an empty body where there is none yet.
    pub(crate) fn form_mut(&mut self) -> Result<&mut Pairs, WireError> {
        self.check_open()?;
        if matches!(self.content, Content::Empty) {
            self.content = Content::Form(Pairs::default());
        }
        match &mut self.content {
            Content::Form(pairs) => Ok(pairs),
            _ => Err(WireError::content("form parameter", "the body is not a form")),
        }
    }

    /// The members of a JSON object, made from an empty body where there is none yet.
    pub(crate) fn json_mut(&mut self) -> Result<&mut JsonMembers, WireError> {
        self.check_open()?;
        if matches!(self.content, Content::Empty) {
            self.content = Content::Json(Json::from_members(JsonMembers::default()));
        }
        let Content::Json(json) = &mut self.content else {
            return Err(WireError::content("json member", "the body is not JSON"));
        };
        if let Some(text) = &json.text {
            let members = JsonMembers::parse(text)
                .ok_or(WireError::content("json member", "the body is not a JSON object"))?;
            *json = Json::from_members(members);
        }
        Ok(json.members.get_or_insert_default())
    }

    /// Has bytes that are the text of a form be that form, written as it was.
    pub(crate) fn bytes_to_form(&mut self) {
        if let Content::Bytes(bytes) = &self.content
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            self.content = Content::Form(Pairs::from_typed(text));
        }
    }

    pub(crate) fn append_form(&mut self, pair: Pair) -> Result<(), WireError> {
        if matches!(self.content, Content::Empty) {
            self.content = Content::Form(Pairs::default());
        }
        if let Some(frozen) = &mut self.frozen {
            let Content::Form(pairs) = &mut self.content else {
                return Err(WireError::content("form parameter", "the body is not a form"));
            };
            let mut text = String::with_capacity(pair.plain_len() + 1);
            if !pairs.is_empty() {
                text.push('&');
            }
            pair.write_wire(&mut text);
            pairs.push(pair);
            *frozen = [frozen, text.as_bytes()].concat().into();
            return Ok(());
        }
        self.form_mut()?.push(pair);
        Ok(())
    }

    pub(crate) fn append_json(&mut self, name: &str, value: String) -> Result<(), WireError> {
        if matches!(self.content, Content::Empty) {
            self.content = Content::Json(Json::from_members(JsonMembers::default()));
        }
        let Content::Json(json) = &mut self.content else {
            return Err(WireError::content("json member", "the body is not JSON"));
        };
        let text = append_to_text(&json.to_wire(), name, &value)
            .ok_or(WireError::content("json member", "the body is not a JSON object"))?;
        if let Some(frozen) = &mut self.frozen {
            *frozen = text.clone().into();
        }
        *json = Json::from_text(text);
        Ok(())
    }

    /// Freezes the body and gives its bytes.
    pub(crate) fn bytes(&mut self) -> Result<&Bytes, WireError> {
        let bytes = match (&self.frozen, &self.content) {
            (Some(frozen), _) => frozen.clone(),
            (None, Content::Empty) => Bytes::new(),
            (None, Content::Form(pairs)) => pairs.to_wire().into(),
            (None, Content::Json(json)) => json.to_wire().into(),
            (None, Content::Bytes(bytes)) => bytes.clone(),
            (None, Content::Streamed(_)) => {
                return Err(WireError::content(
                    "body",
                    "it is streamed, so its bytes cannot be signed",
                ));
            }
        };
        Ok(self.frozen.insert(bytes))
    }

    /// Has it be empty, as if nobody had said anything about it.
    pub(crate) fn clear(&mut self) -> Result<(), WireError> {
        self.check_open()?;
        self.content = Content::Empty;
        Ok(())
    }

    fn check_open(&self) -> Result<(), WireError> {
        if self.is_frozen() { Err(WireError::frozen("body")) } else { Ok(()) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.content, &self.frozen) {
            (Content::Empty, _) => f.write_str("empty"),
            (Content::Form(pairs), _) => f.debug_tuple("Form").field(pairs).finish(),
            (Content::Streamed(body), _) => body.fmt(f),
            (Content::Json(_), Some(frozen)) => write!(f, "json, {} bytes", frozen.len()),
            (Content::Json(_), None) => f.write_str("json"),
            (Content::Bytes(bytes), _) => write!(f, "{} bytes", bytes.len()),
        }
    }
}
