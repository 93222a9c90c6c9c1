//! What reads bytes from outside gets a corpus gone wrong, for a stated time: nothing panics, nothing is lost of a
//! delivery, and nothing is believed.
//!
//! What it is not: a search by coverage; that takes a compiler that is not stable. A seed repeats a run.

#![expect(clippy::disallowed_methods, reason = "it runs for a stated time")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use linchpin_core::ingress::keys::{keys, keys_of_bytes};
use linchpin_core::ingress::latest;
use linchpin_hubspot::signature::{Scheme, Signed, verify};
use linchpin_hubspot::{event, routes};
use linchpin_mapping::Catalog;
use linchpin_ports::source::{Select, Source as _};
use linchpin_sources::{CsvOptions, CsvSource, Executor, Header};
use linchpin_trials::deliveries::Dice;
use linchpin_trials::figure;
use linchpin_trials::mutate::mutated;
use linchpin_trials::parameters::parameter;

const NOW_MS: u64 = 1_767_225_605_000;
/// Rows of one reading: no input of this size has more.
const ROWS_MAX: usize = 100_000;
/// Inputs between two looks at the clock.
const ROUND: usize = 20;
/// No input of this size may take longer, in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that reads bytes; it panics, or says what is wrong.
struct Target {
    name: &'static str,
    /// Its folder below `trials/corpus`.
    corpus: &'static str,
    read: fn(&[u8]) -> Result<(), String>,
}

const TARGETS: [Target; 5] = [
    Target { name: "a delivery's events and their keys", corpus: "events", read: events },
    Target { name: "signatures and the address that they cover", corpus: "signed", read: signatures },
    Target { name: "which call a path is", corpus: "routes", read: paths },
    Target { name: "mapping files", corpus: "mappings", read: mappings },
    Target { name: "CSV files", corpus: "csv", read: csv },
];

fn ensure(condition: bool, what: &str) -> Result<(), String> {
    condition.then_some(()).ok_or_else(|| what.to_owned())
}

/// Every element is there, byte for byte and in order, and is recognised when it comes again.
fn events(body: &[u8]) -> Result<(), String> {
    let told = event::read(body);
    let elements: Result<Vec<Box<serde_json::value::RawValue>>, _> = serde_json::from_slice(body);
    match elements {
        Ok(elements) => {
            let raw: Vec<&[u8]> = elements.iter().map(|element| element.get().as_bytes()).collect();
            ensure(told.iter().map(|told| told.raw).eq(raw), "an element is lost or changed")?;
        }
        Err(_) => ensure(told.len() == 1 && told.iter().all(|told| told.raw == body), "the body is not kept")?,
    }
    for (one, again) in told.iter().zip(event::read(body)) {
        match (&one.event, &again.event) {
            (Ok(event), Ok(again)) => {
                ensure(event == again && keys(event) == keys(again), "an event is not recognised")?;
                ensure(!format!("{event:?}").contains("Known(\""), "a value is shown")?;
                drop(latest::told(event));
            }
            (Err(_), Err(_)) => ensure(keys_of_bytes(one.raw) == keys_of_bytes(again.raw), "bytes are not recognised")?,
            _ => return Err("an event is understood once only".to_owned()),
        }
    }
    Ok(())
}

/// Nobody knows the secret, so nothing is believed.
fn signatures(request: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, url) = lines.next().unwrap_or_default().split_once(' ').unwrap_or(("POST", ""));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes())) {
            headers.append(name, value);
        }
    }
    let signed = Signed { method, url, headers: &headers, body: body.as_bytes() };
    for least in [Scheme::V1, Scheme::V2, Scheme::V3] {
        let judged = verify(signed, &["a secret that nobody knows".into()], least, NOW_MS);
        ensure(judged.is_err(), "a request is believed")?;
    }
    Ok(())
}

fn paths(lines: &[u8]) -> Result<(), String> {
    for line in String::from_utf8_lossy(lines).lines() {
        let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET);
        let (one, again) = (routes::classify(&method, path), routes::classify(&method, path));
        ensure(format!("{one:?}") == format!("{again:?}"), "a path is two calls")?;
    }
    Ok(())
}

fn mappings(text: &[u8]) -> Result<(), String> {
    let Ok(file) = linchpin_mapping::parse(&String::from_utf8_lossy(text)) else { return Ok(()) };
    match linchpin_mapping::compile(&file, &Catalog::default(), None) {
        Ok(_) => Ok(()),
        Err(problems) => ensure(!problems.is_empty(), "a mapping is refused without a reason"),
    }
}

fn csv(bytes: &[u8]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("table.csv");
    fs::write(&path, bytes).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    for (delimiter, header) in [(b',', Header::First), (b';', Header::None)] {
        let options = CsvOptions { delimiter, header, ..CsvOptions::default() };
        let source = CsvSource::open("files", &path, options).map_err(|error| error.to_string())?;
        let source = source.with_executor(Executor::Inline);
        runtime.block_on(async {
            let Ok(mut reader) = source.open(&Select::Table("table".to_owned())).await else {
                return Ok::<_, String>(());
            };
            let mut rows = 0;
            loop {
                let chunk = reader.next(7).await.map_err(|error| error.to_string())?;
                rows += chunk.len();
                ensure(chunk.len() <= 7 && rows < ROWS_MAX, "a file has no end")?;
                if chunk.is_empty() {
                    return Ok(());
                }
            }
        })?;
    }
    Ok(())
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

/// The files of a corpus, by name.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder(name)).expect("the corpus is there");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the corpus can be read").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("the corpus can be read")).collect()
}

/// Why an input is a find, if it is one.
fn find(target: &Target, input: &[u8]) -> Option<String> {
    let began = Instant::now();
    let why = match catch_unwind(AssertUnwindSafe(|| (target.read)(input))) {
        Ok(Ok(())) => (began.elapsed() > PATIENCE).then(|| "it takes too long".to_owned()),
        Ok(Err(why)) => Some(why),
        Err(_) => Some("it panics".to_owned()),
    };
    why.map(|why| format!("{}: {why}: b\"{}\"", target.name, input.escape_ascii()))
}

/// Runs a target until a moment; how many inputs it took.
fn run(target: &Target, seed: u64, until: Instant) -> usize {
    let (corpus, mut dice, mut inputs) = (corpus(target.corpus), Dice::new(seed), 0);
    while Instant::now() < until {
        for _ in 0..ROUND {
            let found = find(target, &mutated(&corpus, &mut dice));
            assert_eq!(found, None, "seed {seed}, input {inputs}");
            inputs += 1;
        }
    }
    inputs
}

#[test]
fn nothing_that_reads_from_outside_breaks() {
    let (seconds, seed) = (parameter("SECONDS", 10_u32), parameter("SEED", 1));
    figure("seconds", seconds);
    figure("seed", seed);
    let each = Duration::from_secs(u64::from(seconds)) / u32::try_from(TARGETS.len()).expect("a few");
    for target in &TARGETS {
        let inputs = run(target, seed, Instant::now() + each);
        figure(&format!("inputs: {}", target.name), inputs);
        assert!(inputs > 0);
    }
    figure("finds", 0);
}

#[test]
fn the_corpus_is_read_as_it_stands() {
    for target in &TARGETS {
        let corpus = corpus(target.corpus);
        assert!(!corpus.is_empty(), "{}", target.name);
        for input in &corpus {
            assert_eq!(find(target, input), None);
        }
    }
    let understood = |input: &Vec<u8>| event::read(input).iter().filter(|told| told.event.is_ok()).count();
    assert_eq!(corpus("events").iter().map(understood).sum::<usize>(), 7);
    let parsed = corpus("mappings").iter().all(|text| linchpin_mapping::parse(&String::from_utf8_lossy(text)).is_ok());
    assert!(parsed, "the mapping files of the corpus are good ones");
}

#[test]
fn a_reader_that_breaks_is_found() {
    let fragile = |input: &[u8]| ensure(input.first() == Some(&b'['), "not a list");
    let target = Target { name: "fragile", corpus: "events", read: fragile };
    let (corpus, mut dice) = (corpus("events"), Dice::new(1));
    assert!(
        (0..500).any(|_| find(&target, &mutated(&corpus, &mut dice)).is_some_and(|why| why.contains("not a list")))
    );
    let panics = Target { read: |input| Err(input[input.len()..=input.len()].escape_ascii().to_string()), ..target };
    assert!(find(&panics, b"x").is_some_and(|why| why.contains("it panics")));
}
