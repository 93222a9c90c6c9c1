//! Creates the unique key properties that a plan needs, and waits until HubSpot shows them.

use std::collections::BTreeMap;
use std::time::Duration;

use linchpin_hubspot::errors::category;
use linchpin_hubspot::id::ObjectType;
use linchpin_hubspot::properties::{BatchCreate, List, NewProperty, PropertyType};
use linchpin_mapping::{Compiled, KeyProperty};

use super::{Context, SyncError, Watch};

/// How long a new property may stay invisible. It takes 250 to 700 ms on a quiet portal; schema reads of busy ones were
/// seen to lag for more than a minute.
const VISIBLE_AFTER_MAX: Duration = Duration::from_secs(120);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Creates what is missing; harmless to repeat.
pub(super) async fn create_key_properties(
    context: &Context,
    compiled: &Compiled,
    watch: &dyn Watch,
) -> Result<(), SyncError> {
    let mut by_type: BTreeMap<&ObjectType, Vec<&KeyProperty>> = BTreeMap::new();
    for property in compiled.key_properties_to_create() {
        by_type.entry(&property.object_type).or_default().push(property);
    }
    for (object_type, mut properties) in by_type {
        let visible = names(context, object_type).await?;
        properties.retain(|property| !visible.contains(&property.name));
        if properties.is_empty() {
            continue;
        }
        watch.note(&format!("creating {} key properties of {object_type}", properties.len()));
        create(context, object_type, &properties).await?;
        wait_until_visible(context, object_type, &properties).await?;
    }
    Ok(())
}

async fn names(context: &Context, object_type: &ObjectType) -> Result<Vec<String>, SyncError> {
    let list = List { object_type: object_type.clone(), archived: false };
    let failed = |source| SyncError::Hub { step: format!("read the properties of {object_type}"), source };
    Ok(context.hub.send(&list).await.map_err(failed)?.into_iter().map(|property| property.name).collect())
}

async fn create(context: &Context, object_type: &ObjectType, wanted: &[&KeyProperty]) -> Result<(), SyncError> {
    let new = |property: &&KeyProperty| NewProperty {
        name: property.name.clone(),
        label: property.label.clone(),
        property_type: PropertyType::String,
        field_type: "text".to_owned(),
        group_name: property.group.clone(),
        description: property.description.clone(),
        options: Vec::new(),
        has_unique_value: true,
    };
    let batch = BatchCreate { object_type: object_type.clone(), properties: wanted.iter().map(new).collect() };
    let failed = |source| SyncError::Hub { step: format!("create key properties of {object_type}"), source };
    let outcome = context.hub.send(&batch).await.map_err(failed)?;
    // Somebody else may have been faster; that it is unique is checked when the mapping is compiled.
    match outcome.errors.into_iter().find(|error| !error.is(category::OBJECT_ALREADY_EXISTS)) {
        None => Ok(()),
        Some(error) => Err(SyncError::KeyPropertyRefused { object: object_type.to_string(), reason: error.message }),
    }
}

async fn wait_until_visible(
    context: &Context,
    object_type: &ObjectType,
    wanted: &[&KeyProperty],
) -> Result<(), SyncError> {
    let until = context.clock.now().mono + VISIBLE_AFTER_MAX;
    loop {
        let visible = names(context, object_type).await?;
        let Some(missing) = wanted.iter().find(|property| !visible.contains(&property.name)) else { return Ok(()) };
        let now = context.clock.now().mono;
        if now >= until {
            let property = format!("{object_type}.{}", missing.name);
            return Err(SyncError::PropertyInvisible { property, waited_s: VISIBLE_AFTER_MAX.as_secs() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
