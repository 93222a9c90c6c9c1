//! Title case for names of people and places.
//!
//! Words that are mixed case already (`McDonald`, `deVries`) were typed with care and stay.

/// Particles that stay in lower case inside a name: `Johannes van der Berg`, but `Van Dyke` at the start.
const PARTICLES: [&str; 24] = [
    "af", "al", "av", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "e", "el", "la",
    "le", "ten", "ter", "van", "von", "y",
];

/// Gives each word of a name a capital, with apostrophes (`O'Reilly`, `D'Angelo`), hyphens (`Anne-Marie`) and
/// particles (`van der Berg`).
pub fn title_case(text: &str) -> String {
    let shouting = !text.chars().any(char::is_lowercase);
    let mut out = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        let lower = word.to_lowercase();
        if index > 0 && PARTICLES.contains(&lower.as_str()) {
            out.push_str(&lower);
        } else if !shouting && is_mixed(word) {
            out.push_str(word);
        } else {
            capitalize(&lower, &mut out);
        }
    }
    out
}

/// A capital after a small letter: a spelling that somebody chose.
fn is_mixed(word: &str) -> bool {
    let mut small_before = false;
    for c in word.chars() {
        if small_before && c.is_uppercase() {
            return true;
        }
        small_before = c.is_lowercase();
    }
    false
}

fn capitalize(lower: &str, out: &mut String) {
    let characters: Vec<char> = lower.chars().collect();
    let mut next_is_first = true;
    for (index, c) in characters.iter().enumerate() {
        if next_is_first && c.is_alphabetic() {
            out.extend(c.to_uppercase());
            next_is_first = false;
        } else {
            out.push(*c);
        }
        let letters_left = characters.len() - index - 1;
        // `o'reilly` and `d'angelo` go on with a capital, `james's` does not.
        let apostrophe = matches!(c, '\'' | '’') && index <= 1 && letters_left > 1;
        if *c == '-' || *c == '.' || apostrophe {
            next_is_first = true;
        }
    }
}
