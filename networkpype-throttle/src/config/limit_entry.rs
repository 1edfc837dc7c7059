use std::{fmt, num::NonZeroU32};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Unexpected, Visitor},
};

use super::{
    document::Fault,
    scalar::{Interval, Span},
    table::{Named, Table},
};
use crate::{Accounting, LimitKind, LinkedWeight, ParamValue, Precision, RateLimit, WeightRule};

/// One limit, as a document has it under its id.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LimitEntry {
    #[serde(default, skip_serializing_if = "is_default")]
    kind: KindName,
    limit: NonZeroU32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refill: Option<NonZeroU32>,
    interval: Interval,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tolerance: Option<Span>,
    #[serde(default, skip_serializing_if = "is_default")]
    accounting: AccountingName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linger: Option<Span>,
    #[serde(default, skip_serializing_if = "is_default")]
    precision: PrecisionName,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    weight: u32,
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    linked: Named<LinkEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weights: Vec<Table<WeightEntry>>,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindName {
    #[default]
    SlidingWindow,
    FixedWindow,
    TokenBucket,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AccountingName {
    #[default]
    FromStart,
    UntilAnswered,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PrecisionName {
    #[default]
    Exact,
    Bounded,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WeightEntry {
    param: String,
    #[serde(default, skip_serializing_if = "is_default")]
    absent: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    present: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<u64>,
    weight: u32,
}

/// A weight, or `"own"`.
#[derive(Clone, Copy, PartialEq)]
enum LinkEntry {
    Fixed(u32),
    Own,
}

impl Serialize for LinkEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(weight) => serializer.serialize_u32(*weight),
            Self::Own => serializer.serialize_str("own"),
        }
    }
}

impl<'de> Deserialize<'de> for LinkEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LinkVisitor)
    }
}

struct LinkVisitor;

impl Visitor<'_> for LinkVisitor {
    type Value = LinkEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a weight from 0 to 4294967295, or \"own\"")
    }

    fn visit_i64<E: Error>(self, weight: i64) -> Result<LinkEntry, E> {
        let fits = u32::try_from(weight).map(LinkEntry::Fixed);
        fits.map_err(|_| E::invalid_value(Unexpected::Signed(weight), &self))
    }

    fn visit_u64<E: Error>(self, weight: u64) -> Result<LinkEntry, E> {
        let fits = u32::try_from(weight).map(LinkEntry::Fixed);
        fits.map_err(|_| E::invalid_value(Unexpected::Unsigned(weight), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LinkEntry, E> {
        match text {
            "own" => Ok(LinkEntry::Own),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }
}

impl LimitEntry {
    pub(super) fn into_limit(self, id: &str) -> Result<RateLimit, Fault> {
        let Span(interval) = self.interval.0;
        let mut limit = RateLimit::new(id, self.limit.get(), interval).weight(self.weight);
        limit.kind = self.kind(&limit)?;
        limit.accounting = match (self.accounting, self.linger) {
            (AccountingName::FromStart, None) => Accounting::FromStart,
            (AccountingName::UntilAnswered, linger) => {
                Accounting::UntilAnswered { linger: linger.map(|linger| linger.0) }
            }
            (AccountingName::FromStart, Some(_)) => {
                return Err(Fault::new("linger", "it needs `accounting = \"until-answered\"`"));
            }
        };
        limit.precision = match self.precision {
            PrecisionName::Exact => Precision::Exact,
            PrecisionName::Bounded => Precision::Bounded,
        };
        limit = self.linked.0.into_iter().fold(limit, |limit, (id, link)| match link {
            LinkEntry::Fixed(weight) => limit.linked(id, weight),
            LinkEntry::Own => limit.linked_own(id),
        });
        for (at, entry) in self.weights.into_iter().enumerate() {
            limit = limit.weight_rule(entry.0.into_rule(at)?);
        }
        Ok(limit)
    }

    fn kind(&self, limit: &RateLimit) -> Result<LimitKind, Fault> {
        let only = |field, kind| Fault::new(field, format!("it needs `kind = \"{kind}\"`"));
        if self.kind != KindName::TokenBucket && self.refill.is_some() {
            return Err(only("refill", "token-bucket"));
        }
        if self.kind != KindName::FixedWindow {
            let given = [("offset", self.offset), ("tolerance", self.tolerance)];
            if let Some((field, _)) = given.iter().find(|(_, given)| given.is_some()) {
                return Err(only(field, "fixed-window"));
            }
        }
        match (self.kind, self.refill) {
            (KindName::SlidingWindow, _) => Ok(LimitKind::SlidingWindow),
            (KindName::FixedWindow, _) => {
                let mut kind = default_window(limit);
                if let LimitKind::FixedWindow { offset, tolerance } = &mut kind {
                    *offset = self.offset.map_or(*offset, |given| given.0);
                    *tolerance = self.tolerance.map_or(*tolerance, |given| given.0);
                }
                Ok(kind)
            }
            (KindName::TokenBucket, Some(refill)) => {
                Ok(LimitKind::TokenBucket { refill: refill.get() })
            }
            (KindName::TokenBucket, None) => Err(Fault::new(
                "refill",
                "it is missing: how much a token bucket gets every interval",
            )),
        }
    }

    pub(super) fn of_limit(limit: &RateLimit) -> Result<Self, Fault> {
        let not_zero = |field, number| {
            NonZeroU32::new(number).ok_or_else(|| Fault::new(field, "it must not be zero"))
        };
        let mut entry = Self {
            kind: KindName::SlidingWindow,
            limit: not_zero("limit", limit.limit)?,
            refill: None,
            interval: Interval::of(Span(limit.interval)),
            offset: None,
            tolerance: None,
            accounting: AccountingName::FromStart,
            linger: None,
            precision: match limit.precision {
                Precision::Exact => PrecisionName::Exact,
                Precision::Bounded => PrecisionName::Bounded,
            },
            weight: limit.weight,
            linked: Named::default(),
            weights: limit.weight_rules.iter().map(WeightEntry::of_rule).map(Table).collect(),
        };
        match limit.kind {
            LimitKind::SlidingWindow => {}
            LimitKind::FixedWindow { offset, tolerance } => {
                entry.kind = KindName::FixedWindow;
                entry.offset = (!offset.is_zero()).then_some(Span(offset));
                let usual = LimitKind::FixedWindow { offset, tolerance };
                let usual = usual == with_offset(default_window(limit), offset);
                entry.tolerance = (!usual).then_some(Span(tolerance));
            }
            LimitKind::TokenBucket { refill } => {
                entry.kind = KindName::TokenBucket;
                entry.refill = Some(not_zero("refill", refill)?);
            }
        }
        if let Accounting::UntilAnswered { linger } = limit.accounting {
            entry.accounting = AccountingName::UntilAnswered;
            entry.linger = linger.map(Span);
        }
        for linked in &limit.linked_limits {
            let id = linked.id.as_str().to_owned();
            match (entry.linked.0.get(&id).copied(), linked.weight) {
                // Links that lead to one limit charge it the sum.
                (None, LinkedWeight::Fixed(weight)) => {
                    entry.linked.0.insert(id, LinkEntry::Fixed(weight));
                }
                (Some(LinkEntry::Fixed(sum)), LinkedWeight::Fixed(weight)) => {
                    entry.linked.0.insert(id, LinkEntry::Fixed(sum.saturating_add(weight)));
                }
                (None, LinkedWeight::Own) => {
                    entry.linked.0.insert(id, LinkEntry::Own);
                }
                (Some(_), _) => {
                    let why = format!("it links to {id:?} twice, once by \"own\": say it once");
                    return Err(Fault::new("linked", why));
                }
            }
        }
        Ok(entry)
    }
}

/// A fixed window as long as that of `limit`, with the default tolerance for it.
fn default_window(limit: &RateLimit) -> LimitKind {
    RateLimit::fixed_window("", limit.limit, limit.interval).kind
}

fn with_offset(kind: LimitKind, offset: std::time::Duration) -> LimitKind {
    match kind {
        LimitKind::FixedWindow { tolerance, .. } => LimitKind::FixedWindow { offset, tolerance },
        other => other,
    }
}

impl WeightEntry {
    fn into_rule(self, at: usize) -> Result<WeightRule, Fault> {
        let when = match (self.absent, self.present, self.is, self.at_most) {
            (true, false, None, None) => ParamValue::Absent,
            (false, true, None, None) => ParamValue::Present,
            (false, false, Some(text), None) => ParamValue::Is(text),
            (false, false, None, Some(most)) => ParamValue::AtMost(most),
            _ => {
                let why =
                    "say one of `at-most = ...`, `is = ...`, `present = true` and `absent = true`";
                return Err(Fault::new(format!("weights[{at}]"), why));
            }
        };
        Ok(WeightRule::new(self.param, when, self.weight))
    }

    fn of_rule(rule: &WeightRule) -> Self {
        let (is, at_most) = match &rule.when {
            ParamValue::Is(text) => (Some(text.clone()), None),
            ParamValue::AtMost(most) => (None, Some(*most)),
            ParamValue::Absent | ParamValue::Present => (None, None),
        };
        Self {
            param: rule.param.clone(),
            absent: rule.when == ParamValue::Absent,
            present: rule.when == ParamValue::Present,
            is,
            at_most,
            weight: rule.weight,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn one() -> u32 {
    1
}

fn is_one(weight: &u32) -> bool {
    *weight == 1
}
