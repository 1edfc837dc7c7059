//! Tables of figures, each beside its target.

use std::fmt;

/// What a figure is to be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// It is for information.
    None,
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Target {
    fn verdict(self, figure: f64) -> &'static str {
        match self {
            Self::None => "",
            Self::AtMost(bound) if figure <= bound => "ok",
            Self::AtLeast(bound) if figure >= bound => "ok",
            _ => "MISS",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::AtMost(bound) => f.pad(&format!("<= {bound}")),
            Self::AtLeast(bound) => f.pad(&format!(">= {bound}")),
        }
    }
}

/// The head of a section.
pub fn section(title: &str) {
    println!("\n{title}");
    println!(
        "  {:<46} {:>12} {:>12} {:>9} {:>13} {:>6}  {:>9}",
        "", "ours", "peer", "ratio", "quartiles", "A/A", "target"
    );
}

/// Whether a measurement that compares something with itself came out so that others can be believed.
pub fn is_sound(same: f64) -> bool {
    (0.97..=1.03).contains(&same)
}

/// Two things side by side.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// What is compared.
    pub case: &'a str,
    /// Ours, with its unit.
    pub ours: String,
    /// The peer's, with its unit.
    pub peer: String,
    /// Ours to the peer's.
    pub ratio: f64,
    /// Between which half of the ratios lie.
    pub quartiles: Option<(f64, f64)>,
    /// Ours against ours.
    pub same: Option<f64>,
    /// What the ratio is to be.
    pub target: Target,
}

impl Comparison<'_> {
    /// Prints it as a row.
    pub fn print(&self) {
        let quartiles = self.quartiles.map(|(low, high)| format!("{low:.2}..{high:.2}"));
        let verdict = match self.same {
            Some(same) if !is_sound(same) => "VOID",
            _ => self.target.verdict(self.ratio),
        };
        println!(
            "  {:<46} {:>12} {:>12} {:>9} {:>13} {:>6}  {:>9}  {verdict}",
            self.case,
            self.ours,
            self.peer,
            ratio(self.ratio),
            quartiles.unwrap_or_default(),
            self.same.map(|same| format!("{same:.3}")).unwrap_or_default(),
            self.target.to_string(),
        );
    }
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("1/{:.0}", 1.0 / ratio) } else { format!("{ratio:.2}") }
}

/// One figure against its target.
pub fn figure(case: &str, figure: f64, unit: &str, target: Target) {
    figure_if(true, case, figure, unit, target);
}

/// The same, void unless the machine was `quiet`.
pub fn figure_if(quiet: bool, case: &str, figure: f64, unit: &str, target: Target) {
    let verdict = if quiet { target.verdict(figure) } else { "VOID" };
    let shown = format!("{figure:.2} {unit}");
    let empty = "";
    println!(
        "  {case:<46} {shown:>12} {empty:>12} {empty:>9} {empty:>13} {empty:>6}  {:>9}  {verdict}",
        target.to_string()
    );
}

/// A number, rounded to what is known of it.
pub fn nanos(nanos: f64) -> String {
    format!("{nanos:.1} ns")
}

/// The value below which `part` of all values lie.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((part * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
}
