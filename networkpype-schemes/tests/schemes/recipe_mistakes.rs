//! Every mistake in a recipe is found when the scheme is built, and the error names the key and the reason.

use networkpype_schemes::recipe::{RecipeAuth, RecipeError, RecipeSpec};

use crate::recipe_setup::credentials;

/// The mistake in a recipe: as it is read, or as it is built with credentials.
fn mistake_in(text: &str) -> RecipeError {
    let built = RecipeSpec::from_toml(text)
        .and_then(|recipe| RecipeAuth::builder(recipe).credentials(credentials()).build());
    built.err().unwrap_or_else(|| panic!("this was accepted:\n{text}"))
}

/// Checks rows of recipe, key and reason.
pub(crate) fn check(rows: &[(&str, &str, &str)]) {
    for (text, key, reason) in rows {
        let error = mistake_in(text);
        assert_eq!(error.key(), *key, "{error}\n{text}");
        assert!(error.to_string().contains(reason), "{error}\n{text}");
        assert!(!error.to_string().contains("the-secret"), "{error}");
    }
}

/// The same with this before each recipe, so that only what is wrong stands in the row.
pub(crate) fn check_requests(rows: &[(&str, &str, &str)]) {
    let texts: Vec<_> = rows
        .iter()
        .map(|(text, key, reason)| {
            let text = format!("credentials = [\"key\", \"secret\"]\n[request]\n{text}");
            (text, *key, *reason)
        })
        .collect();
    let rows: Vec<_> =
        texts.iter().map(|(text, key, reason)| (text.as_str(), *key, *reason)).collect();
    check(&rows);
}

#[test]
fn a_key_that_is_not_known_is_refused_wherever_it_stands() {
    check(&[
        ("nam = 'x'", "nam", "unknown field `nam`"),
        ("[request]\npayloads = ''", "request.payloads", "unknown field"),
        ("[request]\nsigning_key = ''", "request.signing_key", "`signing-key`"),
        ("[request.params]\nsort = true", "request.params.sort", "`sorted`"),
        ("[request.headers]\nA = { value = 'x', wen = 'y' }", "request.headers.A.wen", "`when`"),
        ("[request]\nafter = [{ name = 'a', valu = 'x' }]", "request.after[0].valu", "`value`"),
        ("[[request.rules]]\nmatch.paths = '/x'", "request.rules[0].match.paths", "`path`"),
        ("[[request.rules]]\nthan = {}", "request.rules[0].than", "`then`"),
        (
            "[[request.rules]]\nthen.payloads = ''",
            "request.rules[0].then.payloads",
            "unknown field",
        ),
        (
            "credentials = ['key', { name = 'secret', encodin = 'hex' }]",
            "credentials[1].encodin",
            "`encoding`",
        ),
        ("[websocket]\nlogins = {}", "websocket.logins", "`login`"),
        ("[websocket.login]\naccept = {}", "websocket.login.accept", "`accepted`"),
        ("[websocket.message]\nfield = []", "websocket.message.field", "`fields`"),
        ("[websocket.handshake]\nheader = {}", "websocket.handshake.header", "`headers`"),
        ("[resync]\ncode = []", "resync.code", "`codes`"),
        ("[variants.rsa]\nrequests = {}", "variants.rsa.requests", "`request`"),
    ]);
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    check(&[
        ("name = 1", "name", "expected a string"),
        ("credentials = 'key'", "credentials", "expected a sequence"),
        ("credentials = [1]", "credentials[0]", "a name, or a table"),
        ("credentials = [{ encoding = 'hex' }]", "credentials[0]", "missing field `name`"),
        ("constants = { a = 1 }", "constants.a", "expected a string"),
        ("request = 'x'", "request", "RequestSpec"),
        ("[request]\nexpires-in = -1", "request.expires-in", "u32"),
        ("[request]\nexpires-in = '5'", "request.expires-in", "u32"),
        ("[request]\nquery-mark = 'yes'", "request.query-mark", "a boolean"),
        ("[request]\nheaders = ['A']", "request.headers", "a map"),
        ("[request]\nheaders.A = 1", "request.headers.A", "a template, or a table"),
        ("[request]\nafter = 'x'", "request.after", "a sequence"),
        ("[request]\nafter = ['x']", "request.after[0]", "`[\"name\", \"template\"]`"),
        ("[request]\nafter = [['x']]", "request.after[0]", "invalid length 1"),
        ("[request]\nafter = [['x', 'y', 'z']]", "request.after[0]", "invalid length 3"),
        ("[request]\nafter = [['x', 1]]", "request.after[0][1]", "a string"),
        ("[request]\nafter = [{ name = 'x' }]", "request.after[0]", "either `value` or `json`"),
        (
            "[request]\nafter = [{ name = 'x', value = 'a', json = '1' }]",
            "request.after[0]",
            "either",
        ),
        ("[request]\ncarry = 1", "request.carry", "a text, or a list of texts"),
        ("[request]\ncarry = ['form', 1]", "request.carry[1]", "a string"),
        ("[resync]\ncodes = [-1021]", "resync.codes[0]", "a string"),
        ("[websocket.login]\naccepted = { code = 0 }", "websocket.login.accepted.code", "a string"),
    ]);
}

#[test]
fn what_is_no_toml_names_its_line() {
    for (text, line) in
        [("name = 'a'\nname = 'b'", 2), ("\n\n[request", 3), ("a b", 1), ("[request]\nsort = 1", 2)]
    {
        let error = RecipeSpec::from_toml(text).expect_err(text);
        assert_eq!(error.line(), Some(line), "{error}");
        assert!(
            error
                .clone()
                .in_file("mine.toml")
                .to_string()
                .starts_with(&format!("mine.toml: line {line}: "))
        );
    }
}

#[test]
fn a_name_that_stands_for_nothing_is_refused() {
    for (line, key, reason) in [
        ("algorithm = 'hmac-sha257'", "request.algorithm", "not known"),
        ("algorithm = 'custom'", "request.algorithm", "`sign_with`"),
        ("digest = 'hexx'", "request.digest", "hex-upper"),
        ("timestamp = 'minutes'", "request.timestamp", "iso-ms"),
        ("nonce = 'random'", "request.nonce", "`{uuid}`"),
        ("sort = 'yes'", "request.sort", "`own`"),
        ("encoding = 'url'", "request.encoding", "`percent`"),
        ("params.encoding = 'url'", "request.params.encoding", "`percent`"),
        ("lists = 'array'", "request.lists", "brackets"),
        ("objects = 'array'", "request.objects", "brackets"),
        ("params.lists = 'array'", "request.params.lists", "brackets"),
        ("params.objects = 'array'", "request.params.objects", "brackets"),
        ("carry = 'body'", "request.carry", "`form`"),
        ("after = [{ name = 'a', value = 'b', in = 'header' }]", "request.after[0].in", "`params`"),
        (
            "after = [{ name = 'a', value = 'b', encoding = 'url' }]",
            "request.after[0].encoding",
            "`percent`",
        ),
        ("signing-key = 'private'", "request.signing-key", "`private`, which is not declared"),
        ("key-encoding = 'pem'", "request.key-encoding", "only a private key"),
    ] {
        let signed = format!("payload = '{{path}}'\nheaders.S = '{{signature}}'\n{line}");
        check_requests(&[(&signed, key, reason)]);
    }
    check_requests(&[
        ("payload = ''\nalgorithm = 'hmac-sha257'", "request.algorithm", "not known"),
        ("algorithm = 'hmac-sha512'\nheaders.K = '{key}'", "request.payload", "nothing to sign"),
    ]);
    check(&[
        ("credentials = [{ name = 'key', encoding = 'b64' }]", "credentials[0].encoding", "base64"),
        ("credentials = [{ name = 'key', transform = 'up' }]", "credentials[0].transform", "upper"),
    ]);
}

#[cfg(feature = "asymmetric")]
#[test]
fn a_token_or_a_private_key_that_is_not_known_is_refused() {
    check_requests(&[
        ("algorithm = 'jwt-xs256'", "request.algorithm", "HS256"),
        ("algorithm = 'jwt-hs256'", "request.jwt-claims", "without claims"),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [['a', 'b']]\npayload = '{path}'",
            "request.payload",
            "a token signs its header and claims",
        ),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [['a', 'b']]\njwt-header = [['alg', 'none']]",
            "request.jwt-header",
            "leave it out",
        ),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [['a', 'b'], ['a', 'c']]",
            "request.jwt-claims[1]",
            "said twice",
        ),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [{ name = 'a', value = 'b', in = 'query' }]",
            "request.jwt-claims[0]",
            "nowhere else",
        ),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [{ name = 'a', value = 'b', encoding = 'raw' }]",
            "request.jwt-claims[0]",
            "nowhere else",
        ),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [['a', '{random}']]",
            "request.jwt-claims[0]",
            "is bytes",
        ),
        (
            "payload = '{path}'\nheaders.S = '{signature}'\njwt-claims = [['a', 'b']]",
            "request.jwt-claims",
            "begins with `jwt-`",
        ),
        (
            "payload = '{path}'\nheaders.S = '{signature}'\njwt-header = [['a', 'b']]",
            "request.jwt-header",
            "begins with `jwt-`",
        ),
        (
            "payload = '{path}'\nheaders.S = '{signature}'\nalgorithm = 'ed25519'\nkey-encoding = 'ssh'",
            "request.key-encoding",
            "der-base64",
        ),
        (
            "algorithm = 'jwt-hs256'\njwt-claims = [['a', '{signature}']]\nheaders.S = '{signature}'",
            "request",
            "cannot sign itself",
        ),
    ]);
}

#[test]
fn a_template_with_a_mistake_in_it_is_refused() {
    check_requests(&[
        (
            "payload = '{passphrase}'",
            "request.payload",
            "uses `{passphrase}` but no passphrase credential is declared",
        ),
        ("payload = '{bdy}'", "request.payload", "uses `{bdy}`, which is neither a part"),
        ("payload = '{body|sha257}'", "request.payload", "no filter `sha257`"),
        ("payload = '{body|sha256'", "request.payload", "not closed"),
        ("payload = '{({body}|sha256}'", "request.payload", "not closed"),
        ("payload = '{path(x)}'", "request.payload", "takes nothing in parentheses"),
        ("payload = '{member}'", "request.payload", "the member's name"),
        ("payload = '{member()}'", "request.payload", "the member's name"),
        ("payload = '{header}'", "request.payload", "the header's name"),
        ("payload = '{header(a b)}'", "request.payload", "the header's name"),
        ("payload = '{header(Content-Length)}'", "request.payload", "not known yet"),
        ("payload = '{now}'", "request.payload", "a format"),
        ("payload = '{now(s,x)}'", "request.payload", "whole seconds"),
        ("payload = '{query(x)}'", "request.payload", "`percent`"),
        ("payload = '{body|hmac-sha256(other)}'", "request.payload", "the credential `other`"),
        ("payload = '{body|prefix}'", "request.payload", "a text in parentheses"),
        ("payload = '{key|upper(x)}'", "request.payload", "no filter `upper` that takes"),
        ("headers.A = '{x}'", "request.headers.A", "`{x}`"),
        ("headers.A = { value = 'a', when = '{x}' }", "request.headers.A", "`{x}`"),
        ("before = [['a', '{x}']]", "request.before[0]", "`{x}`"),
        (
            "after = [['a', 'b'], { name = 'c', value = 'd', when = '{x}' }]",
            "request.after[1]",
            "`{x}`",
        ),
        ("body = '{x}'", "request.body", "`{x}`"),
        ("params.with = [['a', '{x}']]", "request.params.with", "`{x}`"),
        (
            "params.with = [{ name = 'a', value = 'b', yields = true }]",
            "request.params.with",
            "write",
        ),
        ("params.with = [{ name = 'a', json = '1' }]", "request.params.with", "write"),
    ]);
}
