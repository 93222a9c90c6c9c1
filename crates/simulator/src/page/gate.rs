//! Who may use the control API: programs on the desk, and the simulator's own page; no other site in a browser.
//!
//! The control API takes no token, so a page of another site must not reach it through somebody's browser: neither by
//! posting to it (its `Origin` tells), nor by giving its own name this machine's address (its `Host` tells). Programs
//! send neither header of a browser and are let through under any host.

use http::{HeaderMap, header};

use crate::wire::ApiRequest;

/// Why a browser's request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// It comes from another site's page.
    #[error("the control API does not answer pages of other sites: the request's Origin is not this address")]
    Origin,
    /// It asks under a name that may be anybody's.
    #[error("the control API answers browsers only under localhost or an IP address: open it by one of these")]
    Host,
}

/// Lets a request pass, or says why not.
pub(super) fn check(request: &ApiRequest) -> Result<(), Refused> {
    let text = |name| text(&request.headers, name);
    let host = text("host").unwrap_or_default();
    if is_browser(&request.headers) && !is_this_machine(host) {
        return Err(Refused::Host);
    }
    if let Some(origin) = text("origin") {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        return if authority == Some(host) { Ok(()) } else { Err(Refused::Origin) };
    }
    // A link from elsewhere may open the page, and shows its site nothing; anything else comes from the page itself.
    let is_opening = text("sec-fetch-mode") == Some("navigate") && request.method == http::Method::GET;
    match text("sec-fetch-site") {
        Some("cross-site" | "same-site") if !is_opening => Err(Refused::Origin),
        _ => Ok(()),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"))
}

/// Browsers say who they are in at least one of these ways; requests of a page to its own site have no `Origin`.
fn is_browser(headers: &HeaderMap) -> bool {
    let says_mozilla = text(headers, header::USER_AGENT.as_str()).is_some_and(|agent| agent.starts_with("Mozilla/"));
    says_mozilla || ["origin", "sec-fetch-site", "sec-fetch-mode"].iter().any(|name| headers.contains_key(*name))
}

/// Says whether a host is no name that somebody could point here: `localhost`, or an address.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderName, HeaderValue, Method};

    use super::*;

    fn asked(method: Method, headers: &[(&'static str, &'static str)]) -> Result<(), Refused> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        check(&ApiRequest {
            method,
            path: "/_control/faults".into(),
            query: String::new(),
            headers,
            body: Bytes::new(),
        })
    }

    #[test]
    fn programs_may_use_it_under_any_name() {
        for headers in [&[][..], &[("host", "simulator")], &[("host", "hub:4010"), ("user-agent", "curl/8.0")]] {
            assert_eq!(asked(Method::POST, headers), Ok(()));
        }
    }

    #[test]
    fn a_page_of_another_site_may_not_post() {
        let host = ("host", "127.0.0.1:4010");
        for origin in ["https://evil.example", "null", "http://127.0.0.1:4011", "http://localhost:4010"] {
            assert_eq!(asked(Method::POST, &[host, ("origin", origin)]), Err(Refused::Origin), "{origin}");
        }
        assert_eq!(asked(Method::POST, &[host, ("origin", "http://127.0.0.1:4010")]), Ok(()));
        assert_eq!(asked(Method::POST, &[("host", "[::1]:4010"), ("origin", "http://[::1]:4010")]), Ok(()));
        assert_eq!(asked(Method::GET, &[host, ("sec-fetch-site", "cross-site")]), Err(Refused::Origin));
    }

    #[test]
    fn a_name_that_anybody_could_point_here_is_refused_to_browsers() {
        let rebound = ("host", "evil.example:4010");
        assert_eq!(asked(Method::POST, &[rebound, ("origin", "http://evil.example:4010")]), Err(Refused::Host));
        assert_eq!(asked(Method::GET, &[rebound, ("user-agent", "Mozilla/5.0 (X11)")]), Err(Refused::Host));
        for host in ["localhost:4010", "sim.localhost", "192.168.1.5:4010", "[fe80::1]:4010"] {
            assert_eq!(asked(Method::GET, &[("host", host), ("user-agent", "Mozilla/5.0 (X11)")]), Ok(()), "{host}");
        }
        for host in ["localhost.evil.example", "127.0.0.1.evil.example", "[evil]", ""] {
            assert_eq!(
                asked(Method::GET, &[("host", host), ("user-agent", "Mozilla/5.0")]),
                Err(Refused::Host),
                "{host}"
            );
        }
    }

    #[test]
    fn a_link_from_elsewhere_may_open_the_page() {
        let link = [("host", "localhost:4010"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(asked(Method::GET, &link), Ok(()));
        assert_eq!(asked(Method::POST, &link), Err(Refused::Origin));
    }
}
