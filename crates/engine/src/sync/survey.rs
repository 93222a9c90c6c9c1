//! Asks the portal what it is and what it has: identity, properties, owners, pipelines, association labels.

use std::collections::BTreeSet;

use linchpin_hubspot::account::{Details, TokenInfo};
use linchpin_hubspot::associations::{Direction, ListLabels};
use linchpin_hubspot::errors::{BodyKind, HubSpotError};
use linchpin_hubspot::id::{AppId, Install, ObjectType};
use linchpin_hubspot::properties::PropertyType;
use linchpin_hubspot::{owners, pipelines, properties};
use linchpin_mapping::{
    AssociationLabel, Choice, Owner, Pipeline, PortalSnapshot, Property, PropertyKind, Stage, SyncFile,
};
use secrecy::{ExposeSecret, SecretString};

use super::SyncError;
use crate::dispatch::DispatchError;
use crate::hub::{Hub, HubError};

/// Standard object types whose records move through pipelines.
const PIPELINE_TYPES: [&str; 2] = ["deals", "tickets"];

/// The account behind a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The portal and the app.
    pub install: Install,
    /// The account's time zone, as HubSpot names it (`US/Eastern`).
    pub time_zone: Option<String>,
    /// `STANDARD`, `SANDBOX`, `DEVELOPER_TEST`, ...
    pub kind: Option<String>,
}

/// Asks whose token it is.
///
/// # Errors
/// A dead token, an unreachable server, or an answer that leaves the app open, as [`SyncError::Hub`].
pub async fn identify(hub: &Hub, token: &SecretString) -> Result<Account, SyncError> {
    let details = ask(hub, &Details, "ask HubSpot whose token this is").await?;
    let told = hub.send(&TokenInfo::new(token.expose_secret())).await;
    let app = app_of(told.map(|info| info.app_id))
        .map_err(|source| SyncError::Hub { step: "ask HubSpot which app this is".to_owned(), source })?;
    Ok(Account {
        install: Install { portal: details.portal_id, app },
        time_zone: details.time_zone,
        kind: details.account_type,
    })
}

/// The app of a token that HubSpot has just accepted for the account's details.
///
/// Service keys and OAuth tokens are not known to the service that tells the app: theirs is 0. Everything is kept under
/// (portal, app), so only an answer about this kind of token may say so: a 429 or 500 that did would hide the store.
fn app_of(told: Result<AppId, HubError>) -> Result<AppId, HubError> {
    match told {
        Err(HubError::Refused(refused)) if is_of_no_app(&refused) => Ok(AppId(0)),
        Err(HubError::NoAnswer(DispatchError::DeadToken(Some(answer))))
            if is_of_no_app(&HubSpotError::from_answer(&answer)) =>
        {
            Ok(AppId(0))
        }
        told => told,
    }
}

/// Whether HubSpot itself (not something in front of it) says that it knows no app with such a token.
fn is_of_no_app(refused: &HubSpotError) -> bool {
    matches!(refused.status, 400 | 401 | 404) && refused.body == BodyKind::Json && refused.rate_limit().is_none()
}

async fn ask<E: linchpin_hubspot::endpoint::Endpoint>(
    hub: &Hub,
    endpoint: &E,
    step: &str,
) -> Result<E::Output, SyncError> {
    hub.send(endpoint).await.map_err(|source| SyncError::Hub { step: step.to_owned(), source })
}

/// What a mapping has to know of the portal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    object_types: BTreeSet<ObjectType>,
    associations: BTreeSet<(ObjectType, ObjectType)>,
}

impl Wanted {
    fn of(file: &SyncFile) -> Self {
        let object_of = |name: &str| file.entries.get(name).map(|entry| ObjectType::canonical(entry.object.as_str()));
        let mut wanted = Self::default();
        for (_, entry) in file.entries.iter() {
            let from = ObjectType::canonical(entry.object.as_str());
            let targets = entry.associations.iter().filter_map(|association| object_of(association.value.to.as_str()));
            wanted.associations.extend(targets.map(|to| (from.clone(), to)));
            wanted.object_types.insert(from);
        }
        wanted
    }
}

/// Reads what a mapping has to be checked against: a handful of metadata calls.
///
/// # Errors
/// The first call that fails, as [`SyncError::Hub`].
pub async fn survey(hub: &Hub, file: &SyncFile) -> Result<PortalSnapshot, SyncError> {
    let wanted = Wanted::of(file);
    let mut portal = PortalSnapshot { owners: all_owners(hub).await?, ..PortalSnapshot::default() };
    for object_type in &wanted.object_types {
        let list = properties::List { object_type: object_type.clone(), archived: false };
        let found = ask(hub, &list, &format!("read the properties of {object_type}"))
            .await
            .map_err(|error| unknown_object(object_type, error))?;
        let known = found.into_iter().map(|definition| (definition.name.clone(), property(definition))).collect();
        portal.properties.insert(object_type.clone(), known);
        if PIPELINE_TYPES.contains(&object_type.as_str()) {
            let list = pipelines::List { object_type: object_type.clone() };
            let found = ask(hub, &list, &format!("read the pipelines of {object_type}")).await?;
            portal.pipelines.insert(object_type.clone(), found.into_iter().map(pipeline).collect());
        }
    }
    for (from, to) in &wanted.associations {
        let direction = Direction { from: from.clone(), to: to.clone() };
        let found = ask(hub, &ListLabels { direction }, &format!("read the association labels of {from}")).await?;
        let labels = found
            .into_iter()
            .map(|one| AssociationLabel { association_type: one.association_type(), label: one.label });
        portal.association_labels.insert((from.clone(), to.clone()), labels.collect());
    }
    Ok(portal)
}

/// HubSpot answers 400 without a category when it cannot make out an object type.
fn unknown_object(object_type: &ObjectType, error: SyncError) -> SyncError {
    match &error {
        SyncError::Hub { source: HubError::Refused(refused), .. }
            if refused.status == 400 && refused.message.starts_with("Unable to infer object type") =>
        {
            SyncError::UnknownObject { object: object_type.to_string() }
        }
        _ => error,
    }
}

async fn all_owners(hub: &Hub) -> Result<Vec<Owner>, SyncError> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let list = owners::List { after, ..owners::List::default() };
        let page = ask(hub, &list, "read the owners").await?;
        let owner = |owner: owners::Owner| Owner { id: owner.id, email: owner.email, archived: owner.archived };
        found.extend(page.items.into_iter().map(owner));
        after = page.after;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn property(definition: properties::PropertyDefinition) -> Property {
    let kind = kind_of(definition.property_type, definition.is_multiple());
    let read_only = definition.is_read_only();
    let owner = definition.is_owner();
    // Options that HubSpot keeps elsewhere (owners, pipeline stages) come as an empty list.
    let closed = !definition.external_options && !owner && !definition.options.is_empty();
    let choice = |option: properties::PropertyOption| Choice { value: option.value, label: option.label };
    let options = closed.then(|| definition.options.into_iter().map(choice).collect());
    Property { label: definition.label, kind, options, owner, unique: definition.has_unique_value, read_only }
}

fn kind_of(property_type: PropertyType, multiple: bool) -> PropertyKind {
    match property_type {
        PropertyType::String | PropertyType::PhoneNumber => PropertyKind::Text,
        PropertyType::Number => PropertyKind::Number,
        PropertyType::Bool => PropertyKind::Bool,
        PropertyType::Enumeration if multiple => PropertyKind::MultiEnumeration,
        PropertyType::Enumeration => PropertyKind::Enumeration,
        PropertyType::Date => PropertyKind::Date,
        PropertyType::Datetime => PropertyKind::Datetime,
        PropertyType::Json | PropertyType::ObjectCoordinates | PropertyType::Other => PropertyKind::Other,
    }
}

fn pipeline(found: pipelines::Pipeline) -> Pipeline {
    let stage = |stage: pipelines::Stage| Stage { id: stage.id, label: stage.label };
    Pipeline { id: found.id, label: found.label, stages: found.stages.into_iter().map(stage).collect() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use linchpin_hubspot::answer::Answer;
    use linchpin_hubspot::endpoint::ApiError;

    use super::*;

    const JSON: &str = r#"{"status":"error","message":"no such token","correlationId":"1"}"#;

    fn refused(status: u16, body: &str) -> HubError {
        HubError::Refused(Box::new(HubSpotError::from_body(status, body.as_bytes())))
    }

    #[test]
    fn only_an_answer_about_the_kind_of_token_gives_app_zero() {
        for status in [400, 401, 404] {
            assert_eq!(app_of(Err(refused(status, JSON))).unwrap(), AppId(0), "{status}");
        }
        let answer = Answer { status: 401, headers: http::HeaderMap::new(), body: Bytes::from_static(JSON.as_bytes()) };
        let dead = DispatchError::DeadToken(Some(Box::new(answer)));
        assert_eq!(app_of(Err(HubError::NoAnswer(dead))).unwrap(), AppId(0), "the token was good a moment ago");
        assert_eq!(app_of(Ok(AppId(7))).unwrap(), AppId(7));
    }

    #[test]
    fn passing_trouble_never_changes_whose_data_it_is() {
        let limit = r#"{"status":"error","errorType":"RATE_LIMIT","policyName":"TEN_SECONDLY_ROLLING","message":"x"}"#;
        let troubles = [
            refused(429, limit),
            refused(400, limit),
            refused(500, JSON),
            refused(403, JSON),
            refused(404, "<html><title>404</title></html>"),
            refused(400, ""),
            HubError::Unreadable(ApiError::Decode { what: "token information", status: 200, line: 1, column: 1 }),
            HubError::NoAnswer(DispatchError::DeadToken(None)),
            HubError::NoAnswer(DispatchError::Shutdown),
        ];
        for trouble in troubles {
            let said = format!("{trouble:?}");
            assert!(app_of(Err(trouble)).is_err(), "{said}");
        }
    }
}
