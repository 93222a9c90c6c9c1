//! Our verifier beside the helper of HubSpot's own Node client, on collected vectors and on generated requests: they
//! say the same but where HubSpot's guide and its helper differ, and there we keep to the guide. Each way to differ has
//! a name here and a line in `docs/guides/webhooks.md`.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Command;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use linchpin_hubspot::signature::{Scheme, Signed, verify};
use linchpin_trials::binary::Running;
use linchpin_trials::clients::{Client, Platform};
use linchpin_trials::deliveries::sign;
use linchpin_trials::deliveries::{Dice, events};
use linchpin_trials::figure;
use linchpin_trials::parameters::{parameter, shared};
use serde::Serialize;
use serde_json::Value;

const HELPER: Client = Client { name: "signature", platform: Platform::Node };
const NOW_MS: u64 = 1_767_225_605_000;
const WINDOW_MS: u64 = 300_000;
const LIMIT: Duration = Duration::from_secs(120);

/// Where the guide and the helper differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// The guide decodes twelve escapes of the address before version 3 signs it; the helper does not.
    AddressNotDecoded,
    /// The helper takes any moment to come; we take five minutes.
    Future,
    /// The helper takes what is no number in digits (`NaN`, `1e12`, a sign, none at all) as long as it is signed.
    OddMoment,
    /// A moment without a version 3 signature: the helper is asked for what else there is; we refuse the half.
    HalfOfTheNewest,
    /// The helper reads the body as text, which bytes that are no UTF-8 do not survive.
    BodyIsNoText,
}

/// A request, as the helper's program reads it.
#[derive(Clone, Debug, Serialize)]
struct Question {
    now: u64,
    secret: String,
    method: String,
    url: String,
    /// In base64.
    body: String,
    newest: Option<String>,
    older: Option<String>,
    version: Option<String>,
    timestamp: Option<String>,
    #[serde(skip)]
    raw: Vec<u8>,
}

impl Question {
    fn new(secret: &str, method: &str, url: &str, raw: Vec<u8>, now: u64) -> Self {
        let body = sign::base64(&raw);
        let [newest, older, version, timestamp] = [const { None }; 4];
        let (secret, method, url) = (secret.to_owned(), method.to_owned(), url.to_owned());
        Self { now, secret, method, url, body, newest, older, version, timestamp, raw }
    }

    fn signed(mut self, scheme: sign::Scheme, url: &str, timestamp: &str) -> Self {
        match scheme {
            sign::Scheme::V1 => self.older = Some(sign::v1(&self.secret, &self.raw)),
            sign::Scheme::V2 => self.older = Some(sign::v2(&self.secret, &self.method, url, &self.raw)),
            sign::Scheme::V3 => {
                // The address as it is given: decoding is what the two differ about.
                let parts = [self.method.as_bytes(), url.as_bytes(), &self.raw, timestamp.as_bytes()];
                self.newest = Some(sign::hmac(&self.secret, &parts));
                self.timestamp = Some(timestamp.to_owned());
            }
        }
        if scheme != sign::Scheme::V3 {
            self.version = Some(if scheme == sign::Scheme::V1 { "v1" } else { "v2" }.to_owned());
        }
        self
    }

    /// What we say.
    fn ours(&self) -> bool {
        let mut headers = HeaderMap::new();
        let pairs = [
            (sign::SIGNATURE_V3, &self.newest),
            (sign::SIGNATURE, &self.older),
            (sign::VERSION, &self.version),
            (sign::TIMESTAMP, &self.timestamp),
        ];
        for (name, value) in pairs {
            if let Some(value) = value {
                let value = HeaderValue::from_str(value).expect("questions are made of texts that headers carry");
                headers.append(HeaderName::from_static(name), value);
            }
        }
        let signed = Signed { method: &self.method, url: &self.url, headers: &headers, body: &self.raw };
        verify(signed, &[self.secret.as_str().into()], Scheme::V1, self.now).is_ok()
    }

    /// Why the two may differ, by what the request is alone; and what we say then.
    fn difference(&self) -> Option<(Difference, bool)> {
        let plain = |text: &str| (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let body_is_text = std::str::from_utf8(&self.raw).is_ok();
        if self.newest.is_none() {
            let half = self.timestamp.is_some().then_some((Difference::HalfOfTheNewest, false));
            return half.or_else(|| (!body_is_text).then_some((Difference::BodyIsNoText, true)));
        }
        let timestamp = self.timestamp.as_deref()?;
        let Some(moment) = timestamp.parse::<u64>().ok().filter(|_| plain(timestamp)) else {
            return Some((Difference::OddMoment, false));
        };
        if moment > self.now + WINDOW_MS {
            return Some((Difference::Future, false));
        }
        if !body_is_text {
            return Some((Difference::BodyIsNoText, true));
        }
        // Which of the two believes it depends on what was signed: the decoded address is the guide's.
        let by_guide = sign::v3(&self.secret, &self.method, &self.url, &self.raw, timestamp);
        (sign::decoded(&self.url) != self.url)
            .then(|| (Difference::AddressNotDecoded, self.newest.as_deref() == Some(&by_guide)))
    }
}

/// What the helper says, in the order of the questions.
fn theirs(questions: &[Question]) -> Vec<bool> {
    let (home, folder) = (HELPER.install(), tempfile::tempdir().expect("a folder can be made"));
    let path = folder.path().join("questions");
    let lines: Vec<String> =
        questions.iter().map(|question| serde_json::to_string(question).expect("a question is JSON")).collect();
    std::fs::write(&path, lines.join("\n")).expect("the folder takes files");
    let mut command = Command::new("node");
    command.arg("main.js").current_dir(home).env_clear();
    command.stdin(File::open(path).expect("the questions are there"));
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    let ended = Running::start(command, folder.path(), "helper").wait(LIMIT).with_code(0);
    let answers: Vec<bool> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an answer is JSON"))
        .map(|answer| answer.get("valid").and_then(Value::as_bool).expect("an answer says it"))
        .collect();
    assert_eq!(answers.len(), questions.len(), "one answer to each question; err: {}", ended.err);
    answers
}

/// Compares; how often each difference was met, and how often both believed.
fn compare(questions: &[Question]) -> (BTreeMap<Difference, u64>, u64) {
    let (mut differences, mut believed) = (BTreeMap::new(), 0);
    for (question, theirs) in questions.iter().zip(theirs(questions)) {
        let ours = question.ours();
        if ours == theirs {
            believed += u64::from(ours);
            continue;
        }
        let explained = question.difference();
        let fits = explained.filter(|(_, guide)| *guide == ours);
        assert!(fits.is_some(), "ours: {ours}, theirs: {theirs}, explained by {explained:?}: {question:?}");
        if let Some((difference, _)) = fits {
            *differences.entry(difference).or_default() += 1;
        }
    }
    (differences, believed)
}

const TARGETS: [&str; 9] = [
    "/hs/webhooks",
    "/hs/card?portalId=48151623&associatedObjectId=901",
    "/hs/card?email=a%40b.test&path=%2Fx%2fy%3A1&note=two%20words",
    "/hs/card?email=a@b.test&path=/x/y:1&note=two%20words",
    "/zo%C3%AB/zoë?q=%26%3D%25%2B",
    "/p?twice=%2540&broken=%4&end=%",
    "/p?all=%21%24%27%28%29%2A%2C%3B%3F",
    "/p?q=日本語&x=🦀",
    "/",
];

const BODIES: [&[u8]; 7] = [
    b"",
    b"[]",
    "{\"note\":\"Zo\u{eb} & S\u{f8}n \u{2014} 10 \u{20ac}\"}".as_bytes(),
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf[]",
    b"{'example_field':'example_value'}",
    "\u{1f980}\r\n\0".as_bytes(),
];

const ODD_MOMENTS: [&str; 9] = [
    "",
    "NaN",
    "now",
    "1.767225605e12",
    "+1767225605000",
    "1767225605000.0",
    "0x19b7739f288",
    "-1",
    "1767225605000000",
];

fn question(dice: &mut Dice) -> Question {
    let secrets = ["3f2a9c1e-7b4d-4c8e-9a10-5d6e7f809123", "s", "zo\u{eb}"];
    let methods = ["POST", "POST", "GET", "PUT", "DELETE"];
    let url = format!("https://gw.example.test{}", dice.pick(&TARGETS));
    let body = if dice.once_in(2) {
        events::body(7_007, NOW_MS, &mut dice.roll(1 << 40), dice)
    } else {
        dice.pick(&BODIES).to_vec()
    };
    let moment = match dice.roll(8) {
        0 => NOW_MS - WINDOW_MS - dice.roll(3),
        1 => NOW_MS + WINDOW_MS + dice.roll(3),
        2 => NOW_MS - dice.roll(1 << 40),
        3 => NOW_MS + dice.roll(1 << 40),
        _ => NOW_MS - dice.roll(WINDOW_MS),
    };
    let timestamp = if dice.once_in(6) { (*dice.pick(&ODD_MOMENTS)).to_owned() } else { moment.to_string() };
    let scheme = *dice.pick(&[sign::Scheme::V1, sign::Scheme::V2, sign::Scheme::V3, sign::Scheme::V3]);
    let covered = if scheme == sign::Scheme::V3 && dice.once_in(2) { sign::decoded(&url) } else { url.clone() };
    let (secret, method) = (*dice.pick(&secrets), *dice.pick(&methods));
    let question = Question::new(secret, method, &url, body, NOW_MS);
    spoiled(question.signed(scheme, &covered, &timestamp), moment, dice)
}

/// Takes something away from a question, or changes it; half of them stay.
fn spoiled(mut question: Question, moment: u64, dice: &mut Dice) -> Question {
    match dice.roll(18) {
        0 => question.newest = question.newest.map(|signature| signature.to_lowercase()),
        1 => question.older = question.older.map(|signature| signature.to_uppercase()),
        2 => question.older = None,
        3 => question.version = None,
        4 => question.timestamp = None,
        5 => question.timestamp = Some(moment.to_string()),
        6 => question.version = question.version.map(|_| "v2".to_owned()),
        7 => question.version = question.version.map(|_| "v3".to_owned()),
        8 => question.secret.push('x'),
        _ => {}
    }
    question
}

/// One test, because one installation of the helper serves both.
#[test]
fn the_helper_and_we_say_the_same_but_for_what_has_a_name() {
    generated();
    vectors();
}

/// Of generated requests.
fn generated() {
    let (count, seed) = (parameter("VECTORS", 10_000), parameter("SEED", 1));
    let mut dice = Dice::new(seed);
    let questions: Vec<Question> = (0..count).map(|_| question(&mut dice)).collect();
    let (differences, believed) = compare(&questions);
    figure("seed", seed);
    figure("generated requests", count);
    figure("believed by both", believed);
    for (difference, times) in &differences {
        figure(&format!("differ: {difference:?}"), times);
    }
    let all = [
        Difference::AddressNotDecoded,
        Difference::Future,
        Difference::OddMoment,
        Difference::HalfOfTheNewest,
        Difference::BodyIsNoText,
    ];
    assert_eq!(differences.keys().copied().collect::<Vec<_>>(), all, "each difference was met");
    assert!(believed > count / 10, "{believed} of {count}");
}

/// Of the collected vectors.
fn vectors() {
    let Some(folder) = shared("the collected vectors") else { return };
    let text = std::fs::read_to_string(folder.join("hubspot/signature-vectors.json")).expect("the vectors are there");
    let file: Value = serde_json::from_str(&text).expect("the vectors are JSON");
    let list = |key: &str| file.get(key).and_then(Value::as_array).cloned().expect("a list of vectors");
    let positive = list("positive");
    let believed: Vec<Question> = positive
        .iter()
        .chain(&list("published_by_hubspot_and_reproduced"))
        .map(|vector| collected(vector, vector))
        .collect();
    let refused: Vec<Question> = list("negative")
        .iter()
        .map(|vector| {
            let of = vector
                .get("vector")
                .and_then(Value::as_u64)
                .and_then(|place| positive.get(usize::try_from(place).ok()?));
            collected(of.expect("a negative vector names another"), vector)
        })
        .collect();
    assert!(believed.len() > 10 && refused.len() > 2);
    assert!(believed.iter().all(Question::ours) && !refused.iter().any(Question::ours));
    let (differences, both) = compare(&[believed.clone(), refused].concat());
    assert_eq!(both, believed.len() as u64);
    // One of the negative ones is signed over the address as it stands on the wire.
    assert_eq!(differences, BTreeMap::from([(Difference::AddressNotDecoded, 1)]));
}

/// A vector with the signature, and the address if it has one, of another.
fn collected(vector: &Value, signature: &Value) -> Question {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let moment = vector.get("timestamp").and_then(Value::as_u64).unwrap_or(NOW_MS);
    let url = text(signature, "wire_url").or_else(|| text(vector, "url")).unwrap_or_default();
    let body = text(vector, "body").unwrap_or_default().into_bytes();
    let method = text(vector, "method").unwrap_or_else(|| "POST".to_owned());
    let mut question = Question::new(&text(vector, "secret").expect("a secret"), &method, &url, body, moment);
    let version = text(vector, "v").expect("a version");
    let signature = text(signature, "sig");
    if version == "v3" {
        (question.newest, question.timestamp) = (signature, Some(moment.to_string()));
    } else {
        (question.older, question.version) = (signature, Some(version));
    }
    question
}
