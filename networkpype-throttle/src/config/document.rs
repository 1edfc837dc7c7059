//! The shape of a document, and the way from and to the plain data that it stands for.

use serde::{Deserialize, Serialize};

use super::{
    ThrottlerConfig,
    error::located,
    feedback_entry::FeedbackEntry,
    limit_entry::LimitEntry,
    scalar::{Margin, Share},
    table::{Named, Table},
};
use crate::RateLimit;

/// What a field says that its type alone cannot refuse.
pub(super) struct Fault {
    pub(super) field: String,
    pub(super) why: String,
}

impl Fault {
    pub(super) fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    fn of_limit(self, id: &str) -> String {
        format!("limit {id:?}: `{}`: {}", self.field, self.why)
    }

    fn of_feedback(self) -> String {
        format!("`feedback.{}`: {}", self.field, self.why)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<Share>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    safety_margin: Option<Margin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_waiters: Option<usize>,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    limits: Named<Table<LimitEntry>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    feedback: Table<FeedbackEntry>,
}

impl Document {
    pub(super) fn into_config(self) -> Result<ThrottlerConfig, String> {
        let limits = self
            .limits
            .0
            .into_iter()
            .map(|(id, entry)| entry.0.into_limit(&id).map_err(|fault| fault.of_limit(&id)));
        Ok(ThrottlerConfig {
            limits: limits.collect::<Result<Vec<RateLimit>, _>>()?,
            feedback: self.feedback.0.into_feedback().map_err(Fault::of_feedback)?,
            share: self.share.map(|share| share.0),
            safety_margin: self.safety_margin.map(|margin| margin.0),
            max_waiters: self.max_waiters,
        })
    }

    pub(super) fn of_config(config: &ThrottlerConfig) -> Result<Self, String> {
        let mut limits = Named::default();
        for limit in &config.limits {
            let id = limit.id.as_str();
            let entry = LimitEntry::of_limit(limit).map_err(|fault| fault.of_limit(id))?;
            if limits.0.insert(id.to_owned(), Table(entry)).is_some() {
                return Err(format!("limit {id:?} is given twice"));
            }
        }
        let document = Self {
            share: config.share.map(Share::of),
            safety_margin: config.safety_margin.map(Margin::of),
            max_waiters: config.max_waiters,
            limits,
            feedback: Table(FeedbackEntry::of_feedback(&config.feedback)),
        };
        document.check()?;
        Ok(document)
    }

    /// Written once in vain, since only that way a value that may not be written can tell where it stands.
    fn check(&self) -> Result<(), String> {
        let mut track = serde_path_to_error::Track::new();
        let writer =
            serde_path_to_error::Serializer::new(serde_json::value::Serializer, &mut track);
        match self.serialize(writer) {
            Ok(_) => Ok(()),
            Err(error) => Err(located(&track.path(), &error.to_string())),
        }
    }
}

fn is_empty(feedback: &Table<FeedbackEntry>) -> bool {
    *feedback == Table::default()
}
