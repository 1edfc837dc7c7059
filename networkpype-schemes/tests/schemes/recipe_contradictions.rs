//! A recipe that contradicts itself, or asks for what no server could check or no connection send, is refused when it is
//! built.

use crate::recipe_mistakes::{check, check_requests};

#[test]
fn what_is_signed_and_what_is_sent_have_to_fit() {
    check_requests(&[
        ("payload = '{path}'", "request", "the signature goes nowhere"),
        ("headers.S = '{signature}'", "request", "nothing is signed: say what with `payload`"),
        ("headers.S = '{payload}'", "request", "nothing is signed"),
        ("payload = ''\nbody = '{signature}'", "request", "nothing is signed"),
        ("payload = '{signature}'\nheaders.S = '{signature}'", "request", "cannot sign itself"),
        ("payload = '{signature|md5}'\nheaders.S = '{signature}'", "request", "cannot sign itself"),
        ("payload = '{payload}'\nheaders.S = '{signature}'", "request", "cannot hold itself"),
        (
            "payload = '{params}'\nheaders.S = '{signature}'\nparams.with = [['a', '{signature}']]",
            "request",
            "cannot sign itself",
        ),
        ("payload = '{header(S)}'\nheaders.S = '{signature}'", "request", "goes into is signed"),
        ("payload = '{timestamp}'\nheaders.S = '{signature}'", "request", "place `{timestamp}`"),
        ("payload = '{nonce|md5}'\nheaders.S = '{signature}'", "request", "place `{nonce}`"),
        ("payload = '{uuid}'\nheaders.S = '{signature}'", "request", "UUID is signed and not sent"),
        (
            "payload = '{random|hex}'\nheaders.S = '{signature}'",
            "request",
            "random bytes are signed",
        ),
        ("headers.S = '{fields}'", "request", "for WebSocket messages"),
        ("payload = '{fields}'\nheaders.S = '{signature}'", "request", "for WebSocket messages"),
        ("payload = '{query}'\nbefore = [['s', '{signature}']]", "request", "made last"),
        ("payload = '{body}'\nbody = '{signature}'", "request", "cannot be signed"),
        (
            "payload = '{body}'\nbody = '{payload|base64}'\nheaders.S = '{signature}'",
            "request",
            "cannot be signed",
        ),
        (
            "payload = '{path}'\nheaders.D = '{body|md5|hex}'\nafter = [{ name = 's', value = '{signature}', in = 'form' }]",
            "request",
            "still changes",
        ),
        (
            "payload = '{path}'\nheaders.D = '{body|md5|hex}'\nbody = '{signature}'",
            "request",
            "made later because it holds the signature",
        ),
        (
            "headers.H = '{query}'\nbefore = [{ name = 'p', value = 'x', when = '{json}' }]",
            "request",
            "still changes",
        ),
        (
            "headers.H = '{query}'\nafter = [{ name = 'p', value = '{body|md5|hex}', in = 'query' }]",
            "request",
            "still changes",
        ),
        (
            "headers.H = { value = 'x', when = '{query}' }\nafter = [{ name = 'p', value = '{body}', in = 'query' }]",
            "request",
            "still changes",
        ),
        (
            "payload = '{path}'\nbody = '{json}'\nafter = [{ name = 's', value = '{signature}', in = 'json' }]",
            "request",
            "the body is made of a template",
        ),
    ]);
}

#[test]
fn two_values_in_one_place_and_two_kinds_of_body_are_refused() {
    check_requests(&[
        ("before = [['a', '1']]\nafter = [['a', '2']]", "request", "two values are placed"),
        ("headers.X-Key = '{key}'\nheaders.x-key = '{key}'", "request", "two values are placed"),
        (
            "after = [['a', '1'], { name = 'a', value = '2', in = 'query' }]",
            "request",
            "two values",
        ),
        (
            "after = [{ name = 'a', value = '1', in = 'json' }, { name = 'a', json = '2', in = 'json' }]",
            "request",
            "two values",
        ),
        (
            "after = [{ name = 'a', value = '1', in = 'json' }, { name = 'b', value = '2', in = 'form' }]",
            "request",
            "a form and a JSON object",
        ),
        ("carry = ['form', 'json']", "request.carry", "a form and a JSON object"),
        ("carry = ['query', 'query']", "request.carry", "twice in one place"),
        (
            "carry = 'json'\nafter = [{ name = 'a', value = '1', in = 'form' }]",
            "request.carry",
            "a form and a JSON object",
        ),
        (
            "carry = 'form'\nbefore = [{ name = 'a', value = '1', in = 'json' }]",
            "request.carry",
            "a form and a JSON object",
        ),
        ("after = [{ name = 'a', json = '1' }]", "request.after[0]", "only the members of JSON"),
        (
            "after = [{ name = 'a', value = '1', in = 'json', encoding = 'raw' }]",
            "request.after[0].encoding",
            "query or a form are encoded",
        ),
        ("encoding = 'raw'\nkeep = ','", "request.keep", "only `percent`"),
        ("params.keep = ','", "request.params.keep", "only `percent`"),
        ("params = { encoding = 'percent', keep = '&' }", "request.params.keep", "leave them out"),
        ("keep = '&'", "request.keep", "leave them out"),
        ("keep = 'é'", "request.keep", "leave them out"),
        ("keep = ' '", "request.keep", "leave them out"),
    ]);
}

#[test]
fn what_cannot_be_a_header_or_a_parameter_is_refused() {
    check_requests(&[
        ("headers.'a b' = 'x'", "request.headers.a b", "cannot be the name of a header"),
        ("headers.\"A\\r\\nB\" = 'x'", "request.headers.A\r\nB", "cannot be the name of a header"),
        ("headers.'' = 'x'", "request.headers.", "cannot be the name of a header"),
        ("headers.'é' = 'x'", "request.headers.é", "cannot be the name of a header"),
        ("headers.Host = 'x'", "request.headers.Host", "follows from the connection"),
        ("headers.content-length = '0'", "request.headers.content-length", "follows from"),
        ("headers.Transfer-Encoding = 'x'", "request.headers.Transfer-Encoding", "follows from"),
        ("headers.Connection = 'x'", "request.headers.Connection", "follows from"),
        ("headers.Upgrade = 'x'", "request.headers.Upgrade", "follows from"),
        ("headers.Sec-WebSocket-Key = 'x'", "request.headers.Sec-WebSocket-Key", "follows from"),
        ("headers.A = \"x\\r\\nB: y\"", "request.headers.A", "a line end"),
        ("headers.A = \"{key}\\n\"", "request.headers.A", "a line end"),
        ("headers.A = \"{key|prefix('\\n')}\"", "request.headers.A", "a line end"),
        ("headers.A = \"{('\\n'{key})|upper}\"", "request.headers.A", "a line end"),
        ("constants.end = \"\\n\"\nheaders.A = '{end}{key}'", "request.headers.A", "a line end"),
        ("headers.A = '{key} '", "request.headers.A", "strip the spaces"),
        ("headers.A = '{random}'", "request.headers.A", "add `|hex`"),
        ("headers.A = '{body|sha256}'", "request.headers.A", "add `|hex`"),
        ("after = [['a', '{body|sha256}']]", "request.after[0]", "add `|hex`"),
        ("after = [['', 'b']]", "request.after[0].name", "cannot be the name"),
        ("after = [[\"a\\nb\", 'c']]", "request.after[0].name", "cannot be the name"),
        ("before = [['a', \"b\\r\\n\"]]", "request.before[0]", "a line end"),
    ]);
}

#[test]
fn names_of_credentials_and_constants_are_checked() {
    check(&[
        ("credentials = ['Key']", "credentials[0]", "begins with a letter"),
        ("credentials = ['']", "credentials[0]", "begins with a letter"),
        ("credentials = ['a b']", "credentials[0]", "begins with a letter"),
        ("credentials = ['key', \"k\\n\"]", "credentials[1]", "begins with a letter"),
        ("credentials = ['key', 'key']", "credentials", "declared twice"),
        ("credentials = ['signature']", "credentials[0]", "choose another name"),
        ("constants.timestamp = '1'", "constants.timestamp", "choose another name"),
        ("constants.Window = '1'", "constants.Window", "begins with a letter"),
        (
            "credentials = ['key']\nconstants.key = '1'",
            "constants.key",
            "a credential has this name",
        ),
        (
            "credentials = ['key']\n[request]\nconstants.key = '1'",
            "request.constants.key",
            "a credential has this name",
        ),
        ("[request]\nconstants.body = '1'", "request.constants.body", "choose another name"),
    ]);
}

#[test]
fn what_a_handshake_or_a_message_cannot_hold_is_refused() {
    let login = |more: &str| format!("credentials = ['key', 'secret']\n[websocket.login]\n{more}");
    let message =
        |more: &str| format!("credentials = ['key', 'secret']\n[websocket.message]\n{more}");
    let handshake = |more: &str| format!("credentials = ['key']\n[websocket.handshake]\n{more}");
    for (text, key, reason) in [
        (handshake("body = 'x'"), "body", "has no body"),
        (handshake("empty-body = 'x'"), "empty-body", "has no body"),
        (handshake("carry = 'json'"), "carry", "has no body"),
        (
            handshake("after = [{ name = 'a', value = '{key}', in = 'form' }]"),
            "after[0].in",
            "`query`",
        ),
        (
            handshake("before = [{ name = 'a', value = '{key}', in = 'body' }]"),
            "before[0].in",
            "`query`",
        ),
        (
            handshake("[[websocket.handshake.rules]]\nmatch.path = '/a'\nthen.body = 'x'"),
            "rules[0].then.body",
            "has no body",
        ),
    ] {
        check(&[(&text, &format!("websocket.handshake.{key}"), reason)]);
    }
    let accepted = "accepted = { a = 'b' }";
    for (text, key, reason) in [
        (login(&format!("message = '{{\"k\":\"{{key}}\"'\n{accepted}")), ".message", "not JSON"),
        (login(accepted), ".message", "not JSON"),
        (login(&format!("message = '{{\"k\":{{key}}}}'\n{accepted}")), ".message", "inside quotes"),
        (login("message = '{\"k\":\"{key}\"}'"), ".accepted", "nothing tells when"),
        (
            login(&format!("message = '{{\"s\":\"{{signature}}\"}}'\n{accepted}")),
            "",
            "one of both is missing",
        ),
        (
            login(&format!("message = '{{\"s\":1}}'\npayload = 'x'\n{accepted}")),
            "",
            "one of both is missing",
        ),
        (
            login(&format!(
                "message = '{{\"s\":\"{{signature}}\"}}'\npayload = '{{path}}'\n{accepted}"
            )),
            "",
            "signs no request",
        ),
        (
            login(&format!(
                "message = '{{\"s\":\"{{signature}}\"}}'\npayload = '{{nonce}}'\n{accepted}"
            )),
            "",
            "add `{nonce}`",
        ),
        (login(&format!("message = '{{\"r\":\"{{random}}\"}}'\n{accepted}")), "", "add `|hex`"),
        (
            login(&format!("message = '{{\"k\":\"{{key}}\"}}'\nresync-codes = ['1']\n{accepted}")),
            "",
            "nothing tells when a login is refused",
        ),
        (
            login(&format!("message = '{{}}'\nalgorithm = 'x'\n{accepted}")),
            ".payload",
            "nothing to sign",
        ),
    ] {
        check(&[(&text, &format!("websocket.login{key}"), reason)]);
    }
    for (text, key, reason) in [
        (message("fields = [['k', '{key}']]"), "", "nothing is signed"),
        (message("payload = '{fields}'"), "", "goes nowhere"),
        (
            message("payload = '{path}'\nfields = [['s', '{signature}']]"),
            "",
            "neither method, path",
        ),
        (
            message(
                "payload = '{fields}'\nfields = [{ name = 's', value = '{signature}', in = 'query' }]",
            ),
            ".fields[0].in",
            "leave it out",
        ),
        (
            message(
                "payload = '{fields}'\nfields = [['s', '{signature}'], { name = 'a', value = 'b', when = '{path}' }]",
            ),
            "",
            "neither method, path",
        ),
        (
            message("payload = '{fields}'\nfields = [['s', '{signature}'], ['s', 'x']]"),
            "",
            "two values",
        ),
    ] {
        check(&[(&text, &format!("websocket.message{key}"), reason)]);
    }
}

#[test]
fn a_recipe_that_does_nothing_and_a_resync_without_codes_are_refused() {
    check(&[
        ("", "", "nothing is signed"),
        ("credentials = ['key']", "", "nothing is signed"),
        ("[websocket]", "", "nothing is signed"),
        ("[request]\nheaders.A = 'b'\n[resync]", "resync.codes", "there are none"),
    ]);
}
