//! The door to the files that journal entries point to.
//!
//! Apart from the door to HubSpot: only addresses that HubSpot gave are asked, no token and no cookie goes there, no
//! redirect is followed, and size and time have limits. The address is a credential: it stands in no error.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use crate::upstream::{BoxError, CONNECT_TIMEOUT, IDLE_TIMEOUT, Timed, chain};

/// The largest file, in bytes. HubSpot's have up to five megabytes.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a whole file may take.
pub const FILE_TIMEOUT: Duration = Duration::from_secs(60);
/// Unused connections that are kept.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not asked for there.
    #[error("its address is not one of https")]
    Address,
    /// It is too large.
    #[error("it has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    /// The other side does not give it.
    #[error("it is refused with status {0}")]
    Refused(u16),
    /// It did not come, or not whole.
    #[error("it did not come: {0}")]
    Broken(String),
}

/// Gets files.
#[async_trait]
pub trait Files: Send + Sync {
    /// The file at an address that HubSpot gave; one attempt, within a bounded time and size.
    async fn fetch(&self, url: &str) -> Result<Bytes, FileError>;
}

/// Which addresses are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// https alone.
    Https,
    /// Plain http as well, but only at this host and port: a simulator's.
    PlainAt(String),
}

impl Allowed {
    fn allows(&self, uri: &Uri) -> bool {
        let authority = uri.authority().map(http::uri::Authority::as_str);
        match (uri.scheme_str(), self) {
            (Some("https"), _) => authority.is_some_and(|authority| !authority.contains('@')),
            (Some("http"), Self::PlainAt(host)) => authority == Some(host),
            _ => false,
        }
    }
}

/// [`Files`] over HTTP.
pub struct HttpFiles<C> {
    client: Client<Timed<C>, Empty<Bytes>>,
    allowed: Allowed,
}

impl<C> HttpFiles<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + Connection + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    /// Gets files through `connector`.
    pub fn new(connector: C, allowed: Allowed) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(Timed::new(connector, CONNECT_TIMEOUT));
        Self { client, allowed }
    }

    async fn get(&self, uri: Uri) -> Result<Bytes, FileError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self.client.request(request).await.map_err(|error| FileError::Broken(chain(&error)))?;
        if answer.status() != http::StatusCode::OK {
            return Err(FileError::Refused(answer.status().as_u16()));
        }
        if answer.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(FileError::Broken("it is compressed although nobody asked for it".to_owned()));
        }
        match Limited::new(answer.into_body(), FILE_BYTES_MAX).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(FileError::TooLarge),
            Err(error) => Err(FileError::Broken(chain(error.as_ref()))),
        }
    }
}

#[async_trait]
impl<C> Files for HttpFiles<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + Connection + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    async fn fetch(&self, url: &str) -> Result<Bytes, FileError> {
        let uri: Uri = url.parse().map_err(|_| FileError::Address)?;
        if !self.allowed.allows(&uri) {
            return Err(FileError::Address);
        }
        let slow = || FileError::Broken(format!("not whole within {} s", FILE_TIMEOUT.as_secs()));
        tokio::time::timeout(FILE_TIMEOUT, self.get(uri)).await.unwrap_or_else(|_| Err(slow()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_one_simulator_alone() {
        let simulator = Allowed::PlainAt("127.0.0.1:4010".to_owned());
        for (url, https, plain) in [
            ("https://files.test/a?signature=x", true, true),
            ("http://127.0.0.1:4010/_journal/a", false, true),
            ("http://127.0.0.1:4011/_journal/a", false, false),
            ("http://files.test/a", false, false),
            ("https://user:word@files.test/a", false, false),
            ("ftp://files.test/a", false, false),
            ("/etc/passwd", false, false),
        ] {
            let uri: Uri = url.parse().unwrap();
            assert_eq!((Allowed::Https.allows(&uri), simulator.allows(&uri)), (https, plain), "{url}");
        }
    }
}
