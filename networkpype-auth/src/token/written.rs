//! How does a token stand in a file? What holds it on the way there and back is wiped.

use std::fmt;

use networkpype_core::{Secret, Timestamp};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    ser,
};

use super::StoredToken;

/// As it stands in a file.
#[derive(Serialize, Deserialize)]
pub(super) struct Written {
    access_token: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// A secret that is text.
struct Text(Secret);

impl Written {
    /// `None` where a token is not text, which no issuer of ours gives out.
    pub(super) fn from_token(token: &StoredToken) -> Option<Self> {
        let refresh_token = match &token.refresh {
            None => None,
            Some(refresh) => Some(Text::new(refresh)?),
        };
        Some(Self {
            access_token: Text::new(&token.access)?,
            refresh_token,
            expires_at_ms: token.until.map(Timestamp::as_millis),
            issued_at_ms: token.issued.map(Timestamp::as_millis),
            scope: token.scope.clone(),
        })
    }

    pub(super) fn into_token(self) -> StoredToken {
        StoredToken {
            access: self.access_token.0,
            refresh: self.refresh_token.map(|text| text.0),
            until: self.expires_at_ms.map(Timestamp::from_millis),
            issued: self.issued_at_ms.map(Timestamp::from_millis),
            scope: self.scope,
        }
    }
}

impl Text {
    fn new(secret: &Secret) -> Option<Self> {
        secret.expose_str().map(|text| Self(text.into()))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let text = self.0.expose_str().ok_or_else(|| ser::Error::custom("it is not text"))?;
        to.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads;

        impl Visitor<'_> for Reads {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.into()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(text.into()))
            }
        }

        // Not as a `String`: one without escapes, as tokens are, is taken from the file's text as it stands there.
        from.deserialize_str(Reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let until = Timestamp::from_millis(2);
        for token in [
            StoredToken::new("t", None),
            StoredToken::new("a\"b\\c\u{e9}\n", Some("r\u{1f511}".into()))
                .until(until)
                .issued(until),
        ] {
            let text = serde_json::to_string(&Written::from_token(&token).expect("text"));
            let read: Written = serde_json::from_str(&text.expect("written")).expect("read");
            let read = read.into_token();
            assert_eq!(read.access.expose_bytes(), token.access.expose_bytes());
            let refresh =
                |token: &StoredToken| token.refresh.as_ref().map(|it| it.expose_bytes().to_vec());
            assert_eq!(refresh(&read), refresh(&token));
            assert_eq!((read.until, read.issued), (token.until, token.issued));
        }
        assert!(Written::from_token(&StoredToken::new(&[0xff], None)).is_none());
        assert!(serde_json::from_str::<Written>(r#"{"access_token":7}"#).is_err());
    }
}
