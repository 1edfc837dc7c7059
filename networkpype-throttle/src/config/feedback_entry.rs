use std::fmt;

use networkpype_core::LimitId;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Unexpected, Visitor},
};

use super::{
    document::Fault,
    scalar::{Header, Span, Status},
    table::{Named, Table},
};
use crate::{Feedback, HeaderRule, ResetAs, Scope};

/// What is learnt from responses, as a document has it. What it does not say is as in [`Feedback::new`].
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FeedbackEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause_on: Option<Vec<Status>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause_if_told_on: Option<Vec<Status>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause_scope: Option<ScopeEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ban_on: Option<Vec<Status>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ban_scope: Option<ScopeEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_ban: Option<Span>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Table<HeaderEntry>>,
}

/// One rule: `used`, or `remaining` with what belongs to it, or `ietf = true`.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct HeaderEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remaining: Option<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quota: Option<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset: Option<Header>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset_as: Option<ResetName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ietf: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    policies: Named<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ResetName {
    Auto,
    SecondsFromNow,
    MillisFromNow,
    EpochSeconds,
    EpochMillis,
}

/// `"request"`, `"all"`, or a list of limits.
#[derive(PartialEq)]
struct ScopeEntry(Scope);

impl FeedbackEntry {
    pub(super) fn into_feedback(self) -> Result<Feedback, Fault> {
        let mut feedback = Feedback::new();
        if let Some(statuses) = self.pause_on {
            feedback = feedback.pause_on(statuses.into_iter().map(|status| status.0));
        }
        if let Some(statuses) = self.pause_if_told_on {
            feedback = feedback.pause_if_told_on(statuses.into_iter().map(|status| status.0));
        }
        if let Some(ScopeEntry(scope)) = self.pause_scope {
            feedback = feedback.pauses(scope);
        }
        if let Some(statuses) = self.ban_on {
            feedback = feedback.ban_on(statuses.into_iter().map(|status| status.0));
        }
        if let Some(ScopeEntry(scope)) = self.ban_scope {
            feedback = feedback.bans(scope);
        }
        if let Some(Span(ban)) = self.default_ban {
            feedback = feedback.default_ban(ban);
        }
        for (at, entry) in self.headers.into_iter().enumerate() {
            let in_entry = |fault: Fault| {
                let field = match fault.field.as_str() {
                    "" => format!("headers[{at}]"),
                    field => format!("headers[{at}].{field}"),
                };
                Fault { field, ..fault }
            };
            feedback = feedback.rule(entry.0.into_rule().map_err(in_entry)?);
        }
        Ok(feedback)
    }

    pub(super) fn of_feedback(feedback: &Feedback) -> Self {
        let usual = Feedback::new();
        let statuses = |given: &[u16], usual: &[u16]| {
            (given != usual).then(|| given.iter().copied().map(Status::of).collect())
        };
        let scope =
            |given: &Scope, usual: &Scope| (given != usual).then(|| ScopeEntry(given.clone()));
        Self {
            pause_on: statuses(&feedback.pause_statuses, &usual.pause_statuses),
            pause_if_told_on: statuses(
                &feedback.pause_if_told_statuses,
                &usual.pause_if_told_statuses,
            ),
            pause_scope: scope(&feedback.pause_scope, &usual.pause_scope),
            ban_on: statuses(&feedback.ban_statuses, &usual.ban_statuses),
            ban_scope: scope(&feedback.ban_scope, &usual.ban_scope),
            default_ban: (feedback.default_ban != usual.default_ban)
                .then_some(Span(feedback.default_ban)),
            headers: feedback.headers.iter().map(HeaderEntry::of_rule).map(Table).collect(),
        }
    }
}

impl HeaderEntry {
    fn into_rule(self) -> Result<HeaderRule, Fault> {
        let kinds = [self.used.is_some(), self.remaining.is_some(), self.ietf];
        if kinds.iter().filter(|given| **given).count() != 1 {
            return Err(Fault::new(
                "",
                "say one of `used = ...`, `remaining = ...` and `ietf = true`",
            ));
        }
        let for_remaining = [
            ("quota", self.quota.is_some()),
            ("reset", self.reset.is_some()),
            ("reset-as", self.reset_as.is_some()),
        ];
        let stray = for_remaining.iter().find(|(_, given)| *given && self.remaining.is_none());
        if let Some((field, _)) = stray {
            return Err(Fault::new(*field, "it needs `remaining`"));
        }
        if self.reset_as.is_some() && self.reset.is_none() {
            return Err(Fault::new("reset-as", "it needs `reset`"));
        }
        if !self.policies.is_empty() && !self.ietf {
            return Err(Fault::new("policies", "it needs `ietf = true`"));
        }
        let limit = self.limit.map(LimitId::from);
        Ok(match (self.used, self.remaining) {
            (Some(header), _) => HeaderRule::Used { header: header.0, limit },
            (_, Some(remaining)) => HeaderRule::Remaining {
                remaining: remaining.0,
                quota: self.quota.map(|header| header.0),
                reset: self.reset.map(|header| header.0),
                reset_as: self.reset_as.map_or(ResetAs::Auto, ResetAs::from),
                limit,
            },
            (None, None) => {
                let policies = self.policies.0.into_iter();
                HeaderRule::RateLimitFields {
                    policies: policies.map(|(name, limit)| (name, limit.into())).collect(),
                    limit,
                }
            }
        })
    }

    fn of_rule(rule: &HeaderRule) -> Self {
        let text = |limit: &Option<LimitId>| limit.as_ref().map(|limit| limit.as_str().to_owned());
        let header = |name: &Option<String>| name.clone().map(Header::of);
        match rule {
            HeaderRule::Used { header, limit } => Self {
                used: Some(Header::of(header.clone())),
                limit: text(limit),
                ..Self::default()
            },
            HeaderRule::Remaining { remaining, quota, reset, reset_as, limit } => Self {
                remaining: Some(Header::of(remaining.clone())),
                quota: header(quota),
                reset: header(reset),
                // Without a reset header it means nothing.
                reset_as: (reset.is_some() && *reset_as != ResetAs::Auto)
                    .then(|| ResetName::from(*reset_as)),
                limit: text(limit),
                ..Self::default()
            },
            HeaderRule::RateLimitFields { policies, limit } => {
                let mut named = Named::default();
                // Of namesakes the first is the one that is used.
                for (policy, limit) in policies.iter().rev() {
                    named.0.insert(policy.clone(), limit.as_str().to_owned());
                }
                Self { ietf: true, policies: named, limit: text(limit), ..Self::default() }
            }
        }
    }
}

impl From<ResetName> for ResetAs {
    fn from(name: ResetName) -> Self {
        match name {
            ResetName::Auto => Self::Auto,
            ResetName::SecondsFromNow => Self::SecondsFromNow,
            ResetName::MillisFromNow => Self::MillisFromNow,
            ResetName::EpochSeconds => Self::EpochSeconds,
            ResetName::EpochMillis => Self::EpochMillis,
        }
    }
}

impl From<ResetAs> for ResetName {
    fn from(form: ResetAs) -> Self {
        match form {
            ResetAs::Auto => Self::Auto,
            ResetAs::SecondsFromNow => Self::SecondsFromNow,
            ResetAs::MillisFromNow => Self::MillisFromNow,
            ResetAs::EpochSeconds => Self::EpochSeconds,
            ResetAs::EpochMillis => Self::EpochMillis,
        }
    }
}

impl Serialize for ScopeEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Scope::Request => serializer.serialize_str("request"),
            Scope::All => serializer.serialize_str("all"),
            Scope::Limits(limits) => serializer.collect_seq(limits.iter().map(LimitId::as_str)),
        }
    }
}

impl<'de> Deserialize<'de> for ScopeEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ScopeEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"request\", \"all\", or a list of limits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ScopeEntry, E> {
                match text {
                    "request" => Ok(ScopeEntry(Scope::Request)),
                    "all" => Ok(ScopeEntry(Scope::All)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ScopeEntry, A::Error> {
                let mut limits = Vec::new();
                while let Some(limit) = seq.next_element::<String>()? {
                    limits.push(LimitId::from(limit));
                }
                Ok(ScopeEntry(Scope::Limits(limits)))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
