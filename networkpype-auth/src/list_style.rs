//! How do lists and objects become parameters?

use networkpype_core::JsonMembers;
use serde_json::value::RawValue;

use crate::{canonical::json_plain_text, names::named};

/// How a list is written as parameters: there are as many ways as there are APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ListStyle {
    /// Its JSON text as one value: `ids=["1","2"]`. The default.
    #[default]
    Json,
    /// The name once for each element: `ids=1&ids=2`.
    Repeat,
    /// The same with brackets: `ids[]=1&ids[]=2`.
    Brackets,
    /// The same with the element's index: `ids[0]=1&ids[1]=2`.
    Indexed,
    /// One value with commas between: `ids=1,2`.
    Comma,
    /// One value in square brackets with commas between, as JSON without quotes: `ids=[1,2]`.
    Unquoted,
    /// One value with nothing between, for what is only signed: `ids12`.
    Joined,
}

/// How an object among the parameters is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ObjectStyle {
    /// Its JSON text as one value. The default.
    #[default]
    Json,
    /// Each member with its name in brackets: `a[b]=1`.
    Brackets,
    /// Names and values one after the other, sorted by name, for what is only signed.
    Joined,
}

named!(ListStyle, "style of lists", {
    Json => "json",
    Repeat => "repeat",
    Brackets => "brackets",
    Indexed => "indexed",
    Comma => "comma",
    Unquoted => "unquoted",
    Joined => "joined",
});

named!(ObjectStyle, "style of objects", {
    Json => "json",
    Brackets => "brackets",
    Joined => "joined",
});

/// How deep lists and objects may stand in each other, as for `serde_json`'s own values. What is deeper stands as its text:
/// a raw value has no such limit, and a caller's data must not use up the stack.
const DEEPEST: usize = 128;

/// The pairs of a parameter whose value is this JSON text.
pub(crate) fn pairs_of(
    name: &str,
    json: &str,
    lists: ListStyle,
    objects: ObjectStyle,
) -> Vec<(String, String)> {
    let mut out = Vec::new();
    flatten(name, json, lists, objects, DEEPEST, &mut out);
    out
}

fn flatten(
    name: &str,
    json: &str,
    lists: ListStyle,
    objects: ObjectStyle,
    depth: usize,
    out: &mut Vec<(String, String)>,
) {
    // A list or an object is told by its first byte, so that the texts of all others are not parsed in vain.
    match json.as_bytes().first().filter(|_| depth > 0) {
        Some(b'[') if lists != ListStyle::Json => {
            if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(json) {
                return flatten_list(name, &elements, lists, objects, depth - 1, out);
            }
        }
        Some(b'{') if objects == ObjectStyle::Brackets => {
            if let Ok(members) = serde_json::from_str::<JsonMembers>(json) {
                for (member, text) in members.iter() {
                    flatten(&format!("{name}[{member}]"), text, lists, objects, depth - 1, out);
                }
                return;
            }
        }
        Some(b'{') if objects == ObjectStyle::Joined => {
            out.push((name.to_owned(), joined(json, depth)));
            return;
        }
        _ => {}
    }
    out.push((name.to_owned(), json_plain_text(json).into_owned()));
}

fn flatten_list(
    name: &str,
    elements: &[&RawValue],
    lists: ListStyle,
    objects: ObjectStyle,
    depth: usize,
    out: &mut Vec<(String, String)>,
) {
    let one = |separator: &str| {
        let texts: Vec<_> = elements.iter().map(|element| joined(element.get(), depth)).collect();
        (name.to_owned(), texts.join(separator))
    };
    match lists {
        ListStyle::Json => {}
        ListStyle::Comma => out.push(one(",")),
        ListStyle::Unquoted => {
            let (name, inside) = one(",");
            out.push((name, format!("[{inside}]")));
        }
        ListStyle::Joined => out.push(one("")),
        ListStyle::Repeat | ListStyle::Brackets | ListStyle::Indexed => {
            for (index, element) in elements.iter().enumerate() {
                let name = match lists {
                    ListStyle::Brackets => format!("{name}[]"),
                    ListStyle::Indexed => format!("{name}[{index}]"),
                    _ => name.to_owned(),
                };
                flatten(&name, element.get(), lists, objects, depth, out);
            }
        }
    }
}

/// A value's text with nothing but the texts it holds: names of objects included, sorted.
fn joined(json: &str, depth: usize) -> String {
    let Some(inner) = depth.checked_sub(1) else { return json.to_owned() };
    match json.as_bytes().first() {
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(elements) => elements.iter().map(|element| joined(element.get(), inner)).collect(),
            Err(_) => json.to_owned(),
        },
        Some(b'{') => match serde_json::from_str::<JsonMembers>(json) {
            Ok(mut members) => {
                members.sort_by_name();
                members
                    .iter()
                    .map(|(name, text)| format!("{name}{}", joined(text, inner)))
                    .collect()
            }
            Err(_) => json.to_owned(),
        },
        _ => json_plain_text(json).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(json: &str, lists: ListStyle, objects: ObjectStyle) -> String {
        let pairs = pairs_of("a", json, lists, objects);
        crate::join_pairs(pairs, "=", "&")
    }

    #[test]
    fn each_style_writes_lists_and_objects_its_own_way() {
        use {ListStyle as L, ObjectStyle as O};
        for (json, lists, objects, expected) in [
            (r#"["1",2]"#, L::Json, O::Json, r#"a=["1",2]"#),
            (r#"["1",2]"#, L::Repeat, O::Json, "a=1&a=2"),
            (r#"["1",2]"#, L::Brackets, O::Json, "a[]=1&a[]=2"),
            (r#"["1",2]"#, L::Indexed, O::Json, "a[0]=1&a[1]=2"),
            (r#"["1",2]"#, L::Comma, O::Json, "a=1,2"),
            (r#"["1",2]"#, L::Unquoted, O::Json, "a=[1,2]"),
            (r#"["1",2]"#, L::Joined, O::Json, "a=12"),
            ("[]", L::Repeat, O::Json, ""),
            (r#"{"c":"1","b":2}"#, L::Json, O::Json, r#"a={"c":"1","b":2}"#),
            (r#"{"c":"1","b":2}"#, L::Json, O::Brackets, "a[c]=1&a[b]=2"),
            (r#"[{"c":"1"}]"#, L::Indexed, O::Brackets, "a[0][c]=1"),
            (r#"[{"c":"1","b":[3]}]"#, L::Joined, O::Joined, "a=b3c1"),
            (r#""x y""#, L::Repeat, O::Brackets, "a=x y"),
            ("1e-7", L::Repeat, O::Brackets, "a=1e-7"),
            ("[1", L::Repeat, O::Brackets, "a=[1"),
        ] {
            assert_eq!(wire(json, lists, objects), expected, "{json} {lists:?} {objects:?}");
        }
    }

    #[test]
    fn what_stands_deeper_than_any_value_does_not_use_up_the_stack() {
        use {ListStyle as L, ObjectStyle as O};
        let depth = 20_000;
        let list = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let object = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        for lists in [L::Repeat, L::Brackets, L::Indexed, L::Comma, L::Unquoted, L::Joined] {
            assert!(wire(&list, lists, O::Json).contains("[[1]]"));
        }
        for objects in [O::Brackets, O::Joined] {
            assert!(wire(&object, L::Json, objects).contains(r#"{"a":1}"#));
        }
    }
}
