//! What the builder takes and refuses, and what a store remembers.

use std::sync::Arc;

use linchpin::hubspot::account;
use linchpin::hubspot::id::{AppId, Install, PortalId};
use linchpin::{AppKind, CredentialKind, Credentials, CredentialsError, Error, Linchpin, Token};
use linchpin_simulator::PORTAL_ID_DEFAULT;

use crate::{APP, TOKEN, simulator, stat, towards};

#[tokio::test]
async fn a_builder_without_its_token_or_with_an_open_wire_is_refused_before_anything_is_sent() {
    let refused = |opened: Result<Linchpin, Error>| opened.expect_err("refused").code();
    let none = Linchpin::builder().open().await;
    assert_eq!(refused(none), "LP0004");
    let token = || Linchpin::builder().token(TOKEN.to_owned());
    for (base_url, expected) in
        [("http://sim.invalid", "LP0014"), ("sim", "LP0014"), ("https://u:p@sim.invalid", "LP0014")]
    {
        assert_eq!(refused(token().base_url(base_url).open().await), expected, "{base_url}");
    }
    assert_eq!(refused(token().reserve(0.95).open().await), "LP0014");
}

#[tokio::test]
async fn a_token_that_hubspot_does_not_know_opens_nothing() {
    let simulator = simulator().await;
    let opened = Linchpin::builder().token("pat-na1-wrong".to_owned()).base_url(simulator.url()).open().await;
    let error = opened.expect_err("a dead token");
    assert_eq!(error.code(), "LP3012");
    assert!(!format!("{error} {error:?}").contains("wrong"), "{error:?}");
    simulator.stop().await;
}

#[tokio::test]
async fn a_store_has_one_owner_and_remembers_whose_token_it_is() {
    let simulator = simulator().await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("linchpin.db");
    let first = towards(&simulator).store(&store).open().await.expect("an open door");
    let second = towards(&simulator).store(&store).open().await.expect_err("owned");
    assert_eq!(second.code(), "LP4003");
    first.close().await.expect("closed in good order");
    drop(second);
    let asked = stat(&simulator, "requests").await;
    let again = towards(&simulator).store(&store).open().await.expect("an open door");
    assert_eq!(stat(&simulator, "requests").await, asked, "it is known whose token this is");
    again.send(&account::Details).await.expect("an answer");
    again.close().await.expect("closed in good order");
    simulator.stop().await;
}

#[tokio::test]
async fn a_closed_door_lets_nothing_through_and_says_so() {
    let simulator = simulator().await;
    let hubspot = towards(&simulator).open().await.expect("an open door");
    hubspot.clone().close().await.expect("closed in good order");
    let late = hubspot.send(&account::Details).await.expect_err("closed");
    assert_eq!(late.code(), "LP3016");
    simulator.stop().await;
}

struct Vault;

#[async_trait::async_trait]
impl Credentials for Vault {
    async fn token(&self, _install: Install) -> Result<Token, CredentialsError> {
        Ok(Token { secret: TOKEN.into(), kind: CredentialKind::OAuth })
    }
}

#[tokio::test]
async fn credentials_from_elsewhere_open_the_door_of_their_install() {
    let simulator = simulator().await;
    let install = Install { portal: PortalId(PORTAL_ID_DEFAULT), app: AppId(APP) };
    let builder = Linchpin::builder().base_url(simulator.url());
    let hubspot = builder.credentials(install, AppKind::Public, Arc::new(Vault)).open().await.expect("an open door");
    assert_eq!(hubspot.install(), install);
    assert_eq!(hubspot.account().time_zone.as_deref(), Some("US/Eastern"));
    hubspot.create("contacts", [("email", "ada@example.test")]).await.expect("a record");
    simulator.stop().await;
}
