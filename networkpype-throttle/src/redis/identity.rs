/// Which server process answers, and since when it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Empty where the server does not say.
    pub(crate) run: String,
    /// Microseconds since the epoch on the server's clock, rounded up.
    pub(crate) born: u64,
}

impl Identity {
    /// Reads what `INFO server` answers.
    pub(crate) fn parse(info: &str) -> Self {
        let field = |name: &str| {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
        };
        let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
        let Some(run) = field("run_id") else { return Self::default() };
        let born = match (number("server_time_usec"), number("uptime_in_seconds")) {
            // Both ends of the uptime are whole seconds.
            (Some(now), Some(uptime)) => now
                .saturating_sub(uptime.saturating_mul(1_000_000))
                .saturating_add(1_000_000)
                .min(now),
            _ => 0,
        };
        Self { run: run.to_owned(), born }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_who_it_is_and_when_it_started() {
        let info = "# Server\r\nredis_version:7.0.15\r\nrun_id:ab12\r\nserver_time_usec:100500000\r\n\
                    uptime_in_seconds:20\r\n";
        let identity = Identity::parse(info);
        assert_eq!(identity, Identity { run: "ab12".into(), born: 81_500_000 });
        let young = info.replace(":20\r", ":0\r");
        assert_eq!(Identity::parse(&young).born, 100_500_000, "not in the future");
        assert_eq!(Identity::parse("run_id:x").born, 0);
        assert_eq!(Identity::parse("uptime_in_seconds:-1"), Identity::default());
    }
}
