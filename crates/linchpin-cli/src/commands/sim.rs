//! `linchpin sim`: serves a simulated HubSpot until it is stopped.

use std::net::{Ipv4Addr, SocketAddr};

use linchpin_simulator::limits::{Profile, Tier, WindowModel};
use linchpin_simulator::model::IndexLag as ModelLag;
use linchpin_simulator::{APP_ID_DEFAULT, OauthAppSpec, SimOptions, Simulator, StartError, StartFile, TokenSpec};
use serde::Serialize;

use crate::args::{IndexLag, OauthApp, SimArgs, SimProfile, SimTier, Window};
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
    profile: Profile,
    seed: u64,
}

/// Serves.
pub(crate) async fn run(args: &SimArgs, console: &mut Console) -> Result<Exit, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let simulator = Simulator::start(&options(args)?, address).await.map_err(|error| unstarted(&error))?;
    if let (Some(path), Some(pem)) = (&args.tls_ca, &simulator.authority_pem) {
        write_authority(path, pem)?;
        console.say(format!("HTTPS on the same port; certificate to trust: {}", path.display()));
    }
    if args.token.is_empty() {
        for token in simulator.desk.tokens() {
            console.say(format!("token {token}"));
        }
    }
    let result = Outcome {
        ok: true,
        url: simulator.url(),
        tokens: simulator.desk.tokens(),
        tier: format!("{:?}", args.tier).to_lowercase(),
        profile: profile(args.profile),
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
    if args.state.is_none() {
        simulator.stop().await;
        return Ok(Exit::Done);
    }
    let saved = simulator.save_and_stop().await.map_err(|error| {
        Failure::new(Code::Write, chain(&error), "give --state a file in a folder that takes files and has room for it")
    })?;
    console.say(format!("kept {} records in {} ({} bytes)", saved.records, saved.file, saved.bytes));
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
        profile: profile(args.profile),
        tokens: (APP_ID_DEFAULT..).zip(&args.token).map(|(app, token)| TokenSpec::new(token, app)).collect(),
        oauth_apps: args.oauth_apps.iter().zip(OAUTH_APP_ID_FIRST..).map(app_spec).collect(),
        developer_key: args.developer_key.clone(),
        seed: args.seed,
        restore: args.restore.clone(),
        state: args.state.clone(),
        latency_ms: args.latency_ms,
        tls: args.tls_ca.is_some(),
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
    // Who wants reads to see every write at once wants that of schemas as well.
    options.portal.schema_lag = args.index_lag == IndexLag::Recorded;
    if let Some(path) = &args.load {
        options.start = load(path)?;
    }
    Ok(options)
}

fn profile(named: SimProfile) -> Profile {
    match named {
        SimProfile::Current => Profile::Current,
        SimProfile::Recorded2022 => Profile::Recorded2022,
    }
}

fn app_spec((app, app_id): (&OauthApp, u64)) -> OauthAppSpec {
    OauthAppSpec::new(&app.client_id, &app.client_secret, app_id)
}

fn load(path: &std::path::Path) -> Result<StartFile, Failure> {
    let unreadable = |why: String| {
        Failure::new(
            Code::Setting,
            format!("--load {}: {why}", path.display()),
            "give a JSON object with seed, faults, webhooks, settings or options, such as {\"seed\": {\"contacts\": 1000}}",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    StartFile::parse(&text).map_err(|error| unreadable(error.to_string()))
}

/// The certificate is public: whoever reads it can trust this simulator, not pose as it.
fn write_authority(path: &std::path::Path, pem: &str) -> Result<(), Failure> {
    std::fs::write(path, pem).map_err(|error| {
        Failure::new(
            Code::Write,
            format!("--tls-ca {}: {error}", path.display()),
            "give a file in a folder that is there and that you may write to",
        )
    })
}

fn unstarted(error: &StartError) -> Failure {
    match error {
        StartError::Listen { .. } => Failure::new(
            Code::Listen,
            chain(error),
            "stop the program that uses the port, or take another: --port 0 picks a free one",
        ),
        StartError::Restore { .. } => Failure::new(
            Code::Setting,
            chain(error),
            "give a file that `linchpin sim --state` wrote, or move it away to begin with a fresh account",
        ),
        StartError::RestoreAndState
        | StartError::TimeZone(_)
        | StartError::Latency(_)
        | StartError::RemainingCounters(_)
        | StartError::Settings(_)
        | StartError::Token
        | StartError::TokenTwice
        | StartError::OauthApp
        | StartError::OauthAppTwice
        | StartError::RedirectUri(_)
        | StartError::Seed(_)
        | StartError::Webhooks(_)
        | StartError::Tls(_)
        | StartError::Fault(_) => Failure::new(Code::Setting, chain(error), "see `linchpin sim --help`"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use linchpin_simulator::DeveloperKey;

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
            "--tls-ca",
            "ca.pem",
            "--token",
            "pat-test-1",
            "--state",
            "account.snapshot",
            "--oauth-app",
            "client-1:secret:1",
            "--oauth-app",
            "client-2:secret-2",
            "--developer-key",
            "developer-1",
        ]);
        assert_eq!((told.tier, told.limit_increase, told.seed, told.latency_ms), (Tier::Free, true, 7, 80));
        assert!(told.tls && !plain.tls);
        assert_eq!((told.window, told.portal.index_lag), (WindowModel::Seconds, ModelLag::Off));
        assert!(!told.portal.schema_lag);
        assert_eq!(told.tokens, [TokenSpec::new("pat-test-1", APP_ID_DEFAULT)]);
        assert_eq!((told.state, told.restore), (Some("account.snapshot".into()), None));
        let apps = [OauthAppSpec::new("client-1", "secret:1", 7_008), OauthAppSpec::new("client-2", "secret-2", 7_009)];
        assert_eq!(told.oauth_apps, apps);
        assert_eq!(told.developer_key, Some(DeveloperKey("developer-1".to_owned())));
        assert!(plain.developer_key.is_none());
    }

    #[test]
    fn the_profile_is_that_of_today_unless_another_is_named() {
        for (flags, expected) in [
            (&[][..], Profile::Current),
            (&["--profile", "current"], Profile::Current),
            (&["--profile", "2022"], Profile::Recorded2022),
        ] {
            assert_eq!(options_of(flags).profile, expected, "{flags:?}");
        }
        let error = Cli::try_parse_from(["linchpin", "sim", "--profile", "2021"]).unwrap_err().to_string();
        assert!(error.contains("current, 2022"), "{error}");
    }

    #[test]
    fn a_start_file_chooses_behaviours_and_an_unknown_key_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.json");
        let flags = ["--load", path.to_str().unwrap()];
        let text = r#"{"options": {"sample_records": true, "count_rejected": true, "remaining_counters": 3}}"#;
        std::fs::write(&path, text).unwrap();
        let chosen = options_of(&flags).start.options;
        assert_eq!((chosen.sample_records, chosen.count_rejected), (Some(true), Some(true)));
        assert_eq!(chosen.remaining_counters, Some(3));
        std::fs::write(&path, "{\"options\": {\n  \"sample_record\": true}}").unwrap();
        let cli = Cli::try_parse_from(["linchpin", "sim"].iter().chain(&flags)).unwrap();
        let Command::Sim(args) = cli.command else { panic!("this is `sim`") };
        let failure = options(&args).unwrap_err();
        let shown = failure.render();
        assert_eq!(failure.code(), "LP0014");
        for part in ["start.json", "unknown field `sample_record`", "`sample_records`", "line 2"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }

    #[test]
    fn a_certificate_that_cannot_be_written_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        write_authority(&folder.path().join("ca.pem"), "pem").unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("ca.pem")).unwrap(), "pem");
        let failure = write_authority(&folder.path().join("nowhere").join("ca.pem"), "pem").unwrap_err();
        assert_eq!(failure.code(), "LP0009");
        assert!(failure.render().contains("nowhere"), "{}", failure.render());
    }

    #[test]
    fn a_developer_key_is_no_blank_and_is_not_printed() {
        for text in ["", "two words"] {
            assert!(Cli::try_parse_from(["linchpin", "sim", "--developer-key", text]).is_err(), "{text}");
        }
        let cli = Cli::try_parse_from(["linchpin", "sim", "--developer-key", "developer-1"]).unwrap();
        assert!(!format!("{cli:?}").contains("developer-1"));
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
