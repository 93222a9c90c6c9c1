//! Linchpin as a library, in thirty lines: `embedded BASE_URL TOKEN`.

use linchpin::hubspot::id::ObjectType;
use linchpin::hubspot::objects::CreateInput;
use linchpin::hubspot::search::{Compare, Filter, Search};
use linchpin::{Linchpin, Tier};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(base_url), Some(token)) = (arguments.next(), arguments.next()) else {
        return Err("usage: embedded BASE_URL TOKEN".into());
    };
    let hubspot = Linchpin::builder().token(token).base_url(base_url).tier(Tier::Professional).open().await?;

    let ada = hubspot.create("contacts", [("email", "ada@example.test"), ("city", "Oslo")]).await?;
    println!("created {}", ada.id);

    let contact = |number| CreateInput::of([("email", format!("c{number}@example.test")), ("city", "Bergen".into())]);
    let batched = hubspot.create_all("contacts", (0..250).map(contact).collect()).await;
    println!("created {} more in batches, {} failed", batched.results.len(), batched.failed.len());

    let mut listed = 0;
    let mut contacts = hubspot.list("contacts", &["email"]);
    while contacts.next().await?.is_some() {
        listed += 1;
    }
    println!("listed {listed}");

    let in_bergen = Filter::compare("city", Compare::Eq, "Bergen");
    let search = Search::of(ObjectType::new("contacts")).all_of([in_bergen]).showing(["email"]);
    println!("found {} in Bergen", hubspot.pages(search).all().await?.len());
    hubspot.close().await?;
    Ok(())
}
