use std::{fmt, sync::Arc};

use super::encode::{Encoding, decode};

/// One name and value of a query or a form.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    text: Text,
}

#[derive(Clone, PartialEq, Eq)]
enum Text {
    /// Given as name and value, with the encoding they are to be sent in. Shared, since every attempt is signed on a copy
    /// of the request.
    Given { pair: Arc<(String, String)>, encoding: Encoding },
    /// Part of a URL as it was typed, sent byte for byte.
    Typed(String),
}

impl Pair {
    /// A pair that is sent percent-encoded as RFC 3986 says.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::encoded_as(Encoding::default(), name, value)
    }

    /// A pair that is sent in `encoding`.
    pub fn encoded_as(
        encoding: Encoding,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self { text: Text::Given { pair: Arc::new((name.into(), value.into())), encoding } }
    }

    pub(crate) fn typed(text: &str) -> Self {
        Self { text: Text::Typed(text.to_owned()) }
    }

    /// The same pair sent in `encoding`. One that was typed in a URL stays as it was typed.
    #[must_use]
    pub fn sent_as(mut self, encoding: Encoding) -> Self {
        if let Text::Given { encoding: own, .. } = &mut self.text {
            *own = encoding;
        }
        self
    }

    /// The name before encoding.
    pub fn name(&self) -> std::borrow::Cow<'_, str> {
        match &self.text {
            Text::Given { pair, .. } => pair.0.as_str().into(),
            Text::Typed(text) => {
                decode(text.split_once('=').map_or(text.as_str(), |(name, _)| name))
            }
        }
    }

    /// The value before encoding, empty where a URL had a name alone.
    pub fn value(&self) -> std::borrow::Cow<'_, str> {
        match &self.text {
            Text::Given { pair, .. } => pair.1.as_str().into(),
            Text::Typed(text) => decode(text.split_once('=').map_or("", |(_, value)| value)),
        }
    }

    /// Whether there is a `=`: a URL may hold a name alone.
    fn has_value(&self) -> bool {
        match &self.text {
            Text::Given { .. } => true,
            Text::Typed(text) => text.contains('='),
        }
    }

    /// `name=value` as it is sent.
    pub(crate) fn write_wire(&self, out: &mut String) {
        match &self.text {
            Text::Typed(text) => out.push_str(text),
            Text::Given { pair, encoding } => {
                out.push_str(&encoding.encode(&pair.0));
                out.push('=');
                out.push_str(&encoding.encode(&pair.1));
            }
        }
    }

    /// How many bytes it is sent as, where nothing in it has to be encoded.
    pub(crate) fn plain_len(&self) -> usize {
        match &self.text {
            Text::Typed(text) => text.len(),
            Text::Given { pair, .. } => pair.0.len() + 1 + pair.1.len(),
        }
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=<{} bytes>", self.name(), self.value().len())
    }
}

/// The ordered parameters of a query or a form. Names may repeat, and order is kept until a scheme sorts.
///
/// Each pair carries its own encoding, so a parameter that an API wants unencoded can stand beside encoded ones.
///
/// ```
/// use networkpype_core::{Encoding, Pair, Pairs};
///
/// let mut pairs = Pairs::default();
/// pairs.push(Pair::new("symbol", "BTC/USDT"));
/// pairs.push(Pair::new("side", "BUY"));
/// pairs.prepend(Pair::new("timestamp", "1"));
/// assert_eq!(pairs.to_wire(), "timestamp=1&symbol=BTC%2FUSDT&side=BUY");
/// assert_eq!(pairs.render(Encoding::AsIs), "timestamp=1&symbol=BTC/USDT&side=BUY");
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Pairs {
    pairs: Vec<Pair>,
}

impl Pairs {
    /// No pairs.
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// The pairs of a query as it stands in a URL, without the `?`.
    pub(crate) fn from_typed(query: &str) -> Self {
        let pairs =
            if query.is_empty() { Vec::new() } else { query.split('&').map(Pair::typed).collect() };
        Self { pairs }
    }

    /// Adds `pair` at the end.
    pub fn push(&mut self, pair: Pair) {
        self.pairs.push(pair);
    }

    /// Adds `pair` before all others.
    pub fn prepend(&mut self, pair: Pair) {
        self.pairs.insert(0, pair);
    }

    /// Adds `pairs` before all others, in their order.
    pub fn prepend_all(&mut self, pairs: impl IntoIterator<Item = Pair>) {
        self.pairs.splice(0..0, pairs);
    }

    /// Replaces the first pair of this name and removes its later namesakes; adds it at the end if there is none.
    pub fn set(&mut self, pair: Pair) {
        match self.pairs.iter().position(|old| old.name() == pair.name()) {
            Some(first) => {
                let name = pair.name().into_owned();
                let mut index = 0;
                self.pairs.retain(|old| {
                    index += 1;
                    index <= first + 1 || old.name() != name
                });
                self.pairs[first] = pair;
            }
            None => self.pairs.push(pair),
        }
    }

    /// Removes every pair named `name` and says how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.pairs.len();
        self.pairs.retain(|pair| pair.name() != name);
        before - self.pairs.len()
    }

    /// Sorts by the bytes of the name, keeping the order of equal names.
    pub fn sort_by_name(&mut self) {
        self.pairs.sort_by(|a, b| a.name().cmp(&b.name()));
    }

    /// The pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter()
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        self.pairs.iter().find(|pair| pair.name() == name).map(Pair::value)
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The text that is sent: each pair in its own encoding, joined by `&`.
    pub fn to_wire(&self) -> String {
        let length = self.pairs.iter().map(|pair| pair.plain_len() + 1).sum();
        let mut out = String::with_capacity(length);
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            pair.write_wire(&mut out);
        }
        out
    }

    /// The same pairs, all in `encoding`: for texts that are signed and not sent.
    pub fn render(&self, encoding: Encoding) -> String {
        let mut out = String::new();
        for (index, pair) in self.pairs.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            out.push_str(&encoding.encode(&pair.name()));
            if pair.has_value() {
                out.push('=');
                out.push_str(&encoding.encode(&pair.value()));
            }
        }
        out
    }
}

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.pairs).finish()
    }
}

impl FromIterator<Pair> for Pairs {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self { pairs: pairs.into_iter().collect() }
    }
}

impl IntoIterator for Pairs {
    type Item = Pair;
    type IntoIter = std::vec::IntoIter<Pair>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self { pairs: pairs.into_iter().map(|(name, value)| Pair::new(name, value)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_query_is_kept_byte_for_byte() {
        for query in ["a=1&b=%20+&&c&=d&a=2", "", "&", "=", "%zz=%"] {
            assert_eq!(Pairs::from_typed(query).to_wire(), query);
        }
    }

    #[test]
    fn a_typed_query_is_decoded_for_other_renderings() {
        let pairs = Pairs::from_typed("a=%2F&b=x+y");
        assert_eq!(pairs.render(Encoding::AsIs), "a=/&b=x+y");
        assert_eq!(pairs.render(Encoding::Rfc3986), "a=%2F&b=x%2By");
        assert_eq!(Pairs::from_typed("a&&b=").render(Encoding::AsIs), "a&&b=");
    }

    #[test]
    fn set_replaces_the_first_and_drops_its_namesakes() {
        let mut pairs: Pairs = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        pairs.set(Pair::new("a", "9"));
        assert_eq!(pairs.to_wire(), "a=9&b=2");
        pairs.set(Pair::new("c", ""));
        assert_eq!(pairs.to_wire(), "a=9&b=2&c=");
        assert_eq!(pairs.remove("a"), 1);
    }

    #[test]
    fn sorting_is_stable() {
        let mut pairs: Pairs = [("b", "2"), ("a", "2"), ("a", "1")].into_iter().collect();
        pairs.sort_by_name();
        assert_eq!(pairs.to_wire(), "a=2&a=1&b=2");
    }

    #[test]
    fn values_do_not_print() {
        let pairs: Pairs = [("token", "hunter2")].into_iter().collect();
        assert_eq!(format!("{pairs:?}"), "[token=<7 bytes>]");
    }
}
