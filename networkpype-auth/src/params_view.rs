//! What are the parameters of a request, as a text that is signed and not sent?

use std::borrow::Cow;

use networkpype_core::{AuthError, AuthErrorKind, Encoding, JsonMembers, RestRequest};

use crate::{ListStyle, ObjectStyle, Subject, Template, Values, list_style::pairs_of};

/// The parameters of a request, wherever they are sent, as one text for what is signed: those of the query, of the form
/// and of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamsView {
    /// How names and values are encoded. Default: not at all.
    pub encoding: Encoding,
    /// Sorted by name, equal names in their order. Default: in their order.
    pub sorted: bool,
    /// Without those that have no value. Default: with them.
    pub skip_empty: bool,
    /// With their names. Default: with them; without them the values alone are joined.
    pub names: bool,
    /// What stands between a name and its value. Default: `=`.
    pub equals: Cow<'static, str>,
    /// What stands between two parameters. Default: `&`.
    pub separator: Cow<'static, str>,
    /// Parameters that are signed beside those that are sent. Default: none.
    pub with: Vec<(Cow<'static, str>, Template)>,
    /// How lists are written. Default: as JSON.
    pub lists: ListStyle,
    /// How objects are written. Default: as JSON.
    pub objects: ObjectStyle,
}

impl Default for ParamsView {
    fn default() -> Self {
        Self {
            encoding: Encoding::AsIs,
            sorted: false,
            skip_empty: false,
            names: true,
            equals: "=".into(),
            separator: "&".into(),
            with: Vec::new(),
            lists: ListStyle::default(),
            objects: ObjectStyle::default(),
        }
    }
}

impl ParamsView {
    pub(crate) fn render(
        &self,
        request: &mut RestRequest,
        values: &Values<'_>,
    ) -> Result<String, AuthError> {
        let mut pairs = Vec::new();
        for (name, value) in &self.with {
            let value = value.render(&mut Subject::Request(request), values)?;
            let value = value.expose_str().ok_or_else(|| {
                let message = format!("the signed parameter `{name}` is not UTF-8 text");
                AuthError::new(AuthErrorKind::Request, message)
            })?;
            pairs.push((name.to_string(), value.to_owned()));
        }
        for pair in request
            .params()
            .iter()
            .chain(request.form_params().into_iter().flat_map(|form| form.iter()))
        {
            pairs.push((pair.name().into_owned(), pair.value().into_owned()));
        }
        let own = request.json_members();
        if let Some(members) =
            own.as_ref().or(values.members.filter(|_| pairs_are_elsewhere(request)))
        {
            self.push_members(members, &mut pairs);
        }
        if self.skip_empty {
            pairs.retain(|(_, value)| !value.is_empty());
        }
        if self.sorted {
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Ok(self.join(pairs))
    }

    fn push_members(&self, members: &JsonMembers, pairs: &mut Vec<(String, String)>) {
        for (name, json) in members.iter() {
            pairs.extend(pairs_of(name, json, self.lists, self.objects));
        }
    }

    fn join(&self, pairs: Vec<(String, String)>) -> String {
        if !self.names {
            let values: Vec<_> =
                pairs.iter().map(|(_, value)| self.encoding.encode(value)).collect();
            return values.join(&self.separator);
        }
        let encoded = pairs
            .iter()
            .map(|(name, value)| (self.encoding.encode(name), self.encoding.encode(value)));
        crate::join_pairs(encoded, &self.equals, &self.separator)
    }
}

/// Whether the members that were given are neither in the query nor in a form by now: they are signed alone, or the
/// body has become another text.
fn pairs_are_elsewhere(request: &RestRequest) -> bool {
    request.form_params().is_none() && request.params().is_empty()
}

#[cfg(test)]
mod tests {
    use networkpype_core::Secret;

    use super::*;
    use crate::Part;

    #[test]
    fn a_value_that_is_no_text_is_not_signed_as_nothing() {
        let key = Secret::from(vec![0xff, 0]);
        let view =
            ParamsView { with: vec![("k".into(), Part::Key.into())], ..ParamsView::default() };
        let error = view
            .render(&mut RestRequest::get("https://h/p?a=1"), &Values::new().key(&key))
            .expect_err("not text");
        assert!(error.to_string().contains("`k` is not UTF-8"), "{error}");
    }
}
