//! Inputs gone wrong: a seed decides which piece of a corpus is taken, and what becomes of it. First with its structure
//! kept, where it is JSON, then byte by byte.

use serde_json::{Value, json};

use crate::deliveries::Dice;

/// What breaks readers: limits of numbers, halves of characters, ends of texts and of structures.
const WORDS: [&[u8]; 36] = [
    b"",
    b"0",
    b"-0",
    b"-1",
    b"1e308",
    b"1e-999",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"NaN",
    b"null",
    b"true",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"%",
    b"%2",
    b"%2540",
    b"%2F",
    "\u{1f980}".as_bytes(),
    b"../",
    b"&a",
    b"*a",
    b"{{",
];

/// A mutated input: a piece of the corpus, changed up to a few times; now and then as it stands.
///
/// # Panics
/// If the corpus is empty.
pub fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.pick(corpus).clone();
    if dice.once_in(2) {
        bytes = with_a_node_changed(&bytes, dice).unwrap_or(bytes);
    }
    for _ in 0..dice.roll(6) {
        let other = dice.pick(corpus);
        mangle(&mut bytes, other, dice);
    }
    bytes
}

fn mangle(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let place = dice.place(bytes.len() + 1);
    let end = (place + dice.place(40)).min(bytes.len());
    match dice.roll(8) {
        0 => bytes.truncate(place),
        1 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << dice.roll(8);
            }
        }
        2 => drop(bytes.drain(place..end)),
        3 => {
            let again = bytes.get(place..end).unwrap_or_default().repeat(1 + dice.place(20));
            drop(bytes.splice(place..place, again));
        }
        4 => {
            let from = dice.place(other.len() + 1);
            drop(bytes.splice(place..end, other.get(from..).unwrap_or_default().iter().copied()));
        }
        5 => {
            let byte = u8::try_from(dice.roll(256)).unwrap_or_default();
            bytes.insert(place, byte);
        }
        6 => {
            // Deep, or long.
            let word = *dice.pick(&WORDS);
            drop(bytes.splice(place..place, word.repeat(1 + dice.place(300))));
        }
        _ => drop(bytes.splice(place..end, dice.pick(&WORDS).iter().copied())),
    }
}

fn with_a_node_changed(bytes: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(bytes).ok()?;
    let mut left = dice.place(count(&value));
    change(&mut value, &mut left, dice);
    serde_json::to_vec(&value).ok()
}

fn count(node: &Value) -> usize {
    1 + children(node).into_iter().map(count).sum::<usize>()
}

fn children(node: &Value) -> Vec<&Value> {
    match node {
        Value::Array(entries) => entries.iter().collect(),
        Value::Object(entries) => entries.values().collect(),
        _ => Vec::new(),
    }
}

/// Changes the node that comes after `left` others; whether it is done.
fn change(node: &mut Value, left: &mut usize, dice: &mut Dice) -> bool {
    if *left == 0 {
        *node = other_value(node, dice);
        return true;
    }
    *left -= 1;
    match node {
        Value::Array(entries) => entries.iter_mut().any(|child| change(child, left, dice)),
        Value::Object(entries) => entries.values_mut().any(|child| change(child, left, dice)),
        _ => false,
    }
}

fn other_value(node: &Value, dice: &mut Dice) -> Value {
    match dice.roll(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(i64::MIN),
        3 => json!(u64::MAX),
        4 => json!(-0.5e300),
        5 => json!({}),
        6 => (0..dice.roll(200)).fold(json!(1), |inner, _| json!([inner])),
        7 => json!("x".repeat(dice.place(5_000))),
        8 => json!(String::from_utf8_lossy(dice.pick::<&[u8]>(&WORDS))),
        9 => json!(node.to_string()),
        10 => Value::from(vec![node.clone(); dice.place(150)]),
        _ => node.as_array().map_or(json!(0), |entries| json!(entries.iter().skip(1).collect::<Vec<_>>())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_most_inputs_differ_from_the_corpus() {
        let corpus = vec![b"[{\"a\":[1,2,{\"b\":null}]}]".to_vec(), b"a,b\n1,2\n".to_vec()];
        let all = |seed| {
            let mut dice = Dice::new(seed);
            (0..200).map(|_| mutated(&corpus, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(all(3), all(3));
        assert!(all(3).iter().filter(|input| !corpus.contains(input)).count() > 150);
    }
}
