//! What `linchpin webhooks` shows, for people and for programs.

use std::fmt::Write as _;

use linchpin_core::ingress::subscriptions::{NotOffered, Plan, Topic};
use linchpin_hubspot::webhooks::Subscription;
use serde::Serialize;

use crate::config::ManagedApp;
use crate::number::counted;

/// The result for programs.
#[derive(Serialize)]
pub(super) struct Outcome {
    ok: bool,
    app: u64,
    /// Nothing is missing.
    complete: bool,
    target: Target,
    create: Vec<TopicJson>,
    activate: Vec<SubscriptionJson>,
    superfluous: Vec<SubscriptionJson>,
    not_offered: Vec<NotOfferedJson>,
    fine: usize,
    /// How many steps were carried out; none when it was only planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<usize>,
}

#[derive(Serialize)]
struct Target {
    wanted: String,
    /// Where events go now, if it is elsewhere.
    other: Option<String>,
    set: bool,
}

#[derive(Serialize)]
struct TopicJson {
    object: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    event_type: String,
}

#[derive(Serialize)]
struct SubscriptionJson {
    id: String,
    event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_type_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    active: bool,
}

#[derive(Serialize)]
struct NotOfferedJson {
    #[serde(flatten)]
    topic: TopicJson,
    why: &'static str,
}

impl From<&Topic> for TopicJson {
    fn from(topic: &Topic) -> Self {
        Self {
            object: topic.object.to_string(),
            kind: topic.kind.name(),
            property: topic.property.clone(),
            event_type: topic.subscription().event_type,
        }
    }
}

impl From<&Subscription> for SubscriptionJson {
    fn from(subscription: &Subscription) -> Self {
        Self {
            id: subscription.id.clone(),
            event_type: subscription.event_type.clone(),
            object_type_id: subscription.object_type_id.clone(),
            property: subscription.property_name.clone(),
            active: subscription.active,
        }
    }
}

impl Outcome {
    pub(super) fn new(app: &ManagedApp, plan: &Plan, not: &[NotOffered], applied: Option<usize>) -> Self {
        Self {
            ok: true,
            app: app.number,
            complete: plan.is_done(),
            target: Target {
                wanted: app.target.clone(),
                other: plan.other_target.clone(),
                set: plan.settings.is_none(),
            },
            create: plan.create.iter().map(TopicJson::from).collect(),
            activate: plan.activate.iter().map(SubscriptionJson::from).collect(),
            superfluous: plan.superfluous.iter().map(SubscriptionJson::from).collect(),
            not_offered: not.iter().map(|not| NotOfferedJson { topic: (&not.topic).into(), why: not.why }).collect(),
            fine: plan.fine,
            applied,
        }
    }
}

/// The plan as people read it.
pub(super) fn render(app: &ManagedApp, plan: &Plan, not: &[NotOffered]) -> String {
    let mut text = String::new();
    let mut line =
        |sign: &str, words: String| writeln!(text, "{sign} {words}").expect("writing to a string does not fail");
    match (&plan.settings, &plan.other_target) {
        (None, _) => line(" ", format!("events go to {}", app.target)),
        (Some(_), None) => line("+", format!("events are to go to {}", app.target)),
        (Some(_), Some(other)) => line("!", format!("events go to {other}, not to {}", app.target)),
    }
    for topic in &plan.create {
        line("+", format!("create    {}", topic_name(topic)));
    }
    for subscription in &plan.activate {
        line("+", format!("switch on {}", subscription_name(subscription)));
    }
    for subscription in &plan.superfluous {
        line("?", format!("not needed here, and left alone: {}", subscription_name(subscription)));
    }
    for NotOffered { topic, why } in not {
        line("!", format!("{}: {why}", topic_name(topic)));
    }
    let missing = plan.create.len() + plan.activate.len();
    let what = if plan.is_done() {
        "nothing is missing".to_owned()
    } else {
        format!("{} to do", missing + usize::from(plan.settings.is_some()))
    };
    line(
        "\n=",
        format!("App {}: {} as they should be, {what}.", app.number, counted(plan.fine as u64, "subscription")),
    );
    text
}

fn topic_name(topic: &Topic) -> String {
    let property = topic.property.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    format!("{} {}{property}", topic.object, topic.kind.name())
}

fn subscription_name(subscription: &Subscription) -> String {
    let Subscription { id, event_type, property_name, object_type_id, active } = subscription;
    let of: Vec<String> =
        [property_name, object_type_id].into_iter().flatten().map(|part| format!(" {part}")).collect();
    let of = of.concat();
    format!("{event_type}{of} ({id}{})", if *active { "" } else { ", off" })
}
