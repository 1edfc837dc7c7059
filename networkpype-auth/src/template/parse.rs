//! A template as text: `{timestamp}{method}{target}{body|sha256|hex}`.

use std::{borrow::Cow, error::Error as StdError, fmt};

use networkpype_core::{Encoding, Kept, is_connection_header};

use super::Template;
use crate::{Filter, ParamsView, Part, TimestampFormat};

/// What the names in a template's braces may stand for, beside the parts that every template has.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct TemplateNames {
    /// The credentials that are declared.
    pub credentials: Vec<Cow<'static, str>>,
    /// Names that stand for a text.
    pub constants: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// What `{params}` is.
    pub params: ParamsView,
}

impl fmt::Debug for TemplateNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let constants: Vec<_> = self.constants.iter().map(|(name, _)| name).collect();
        f.debug_struct("TemplateNames")
            .field("credentials", &self.credentials)
            .field("constants", &constants)
            .finish_non_exhaustive()
    }
}

/// Why a text is no template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    at: usize,
    problem: String,
}

impl TemplateError {
    /// The byte at which the mistake begins.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.problem, self.at)
    }
}

impl StdError for TemplateError {}

/// How deep groups may stand in each other.
const DEEPEST: usize = 16;

/// How many filters one part may go through: each may double its length.
const MOST_FILTERS: usize = 8;

impl Template {
    /// Reads a template. Text stands for itself, and a name in braces for a part: `{timestamp}`. Filters follow a name
    /// behind `|`: `{body|sha256|hex}`. Several parts in parentheses go through filters together:
    /// `{({nonce}{body})|sha256}`. A brace that no name follows is itself, so JSON needs no escapes; a name in braces
    /// that is meant as text stands in quotes, `{'{name}'}`. One that is a part's but for its case or a space before it is
    /// a mistake.
    ///
    /// ```
    /// use networkpype_auth::{Subject, Template, TemplateNames, Values};
    /// use networkpype_core::RestRequest;
    ///
    /// let template = Template::parse("{method} {path} {body|sha256|hex|upper}", &TemplateNames::default())?;
    /// let mut request = RestRequest::post("https://api.example.com/orders").body("abc");
    /// let text = template.render(&mut Subject::Request(&mut request), &Values::new())?;
    /// assert!(text.expose_bytes().starts_with(b"POST /orders BA7816BF"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When a name or a filter is not known, a credential is not declared, or braces or parentheses do not close.
    pub fn parse(text: &str, names: &TemplateNames) -> Result<Self, TemplateError> {
        let mut parser = Parser { text, at: 0, names, depth: 0 };
        let template = parser.template(false)?;
        if parser.at < text.len() {
            return Err(parser.error("this parenthesis closes nothing"));
        }
        Ok(template)
    }
}

/// The names of the parts that every template has.
const PARTS: [&str; 22] = [
    "timestamp",
    "nonce",
    "uuid",
    "random",
    "method",
    "path",
    "endpoint",
    "section",
    "target",
    "host",
    "url",
    "body",
    "json",
    "members",
    "fields",
    "params",
    "signature",
    "payload",
    "query",
    "member",
    "header",
    "now",
];

/// The filters, for the error about one that is not known.
const FILTERS: &str = "`md5`, `sha1`, `sha256`, `sha384`, `sha512`, `sha512-256`, `hmac-sha1`, `hmac-sha256`, \
                       `hmac-sha384`, `hmac-sha512`, `hex`, `hex-upper`, `base64`, `base64url`, `base64-of-hex`, \
                       `base58`, `percent`, `upper`, `lower`, `json`, `plain`, `prefix`, `suffix`, `strip`, `after` and `or`";

impl Template {
    /// Whether a name in braces is a part that every template has, so that neither a credential nor a constant can be
    /// called that.
    pub fn is_part(name: &str) -> bool {
        PARTS.contains(&name)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    names: &'a TemplateNames,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Parts up to the end or, in a group, to the parenthesis that closes it.
    fn template(&mut self, in_group: bool) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut open = 0_usize;
        while let Some(next) = self.peek() {
            if next == '{' {
                self.check_is_text()?;
            }
            if next == '{' && self.begins_part() {
                if !literal.is_empty() {
                    parts.push(Part::literal(std::mem::take(&mut literal)));
                }
                parts.push(self.part()?);
                continue;
            }
            if in_group {
                match next {
                    '(' => open += 1,
                    ')' if open == 0 => break,
                    ')' => open -= 1,
                    _ => {}
                }
            }
            literal.push(next);
            self.at += next.len_utf8();
        }
        if !literal.is_empty() {
            parts.push(Part::literal(literal));
        }
        Ok(parts.into())
    }

    fn begins_part(&self) -> bool {
        let inside = self.text[self.at + 1..].chars().next();
        inside.is_some_and(|next| next.is_ascii_lowercase() || next == '(' || next == '\'')
    }

    /// Is what begins here no part that is only written with a space or in another case? It would be sent as text, and no
    /// server would say why the signature is wrong.
    fn check_is_text(&self) -> Result<(), TemplateError> {
        if self.begins_part() {
            return Ok(());
        }
        let inside = self.text[self.at + 1..].trim_start_matches(' ');
        let end = inside.find(|next| !belongs_to_name(next)).unwrap_or(inside.len());
        let (name, behind) = inside.split_at(end);
        let ends = behind.trim_start_matches(' ').starts_with(['}', '|', '(']);
        match self.known(name).filter(|_| ends) {
            None => Ok(()),
            Some(known) => Err(self.error(&format!(
                "did you mean `{{{known}}}`? Text in braces that is meant as text stands in quotes: `{{'{{{name}}}'}}`"
            ))),
        }
    }

    /// The name that stands for something and is this one but for its case.
    fn known(&self, name: &str) -> Option<&str> {
        let constants = self.names.constants.iter().map(|(own, _)| own.as_ref());
        let own = self.names.credentials.iter().map(AsRef::as_ref).chain(constants);
        own.chain(PARTS).find(|own| own.eq_ignore_ascii_case(name))
    }

    /// `{...}`.
    fn part(&mut self) -> Result<Part, TemplateError> {
        let start = self.at;
        self.at += 1;
        let part = match self.peek() {
            Some('(') => {
                if self.depth == DEEPEST {
                    return Err(self.error("groups stand too deep in each other"));
                }
                self.depth += 1;
                self.at += 1;
                let inside = self.template(true)?;
                self.expect(')', "the group that begins here is not closed", start)?;
                self.depth -= 1;
                Source::Group(inside)
            }
            Some('\'') => Source::Part(Part::literal(self.quoted()?)),
            _ => Source::Part(self.named()?),
        };
        let mut through = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                Some('|') if through.len() == MOST_FILTERS => {
                    return Err(self.error("a part goes through eight filters at most"));
                }
                Some('|') => {
                    self.at += 1;
                    through.push(self.filter()?);
                }
                Some('}') => break,
                _ => {
                    self.at = start;
                    return Err(self.error("the braces that begin here are not closed"));
                }
            }
        }
        self.at += 1;
        Ok(match part {
            Source::Part(part) if through.is_empty() => part,
            Source::Part(part) => Part::piped(part, through),
            Source::Group(template) => Part::piped(template, through),
        })
    }

    fn named(&mut self) -> Result<Part, TemplateError> {
        let at = self.at;
        let name = self.word();
        let argument = self.argument()?;
        let plain = |part| match argument {
            None => Ok(part),
            Some(_) => {
                Err(TemplateError { at, problem: format!("`{name}` takes nothing in parentheses") })
            }
        };
        let need = |what: &str| TemplateError {
            at,
            problem: format!("`{name}` needs {what} in parentheses"),
        };
        if let Some((_, text)) = self.names.constants.iter().find(|(own, _)| own == name) {
            return plain(Part::literal(text.clone()));
        }
        if let Some(own) = self.names.credentials.iter().find(|own| *own == name) {
            return plain(Part::credential(own.clone()));
        }
        match name {
            "timestamp" => plain(Part::Timestamp),
            "nonce" => plain(Part::Nonce),
            "uuid" => plain(Part::Uuid),
            "random" => plain(Part::Random),
            "method" => plain(Part::Method),
            "path" => plain(Part::Path),
            "endpoint" => plain(Part::Endpoint),
            "section" => plain(Part::Section),
            "target" => plain(Part::Target),
            "host" => plain(Part::Host),
            "url" => plain(Part::Url),
            "body" => plain(Part::Body),
            "json" => plain(Part::JsonObject),
            "members" => plain(Part::JsonMembers),
            "fields" => plain(Part::SortedFields),
            "params" => plain(Part::Params(Box::new(self.names.params.clone()))),
            "signature" => plain(Part::Signature),
            "payload" => plain(Part::Payload),
            "query" => match argument.as_deref() {
                None => Ok(Part::Query),
                Some(encoding) => {
                    let encoding = encoding_named(encoding)
                        .ok_or_else(|| need("`raw`, `percent`, `form` or `plus`"))?;
                    Ok(Part::QueryIn(encoding))
                }
            },
            "member" => {
                let name = argument
                    .filter(|name| !name.is_empty())
                    .ok_or_else(|| need("the member's name"))?;
                Ok(Part::JsonMember(name.into()))
            }
            "header" => {
                let name = argument
                    .filter(|name| http::HeaderName::try_from(name).is_ok())
                    .ok_or_else(|| need("the header's name"))?;
                if is_connection_header(&name.to_ascii_lowercase()) {
                    let problem = format!("the header {name} is not known yet when it is signed");
                    return Err(TemplateError { at, problem });
                }
                Ok(Part::header(name))
            }
            "now" => {
                let argument = argument.ok_or_else(|| need("a format"))?;
                let (format, ahead) = match argument.split_once(',') {
                    Some((format, ahead)) => (format, ahead.trim().parse().ok()),
                    None => (argument.as_str(), Some(0)),
                };
                let format = format.trim().parse::<TimestampFormat>().ok();
                match (format, ahead) {
                    (Some(format), Some(ahead)) => Ok(Part::Now(format, ahead)),
                    _ => Err(need("a format such as `s` or `ms`, and after a comma whole seconds")),
                }
            }
            _ => Err(TemplateError { at, problem: self.unknown(name) }),
        }
    }

    fn unknown(&self, name: &str) -> String {
        const CREDENTIALS: [&str; 6] = ["key", "secret", "passphrase", "uid", "account", "token"];
        if let Some(known) = self.known(name) {
            format!("uses `{{{name}}}`: did you mean `{{{known}}}`?")
        } else if CREDENTIALS.contains(&name) {
            format!("uses `{{{name}}}` but no {name} credential is declared")
        } else {
            format!(
                "uses `{{{name}}}`, which is neither a part, a declared credential nor a constant"
            )
        }
    }

    fn filter(&mut self) -> Result<Filter, TemplateError> {
        self.spaces();
        let at = self.at;
        let name = self.word();
        let argument = self.argument()?;
        let fail = |problem: String| Err(TemplateError { at, problem });
        if let Ok(algorithm) = name.parse() {
            let credential: Cow<'static, str> = argument.map_or("secret".into(), Cow::Owned);
            if !self.names.credentials.contains(&credential) {
                return fail(format!(
                    "`{name}` needs the credential `{credential}`, which is not declared"
                ));
            }
            return Ok(Filter::Hmac { algorithm, credential });
        }
        match (name, argument) {
            ("prefix", Some(text)) => Ok(Filter::Prefix(text.into())),
            ("suffix", Some(text)) => Ok(Filter::Suffix(text.into())),
            ("strip", Some(text)) => Ok(Filter::Strip(text.into())),
            ("after", Some(text)) => Ok(Filter::After(text.into())),
            ("or", Some(text)) => Ok(Filter::Or(text.into())),
            ("prefix" | "suffix" | "strip" | "after" | "or", None) => {
                fail(format!("`{name}` needs a text in parentheses"))
            }
            ("percent", kept) => Ok(Filter::Percent(match kept {
                None => Encoding::Rfc3986,
                Some(kept) => Encoding::Keeping(Kept::new(&kept)),
            })),
            (_, Some(_)) => fail(format!(
                "there is no filter `{name}` that takes an argument; these do: `prefix`, `suffix`, `strip`, `after`, `or`, \
                 `percent` and the HMACs"
            )),
            ("upper", None) => Ok(Filter::Upper),
            ("lower", None) => Ok(Filter::Lower),
            ("json", None) => Ok(Filter::Json),
            ("plain", None) => Ok(Filter::Plain),
            (name, None) => {
                if let Ok(algorithm) = name.parse() {
                    Ok(Filter::Hash(algorithm))
                } else if let Ok(encoding) = name.parse() {
                    Ok(Filter::Encode(encoding))
                } else {
                    fail(format!("there is no filter `{name}`; there are {FILTERS}"))
                }
            }
        }
    }

    /// What stands in parentheses behind a name; in quotes, so that it may hold anything but a quote.
    fn argument(&mut self) -> Result<Option<String>, TemplateError> {
        if self.peek() != Some('(') {
            return Ok(None);
        }
        let start = self.at;
        self.at += 1;
        let argument = if self.peek() == Some('\'') {
            self.quoted()?
        } else {
            let rest = &self.text[self.at..];
            let end = rest.find([')', '}', '{']).unwrap_or(rest.len());
            self.at += end;
            rest[..end].to_owned()
        };
        self.expect(')', "the parenthesis that begins here is not closed", start)?;
        Ok(Some(argument))
    }

    fn quoted(&mut self) -> Result<String, TemplateError> {
        let start = self.at;
        self.at += 1;
        let rest = &self.text[self.at..];
        let Some(end) = rest.find('\'') else {
            self.at = start;
            return Err(self.error("the quote that begins here is not closed"));
        };
        self.at += end + 1;
        Ok(rest[..end].to_owned())
    }

    fn word(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|next| !belongs_to_name(next)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn expect(&mut self, wanted: char, problem: &str, start: usize) -> Result<(), TemplateError> {
        if self.peek() == Some(wanted) {
            self.at += wanted.len_utf8();
            return Ok(());
        }
        Err(TemplateError { at: start, problem: problem.to_owned() })
    }

    fn error(&self, problem: &str) -> TemplateError {
        TemplateError { at: self.at, problem: problem.to_owned() }
    }
}

fn belongs_to_name(next: char) -> bool {
    next.is_ascii_alphanumeric() || next == '_' || next == '-'
}

enum Source {
    Part(Part),
    Group(Template),
}

/// The encoding of parameters that has this name.
fn encoding_named(name: &str) -> Option<Encoding> {
    match name {
        "raw" => Some(Encoding::AsIs),
        "percent" => Some(Encoding::Rfc3986),
        "form" => Some(Encoding::Form),
        "plus" => Some(Encoding::Plus),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
