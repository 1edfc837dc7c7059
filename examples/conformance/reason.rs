//! Which refusals does a case mean by its words?

use networkpype::auth::JwtErrorKind::{
    self, AlgorithmNotAccepted, CriticalHeader, Expired, InvalidSignature, Malformed, MissingClaim,
    NotYetValid, TooLong, UnknownKey, WrongAudience, WrongIssuer, WrongType,
};

/// Why a token must be refused, as far as the words of its case are known.
pub(crate) struct Reason {
    kinds: Vec<JwtErrorKind>,
}

impl Reason {
    /// Reads what a case says: of several reasons each is one.
    pub(crate) fn read(why: &str) -> Self {
        let said = Words::of(why);
        let mut kinds: Vec<_> = WORDS
            .iter()
            .filter(|(words, _)| said.any(words))
            .flat_map(|(_, kinds)| kinds.iter().copied())
            .collect();
        let is_of_claims =
            said.any(&["claim", "claims"]) || kinds.iter().any(|it| is_of_claims(*it));
        if is_of_claims && said.any(&ABSENT) {
            kinds.push(MissingClaim);
        }
        Self { kinds }
    }

    /// Whether this is a refusal that is meant.
    pub(crate) fn says(&self, kind: JwtErrorKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether a claim is what is wrong.
    pub(crate) fn is_of_claims(&self) -> bool {
        self.kinds.iter().any(|kind| is_of_claims(*kind))
    }

    /// Whether a token that is refused so is refused for this reason. Where the words are not known, `is_asked` says whether the
    /// case asks for such claims at all: what it does not ask for is no reason.
    pub(crate) fn fits(&self, kind: JwtErrorKind, is_asked: impl Fn(JwtErrorKind) -> bool) -> bool {
        match self.kinds.is_empty() {
            true => !is_of_claims(kind) || is_asked(kind),
            false => self.says(kind),
        }
    }
}

/// A text's words, with one space before and behind each.
struct Words(String);

impl Words {
    fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let words: Vec<_> = text
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|it| !it.is_empty())
            .collect();
        Self(format!(" {} ", words.join(" ")))
    }

    /// Whether one of these words or phrases is among them.
    fn any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.0.contains(&format!(" {phrase} ")))
    }
}

/// Whether it is about what a token says, and not about whether it is one.
fn is_of_claims(kind: JwtErrorKind) -> bool {
    matches!(kind, Expired | NotYetValid | WrongIssuer | WrongAudience | MissingClaim)
}

/// What turns a claim that is wrong into one that is not there.
const ABSENT: [&str; 7] = ["missing", "no", "without", "lacks", "lacking", "absent", "required"];

/// Words, and the refusals that they mean. What is wrong with a signature may be wrong with its form, and a key that is none for
/// an algorithm is not tried.
const WORDS: [(&[&str], &[JwtErrorKind]); 14] = [
    (
        &["alg", "algs", "algorithm", "algorithms", "none", "unsecured", "unsigned", "allowed"],
        &[AlgorithmNotAccepted],
    ),
    (&["no alg", "missing alg", "without alg", "lacks alg", "alg missing"], &[Malformed]),
    (
        &[
            "confusion",
            "downgrade",
            "mismatch",
            "key",
            "keys",
            "jwk",
            "jku",
            "x5c",
            "x5u",
            "embedded",
        ],
        &[AlgorithmNotAccepted, UnknownKey, InvalidSignature],
    ),
    (&["kid", "key id"], &[UnknownKey, InvalidSignature]),
    (&["crit", "critical", "b64", "unencoded"], &[CriticalHeader]),
    (
        &[
            "signature",
            "signatures",
            "sig",
            "signed",
            "mac",
            "hmac",
            "swapped",
            "tampered",
            "altered",
            "modified",
            "changed",
            "forged",
            "flipped",
            "corrupted",
            "truncated",
            "der",
            "salt",
            "wrong secret",
        ],
        &[InvalidSignature, Malformed],
    ),
    (
        &[
            "malformed",
            "parts",
            "part",
            "segments",
            "segment",
            "dots",
            "dot",
            "base64",
            "base64url",
            "padding",
            "padded",
            "json",
            "utf",
            "whitespace",
            "structure",
            "garbage",
            "twice",
            "duplicate",
            "duplicates",
            "duplicated",
            "repeated",
            "trailing",
            "empty",
            "form",
            "format",
            "text",
            "string",
            "number",
            "numeric",
            "integer",
            "boolean",
            "null",
            "object",
            "array",
            "list",
        ],
        &[Malformed],
    ),
    (&["typ"], &[WrongType]),
    (&["type"], &[WrongType, Malformed]),
    (&["long", "length", "size", "large"], &[TooLong]),
    (
        &[
            "exp",
            "expired",
            "expires",
            "expiry",
            "expiration",
            "stale",
            "old",
            "ago",
            "no longer valid",
        ],
        &[Expired],
    ),
    (&["nbf", "not before", "not yet", "iat", "future", "early"], &[NotYetValid]),
    (&["iss", "issuer", "issuers", "issued by"], &[WrongIssuer]),
    (&["aud", "audience", "audiences", "recipient", "meant for", "intended for"], &[WrongAudience]),
];

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [JwtErrorKind; 12] = [
        TooLong,
        Malformed,
        AlgorithmNotAccepted,
        CriticalHeader,
        WrongType,
        UnknownKey,
        InvalidSignature,
        Expired,
        NotYetValid,
        WrongIssuer,
        WrongAudience,
        MissingClaim,
    ];

    fn meant(why: &str, is_asked: bool) -> Vec<JwtErrorKind> {
        let reason = Reason::read(why);
        ALL.into_iter().filter(|kind| reason.fits(*kind, |_| is_asked)).collect()
    }

    #[test]
    fn words_mean_refusals_and_parts_of_words_do_not() {
        for (why, expected) in [
            ("alg none must be refused by default", &[AlgorithmNotAccepted][..]),
            ("HS256 token, only HS512 allowed", &[AlgorithmNotAccepted]),
            ("empty signature", &[Malformed, InvalidSignature]),
            ("payload swapped", &[Malformed, InvalidSignature]),
            ("unknown critical header", &[CriticalHeader]),
            ("`b64` is not in `crit`", &[CriticalHeader]),
            ("wrong audience", &[WrongAudience]),
            ("aud_missing", &[WrongAudience, MissingClaim]),
            ("Issued by a stranger", &[WrongIssuer]),
            ("iss: other", &[WrongIssuer]),
            ("nbf in the future", &[NotYetValid]),
            ("not yet valid", &[NotYetValid]),
            ("expired", &[Expired]),
            ("no exp", &[Expired, MissingClaim]),
            ("exp is a string", &[Malformed, Expired]),
            ("a required claim is missing", &[MissingClaim]),
            ("a name twice in the header", &[Malformed]),
            ("unknown kid", &[UnknownKey, InvalidSignature]),
            ("header without alg", &[Malformed, AlgorithmNotAccepted]),
            ("expired, and for another audience", &[Expired, WrongAudience]),
        ] {
            assert_eq!(meant(why, true), expected, "{why}");
            assert_eq!(meant(why, false), expected, "{why}");
        }
    }

    #[test]
    fn a_reason_in_other_words_is_no_claim_that_the_case_does_not_ask_for() {
        for why in ["", "r = s = 0", "unexpected fraud", "a missing promise"] {
            let all = meant(why, true);
            assert_eq!(all, ALL, "{why}");
            let strict = meant(why, false);
            assert!(strict.iter().all(|kind| !is_of_claims(*kind)), "{why}: {strict:?}");
            assert_eq!(strict.len(), 7, "{why}");
        }
    }
}
