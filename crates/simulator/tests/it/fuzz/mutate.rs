//! Requests gone wrong: first with their structure kept, then byte by byte. A seed decides everything.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use linchpin_simulator::wire::ApiRequest;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use serde_json::{Map, Value, json};

use crate::TOKEN;

/// Our own requests.
const CORPUS: &str = include_str!("corpus.http");

/// One request in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// The corpus, each request as it is sent by a careful client.
pub(super) fn corpus() -> Vec<Draft> {
    CORPUS.split("### ").filter(|part| !part.trim().is_empty()).map(read).collect()
}

fn read(part: &str) -> Draft {
    let (_, request) = part.split_once('\n').expect("a name stands on a line of its own");
    let (line, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let (method, target) = line.trim().split_once(' ').expect("a method and a target");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let kind = if body.starts_with("grant_type") { "application/x-www-form-urlencoded" } else { "application/json" };
    Draft {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: vec![
            ("authorization".to_owned(), format!("Bearer {TOKEN}").into_bytes()),
            ("content-type".to_owned(), kind.as_bytes().to_vec()),
            ("host".to_owned(), b"localhost".to_vec()),
        ],
        body: body.trim_end().as_bytes().to_vec(),
    }
}

/// Where changes come from.
pub(super) struct Mutator {
    pub(super) dice: ChaCha8Rng,
    corpus: Vec<Draft>,
    words: Vec<String>,
}

const ODD_WORDS: &[&str] = &[
    "0",
    "-1",
    "1003",
    "18446744073709551615",
    "99999999999999999999999",
    "9223372036854775808",
    "%00",
    "%zz",
    "%",
    "..",
    ".",
    "%2e%2e%2f",
    "",
    " ",
    "zo\u{eb}",
    "\u{1f980}",
    "%f0%9f%a6",
    "null",
    "0-1",
    "2-0",
    "p_machine",
    "p48151623_machine",
    "contacts",
    "COMPANY",
    "v3",
    "v4",
    "2026-03",
    "2026-09-beta",
    "batch",
    "search",
    "true",
    "1e308",
    "NaN",
    "__proto__",
    "properties",
    "associations",
    "ada@x.test",
    "*",
    "'",
    "\\",
    "\"",
    "{}",
    "[]",
    "#",
];

impl Mutator {
    pub(super) fn new(dice: ChaCha8Rng) -> Self {
        let corpus = corpus();
        let mut words: Vec<String> = ODD_WORDS.iter().map(|word| (*word).to_owned()).collect();
        for draft in &corpus {
            words.extend(draft.path.split('/').map(str::to_owned));
        }
        Self { dice, corpus, words }
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).expect("a usize fits");
        usize::try_from(self.dice.next_u64() % bound).expect("it is below a usize")
    }

    fn word(&mut self) -> String {
        match self.below(40) {
            0 => "a".repeat(1 + self.below(20_000)),
            1 => char::from_u32(u32::try_from(self.below(0x11_0000)).expect("small")).unwrap_or('?').to_string(),
            _ => {
                let place = self.below(self.words.len());
                self.words[place].clone()
            }
        }
    }

    /// A request of the corpus with some changes, sometimes none.
    pub(super) fn draft(&mut self) -> Draft {
        let place = self.below(self.corpus.len());
        let mut draft = self.corpus[place].clone();
        for _ in 0..self.below(5) {
            match self.below(12) {
                0..=2 => self.change_path(&mut draft),
                3 | 4 => self.change_query(&mut draft),
                5..=8 => self.change_json(&mut draft),
                9 => self.change_headers(&mut draft),
                10 => self.mangle(&mut draft.body),
                _ => draft.method = self.method(),
            }
        }
        draft
    }

    fn method(&mut self) -> String {
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"];
        let place = self.below(methods.len());
        methods[place].to_owned()
    }

    fn change_path(&mut self, draft: &mut Draft) {
        let mut segments: Vec<String> = draft.path.split('/').map(str::to_owned).collect();
        let place = self.below(segments.len());
        match self.below(5) {
            0 => drop(segments.remove(place)),
            1 => {
                let word = self.word();
                segments.insert(place, word);
            }
            2 => segments.truncate(place),
            _ => segments[place] = self.word(),
        }
        draft.path = segments.join("/");
        if !draft.path.starts_with('/') {
            draft.path.insert(0, '/');
        }
    }

    fn change_query(&mut self, draft: &mut Draft) {
        let names = [
            "limit",
            "after",
            "properties",
            "propertiesWithHistory",
            "associations",
            "archived",
            "idProperty",
            "email",
            "count",
            "offset",
            "listId",
            "scope",
            "state",
            "redirect_uri",
            "purge",
        ];
        let name = names[self.below(names.len())];
        let value = self.word();
        match self.below(4) {
            0 => draft.query.clear(),
            1 => draft.query = value,
            _ => {
                draft.query.push('&');
                draft.query.push_str(&[name, "=", &value].concat());
            }
        }
    }

    fn change_headers(&mut self, draft: &mut Draft) {
        let value = self.word().into_bytes();
        match self.below(6) {
            0 => drop(draft.headers.remove(0)),
            1 => draft.headers[0].1 = [b"Bearer ".as_slice(), &value].concat(),
            2 => draft.headers.push(("host".to_owned(), value)),
            3 => draft.headers.push(("x-forwarded-proto".to_owned(), value)),
            4 => draft.headers.push(("content-type".to_owned(), value)),
            _ => draft.headers.push(("accept".to_owned(), vec![0xff, b'a'])),
        }
        if draft.headers.is_empty() {
            draft.headers.push(("authorization".to_owned(), Vec::new()));
        }
    }

    fn change_json(&mut self, draft: &mut Draft) {
        let Ok(mut body) = serde_json::from_slice::<Value>(&draft.body) else { return };
        let nodes = count(&body);
        let mut left = self.below(nodes);
        self.change_node(&mut body, &mut left);
        draft.body = body.to_string().into_bytes();
    }

    fn change_node(&mut self, node: &mut Value, left: &mut usize) {
        if *left == 0 {
            *left = usize::MAX;
            return self.change_here(node);
        }
        *left -= 1;
        let children: Vec<&mut Value> = match node {
            Value::Array(entries) => entries.iter_mut().collect(),
            Value::Object(entries) => entries.values_mut().collect(),
            _ => Vec::new(),
        };
        for child in children {
            self.change_node(child, left);
            if *left == usize::MAX {
                return;
            }
        }
    }

    fn change_here(&mut self, node: &mut Value) {
        match node {
            Value::Array(entries) if self.below(2) == 0 => {
                let copies = 1 + self.below(120);
                let all: Vec<Value> =
                    entries.iter().cycle().take(entries.len() * copies).take(2_500).cloned().collect();
                *entries = all;
            }
            Value::Object(entries) if self.below(3) > 0 => self.change_object(entries),
            _ => *node = self.value(),
        }
    }

    fn change_object(&mut self, entries: &mut Map<String, Value>) {
        let names: Vec<String> = entries.keys().cloned().collect();
        let name = names.get(self.below(names.len())).cloned().unwrap_or_default();
        match self.below(3) {
            0 => drop(entries.remove(&name)),
            1 => {
                let value = entries.remove(&name).unwrap_or(Value::Null);
                let other = self.word();
                entries.insert(other, value);
            }
            _ => {
                let (other, value) = (self.word(), self.value());
                entries.insert(other, value);
            }
        }
    }

    fn value(&mut self) -> Value {
        match self.below(14) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(i64::MIN),
            3 => json!(u64::MAX),
            4 => json!(1e308),
            5 => json!(-0.0),
            6 => json!([]),
            7 => json!({}),
            8 => (0..self.below(200)).fold(json!(1), |inner, _| json!([inner])),
            9 => json!("x".repeat(self.below(70_000))),
            10 => json!(format!(";{};", self.word())),
            _ => json!(self.word()),
        }
    }

    /// Changes bytes without regard to what they mean.
    pub(super) fn mangle(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(6) {
            let place = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(place),
                1 => {
                    let byte = u8::try_from(self.below(256)).expect("it is a byte");
                    bytes.insert(place, byte);
                }
                2 if place < bytes.len() => bytes[place] ^= 1 << self.below(8),
                3 if place < bytes.len() => drop(bytes.remove(place)),
                4 => {
                    let end = (place + self.below(40)).min(bytes.len());
                    let again = bytes[place..end].to_vec();
                    bytes.splice(place..place, again);
                }
                _ => {
                    let word = self.word().into_bytes();
                    bytes.splice(place..place, word);
                }
            }
        }
    }
}

fn count(node: &Value) -> usize {
    1 + match node {
        Value::Array(entries) => entries.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

impl Draft {
    /// The request as the hub takes it; headers that are none are left out.
    pub(super) fn request(&self) -> ApiRequest {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        ApiRequest {
            method: Method::from_bytes(self.method.as_bytes()).unwrap_or(Method::GET),
            path: self.path.clone(),
            query: self.query.clone(),
            headers,
            body: Bytes::from(self.body.clone()),
        }
    }

    /// The request as it goes over a connection, as wrong as it is.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {}", self.method, self.path).into_bytes();
        if !self.query.is_empty() {
            bytes.push(b'?');
            bytes.extend_from_slice(self.query.as_bytes());
        }
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
