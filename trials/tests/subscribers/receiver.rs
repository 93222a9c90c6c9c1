//! A program that is told of events: it answers as it is told to, and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// What every delivery is signed with: 32 bytes.
pub(crate) const SECRET: &str = "whsec_c3Vic2NyaWJlcnMtb2YtdGhlLXRyaWFsLTMyLWJ5dGU=";

/// A delivery that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) body: String,
    /// What was answered.
    pub(crate) status: u16,
}

impl Got {
    /// The events that it holds.
    pub(crate) fn events(&self) -> Vec<Value> {
        let body: Value = serde_json::from_str(&self.body).expect("a delivery is JSON");
        let data = body.get("data").expect("a delivery has data");
        data.as_array().cloned().unwrap_or_else(|| vec![data.clone()])
    }
}

#[derive(Default)]
struct Shared {
    status: AtomicU16,
    delay_ms: AtomicU64,
    down: AtomicBool,
    got: Mutex<Vec<Got>>,
}

/// The receiver. It listens on one port for its whole life, with pauses.
pub(crate) struct Receiver {
    shared: Arc<Shared>,
    port: u16,
    serving: Option<JoinHandle<()>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let shared = Arc::new(Shared { status: AtomicU16::new(204), ..Shared::default() });
        let serving = Some(serve(listener, &shared));
        Self { shared, port, serving }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn delay(&self, wait: Duration) {
        self.shared.delay_ms.store(u64::try_from(wait.as_millis()).expect("a short wait"), Ordering::SeqCst);
    }

    /// Listens no more: connections are refused.
    pub(crate) fn stop(&mut self) {
        self.shared.down.store(true, Ordering::SeqCst);
        if let Some(serving) = self.serving.take() {
            serving.join().expect("the receiver ends");
        }
    }

    /// Listens again.
    pub(crate) fn restart(&mut self) {
        self.shared.down.store(false, Ordering::SeqCst);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port is free again");
        self.serving = Some(serve(listener, &self.shared));
    }

    pub(crate) fn got(&self, path: &str) -> Vec<Got> {
        let all = self.shared.got.lock().expect("nobody panicked").clone();
        all.into_iter().filter(|got| got.path == format!("/{path}")).collect()
    }

    /// The events of all deliveries to a path that were taken, in the order of their arrival.
    pub(crate) fn taken(&self, path: &str) -> Vec<Value> {
        self.got(path).iter().filter(|got| got.status < 300).flat_map(Got::events).collect()
    }

    /// Asks another program whether every signature is right: Python's own HMAC and base64.
    pub(crate) fn verify_all(&self) -> usize {
        const PROGRAM: &str = "import base64, hashlib, hmac, json, sys\n\
            n = 0\n\
            for line in sys.stdin:\n\
            \x20   d = json.loads(line)\n\
            \x20   key = base64.b64decode(d['secret'].removeprefix('whsec_'))\n\
            \x20   text = (d['id'] + '.' + d['timestamp'] + '.' + d['body']).encode()\n\
            \x20   right = 'v1,' + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()\n\
            \x20   assert right in d['signature'].split(' '), d\n\
            \x20   n += 1\n\
            print(n)\n";
        let all = self.shared.got.lock().expect("nobody panicked").clone();
        let line = |got: &Got| {
            let Got { id, timestamp, signature, body, .. } = got;
            json!({"secret": SECRET, "id": id, "timestamp": timestamp, "signature": signature, "body": body})
                .to_string()
        };
        let lines = all.iter().map(line).collect::<Vec<_>>().join("\n");
        let mut python = Command::new("python3")
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut input = python.stdin.take().expect("it has an input");
        input.write_all(lines.as_bytes()).expect("it reads");
        drop(input);
        let ended = python.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "a signature is wrong");
        String::from_utf8_lossy(&ended.stdout).trim().parse().expect("it counts")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(listener: TcpListener, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    listener.set_nonblocking(true).expect("a listener can be asked");
    std::thread::spawn(move || {
        while !shared.down.load(Ordering::SeqCst) {
            match listener.accept() {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || take(stream, &shared));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(2)),
            }
        }
    })
}

/// Takes one delivery, and ends the connection. A sender that was killed in the middle has sent nothing.
fn take(stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let (mut length, mut headers) = (0, [String::new(), String::new(), String::new()]);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "webhook-id" => value.clone_into(&mut headers[0]),
            "webhook-timestamp" => value.clone_into(&mut headers[1]),
            "webhook-signature" => value.clone_into(&mut headers[2]),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    std::thread::sleep(Duration::from_millis(shared.delay_ms.load(Ordering::SeqCst)));
    let status = shared.status.load(Ordering::SeqCst);
    let [id, timestamp, signature] = headers;
    let body = String::from_utf8(body).ok()?;
    shared.got.lock().expect("nobody panicked").push(Got { path, id, timestamp, signature, body, status });
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    reader.into_inner().write_all(answer.as_bytes()).ok()
}
