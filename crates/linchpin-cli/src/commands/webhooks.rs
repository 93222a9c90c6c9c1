//! `linchpin webhooks`: which subscriptions an app needs, which it has, and what is missing.

use std::collections::BTreeSet;
use std::path::Path;

use linchpin_core::ingress::subscriptions::{NotOffered, Plan, Topic, app_file, offered};
use serde::Serialize;
use serde_json::Value;

use super::webhooks_view::{Outcome, render};
use crate::args::{WebhooksApplyArgs, WebhooksArgs, WebhooksDo, WebhooksPlanArgs};
use crate::config::{Config, ManagedApp};
use crate::console::Console;
use crate::failure::{Code, Exit, Failure};
use crate::stop;
use crate::wiring::Doors;
use crate::wiring::subscriptions::AppWebhooks;

/// The name of the component in a project, where a file has none yet.
const UID: &str = "linchpin-webhooks";

#[derive(Serialize)]
struct Written<'a> {
    ok: bool,
    app: u64,
    file: &'a Path,
    subscriptions: usize,
}

/// Plans or applies.
pub(crate) async fn run(args: &WebhooksArgs, console: &mut Console) -> Result<Exit, Failure> {
    let doors = Doors::default();
    let again = "run it again: what is there already is not made twice";
    let ended = match &args.what {
        WebhooksDo::Plan(args) => stop::droppable(plan(args, console, &doors), again).await,
        WebhooksDo::Apply(args) => stop::droppable(apply(args, console, &doors), again).await,
    };
    doors.close().await;
    ended?
}

async fn plan(args: &WebhooksPlanArgs, console: &mut Console, doors: &Doors) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let app = config.managed_app(args.app)?;
    if let Some(path) = &args.app_file {
        return file(&app, path, console);
    }
    let (wanted, not) = wanted(&app, false)?;
    let plan = AppWebhooks::open(&config, &app, doors).await?.plan(&wanted, &app.target).await?;
    console.say(render(&app, &plan, &not).trim_end());
    if !plan.is_done() {
        console.say(format!("`linchpin webhooks apply{}` does it.", config.flag()));
    }
    console.result(&Outcome::new(&app, &plan, &not, None));
    Ok(if args.check && !plan.is_done() { Exit::Failed } else { Exit::Done })
}

async fn apply(args: &WebhooksApplyArgs, console: &mut Console, doors: &Doors) -> Result<Exit, Failure> {
    let config = Config::load(&args.config)?;
    let app = config.managed_app(args.app)?;
    let (wanted, not) = wanted(&app, false)?;
    let webhooks = AppWebhooks::open(&config, &app, doors).await?;
    let plan = webhooks.plan(&wanted, &app.target).await?;
    console.say(render(&app, &plan, &not).trim_end());
    if let Some(other) = plan.other_target.as_ref().filter(|_| !args.replace_target) {
        return Err(Failure::of(
            "LP6303",
            Exit::Guarded,
            format!(
                "the events of app {} go to {other} now: whoever listens there would hear nothing any more",
                app.number
            ),
            "add --replace-target if that is what you want, or correct `webhooks.public_url`",
        ));
    }
    webhooks.apply(&plan).await?;
    // What HubSpot says afterwards counts, not what was sent.
    let left = webhooks.plan(&wanted, &app.target).await?;
    if !left.is_done() {
        return Err(unfinished(&app, &left));
    }
    let done = plan.create.len() + plan.activate.len() + usize::from(plan.settings.is_some());
    console.say(if done == 0 {
        "Nothing was to be done."
    } else {
        "Done. HubSpot takes up to five minutes to act on it."
    });
    console.result(&Outcome::new(&app, &left, &not, Some(done)));
    Ok(Exit::Done)
}

/// What the app is to be told and can be told.
fn wanted(app: &ManagedApp, custom: bool) -> Result<(BTreeSet<Topic>, Vec<NotOffered>), Failure> {
    if app.wanted.is_empty() {
        return Err(Failure::new(
            Code::Setting,
            format!("nothing says what app {} is to be told", app.number),
            format!("list it below `webhooks.apps.{}.subscriptions`, or write a mapping", app.number),
        ));
    }
    Ok(offered(app.wanted.clone(), custom))
}

/// Writes the file of a project of the developer platform. The name that a file has already stays: it is the
/// component's identity.
fn file(app: &ManagedApp, path: &Path, console: &mut Console) -> Result<Exit, Failure> {
    let (wanted, not) = wanted(app, true)?;
    let uid = match std::fs::read(path) {
        Ok(text) => uid_of(&text).ok_or_else(|| {
            Failure::new(
                Code::Write,
                format!("{} is no file of webhooks, and is left as it is", path.display()),
                "name the project's webhooks-hsmeta.json, or a file that is not there yet",
            )
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => UID.to_owned(),
        Err(error) => return Err(unwritten(path, &error)),
    };
    let mut text = serde_json::to_string_pretty(&app_file(&uid, &app.target, &wanted))
        .map_err(|error| Failure::internal("the file cannot be made", &error))?;
    text.push('\n');
    std::fs::write(path, text).map_err(|error| unwritten(path, &error))?;
    for NotOffered { topic, why } in &not {
        console.say(format!("! {} {}: {why}", topic.object, topic.kind.name()));
    }
    console.say(format!("Wrote {}. `hs project upload` brings it to HubSpot.", path.display()));
    console.result(&Written { ok: true, app: app.number, file: path, subscriptions: wanted.len() });
    Ok(Exit::Done)
}

/// The name in a file of webhooks.
fn uid_of(text: &[u8]) -> Option<String> {
    let file: Value = serde_json::from_slice(text).ok()?;
    let is_webhooks = file.get("type").and_then(Value::as_str) == Some("webhooks");
    file.get("uid").and_then(Value::as_str).filter(|uid| is_webhooks && !uid.is_empty()).map(str::to_owned)
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::Write,
        format!("cannot write {}: {error}", path.display()),
        "name a file in a folder that takes files",
    )
}

fn unfinished(app: &ManagedApp, left: &Plan) -> Failure {
    Failure::of(
        "LP6304",
        Exit::Failed,
        format!("HubSpot does not show everything that was done for app {}", app.number),
        "wait a minute and run `linchpin webhooks plan --check`",
    )
    .with_detail(render(app, left, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_webhooks_is_written_over() {
        assert_eq!(uid_of(br#"{"uid": "mine", "type": "webhooks", "config": {}}"#).as_deref(), Some("mine"));
        for other in [r#"{"uid": "mine", "type": "app"}"#, r#"{"type": "webhooks"}"#, "", "[]"] {
            assert_eq!(uid_of(other.as_bytes()), None, "{other}");
        }
    }
}
