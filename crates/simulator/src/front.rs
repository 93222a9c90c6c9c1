//! The first bytes of a connection, where one port speaks HTTP and HTTPS and stands in for HubSpot's hosts.
//!
//! A client with a fixed host takes the simulator for its HTTPS proxy: `CONNECT api.hubapi.com:443` is granted and leads
//! back to the simulator. Invariant: nothing is ever connected to anything else. Every other host is refused, so a
//! client under test cannot leave the machine through this door.

use std::{
    io::{self, Cursor},
    time::Duration,
};

use http::{HeaderValue, Version, request::Parts};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Chain, Join, join},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};
use tokio_rustls::server::TlsStream;

use crate::tls::{HUBSPOT_DOMAINS, Tls};

/// What a client of another host is told.
pub(crate) const REFUSAL: &str = "This proxy leads to the simulated HubSpot only";
/// The longest head of a CONNECT request, in bytes.
const CONNECT_BYTES_MAX: usize = 8 << 10;
/// How long a client may take from its first byte to the end of its CONNECT request, and for its TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How a proxied connection begins.
const CONNECT: &[u8] = b"CONNECT ";
/// How a TLS connection begins: the record type of a handshake.
const TLS_HANDSHAKE: u8 = 22;
/// The port of HTTPS.
const HTTPS_PORT: &str = "443";

/// A connection with the bytes that were read from it to see what it speaks.
pub(crate) type Reread = Join<Chain<Cursor<Vec<u8>>, OwnedReadHalf>, OwnedWriteHalf>;

/// What a connection turned out to be.
pub(crate) enum Opened {
    /// HTTP without TLS.
    Plain(Reread),
    /// HTTPS, by itself or through the proxy.
    Tls(Box<TlsStream<Reread>>),
    /// A tunnel to another host; the refusal is sent.
    Refused,
}

/// Through which door a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// HTTP, on a server that is no proxy.
    Plain,
    /// HTTP, on a server that is a proxy as well.
    Proxy,
    /// HTTPS.
    Tls,
}

impl Door {
    /// Says whether a call may come in, and notes by which scheme its links lead back.
    pub(crate) fn admits(self, head: &mut Parts) -> bool {
        match self {
            Self::Plain => true,
            Self::Tls => {
                head.headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
                true
            }
            // Over HTTP/1 only a call to a proxy names the host before its path.
            Self::Proxy => {
                let named = head.uri.host().filter(|_| head.version <= Version::HTTP_11);
                named.is_none_or(|host| is_hubspot(host) || is_loopback(host))
            }
        }
    }
}

/// Reads what a connection begins with; for TLS, shakes hands.
pub(crate) async fn open(stream: TcpStream, tls: &Tls) -> io::Result<Opened> {
    let (mut from, mut to) = stream.into_split();
    let mut seen = Vec::with_capacity(CONNECT.len());
    while seen.len() < CONNECT.len() && CONNECT.starts_with(&seen) {
        // One byte at a time: there are at most eight, and none is taken that belongs to something else.
        match from.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    if seen.first() == Some(&TLS_HANDSHAKE) {
        return shake_hands(tls, reread(seen, from, to)).await;
    }
    if seen != CONNECT {
        return Ok(Opened::Plain(reread(seen, from, to)));
    }
    let head = timeout(HANDSHAKE_MAX, read_head(&mut from)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    if !may_connect(&head) {
        tracing::info!("a client asked this proxy for another host than HubSpot's; refused");
        to.write_all(&refusal()).await?;
        to.shutdown().await?;
        return Ok(Opened::Refused);
    }
    to.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    shake_hands(tls, reread(Vec::new(), from, to)).await
}

fn reread(seen: Vec<u8>, from: OwnedReadHalf, to: OwnedWriteHalf) -> Reread {
    join(Cursor::new(seen).chain(from), to)
}

async fn shake_hands(tls: &Tls, stream: Reread) -> io::Result<Opened> {
    let stream = timeout(HANDSHAKE_MAX, tls.acceptor.accept(stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    Ok(Opened::Tls(Box::new(stream)))
}

/// The rest of a request's head, without its last line break.
async fn read_head(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= CONNECT_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(from.read_u8().await?);
    }
    Ok(head)
}

/// Says whether a head that follows `CONNECT ` asks for HubSpot over HTTPS.
fn may_connect(head: &[u8]) -> bool {
    let target = head.split(|byte| *byte == b' ').next().and_then(|target| std::str::from_utf8(target).ok());
    let Some((host, port)) = target.and_then(|target| target.rsplit_once(':')) else { return false };
    port == HTTPS_PORT && is_hubspot(host)
}

fn is_hubspot(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    HUBSPOT_DOMAINS
        .iter()
        .any(|domain| host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.starts_with("127.")
}

fn refusal() -> Vec<u8> {
    let length = REFUSAL.len();
    let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n";
    format!("{head}Content-Length: {length}\r\n\r\n{REFUSAL}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_leads_to_hubspot_over_https_and_nowhere_else() {
        let table = [
            ("api.hubapi.com:443 HTTP/1.1\r\n\r\n", true),
            ("API.HubAPI.com:443 HTTP/1.1\r\nHost: api.hubapi.com:443\r\n\r\n", true),
            ("api-eu1.hubapi.com:443 HTTP/1.1\r\n\r\n", true),
            ("hubspot.com:443 HTTP/1.1\r\n\r\n", true),
            ("api.hubapi.com:80 HTTP/1.1\r\n\r\n", false),
            ("api.hubapi.com HTTP/1.1\r\n\r\n", false),
            ("example.com:443 HTTP/1.1\r\n\r\n", false),
            ("nothubapi.com:443 HTTP/1.1\r\n\r\n", false),
            ("api.hubapi.com.example.com:443 HTTP/1.1\r\n\r\n", false),
            ("127.0.0.1:443 HTTP/1.1\r\n\r\n", false),
            ("\u{fffd}:443 HTTP/1.1\r\n\r\n", false),
            ("", false),
        ];
        for (head, granted) in table {
            assert_eq!(may_connect(head.as_bytes()), granted, "{head}");
        }
    }

    #[test]
    fn a_plain_call_through_the_proxy_may_not_name_another_host() {
        let admits = |door: Door, uri: &str| {
            let request = http::Request::get(uri).body(()).unwrap();
            door.admits(&mut request.into_parts().0)
        };
        assert!(admits(Door::Proxy, "/crm/v3/owners"));
        assert!(admits(Door::Proxy, "http://api.hubapi.com/crm/v3/owners"));
        assert!(admits(Door::Proxy, "http://127.0.0.1:8080/crm/v3/owners"));
        assert!(!admits(Door::Proxy, "http://example.com/crm/v3/owners"));
        assert!(admits(Door::Plain, "http://example.com/crm/v3/owners"));
    }
}
