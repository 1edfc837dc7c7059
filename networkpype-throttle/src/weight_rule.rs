use std::{borrow::Cow, slice};

use networkpype_core::{JsonMembers, RestRequest};

/// What a request weighs by one of its parameters: `limit=500` costs 5.
///
/// A parameter is looked for in the query (one that was typed in the URL too, percent-decoded), then in the form, then
/// among the members of the JSON object that is the body. The first of several namesakes decides. Bodies given as bytes
/// or as a stream are not looked into.
///
/// ```
/// use networkpype_core::RestRequest;
/// use networkpype_throttle::WeightRule;
///
/// let rule = WeightRule::at_most("limit", 100, 5);
/// assert_eq!(rule.weight_of(&RestRequest::get("/depth").param("limit", 50)), Some(5));
/// assert_eq!(rule.weight_of(&RestRequest::get("/depth?limit=500")), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightRule {
    /// The name of the parameter, in the query, the form or the JSON body.
    pub param: String,
    /// What its value has to be for the rule to apply.
    pub when: ParamValue,
    /// What the request then weighs.
    pub weight: u32,
}

/// What a parameter has to be for a [`WeightRule`] to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamValue {
    /// The request has no such parameter, or one that is JSON's `null`.
    Absent,
    /// It has one, whatever its value.
    Present,
    /// It is this text. A JSON number, `true` or `false` is the text that is sent.
    Is(String),
    /// It is a whole number of at most this, in digits alone; in JSON also as a string.
    AtMost(u64),
}

impl WeightRule {
    /// A request weighs `weight` when its parameter `param` is `when`.
    pub fn new(param: impl Into<String>, when: ParamValue, weight: u32) -> Self {
        Self { param: param.into(), when, weight }
    }

    /// A request weighs `weight` when it has no parameter `param`.
    pub fn absent(param: impl Into<String>, weight: u32) -> Self {
        Self::new(param, ParamValue::Absent, weight)
    }

    /// A request weighs `weight` when it has a parameter `param`, whatever its value.
    pub fn present(param: impl Into<String>, weight: u32) -> Self {
        Self::new(param, ParamValue::Present, weight)
    }

    /// A request weighs `weight` when its parameter `param` is `value`.
    pub fn is(param: impl Into<String>, value: impl Into<String>, weight: u32) -> Self {
        Self::new(param, ParamValue::Is(value.into()), weight)
    }

    /// A request weighs `weight` when its parameter `param` is a whole number of at most `most`.
    pub fn at_most(param: impl Into<String>, most: u64, weight: u32) -> Self {
        Self::new(param, ParamValue::AtMost(most), weight)
    }

    /// What `request` weighs, if the rule applies to it.
    pub fn weight_of(&self, request: &RestRequest) -> Option<u32> {
        Self::first_of(slice::from_ref(self), request)
    }

    /// What `request` weighs by the first of `rules` that applies to it. The body is read once at most, and only where
    /// neither query nor form has the parameter.
    pub(crate) fn first_of(rules: &[Self], request: &RestRequest) -> Option<u32> {
        let mut json: Option<Option<JsonMembers>> = None;
        rules.iter().find(|rule| rule.applies(request, &mut json)).map(|rule| rule.weight)
    }

    fn applies(&self, request: &RestRequest, json: &mut Option<Option<JsonMembers>>) -> bool {
        let outside_json = || {
            let form = request.form_params();
            request.params().get(&self.param).or_else(|| form?.get(&self.param))
        };
        if let Some(value) = outside_json() {
            return self.when.holds(Found::Text(value));
        }
        let members = json.get_or_insert_with(|| request.json_members());
        let found = members.as_ref().and_then(|members| members.get(&self.param)).map(in_json);
        self.when.holds(found.unwrap_or(Found::Nothing))
    }
}

/// What stands where a parameter was looked for.
enum Found<'a> {
    Nothing,
    Text(Cow<'a, str>),
    /// A JSON array or object.
    Structure,
}

impl ParamValue {
    fn holds(&self, found: Found<'_>) -> bool {
        match (self, found) {
            (Self::Absent, found) => matches!(found, Found::Nothing),
            (Self::Present, found) => !matches!(found, Found::Nothing),
            (Self::Is(wanted), Found::Text(text)) => *wanted == text,
            (Self::AtMost(most), Found::Text(text)) => {
                whole_number(&text).is_some_and(|number| number <= *most)
            }
            (Self::Is(_) | Self::AtMost(_), Found::Nothing | Found::Structure) => false,
        }
    }
}

/// Digits alone: `parse` would let a sign through.
fn whole_number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `json` is the text of one value in a body that was read as JSON before, so that its form needs no checks here.
fn in_json(json: &str) -> Found<'_> {
    match json.as_bytes().first() {
        Some(b'"') => {
            let inside = json.strip_prefix('"').unwrap_or(json);
            Found::Text(unescaped(inside.strip_suffix('"').unwrap_or(inside)))
        }
        Some(b'{' | b'[') => Found::Structure,
        _ if json == "null" => Found::Nothing,
        _ => Found::Text(json.into()),
    }
}

/// What stands between the quotes of a JSON string. Half a surrogate pair becomes U+FFFD.
fn unescaped(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return inside.into();
    }
    let mut units = Vec::with_capacity(inside.len());
    let mut rest = inside.chars();
    while let Some(char) = rest.next() {
        let meant = match char {
            '\\' => match rest.next() {
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('u') => {
                    let unit =
                        rest.as_str().get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
                    units.push(unit.unwrap_or(0xFFFD));
                    rest = rest.as_str().get(4..).unwrap_or("").chars();
                    continue;
                }
                other => other.unwrap_or('\\'),
            },
            plain => plain,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(rule: WeightRule, request: &RestRequest) -> bool {
        rule.weight_of(request).is_some()
    }

    #[test]
    fn a_parameter_is_found_in_the_query_the_form_and_the_json_body() {
        for request in [
            RestRequest::get("/depth?limit=500"),
            RestRequest::get("/depth?%6Cimit=%35%30%30"),
            RestRequest::get("/depth").param("limit", 500),
            RestRequest::post("/depth").form_param("limit", 500),
            RestRequest::post("/depth").json_text(r#"{"a":[1],"limit":500}"#),
            RestRequest::post("/depth").json_text(r#"{"limit" : "500" }"#),
            RestRequest::post("/depth").json_text(r#"{"limit":"\u0035\u00300"}"#),
        ] {
            assert!(weight(WeightRule::at_most("limit", 500, 5), &request), "{request:?}");
            assert!(weight(WeightRule::is("limit", "500", 5), &request), "{request:?}");
            assert!(weight(WeightRule::present("limit", 5), &request), "{request:?}");
            assert!(!weight(WeightRule::at_most("limit", 499, 5), &request), "{request:?}");
            assert!(!weight(WeightRule::is("limit", "50", 5), &request), "{request:?}");
            assert!(!weight(WeightRule::absent("limit", 5), &request), "{request:?}");
        }
    }

    #[test]
    fn a_parameter_that_is_nowhere_is_absent() {
        for request in [
            RestRequest::get("/depth"),
            RestRequest::get("/depth?limi=1").form_param("Limit", 1),
            RestRequest::post("/depth").json_text("[1]"),
            RestRequest::post("/depth").json_text("{\"limit\": not json"),
            RestRequest::post("/depth").json_text(r#"{"limit":null}"#),
            RestRequest::post("/depth").body("limit=1"),
        ] {
            assert!(weight(WeightRule::absent("limit", 5), &request), "{request:?}");
            assert!(!weight(WeightRule::present("limit", 5), &request), "{request:?}");
            assert!(!weight(WeightRule::at_most("limit", u64::MAX, 5), &request), "{request:?}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_at_most_nothing() {
        let rule = WeightRule::at_most("limit", u64::MAX, 5);
        for value in ["", "-1", "+1", "1.0", "1e1", " 1", "ten", "18446744073709551616", "１"] {
            assert_eq!(
                rule.weight_of(&RestRequest::get("/").param("limit", value)),
                None,
                "{value:?}"
            );
        }
        for value in ["0", "007", "18446744073709551615"] {
            let request = RestRequest::get("/").param("limit", value);
            assert_eq!(rule.weight_of(&request), Some(5), "{value:?}");
        }
        for json in ["[5]", "{\"a\":5}", "true", "5.5", "-5"] {
            let request = RestRequest::post("/").json_text(format!("{{\"limit\":{json}}}"));
            assert_eq!(rule.weight_of(&request), None, "{json}");
            assert!(weight(WeightRule::present("limit", 1), &request), "{json}");
        }
    }

    #[test]
    fn the_query_goes_before_the_form_and_the_first_namesake_decides() {
        let request = RestRequest::post("/?a=1").param("a", 2).form_param("a", 3);
        assert!(weight(WeightRule::is("a", "1", 5), &request));
        assert!(!weight(WeightRule::is("a", "3", 5), &request));
    }

    #[test]
    fn the_first_rule_that_applies_decides() {
        let rules = [
            WeightRule::at_most("limit", 100, 5),
            WeightRule::at_most("limit", 500, 25),
            WeightRule::absent("limit", 2),
        ];
        let of = |request: RestRequest| WeightRule::first_of(&rules, &request);
        assert_eq!(of(RestRequest::get("/").param("limit", 100)), Some(5));
        assert_eq!(of(RestRequest::get("/").param("limit", 101)), Some(25));
        assert_eq!(of(RestRequest::get("/").param("limit", 501)), None);
        assert_eq!(of(RestRequest::post("/").json_text(r#"{"limit":101}"#)), Some(25));
        assert_eq!(of(RestRequest::get("/")), Some(2));
    }

    #[test]
    fn escapes_in_json_mean_what_they_mean_in_json() {
        for (inside, meant) in [
            (r#"a\"b\\c\/d"#, "a\"b\\c/d"),
            (r"\b\f\n\r\t", "\u{8}\u{c}\n\r\t"),
            (r"\u00e9\ud83d\ude00", "é😀"),
            (r"\ud83d-", "\u{fffd}-"),
            (r"\u12", "\u{fffd}"),
            (r"\", "\\"),
            ("é", "é"),
        ] {
            assert_eq!(unescaped(inside), meant, "{inside}");
        }
        let quoted = RestRequest::post("/").json_object([("s", "say \"5\"")]);
        assert!(weight(WeightRule::is("s", "say \"5\"", 1), &quoted));
    }
}
