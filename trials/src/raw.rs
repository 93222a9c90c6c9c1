//! A connection that is kept open and gets requests as prepared bytes: nothing is cheaper, and nothing is mended.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// No answer of a server on this machine takes longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A blocking HTTP/1.1 connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// Whether the server closes the connection.
    pub closes: bool,
    /// The body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Opens one to `127.0.0.1:4000`.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096) })
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &[u8]) -> io::Result<Answered> {
        // A server that has already refused may not read the rest; then its answer is what counts.
        let sent = self.stream.write_all(request);
        match self.answer() {
            Ok(answered) => Ok(answered),
            Err(error) => sent.and(Err(error)),
        }
    }

    fn answer(&mut self) -> io::Result<Answered> {
        self.buffer.clear();
        let head = loop {
            if let Some(head) = find(&self.buffer, END_OF_HEAD) {
                break head + END_OF_HEAD.len();
            }
            self.more()?;
        };
        let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no status line"))?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let length: usize = field("content-length:").and_then(|length| length.parse().ok()).unwrap_or_default();
        let closes = field("connection:") == Some("close");
        while self.buffer.len() < head + length {
            self.more()?;
        }
        let body = self.buffer.get(head..head + length).unwrap_or_default().to_vec();
        Ok(Answered { status, closes, body })
    }

    fn more(&mut self) -> io::Result<()> {
        let mut piece = [0; 4_096];
        let size = self.stream.read(&mut piece)?;
        if size == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(piece.get(..size).unwrap_or_default());
        Ok(())
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
