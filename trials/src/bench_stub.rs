//! A HubSpot that answers at once, whatever it is asked: what is measured in front of it is not its own time.
//!
//! It knows the two calls by which `linchpin serve` learns whose token it has; every other call gets one fixed record.
#![expect(clippy::disallowed_methods, reason = "a stub is a server of its own, on a thread of its own")]

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// The answer to everything: a record of ordinary size.
const RECORD: &str = r#"{"id":"17","properties":{"createdate":"2026-01-05T09:30:00.000Z","email":"ada@example.test","firstname":"Ada","hs_object_id":"17","lastmodifieddate":"2026-02-05T09:30:00.000Z","lastname":"Lovelace"},"createdAt":"2026-01-05T09:30:00.000Z","updatedAt":"2026-02-05T09:30:00.000Z","archived":false}"#;
const DETAILS: &str = r#"{"portalId":7,"accountType":"STANDARD","timeZone":"UTC","utcOffsetMilliseconds":0}"#;
const TOKEN_INFORMATION: &str = r#"{"userId":1,"hubId":7,"appId":1,"scopes":[]}"#;

/// A running stub, on one thread of its own. Stops with its value.
#[derive(Debug)]
pub struct Stub {
    base: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Stub {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
            runtime.block_on(async {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let listener = TcpListener::bind(address).await.expect("a port is free");
                tell.send(listener.local_addr().expect("it listens")).expect("the starter waits");
                tokio::select! {
                    () = serve(listener) => {}
                    _ended = stopped => {}
                }
            });
        });
        let address = told.recv().expect("the stub listens");
        Self { base: format!("http://{address}"), stop: Some(stop), thread: Some(thread) }
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // It has ended already if nobody hears.
        if let Some(stop) = self.stop.take() {
            // Whoever served may have ended already.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn serve(listener: TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.expect("connections can be taken");
        stream.set_nodelay(true).expect("a socket takes options");
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A connection that its client closes has ended well.
            drop(connection.await);
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A body is read, so that the connection can be used again; who sends half of one gets no answer of use.
    drop(body.collect().await);
    let path = head.uri.path();
    let text = if path.ends_with("/access-token-info") {
        TOKEN_INFORMATION
    } else if path.starts_with("/account-info/") {
        DETAILS
    } else {
        RECORD
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::control::Control;

    #[test]
    fn it_says_whose_token_it_is_and_one_record() {
        let stub = Stub::start();
        let control = Control::new(stub.base(), "any");
        let information = control.json(Method::POST, "/oauth/v2/private-apps/get/access-token-info", None);
        assert_eq!((information["hubId"].as_u64(), information["appId"].as_u64()), (Some(7), Some(1)));
        assert_eq!(control.json(Method::GET, "/crm/v3/owners/17", None)["id"], "17");
    }
}
