//! The long proofs and the measurements: lists of (name, command, report).
//!
//! A proof is a test of `trials` with larger numbers, handed over by the environment; those that start processes run
//! the release binary, whatever they are built with themselves. It prints figures
//! (`figure: name = value`); this module writes them to `bench/<name>.md` with what a reader needs to repeat and to
//! compare them: the command, the machine's cores, memory and compiler. No dates, host names or paths: a report that
//! changes without a reason is read by nobody.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::run::Ended;
use crate::{generate, machine, run};

/// One entry of a list.
pub(crate) struct Proof {
    /// Its name on the command line, and of its report.
    name: &'static str,
    /// The report's title.
    title: &'static str,
    /// What it proves or measures, in sentences.
    about: &'static str,
    /// The command that runs it.
    line: &'static [&'static str],
    /// Parameters that it reads from the environment.
    parameters: &'static [(&'static str, &'static str)],
    /// The parameter that `--seeds` sets, where there is one.
    seeds: Option<&'static str>,
}

/// A list of proofs with the command that runs it.
#[derive(Clone, Copy)]
pub(crate) struct List {
    command: &'static str,
    /// How the binary is built that the proofs run: what is measured is what is shipped.
    profile: &'static str,
    proofs: &'static [Proof],
}

/// The parameter that `--seconds` sets, of any proof that has it.
const SECONDS: &str = "LINCHPIN_TRIAL_SECONDS";

/// Proofs that start no process of ours, so that no binary is built for them.
const WITHOUT_BINARY: &[&str] = &["echo", "fuzz", "fuzz-ingress", "gateway", "webhooks"];

/// What the command line says in place of a proof's own numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// How many seeds.
    pub(crate) seeds: Option<u32>,
    /// How many seconds.
    pub(crate) seconds: Option<u32>,
}

/// Why writing to a string is expected to succeed.
const STRING: &str = "invariant: a string takes every write";

/// What `cargo xtask soak` runs.
pub(crate) const SOAK: List = List {
    command: "soak",
    profile: "release",
    proofs: &[
        Proof {
            name: "kill",
            title: "kill -9 at random moments of a sync",
            about: "A sync of 20,000 rows, a third of them without a unique key, is killed at random moments while the \
                    simulator loses one answer in fifty after the write has happened; each kill is followed by a \
                    resume. At the end every row and association is there once, no call was answered 429, and the \
                    repeated calls stay within what was in flight plus one checkpoint per kill.",
            line: &["cargo", "test", "--workspace", "--test", "kill", "--", "--nocapture"],
            parameters: &[("LINCHPIN_TRIAL_KILLS", "20"), ("LINCHPIN_TRIAL_ROWS", "20000")],
            seeds: Some("LINCHPIN_TRIAL_KILLS"),
        },
        Proof {
            name: "sockets",
            title: "50,000 rows over real sockets",
            about: "A first sync of 50,000 rows by the real binary against the simulator at the limits of the \
                    Professional tier, under both models of the rate window: no call is answered 429.",
            line: &["cargo", "test", "--workspace", "--test", "sockets", "--", "--nocapture"],
            parameters: &[("LINCHPIN_TRIAL_ROWS", "50000")],
            seeds: None,
        },
        Proof {
            name: "budget",
            title: "500,000 rows on the simulated clock",
            about: "A first sync of 500,000 rows at the Professional tier with calls of 100 ms on average: no call is \
                    answered 429 under either model of the rate window, and the limit is used. Interactive calls beside \
                    a bulk run wait little.",
            line: &["cargo", "test", "--release", "--workspace", "--test", "desk_budget", "--", "--nocapture"],
            parameters: &[("LINCHPIN_TRIAL_ROWS", "500000")],
            seeds: None,
        },
        Proof {
            name: "faults",
            title: "Seeded faults on the simulated clock",
            about: "Runs of the whole under one simulated clock with faults, one for each seed; when the faults stop, \
                    source and HubSpot agree. A failing seed repeats byte for byte.",
            line: &["cargo", "test", "--release", "--workspace", "--test", "desk_faults", "--", "--nocapture"],
            parameters: &[("LINCHPIN_TRIAL_SEEDS", "300")],
            seeds: Some("LINCHPIN_TRIAL_SEEDS"),
        },
        Proof {
            name: "gateway",
            title: "The gateway under random load, faults, lost answers and callers that leave",
            about: "Seeds on the simulated clock: two accounts behind one gateway, up to 240 calls of all kinds and lanes \
                    in a few seconds, deadlines, callers that leave, a door that closes in the middle, and in the first \
                    account one of: nothing, lost answers with writes that happen later, records that cannot be reached, \
                    or a little of everything. No call is answered 429 for our making and no window is exceeded; each \
                    caller has one end and it is true, no creation happens twice; answers are those of a reference that \
                    is asked one call at a time; the account beside, and families beside the one in trouble, notice \
                    nothing. Then mixes of valid, missing, merged, archived, duplicate and invalid calls against the same \
                    reference, and callers of all lanes beside a saturating sync.",
            line: &[
                "cargo",
                "test",
                "--release",
                "--workspace",
                "--test",
                "desk_gateway_soak",
                "--test",
                "desk_transparent",
                "--test",
                "desk_lanes",
                "--",
                "--nocapture",
            ],
            parameters: &[
                ("LINCHPIN_TRIAL_SEEDS", "10000"),
                ("LINCHPIN_TRIAL_MIXES", "1000"),
                ("LINCHPIN_TRIAL_ROWS", "200000"),
            ],
            seeds: Some("LINCHPIN_TRIAL_SEEDS"),
        },
        Proof {
            name: "events",
            title: "A million events to a server that is killed fifty times",
            about: "The simulator's people change contacts, and its webhooks tell it: one event in a thousand is lost, \
                    one in fifty comes twice, one in fifty half a minute late, one in ten is overtaken by those of up to \
                    two minutes, one acknowledgement in ten is not heard; retries end after seconds. The release binary of `linchpin \
                    serve` is killed with -9 at random moments. At the end every acknowledged event is in its log once, \
                    as a change; with the journal read, so is every other one, and nothing that never happened; and the \
                    mirror equals the simulator's dump.",
            line: &["cargo", "test", "--workspace", "--test", "serve_soak", "--", "--nocapture"],
            parameters: &[
                ("LINCHPIN_TRIAL_EVENTS", "1000000"),
                ("LINCHPIN_TRIAL_KILLS", "50"),
                ("LINCHPIN_TRIAL_PACE", "1500"),
                ("LINCHPIN_TRIAL_SPAN_MS", "120000"),
                ("LINCHPIN_TRIAL_SEED", "1"),
            ],
            seeds: None,
        },
        Proof {
            name: "echo",
            title: "A second side that writes back what it hears",
            about: "Seeds under one simulated clock: people edit HubSpot and a second side at random, with few values, so \
                    that they come back. Changes are told late, twice, out of order, some after minutes; the second side \
                    writes back whatever it hears, or only its people's edits, over calls that are refused, whose answers \
                    are lost, and that come late; deliveries are repeated, clocks differ by up to 1.5 s, and one run in \
                    three is started anew in the middle. Receipts and hearing are the real ones. All comes to rest, the \
                    second side makes at most two writes for each change by a person, and both sides end equal. \
                    Without receipts a side that writes back what it hears makes more.",
            line: &["cargo", "test", "--release", "--workspace", "--test", "desk_echo", "--", "--nocapture"],
            parameters: &[("LINCHPIN_TRIAL_SEEDS", "10000")],
            seeds: Some("LINCHPIN_TRIAL_SEEDS"),
        },
        Proof {
            name: "forged",
            title: "A million deliveries that are not HubSpot's",
            about: "Genuine deliveries under all three signatures are believed; a million made from them are not: signed by \
                    another secret or recipe, changed by a bit, held back, sent ahead, cut, lengthened, in another \
                    spelling, parsed and written again, downgraded, with headers gone or doubled, moved, spliced. One in \
                    fifty goes through the server on a socket. Genuine ones that come again in between are acknowledged \
                    and leave nothing in the log.",
            line: &["cargo", "test", "--release", "--workspace", "--test", "forged", "--", "--nocapture"],
            parameters: &[("LINCHPIN_TRIAL_REQUESTS", "1000000"), ("LINCHPIN_TRIAL_SEED", "1")],
            seeds: None,
        },
        Proof {
            name: "fuzz",
            title: "Requests that nobody should send",
            about: "For a stated time the simulator gets requests of a corpus with their structure changed, in process, \
                    and connections with mangled bytes: each request is answered, each connection closed, no thread \
                    panics, and ordinary calls go on. Built as tests are, so that an overflow is a panic.",
            line: &[
                "cargo",
                "test",
                "--workspace",
                "--test",
                "it",
                "fuzzing_for_a_stated_time",
                "--",
                "--ignored",
                "--nocapture",
            ],
            parameters: &[(SECONDS, "600"), ("LINCHPIN_TRIAL_SEED", "1")],
            seeds: None,
        },
        Proof {
            name: "fuzz-ingress",
            title: "What reads bytes from outside, with a corpus gone wrong",
            about: "For a stated time the readers of deliveries, signatures, paths, mapping files and CSV files get inputs \
                    of a committed corpus with their structure changed, then their bytes: nothing panics or takes long, no \
                    element of a delivery is lost or changed, each is recognised when it comes again, and no request \
                    is believed. Built as tests are, so that an overflow is a panic.",
            line: &["cargo", "test", "--workspace", "--test", "fuzz_ingress", "--", "--nocapture"],
            parameters: &[(SECONDS, "600"), ("LINCHPIN_TRIAL_SEED", "1")],
            seeds: None,
        },
        Proof {
            name: "webhooks",
            title: "A million events through signed webhooks",
            about: "A thousand contacts are changed a million times, and each change is told to a receiver on a socket, \
                    while a fault loses one event in a thousand, sends one in a hundred twice and holds one in ten \
                    back. The receiver checks every signature and keeps a count of its own. At the end every event is \
                    delivered, lost by the fault or given up, and both counts agree.",
            line: &[
                "cargo",
                "test",
                "--release",
                "-p",
                "linchpin-simulator",
                "--test",
                "it",
                "a_million_events",
                "--",
                "--ignored",
                "--nocapture",
            ],
            parameters: &[("LINCHPIN_TRIAL_EVENTS", "1000000")],
            seeds: None,
        },
    ],
};

/// What `cargo xtask bench` runs.
pub(crate) const BENCH: List = List {
    command: "bench",
    profile: "dist",
    proofs: &[
        Proof {
            name: "store",
            title: "Half a million operations through the SQLite store",
            about: "How fast the embedded store takes in a plan, hands out batches of 100 and writes their outcomes \
                    down, each batch in a transaction of its own that is durable before it counts.",
            line: &["cargo", "test", "--release", "--workspace", "--test", "speed", "--", "--ignored", "--nocapture"],
            parameters: &[],
            seeds: None,
        },
        Proof {
            name: "simulator",
            title: "A million contacts in the simulator",
            about: "A million contacts with 50 given values each (mean 12 bytes) and what is computed beside them, in \
                    one process over HTTP, the load generator beside it: memory, reads, searches with their totals, \
                    creations, and the snapshot file. It passes with a peak memory below 2.5 GB, batch reads of 100 \
                    below 5 ms and searches by a range below 20 ms, each in 99 of 100 calls.",
            line: &["cargo", "test", "--release", "--workspace", "--test", "size", "--", "--nocapture"],
            parameters: &[
                ("LINCHPIN_TRIAL_CONTACTS", "1000000"),
                ("LINCHPIN_TRIAL_CALLS", "500"),
                ("LINCHPIN_TRIAL_GOALS", "1"),
            ],
            seeds: None,
        },
        Proof {
            name: "gateway-sdk",
            title: "Eight workers of HubSpot's Node client, directly and through the gateway",
            about: "Eight processes of npm @hubspot/api-client 14.0.1 make 300 calls each on one portal of 190 calls in \
                    ten seconds, answered after 80 ms on average: unmodified but for the base URL, with three attempts \
                    at a call, first directly and then through `linchpin serve` (coalesce: all), each time against a \
                    simulator of its own with the same seed. (a) The client's limiter on, contacts read one by one; (b) \
                    without it, 300 reads in flight in each worker; (c) the same with reads, updates and creations of \
                    which 1% of all calls are invalid. Each goal says whether it was reached.",
            line: &["cargo", "test", "--workspace", "--test", "bench_gateway_sdk", "--", "--nocapture"],
            parameters: &[
                ("LINCHPIN_TRIAL_CALLS", "300"),
                ("LINCHPIN_TRIAL_LATENCY_MS", "80"),
                ("LINCHPIN_TRIAL_GOALS", "1"),
            ],
            seeds: None,
        },
        Proof {
            name: "gateway-pass",
            title: "What passing through costs, beside nginx",
            about: "GET calls, through `linchpin serve` (tier unlimited, `coalesce: off`, so that each becomes a call of its own) and through nginx \
                    (proxy_pass, kept connections, two workers, no log), before a server on one thread that answers at \
                    once; the load generator wrk (one thread), that server and the proxy share the machine, and rounds alternate. It \
                    passes with at most 0.5 ms added at the median, at least 60% of nginx's throughput, and less than \
                    150 MB with 2,000 idle connections and 200 active ones.",
            line: &[
                "cargo",
                "test",
                "--release",
                "--workspace",
                "--test",
                "bench_gateway_pass",
                "--",
                "--include-ignored",
                "--nocapture",
            ],
            parameters: &[(SECONDS, "4")],
            seeds: None,
        },
        Proof {
            name: "ingress",
            title: "Deliveries into the log, beside a bare loop",
            about: "Deliveries of 100 events, signed beforehand, through `linchpin serve` into its store, durable before they \
                    are acknowledged; the load generator shares the machine. Beside it a bare loop inserts the same rows \
                    into the same tables and indexes, each delivery in a transaction of its own, as durably; rounds \
                    alternate, each on a store of its own. It passes with at least half the rows a second of that loop \
                    and 50,000 events a second, with 99 of 100 acknowledgements within 25 ms at 70% of those 50,000, and \
                    within 10 ms for 2,000 deliveries of one event a second. What 70% of the rate that it reached \
                    does to them is told beside it.",
            line: &[
                "cargo",
                "test",
                "--release",
                "--workspace",
                "--test",
                "bench_ingress",
                "--",
                "--include-ignored",
                "--nocapture",
            ],
            parameters: &[("LINCHPIN_TRIAL_EVENTS", "500000"), (SECONDS, "10")],
            seeds: None,
        },
    ],
};

/// Runs a list, or one entry of it; whether all is well.
pub(crate) fn run(root: &Path, list: List, only: Option<&str>, wanted: Wanted) -> anyhow::Result<bool> {
    let chosen: Vec<&Proof> = list.proofs.iter().filter(|proof| only.is_none_or(|name| name == proof.name)).collect();
    if chosen.is_empty() {
        print!("{}", known(list));
        return Ok(only.is_none() || only == Some("?"));
    }
    let machine = machine::facts(root)?;
    if chosen.iter().any(|proof| !WITHOUT_BINARY.contains(&proof.name)) {
        let built = run::shown(root, &["cargo", "build", "--profile", list.profile], &[])?;
        anyhow::ensure!(built.well, "the binary does not build");
    }
    let binary = generate::target(root)?.join(list.profile).join("linchpin").to_string_lossy().into_owned();
    let mut well = true;
    for proof in chosen {
        println!("\n=== {}: {}", proof.name, proof.title);
        let mut environment = parameters(proof, wanted);
        environment.push(("LINCHPIN_TRIAL_BINARY", binary.clone()));
        let ended = run::shown(root, proof.line, &environment)?;
        println!("=== {}: {}", proof.name, if ended.well { "ok" } else { "FAILED" });
        well &= ended.well;
        let path = format!("bench/{}.md", proof.name);
        let text = report(proof, &repeat(list, proof, wanted), &machine, &ended);
        std::fs::write(root.join(&path), text).with_context(|| format!("writing {path}"))?;
        println!("report: {path}");
    }
    Ok(well)
}

fn known(list: List) -> String {
    let mut text = format!("cargo xtask {} knows:\n", list.command);
    if list.proofs.is_empty() {
        text.push_str("  nothing yet\n");
    }
    for proof in list.proofs {
        writeln!(text, "  {:<10} {}", proof.name, proof.title).expect(STRING);
    }
    text
}

fn parameters(proof: &Proof, wanted: Wanted) -> Vec<(&'static str, String)> {
    let given = |name: &str| {
        let seeds = wanted.seeds.filter(|_| proof.seeds == Some(name));
        seeds.or(wanted.seconds.filter(|_| name == SECONDS)).map(|number| number.to_string())
    };
    proof.parameters.iter().map(|(name, value)| (*name, given(name).unwrap_or_else(|| (*value).to_owned()))).collect()
}

fn repeat(list: List, proof: &Proof, wanted: Wanted) -> String {
    let runs_for_a_time = proof.parameters.iter().any(|(name, _)| *name == SECONDS);
    let seeds = wanted.seeds.filter(|_| proof.seeds.is_some()).map(|seeds| format!(" --seeds {seeds}"));
    let seconds = wanted.seconds.filter(|_| runs_for_a_time).map(|seconds| format!(" --seconds {seconds}"));
    let options = seeds.unwrap_or_default() + &seconds.unwrap_or_default();
    format!("cargo xtask {} --only {}{options}", list.command, proof.name)
}

fn report(proof: &Proof, repeat: &str, machine: &str, ended: &Ended) -> String {
    let outcome = if ended.well { "passed" } else { "**failed**" };
    let mut text = format!(
        "# {}\n\n{}\n\n- Outcome: {outcome}\n- Machine: {machine}\n- Repeat with: `{repeat}`\n",
        proof.title, proof.about
    );
    if ended.figures.is_empty() {
        text.push_str("\nIt printed no figures.\n");
        return text;
    }
    text.push_str("\n| figure | value |\n|---|---|\n");
    for figure in &ended.figures {
        let (name, value) = figure.split_once(" = ").unwrap_or((figure.as_str(), ""));
        writeln!(text, "| {} | {} |", name.trim(), value.trim()).expect(STRING);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::run::Count;

    fn ended(figures: &[&str]) -> Ended {
        let figures = figures.iter().map(|figure| (*figure).to_owned()).collect();
        Ended { well: true, took: Duration::from_secs(3), count: Count::default(), figures }
    }

    fn seeds(count: u32) -> Wanted {
        Wanted { seeds: Some(count), seconds: None }
    }

    #[test]
    fn a_report_says_what_where_and_how_to_repeat() {
        let proof = &SOAK.proofs[0];
        let text = report(proof, &repeat(SOAK, proof, seeds(5)), "2 cores", &ended(&["kills = 5", "calls = 1,234"]));
        assert!(text.starts_with("# kill -9 at random moments of a sync\n"), "{text}");
        assert!(text.contains("- Repeat with: `cargo xtask soak --only kill --seeds 5`\n"), "{text}");
        assert!(text.ends_with("| kills | 5 |\n| calls | 1,234 |\n"), "{text}");
    }

    #[test]
    fn seeds_set_the_parameter_that_the_proof_names() {
        let kill = &SOAK.proofs[0];
        assert_eq!(parameters(kill, seeds(7))[0], ("LINCHPIN_TRIAL_KILLS", "7".to_owned()));
        assert_eq!(parameters(kill, Wanted::default())[0], ("LINCHPIN_TRIAL_KILLS", "20".to_owned()));
        let sockets = &SOAK.proofs[1];
        assert_eq!(parameters(sockets, seeds(7)), [("LINCHPIN_TRIAL_ROWS", "50000".to_owned())]);
        assert_eq!(repeat(SOAK, sockets, seeds(7)), "cargo xtask soak --only sockets");
    }

    #[test]
    fn seconds_are_for_proofs_that_run_for_a_stated_time() {
        let wanted = Wanted { seeds: None, seconds: Some(120) };
        let fuzz = SOAK.proofs.iter().find(|proof| proof.name == "fuzz").expect("it is in the list");
        assert_eq!(parameters(fuzz, wanted)[0], (SECONDS, "120".to_owned()));
        assert_eq!(repeat(SOAK, fuzz, wanted), "cargo xtask soak --only fuzz --seconds 120");
        assert_eq!(repeat(SOAK, &SOAK.proofs[0], wanted), "cargo xtask soak --only kill");
    }

    #[test]
    fn an_unknown_name_prints_the_list_and_fails() {
        let root = crate::workspace_root().expect("a root");
        assert!(!run(&root, SOAK, Some("nothing-of-that-name"), Wanted::default()).expect("no command ran"));
        assert!(known(SOAK).contains("  kill       kill -9 at random moments of a sync\n"));
    }
}
