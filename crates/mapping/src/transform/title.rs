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
    let letters = lower.chars().count();
    let mut next_is_first = true;
    let mut written = 0;
    for (index, c) in lower.chars().enumerate() {
        // `o'reilly` and `d'angelo` go on with a capital, `james's` does not. What counts is what stands there in the
        // end: a letter that becomes several (`ﬀ`) is not one letter before the apostrophe.
        let apostrophe = matches!(c, '\'' | '’') && written <= 1 && letters - index > 2;
        if next_is_first && c.is_alphabetic() {
            // Of a letter that becomes several (`ﬀ`, `ß`), the first alone is a capital.
            let mut capital = c.to_uppercase();
            written += capital.len();
            out.extend(capital.next());
            out.extend(capital.flat_map(char::to_lowercase));
            next_is_first = false;
        } else {
            written += 1;
            out.push(c);
        }
        if c == '-' || c == '.' || apostrophe {
            next_is_first = true;
        }
    }
}
