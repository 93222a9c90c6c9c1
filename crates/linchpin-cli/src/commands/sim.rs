//! `linchpin sim`: serves a simulated HubSpot until it is stopped.

use std::net::{Ipv4Addr, SocketAddr};

use linchpin_simulator::limits::{Tier, WindowModel};
use linchpin_simulator::model::IndexLag as ModelLag;
use linchpin_simulator::{APP_ID_DEFAULT, OauthAppSpec, SimOptions, Simulator, StartError, StartFile, TokenSpec};
use serde::Serialize;

use crate::args::{IndexLag, OauthApp, SimArgs, SimTier, Window};
use crate::console::Console;
use crate::failure::{Code, Exit, Failure, chain};
use crate::stop;

/// The app id of the first `--oauth-app`; the next ones count on.
const OAUTH_APP_ID_FIRST: u64 = APP_ID_DEFAULT + 1;

#[derive(Serialize)]
struct Outcome<'a> {
    ok: bool,
    url: String,
    tokens: &'a [String],
    tier: String,
    seed: u64,
}

/// Serves.
pub(crate) async fn run(args: &SimArgs, console: &mut Console) -> Result<Exit, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let simulator = Simulator::start(&options(args)?, address).await.map_err(|error| unstarted(&error))?;
    if args.token.is_none() {
        for token in simulator.desk.tokens() {
            console.say(format!("token {token}"));
        }
    }
    let result = Outcome {
        ok: true,
        url: simulator.url(),
        tokens: simulator.desk.tokens(),
        tier: format!("{:?}", args.tier).to_lowercase(),
        seed: args.seed,
    };
    // Other programs wait for this line, so it comes when everything else is said, and with --json too.
    let listening = format!("listening on {}", simulator.url());
    if console.is_json() {
        console.line(&listening);
        console.result(&result);
    } else {
        console.line(&listening);
    }
    stop::signal().await;
    simulator.stop().await;
    Ok(Exit::Done)
}

fn options(args: &SimArgs) -> Result<SimOptions, Failure> {
    let mut options = SimOptions {
        tier: match args.tier {
            SimTier::Free => Tier::Free,
            SimTier::Starter => Tier::Starter,
            SimTier::Professional => Tier::Professional,
            SimTier::Enterprise => Tier::Enterprise,
            SimTier::Unlimited => Tier::Unlimited,
        },
        limit_increase: args.limit_increase,
        tokens: args.token.iter().map(|token| TokenSpec::new(token, APP_ID_DEFAULT)).collect(),
        oauth_apps: args.oauth_apps.iter().zip(OAUTH_APP_ID_FIRST..).map(app_spec).collect(),
        seed: args.seed,
        latency_ms: args.latency_ms,
        window: match args.window {
            Window::Exact => WindowModel::Exact,
            Window::Seconds => WindowModel::Seconds,
        },
        ..SimOptions::default()
    };
    options.portal.index_lag = match args.index_lag {
        IndexLag::Off => ModelLag::Off,
        IndexLag::Recorded => ModelLag::Recorded,
    };
    if let Some(path) = &args.load {
        options.start = load(path)?;
    }
    Ok(options)
}

fn app_spec((app, app_id): (&OauthApp, u64)) -> OauthAppSpec {
    OauthAppSpec::new(&app.client_id, &app.client_secret, app_id)
}

fn load(path: &std::path::Path) -> Result<StartFile, Failure> {
    let unreadable = |why: String| {
        Failure::new(
            Code::Setting,
            format!("--load {}: {why}", path.display()),
            "give a JSON file such as {\"seed\": {\"contacts\": 1000, \"companies\": 100}}",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    StartFile::parse(&text).map_err(|error| unreadable(error.to_string()))
}

fn unstarted(error: &StartError) -> Failure {
    match error {
        StartError::Listen { .. } => Failure::new(
            Code::Listen,
            chain(error),
            "stop the program that uses the port, or take another: --port 0 picks a free one",
        ),
        StartError::TimeZone(_)
        | StartError::Latency(_)
        | StartError::Token
        | StartError::TokenTwice
        | StartError::OauthApp
        | StartError::OauthAppTwice
        | StartError::RedirectUri(_)
        | StartError::Fault(_) => Failure::new(Code::Setting, chain(error), "see `linchpin sim --help`"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn options_of(flags: &[&str]) -> SimOptions {
        let cli = Cli::try_parse_from(["linchpin", "sim"].iter().chain(flags)).unwrap();
        let Command::Sim(args) = cli.command else { panic!("this is `sim`") };
        options(&args).unwrap()
    }

    #[test]
    fn every_flag_reaches_the_simulator() {
        let plain = options_of(&[]);
        assert_eq!((plain.tier, plain.limit_increase, plain.seed), (Tier::Professional, false, 0));
        assert!(plain.tokens.is_empty());
        let told = options_of(&[
            "--tier",
            "free",
            "--limit-increase",
            "--seed",
            "7",
            "--latency-ms",
            "80",
            "--window",
            "seconds",
            "--index-lag",
            "off",
            "--token",
            "pat-test-1",
            "--oauth-app",
            "client-1:secret:1",
            "--oauth-app",
            "client-2:secret-2",
        ]);
        assert_eq!((told.tier, told.limit_increase, told.seed, told.latency_ms), (Tier::Free, true, 7, 80));
        assert_eq!((told.window, told.portal.index_lag), (WindowModel::Seconds, ModelLag::Off));
        assert_eq!(told.tokens, [TokenSpec::new("pat-test-1", APP_ID_DEFAULT)]);
        let apps = [OauthAppSpec::new("client-1", "secret:1", 7_008), OauthAppSpec::new("client-2", "secret-2", 7_009)];
        assert_eq!(told.oauth_apps, apps);
    }

    #[test]
    fn an_oauth_app_needs_a_secret_and_printing_the_flags_does_not_show_it() {
        for text in ["client-1", "client-1:", ":secret-1"] {
            assert!(Cli::try_parse_from(["linchpin", "sim", "--oauth-app", text]).is_err(), "{text}");
        }
        let cli = Cli::try_parse_from(["linchpin", "sim", "--oauth-app", "client-1:secret-1"]).unwrap();
        let Command::Sim(args) = cli.command else { panic!("this is `sim`") };
        assert!(!format!("{args:?}").contains("secret-1"));
    }
}
