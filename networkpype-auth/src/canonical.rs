use std::borrow::Cow;

use networkpype_core::{JsonMembers, Pairs};

/// `name`, `equals`, `value` for each pair, with `separator` between the pairs: the shape of most canonical texts.
///
/// ```
/// use networkpype_auth::join_pairs;
///
/// assert_eq!(join_pairs([("a", "1"), ("b", "2")], "=", "&"), "a=1&b=2");
/// assert_eq!(join_pairs([("a", "1"), ("b", "2")], "", ""), "a1b2");
/// ```
pub fn join_pairs<N: AsRef<str>, V: AsRef<str>>(
    pairs: impl IntoIterator<Item = (N, V)>,
    equals: &str,
    separator: &str,
) -> String {
    let mut out = String::new();
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(name.as_ref());
        out.push_str(equals);
        out.push_str(value.as_ref());
    }
    out
}

/// The same pairs sorted by the bytes of their names, equal names in the order they had: for texts that are signed
/// sorted and sent as they came.
pub fn sorted_by_name(pairs: &Pairs) -> Pairs {
    let mut sorted = pairs.clone();
    sorted.sort_by_name();
    sorted
}

/// The text that a JSON value stands for in a signed text: a string without its quotes and escapes, everything else as
/// it was written.
///
/// ```
/// use networkpype_auth::json_plain_text;
///
/// assert_eq!(json_plain_text(r#""a\u00e9""#), "aé");
/// assert_eq!(json_plain_text("0.10"), "0.10");
/// ```
pub fn json_plain_text(value: &str) -> Cow<'_, str> {
    match serde_json::from_str::<String>(value) {
        Ok(text) => text.into(),
        Err(_) => value.into(),
    }
}

/// `name=value&name=value`, sorted by name and not encoded.
pub(crate) fn sorted_fields_text(fields: &JsonMembers) -> String {
    let mut sorted = fields.clone();
    sorted.sort_by_name();
    join_pairs(sorted.iter().map(|(name, value)| (name, json_plain_text(value))), "=", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_and_keep_their_numbers() {
        let mut fields = JsonMembers::default();
        fields.push("symbol", &"１２").expect("text");
        fields.push("price", &219.0).expect("number");
        fields.push("list", &[1, 2]).expect("list");
        fields.push("Big", &true).expect("bool");
        assert_eq!(sorted_fields_text(&fields), "Big=true&list=[1,2]&price=219.0&symbol=１２");
    }

    #[test]
    fn sorting_a_copy_leaves_the_pairs_alone() {
        let pairs: Pairs = [("b", "1"), ("a", "2"), ("b", "0")].into_iter().collect();
        assert_eq!(sorted_by_name(&pairs).to_wire(), "a=2&b=1&b=0");
        assert_eq!(pairs.to_wire(), "b=1&a=2&b=0");
    }
}
