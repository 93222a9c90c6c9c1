//! `linchpin webhooks`: its commands and flags.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ConfigArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin webhooks plan
  linchpin webhooks apply")]
pub(crate) struct WebhooksArgs {
    #[command(subcommand)]
    pub(crate) what: WebhooksDo,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksDo {
    /// Show which subscriptions are missing, switched off, or not needed
    Plan(WebhooksPlanArgs),
    /// Make what is missing and switch on what is off; deletes nothing
    Apply(WebhooksApplyArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin webhooks plan
  linchpin webhooks plan --check                 exit code 1 if anything is missing: for schedules
  linchpin webhooks plan --app 7008 --json | tail -n 1
  linchpin webhooks plan --app-file src/app/webhooks/webhooks-hsmeta.json

HubSpot's API manages the webhooks of legacy public apps, with `webhooks.apps.APP.developer_key`.
Apps of the developer platform declare theirs in a file of their project: --app-file writes it.
Legacy private apps have theirs in HubSpot's settings alone.")]
pub(crate) struct WebhooksPlanArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The app; may be left out where only one is configured
    #[arg(long, value_name = "NUMBER")]
    pub(crate) app: Option<u64>,
    /// End with 1 if anything is missing, switched off or goes elsewhere
    #[arg(long, conflicts_with = "app_file")]
    pub(crate) check: bool,
    /// Ask HubSpot nothing: write the file that declares what is needed in a project of the developer platform
    #[arg(long, value_name = "FILE")]
    pub(crate) app_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  linchpin webhooks apply
  linchpin webhooks apply --replace-target       the events of this app have gone to another address until now")]
pub(crate) struct WebhooksApplyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The app; may be left out where only one is configured
    #[arg(long, value_name = "NUMBER")]
    pub(crate) app: Option<u64>,
    /// Let events go to Linchpin although they go to another address now
    #[arg(long)]
    pub(crate) replace_target: bool,
}
