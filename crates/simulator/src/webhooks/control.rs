//! What the control API shows of webhooks.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::Webhooks;
use super::app::{App, Hears, Subscription};

/// What became of workflow actions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ActionCounts {
    pub(super) fired: u64,
    pub(super) done: u64,
    pub(super) failed: u64,
    pub(super) retried: u64,
}

impl Webhooks {
    /// The totals since the start or the last reset.
    pub(crate) fn counts(&self) -> &super::WebhookCounts {
        &self.book.counts
    }

    /// Apps, options, faults and counts; no secret is shown.
    pub(crate) fn overview(&self) -> Value {
        let apps: Vec<Value> = self.apps.values().map(app_json).collect();
        let waiting: usize = self.apps.values().map(|app| app.queue.len()).sum();
        json!({
            "apps": apps, "delivery": self.delivery, "faults": self.faults, "counts": self.book.counts,
            "pending": {"events_waiting": waiting, "posts_under_way": self.posts.len(),
                        "actions_waiting": self.actions.len()},
            "workflow_actions": self.action_counts,
        })
    }

    /// Every event that is remembered, a JSON line each.
    pub(crate) fn event_lines(&self) -> impl Iterator<Item = Bytes> + Send + use<> {
        self.book.lines(self.change_flag())
    }
}

fn app_json(app: &App) -> Value {
    let portals = match &app.hears {
        Hears::Installed => "installed".into(),
        Hears::Listed(portals) => json!(portals),
    };
    let subscriptions: Vec<Value> = app.subscriptions.values().map(Subscription::json).collect();
    json!({
        "app_id": app.id, "portals": portals, "settings": app.settings_json(), "subscriptions": subscriptions,
        "events_waiting": app.queue.len(), "posts_under_way": app.in_flight,
    })
}
