//! The words of a text, as far as two answers may differ in them: numbers, UUIDs and times.

/// A piece of a text; all pieces in order are the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// Digits that stand by themselves.
    Number(&'a str),
    /// A UUID.
    Uuid(&'a str),
    /// A moment: `2026-11-21T08:14:26.285Z`.
    Time(&'a str),
    /// Anything else.
    Other(&'a str),
}

/// Takes a text apart.
pub(super) fn of(text: &str) -> Vec<Word<'_>> {
    let (mut words, mut rest) = (Vec::new(), text);
    let mut before = false;
    while !rest.is_empty() {
        let (size, word): (usize, fn(&str) -> Word<'_>) =
            match (before, time(rest), uuid(rest), day(rest), digits(rest)) {
                (false, Some(size), ..) => (size, |part| Word::Time(part)),
                (false, _, Some(size), ..) => (size, |part| Word::Uuid(part)),
                (false, _, _, Some(size), _) => (size, |part| Word::Other(part)),
                (false, .., Some(size)) => (size, |part| Word::Number(part)),
                _ => (other(rest), |part| Word::Other(part)),
            };
        let (part, left) = rest.split_at_checked(size).unwrap_or((rest, ""));
        before = part.chars().next_back().is_some_and(is_of_a_name);
        words.push(word(part));
        rest = left;
    }
    words
}

/// Whether digits beside the character are part of a name rather than a number.
fn is_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// How long the word is that is none of the others: up to the next place where one may begin.
fn other(text: &str) -> usize {
    let mut characters = text.char_indices();
    let Some((_, first)) = characters.next() else { return 0 };
    let named = is_of_a_name(first);
    characters.find(|(_, character)| is_of_a_name(*character) != named).map_or(text.len(), |(at, _)| at)
}

/// The length of a pattern at the beginning: `0` stands for a digit, `x` for one of sixteen, others for themselves.
fn pattern(text: &str, pattern: &str) -> Option<usize> {
    let mut bytes = text.bytes();
    let fits = pattern.bytes().all(|wanted| {
        bytes.next().is_some_and(|byte| match wanted {
            b'0' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_hexdigit(),
            other => byte == other,
        })
    });
    let ends = bytes.next().is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_');
    (fits && ends).then_some(pattern.len())
}

fn time(text: &str) -> Option<usize> {
    let forms =
        ["0000-00-00T00:00:00Z", "0000-00-00T00:00:00.0Z", "0000-00-00T00:00:00.00Z", "0000-00-00T00:00:00.000Z"];
    forms.into_iter().find_map(|form| pattern(text, form))
}

/// A day, and the version of a path (`2026-03`): their year is no number, or the record with that id could not be
/// another one in the other world.
fn day(text: &str) -> Option<usize> {
    ["2000-00-00", "2000-00"].into_iter().find_map(|form| pattern(text, form))
}

fn uuid(text: &str) -> Option<usize> {
    pattern(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
}

fn digits(text: &str) -> Option<usize> {
    let size = text.bytes().take_while(u8::is_ascii_digit).count();
    let next = text.get(size..).and_then(|rest| rest.chars().next());
    (size > 0 && !next.is_some_and(is_of_a_name)).then_some(size)
}

/// Whether two moments, written out or in milliseconds since 1970, lie close together.
pub(super) fn are_close(one: &str, other: &str, apart_ms_max: i64) -> bool {
    let both = millis(one).zip(millis(other));
    both.is_some_and(|(one, other)| one.abs_diff(other) <= apart_ms_max.unsigned_abs())
}

fn millis(text: &str) -> Option<i64> {
    if let Ok(millis) = text.parse() {
        return Some(millis);
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let fraction = text.get(19..)?.trim_start_matches('.').trim_end_matches('Z');
    let thousandths = if fraction.is_empty() { 0 } else { format!("{fraction:0<3}").parse().ok()? };
    // Days from the first of March of the year 0 (the civil calendar), so that the leap day is a year's last.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day - 1;
    let seconds = days * 86_400 + part(11, 13)? * 3_600 + part(14, 16)? * 60 + part(17, 19)?;
    Some((seconds - 719_468 * 86_400) * 1_000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_all_its_words() {
        let text = "x 12 c_7a_3 0-1/1022, 2026-11-21T08:14:26.285Z é01a1fd2b-c3ed-715d-98c3-5cad32db8292 \
                    01a1fd2b-c3ed-715d-98c3-5cad32db8292?";
        let words = of(text);
        let part = |word: &Word<'_>| match *word {
            Word::Number(part) | Word::Uuid(part) | Word::Time(part) | Word::Other(part) => part.to_owned(),
        };
        assert_eq!(words.iter().map(part).collect::<String>(), text);
        let numbers: Vec<&Word<'_>> = words.iter().filter(|word| matches!(word, Word::Number(_))).collect();
        assert_eq!(numbers, [&Word::Number("12"), &Word::Number("0"), &Word::Number("1"), &Word::Number("1022")]);
        assert_eq!(words.iter().filter(|word| matches!(word, Word::Time(_))).count(), 1);
        assert_eq!(words.iter().filter(|word| matches!(word, Word::Uuid(_))).count(), 1);
    }

    #[test]
    fn the_year_of_a_version_and_of_a_day_is_no_number() {
        let words = of("/crm/objects/2026-03/companies/2026?on=2026-11-21");
        let numbers: Vec<&Word<'_>> = words.iter().filter(|word| matches!(word, Word::Number(_))).collect();
        assert_eq!(numbers, [&Word::Number("2026")]);
        assert!(words.contains(&Word::Other("2026-03")) && words.contains(&Word::Other("2026-11-21")), "{words:?}");
    }

    #[test]
    fn moments_are_read_in_both_forms() {
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2026-11-21T08:14:26.285Z"), Some(1_795_248_866_285));
        assert_eq!(millis("2024-02-29T12:00:00.5Z"), Some(1_709_208_000_500));
        assert!(are_close("1795248866285", "2026-11-21T08:14:26.285Z", 0));
        assert!(!are_close("2026-11-21T08:14:26.285Z", "2026-11-21T08:14:26.286Z", 0));
    }
}
