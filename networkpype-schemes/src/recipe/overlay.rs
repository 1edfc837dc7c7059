//! What does a rule, a variant or an extending recipe make of what it changes?

use super::spec::{
    LoginSpec, MessageSpec, ParamsSpec, RecipeSpec, RequestSpec, ResyncSpec, VariantSpec,
    WebSocketSpec,
};

/// Fields of `self` that are said, and of `base` where they are not.
macro_rules! over {
    ($top:expr, $base:expr, $type:ident { $($field:ident),+ $(,)? }, $($rest:tt)*) => {
        $type { $($field: $top.$field.clone().or_else(|| $base.$field.clone()),)+ $($rest)* }
    };
}

impl RequestSpec {
    /// This one's fields where they are said, `base`'s otherwise. Rules of this one come first.
    pub(super) fn over(&self, base: &Self) -> Self {
        let mut constants = base.constants.clone();
        constants.extend(self.constants.clone());
        let headers = match (&self.headers, &base.headers) {
            (Some(own), Some(base)) => {
                let mut headers = base.clone();
                // Capitals make no other header.
                headers.retain(|name, _| !own.keys().any(|own| own.eq_ignore_ascii_case(name)));
                headers.extend(own.clone());
                // An empty template takes a header back.
                headers.retain(|_, value| !value.parts().0.is_empty());
                Some(headers)
            }
            (own, base) => own.clone().or_else(|| base.clone()),
        };
        let params = match (&self.params, &base.params) {
            (Some(own), Some(base)) => Some(own.over(base)),
            (own, base) => own.clone().or_else(|| base.clone()),
        };
        over!(self, base, RequestSpec {
            payload, algorithm, signing_key, key_encoding, digest, jwt_header, jwt_claims, timestamp,
            expires_in, nonce, before, after, sort, sort_json, encoding, keep, query_mark, lists, objects, carry,
            carry_path_params, body, empty_body,
        },
        headers,
        params,
        constants,
        rules: [self.rules.as_slice(), base.rules.as_slice()].concat(),
        )
    }
}

impl ParamsSpec {
    fn over(&self, base: &Self) -> Self {
        over!(
            self,
            base,
            ParamsSpec {
                encoding,
                keep,
                sorted,
                skip_empty,
                names,
                equals,
                separator,
                with,
                lists,
                objects
            },
        )
    }
}

impl LoginSpec {
    fn over(&self, base: &Self) -> Self {
        let either = |own: &String, base: &String| {
            if own.is_empty() { base.clone() } else { own.clone() }
        };
        over!(self, base, LoginSpec {
            payload, algorithm, signing_key, key_encoding, digest, jwt_header, jwt_claims, timestamp,
            expires_in, nonce, refusal_code,
        },
        message: either(&self.message, &base.message),
        accepted: if self.accepted.is_empty() { base.accepted.clone() } else { self.accepted.clone() },
        refused: if self.refused.is_empty() { base.refused.clone() } else { self.refused.clone() },
        resync_codes: if self.resync_codes.is_empty() {
            base.resync_codes.clone()
        } else {
            self.resync_codes.clone()
        },
        )
    }
}

impl MessageSpec {
    fn over(&self, base: &Self) -> Self {
        over!(self, base, MessageSpec {
            within, payload, algorithm, signing_key, key_encoding, digest, jwt_header, jwt_claims,
            timestamp, expires_in, nonce,
        },
        fields: if self.fields.is_empty() { base.fields.clone() } else { self.fields.clone() },
        )
    }
}

fn over_option<T: Clone>(
    own: &Option<T>,
    base: &Option<T>,
    over: impl Fn(&T, &T) -> T,
) -> Option<T> {
    match (own, base) {
        (Some(own), Some(base)) => Some(over(own, base)),
        (own, base) => own.clone().or_else(|| base.clone()),
    }
}

impl WebSocketSpec {
    fn over(&self, base: &Self) -> Self {
        Self {
            handshake: over_option(&self.handshake, &base.handshake, RequestSpec::over),
            login: over_option(&self.login, &base.login, LoginSpec::over),
            message: over_option(&self.message, &base.message, MessageSpec::over),
        }
    }
}

impl RecipeSpec {
    /// This recipe as a change of `base`.
    pub(super) fn over(&self, base: &Self) -> Self {
        let mut constants = base.constants.clone();
        constants.extend(self.constants.clone());
        let mut variants = base.variants.clone();
        variants.extend(self.variants.clone());
        Self {
            name: self.name.clone().or_else(|| base.name.clone()),
            docs: self.docs.clone().or_else(|| base.docs.clone()),
            extends: None,
            credentials: if self.credentials.is_empty() {
                base.credentials.clone()
            } else {
                self.credentials.clone()
            },
            constants,
            request: over_option(&self.request, &base.request, RequestSpec::over),
            websocket: over_option(&self.websocket, &base.websocket, WebSocketSpec::over),
            resync: over_option(&self.resync, &base.resync, |own: &ResyncSpec, _| own.clone()),
            variants,
            service: base.service.clone(),
        }
    }

    /// This recipe with the change of a variant.
    pub(super) fn with_variant(&self, variant: &VariantSpec) -> Self {
        let change = Self {
            credentials: variant.credentials.clone(),
            constants: variant.constants.clone(),
            request: variant.request.clone(),
            websocket: variant.websocket.clone(),
            ..Self::default()
        };
        change.over(self)
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a failed expectation is a test's answer")]
mod tests {
    use super::*;

    fn request(text: &str) -> RequestSpec {
        RecipeSpec::from_toml(text).expect("a recipe").request.expect("a request")
    }

    #[test]
    fn headers_are_merged_whatever_their_capitals_are() {
        let base = request("[request]\nheaders = { X-KEY = '{key}', X-SIGN = '{signature}' }");
        let top = request("[request]\nheaders = { x-sign = '', X-New = '1' }");
        let merged = top.over(&base).headers.expect("headers");
        assert_eq!(merged.keys().collect::<Vec<_>>(), ["X-KEY", "X-New"]);
        let top = request("[request]\nheaders.x-key = 'Bearer {key}'");
        let merged = top.over(&base).headers.expect("headers");
        assert_eq!(merged.keys().collect::<Vec<_>>(), ["X-SIGN", "x-key"]);
    }

    #[test]
    fn lists_are_replaced_and_rules_of_the_top_come_first() {
        let base = request(
            "[request]\nbefore = [['a', '1'], ['b', '2']]\nparams.sorted = true\n\
             rules = [{ match.path = '/base' }]",
        );
        let top = request(
            "[request]\nbefore = []\nparams.equals = ''\nrules = [{ match.path = '/top' }]",
        );
        let merged = top.over(&base);
        assert_eq!(merged.before, Some(Vec::new()));
        let params = merged.params.expect("params");
        assert_eq!((params.sorted, params.equals.as_deref()), (Some(true), Some("")));
        let paths: Vec<_> = merged.rules.iter().map(|rule| rule.matches.path.clone()).collect();
        assert_eq!(paths, [Some("/top".into()), Some("/base".into())]);
    }
}
