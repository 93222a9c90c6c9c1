//! `linchpin audit`: what a running gateway says about its callers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use linchpin_server::admin::shapes::Usage;
use secrecy::SecretString;
use serde::Serialize;

use super::audit_view;
use crate::args::{AuditArgs, AuditOf, AuditUsageArgs};
use crate::config::{BaseUrl, Config};
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::stop;
use crate::wiring::admin;

#[derive(Serialize)]
struct Outcome {
    ok: bool,
    usage: Usage,
}

/// Asks, and shows.
pub(crate) async fn run(args: &AuditArgs, console: &mut Console) -> Result<Exit, Failure> {
    match &args.what {
        AuditOf::Usage(args) => {
            stop::droppable(usage(args, console), "run `linchpin audit usage` again; nothing was changed").await?
        }
    }
}

async fn usage(args: &AuditUsageArgs, console: &mut Console) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let (base, key) = reach(&config, args.url.as_ref())?;
    let usage: Usage = admin::get(&base, "/usage", &key).await?;
    console.say(audit_view::render(&usage).trim_end());
    console.result(&Outcome { ok: true, usage });
    Ok(Exit::Done)
}

/// Where the gateway is, and the key of its admin interface.
pub(super) fn reach(config: &Config, url: Option<&BaseUrl>) -> Result<(String, SecretString), Failure> {
    let Some(key) = config.admin_key()? else {
        return Err(Failure::of(
            "LP5201",
            Exit::Usage,
            format!("{} names no key for the admin interface", config.path.display()),
            "set `gateway.admin.key` to a reference such as `env:LINCHPIN_ADMIN_KEY`, and start `linchpin serve` again",
        ));
    };
    let listens = address(config.gateway().listen);
    Ok((url.map_or(listens, |url| url.as_str().to_owned()), key))
}

/// Where a gateway of this machine is reached that listens there.
fn address(listen: SocketAddr) -> String {
    let ip = if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_listens_everywhere_is_reached_on_this_machine() {
        for (listen, url) in [
            ("0.0.0.0:4000", "http://127.0.0.1:4000"),
            ("[::]:4000", "http://127.0.0.1:4000"),
            ("10.1.2.3:80", "http://10.1.2.3:80"),
            ("[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(address(listen.parse().unwrap()), url);
        }
    }
}
