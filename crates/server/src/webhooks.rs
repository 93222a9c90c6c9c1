//! Where HubSpot delivers: `/webhooks/hubspot/{app}` and `/webhooks/workflow/{app}`.
//!
//! HubSpot takes any 2xx as "stored", and everything else as "try again later". So 204 is answered after the store has
//! answered, and never before.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::header::{ALLOW, HOST, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use linchpin_engine::ingress::{Delivery, Ingress, NotAccepted};
use linchpin_hubspot::id::AppId;
use linchpin_ports::event_log::Teller;
use tokio::sync::Semaphore;

use crate::gateway::FORWARDED_PROTO;

/// The largest body of a delivery, in bytes: a hundred events with long values.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Deliveries that may be on their way into the store at once; HubSpot sends ten of an account at a time.
pub const AT_ONCE_MAX: usize = 256;
/// What a busy server asks for, in seconds.
const RETRY_AFTER_SECONDS: u16 = 5;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Whoever is at the other end of a connection: put into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Under which address HubSpot knows this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Always this one, without a slash at its end: what stands before the path in HubSpot's settings.
    Fixed(String),
    /// As the proxies at these addresses forward it; from any other address, what the request says of itself.
    Forwarded(Vec<IpAddr>),
}

/// The paths that HubSpot delivers to.
pub struct Webhooks {
    ingress: Ingress,
    outside: Outside,
    room: Semaphore,
}

/// A path of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    teller: Teller,
    app: AppId,
}

/// Whether a path is one of ours; HubSpot owns all others below `/webhooks`.
pub(crate) fn is_path(path: &str) -> bool {
    ["/webhooks/hubspot/", "/webhooks/workflow/"].iter().any(|own| path.starts_with(own))
}

/// Which app's place a path is, if it is one.
pub(crate) fn place(path: &str) -> Option<Place> {
    let (teller, app) = match path.strip_prefix("/webhooks/")?.split_once('/')? {
        ("hubspot", app) => (Teller::Webhook, app),
        ("workflow", app) => (Teller::Workflow, app),
        _ => return None,
    };
    // Another spelling of the number would be another address to HubSpot.
    let plain = !app.is_empty() && !app.starts_with('0') && app.bytes().all(|byte| byte.is_ascii_digit());
    let app = app.parse().ok().filter(|_| plain).map(AppId)?;
    Some(Place { teller, app })
}

impl Webhooks {
    /// The paths, before a way in.
    pub fn new(ingress: Ingress, outside: Outside) -> Self {
        Self { ingress, outside, room: Semaphore::new(AT_ONCE_MAX) }
    }

    /// The way in, for its figures.
    pub fn ingress(&self) -> &Ingress {
        &self.ingress
    }

    /// Takes a delivery.
    pub(crate) async fn take(&self, place: Place, request: Request<Bytes>) -> Response<Bytes> {
        if request.method() != Method::POST {
            let mut response = told(StatusCode::METHOD_NOT_ALLOWED, "HubSpot delivers by POST");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let Ok(_room) = self.room.try_acquire() else {
            return later("too many deliveries are on their way into the store");
        };
        let url = self.url(&request);
        let (head, body) = request.into_parts();
        let delivery =
            Delivery { teller: place.teller, method: head.method.to_string(), url, headers: head.headers, body };
        match self.ingress.accept(place.app, delivery).await {
            Ok(accepted) => {
                tracing::debug!(app = place.app.0, ?accepted, "a delivery is stored");
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                response
            }
            Err(error) => refuse(place.app, &error),
        }
    }

    /// The address that HubSpot has called.
    fn url<B>(&self, request: &Request<B>) -> String {
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        match &self.outside {
            Outside::Fixed(base) => format!("{base}{path}"),
            Outside::Forwarded(proxies) => {
                let peer = request.extensions().get::<Peer>().map(|Peer(address)| address.ip().to_canonical());
                let trusted = peer.is_some_and(|peer| proxies.contains(&peer));
                let forwarded = |name| only(request.headers(), &name).filter(|_| trusted);
                let authority = request.uri().authority().map(http::uri::Authority::as_str);
                let host = forwarded(FORWARDED_HOST).or(authority).or_else(|| only(request.headers(), &HOST));
                let scheme = forwarded(FORWARDED_PROTO).unwrap_or("http");
                format!("{scheme}://{}{path}", host.unwrap_or_default())
            }
        }
    }
}

/// The one value of a header. A list, or two of them, would leave it to us whom to believe.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    (values.next().is_none() && !value.contains(',')).then_some(value)
}

fn refuse(app: AppId, error: &NotAccepted) -> Response<Bytes> {
    let (code, app) = (error.code(), app.0);
    let message = format!("Linchpin {code}: {error}");
    match error {
        NotAccepted::UnknownApp => told(StatusCode::NOT_FOUND, &message),
        NotAccepted::NotVerified(_) => {
            tracing::warn!(app, code, %error, "a delivery is refused");
            told(StatusCode::UNAUTHORIZED, &message)
        }
        NotAccepted::Store(cause) => {
            tracing::error!(app, code, error = cause as &dyn std::error::Error, "a delivery cannot be stored");
            later(&message)
        }
        NotAccepted::Slow => {
            tracing::error!(app, code, %error, "a delivery cannot be stored");
            later(&message)
        }
    }
}

/// HubSpot tries again what is not acknowledged.
fn later(message: &str) -> Response<Bytes> {
    let mut response = told(StatusCode::SERVICE_UNAVAILABLE, message);
    response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    response
}

fn told(status: StatusCode, message: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{message}\n")));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use linchpin_engine::clock::SystemClock;
    use linchpin_engine::news::Bell;
    use linchpin_store_sqlite::SqliteStore;

    use super::*;

    fn webhooks(outside: Outside) -> Webhooks {
        let log = SqliteStore::in_memory().expect("a store").stores().events;
        Webhooks::new(Ingress::new(Vec::new(), log, Arc::new(SystemClock::new()), Bell::default()), outside)
    }

    fn request(peer: &str, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::post("/webhooks/hubspot/9?a=%2F").body(()).expect("a request");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            request.headers_mut().append(name, value.parse().expect("a value"));
        }
        request.extensions_mut().insert(Peer(peer.parse().expect("an address")));
        request
    }

    #[test]
    fn a_path_is_an_apps_place_in_one_spelling_only() {
        let found = |path| place(path).map(|place| (place.teller, place.app.0));
        assert_eq!(found("/webhooks/hubspot/9"), Some((Teller::Webhook, 9)));
        assert_eq!(found("/webhooks/workflow/123"), Some((Teller::Workflow, 123)));
        let others = [
            "/webhooks/hubspot/",
            "/webhooks/hubspot/09",
            "/webhooks/hubspot/+9",
            "/webhooks/hubspot/9/",
            "/webhooks/v3/9",
            "/webhooks/hubspot",
            "/webhooks/hubspot/99999999999999999999",
        ];
        assert!(others.iter().all(|path| place(path).is_none()));
    }

    #[test]
    fn only_a_trusted_proxy_says_under_which_address_we_were_called() {
        let webhooks = webhooks(Outside::Forwarded(vec!["10.0.0.1".parse().expect("an address")]));
        let headers =
            [("host", "inner:4000"), ("x-forwarded-host", "hooks.example.test"), ("x-forwarded-proto", "https")];
        let outer = "https://hooks.example.test/webhooks/hubspot/9?a=%2F";
        assert_eq!(webhooks.url(&request("10.0.0.1:5000", &headers)), outer);
        assert_eq!(webhooks.url(&request("[::ffff:10.0.0.1]:5000", &headers)), outer);
        let inner = "http://inner:4000/webhooks/hubspot/9?a=%2F";
        assert_eq!(webhooks.url(&request("10.0.0.2:5000", &headers)), inner);
        // Somebody before the proxy has written the first of two.
        let twice = [headers[0], ("x-forwarded-host", "a.test, b.test"), ("x-forwarded-proto", "http"), headers[2]];
        assert_eq!(webhooks.url(&request("10.0.0.1:5000", &twice)), inner);
    }

    #[test]
    fn a_fixed_address_is_believed_whatever_the_request_says() {
        let webhooks = webhooks(Outside::Fixed("https://hooks.example.test/in".to_owned()));
        let headers = [("host", "evil.test"), ("x-forwarded-host", "evil.test")];
        let url = webhooks.url(&request("10.0.0.1:5000", &headers));
        assert_eq!(url, "https://hooks.example.test/in/webhooks/hubspot/9?a=%2F");
    }

    #[tokio::test]
    async fn other_methods_and_unknown_apps_are_refused() {
        let webhooks = webhooks(Outside::Forwarded(Vec::new()));
        let place = place("/webhooks/hubspot/9").expect("a place");
        let request = |method: Method| Request::builder().method(method).body(Bytes::new()).expect("a request");
        assert_eq!(webhooks.take(place, request(Method::GET)).await.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(webhooks.take(place, request(Method::POST)).await.status(), StatusCode::NOT_FOUND);
    }
}
