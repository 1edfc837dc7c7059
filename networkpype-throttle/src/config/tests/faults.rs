use super::*;

/// A limit "a" of one a second and more of its fields, and the message.
const LIMIT_FAULTS: [(&str, &str); 18] = [
    ("refill = 1", "limit \"a\": `refill`: it needs `kind = \"token-bucket\"`"),
    ("kind = \"token-bucket\"", "limit \"a\": `refill`: it is missing"),
    ("kind = \"token-bucket\"\nrefill = 0", "line 5: limit \"a\": `refill`: invalid value"),
    ("kind = \"bucket\"", "line 4: limit \"a\": `kind`: unknown variant `bucket`"),
    ("offset = 1", "limit \"a\": `offset`: it needs `kind = \"fixed-window\"`"),
    ("kind = \"token-bucket\"\nrefill = 1\ntolerance = 1", "limit \"a\": `tolerance`: it needs"),
    ("linger = 1", "limit \"a\": `linger`: it needs `accounting"),
    ("accounting = \"never\"", "line 4: limit \"a\": `accounting`: unknown variant"),
    ("precision = 1", "line 4: limit \"a\": `precision`: "),
    ("weight = -1", "line 4: limit \"a\": `weight`: invalid value: integer `-1`"),
    ("weight = 4294967296", "line 4: limit \"a\": `weight`: invalid value: integer `4294967296`"),
    ("weight = 1.5", "line 4: limit \"a\": `weight`: invalid type: floating point `1.5`"),
    ("weight = nan", "line 4: limit \"a\": `weight`: invalid type"),
    ("linked = { b = -1 }", "line 4: limit \"a\": `linked.b`: invalid value: integer `-1`"),
    ("wieght = 1", "line 4: limit \"a\": `wieght`: unknown field `wieght`, expected one of"),
    ("weights = [{ weight = 1 }]", "line 4: limit \"a\": `weights[0]`: missing field `param`"),
    ("weights = [{ param = \"p\", weight = 1 }]", "limit \"a\": `weights[0]`: say one of"),
    (
        "weights = [{ param = \"p\", absent = true, weight = 1 }, { param = \"p\", is = \"\", at-most = 1, weight = 1 }]",
        "limit \"a\": `weights[1]`: say one of",
    ),
];

const FAULTS: [(&str, &str); 42] = [
    (
        "[limits.a]\nlimit = 0\ninterval = 1",
        "line 2: limit \"a\": `limit`: invalid value: integer `0`",
    ),
    (
        "[limits.a]\nlimit = -5\ninterval = 1",
        "line 2: limit \"a\": `limit`: invalid value: integer `-5`",
    ),
    ("[limits.a]\nlimit = 4294967296\ninterval = 1", "line 2: limit \"a\": `limit`: invalid value"),
    ("[limits.a]\nlimit = 99999999999999999999\ninterval = 1", "line 2: limit \"a\": `limit`: "),
    ("[limits.a]\nlimit = \"5\"\ninterval = 1", "line 2: limit \"a\": `limit`: invalid type"),
    ("[limits.a]\nlimit = 5", "line 1: limit \"a\": missing field `interval`"),
    ("[limits.a]\ninterval = 5", "line 1: limit \"a\": missing field `limit`"),
    ("[limits]\na = 5", "line 2: limit \"a\": invalid type: integer `5`"),
    ("limits = 5", "line 1: `limits`: invalid type: integer `5`, expected a table"),
    ("[limits.a]\nlimit = 1\ninterval = 0", "line 3: limit \"a\": `interval`: it must not be zero"),
    (
        "[limits.a]\nlimit = 1\ninterval = \"0ms\"",
        "line 3: limit \"a\": `interval`: it must not be zero",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = -1",
        "line 3: limit \"a\": `interval`: invalid value: integer `-1`",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = nan",
        "line 3: limit \"a\": `interval`: invalid value: floating point",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = inf",
        "line 3: limit \"a\": `interval`: invalid value: floating point",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = 1e300",
        "line 3: limit \"a\": `interval`: invalid value: floating point",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = \"1\"",
        "line 3: limit \"a\": `interval`: invalid value: string \"1\", expected a time such as",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = \"s\"",
        "line 3: limit \"a\": `interval`: invalid value: string \"s\"",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = \"1.5s\"",
        "line 3: limit \"a\": `interval`: invalid value",
    ),
    ("[limits.a]\nlimit = 1\ninterval = \"-1s\"", "line 3: limit \"a\": `interval`: invalid value"),
    (
        "[limits.a]\nlimit = 1\ninterval = \"99999999999999999999999999999999999999999d\"",
        "line 3: limit \"a\": `interval`: invalid value",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = true",
        "line 3: limit \"a\": `interval`: invalid type: boolean",
    ),
    (
        "[limits.a]\nlimit = 1\ninterval = 1\n[limits.a]\nlimit = 2\ninterval = 1",
        "line 4: `a` is given twice",
    ),
    ("[limits.a]\nlimit = 1\nlimit = 2", "line 3: `limit` is given twice"),
    ("share = 0", "line 1: `share`: it is 0, and must be above 0 and at most 1"),
    ("share = 1.5", "line 1: `share`: it is 1.5"),
    ("share = nan", "line 1: `share`: it is NaN"),
    ("share = -0.5", "line 1: `share`: it is -0.5"),
    ("share = \"half\"", "line 1: `share`: invalid type: string \"half\""),
    ("safety-margin = 1", "line 1: `safety-margin`: it is 1, and must be at least 0 and below 1"),
    ("safety-margin = nan", "line 1: `safety-margin`: it is NaN"),
    ("max-waiters = -1", "line 1: `max-waiters`: invalid value: integer `-1`"),
    ("safety_margin = 0", "line 1: `safety_margin`: unknown field `safety_margin`"),
    ("feedback = 1", "line 1: `feedback`: invalid type"),
    (
        "[feedback]\npause-on = [429, 42]",
        "line 2: `feedback.pause-on[1]`: it is 42, and a status has three digits",
    ),
    (
        "[feedback]\nban-scope = \"some\"",
        "line 2: `feedback.ban-scope`: invalid value: string \"some\", expected \"request\", \"all\", or a list",
    ),
    ("[feedback]\nban-scope = [1]", "line 2: `feedback.ban-scope[0]`: invalid type"),
    ("[feedback]\ndefault-ban = \"long\"", "line 2: `feedback.default-ban`: invalid value"),
    (
        "[[feedback.headers]]\nused = \"x y\"",
        "line 2: `feedback.headers[0].used`: \"x y\" is no name that a header can have",
    ),
    (
        "[[feedback.headers]]\nused = \"x\"\n[[feedback.headers]]\nquota = \"x\"",
        "`feedback.headers[1]`: say one of",
    ),
    (
        "[[feedback.headers]]\nused = \"x\"\nquota = \"x\"",
        "`feedback.headers[0].quota`: it needs `remaining`",
    ),
    (
        "[[feedback.headers]]\nused = \"x\"\npolicies = { a = \"b\" }",
        "`feedback.headers[0].policies`: it needs `ietf = true`",
    ),
    (
        "[[feedback.headers]]\nremaining = \"x\"\nreset-as = \"auto\"",
        "`feedback.headers[0].reset-as`: it needs `reset`",
    ),
];

#[test]
fn every_mistake_is_told_with_its_entry_and_field() {
    let more = LIMIT_FAULTS
        .map(|(more, message)| (format!("[limits.a]\nlimit = 1\ninterval = 1\n{more}"), message));
    let texts = FAULTS.iter().map(|(text, message)| ((*text).to_owned(), *message)).chain(more);
    for (text, message) in texts {
        let error = ThrottlerConfig::from_toml(&text).expect_err(&text).to_string();
        assert!(error.starts_with(message), "{text}\n-> {error}\nnot {message}");
        assert!(!error.contains('\n'), "{text}\n-> {error}");
    }
}

#[test]
fn json_says_the_same_mistakes() {
    for (text, message) in [
        ("{", "line 1: EOF"),
        ("{} x", "line 1: trailing characters"),
        (
            "{\"limits\":{\n\"a\":{\"limit\":0,\"interval\":1}}}",
            "line 2: limit \"a\": `limit`: invalid value: integer `0`",
        ),
        (
            "{\"limits\":{\"a\":{\"limit\":1,\"interval\":1},\"a\":{\"limit\":1,\"interval\":1}}}",
            "line 1: `limits`: \"a\" is given twice",
        ),
        (
            "{\"limits\":{\"a\":{\"limit\":1,\"limit\":1}}}",
            "line 1: limit \"a\": duplicate field `limit`",
        ),
        (
            "{\"limits\":{\"a\":{\"limit\":1,\"interval\":1,\"linked\":{\"b\":1,\"b\":2}}}}",
            "line 1: limit \"a\": `linked`: \"b\" is given twice",
        ),
        (
            "{\"limits\":{\"a\":{\"limit\":1,\"interval\":\"x\"}}}",
            "line 1: limit \"a\": `interval`: invalid value: string \"x\"",
        ),
        ("{\"share\":1e400}", "line 1: "),
        ("[]", "line 1: invalid type: sequence, expected a table"),
        ("{\"feedback\":[]}", "line 1: `feedback`: invalid type: sequence, expected a table"),
        (
            "{\"feedback\":{\"headers\":[[]]}}",
            "line 1: `feedback.headers[0]`: invalid type: sequence",
        ),
        ("{\"limits\":{\"a\":[\"exact\", 1]}}", "line 1: limit \"a\": invalid type: sequence"),
    ] {
        let error = ThrottlerConfig::from_json(text).expect_err(text);
        assert!(error.to_string().starts_with(message), "{text}\n-> {error}\nnot {message}");
        assert!(error.line().is_some(), "{text}");
    }
}

#[test]
fn what_only_the_builder_can_see_is_told_with_the_limit_and_what_is_wrong() {
    for (more, message) in [
        ("linked = { b = 1 }", "limit \"a\" is linked to \"b\", which is unknown"),
        ("weight = 11", "weight 11 of a request on \"a\" is above what limit \"a\" holds"),
    ] {
        let text = format!("[limits.a]\nlimit = 10\ninterval = 1\n{more}");
        let config = ThrottlerConfig::from_toml(&text).expect("reads");
        let error = config.into_builder().build().expect_err(more).to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
