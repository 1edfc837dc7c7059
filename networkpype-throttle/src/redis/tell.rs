use std::sync::Arc;

use super::{
    link::Up,
    plan::{Cost, Part},
    script::Script,
};

/// Something to tell the store.
#[derive(Clone)]
pub(crate) struct Tell {
    pub(crate) script: Script,
    pub(crate) keys: Arc<[String]>,
    /// What follows the clock.
    pub(crate) args: Vec<String>,
    /// It will be told again anyway.
    pub(crate) passing: bool,
}

impl Tell {
    /// The weight of `cost` is given back.
    pub(crate) fn drop(cost: &Cost, id: &str) -> Self {
        let mut args = vec![id.to_owned(), "drop".to_owned()];
        args.extend(cost.weights().map(|weight| weight.to_string()));
        Self { script: Script::Tell, keys: Arc::clone(&cost.route.keys), args, passing: false }
    }

    /// It counts from now on, and on each part so many microseconds later as `delay` says; `None`: as before.
    pub(crate) fn mark(cost: &Cost, id: &str, delay: impl Fn(&Part) -> Option<u64>) -> Self {
        let mut args = vec![id.to_owned(), "mark".to_owned()];
        for (part, weight) in cost.route.parts.iter().zip(cost.weights()) {
            let delay = delay(part).map_or_else(|| "-".to_owned(), |micros| micros.to_string());
            args.extend([part.window.to_string(), weight.to_string(), delay]);
        }
        Self { script: Script::Tell, keys: Arc::clone(&cost.route.keys), args, passing: false }
    }

    /// It weighs `more` than `cost` on the limit that was named.
    pub(crate) fn top(cost: &Cost, id: &str, more: u32) -> Self {
        let window = cost.route.parts.first().map_or(0, |part| part.window);
        let args = vec![
            id.to_owned(),
            "top".to_owned(),
            window.to_string(),
            cost.own.to_string(),
            more.to_string(),
        ];
        Self { script: Script::Tell, keys: Arc::clone(&cost.route.keys), args, passing: false }
    }

    pub(crate) fn command(&self, up: &Up, clock: u64) -> redis::Cmd {
        let mut command = up.run(self.script, &self.keys);
        command.arg(clock).arg(&self.args);
        command
    }
}
