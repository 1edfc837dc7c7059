use redis::{FromRedisValue, Value};

use super::store_error::StoreError;

/// What runs on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Ask,
    Tell,
    Stop,
    Usage,
}

impl Script {
    pub(crate) const ALL: [Self; 4] = [Self::Ask, Self::Tell, Self::Stop, Self::Usage];

    pub(crate) fn text(self) -> String {
        let own = match self {
            Self::Ask => include_str!("ask.lua"),
            Self::Tell => include_str!("tell.lua"),
            Self::Stop => include_str!("stop.lua"),
            Self::Usage => include_str!("usage.lua"),
        };
        // The first line has the server refuse keys of other slots, and refuse the script as a whole, not in its middle,
        // when it is out of memory.
        format!("#!lua\n{}\n{own}", include_str!("common.lua"))
    }
}

/// Under what terms somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terms {
    /// Ready to wait for its turn.
    Wait,
    /// Now or not at all.
    Now,
    /// It was given a place in the line, and is due.
    Claim,
}

/// What the server decided. Times are microseconds from the instant at which it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It may go out, and counts from so long ago.
    Granted { since: u64 },
    /// It has a place in the line, and is due then.
    Booked { wait: u64 },
    /// It could only go then, which is too late.
    TooLate { wait: u64 },
    /// The sender is banned for so long.
    Banned { wait: u64 },
    /// Whoever claims is not in the line any more.
    Forgotten,
}

impl Decision {
    /// A grant is a number alone, which is less to write and to read.
    pub(crate) fn read(value: Value) -> Result<Self, StoreError> {
        if let Value::Int(since) = value {
            return Ok(Self::Granted { since: u64::try_from(since).unwrap_or(0) });
        }
        let (code, now, at): (i64, i64, i64) =
            FromRedisValue::from_redis_value(value).map_err(|_| StoreError::unintelligible())?;
        let wait = u64::try_from(at.saturating_sub(now)).unwrap_or(0);
        match code {
            2 => Ok(Self::Booked { wait }),
            3 => Ok(Self::TooLate { wait }),
            4 => Ok(Self::Banned { wait }),
            5 => Ok(Self::Forgotten),
            _ => Err(StoreError::unintelligible()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: i64, now: i64, at: i64) -> Result<Decision, StoreError> {
        Decision::read(Value::Array([code, now, at].map(Value::Int).to_vec()))
    }

    #[test]
    fn decisions_are_read_and_nonsense_is_an_error() {
        assert_eq!(Decision::read(Value::Int(10)), Ok(Decision::Granted { since: 10 }));
        assert_eq!(Decision::read(Value::Int(-1)), Ok(Decision::Granted { since: 0 }));
        assert_eq!(read(1, 50, 40), Err(StoreError::unintelligible()));
        assert_eq!(read(2, 50, 90), Ok(Decision::Booked { wait: 40 }));
        assert_eq!(read(3, 50, 40), Ok(Decision::TooLate { wait: 0 }));
        assert_eq!(read(4, i64::MIN, i64::MAX), Ok(Decision::Banned { wait: i64::MAX as u64 }));
        assert_eq!(read(5, 0, 0), Ok(Decision::Forgotten));
        assert_eq!(read(6, 0, 0), Err(StoreError::unintelligible()));
        assert_eq!(Decision::read(Value::Nil), Err(StoreError::unintelligible()));
    }
}
