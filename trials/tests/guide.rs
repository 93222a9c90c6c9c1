//! What the simulator's guide tells a stranger to type, typed.
//!
//! Every `sh` block of the guide runs as it stands there, section by section, against a simulator on another port. A
//! block of one line that starts a simulator says with which flags; a section without one has a plain simulator. Blocks
//! that are named behind their language (`json start.json`) are the files that the commands read. What is not for this
//! test, as it needs a package registry or minutes, stands in `text` blocks.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use linchpin_trials::simulator::{Simulator, TOKEN};

/// What starts a simulator in the guide.
const START: &str = "linchpin sim --token pat-test-1";

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/simulator.md");
    fs::read_to_string(path).expect("the guide is there")
}

/// One simulator, and what is typed while it runs.
#[derive(Debug)]
struct Act {
    /// The heading of its section.
    section: String,
    /// What stands behind the token where it is started.
    flags: Vec<String>,
    script: String,
}

/// The fenced blocks of a section: what stands behind the fence, and the text.
fn blocks(section: &str) -> impl Iterator<Item = (&str, &str)> {
    section.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

fn acts(guide: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    for section in guide.split("\n## ").skip(1) {
        let (name, text) = section.split_once('\n').expect("a heading stands on a line of its own");
        let act = |flags: &str| Act {
            section: name.to_owned(),
            flags: flags.split_whitespace().map(str::to_owned).collect(),
            script: String::new(),
        };
        let from = acts.len();
        for (_, text) in blocks(text).filter(|(language, _)| *language == "sh") {
            match text.strip_prefix(START).and_then(|flags| flags.strip_suffix('\n')) {
                Some(flags) => acts.push(act(flags)),
                None if acts.len() == from => acts.push(Act { script: text.to_owned(), ..act("") }),
                None => acts.last_mut().expect("one was pushed").script.push_str(text),
            }
        }
    }
    acts
}

/// Plays an act in a folder with the guide's files; what it wrote on both outputs.
fn play(act: &Act, guide: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it has one").port();
    let here = |text: &str| text.replace("127.0.0.1:9000", &format!("127.0.0.1:{receiver}"));
    for (language, text) in blocks(guide) {
        if let Some((_, file)) = language.split_once(' ') {
            let text = here(text).replace("\", 9000)", &format!("\", {receiver})"));
            fs::write(folder.path().join(file), text).expect("a file can be written");
        }
    }
    let in_folder = |flag: &String| match flag.strip_prefix("--") {
        None if flag.contains('.') => folder.path().join(flag).to_string_lossy().into_owned(),
        _ => flag.clone(),
    };
    let flags: Vec<String> = act.flags.iter().map(in_folder).collect();
    let simulator = Simulator::start(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, port) = simulator.base().rsplit_once(':').expect("an address has a port");
    let script = here(&act.script).replace(":4010", &format!(":{port}")).replace("pat-test-1", TOKEN);
    let script = format!("set -eu\nexec 2>&1\n{script}");
    let done = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().expect("a shell runs");
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{}: {told}\n{}", act.section, String::from_utf8_lossy(&done.stderr));
    told
}

/// What the commands of a section must show.
const SHOWN: &[(&str, &[&str])] = &[
    ("Start it", &["401 Unauthorized"]),
    ("Fill it", &["\"contacts\":1000", "\"objectType\":\"companies\""]),
    ("Limits", &["x-hubspot-ratelimit-max: 250", " 200", " 429", "\"limit\":250"]),
    (
        "Faults",
        &[
            "502 Bad Gateway",
            "423 Locked",
            "<html>down</html>",
            "TEN_SECONDLY_ROLLING",
            "500 Internal Server Error",
            "504 Gateway Timeout",
            "Empty reply from server",
            "\"Alpha\"",
            "\"Beta\"",
            "\"Gamma\"",
            "\"faults\":[]",
        ],
    ),
    ("Time, lag and dice", &["\"total\":1", "\"restored\""]),
    ("Keep it in a file", &["account.snapshot"]),
    ("Webhooks", &["signed well", "contact.creation", "\"fate\":\"delivered\"", "\"left\"", "\"targetUrl\""]),
    ("The webhooks journal", &["/_journal/"]),
    ("OAuth", &["200 OK", "\"grants\":[]"]),
    ("Behind TLS, and programs with a fixed host", &["\"results\":[]"]),
    ("The account's rules", &["\"changed\":true", "\"userEnforcedMaxToObjectIds\":5"]),
    ("Lists, users and the account", &["recordsIdsAdded"]),
    ("Paths from before version 3", &["\"has-more\"", "\"type\":\"NOTE\""]),
];

/// The sections that show what refused calls look like.
const REFUSED: &[&str] = &["Start it", "Faults"];

#[test]
fn every_command_of_the_guide_works_as_it_is_written() {
    let guide = guide();
    let mut told = BTreeMap::<String, String>::new();
    for act in acts(&guide).iter().filter(|act| act.section != "In five minutes") {
        let said = play(act, &guide);
        told.entry(act.section.clone()).or_default().push_str(&said);
    }
    let sections: Vec<&str> = told.keys().map(String::as_str).collect();
    let mut expected: Vec<&str> = SHOWN.iter().map(|(section, _)| *section).collect();
    expected.sort_unstable();
    assert_eq!(sections, expected, "every section with commands is in the table");
    for (section, words) in SHOWN {
        let said = &told[*section];
        for word in *words {
            assert!(said.contains(word), "{section} does not show {word}: {said}");
        }
        assert!(!said.contains("{\"error\":"), "{section}: a control call is refused: {said}");
        assert_eq!(said.contains("\"status\":\"error\""), REFUSED.contains(section), "{section}: {said}");
    }
}

#[test]
fn five_minutes_of_the_guide_work_as_they_are_written() {
    let guide = guide();
    let acts = acts(&guide);
    assert_eq!((acts[0].section.as_str(), acts[0].flags.len()), ("In five minutes", 0), "it begins with the start");
    let simulator = Simulator::start(&[]);
    let mut told = Vec::new();
    for command in acts[0].script.replace("\\\n", " ").lines() {
        let command = command.replace("http://127.0.0.1:4010", simulator.base()).replace("pat-test-1", TOKEN);
        let done = Command::new("sh").args(["-c", &command]).output().expect("a shell runs");
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        told.push(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let all = told.join("\n");
    assert!(told.iter().any(|one| one.contains("503 Service Unavailable")), "the fault struck: {all}");
    let limited = told.iter().find(|one| one.contains(" 429")).expect("the limit was met");
    assert!(limited.contains(" 200"), "but not by the first call: {limited}");
    assert!(!all.contains("\"error\":"), "no control call is refused: {all}");
    assert_eq!(simulator.ledger().0.len(), 203, "and every call is in the ledger");
    assert!(simulator.dump("contacts").len() > 100, "Ada is among the made-up people");
}
