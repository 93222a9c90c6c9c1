//! What is wrong with a mapping, where, and what to do about it.
//!
//! A check reports every problem it finds; nothing here stops at the first.

use serde::Serialize;

use crate::file::At;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The mapping cannot be used.
    Error,
    /// The mapping can be used; a person should look.
    Warning,
}

/// One thing that is wrong, with the place where it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A stable code; `docs/errors/` has a page for each.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Line in the file, from 1; 0 if unknown.
    pub line: u64,
    /// Column in characters, from 1; 0 if unknown.
    pub column: u64,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// An error at a place.
    pub fn error<T>(code: &'static str, at: &At<T>, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, line: at.line, column: at.column, message: message.into(), help: None }
    }

    /// A warning at a place.
    pub fn warning<T>(code: &'static str, at: &At<T>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, message) }
    }

    /// The same, with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The reader's complaint about a file: no YAML, an unknown key, a value of the wrong kind.
    pub fn from_yaml(error: &serde_saphyr::Error) -> Self {
        let location = error.location();
        let at = At {
            value: (),
            line: location.map_or(0, |place| place.line()),
            column: location.map_or(0, |place| place.column()),
            width: 0,
        };
        let text = error.without_snippet().to_string();
        // The reader ends its message with the place, which stands in fields of its own here.
        let message = text.rfind(" at line ").and_then(|end| text.get(..end)).unwrap_or(&text);
        Self::error("LP1001", &at, message)
    }

    /// The problem for people: the line of the file with a mark below the place, as compilers do it.
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let mut lines = vec![format!("{word}[{}]: {}", self.code, self.message)];
        if self.line > 0 {
            lines.push(format!("{margin}--> {file_name}:{}:{}", self.line, self.column));
            let index = usize::try_from(self.line).unwrap_or(usize::MAX).saturating_sub(1);
            if let Some(source) = text.lines().nth(index) {
                let before = usize::try_from(self.column).unwrap_or(1).saturating_sub(1);
                let indent: String = source.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                let mark = "^".repeat(mark_width(source.chars().skip(before)));
                lines.extend([
                    format!("{margin} |"),
                    format!("{number} | {source}"),
                    format!("{margin} | {indent}{mark}"),
                ]);
            }
        } else {
            lines.push(format!("{margin}--> {file_name}"));
        }
        lines.extend(self.help.iter().map(|help| format!("{margin} = help: {help}")));
        lines.join("\n") + "\n"
    }
}

/// How many characters to underline: the word or the quoted text at the place.
fn mark_width(rest: impl Iterator<Item = char>) -> usize {
    let rest: Vec<char> = rest.collect();
    let Some(first) = rest.first() else { return 1 };
    if matches!(first, '"' | '\'') {
        return rest.iter().skip(1).position(|c| c == first).map_or(1, |end| end + 2);
    }
    rest.iter().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@')).count().max(1)
}

/// `did you mean` for the nearest of the known names, if one is near.
pub(crate) fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = (wrong.chars().count() / 3).clamp(1, 4);
    let lower = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (distance(&lower, &name.to_lowercase()), name))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

/// The help of an unknown name: the nearest, or else the first few that exist.
pub(crate) fn help_for_unknown(wrong: &str, what: &str, known: &[&str]) -> String {
    did_you_mean(wrong, known.iter().copied()).unwrap_or_else(|| {
        if known.is_empty() {
            return format!("there are no {what}");
        }
        format!("known {what}: {}", first_few(known))
    })
}

/// The first eight names, and how many more there are.
pub(crate) fn first_few(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{text} and {} more", names.len() - SHOWN) } else { text }
}

/// Edit distance with swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, cb) in b.iter().enumerate() {
            let cell = |r: usize, c: usize| rows.get(r).and_then(|row| row.get(c)).copied().unwrap_or(usize::MAX / 2);
            let left = row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (cell(i, j + 1) + 1).min(left + 1).min(cell(i, j) + usize::from(ca != cb));
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swapped {
                best = best.min(cell(i - 1, j - 1) + 1);
            }
            if let Some(slot) = row.get_mut(j + 1) {
                *slot = best;
            }
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(0)
}
