//! The fields `RateLimit` and `RateLimit-Policy`, in the versions of the IETF draft that servers speak.
//!
//! Drafts 8 and later have lists of strings with parameters, `"default";r=50;t=30`; draft 7 has a dictionary,
//! `limit=100, remaining=50, reset=5`. Structured fields (RFC 9651) throw a whole field away for one bad character. Here
//! each member stands for itself, since a limit that is learnt from the good half is better than none.

use std::borrow::Cow;

use http::HeaderMap;
use networkpype_core::{LimitId, Timestamp};

use super::{
    ResetAs,
    number::{Number, first_number},
    reset::until_reset,
    signals::{Report, ignored},
};

/// How many members of one field are read. An API with more policies than this has not been seen, and what a header
/// of 64 kB costs stays small.
const MAX_MEMBERS: usize = 32;

/// One report for each member of the field `RateLimit` that says what is left.
pub(super) fn reports(
    headers: &HeaderMap,
    policies: &[(String, LimitId)],
    others: Option<&LimitId>,
    now: Timestamp,
) -> Vec<Report> {
    let stated = members(headers, RATE_LIMIT);
    if stated.is_empty() {
        return Vec::new();
    }
    let policy_members = members(headers, RATE_LIMIT_POLICY);
    let mut reports = Vec::new();
    let mut dictionary = Dictionary::default();
    for member in &stated {
        let Member { name: Some(name), .. } = member else {
            dictionary.take(member);
            continue;
        };
        let policy = policy_members.iter().find(|policy| policy.name.as_ref() == Some(name));
        if policy.is_some_and(|policy| !policy.counts_requests()) {
            continue;
        }
        let Some(remaining) = member.number("r") else {
            ignored(RATE_LIMIT);
            continue;
        };
        let listed = policies.iter().find(|(policy, _)| policy == name).map(|(_, limit)| limit);
        reports.push(Report {
            limit: listed.or(others).cloned(),
            used: None,
            remaining: Some(remaining.floor()),
            quota: policy.and_then(|policy| policy.number("q")).map(Number::floor),
            reset: member
                .param("t")
                .and_then(|text| until_reset(text, ResetAs::SecondsFromNow, now)),
        });
    }
    reports.extend(dictionary.report(others, now));
    reports
}

/// The members of draft 7.
#[derive(Default)]
struct Dictionary<'a> {
    limit: Option<&'a str>,
    remaining: Option<&'a str>,
    reset: Option<&'a str>,
}

impl<'a> Dictionary<'a> {
    fn take(&mut self, member: &Member<'a>) {
        let Some(&(key, value)) = member.params.first() else { return };
        let place = match key {
            _ if key.eq_ignore_ascii_case("limit") => &mut self.limit,
            _ if key.eq_ignore_ascii_case("remaining") => &mut self.remaining,
            _ if key.eq_ignore_ascii_case("reset") => &mut self.reset,
            _ => return,
        };
        place.get_or_insert(value);
    }

    fn report(&self, limit: Option<&LimitId>, now: Timestamp) -> Option<Report> {
        let Some(remaining) = first_number(self.remaining?) else {
            ignored(RATE_LIMIT);
            return None;
        };
        Some(Report {
            limit: limit.cloned(),
            used: None,
            remaining: Some(remaining.floor()),
            quota: self.limit.and_then(first_number).map(Number::floor),
            reset: self.reset.and_then(|text| until_reset(text, ResetAs::SecondsFromNow, now)),
        })
    }
}

/// A name with parameters, or without a name a member of a dictionary: `key=value` and its parameters.
struct Member<'a> {
    name: Option<Cow<'a, str>>,
    params: Vec<(&'a str, &'a str)>,
}

impl<'a> Member<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = split(text, b';').map(str::trim_ascii);
        let first = parts.next()?;
        let pair = |part: &'a str| {
            let (key, value) = part.split_once('=')?;
            Some((key.trim_ascii(), value.trim_ascii()))
        };
        let name = match first.strip_prefix('"') {
            Some(quoted) => Some(unquoted(quoted)?),
            None if first.contains('=') => None,
            None if first.is_empty() => return None,
            None => Some(first.into()),
        };
        let dictionary = name.is_none().then(|| pair(first)).flatten();
        let params = dictionary.into_iter().chain(parts.filter_map(pair)).collect();
        Some(Self { name, params })
    }

    fn param(&self, key: &str) -> Option<&'a str> {
        self.params
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(key))
            .map(|&(_, value)| value)
    }

    fn number(&self, key: &str) -> Option<Number> {
        first_number(self.param(key)?)
    }

    /// Whether the policy's quota unit is requests, as it is by default.
    fn counts_requests(&self) -> bool {
        self.param("qu").is_none_or(|unit| unit.trim_matches('"') == "requests")
    }
}

/// All members of a field, over all its lines.
fn members<'a>(headers: &'a HeaderMap, field: &str) -> Vec<Member<'a>> {
    let mut members = Vec::new();
    let mut understood = true;
    for line in headers.get_all(field) {
        let Ok(text) = line.to_str() else {
            understood = false;
            continue;
        };
        for part in split(text, b',') {
            if members.len() == MAX_MEMBERS {
                understood = false;
                break;
            }
            match Member::read(part) {
                Some(member) => members.push(member),
                None => understood &= part.trim_ascii().is_empty(),
            }
        }
    }
    if !understood {
        ignored(field);
    }
    members
}

/// The parts of `text` between `separator`s that stand outside of quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return byte == separator && !quoted,
            }
            false
        });
        // A separator is ASCII, so the text may be cut at it and behind it.
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// The text of a string whose opening quote is gone; `None` where it has no end, or goes on behind it.
fn unquoted(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return text.strip_suffix('"').map(Cow::from);
    }
    let mut inside = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return chars.as_str().is_empty().then(|| inside.into()),
            '\\' => inside.push(chars.next()?),
            char => inside.push(char),
        }
    }
}

const RATE_LIMIT: &str = "ratelimit";
const RATE_LIMIT_POLICY: &str = "ratelimit-policy";
