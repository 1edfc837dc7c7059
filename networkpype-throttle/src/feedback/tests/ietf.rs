use proptest::prelude::*;

use super::*;

#[test]
fn the_fields_of_every_version_of_the_draft_are_read() {
    let named = HeaderRule::ietf_policies([("burst", "second"), ("a\"b", "quoted")]);
    let feedback = Feedback::new().rule(named);
    let rows: [(Lines<'_>, &[Brief<'_>]); 20] = [
        (&[("RateLimit", "\"default\";r=50;t=30")], &[(None, None, Some(50), None, Some(30_000))]),
        (
            &[
                ("RateLimit", "\"default\";r=50;t=30"),
                ("RateLimit-Policy", "\"default\";q=100;w=60"),
            ],
            &[(None, None, Some(50), Some(100), Some(30_000))],
        ),
        (
            &[
                ("RateLimit", "\"burst\";r=5;t=1, \"daily\" ; r=900 ; t=3600;pk=:aGk=:"),
                ("RateLimit-Policy", "\"daily\";q=1000;w=86400,\"burst\";q=10;w=1"),
            ],
            &[
                (Some("second"), None, Some(5), Some(10), Some(1_000)),
                (None, None, Some(900), Some(1_000), Some(3_600_000)),
            ],
        ),
        (
            &[
                ("RateLimit", "\"burst\";r=5"),
                ("RateLimit", "\"daily\";r=9"),
                ("RateLimit-Policy", "\"x\";q=1"),
                ("RateLimit-Policy", "\"daily\";q=10"),
            ],
            &[(Some("second"), None, Some(5), None, None), (None, None, Some(9), Some(10), None)],
        ),
        (&[("RateLimit", "burst;R=5;T=2")], &[(Some("second"), None, Some(5), None, Some(2_000))]),
        (&[("RateLimit", "\"a\\\"b\";r=1")], &[(Some("quoted"), None, Some(1), None, None)]),
        (&[("RateLimit", "\"a,b;c\";r=1")], &[(None, None, Some(1), None, None)]),
        // Bytes and connections are not requests.
        (
            &[
                ("RateLimit", "\"bytes\";r=5, \"burst\";r=6"),
                (
                    "RateLimit-Policy",
                    "\"bytes\";q=9;qu=\"content-bytes\", \"burst\";q=9;qu=\"requests\"",
                ),
            ],
            &[(Some("second"), None, Some(6), Some(9), None)],
        ),
        // One bad member does not take the others with it.
        (&[("RateLimit", "\"open;r=1")], &[]),
        (
            &[("RateLimit", "\"burst\";r=x, \"daily\";r=4, , ;, \"a\"b;r=1")],
            &[(None, None, Some(4), None, None)],
        ),
        (&[("RateLimit", "\"burst\";t=4")], &[]),
        (&[("RateLimit-Policy", "\"burst\";q=10;w=1")], &[]),
        // Draft 7.
        (
            &[("RateLimit", "limit=100, remaining=50, reset=5")],
            &[(None, None, Some(50), Some(100), Some(5_000))],
        ),
        (
            &[
                ("RateLimit", "Limit=100"),
                ("RateLimit", "remaining=50"),
                ("RateLimit-Policy", "100;w=60"),
            ],
            &[(None, None, Some(50), Some(100), None)],
        ),
        (&[("RateLimit", "limit=100, reset=5")], &[]),
        (&[("RateLimit", "limit=100, remaining=-5")], &[]),
        // Drafts up to 6.
        (
            &[
                ("RateLimit-Limit", "100, 100;w=60"),
                ("RateLimit-Remaining", "50"),
                ("RateLimit-Reset", "5"),
            ],
            &[(None, None, Some(50), Some(100), Some(5_000))],
        ),
        (
            &[("RateLimit-Remaining", "50"), ("RateLimit-Reset", "1700000030")],
            &[(None, None, Some(50), None, Some(30_000))],
        ),
        // Servers in transition send both; the newer one counts.
        (
            &[("RateLimit", "\"default\";r=50;t=30"), ("RateLimit-Remaining", "50")],
            &[(None, None, Some(50), None, Some(30_000))],
        ),
        (&[], &[]),
    ];
    for (lines, expected) in rows {
        assert_eq!(brief(&read(&feedback, 200, lines)), expected, "{lines:?}");
    }
}

#[test]
fn policies_without_a_limit_of_their_own_go_to_the_rest() {
    let feedback = Feedback::new().rule(HeaderRule::ietf_policies([("a", "A")]).of("rest"));
    for lines in
        [("RateLimit", "\"b\";r=1"), ("RateLimit", "remaining=1"), ("RateLimit-Remaining", "1")]
    {
        assert_eq!(brief(&read(&feedback, 200, &[lines]))[0].0, Some("rest"), "{lines:?}");
    }
}

proptest! {
    #[test]
    fn what_a_server_writes_in_the_newest_form_is_what_is_read(
        policies in prop::collection::vec(("[ -~]{0,12}", any::<u64>(), any::<u64>(), 0..=86_400_u64), 1..8),
        lines in 1..4_usize,
    ) {
        let mut map = HeaderMap::new();
        let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        let names: Vec<_> = policies.iter().enumerate().map(|(at, policy)| format!("{at}{}", policy.0)).collect();
        let items: Vec<_> = policies.iter().zip(&names).collect();
        for chunk in items.chunks(items.len().div_ceil(lines)) {
            let stated: Vec<_> = chunk.iter().map(|((_, r, _, t), name)| format!("{};r={r};t={t}", quoted(name))).collect();
            let policy: Vec<_> = chunk.iter().map(|((_, _, q, _), name)| format!("{};q={q}", quoted(name))).collect();
            map.append("ratelimit", stated.join(", ").parse().expect("value"));
            map.append("ratelimit-policy", policy.join(",").parse().expect("value"));
        }
        let rule = HeaderRule::ietf_policies(names.iter().map(|name| (name.clone(), name.clone())));
        let signals = Feedback::new().rule(rule).read(ResponseHead::new(StatusCode::OK, &map), NOW);
        let expected: Vec<Brief<'_>> = items
            .iter()
            .map(|((_, r, q, t), name)| {
                (Some(name.as_str()), None, Some(*r), Some(*q), Some(u128::from(*t) * 1_000))
            })
            .collect();
        prop_assert_eq!(brief(&signals), expected);
    }
}
