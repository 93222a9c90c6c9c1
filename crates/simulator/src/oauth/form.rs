//! Fields of a query or of a form-encoded body, decoded.
//!
//! It keeps order and repetitions. Bytes that are no UTF-8 become U+FFFD, as elsewhere in the simulator.

use crate::model::decode;

/// Fields, in their order.
#[derive(Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `name=value&name=value`.
    pub(super) fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name, true).into_owned(), decode(value, true).into_owned())
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// Puts the fields of another form behind these.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The first value of a field, the empty one included.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a field that is not empty.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The words of all values of a field, each once, in their order.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let mut words = Vec::new();
        for word in self.0.iter().filter(|(key, _)| key == name).flat_map(|(_, value)| value.split_whitespace()) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_words_come_once() {
        let form = Form::parse("scope=a%20b+c&state=&scope=c+d&x");
        assert_eq!(form.words("scope"), ["a", "b", "c", "d"]);
        assert_eq!((form.raw("state"), form.first("state"), form.raw("other")), (Some(""), None, None));
        assert_eq!(form.raw("x"), Some(""));
    }
}
