//! What of a JSON Web Token is signed?

use networkpype_auth::{DigestEncoding, Entry, Filter, Part, Template};

/// The header and the claims, each encoded, with a dot between them (RFC 7515, section 5.1).
pub(crate) fn token_text(header: Vec<Entry>, claims: Vec<Entry>) -> Template {
    let encoded =
        |entries| Part::piped(Part::Object(entries), [Filter::Encode(DigestEncoding::Base64Url)]);
    Template::from([encoded(header), Part::literal("."), encoded(claims)])
}
