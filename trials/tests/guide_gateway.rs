//! What the gateway's guide tells a stranger to type, typed: the configuration, the server, and a program of each client.

use std::fs;
use std::path::Path;
use std::process::Command;

use linchpin_trials::binary;
use linchpin_trials::clients::{Client, Platform};
use linchpin_trials::simulator::{Simulator, TOKEN};
use linchpin_trials::workplace::Workplace;

/// Calls that a hundred reads and a page may cost: one, some that were not full, and the list of properties.
const CALLS_MAX: u64 = 40;

/// The blocks of one language in the section that a stranger follows, in order.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let (_, rest) = guide.split_once("\n## Try it without an account\n").expect("the guide has the section");
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let all = section.split("```").skip(1).step_by(2);
    all.filter_map(|block| block.strip_prefix(&format!("{language}\n"))).map(str::to_owned).collect()
}

fn shell(command: &str) -> String {
    let done = Command::new("sh").args(["-c", command]).output().expect("a shell runs");
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// The simulator and the server of the guide's first block, and the server's address.
fn started(typed: &str) -> (Simulator, Workplace, binary::Running, String) {
    let (begin, rest) = typed.split_once("cat > linchpin.yaml <<'END'\n").expect("a configuration is written");
    let (config, serve) = rest.split_once("END\n").expect("the configuration ends");
    assert_eq!(serve, "linchpin serve\n");
    let (sim, seed) = begin.split_once('\n').expect("two commands");
    let flags = sim.strip_prefix("linchpin sim --token pat-test-1 ").and_then(|rest| rest.strip_suffix(" &"));
    let flags: Vec<&str> = flags.expect("it begins with the simulator").split(' ').collect();
    let simulator = Simulator::start(&flags);
    let here = |text: &str| text.replace("http://127.0.0.1:4010", simulator.base()).replace("pat-test-1", TOKEN);
    shell(&here(seed));
    let place = Workplace::new();
    place.write_config(&here(config));
    let (process, base) = place.serve(&["--listen", "127.0.0.1:0"]);
    (simulator, place, process, base)
}

#[test]
fn the_guide_works_as_it_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/gateway.md");
    let guide = fs::read_to_string(path).expect("the guide is there");
    assert!(guide.starts_with("# Put Linchpin in front of your HubSpot SDK\n"));
    let typed = blocks(&guide, "sh");
    assert_eq!(typed.len(), 2, "two blocks of commands");
    let (simulator, _place, _process, base) = started(&typed[0]);
    let here = |text: &str| text.replace("http://127.0.0.1:4000", &base);
    assert!(shell(&here(&typed[1])).contains("\"results\":["), "the first call is answered");
    let records = simulator.dump("contacts");
    let clients = [("node", Platform::Node, "js"), ("python", Platform::Python, "python")];
    for (name, platform, language) in clients {
        simulator.forget_calls();
        let code = blocks(&guide, language);
        assert_eq!(code.len(), 1, "one program in {language}");
        let ended = Client { name, platform }.run_snippet(&here(&code[0])).with_code(0);
        let told = ended.out.trim().strip_prefix("100 contacts, the first is ").unwrap_or_default().to_owned();
        let known = records.iter().any(|record| record.properties.get("email") == Some(&told));
        assert!(known, "{language} says {:?}; err: {}", ended.out, ended.err);
        let calls = simulator.requests();
        println!("figure: {language}: calls for a page and a hundred reads = {calls}");
        assert!(calls <= CALLS_MAX, "{language}: {calls} calls");
        assert_eq!(simulator.rate_limited(), 0);
    }
}
