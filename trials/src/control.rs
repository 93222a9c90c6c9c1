//! A small blocking HTTP client for the simulator: its control API, and HubSpot's surface with the trial's token.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// No answer of a simulator takes longer, a list of a million events on a busy machine neither.
const ANSWER_LIMIT: Duration = Duration::from_secs(600);

/// A call with headers: method, path, headers, body.
pub type WithHeaders<'a> = (Method, &'a str, &'a [(&'static str, &'a str)], Option<Value>);

/// A client of one simulator.
#[derive(Debug)]
pub struct Control {
    runtime: Runtime,
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    token: String,
}

impl Control {
    /// A client of the simulator at `base` (`http://127.0.0.1:4010`), whose HubSpot calls carry `token`.
    ///
    /// # Panics
    /// If no runtime can be made.
    pub fn new(base: &str, token: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { runtime, client, base: base.to_owned(), token: token.to_owned() }
    }

    /// The simulator's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The text of a successful answer.
    ///
    /// # Panics
    /// If there is no answer, or none that says success.
    pub fn text(&self, method: Method, path: &str, body: Option<&Value>) -> String {
        let (status, text) = self.call(method, path, body);
        assert!(status.is_success(), "{path}: {status} {text}");
        text
    }

    /// The JSON of a successful answer.
    ///
    /// # Panics
    /// If there is none.
    pub fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        serde_json::from_str(&self.text(method, path, body)).expect("the simulator answers in JSON")
    }

    /// The JSON lines of a successful answer to a GET.
    ///
    /// # Panics
    /// If there are none.
    pub fn lines(&self, path: &str) -> Vec<Value> {
        let text = self.text(Method::GET, path, None);
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// Makes a call and gives its status and text.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        self.within_limit(self.answer(method, path, body))
    }

    /// Sends a form without the trial's token, and gives the JSON of the answer.
    ///
    /// # Panics
    /// If there is none that says success.
    pub fn form(&self, path: &str, form: &str) -> Value {
        let request = Request::post(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form.to_owned())))
            .expect("the trial's requests are well-formed");
        let answer = self.within_limit(self.send(request));
        assert!(answer.status().is_success(), "{path}: {} {:?}", answer.status(), answer.body());
        serde_json::from_slice(answer.body()).expect("the answer is JSON")
    }

    /// Makes many GETs at once, and gives status and text of each in their order.
    ///
    /// # Panics
    /// If one has no answer.
    pub fn get_together(&self, paths: &[String]) -> Vec<(StatusCode, String)> {
        let calls = paths.iter().map(|path| self.answer(Method::GET, path, None));
        self.within_limit(futures_util::future::join_all(calls))
    }

    /// Makes many calls with headers of their own at once, and gives the answers in their order.
    ///
    /// # Panics
    /// If one has no answer.
    pub fn exchange_together(&self, calls: &[WithHeaders<'_>]) -> Vec<Response<Bytes>> {
        let calls = calls.iter().map(|(method, path, headers, body)| {
            let mut request = self.request(method.clone(), path, body.as_ref());
            for (name, value) in *headers {
                let value = HeaderValue::from_str(value).expect("the trial's headers are well-formed");
                request.headers_mut().insert(HeaderName::from_static(name), value);
            }
            self.send(request)
        });
        self.within_limit(futures_util::future::join_all(calls))
    }

    fn within_limit<T>(&self, work: impl Future<Output = T>) -> T {
        let limited = self.runtime.block_on(async { tokio::time::timeout(ANSWER_LIMIT, work).await });
        limited.expect("the server answers in time")
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default())))
            .expect("the trial's requests are well-formed")
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let (head, body) = self.client.request(request).await.expect("the server answers").into_parts();
        Response::from_parts(head, body.collect().await.expect("the answer is complete").to_bytes())
    }

    async fn answer(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        let answer = self.send(self.request(method, path, body)).await;
        (answer.status(), String::from_utf8_lossy(answer.body()).into_owned())
    }
}
