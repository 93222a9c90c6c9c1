//! What the simulator's guide tells a stranger to type, typed.
//!
//! Runs the commands of its first section, as they stand there, against a simulator on another port.

use std::fs;
use std::path::Path;
use std::process::Command;

use linchpin_trials::simulator::{Simulator, TOKEN};

/// The commands of a section's `sh` blocks, each with its continuation lines.
fn commands(guide: &str, section: &str) -> Vec<String> {
    let (_, rest) = guide.split_once(&format!("\n## {section}\n")).expect("the guide has the section");
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let blocks = section.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let joined = blocks.map(|block| block.replace("\\\n", " ")).collect::<String>();
    joined.lines().map(str::to_owned).collect()
}

#[test]
fn five_minutes_of_the_guide_work_as_they_are_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/simulator.md");
    let commands = commands(&fs::read_to_string(path).expect("the guide is there"), "In five minutes");
    assert!(commands[0].starts_with("linchpin sim --token "), "it begins with the start: {}", commands[0]);
    let simulator = Simulator::start(&[]);
    let mut told = Vec::new();
    for command in &commands[1..] {
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
