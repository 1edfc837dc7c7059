//! What processors, schemes and transports read.

use std::time::Duration;

use http::{Extensions, HeaderMap, Method};

use super::{LimitChoice, RestRequest};
use crate::{
    JsonMembers, Origin, Pairs, StreamedBody, WireError,
    wire::{Content, Target},
};

impl RestRequest {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// Scheme, host and port; `None` until a relative URL was joined to the base URL.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.target.as_ref().ok()?.origin()
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.0.target.as_ref().map_or("", Target::path)
    }

    /// The names and values that have filled the path, before encoding: some APIs want them signed as parameters too.
    pub fn filled_path_params(&self) -> &[(String, String)] {
        &self.0.filled
    }

    /// The query's parameters, those typed in the URL first.
    pub fn params(&self) -> &Pairs {
        static NONE: Pairs = Pairs::new();
        self.0.target.as_ref().map_or(&NONE, Target::params)
    }

    /// The form body's parameters, where the body is a form.
    pub fn form_params(&self) -> Option<&Pairs> {
        match self.0.body.content() {
            Content::Form(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The members of a JSON object body, where the body is one.
    pub fn json_members(&self) -> Option<JsonMembers> {
        match self.0.body.content() {
            Content::Json(json) => json.members(),
            _ => None,
        }
    }

    /// All headers set so far.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Whether it is to be authenticated.
    pub fn is_auth_required(&self) -> bool {
        self.0.auth
    }

    /// The limit it is charged to.
    pub fn limit_choice(&self) -> &LimitChoice {
        &self.0.limit
    }

    /// What it weighs, where that differs from the limit's own weight.
    pub fn limit_weight(&self) -> Option<u32> {
        self.0.weight
    }

    /// Whether an error status is data to its caller.
    pub fn takes_error_status_as_data(&self) -> bool {
        self.0.error_status_as_data
    }

    /// Its own attempt timeout and deadline.
    pub fn timeouts(&self) -> (Option<Duration>, Option<Duration>) {
        (self.0.attempt_timeout, self.0.deadline)
    }

    /// Values attached to it that are never sent.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// The streamed body, where there is one.
    pub fn streamed_body(&self) -> Option<&StreamedBody> {
        match self.0.body.content() {
            Content::Streamed(body) => Some(body),
            _ => None,
        }
    }

    /// The first mistake made while building it.
    pub fn problem(&self) -> Option<&WireError> {
        self.0.problem.as_ref().or(self.0.target.as_ref().err())
    }
}
