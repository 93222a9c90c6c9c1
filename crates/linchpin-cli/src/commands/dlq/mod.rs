//! `linchpin dlq`: dead letters of a running gateway, looked at, edited, replayed, dropped.
//!
//! One store has one owner, so nothing is read or written here: the gateway is asked through its admin interface.

mod edit;
mod view;

use std::io::{self, BufRead as _};

use bytes::Bytes;
use http::Method;
use linchpin_server::admin::dead_letters::{DeadLetter, DeadLetterDetail, DeadLetters, ReplayWanted, ReplayedLetters};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::audit::reach;
use super::sync::answered;
use crate::args::{DlqArgs, DlqDo, DlqDropArgs, DlqEditArgs, DlqListArgs, DlqOneArgs, DlqReplayArgs, GatewayArgs};
use crate::config::Config;
use crate::console::{self, Console};
use crate::failure::{Code, Exit, Failure};
use crate::stop;
use crate::wiring::admin;

/// Where dead letters are, below the admin interface.
const PATH: &str = "/dead-letters";

#[derive(Serialize)]
struct Listed {
    ok: bool,
    #[serde(flatten)]
    letters: DeadLetters,
}

#[derive(Serialize)]
struct Shown {
    ok: bool,
    dead_letter: DeadLetterDetail,
}

#[derive(Serialize)]
struct Edited {
    ok: bool,
    changed: bool,
    dead_letter: DeadLetter,
}

#[derive(Serialize)]
struct Replayed {
    ok: bool,
    #[serde(flatten)]
    letters: ReplayedLetters,
}

#[derive(Serialize)]
struct Dropped {
    ok: bool,
    dropped: String,
}

/// Does what is asked.
pub(crate) async fn run(args: &DlqArgs, console: &mut Console) -> Result<Exit, Failure> {
    let again = "look with `linchpin dlq list` how far it came, then run it again";
    match &args.what {
        DlqDo::List(args) => stop::droppable(list(args, console), again).await?,
        DlqDo::Show(args) => stop::droppable(show(args, console), again).await?,
        DlqDo::Edit(args) => stop::droppable(edit_one(args, console), again).await?,
        DlqDo::Replay(args) => stop::droppable(replay(args, console), again).await?,
        DlqDo::Drop(args) => stop::droppable(drop_one(args, console), again).await?,
    }
}

/// A running gateway.
struct Gateway {
    base: String,
    key: SecretString,
}

impl Gateway {
    fn of(args: &GatewayArgs) -> Result<Self, Failure> {
        let config = Config::load(&args.config)?;
        let (base, key) = reach(&config, args.url.as_ref())?;
        Ok(Self { base, key })
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, Failure> {
        admin::send(&self.base, method, &format!("{PATH}{path}"), &self.key, body).await
    }

    async fn letter(&self, id: &str) -> Result<DeadLetterDetail, Failure> {
        self.send(Method::GET, &format!("/{id}"), Bytes::new()).await
    }
}

async fn list(args: &DlqListArgs, console: &mut Console) -> Result<Exit, Failure> {
    let gateway = Gateway::of(&args.gateway)?;
    let mut query = vec![format!("limit={}", args.limit)];
    query.extend(args.status.map(|status| format!("status={status}")));
    query.extend(args.caller.as_deref().map(|caller| format!("caller={}", encoded(caller))));
    query.extend(args.before.map(|before| format!("before={before}")));
    let letters: DeadLetters = gateway.send(Method::GET, &format!("?{}", query.join("&")), Bytes::new()).await?;
    console.say(view::list(&letters).trim_end());
    console.result(&Listed { ok: true, letters });
    Ok(Exit::Done)
}

/// A value as part of a query.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    value.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn show(args: &DlqOneArgs, console: &mut Console) -> Result<Exit, Failure> {
    let dead_letter = Gateway::of(&args.gateway)?.letter(&args.id).await?;
    console.say(view::detail(&dead_letter).trim_end());
    console.result(&Shown { ok: true, dead_letter });
    Ok(Exit::Done)
}

async fn edit_one(args: &DlqEditArgs, console: &mut Console) -> Result<Exit, Failure> {
    let gateway = Gateway::of(&args.gateway)?;
    let before = gateway.letter(&args.id).await?;
    let body = edit::body(args, &before, console.is_interactive()).await?;
    let Some(body) = body else {
        console.say("The body is as it was: nothing is changed.");
        console.result(&Edited { ok: true, changed: false, dead_letter: before.letter });
        return Ok(Exit::Done);
    };
    let after: DeadLetterDetail = gateway.send(Method::PUT, &format!("/{}/body", args.id), body).await?;
    console.say(format!("Edited; the first body is kept beside it. Next: linchpin dlq replay {}", args.id));
    console.result(&Edited { ok: true, changed: true, dead_letter: after.letter });
    Ok(Exit::Done)
}

async fn replay(args: &DlqReplayArgs, console: &mut Console) -> Result<Exit, Failure> {
    let gateway = Gateway::of(&args.gateway)?;
    let DlqReplayArgs { id, status, caller, even_if_done, .. } = args;
    let wanted = ReplayWanted { status: *status, caller: caller.clone(), even_if_done: *even_if_done };
    let wanted =
        serde_json::to_vec(&wanted).map_err(|error| Failure::internal("the question cannot be written", &error))?;
    let path = id.as_ref().map_or_else(|| "/replay".to_owned(), |id| format!("/{id}/replay"));
    let letters: ReplayedLetters = gateway.send(Method::POST, &path, wanted.into()).await?;
    console.say(view::replayed(&letters).trim_end());
    let exit = match (letters.full, letters.guarded.is_empty()) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Done,
        (false, false) => Exit::Guarded,
    };
    console.result(&Replayed { ok: exit == Exit::Done, letters });
    Ok(exit)
}

async fn drop_one(args: &DlqDropArgs, console: &mut Console) -> Result<Exit, Failure> {
    let gateway = Gateway::of(&args.gateway)?;
    if !args.yes {
        let letter = gateway.letter(&args.id).await?;
        agreed(&letter.letter, console).await?;
    }
    gateway.send::<()>(Method::DELETE, &format!("/{}", args.id), Bytes::new()).await?;
    console.say("Dropped.");
    console.result(&Dropped { ok: true, dropped: args.id.clone() });
    Ok(Exit::Done)
}

/// Asks whether a letter may go for good.
async fn agreed(letter: &DeadLetter, console: &Console) -> Result<(), Failure> {
    let unanswered = |what: &str| Failure::new(Code::Unanswered, what, "give --yes if it may go for good");
    if !console.is_interactive() {
        return Err(unanswered("dropping a dead letter cannot be undone, and nobody can be asked here"));
    }
    console::note(&format!("{}\nDrop it for good, with its body? [y/N] ", letter.reason));
    let line = || {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    if answered(line).await? {
        return Ok(());
    }
    Err(unanswered("it is not dropped: the answer was not yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_name_fits_into_a_query() {
        assert_eq!(encoded("billing-2_a.b~"), "billing-2_a.b~");
        assert_eq!(encoded("a b&c=ü"), "a%20b%26c%3D%C3%BC");
    }
}
