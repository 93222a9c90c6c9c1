//! What the gateway costs a call that it only passes through: beside nginx, before an upstream that answers at once.
//!
//! The load comes from `wrk`, on one thread: the stub alone answers it twice as fast as any proxy, and a second thread
//! would only take time away from them on a machine of two processors. Rounds alternate between the servers, and of each figure the median round counts, so that
//! what else the machine does falls on all of them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use linchpin_trials::bench::{Goals, Served};
use linchpin_trials::bench_stub::Stub;
use linchpin_trials::parameters::parameter;
use linchpin_trials::simulator::TOKEN;
use linchpin_trials::{binary, figure};
use tempfile::TempDir;

/// A path that no rule applies to.
const PATH: &str = "/crm/v3/owners/17";
const ROUNDS: usize = 5;
/// Connections under full load; nginx keeps as many to its upstream.
const BUSY: u32 = 64;
const IDLE: usize = 2_000;
const ACTIVE: u32 = 200;
const READY_LIMIT: Duration = Duration::from_secs(20);

/// nginx before the stub: two workers, connections kept on both sides, no log.
struct Nginx {
    child: Child,
    base: String,
    _folder: TempDir,
}

impl Nginx {
    fn start(upstream: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let port = free_port();
        let upstream = upstream.trim_start_matches("http://");
        let place = folder.path().to_str().expect("temporary folders have plain names");
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = kinds.map(|name| format!("{name}_temp_path {place}/{name};\n")).concat();
        let config = format!(
            "worker_processes 2;\ndaemon off;\npid {place}/nginx.pid;\nerror_log {place}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\naccess_log off;\nkeepalive_requests 1000000000;\n{temporary}\
             upstream stub {{ server {upstream}; keepalive {BUSY}; keepalive_requests 1000000000; }}\n\
             server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://stub; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; }} }}\n}}\n"
        );
        let path = folder.path().join("nginx.conf");
        fs::write(&path, config).expect("the folder takes files");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&path).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("nginx starts");
        let address = format!("127.0.0.1:{port}");
        let ready = binary::until(READY_LIMIT, || TcpStream::connect(&address).is_ok());
        let said = fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
        assert!(ready, "nginx does not listen: {said}");
        Self { child, base: format!("http://{address}"), _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers when it is told to end; a kill would leave them behind.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it listens").port()
}

/// What one round of `wrk` found.
#[derive(Clone, Copy, Debug)]
struct Round {
    per_second: f64,
    median_ms: f64,
}

fn round(base: &str, connections: u32, seconds: u32) -> Round {
    let mut command = Command::new("wrk");
    command.args(["--latency", &format!("-c{connections}"), "-t1", &format!("-d{seconds}s")]);
    command.args(["-H", &format!("Authorization: Bearer {TOKEN}"), &format!("{base}{PATH}")]);
    let done = command.output().expect("wrk runs");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{text}{}", String::from_utf8_lossy(&done.stderr));
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap_or_default().trim();
    let per_second = after("Requests/sec:").parse().expect("wrk tells its rate");
    Round { per_second, median_ms: milliseconds(after("50%")).expect("wrk tells its median") }
}

fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = if let Some(number) = text.strip_suffix("us") {
        (number, 0.001)
    } else if let Some(number) = text.strip_suffix("ms") {
        (number, 1.0)
    } else {
        (text.strip_suffix('s')?, 1_000.0)
    };
    Some(number.parse::<f64>().ok()? * factor)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Installs what is missing where this machine lets us, and says what to do where it does not.
fn demand_tools() {
    let there = |name: &str, flag: &str| {
        let mut command = Command::new(name);
        command.arg(flag).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if !there("nginx", "-v") || !there("wrk", "-v") {
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "--no-install-recommends", "nginx-light", "wrk"]).stdin(Stdio::null());
        let tried = install.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(tried.is_ok(), "install nginx and wrk (Debian: apt-get install nginx-light wrk)");
    }
    assert!(there("nginx", "-v"), "install nginx (Debian: apt-get install nginx-light)");
    assert!(there("wrk", "-v"), "install wrk (Debian: apt-get install wrk)");
}

/// Connections that have each made one call and say nothing more.
fn idle(base: &str, count: usize) -> Vec<TcpStream> {
    let address = base.trim_start_matches("http://");
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\r\n");
    let open = |_| {
        let mut stream = TcpStream::connect(address).expect("a connection: `ulimit -n` must allow some thousands");
        stream.set_read_timeout(Some(READY_LIMIT)).expect("a socket takes options");
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = [0; 4_096];
        let size = stream.read(&mut answer).expect("the server answers");
        let head = String::from_utf8_lossy(answer.get(..size).unwrap_or_default()).into_owned();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        stream
    };
    (0..count).map(open).collect()
}

fn tell(name: &str, rounds: &[Round], number: impl Fn(&Round) -> f64, unit: &str) -> f64 {
    let each: Vec<f64> = rounds.iter().map(number).collect();
    let told: Vec<String> = each.iter().map(|number| format!("{number:.3}")).collect();
    let middle = median(each);
    figure(name, format_args!("{middle:.3} {unit} (rounds: {})", told.join(", ")));
    middle
}

#[test]
#[ignore = "needs nginx and wrk, and a machine that does nothing else"]
fn passing_through_costs_little() {
    demand_tools();
    let seconds = parameter("SECONDS", 4);
    let stub = Stub::start();
    let nginx = Nginx::start(stub.base());
    let gateway = Served::start(stub.base(), "unlimited", "coalesce: off");
    let mut goals = Goals::default();
    memory(&mut goals, &gateway, seconds);
    let servers = [stub.base(), &nginx.base, gateway.base()];
    let rounds = |connections| {
        let mut found: [Vec<Round>; 3] = Default::default();
        for _ in 0..ROUNDS {
            for (rounds, base) in found.iter_mut().zip(servers) {
                rounds.push(round(base, connections, seconds));
            }
        }
        found
    };
    let [direct, before, through] = rounds(1);
    let direct = tell("one call at a time, stub alone: median", &direct, |round| round.median_ms, "ms");
    tell("one call at a time, nginx: median", &before, |round| round.median_ms, "ms");
    let through = tell("one call at a time, gateway: median", &through, |round| round.median_ms, "ms");
    let added = (through - direct).max(0.0);
    goals.tell("goal: added at the median", added <= 0.5, format_args!("{added:.3} ms, at most 0.5 ms"));
    let [direct, before, through] = rounds(BUSY);
    tell("64 connections, stub alone", &direct, |round| round.per_second, "calls/s");
    let before = tell("64 connections, nginx", &before, |round| round.per_second, "calls/s");
    let through = tell("64 connections, gateway", &through, |round| round.per_second, "calls/s");
    goals.at_least("share of nginx's throughput", through / before, 0.6);
    goals.demand_all();
}

/// Before all other load: what the allocator keeps of earlier peaks is no part of this figure.
fn memory(goals: &mut Goals, gateway: &Served, seconds: u32) {
    figure("memory at the start", format_args!("{} MB", gateway.memory_kb().0 / 1_000));
    let kept = idle(gateway.base(), IDLE);
    let active = round(gateway.base(), ACTIVE, seconds * 3);
    let (now, peak) = gateway.memory_kb();
    assert_eq!(kept.len(), IDLE);
    figure("200 connections beside 2,000 idle ones", format_args!("{:.0} calls/s", active.per_second));
    figure("memory then", format_args!("{} MB", now / 1_000));
    goals.at_most("2,000 idle and 200 active connections, most memory in MB", peak / 1_000, 150);
}

#[test]
fn what_wrk_prints_is_read() {
    assert_eq!(milliseconds("85.00us"), Some(0.085));
    assert_eq!(milliseconds("1.25ms"), Some(1.25));
    assert_eq!(milliseconds("2.00s"), Some(2_000.0));
    assert_eq!(milliseconds("fast"), None);
    assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
}
