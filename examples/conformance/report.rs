//! What became of the cases of a file.

use std::fmt;

/// What became of a case.
pub(crate) enum Outcome {
    Passed,
    /// The first field that differs, and how.
    Failed(String),
    /// Why it was not replayed.
    Skipped(String),
    /// What it asks for may not be sent, and the library said so.
    Refused(String),
}

pub(crate) struct Report {
    name: String,
    passed: usize,
    failed: Vec<(String, String)>,
    skipped: Vec<(String, String)>,
    refused: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn new(name: String) -> Self {
        Self { name, passed: 0, failed: Vec::new(), skipped: Vec::new(), refused: Vec::new() }
    }

    pub(crate) fn add(&mut self, case: &str, outcome: Outcome) {
        let case = case.to_owned();
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed(why) => self.failed.push((case, why)),
            Outcome::Skipped(why) => self.skipped.push((case, why)),
            Outcome::Refused(why) => self.refused.push((case, why)),
        }
    }

    /// Whether nothing failed, and there was something that might have: no case, or none of the tiers asked for, is a mistake
    /// in what was asked.
    pub(crate) fn is_success(&self) -> bool {
        let has_reason = self.skipped.iter().any(|(_, why)| !why.is_empty());
        self.failed.is_empty() && (self.replayed() > 0 || has_reason)
    }

    /// How many cases were tried.
    fn replayed(&self) -> usize {
        self.passed + self.failed.len() + self.refused.len()
    }
}

#[cfg(test)]
impl Report {
    pub(crate) fn passed(&self) -> usize {
        self.passed
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed.len()
    }

    /// The names of the cases that failed.
    pub(crate) fn failures(&self) -> impl Iterator<Item = String> {
        self.failed.iter().map(|(case, _)| case.clone())
    }

    /// The names of the cases that may not be sent.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = String> {
        self.refused.iter().map(|(case, _)| case.clone())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, refused) = (self.failed.len(), self.refused.len());
        let (name, passed, skipped) = (&self.name, self.passed, self.skipped.len());
        write!(f, "{name}: {passed} passed, {failed} failed, {skipped} skipped")?;
        if refused > 0 {
            write!(f, ", {refused} refused")?;
        }
        writeln!(f)?;
        for (case, why) in &self.failed {
            writeln!(f, "  failed {case}: {why}")?;
        }
        for (case, why) in &self.refused {
            writeln!(f, "  refused {case}: {why}")?;
        }
        // Those that a file marks as nobody's to pass are many, and the same everywhere.
        for (case, why) in self.skipped.iter().filter(|(_, why)| !why.is_empty()) {
            writeln!(f, "  skipped {case}: {why}")?;
        }
        if self.replayed() > 0 {
            return Ok(());
        }
        let why = match self.skipped.iter().all(|(_, why)| why.is_empty()) {
            _ if self.skipped.is_empty() => "the file has none",
            true => "all are of tiers that are left out (--tier NAME asks for one)",
            false => "all were skipped",
        };
        writeln!(f, "  no case was replayed: {why}")
    }
}
