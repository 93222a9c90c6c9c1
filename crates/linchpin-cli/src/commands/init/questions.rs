//! Plain questions: a line is shown on standard error, a line is read from standard input.
//!
//! Whoever takes every proposal is not asked. Input that ends before the last question is a failure, not an answer.

use std::io::BufRead;

use crate::console;
use crate::failure::{Code, Failure};

/// A question is repeated so often before the command gives up.
const TRIES_MAX: usize = 5;

/// Asks, or takes every proposal.
pub(super) struct Questions<R> {
    input: Option<R>,
}

impl<R: BufRead> Questions<R> {
    /// Asks and reads answers from `input`; without it, every proposal is taken.
    pub(super) fn new(input: Option<R>) -> Self {
        Self { input }
    }

    /// A question with yes or no for an answer.
    pub(super) fn yes(&mut self, question: &str, proposal: bool) -> Result<bool, Failure> {
        let choices = if proposal { "[Y/n]" } else { "[y/N]" };
        self.ask(&format!("{question} {choices}"), proposal, |answer| match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" => Some(true),
            "n" | "no" => Some(false),
            _ => None,
        })
    }

    /// A question with one of some words for an answer.
    pub(super) fn choice<'a>(
        &mut self,
        question: &str,
        choices: &[&'a str],
        proposal: &'a str,
    ) -> Result<&'a str, Failure> {
        let shown = format!("{question} ({}) [{proposal}]", choices.join(", "));
        self.ask(&shown, proposal, |answer| choices.iter().copied().find(|choice| choice.eq_ignore_ascii_case(answer)))
    }

    /// A question with any text for an answer; there is nothing to propose.
    pub(super) fn text(&mut self, question: &str, flag: &str) -> Result<String, Failure> {
        if self.input.is_none() {
            return Err(unanswered(format!("{question}: there is nothing to propose"), flag));
        }
        self.ask(question, String::new(), |answer| Some(answer.to_owned())).and_then(|answer| {
            if answer.is_empty() { Err(unanswered(format!("{question}: no answer"), flag)) } else { Ok(answer) }
        })
    }

    fn ask<T>(&mut self, shown: &str, proposal: T, read: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        let Some(input) = &mut self.input else { return Ok(proposal) };
        for _ in 0..TRIES_MAX {
            console::note(shown);
            let mut line = String::new();
            let length = input
                .read_line(&mut line)
                .map_err(|error| unanswered(format!("{shown}: the answer cannot be read: {error}"), "--yes"))?;
            if length == 0 {
                return Err(unanswered(format!("{shown}: the input ended before the answer"), "--yes"));
            }
            let answer = line.trim();
            if answer.is_empty() {
                return Ok(proposal);
            }
            if let Some(answer) = read(answer) {
                return Ok(answer);
            }
        }
        Err(unanswered(format!("{shown}: not understood"), "--yes"))
    }
}

fn unanswered(what: String, flag: &str) -> Failure {
    Failure::new(Code::Unanswered, what, format!("answer it, or give the answer with {flag}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(input: &str) -> Questions<&[u8]> {
        Questions::new(Some(input.as_bytes()))
    }

    #[test]
    fn an_empty_line_takes_the_proposal() {
        let mut questions = asked("\n\n\n");
        assert!(questions.yes("Sure?", true).unwrap());
        assert!(!questions.yes("Sure?", false).unwrap());
        assert_eq!(questions.choice("Which?", &["a", "b"], "b").unwrap(), "b");
    }

    #[test]
    fn answers_are_read_and_nonsense_is_asked_again() {
        let mut questions = asked("maybe\nNO\nYes\nB\n exports/ \n");
        assert!(!questions.yes("Sure?", true).unwrap());
        assert!(questions.yes("Sure?", false).unwrap());
        assert_eq!(questions.choice("Which?", &["a", "b"], "a").unwrap(), "b");
        assert_eq!(questions.text("Where?", "--source").unwrap(), "exports/");
    }

    #[test]
    fn input_that_ends_is_no_answer() {
        for failure in [
            asked("").yes("Sure?", true).unwrap_err(),
            asked("x\nx\nx\nx\nx\nx\n").yes("Sure?", true).unwrap_err(),
            asked("\n").text("Where?", "--source").unwrap_err(),
            Questions::<&[u8]>::new(None).text("Where?", "--source").unwrap_err(),
        ] {
            assert_eq!(failure.code(), Code::Unanswered.as_str());
        }
    }

    #[test]
    fn whoever_takes_every_proposal_is_not_asked() {
        let mut questions = Questions::<&[u8]>::new(None);
        assert!(questions.yes("Sure?", true).unwrap());
        assert_eq!(questions.choice("Which?", &["a", "b"], "a").unwrap(), "a");
    }
}
