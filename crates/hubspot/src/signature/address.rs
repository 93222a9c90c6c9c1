//! The address as version 3 signs it.

use std::borrow::Cow;

/// An address with twelve escapes decoded, once, and no others: `%20`, `%26` and `%25` stay.
pub(super) fn decoded(url: &str) -> Cow<'_, str> {
    let Some(first) = url.find('%') else { return Cow::Borrowed(url) };
    let (mut out, mut rest) = (String::with_capacity(url.len()), url);
    let mut next = Some(first);
    while let Some(place) = next {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        let (taken, left) = match from.get(1..3).and_then(meaning) {
            Some(meaning) => (meaning, from.get(3..)),
            None => ('%', from.get(1..)),
        };
        out.push(taken);
        rest = left.unwrap_or_default();
        next = rest.find('%');
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn meaning(code: &str) -> Option<char> {
    Some(match code.to_ascii_uppercase().as_str() {
        "3A" => ':',
        "2F" => '/',
        "3F" => '?',
        "40" => '@',
        "21" => '!',
        "24" => '$',
        "27" => '\'',
        "28" => '(',
        "29" => ')',
        "2A" => '*',
        "2C" => ',',
        "3B" => ';',
        _ => return None,
    })
}
